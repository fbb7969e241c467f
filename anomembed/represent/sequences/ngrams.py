"""Count which events follow which. Counts of n-grams add: day 1 + day 2 are the counts of both days."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from anomembed.represent.arrays import Floats, Ints
from anomembed.represent.sequences.events import Sequences
from anomembed.represent.sequences.lookup import Level, blend, make_level
from anomembed.represent.sequences.tallies import sum_by_key

LONGEST_GRAM = 6  # events of an n-gram: the five before predict the sixth
LARGEST_KEY = 2**63  # an n-gram is one number below it, so that of very many kinds of events fewer predict the next
HALF = 0.5  # added to the count of every single event, so that nothing is impossible


@dataclass(frozen=True)
class NGrams:
    """Counts of one to `longest_gram` consecutive events, start and end included.

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
        grams = zip(self.grams, other.grams, strict=True)
        times = zip(self.times, other.times, strict=True)
        parts = [sum_by_key(np.concatenate(a), np.concatenate(b)) for a, b in zip(grams, times, strict=True)]
        return NGrams(self.n_tokens, tuple(grams for grams, _ in parts), tuple(times for _, times in parts))

    @cached_property
    def levels(self) -> tuple[Level, ...]:
        """For every length, the n-grams where they are quickly found."""
        first, *longer = (make_level(*counted, self.base) for counted in zip(self.grams, self.times, strict=True))
        return (first._replace(followers=np.array([HALF * self.base])), *longer)

    def surprise(self, sequences: Sequences, own: float) -> tuple[Floats, Ints]:
        """Return -log of the chance of every event after those before it, in nats; high = unexpected.

        The chance after five events is smoothed with the chance after four, and so on down to the chance of the event
        alone; the more distinct events follow, the stronger the smoothing [1]_.

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
        surprises, starts = self.surprises(sequences, own)
        return surprises[-1], starts

    def surprises(self, sequences: Sequences, own: float) -> tuple[Floats, Ints]:
        """Return the surprise of every event after none of those before it, after one, two, and so on; see `surprise`.

        Returns
        -------
        surprises : ndarray of shape (n_lengths, n_events + n_sequences)
        starts : ndarray of shape (n_sequences + 1,)
        """
        events, starts = _with_end(sequences, self.n_tokens + 1)
        return self._surprises(_gram_keys(events, starts, self.n_tokens, len(self.grams)), own), starts

    def step_surprise(self, steps: Ints, own: float) -> Floats:
        """Return -log of the chance of single events after those before them, in nats; high = unexpected.

        Parameters
        ----------
        steps : ndarray of shape (n_events, n_grams)
            The event, the one before it, and so on.
        own : float
            As in `surprise`.
        """
        return np.asarray(self._surprises(_step_keys(steps, self.base), own)[-1])

    def _surprises(self, keys: list[Ints], own: float) -> Floats:
        chances = np.empty((len(keys), len(keys[0])))
        chance, is_open = np.full(len(keys[0]), 1 / self.base), np.ones(len(keys[0]), np.bool_)
        for row, (level, key) in enumerate(zip(self.levels, keys, strict=True)):
            blend(level, key, self.base, own, chance, is_open)
            chances[row] = chance
        return np.asarray(-np.log(chances))

    def chances(self, before: NDArray[np.integer], longest: int = LONGEST_GRAM) -> Floats:
        """Return the chance of every token (and of the start, never, and the end) after the events `before`.

        Parameters
        ----------
        before : ndarray of shape (n_events,)
            Token ids.
        longest : int
            As in `surprise`.

        Returns
        -------
        ndarray of shape (n_tokens + 2,)
        """
        single, total = self.times[0], float(self.times[0].sum())
        chance = np.full(self.base, HALF)
        chance[self.grams[0]] += single
        chance[self.n_tokens] = 0.0
        chance /= total + HALF * self.base
        padded = np.concatenate([np.full(LONGEST_GRAM, self.n_tokens), before])
        for size in range(2, min(longest, len(self.grams)) + 1):
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


def longest_gram(n_tokens: int) -> int:
    """Return how many events an n-gram may have: `LONGEST_GRAM`, unless there are very many kinds of events.

    Examples
    --------
    >>> longest_gram(1_000), longest_gram(100_000)
    (6, 3)
    """
    return max(size for size in range(1, LONGEST_GRAM + 1) if (n_tokens + 2) ** size < LARGEST_KEY)


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
    keys = _gram_keys(events, starts, n_tokens, longest_gram(n_tokens))
    parts = [sum_by_key(key, weight) for key in keys]
    return NGrams(n_tokens, tuple(grams for grams, _ in parts), tuple(sums for _, sums in parts))


def count_steps(steps: Ints, n_tokens: int) -> NGrams:
    """Count the n-grams that end in single events.

    Parameters
    ----------
    steps : ndarray of shape (n_events, n_grams)
        Token ids of the event, of the one before it, and so on; `n_tokens` where there was none.
    n_tokens : int
        Size of the vocabulary.
    """
    parts = [sum_by_key(key, np.ones(len(key))) for key in _step_keys(steps, n_tokens + 2)]
    return NGrams(n_tokens, tuple(grams for grams, _ in parts), tuple(sums for _, sums in parts))


def _with_end(sequences: Sequences, end: int) -> tuple[Ints, Ints]:
    """Append the event `end` to every sequence; return events and starts."""
    starts = sequences.starts + np.arange(len(sequences.starts))
    events = np.full(starts[-1], end, np.int64)
    events[np.arange(len(sequences.events)) + sequences.of_event] = sequences.events
    return events, starts


def _gram_keys(events: Ints, starts: Ints, start: int, longest: int) -> list[Ints]:
    """Return the n-grams that end in each event as numbers, of one to `longest` events; `start` precedes a sequence."""
    base, keys = start + 2, [events]
    positions = np.arange(len(events)) - np.repeat(starts[:-1], np.diff(starts))
    for back in range(1, longest):
        before = np.full(len(events), start, np.int64)
        before[back:] = np.where(positions[back:] >= back, events[:-back], start)
        keys.append(keys[-1] + before * base**back)
    return keys


def _step_keys(steps: Ints, base: int) -> list[Ints]:
    """Return the n-grams up to single events as numbers, of one event to all."""
    return [steps[:, :size] @ base ** np.arange(size) for size in range(1, steps.shape[1] + 1)]
