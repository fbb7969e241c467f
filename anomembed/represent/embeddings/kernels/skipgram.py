"""One pass of skip-gram through the sequences, also with subwords."""

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
from anomembed.represent.embeddings.kernels.rows import FROZEN, ONE, add_row, clear, pull
from anomembed.workers.compiled import compiled

COMPANY = 4.0  # contexts beyond which the step is shortened: each of them moves the vector in the same turn


@compiled(error_model="numpy")
def train_skipgram(
    vectors, contexts, order, rate, last_rate, state, events, starts, window, shuffled,
    part_starts, parts, column_of, offsets, noise, negatives, pulls, anchors,
):  # fmt: skip
    """Predict each token's context, one by one; an input is the mean of its token's parts. Returns loss and pairs."""
    longest = length_of_longest(starts)
    inputs, moves = np.empty((2, longest, vectors.shape[1]), np.float32)
    outputs, tokens = np.empty(negatives + 1, np.int64), np.empty(longest, np.int64)
    pairs = make_room(longest)
    loss, n_pairs = start_loss(), 0
    for turn in range(len(order)):
        start, stop = starts[order[turn]], starts[order[turn] + 1]
        length = stop - start
        now = np.float32(rate + (last_rate - rate) * turn / len(order))
        now *= np.float32(COMPANY / max(COMPANY, min(2 * window, length - 1)))
        state = take(tokens, events, start, stop, window, shuffled, state)
        if not shuffled:
            now *= np.float32(share_of_different(tokens, length))
        gather(inputs, moves, tokens, length, part_starts, parts, vectors)
        for position in range(length):
            first, last = max(0, position - window), min(length, position + window + 1)
            n_pairs += last - first - 1
            state = draw_outputs(outputs, tokens[position], column_of, offsets, noise, state)
            for output in range(negatives + 1):
                fit_outputs(
                    inputs, moves, 0, first, position, last - first - 1, contexts, outputs, output, output + 1, now,
                    pairs, loss,
                )  # fmt: skip
        scatter(vectors, moves, tokens, length, part_starts, parts, now, pulls, anchors)
    return total_loss(loss, negatives), n_pairs


@compiled()
def gather(inputs, moves, tokens, length, part_starts, parts, vectors):
    """Set `inputs` to the input vectors of a sequence, and `moves` to zero."""
    for position in range(length):
        clear(inputs, position)
        clear(moves, position)
        low, high = part_starts[tokens[position]], part_starts[tokens[position] + 1]
        for part in range(low, high):
            add_row(inputs, position, np.float32(1.0 / (high - low)), vectors, parts[part])


@compiled()
def scatter(vectors, moves, tokens, length, part_starts, parts, rate, pulls, anchors):
    """Apply the moves of each token to all of its parts."""
    for position in range(length):
        for part in range(part_starts[tokens[position]], part_starts[tokens[position] + 1]):
            row = parts[part]
            if pulls[row] < FROZEN:
                add_row(vectors, row, ONE, moves, position)
                pull(vectors, row, rate * pulls[row], anchors)
