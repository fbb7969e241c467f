"""Sum weights by key."""

import numpy as np

from anomembed.represent.arrays import Floats, Ints

MOST_DENSE = 2**24  # possible keys up to which each has a cell of its own, which saves searching


def sum_by_key(keys: Ints, weights: Floats, n_possible: int) -> tuple[Ints, Floats]:
    """Return the keys that occur, ascending, and the sum of the weights of each; weights are above 0."""
    if n_possible <= min(MOST_DENSE, 16 * len(keys)):
        sums = tally(keys, weights, n_possible)
        found = np.flatnonzero(sums)
        return found, sums[found]
    found, index = np.unique(keys, return_inverse=True)
    return found, tally(index, weights, len(found))


def tally(keys: Ints, weights: Floats, size: int) -> Floats:
    """Return the sum of the weights of every key below `size`."""
    return np.asarray(np.bincount(keys, weights, minlength=size), np.float64)
