"""Spectral embedding of the graph that joins tokens which occur together: ProNE [1]_.

Vectors from a sparse factorisation of the graph (of its positive pointwise mutual information), smoothed by a band-pass
filter of its spectrum, which spreads what neighbours have in common. Random projections of powers of the graph
(FastRP [2]_) were tried instead: .05 of AUC better on one set of four (chess), .16 worse on another (apascal), and
sensitive to the weights of the powers.

.. [1] Zhang, Dong, Wang, Tang, Ding: ProNE: Fast and scalable network representation learning. IJCAI 2019.
.. [2] Chen, Sultan, Tian, Chen, Skiena: Fast and accurate network embeddings via very sparse random projection. CIKM
   2019.
"""

import numpy as np
from scipy import sparse
from scipy.special import iv

from anomembed.represent.arrays import Floats
from anomembed.represent.embeddings import Embeddings
from anomembed.represent.embeddings.anchoring import fit_anchored, scale_to
from anomembed.represent.embeddings.corpus import Corpus
from anomembed.represent.embeddings.epochs import Progress, Training
from anomembed.represent.embeddings.finishing import finish
from anomembed.represent.embeddings.ppmi_svd import fit_ppmi_svd

TERMS, MU, THETA = 10, 0.2, 0.5  # of the Chebyshev expansion; middle and width of the band, as published


def fit_graph(corpus: Corpus, training: Training, seed: int, _progress: Progress | None = None) -> Embeddings:
    """Learn embeddings from the graph of co-occurrence.

    Parameters
    ----------
    corpus : Corpus
        Records or sequences; only their pair counts are used.
    training : Training
        Only the width and imported vectors matter. These are smoothed with the others, then frozen or pulled back.
    seed : int
        Seed of the factorisation; it changes the result only by rounding.
    _progress : ignored
        Part of the signature.

    Returns
    -------
    Embeddings
    """
    together = sparse.csr_array(corpus.counts.together)
    imported = training.imported
    if imported is not None:
        smooth = scale_to(_filter(together, fit_anchored(corpus.counts, imported, seed)), imported)
        firmness = 1 - 1 / (1 + imported.pulls(corpus.occurrences)[:, None])
        mixed = smooth * (1 - firmness) + imported.vectors * firmness
        return finish("graph", corpus, mixed.astype(np.float32), None)
    plain = fit_ppmi_svd(corpus.counts, training.width, seed).vectors.astype(np.float64)
    left, strength, _ = np.linalg.svd(_filter(together, plain), full_matrices=False)
    return finish("graph", corpus, (left * np.sqrt(strength)).astype(np.float32), None)


def _filter(together: sparse.csr_array, vectors: Floats) -> Floats:
    """Apply a Gaussian band-pass filter of the graph's Laplacian, by a Chebyshev expansion with Bessel weights."""
    degree = np.maximum(np.asarray(together.sum(axis=1)).ravel(), 1e-9)
    walk = sparse.csr_array(together / degree[:, None])
    shifted = sparse.csr_array(sparse.eye_array(len(degree)) * (1 - MU) - walk)
    before, now = vectors, 0.5 * (shifted @ (shifted @ vectors)) - vectors
    total = iv(0, THETA) * vectors - 2 * iv(1, THETA) * now
    for term in range(2, TERMS):
        following = shifted @ (shifted @ now) - 2 * now - before
        total += (2 if term % 2 == 0 else -2) * iv(term, THETA) * following
        before, now = now, following
    return np.asarray(walk @ (vectors - total))
