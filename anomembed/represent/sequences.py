"""Sequences of events as token ids: distinct ones, which events stand near each other, and which follow which.

Counts of neighbours and of n-grams add: day 1 + day 2 are the counts of both days.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import polars as pl
from numpy.typing import NDArray
from scipy import sparse

from anomembed.read.sequences import EVENTS, GAPS
from anomembed.represent.arrays import Floats, Ints
from anomembed.represent.counts import Counts
from anomembed.represent.keys import find_keys
from anomembed.represent.tokens.vocabulary import ColumnTokens

NEAR = 3  # events that stand no farther apart keep each other company
LONGEST_GRAM = 3  # events of an n-gram: the two before say what is expected
USUAL = (0.025, 0.975)  # nineteen in twenty
MOST_PLACES = 2**24  # n-grams that there can be, up to which each has a place of its own, which saves searching for it
HALF = 0.5  # added to the count of every single event, so that nothing is impossible


@dataclass(frozen=True)
class Sequences:
    """Sequences of events, one after the other.

    Parameters
    ----------
    events : ndarray of shape (n_events,)
        Token ids.
    starts : ndarray of shape (n_sequences + 1,)
        Where each sequence begins, and the number of events at the end.
    gaps : ndarray of shape (n_events,), optional
        Seconds before each event; NaN before the first of a sequence.
    """

    events: NDArray[np.int32]
    starts: Ints
    gaps: Floats | None = None

    def __len__(self) -> int:
        return len(self.starts) - 1

    def __getitem__(self, rows: slice | NDArray[np.integer]) -> "Sequences":
        chosen = np.arange(len(self))[rows]
        lengths = self.lengths[chosen]
        starts = np.concatenate([[0], np.cumsum(lengths)])
        places = np.arange(starts[-1]) + np.repeat(self.starts[:-1][chosen] - starts[:-1], lengths)
        return Sequences(self.events[places], starts, None if self.gaps is None else self.gaps[places])

    @cached_property
    def lengths(self) -> Ints:
        """Events of every sequence."""
        return np.diff(self.starts)

    @cached_property
    def of_event(self) -> Ints:
        """Sequence of every event."""
        return np.repeat(np.arange(len(self)), self.lengths)

    @cached_property
    def places(self) -> Ints:
        """Place of every event in its sequence, from 0."""
        return np.arange(len(self.events)) - np.repeat(self.starts[:-1], self.lengths)

    def first(self, many: Ints) -> "Sequences":
        """Return the first events of every sequence, as many of each as `many` says, without their times."""
        kept = self.places < many[self.of_event]
        return Sequences(self.events[kept], np.concatenate([[0], np.cumsum(np.minimum(many, self.lengths))]))

    def distinct(self) -> tuple["Sequences", Ints]:
        """Return the distinct sequences in the order of their first appearance, and the place of each one in them."""
        # Told apart by a 64-bit hash: two of a million distinct sequences share one with a chance of 3e-8.
        longest = int(self.lengths.max(initial=0)) + 1
        odd = np.random.default_rng(0).integers(1, 2**63, longest, dtype=np.uint64) | np.uint64(1)
        words = (self.events.astype(np.uint64) + np.uint64(1)) * odd[self.places]
        sums = np.concatenate([np.zeros(1, np.uint64), np.cumsum(words, dtype=np.uint64)])
        hashes = sums[self.starts[1:]] - sums[self.starts[:-1]]
        _, first, place = np.unique(hashes, return_index=True, return_inverse=True)
        order = np.argsort(first, kind="stable")
        rank = np.empty_like(order)
        rank[order] = np.arange(len(order))
        return self[first[order]], rank[place]

    def occurrences(self, n_tokens: int) -> sparse.csr_array:
        """Count every event of every sequence, shape (n_sequences, n_tokens)."""
        shape = (len(self), n_tokens)
        return sparse.csr_array((np.ones(len(self.events)), (self.of_event, self.events)), shape=shape)


def encode_sequences(frame: pl.DataFrame, tokens: ColumnTokens) -> Sequences:
    """Turn lists of events into token ids.

    Parameters
    ----------
    frame : pl.DataFrame
        `EVENTS`, lists of text, none of them empty, though an event may be null; and `GAPS`.
    tokens : ColumnTokens
        The events of the reference.
    """
    events = frame[EVENTS]
    flat = pl.DataFrame({tokens.source: events.explode()})
    starts = np.concatenate([[0], np.cumsum(events.list.len().to_numpy().astype(np.int64))])
    gaps = frame[GAPS].explode().cast(pl.Float64).to_numpy()
    return Sequences(tokens.encode(flat), starts, None if np.isnan(gaps).all() else gaps)


def name_events(events: pl.Series, tokens: ColumnTokens) -> list[list[str | None]]:
    """Return lists of events as people know them: messages by their template, all else as it is."""
    if tokens.templates is None:
        return events.to_list()
    named = tokens.templates.name(events.explode()).to_list()
    ends = np.cumsum(events.list.len().to_numpy().astype(np.int64)).tolist()
    return [named[begin:end] for begin, end in zip([0, *ends], ends, strict=False)]


def count_neighbours(sequences: Sequences, times: Ints, n_tokens: int) -> Counts:
    """Count pairs of events that stand near each other.

    Parameters
    ----------
    sequences : Sequences
        Distinct sequences.
    times : ndarray of shape (n_sequences,)
        How often each occurs.
    n_tokens : int
        Size of the vocabulary.

    Returns
    -------
    Counts
        A record is an event beside another; on the diagonal, how often an event stands beside any other.
    """
    keys, sums = [np.empty(0, np.int64)], [np.empty(0)]
    weight = times[sequences.of_event].astype(np.float64)
    for apart in range(1, NEAR + 1):
        same = sequences.places[apart:] >= apart
        first, second = sequences.events[:-apart][same], sequences.events[apart:][same]
        key, total = _summed(first.astype(np.int64) * n_tokens + second, weight[apart:][same], n_tokens**2)
        keys.append(key)
        sums.append(total)
    pair, shape = np.concatenate(keys), (n_tokens, n_tokens)
    beside = sparse.csr_array((np.concatenate(sums), (pair // n_tokens, pair % n_tokens)), shape=shape)
    both = sparse.csr_array(beside + beside.T)
    total = np.asarray(both.sum(axis=1)).ravel()
    others = both - sparse.diags_array(both.diagonal())
    return Counts(int(total.sum()), sparse.csr_array(others + sparse.diags_array(total)), np.ones((1, 1), bool))


@dataclass(frozen=True)
class NGrams:
    """How often events follow each other: counts of one to `LONGEST_GRAM` events in a row, start and end included.

    Parameters
    ----------
    n_tokens : int
        Size of the vocabulary; the start and the end of a sequence are the two ids after it.
    grams : tuple of ndarray
        For every length, the n-grams that occur, as numbers with a digit per event, ascending.
    times : tuple of ndarray
        How often each occurs.
    """

    n_tokens: int
    grams: tuple[Ints, ...]
    times: tuple[Floats, ...]

    @property
    def base(self) -> int:
        """Tokens, and the start and the end."""
        return self.n_tokens + 2

    def __add__(self, other: "NGrams") -> "NGrams":
        parts = [
            _summed(np.concatenate(grams), np.concatenate(times), self.base**size)
            for size, (grams, times) in enumerate(
                zip(zip(self.grams, other.grams, strict=True), zip(self.times, other.times, strict=True), strict=True),
                1,
            )
        ]
        return NGrams(self.n_tokens, tuple(grams for grams, _ in parts), tuple(times for _, times in parts))

    @cached_property
    def contexts(self) -> tuple[tuple[Ints, Ints, Floats, Floats], ...]:
        """For every length: the contexts, which are the events before the last, and the place of each n-gram's own.

        And how often each context occurs, and how many different events follow it.
        """
        found = []
        for grams, times in zip(self.grams, self.times, strict=True):
            context, place = np.unique(grams // self.base, return_inverse=True)
            followers = _tally(place, np.ones(len(place)), len(context))
            found.append((context, place, _tally(place, times, len(context)), followers))
        return tuple(found)

    @cached_property
    def places(self) -> tuple[NDArray[np.int32] | None, ...]:
        """For every length: the place of every n-gram that there can be among those that occur, -1 when it does not.

        None where there can be too many.
        """
        found: list[NDArray[np.int32] | None] = []
        for size, grams in enumerate(self.grams, 1):
            place = None
            if self.base**size <= MOST_PLACES:
                place = np.full(self.base**size, -1, np.int32)
                place[grams] = np.arange(len(grams), dtype=np.int32)
            found.append(place)
        return tuple(found)

    def surprise(self, sequences: Sequences, own: float) -> tuple[Floats, Ints]:
        """Return -log of the chance of every event after those before it, in nats; high = unexpected.

        The chance after two events is smoothed by the chance after one, and that by the chance of the event alone,
        the more the more different events follow [1]_.

        Parameters
        ----------
        sequences : Sequences
            Sequences; the end of each is judged as an event, too.
        own : float
            Taken off every count: 1 when the sequences were counted themselves, so that none speaks for itself.

        Returns
        -------
        surprise : ndarray of shape (n_events + n_sequences,)
        starts : ndarray of shape (n_sequences + 1,)
            Where each sequence begins in it.

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
        for grams, times, places, key, (context, own_context, total, followers) in zip(
            self.grams, self.times, self.places, keys, self.contexts, strict=True
        ):
            gram, is_known = find_keys(grams, key) if places is None else (places[key], places[key] >= 0)
            seen = np.maximum(np.where(is_known, times[gram], 0.0) - own, 0.0)
            # Most n-grams are known, and their context with them: only for the others it is looked for.
            place, is_known = own_context[gram], is_known.copy()
            place[~is_known], is_known[~is_known] = find_keys(context, key[~is_known] // self.base)
            here = np.maximum(np.where(is_known, total[place], 0.0) - own, 0.0)
            many = np.maximum(np.where(is_known, followers[place], 0.0), 1.0)
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
        _summed(_gram_keys(events, starts, size, n_tokens), weight, (n_tokens + 2) ** size)
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
    parts = [_summed(key, np.ones(len(key)), base**size) for size, key in enumerate(_step_keys(steps, base), 1)]
    return NGrams(n_tokens, tuple(grams for grams, _ in parts), tuple(sums for _, sums in parts))


def usual_counts(sequences: Sequences, times: Ints, n_tokens: int) -> Floats:
    """Return how often each event usually occurs in a sequence: 2.5 % and 97.5 % quantiles, shape (n_tokens, 2).

    Parameters
    ----------
    sequences : Sequences
        Distinct sequences.
    times : ndarray of shape (n_sequences,)
        How often each occurs.
    n_tokens : int
        Size of the vocabulary.
    """
    usual = np.zeros((n_tokens, 2))
    occurrences = sparse.csc_array(sequences.occurrences(n_tokens))
    total = float(times.sum())
    for token in np.flatnonzero(np.diff(occurrences.indptr)):
        part = slice(occurrences.indptr[token], occurrences.indptr[token + 1])
        order = np.argsort(occurrences.data[part], kind="stable")
        counts, weight = occurrences.data[part][order], times[occurrences.indices[part][order]]
        share = (total - weight.sum() + np.cumsum(weight)) / total  # of the sequences with no more than so many
        for end, quantile in enumerate(USUAL):
            if 1 - weight.sum() / total < quantile:
                usual[token, end] = counts[min(int(np.searchsorted(share, quantile)), len(counts) - 1)]
    return usual


def _with_end(sequences: Sequences, end: int) -> tuple[Ints, Ints]:
    """Put an event after the last of every sequence."""
    starts = sequences.starts + np.arange(len(sequences.starts))
    events = np.full(starts[-1], end, np.int64)
    events[np.arange(len(sequences.events)) + sequences.of_event] = sequences.events
    return events, starts


def _gram_keys(events: Ints, starts: Ints, size: int, start: int) -> Ints:
    """Return the last `size` events up to every event as one number; before a sequence stands the event `start`."""
    base, key = start + 2, events.copy()
    places = np.arange(len(events)) - np.repeat(starts[:-1], np.diff(starts))
    for back in range(1, size):
        before = np.full(len(events), start, np.int64)
        before[back:] = np.where(places[back:] >= back, events[:-back], start)
        key += before * base**back
    return key


def _step_keys(steps: Ints, base: int) -> list[Ints]:
    """Return the n-grams up to single events as numbers, of one to `LONGEST_GRAM` events."""
    return [steps[:, :size] @ base ** np.arange(size) for size in range(1, LONGEST_GRAM + 1)]


def _summed(keys: Ints, weights: Floats, n_possible: int) -> tuple[Ints, Floats]:
    """Return the keys that occur, ascending, and the sum of the weights, all above 0, of each."""
    if n_possible <= min(MOST_PLACES, 16 * len(keys)):
        sums = _tally(keys, weights, n_possible)
        found = np.flatnonzero(sums)
        return found, sums[found]
    found, place = np.unique(keys, return_inverse=True)
    return found, _tally(place, weights, len(found))


def _tally(place: Ints, weights: Floats, size: int) -> Floats:
    return np.asarray(np.bincount(place, weights, minlength=size), np.float64)
