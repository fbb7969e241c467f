"""Tie a factorisation to imported vectors: rotate it onto them, or solve for the other vectors given them.

A factorisation has no initial values: from any start it ends at the same product. So ``start`` determines the axes
only: the vectors are rotated onto the imported ones (orthogonal Procrustes), which changes no distance and makes models
comparable. ``frozen`` and ``fine-tune`` use alternating least squares [1]_ between vectors and contexts, in which
imported vectors are fixed or pulled back by a ridge penalty. A token without one gets the vector that explains its
association best, given the contexts of the others.

.. [1] Koren, Bell, Volinsky: Matrix factorization techniques for recommender systems. IEEE Computer 42(8), 2009.
"""

import numpy as np

from anomembed.represent.arrays import Floats
from anomembed.represent.counts import Counts
from anomembed.represent.embeddings.imported import Imported
from anomembed.represent.embeddings.ppmi_svd import fit_ppmi_svd, positive_pmi

SWEEPS = 10  # of the alternation; it converges in fewer
RIDGE = 1e-6  # share of the strongest direction below which a direction is not used
NOTHING = 1e-9  # relative size below which there is only rounding


def turn_onto(vectors: Floats, imported: Imported) -> Floats:
    """Rotate vectors as near to the imported ones as possible; lengths and angles stay.

    Parameters
    ----------
    vectors : ndarray of shape (n_tokens, narrower or equal width)
        Learnt without them.
    imported : Imported
        The target.

    Returns
    -------
    ndarray of shape (n_tokens, width)
        As wide as the imported ones.
    """
    wide = np.zeros(imported.vectors.shape)
    wide[:, : vectors.shape[1]] = vectors
    left, _, right = np.linalg.svd(wide[imported.known].T @ imported.vectors[imported.known].astype(np.float64))
    return np.asarray(wide @ (left @ right))


def scale_to(vectors: Floats, imported: Imported) -> Floats:
    """Scale all vectors by the one factor, possibly negative, that brings them nearest to the imported ones.

    They stay unchanged where those of the imported tokens are nearly zero.
    """
    known, given = vectors[imported.known], imported.vectors[imported.known].astype(np.float64)
    size, along = float((known**2).sum()), float((known * given).sum())
    if size <= NOTHING * float((vectors**2).sum()) or abs(along) <= NOTHING * np.sqrt(size * float((given**2).sum())):
        return vectors
    return np.asarray(vectors * (along / size))


def fit_anchored(counts: Counts, imported: Imported, seed: int) -> Floats:
    """Factorise the association of tokens, starting from imported vectors.

    Parameters
    ----------
    counts : Counts
        Pair counts of the tokens.
    imported : Imported
        The vectors, and how to use them.
    seed : int
        Seed of the plain factorisation, where the other vectors start; it changes the result only by rounding.

    Returns
    -------
    ndarray of shape (n_tokens, width)
    """
    plain = fit_ppmi_svd(counts, imported.vectors.shape[1], seed).vectors.astype(np.float64)
    turned = turn_onto(plain, imported)
    if imported.use == "start":
        return turned
    ppmi = positive_pmi(counts)
    given = imported.vectors.astype(np.float64)
    pulls = imported.pulls(counts.single).astype(np.float64)[:, None]
    is_frozen = np.isinf(pulls)
    vectors = np.where(imported.known[:, None], given, scale_to(turned, imported))
    for _ in range(SWEEPS):
        contexts = _solve(np.asarray(ppmi.T @ vectors), vectors, np.zeros((1, 1)), given)
        free = _solve(np.asarray(ppmi @ contexts), contexts, np.where(is_frozen, 0, pulls), given)
        vectors = np.where(is_frozen, given, free)
    return vectors


def _solve(seen: Floats, others: Floats, pulls: Floats, given: Floats) -> Floats:
    """Solve a ridge regression for every row: products with `others` approximate `seen`, the row approximates `given`.

    `pulls` are in units of the mean strength of a direction.
    """
    strength, axes = _directions(others)
    pulls = pulls * strength.sum() / others.shape[1]
    target = (seen + pulls * given) @ axes
    weights = strength + pulls
    usable = weights > RIDGE * max(float(strength.max(initial=0)), 1e-300)
    solved = np.where(usable, target / np.where(usable, weights, 1), 0) @ axes.T
    outside = np.where(pulls > 0, given - (given @ axes) @ axes.T, 0)  # in directions that no other vector has
    return np.asarray(solved + outside)


def _directions(vectors: Floats) -> tuple[Floats, Floats]:
    """Return the strengths and the principal directions of vectors about the origin, at most as many as vectors."""
    if len(vectors) < vectors.shape[1]:
        _, singular, rows = np.linalg.svd(vectors, full_matrices=False)
        return np.asarray(singular**2), np.asarray(rows.T)
    strength, axes = np.linalg.eigh(vectors.T @ vectors)
    return np.maximum(strength, 0), axes
