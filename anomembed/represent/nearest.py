"""The compiled loop of `anomembed.represent.distances`, apart because it needs numba."""

# ruff: noqa: ANN001, ANN201
# mypy: ignore-errors

import numpy as np

from anomembed.represent.distances import ROUNDING
from anomembed.workers.compiled import compiled
from anomembed.workers.lanes import WIDE, larger_wide, load_wide, scaled_sum_wide, spread_wide, store_wide

AT_ONCE = 4  # references that are compared with `WIDE` records in one go: their sums fill the registers
HUGE = np.float32(3e38)


@compiled(error_model="numpy")
def add_nearest(records, references, half_square, total):
    """Add to the total of every record its distance to the nearest reference of each draw.

    |x - r|^2 = |x|^2 - 2 (x.r - |r|^2 / 2), so the nearest reference has the largest term in brackets. Each product is
    summed up in the order of the features.

    Parameters
    ----------
    records : ndarray of shape (n_records, n_features)
        Float32, as all others but `total`.
    references : ndarray of shape (n_draws, n_references * n_features)
        `n_references` is a multiple of `AT_ONCE`.
    half_square : ndarray of shape (n_draws, n_references)
        Half the squared length of each.
    total : ndarray of shape (n_records,)
        Float64.
    """
    n_records, n_features = records.shape
    features = np.empty(n_features * WIDE, np.float32)
    square, best = np.empty(WIDE, np.float32), np.empty(WIDE, np.float32)
    for start in range(0, n_records, WIDE):
        n_here = min(WIDE, n_records - start)
        turn(records, start, n_here, features, square)
        for draw in range(len(references)):
            compare(features, references[draw], half_square[draw], best)
            for b in range(n_here):
                away = square[b] - np.float32(2.0) * best[b]
                total[start + b] += np.sqrt(away) if away > ROUNDING * square[b] else np.float32(0.0)


@compiled()
def turn(records, start, n_here, features, square):
    """Put the first feature of `WIDE` records before the second one, and sum up the squares."""
    square[:] = np.float32(0.0)
    features[:] = np.float32(0.0)
    for b in range(n_here):
        for k in range(records.shape[1]):
            value = records[start + b, k]
            features[k * WIDE + b] = value
            square[b] += value * value


@compiled(error_model="numpy")
def compare(features, references, half_square, best):
    """Find the largest of x.r - |r|^2 / 2, for `WIDE` records."""
    n_features = len(features) // WIDE
    most = spread_wide(-HUGE)
    for j in range(0, len(half_square), AT_ONCE):
        first = j * n_features
        second, third, fourth = first + n_features, first + 2 * n_features, first + 3 * n_features
        a, b = spread_wide(-half_square[j]), spread_wide(-half_square[j + 1])
        c, d = spread_wide(-half_square[j + 2]), spread_wide(-half_square[j + 3])
        for k in range(n_features):
            x = load_wide(features, k * WIDE)
            a = scaled_sum_wide(references[first + k], x, a)
            b = scaled_sum_wide(references[second + k], x, b)
            c = scaled_sum_wide(references[third + k], x, c)
            d = scaled_sum_wide(references[fourth + k], x, d)
        most = larger_wide(most, larger_wide(larger_wide(a, b), larger_wide(c, d)))
    store_wide(best, 0, most)
