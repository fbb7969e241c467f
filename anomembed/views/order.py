"""Judge a sequence by what follows what: how surprising its events are after those before them.

The largest surprise finds one step out of place, the mean a sequence that is strange all along. Their sum over the
events would be a length in disguise.

A neural network that learnt which event comes next replaces the n-grams. The mean of both surprises was tried: on two
sets of the HDFS log its average precision was lower, by .001 and .02.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from anomembed.represent.arrays import Floats, Ints
from anomembed.represent.batch import Batch
from anomembed.represent.embeddings.neural.networks import NextEvent
from anomembed.represent.sequences import NGrams, Sequences
from anomembed.views.base import Vectors


@dataclass(frozen=True)
class OrderView:
    """Sequences as their largest and their mean surprise, each in units of the usual one; high = abnormal.

    Parameters
    ----------
    ngrams : NGrams
        What follows what in the reference.
    own : float
        1 when the sequences to be judged are the reference itself; none then speaks for itself.
    usual : tuple of float
        Mean of the largest, and of the mean surprise, over the reference.
    network : NextEvent or None
        A neural network, whose surprise takes the place of the n-grams'.
    """

    ngrams: NGrams
    own: float
    usual: tuple[float, float] = (1.0, 1.0)
    network: NextEvent | None = None
    name: str = "order"

    def vectors(self, batch: Sequences) -> Vectors:
        """Return the two surprises, shape (n_sequences, 2)."""
        surprise, starts = self.surprise(batch)
        largest = np.maximum.reduceat(surprise, starts[:-1])
        mean = np.add.reduceat(surprise, starts[:-1]) / np.diff(starts)
        return np.column_stack([largest / self.usual[0], mean / self.usual[1]]).astype(np.float32)

    def surprise(self, batch: Sequences) -> tuple[Floats, Ints]:
        """Return the surprise of every event and of every end, and where each sequence begins."""
        return self.ngrams.surprise(batch, self.own) if self.network is None else self.network.surprise(batch)

    def chances(self, before: Sequences) -> Floats:
        """Return the chance of every token (and of the start, never, and the end) after each of some sequences."""
        if self.network is not None:
            return self.network.chances(before)
        return np.array([self.ngrams.chances(before[row : row + 1].events) for row in range(len(before))])


@dataclass(frozen=True)
class StepView:
    """Single events as their surprise after the two events that their entity had before, in nats; high = abnormal.

    Parameters
    ----------
    ngrams : NGrams
        What follows what in the reference.
    is_own : bool
        Whether the events to be judged are those that were counted; none then speaks for itself.
    column : int
        Token column of the event, or of the entity when the event is not judged for itself.
    """

    ngrams: NGrams
    is_own: bool
    column: int
    name: str = "order"

    def vectors(self, batch: Batch) -> Vectors:
        """Return the surprises, shape (n_records, 1)."""
        assert batch.steps is not None  # noqa: S101  # the model that has this view reads them
        return self.ngrams.step_surprise(batch.steps, float(self.is_own))[:, None].astype(np.float32)

    def culprit(self, batch: Batch) -> NDArray[np.intp]:
        """Return the column of the event, shape (n_records,)."""
        return np.full(len(batch), self.column, np.intp)


def fit_order_view(ngrams: NGrams, counted: Sequences, network: NextEvent | None = None, *, is_own: bool) -> OrderView:
    """Learn how surprising events usually are.

    Parameters
    ----------
    ngrams : NGrams
        Of the reference.
    counted : Sequences
        The sequences that were counted.
    network : NextEvent or None
        A neural network that learnt from them.
    is_own : bool
        Whether these are the ones to be judged.
    """
    distinct, place = counted.distinct()
    plain = OrderView(ngrams, 1.0, network=network).vectors(distinct)[place]
    usual = np.maximum(plain.mean(axis=0, dtype=np.float64), 1e-9)
    return OrderView(ngrams, float(is_own), (float(usual[0]), float(usual[1])), network)
