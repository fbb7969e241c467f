"""Judge a sequence by which events it has and how often: the sum of its events' embeddings, weighted by log(1 + count).

The sum tells a missing event and one too many from the usual, and the logarithm keeps a loop of many from drowning
them. An event that the reference does not have gets a dimension of its own, as long as the longest embedding.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from anomembed.represent.embeddings import Embeddings
from anomembed.represent.sequences import Sequences
from anomembed.views.base import Vectors


@dataclass(frozen=True)
class SequenceView:
    """Sequences as the weighted sum of their events' embeddings.

    Parameters
    ----------
    vectors_of : ndarray of shape (n_tokens, width + 1)
        Embedding of every event, and the dimension of events that the reference does not have.
    """

    vectors_of: NDArray[np.float32]
    name: str = "sequence"

    def vectors(self, batch: Sequences) -> Vectors:
        """Return the vectors, shape (n_sequences, width + 1)."""
        counts = batch.occurrences(len(self.vectors_of))
        counts.data = np.log1p(counts.data)
        return np.asarray(counts @ self.vectors_of.astype(np.float64), np.float32)


def fit_sequence_view(embeddings: Embeddings, seen: NDArray[np.float64]) -> SequenceView:
    """Make the view.

    Parameters
    ----------
    embeddings : Embeddings
        Of the events.
    seen : ndarray of shape (n_tokens,)
        How often each event occurs in the reference.
    """
    lengths = np.linalg.norm(embeddings.vectors, axis=1)
    apart = np.where(seen > 0, 0.0, max(float(lengths.max(initial=0.0)), 1.0))
    return SequenceView(np.column_stack([embeddings.vectors, apart]).astype(np.float32))
