"""Put imported vectors into a factorisation: turn it onto them, or take them as given and solve for the others.

A factorisation has no initial values: from any start it ends at the same product. What ``start`` can mean is which way
the axes point, so the vectors are turned onto the imported ones (orthogonal Procrustes), which changes no distance and
makes models comparable. ``frozen`` and ``fine-tune`` alternate least squares [1]_ between vectors and contexts, while
imported vectors stand still or are pulled by a ridge. A token without one gets the vector that explains its association
best, given the contexts of the others.

.. [1] Koren, Bell, Volinsky: Matrix factorization techniques for recommender systems. IEEE Computer 42(8), 2009.
"""

import numpy as np

from anomembed.represent.arrays import Floats
from anomembed.represent.counts import Counts
from anomembed.represent.embeddings.imported import Imported
from anomembed.represent.embeddings.ppmi_svd import fit_ppmi_svd, positive_pmi

SWEEPS = 10  # of the alternation; it settles in fewer
RIDGE = 1e-6  # share of the largest direction that a direction needs to be used
NOTHING = 1e-9  # share of a size below which there is nothing but rounding


def turn_onto(vectors: Floats, imported: Imported) -> Floats:
    """Turn vectors so that they lie as near to the imported ones as they can; lengths and angles stay.

    Parameters
    ----------
    vectors : ndarray of shape (n_tokens, narrower or equal width)
        Learnt without the imported ones.
    imported : Imported
        Where to turn to.

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
    """Multiply all vectors by the one number, be it negative, that brings them nearest to the imported ones.

    They stay as they are where those of the imported tokens are next to nothing: there is nothing to scale by.
    """
    known, given = vectors[imported.known], imported.vectors[imported.known].astype(np.float64)
    size, along = float((known**2).sum()), float((known * given).sum())
    if size <= NOTHING * float((vectors**2).sum()) or abs(along) <= NOTHING * np.sqrt(size * float((given**2).sum())):
        return vectors
    return np.asarray(vectors * (along / size))


def fit_anchored(counts: Counts, imported: Imported, seed: int) -> Floats:
    """Factorise the association of tokens, beginning with imported vectors.

    Parameters
    ----------
    counts : Counts
        Pair counts of the tokens.
    imported : Imported
        The vectors, and what to do with them.
    seed : int
        Of the plain factorisation, where the others begin; the result depends on it only by rounding.

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
    held = imported.hold(counts.single).astype(np.float64)[:, None]
    is_frozen = np.isinf(held)
    vectors = np.where(imported.known[:, None], given, scale_to(turned, imported))
    for _ in range(SWEEPS):
        contexts = _solve(np.asarray(ppmi.T @ vectors), vectors, np.zeros((1, 1)), given)
        free = _solve(np.asarray(ppmi @ contexts), contexts, np.where(is_frozen, 0, held), given)
        vectors = np.where(is_frozen, given, free)
    return vectors


def _solve(seen: Floats, others: Floats, held: Floats, given: Floats) -> Floats:
    """Solve a ridge for every row: products with `others` come near to what was seen, the row near to what was given.

    A row is held in units of the mean weight of a direction.
    """
    strength, axes = _directions(others)
    held = held * strength.sum() / others.shape[1]
    wanted = (seen + held * given) @ axes
    weights = strength + held
    usable = weights > RIDGE * max(float(strength.max(initial=0)), 1e-300)
    solved = np.where(usable, wanted / np.where(usable, weights, 1), 0) @ axes.T
    beside = np.where(held > 0, given - (given @ axes) @ axes.T, 0)  # of directions that no other vector has
    return np.asarray(solved + beside)


def _directions(vectors: Floats) -> tuple[Floats, Floats]:
    """Return the principal directions of vectors, about the origin, and how strong each is; no more than vectors."""
    if len(vectors) < vectors.shape[1]:
        _, singular, rows = np.linalg.svd(vectors, full_matrices=False)
        return np.asarray(singular**2), np.asarray(rows.T)
    strength, axes = np.linalg.eigh(vectors.T @ vectors)
    return np.maximum(strength, 0), axes
