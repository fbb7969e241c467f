"""Sequences of events as token ids."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import polars as pl
from numpy.typing import NDArray
from scipy import sparse

from anomembed.represent.arrays import Floats, Ints
from anomembed.represent.tokens.shapes import shapes
from anomembed.represent.tokens.vocabulary import ColumnTokens, Special


@dataclass(frozen=True)
class Sequences:
    """Sequences of events, one after the other.

    Parameters
    ----------
    events : ndarray of shape (n_events,)
        Token ids.
    starts : ndarray of shape (n_sequences + 1,)
        First event of each sequence, and the number of events.
    gaps : ndarray of shape (n_events,), optional
        Seconds before each event; NaN before the first of a sequence.
    kinds : ndarray of shape (n_sequences,), optional
        How many kinds of events each sequence has that the reference does not have; None where there are none.
    """

    events: NDArray[np.int32]
    starts: Ints
    gaps: Floats | None = None
    kinds: Ints | None = None

    def __len__(self) -> int:
        return len(self.starts) - 1

    def __getitem__(self, rows: slice | NDArray[np.integer]) -> "Sequences":
        chosen = np.arange(len(self))[rows]
        lengths = self.lengths[chosen]
        starts = np.concatenate([[0], np.cumsum(lengths)])
        events = np.arange(starts[-1]) + np.repeat(self.starts[:-1][chosen] - starts[:-1], lengths)
        return Sequences(
            self.events[events],
            starts,
            None if self.gaps is None else self.gaps[events],
            None if self.kinds is None else self.kinds[chosen],
        )

    @property
    def new_kinds(self) -> Ints:
        """Kinds of events of every sequence that the reference does not have."""
        return np.zeros(len(self), np.int64) if self.kinds is None else self.kinds

    @cached_property
    def lengths(self) -> Ints:
        """Events of every sequence."""
        return np.diff(self.starts)

    @cached_property
    def of_event(self) -> Ints:
        """Sequence of every event."""
        return np.repeat(np.arange(len(self)), self.lengths)

    @cached_property
    def positions(self) -> Ints:
        """Position of every event in its sequence, from 0."""
        return np.arange(len(self.events)) - np.repeat(self.starts[:-1], self.lengths)

    def first(self, many: Ints) -> "Sequences":
        """Return the first `many` events of every sequence, and these alone; `many` has a number per sequence."""
        kept = self.positions < many[self.of_event]
        return Sequences(self.events[kept], np.concatenate([[0], np.cumsum(np.minimum(many, self.lengths))]))

    def distinct(self) -> tuple["Sequences", Ints]:
        """Return the distinct sequences in order of first appearance, and the index of each sequence among them."""
        # Distinguished by a 64-bit hash: the chance of a collision among a million distinct sequences is 3e-8.
        longest = int(self.lengths.max(initial=0)) + 1
        odd = np.random.default_rng(0).integers(1, 2**63, longest, dtype=np.uint64) | np.uint64(1)
        words = (self.events.astype(np.uint64) + np.uint64(1)) * odd[self.positions]
        sums = np.concatenate([np.zeros(1, np.uint64), np.cumsum(words, dtype=np.uint64)])
        hashes = sums[self.starts[1:]] - sums[self.starts[:-1]]
        hashes += self.new_kinds.astype(np.uint64) * odd[-1]
        _, first, index = np.unique(hashes, return_index=True, return_inverse=True)
        order = np.argsort(first, kind="stable")
        rank = np.empty_like(order)
        rank[order] = np.arange(len(order))
        return self[first[order]], rank[index]

    def occurrences(self, n_tokens: int) -> sparse.csr_array:
        """Count every event of every sequence, shape (n_sequences, n_tokens)."""
        shape = (len(self), n_tokens)
        return sparse.csr_array((np.ones(len(self.events)), (self.of_event, self.events)), shape=shape)


def encode_sequences(events: pl.Series, gaps: pl.Series, tokens: ColumnTokens) -> Sequences:
    """Turn lists of events into token ids.

    Parameters
    ----------
    events : pl.Series
        Lists of text; no list is empty, but an event may be null.
    gaps : pl.Series
        Lists of seconds before each event; null before the first, and where there are no times.
    tokens : ColumnTokens
        The events of the reference.
    """
    flat = pl.DataFrame({tokens.source: events.explode()})
    starts = np.concatenate([[0], np.cumsum(events.list.len().to_numpy().astype(np.int64))])
    seconds = gaps.explode().cast(pl.Float64).to_numpy()
    codes = tokens.encode(flat)
    kinds = _count_new(flat[tokens.source], codes, starts, tokens)
    return Sequences(codes, starts, None if np.isnan(seconds).all() else seconds, kinds)


def _count_new(events: pl.Series, codes: NDArray[np.int32], starts: Ints, tokens: ColumnTokens) -> Ints | None:
    """Count the kinds of events of each sequence that are not among the tokens; None where there are none.

    Messages that differ in numbers and the like alone are of one kind.
    """
    unseen = np.flatnonzero(codes == Special.UNSEEN)
    if not len(unseen):
        return None
    kinds = events.gather(unseen) if tokens.templates is None else shapes(events.gather(unseen))
    found = pl.DataFrame({"sequence": np.searchsorted(starts, unseen, side="right") - 1, "kind": kinds}).unique()
    return np.bincount(found["sequence"], minlength=len(starts) - 1).astype(np.int64)


def name_events(events: pl.Series, tokens: ColumnTokens) -> list[list[str | None]]:
    """Return lists of events with messages replaced by their templates."""
    if tokens.templates is None:
        return events.to_list()
    named = tokens.templates.name(events.explode()).to_list()
    ends = np.cumsum(events.list.len().to_numpy().astype(np.int64)).tolist()
    return [named[begin:end] for begin, end in zip([0, *ends], ends, strict=False)]
