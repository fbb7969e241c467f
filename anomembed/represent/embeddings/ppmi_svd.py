"""Token embeddings by factorising positive pointwise mutual information.

Two tokens that occur together more often than by chance get a positive entry; the leading singular vectors of the
matrix are similar for tokens that occur in similar contexts [1]_.

.. [1] Levy, Goldberg: Neural word embedding as implicit matrix factorization. NeurIPS 2014.
"""

import numpy as np
from scipy import sparse
from scipy.sparse.linalg import svds

from anomembed.represent.arrays import Floats
from anomembed.represent.counts import Counts
from anomembed.represent.embeddings import Embeddings

ROUNDING = 1e-9  # a constant column is associated with others by no more than this
DENSE_TOKENS = 1024  # below this an exact decomposition takes less than a second


def fit_ppmi_svd(counts: Counts, width: int, seed: int) -> Embeddings:
    """Learn embeddings from pair counts.

    Parameters
    ----------
    counts : Counts
        Pair counts of all columns' tokens; pairs within a column do not occur.
    width : int
        Numbers per vector; no more than there are tokens that occur, less one.
    seed : int
        Seed of the iteration; it changes the result only by rounding.

    Returns
    -------
    Embeddings
        ``U * sqrt(S)`` and ``V * sqrt(S)``, the largest component of every dimension of the first positive.
    """
    ppmi = positive_pmi(counts)
    n_used = int((counts.single > 0).sum())
    width = max(1, min(width, n_used - 1))
    left, strength, right = leading(ppmi, width, seed)
    flip = np.sign(left[np.abs(left).argmax(axis=0), np.arange(left.shape[1])])
    scale = np.where(flip == 0, 1, flip) * np.sqrt(strength)
    total = float((ppmi.data**2).sum())
    explained = min(float((strength**2).sum()) / total, 1.0) if total else 1.0
    return Embeddings((left * scale).astype(np.float32), (right * scale).astype(np.float32), explained, "ppmi-svd")


def positive_pmi(counts: Counts) -> sparse.csr_array:
    """Return the positive pointwise mutual information of every pair of tokens, in nats.

    One record is added to both the observed and the expected count of a pair, which smooths rare pairs.

    Returns
    -------
    csr_array of shape (n_tokens, n_tokens)
        Symmetric, empty diagonal.
    """
    single = counts.single
    pairs = sparse.coo_array(counts.together)
    row, column = pairs.coords
    expected = single[row] * single[column] / counts.n_records
    pmi = np.log((pairs.data + 1.0) / (expected + 1.0))
    kept = (pmi > ROUNDING) & (row != column)
    return sparse.csr_array((pmi[kept], (row[kept], column[kept])), shape=pairs.shape)


def leading(matrix: sparse.csr_array, width: int, seed: int) -> tuple[Floats, Floats, Floats]:
    """Return the leading left singular vectors, singular values and right singular vectors, largest first."""
    if not matrix.nnz:
        nothing = np.zeros((matrix.shape[0], width))
        return nothing, np.zeros(width), nothing
    if matrix.shape[0] <= max(DENSE_TOKENS, 2 * width + 2):
        # The matrix is symmetric: its singular values are the sizes of its eigenvalues.
        values, vectors = np.linalg.eigh(matrix.toarray())
        order = np.argsort(-np.abs(values), kind="stable")[:width]
        return vectors[:, order], np.abs(values[order]), vectors[:, order] * np.sign(values[order])
    start = np.random.default_rng(seed).standard_normal(matrix.shape[0])
    left, strength, right = svds(matrix, k=width, v0=start)
    order = np.argsort(-strength, kind="stable")
    return left[:, order], strength[order], right.T[:, order]
