"""Arithmetic on whole rows of float32 matrices, sixteen numbers at a time."""

# ruff: noqa: ANN001, ANN201
# mypy: ignore-errors

import numpy as np
from numba import njit

from anomembed.workers.compiled import compiled
from anomembed.workers.lanes import LANES, load, scaled_sum, spread, store

ONE, NONE, FROZEN = np.float32(1), np.float32(0), np.float32(np.inf)


@compiled()
def add_row(rows, row, scale, others, other):
    """Add `scale` times the row `other` of `others` to a row."""
    width = rows.shape[1]
    for start in range(0, width, LANES):
        summed = scaled_sum(scale, load(others, other * width + start), load(rows, row * width + start))
        store(rows, row * width + start, summed)


@compiled()
def put_sum(rows, row, first, first_row, second, second_row):
    """Set a row to the sum of a row of `first` and a row of `second`."""
    width = rows.shape[1]
    for start in range(0, width, LANES):
        summed = scaled_sum(ONE, load(first, first_row * width + start), load(second, second_row * width + start))
        store(rows, row * width + start, summed)


@compiled()
def clear(rows, row):
    """Set a row to zero."""
    width = rows.shape[1]
    for start in range(0, width, LANES):
        store(rows, row * width + start, spread(NONE))


@njit(inline="always")
def sum_between(sums, first, last, rows, without, start):
    """Return 16 numbers of the sum of rows `first` to `last`, from running sums, less the row `without`."""
    width = sums.shape[1]
    total = scaled_sum(-ONE, load(sums, first * width + start), load(sums, last * width + start))
    return scaled_sum(-ONE, load(rows, without * width + start), total)


@compiled()
def mean_between(middle, sums, first, last, vectors, token):
    """Set `middle` to the mean vector of a token's context, from running sums."""
    width, part = vectors.shape[1], np.float32(1.0 / (last - first - 1))
    for start in range(0, width, LANES):
        total = sum_between(sums, first, last, vectors, token, start)
        store(middle, start, scaled_sum(part, total, spread(NONE)))


@compiled()
def pull(vectors, row, strength, anchors):
    """Move a vector towards its anchor."""
    if strength > NONE:
        part = min(strength, ONE)
        add_row(vectors, row, -part, vectors, row)
        add_row(vectors, row, part, anchors, row)
