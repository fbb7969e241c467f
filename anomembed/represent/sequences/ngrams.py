"""Count which events follow which. Counts of n-grams add: day 1 + day 2 are the counts of both days."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from anomembed.represent.arrays import Floats, Ints
from anomembed.represent.keys import find_keys
from anomembed.represent.sequences.events import Sequences
from anomembed.represent.sequences.tallies import MOST_DENSE, sum_by_key, tally

LONGEST_GRAM = 3  # events of an n-gram: the two before predict the third
HALF = 0.5  # added to the count of every single event, so that nothing is impossible


@dataclass(frozen=True)
class NGrams:
    """Counts of one to `LONGEST_GRAM` consecutive events, start and end included.

    Parameters
    ----------
    n_tokens : int
        Size of the vocabulary; the start and the end of a sequence are the two ids after it.
    grams : tuple of ndarray
        For every length, the n-grams that occur, as ascending numbers with a digit per event.
    times : tuple of ndarray
        How often each occurs.
    """

    n_tokens: int
    grams: tuple[Ints, ...]
    times: tuple[Floats, ...]

    @property
    def base(self) -> int:
        """Number of tokens, including start and end."""
        return self.n_tokens + 2

    def __add__(self, other: "NGrams") -> "NGrams":
        parts = [
            sum_by_key(np.concatenate(grams), np.concatenate(times), self.base**size)
            for size, (grams, times) in enumerate(
                zip(zip(self.grams, other.grams, strict=True), zip(self.times, other.times, strict=True), strict=True),
                1,
            )
        ]
        return NGrams(self.n_tokens, tuple(grams for grams, _ in parts), tuple(times for _, times in parts))

    @cached_property
    def contexts(self) -> tuple[tuple[Ints, Ints, Floats, Floats], ...]:
        """For every length: the contexts (all events but the last), and the index of each n-gram's context among them.

        Then how often each context occurs, and how many distinct events follow it.
        """
        found = []
        for grams, times in zip(self.grams, self.times, strict=True):
            context, index = np.unique(grams // self.base, return_inverse=True)
            followers = tally(index, np.ones(len(index)), len(context))
            found.append((context, index, tally(index, times, len(context)), followers))
        return tuple(found)

    @cached_property
    def indices(self) -> tuple[NDArray[np.int32] | None, ...]:
        """For every length: the index of every possible n-gram among those that occur, -1 for those that do not.

        None where too many are possible.
        """
        found: list[NDArray[np.int32] | None] = []
        for size, grams in enumerate(self.grams, 1):
            index = None
            if self.base**size <= MOST_DENSE:
                index = np.full(self.base**size, -1, np.int32)
                index[grams] = np.arange(len(grams), dtype=np.int32)
            found.append(index)
        return tuple(found)

    def surprise(self, sequences: Sequences, own: float) -> tuple[Floats, Ints]:
        """Return -log of the chance of every event after those before it, in nats; high = unexpected.

        The chance after two events is smoothed with the chance after one, and that with the chance of the event alone;
        the more distinct events follow, the stronger the smoothing [1]_.

        Parameters
        ----------
        sequences : Sequences
            Sequences; the end of each counts as an event.
        own : float
            Subtracted from every count: 1 when these very sequences were counted, so that none vouches for itself.

        Returns
        -------
        surprise : ndarray of shape (n_events + n_sequences,)
        starts : ndarray of shape (n_sequences + 1,)
            First index of each sequence in it.

        References
        ----------
        .. [1] Bell, Cleary, Witten: Text compression. Prentice Hall, 1990 (method C).
        """
        events, starts = _with_end(sequences, self.n_tokens + 1)
        keys = [_gram_keys(events, starts, size, self.n_tokens) for size in range(1, LONGEST_GRAM + 1)]
        return self._surprise(keys, own), starts

    def step_surprise(self, steps: Ints, own: float) -> Floats:
        """Return -log of the chance of single events after those before them, in nats; high = unexpected.

        Parameters
        ----------
        steps : ndarray of shape (n_events, LONGEST_GRAM)
            The event, the one before it, and so on.
        own : float
            As in `surprise`.
        """
        return self._surprise(_step_keys(steps, self.base), own)

    def _surprise(self, keys: list[Ints], own: float) -> Floats:
        chance = np.ones(len(keys[0]))
        for grams, times, indices, key, (context, own_context, total, followers) in zip(
            self.grams, self.times, self.indices, keys, self.contexts, strict=True
        ):
            gram, is_known = find_keys(grams, key) if indices is None else (indices[key], indices[key] >= 0)
            seen = np.maximum(np.where(is_known, times[gram], 0.0) - own, 0.0)
            # Most n-grams are known and so is their context: only that of the others is searched for.
            index, is_known = own_context[gram], is_known.copy()
            index[~is_known], is_known[~is_known] = find_keys(context, key[~is_known] // self.base)
            here = np.maximum(np.where(is_known, total[index], 0.0) - own, 0.0)
            many = np.maximum(np.where(is_known, followers[index], 0.0), 1.0)
            if grams is self.grams[0]:
                chance = (seen + HALF) / (here + HALF * self.base)
            else:
                chance = (seen + many * chance) / (here + many)
        return np.asarray(-np.log(chance))

    def chances(self, before: NDArray[np.integer]) -> Floats:
        """Return the chance of every token (and of the start, never, and the end) after the events `before`."""
        single, total = self.times[0], float(self.times[0].sum())
        chance = np.full(self.base, HALF)
        chance[self.grams[0]] += single
        chance[self.n_tokens] = 0.0
        chance /= total + HALF * self.base
        padded = np.concatenate([np.full(LONGEST_GRAM, self.n_tokens), before])
        for size in range(2, len(self.grams) + 1):
            prefix = 0
            for event in padded[len(padded) - size + 1 :]:
                prefix = prefix * self.base + int(event)
            low, high = np.searchsorted(self.grams[size - 1], [prefix * self.base, (prefix + 1) * self.base])
            followers, times = self.grams[size - 1][low:high] % self.base, self.times[size - 1][low:high]
            many = max(len(followers), 1)
            chance = many * chance
            chance[followers] += times
            chance /= times.sum() + many
        return chance


def count_ngrams(sequences: Sequences, times: Ints, n_tokens: int) -> NGrams:
    """Count the n-grams of sequences.

    Parameters
    ----------
    sequences : Sequences
        Distinct sequences.
    times : ndarray of shape (n_sequences,)
        How often each occurs.
    n_tokens : int
        Size of the vocabulary.
    """
    events, starts = _with_end(sequences, n_tokens + 1)
    weight = np.repeat(times, np.diff(starts)).astype(np.float64)
    parts = [
        sum_by_key(_gram_keys(events, starts, size, n_tokens), weight, (n_tokens + 2) ** size)
        for size in range(1, LONGEST_GRAM + 1)
    ]
    return NGrams(n_tokens, tuple(grams for grams, _ in parts), tuple(sums for _, sums in parts))


def count_steps(steps: Ints, n_tokens: int) -> NGrams:
    """Count the n-grams that end in single events.

    Parameters
    ----------
    steps : ndarray of shape (n_events, LONGEST_GRAM)
        Token ids of the event, of the one before it, and so on; `n_tokens` where there was none.
    n_tokens : int
        Size of the vocabulary.
    """
    base = n_tokens + 2
    parts = [sum_by_key(key, np.ones(len(key)), base**size) for size, key in enumerate(_step_keys(steps, base), 1)]
    return NGrams(n_tokens, tuple(grams for grams, _ in parts), tuple(sums for _, sums in parts))


def _with_end(sequences: Sequences, end: int) -> tuple[Ints, Ints]:
    """Append the event `end` to every sequence; return events and starts."""
    starts = sequences.starts + np.arange(len(sequences.starts))
    events = np.full(starts[-1], end, np.int64)
    events[np.arange(len(sequences.events)) + sequences.of_event] = sequences.events
    return events, starts


def _gram_keys(events: Ints, starts: Ints, size: int, start: int) -> Ints:
    """Return the n-gram of `size` events that ends in each event, as a number; `start` precedes every sequence."""
    base, key = start + 2, events.copy()
    positions = np.arange(len(events)) - np.repeat(starts[:-1], np.diff(starts))
    for back in range(1, size):
        before = np.full(len(events), start, np.int64)
        before[back:] = np.where(positions[back:] >= back, events[:-back], start)
        key += before * base**back
    return key


def _step_keys(steps: Ints, base: int) -> list[Ints]:
    """Return the n-grams up to single events as numbers, of one to `LONGEST_GRAM` events."""
    return [steps[:, :size] @ base ** np.arange(size) for size in range(1, LONGEST_GRAM + 1)]
