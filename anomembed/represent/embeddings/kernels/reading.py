"""Read the tokens of a sequence, in order or shuffled."""

# ruff: noqa: ANN001, ANN201
# mypy: ignore-errors

import numpy as np

from anomembed.workers.compiled import compiled


@compiled()
def length_of_longest(starts):
    """Return the length of the longest sequence."""
    longest = 0
    for position in range(len(starts) - 1):
        longest = max(longest, starts[position + 1] - starts[position])
    return longest


@compiled()
def take(tokens, events, start, stop, window, shuffled, state):
    """Copy a sequence; shuffle a record wider than the window, so that all its values meet over the epochs."""
    length = stop - start
    for position in range(length):
        tokens[position] = events[start + position]
    if shuffled and length - 1 > window:
        for position in range(length - 1, 0, -1):
            state = state * np.uint64(6364136223846793005) + np.uint64(1442695040888963407)
            other = np.int64(((state >> np.uint64(32)) * np.uint64(position + 1)) >> np.uint64(32))
            tokens[position], tokens[other] = tokens[other], tokens[position]
    return state


@compiled()
def share_of_different(tokens, length):
    """Return the share of distinct events: the steps of an event that repeats itself add up."""
    different = 0
    for position in range(length):
        is_new = 1
        for before in range(position):
            if tokens[before] == tokens[position]:
                is_new = 0
                break
        different += is_new
    return different / length
