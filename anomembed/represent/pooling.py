"""A record's tokens as one vector: the weighted mean of their embeddings.

A token that the reference does not have gets a dimension of its own, as long as the longest embedding.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from anomembed.represent.attributes import attribute_tokens
from anomembed.represent.embeddings import Embeddings
from anomembed.represent.keys import sum_rows
from anomembed.represent.tokens.vocabulary import Tokens, Vocabulary

SHORTEST = 1e-6  # length of an embedding that is one; below it are rounding errors


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
        total = sum_rows(self._weighted, tokens)
        return np.asarray(total[:, :-1] / np.maximum(total[:, -1:], np.float32(1e-6)), np.float32)

    @cached_property
    def _weighted(self) -> NDArray[np.float32]:
        """What each token adds to the vector and the weight of a record."""
        return np.column_stack([self.vectors_of * self.weights[:, None], self.weights])


def fit_pooling(
    vocabulary: Vocabulary, embeddings: Embeddings, *, by_rarity: bool, attributes: Sequence[int] = ()
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
    attributes : sequence of int
        Columns whose tokens weigh nothing; see `anomembed.represent.attributes`.

    Returns
    -------
    Pooling
    """
    lengths = np.linalg.norm(embeddings.vectors, axis=1)
    apart = np.where(vocabulary.counts() > 0, 0.0, max(float(lengths.max(initial=0.0)), 1e-3))
    table = np.column_stack([embeddings.vectors, apart]).astype(np.float32)
    weights = vocabulary.surprise() if by_rarity else np.ones(vocabulary.size, np.float32)
    weights[attribute_tokens(vocabulary, attributes)] = 0
    return Pooling(table, weights)


def unit_vectors(vectors: NDArray[np.floating], counts: NDArray[np.float64]) -> NDArray[np.floating]:
    """Return embeddings at length 1, so that all tokens count alike.

    Parameters
    ----------
    vectors : ndarray of shape (n_tokens, width)
        The embeddings.
    counts : ndarray of shape (n_tokens,)
        How often the reference has each token.

    Returns
    -------
    ndarray of shape (n_tokens, width + 1)
        A token that the reference does not have is a unit long in a dimension of its own.
    """
    is_new = counts == 0
    alike = vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), SHORTEST)
    return np.column_stack([alike * ~is_new[:, None], is_new])
