"""Sequences cut into pieces, so that the memory that a long one takes is bounded.

A piece begins with some events before it, which are read but not judged: what the network remembers goes back that far
at least.
"""

from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from anomembed.represent.arrays import Ints
from anomembed.represent.sequences import Sequences

JUDGED_AT_ONCE, READ_BEFORE = 256, 32  # events of a piece that are judged, and those before them
OUTSIDE = -1  # in place of a place that is not judged


class Pieces:
    """Sequences as pieces; each place has an event, and after the last event of a sequence comes its end.

    Parameters
    ----------
    sequences : Sequences
        The sequences.
    n_tokens : int
        Size of the vocabulary: the end, or as what was before, the start, is the id after it; nothing is the next.

    Attributes
    ----------
    starts : ndarray of shape (n_sequences + 1,)
        First place of every sequence.
    tokens : ndarray of shape (n_places,)
        The event at every place.
    sequence : ndarray of shape (n_pieces,)
        Which sequence each piece is of.
    """

    def __init__(self, sequences: Sequences, n_tokens: int) -> None:
        self.n_tokens = n_tokens
        self.starts = sequences.starts + np.arange(len(sequences.starts))
        self.tokens = np.full(self.starts[-1], n_tokens, np.int64)
        self.tokens[np.arange(len(sequences.events)) + sequences.of_event] = sequences.events
        n_pieces = -(-np.diff(self.starts) // JUDGED_AT_ONCE)
        self.sequence = np.repeat(np.arange(len(sequences)), n_pieces)
        number = np.arange(len(self.sequence)) - np.repeat(np.cumsum(n_pieces) - n_pieces, n_pieces)
        start = self.starts[self.sequence]
        self._first = start + number * JUDGED_AT_ONCE
        self._last = np.minimum(self._first + JUDGED_AT_ONCE, self.starts[self.sequence + 1])
        self._read = np.maximum(self._first - READ_BEFORE, start)

    def __len__(self) -> int:
        return len(self.sequence)

    @cached_property
    def lengths(self) -> Ints:
        """Places of every piece, with those that are only read."""
        return np.asarray(self._last - self._read)

    def padded(self, chosen: NDArray[np.integer], reach: int = 1) -> tuple[Ints, Ints]:
        """Lay pieces out side by side.

        Parameters
        ----------
        chosen : ndarray of shape (n_chosen,)
            Which pieces.
        reach : int
            How many events before every place are wanted.

        Returns
        -------
        before : ndarray of shape (n_chosen, reach - 1 + longest)
            The event before every place, and `reach - 1` more at the beginning.
        places : ndarray of shape (n_chosen, longest)
            Places, `OUTSIDE` where the piece has ended or is only read.
        """
        read, last = self._read[chosen, None], self._last[chosen, None]
        places = read + np.arange(1 - reach, self.lengths[chosen].max())
        start = self.starts[self.sequence[chosen], None]
        inside = np.clip(places, start, last - 1)
        before = np.where(inside == start, self.n_tokens, self.tokens[inside - 1])
        before = np.where(places < start, self.n_tokens + 1, before)
        judged = (places >= self._first[chosen, None]) & (places < last)
        return before, np.where(judged, places, OUTSIDE)[:, reach - 1 :]
