"""A record's tokens as one vector: the weighted mean of their embeddings.

A token that the reference does not have gets a dimension of its own, as long as the longest embedding.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from anomembed.represent.embeddings import Embeddings
from anomembed.represent.tokens.vocabulary import Tokens, Vocabulary


@dataclass(frozen=True)
class Pooling:
    """Pools the embeddings of tokens.

    Parameters
    ----------
    vectors_of : ndarray of shape (n_tokens, width + 1)
        Embedding of every token, and the dimension of tokens that the reference does not have.
    weights : ndarray of shape (n_tokens,)
        Weight of every token.
    """

    vectors_of: NDArray[np.float32]
    weights: NDArray[np.float32]

    def pool(self, tokens: Tokens) -> NDArray[np.float32]:
        """Return the weighted mean of the embeddings of each row of token ids, shape (n_records, width + 1)."""
        weighted = self.vectors_of * self.weights[:, None]
        total = np.zeros((len(tokens), weighted.shape[1]), np.float32)
        weight = np.zeros(len(tokens), np.float32)
        for column in tokens.T:  # one column after the other: the sum of a record does not depend on its batch
            total += weighted[column]
            weight += self.weights[column]
        return np.asarray(total / np.maximum(weight, np.float32(1e-6))[:, None], np.float32)


def fit_pooling(
    vocabulary: Vocabulary, embeddings: Embeddings, *, by_rarity: bool, left_out: Sequence[int] = ()
) -> Pooling:
    """Decide what every token weighs.

    Parameters
    ----------
    vocabulary : Vocabulary
        Knows how rare every token is.
    embeddings : Embeddings
        Of the same tokens.
    by_rarity : bool
        Weight tokens by -log of their share of the reference; otherwise all weigh the same.
    left_out : sequence of int
        Columns whose tokens weigh nothing, but for those that the reference does not have.

    Returns
    -------
    Pooling
    """
    lengths = np.linalg.norm(embeddings.vectors, axis=1)
    apart = np.where(vocabulary.counts() > 0, 0.0, max(float(lengths.max(initial=0.0)), 1e-3))
    table = np.column_stack([embeddings.vectors, apart]).astype(np.float32)
    weights = vocabulary.surprise() if by_rarity else np.ones(vocabulary.size, np.float32)
    for column in left_out:
        tokens = slice(vocabulary.offsets[column], vocabulary.offsets[column + 1])
        weights[tokens] = np.where(vocabulary.columns[column].counts > 0, 0, weights[tokens])
    return Pooling(table, weights)
