"""Counted n-grams of one length, where they are quickly found."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from anomembed.represent.arrays import Floats, Ints
from anomembed.represent.sequences.tallies import Slots, find, hashed, tally
from anomembed.workers.compiled import compiled


class Level(NamedTuple):
    """The n-grams of one length and their contexts, which are all events but the last, each with its slots.

    Parameters
    ----------
    grams, times, slots : ndarray
        The n-grams as numbers, how often each occurs, and from `hashed`.
    of_gram : ndarray
        Index of each n-gram's context.
    contexts, context_slots : ndarray
        The contexts as numbers, and from `hashed`.
    total, followers : ndarray
        How often each context occurs, and how many distinct events follow it.
    """

    grams: Ints
    times: Floats
    slots: Slots
    of_gram: Ints
    contexts: Ints
    context_slots: Slots
    total: Floats
    followers: Floats


def make_level(grams: Ints, times: Floats, base: int) -> Level:
    """Return the level of n-grams whose numbers have a digit per event, to the given base."""
    contexts, of_gram = np.unique(grams // base, return_inverse=True)
    total, followers = (tally(of_gram, weights, len(contexts)) for weights in (times, np.ones(len(grams))))
    return Level(grams, times, hashed(grams), of_gram, contexts, hashed(contexts), total, followers)


@compiled()
def blend(level: Level, key: Ints, base: int, own: float, chance: Floats, is_open: NDArray[np.bool_]) -> None:
    """Replace the chance of events after fewer events by the one after as many as this level has.

    Parameters
    ----------
    level : Level
        What was counted.
    key : ndarray of shape (n_events,)
        N-grams that end in the events.
    base : int
        Of their digits.
    own : float
        Subtracted from every count.
    chance : ndarray of shape (n_events,)
        The chances so far; changed.
    is_open : ndarray of shape (n_events,)
        Whether all shorter contexts were seen; changed. With one event more, a context that was never seen is not seen
        either.
    """
    for event in range(len(key)):
        if not is_open[event]:
            continue
        gram = find(level.grams, level.slots, key[event])
        if gram >= 0:  # most n-grams are known, and so is their context
            context, seen = level.of_gram[gram], max(level.times[gram] - own, 0.0)
        else:
            context, seen = find(level.contexts, level.context_slots, key[event] // base), 0.0
        is_open[event] = context >= 0
        if context >= 0:
            here, many = max(level.total[context] - own, 0.0), level.followers[context]
            chance[event] = (seen + many * chance[event]) / (here + many)
