"""Sequences cut into pieces, to bound the memory that a long one takes.

A piece starts with some events that come before it and are only read, not scored, so that the network's state goes back
at least that far.
"""

from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from anomembed.represent.arrays import Ints
from anomembed.represent.sequences import Sequences

SCORED_AT_ONCE, READ_BEFORE = 256, 32  # events of a piece that are scored, and those read before them
OUTSIDE = -1  # marks positions that are not scored


class Pieces:
    """Sequences as pieces. A position holds an event; after the last event of a sequence comes its end.

    Parameters
    ----------
    sequences : Sequences
        The sequences.
    n_tokens : int
        Size of the vocabulary. The next id is the end or, as the event before, the start; the id after that is nothing.

    Attributes
    ----------
    starts : ndarray of shape (n_sequences + 1,)
        First position of every sequence.
    tokens : ndarray of shape (n_positions,)
        The event at every position.
    sequence : ndarray of shape (n_pieces,)
        The sequence of each piece.
    """

    def __init__(self, sequences: Sequences, n_tokens: int) -> None:
        self.n_tokens = n_tokens
        self.starts = sequences.starts + np.arange(len(sequences.starts))
        self.tokens = np.full(self.starts[-1], n_tokens, np.int64)
        self.tokens[np.arange(len(sequences.events)) + sequences.of_event] = sequences.events
        n_pieces = -(-np.diff(self.starts) // SCORED_AT_ONCE)
        self.sequence = np.repeat(np.arange(len(sequences)), n_pieces)
        number = np.arange(len(self.sequence)) - np.repeat(np.cumsum(n_pieces) - n_pieces, n_pieces)
        start = self.starts[self.sequence]
        self._first = start + number * SCORED_AT_ONCE
        self._last = np.minimum(self._first + SCORED_AT_ONCE, self.starts[self.sequence + 1])
        self._read = np.maximum(self._first - READ_BEFORE, start)

    def __len__(self) -> int:
        return len(self.sequence)

    @cached_property
    def lengths(self) -> Ints:
        """Positions of every piece, including those that are only read."""
        return np.asarray(self._last - self._read)

    def padded(self, chosen: NDArray[np.integer], reach: int = 1) -> tuple[Ints, Ints]:
        """Lay pieces out in rows of equal length.

        Parameters
        ----------
        chosen : ndarray of shape (n_chosen,)
            Which pieces.
        reach : int
            How many events before each position are wanted.

        Returns
        -------
        before : ndarray of shape (n_chosen, reach - 1 + longest)
            The event before each position, and `reach - 1` more at the beginning.
        positions : ndarray of shape (n_chosen, longest)
            Positions, `OUTSIDE` where the piece has ended or is only read.
        """
        read, last = self._read[chosen, None], self._last[chosen, None]
        positions = read + np.arange(1 - reach, self.lengths[chosen].max())
        start = self.starts[self.sequence[chosen], None]
        inside = np.clip(positions, start, last - 1)
        before = np.where(inside == start, self.n_tokens, self.tokens[inside - 1])
        before = np.where(positions < start, self.n_tokens + 1, before)
        is_scored = (positions >= self._first[chosen, None]) & (positions < last)
        return before, np.where(is_scored, positions, OUTSIDE)[:, reach - 1 :]
