"""One pass of CBOW through the sequences."""

# ruff: noqa: ANN001, ANN201
# mypy: ignore-errors

import numpy as np

from anomembed.represent.embeddings.kernels.negative_sampling import (
    draw_outputs,
    fit_outputs,
    make_room,
    start_loss,
    total_loss,
)
from anomembed.represent.embeddings.kernels.reading import length_of_longest, share_of_different, take
from anomembed.represent.embeddings.kernels.rows import FROZEN, ONE, clear, mean_between, pull, put_sum, sum_between
from anomembed.workers.compiled import compiled
from anomembed.workers.lanes import LANES, load, scaled_sum, store


@compiled(error_model="numpy")
def train_cbow(
    vectors, contexts, order, rate, last_rate, state, events, starts, window, shuffled,
    _part_starts, _parts, column_of, offsets, noise, negatives, pulls, anchors,
):  # fmt: skip
    """Predict each token from the mean of its context. Returns loss and predictions."""
    longest = length_of_longest(starts)
    width = vectors.shape[1]
    sums, moves = np.zeros((longest + 1, width), np.float32), np.zeros((longest + 1, width), np.float32)
    middle, tokens = np.empty((1, width), np.float32), np.empty(longest, np.int64)
    outputs, pairs = np.empty(negatives + 1, np.int64), make_room(negatives + 1)
    loss, n_targets = start_loss(), 0
    for turn in range(len(order)):
        now = np.float32(rate + (last_rate - rate) * turn / len(order))
        start, stop = starts[order[turn]], starts[order[turn] + 1]
        length = stop - start
        state = take(tokens, events, start, stop, window, shuffled, state)
        if not shuffled:
            now *= np.float32(share_of_different(tokens, length))
        for position in range(length):
            put_sum(sums, position + 1, sums, position, vectors, tokens[position])
        for position in range(length):
            first, last = max(0, position - window), min(length, position + window + 1)
            n_targets += 1
            mean_between(middle, sums, first, last, vectors, tokens[position])
            clear(moves, position + 1)
            state = draw_outputs(outputs, tokens[position], column_of, offsets, noise, state)
            fit_outputs(middle, moves, position + 1, 0, 1, 1, contexts, outputs, 0, negatives + 1, now, pairs, loss)
        spread(vectors, moves, sums, tokens, length, window, now, pulls, anchors)
    return total_loss(loss, negatives), n_targets


@compiled()
def spread(vectors, moves, sums, tokens, length, window, rate, pulls, anchors):
    """Apply to each token the moves of all positions whose context it was in; `moves` starts at its second row."""
    for position in range(length):
        put_sum(sums, position + 1, sums, position, moves, position + 1)
    for position in range(length):
        row = tokens[position]
        if pulls[row] < FROZEN:
            first, last = max(0, position - window), min(length, position + window + 1)
            for start in range(0, vectors.shape[1], LANES):
                total = sum_between(sums, first, last, moves, position + 1, start)
                at = row * vectors.shape[1] + start
                store(vectors, at, scaled_sum(ONE, total, load(vectors, at)))
            pull(vectors, row, rate * pulls[row], anchors)
