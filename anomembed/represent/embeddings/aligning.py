"""Turn new embeddings as those before them lie, so that a value has about the same vector in both.

What vectors mean lies in their products, which no rotation changes; so the best rotation is free to choose: orthogonal
Procrustes [1]_ over the tokens that both have.

.. [1] Schönemann: A generalized solution of the orthogonal Procrustes problem. Psychometrika, 1966.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from anomembed.represent.arrays import Matrix
from anomembed.represent.embeddings import Embeddings


def aligned(
    embeddings: Embeddings, names: Sequence[tuple[str, str]], before: Mapping[tuple[str, str], Matrix]
) -> Embeddings:
    """Return embeddings with the same products, turned towards those before them.

    Parameters
    ----------
    embeddings : Embeddings
        The new ones; those of a network, or made of subwords, are left as they are.
    names : sequence of (str, str)
        Column and label of each of their tokens.
    before : mapping
        Vectors of the tokens before, by column and label.
    """
    if embeddings.network is not None or embeddings.subwords is not None:
        return embeddings
    shared = [at for at, name in enumerate(names) if name in before]
    old = np.array([before[names[at]] for at in shared], np.float64)
    if len(shared) < embeddings.width or old.shape[1] != embeddings.width:
        return embeddings
    left, _, right = np.linalg.svd(embeddings.vectors[shared].astype(np.float64).T @ old)
    turn = (left @ right).astype(np.float32)
    return replace(embeddings, vectors=embeddings.vectors @ turn, contexts=embeddings.contexts @ turn)
