"""Judge a sequence by what follows what: how surprising its events are after those before them.

The largest surprise finds one step out of place, the mean a sequence that is strange all along. Their sum over the
events would be a length in disguise.
"""

from dataclasses import dataclass

import numpy as np

from anomembed.represent.sequences import Floats, Ints, NGrams, Sequences
from anomembed.represent.views import Vectors


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
    """

    ngrams: NGrams
    own: float
    usual: tuple[float, float] = (1.0, 1.0)
    name: str = "order"

    def vectors(self, batch: Sequences) -> Vectors:
        """Return the two surprises, shape (n_sequences, 2)."""
        surprise, starts = self.surprise(batch)
        largest = np.maximum.reduceat(surprise, starts[:-1])
        mean = np.add.reduceat(surprise, starts[:-1]) / np.diff(starts)
        return np.column_stack([largest / self.usual[0], mean / self.usual[1]]).astype(np.float32)

    def surprise(self, batch: Sequences) -> tuple[Floats, Ints]:
        """Return the surprise of every event and of every end, and where each sequence begins."""
        return self.ngrams.surprise(batch, self.own)


def fit_order_view(ngrams: NGrams, counted: Sequences, *, is_own: bool) -> OrderView:
    """Learn how surprising events usually are.

    Parameters
    ----------
    ngrams : NGrams
        Of the reference.
    counted : Sequences
        The sequences that were counted.
    is_own : bool
        Whether these are the ones to be judged.
    """
    usual = np.maximum(OrderView(ngrams, 1.0).vectors(counted).mean(axis=0, dtype=np.float64), 1e-9)
    return OrderView(ngrams, float(is_own), (float(usual[0]), float(usual[1])))
