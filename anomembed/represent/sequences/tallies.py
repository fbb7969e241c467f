"""Sum weights by key, and find keys: in hash tables, which is several times as fast as sorting and bisecting.

A hash table is an array of slots. Each holds the index of a key or -1; at least half of them are empty.
"""

import numpy as np
from numpy.typing import NDArray

from anomembed.represent.arrays import Floats, Ints
from anomembed.workers.compiled import compiled

GOLDEN = -7046029254386353131  # 2^64 over the golden ratio, as a signed number: spreads keys over the slots

Slots = NDArray[np.int32]


def sum_by_key(keys: Ints, weights: Floats) -> tuple[Ints, Floats]:
    """Return the keys that occur, ascending, and the sum of the weights of each; weights are above 0."""
    found, sums = np.empty(len(keys), np.int64), np.zeros(len(keys))
    n_found = _gather(keys, weights, _no_slots(len(keys)), found, sums)
    order = np.argsort(found[:n_found])
    return found[order], sums[order]


def tally(keys: Ints, weights: Floats, size: int) -> Floats:
    """Return the sum of the weights of every key below `size`."""
    return np.asarray(np.bincount(keys, weights, minlength=size), np.float64)


def hashed(keys: Ints) -> Slots:
    """Return the hash table of distinct keys."""
    slots = _no_slots(len(keys))
    _fill(keys, slots)
    return slots


def _no_slots(n_keys: int) -> Slots:
    return np.full(2 << n_keys.bit_length(), -1, np.int32)


@compiled()
def find(keys: Ints, slots: Slots, key: int) -> int:
    """Return the index of a key, or -1."""
    return int(slots[_slot(keys, slots, key)])


@compiled()
def _fill(keys: Ints, slots: Slots) -> None:
    for index in range(len(keys)):
        slots[_slot(keys, slots, keys[index])] = index


@compiled()
def _gather(keys: Ints, weights: Floats, slots: Slots, found: Ints, sums: Floats) -> int:
    """Sum the weights of every key in the order in which the keys are found; return their number."""
    n_found = 0
    for event in range(len(keys)):
        at = _slot(found, slots, keys[event])
        if slots[at] < 0:
            slots[at] = n_found
            found[n_found] = keys[event]
            n_found += 1
        sums[slots[at]] += weights[event]
    return n_found


@compiled()
def _slot(keys: Ints, slots: Slots, key: int) -> int:
    """Return the slot that a key is in, or the empty one that it belongs into."""
    product = key * GOLDEN
    at = (product ^ (product >> 32)) & (len(slots) - 1)  # the upper half of a product is the well mixed one
    while slots[at] >= 0 and keys[slots[at]] != key:
        at = (at + 1) & (len(slots) - 1)
    return at
