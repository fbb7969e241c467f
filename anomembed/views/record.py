"""The values of a record together: the mean of its tokens' embeddings.

In a mixed reference the mean is weighted by rarity: a rare value says more about a record than a common one. In a clean
reference rare values are normal, too, and all weigh the same; examples/notes/views.md has the figures for both.
A token that the reference does not have gets a dimension of its own, as long as the longest embedding.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from anomembed.represent.batch import Batch
from anomembed.represent.embeddings import Embeddings
from anomembed.represent.tokens.vocabulary import Tokens, Vocabulary
from anomembed.views.base import Vectors


@dataclass(frozen=True)
class RecordView:
    """Records as the weighted mean of their tokens' embeddings.

    Parameters
    ----------
    vectors_of : ndarray of shape (n_tokens, width + 1)
        Embedding of every token, and the dimension of tokens that the reference does not have.
    weights : ndarray of shape (n_tokens,)
        Weight of every token.
    """

    vectors_of: NDArray[np.float32]
    weights: NDArray[np.float32]
    name: str = "record"

    def vectors(self, batch: Batch) -> Vectors:
        """Return the record vectors, shape (n_records, width + 1)."""
        return self.pool(batch.tokens)

    def pool(self, tokens: Tokens) -> Vectors:
        """Return the weighted mean of the embeddings of each row of token ids."""
        weighted = self.vectors_of * self.weights[:, None]
        total = np.zeros((len(tokens), weighted.shape[1]), np.float32)
        weight = np.zeros(len(tokens), np.float32)
        for column in tokens.T:  # one column after the other: the sum of a record does not depend on its batch
            total += weighted[column]
            weight += self.weights[column]
        return np.asarray(total / np.maximum(weight, np.float32(1e-6))[:, None], np.float32)


def fit_record_view(vocabulary: Vocabulary, embeddings: Embeddings, *, by_rarity: bool) -> RecordView:
    """Make the record view.

    Parameters
    ----------
    vocabulary : Vocabulary
        Says how rare every token is.
    embeddings : Embeddings
        Of the same tokens.
    by_rarity : bool
        Weight tokens by -log of their share of the reference instead of alike.

    Returns
    -------
    RecordView
    """
    lengths = np.linalg.norm(embeddings.vectors, axis=1)
    apart = np.where(vocabulary.counts() > 0, 0.0, max(float(lengths.max(initial=0.0)), 1e-3))
    table = np.column_stack([embeddings.vectors, apart]).astype(np.float32)
    return RecordView(table, vocabulary.surprise() if by_rarity else np.ones(vocabulary.size, np.float32))
