"""Turn learnt vectors into `Embeddings`: zeros for tokens that never occurred, contexts, and how much they explain."""

import numpy as np

from anomembed.represent.arrays import Matrix
from anomembed.represent.counts import Counts
from anomembed.represent.embeddings import Embeddings
from anomembed.represent.embeddings.corpus import Corpus
from anomembed.represent.embeddings.neural.networks import Network
from anomembed.represent.embeddings.ppmi_svd import positive_pmi
from anomembed.represent.embeddings.subwords import Subwords

RIDGE = 1e-6  # share of the strongest direction below which a direction is not used


def finish(
    method: str,
    corpus: Corpus,
    vectors: Matrix,
    contexts: Matrix | None,
    losses: tuple[float, ...] = (),
    subwords: Subwords | None = None,
    network: Network | None = None,
) -> Embeddings:
    """Make embeddings from learnt vectors.

    Parameters
    ----------
    method : str
        Name of the learner.
    corpus : Corpus
        What they were learnt from.
    vectors : ndarray of shape (n_tokens, width)
        Input vectors.
    contexts : ndarray of shape (n_tokens, width) or None
        Output vectors; by default those whose products with `vectors` best approximate the positive pointwise mutual
        information.
    losses : tuple of float
        Loss by epoch.
    subwords : Subwords or None
        Vectors of pieces.
    network : Network or None
        The network whose first layer the vectors are.
    """
    occurs = (corpus.occurrences > 0)[:, None]
    vectors = np.where(occurs, vectors, np.float32(0)).astype(np.float32)
    read, explained = read_out(vectors, corpus.counts)
    contexts = np.where(occurs, read if contexts is None else contexts, np.float32(0)).astype(np.float32)
    return Embeddings(vectors, contexts, explained, method, losses, subwords, network=network)


def read_out(vectors: Matrix, counts: Counts) -> tuple[Matrix, float]:
    """Return the contexts that explain most of the association of tokens, and the share explained, from 0 to 1."""
    ppmi = positive_pmi(counts)
    total = float((ppmi.data**2).sum())
    wide = vectors.astype(np.float64)
    inner = wide.T @ wide
    inverse = np.linalg.pinv(inner, rcond=RIDGE, hermitian=True)
    seen = np.asarray(ppmi.T @ wide)
    contexts = seen @ inverse
    explained = float((contexts * seen).sum()) / total if total else 1.0
    return contexts.astype(np.float32), min(max(explained, 0.0), 1.0)
