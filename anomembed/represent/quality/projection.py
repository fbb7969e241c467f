"""Project tokens onto a plane: by principal components, or by UMAP [1]_, which keeps neighbours together.

.. [1] McInnes, Healy, Melville: UMAP: Uniform manifold approximation and projection for dimension reduction. 2018.
"""

import warnings
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from anomembed.errors import ConfigError, nearest_name
from anomembed.represent.quality.neighbours import unit_vectors

PROJECTIONS = ("pca", "umap")
UMAP_NEIGHBOURS = 15  # as published
FEWEST = 5  # tokens that UMAP needs


@dataclass(frozen=True)
class Projection:
    """Tokens on a plane.

    Parameters
    ----------
    places : ndarray of shape (n_tokens, 2)
        Coordinates, float64.
    method : str
        Name of the projection, for people.
    """

    places: NDArray[np.float64]
    method: str


def check_projection(name: str) -> None:
    """Refuse an unknown projection before any work is done.

    Raises
    ------
    ConfigError
        When there is no such projection, or its package is not installed.
    """
    if name not in PROJECTIONS:
        raise ConfigError(f"no such projection: {name}{nearest_name(name, PROJECTIONS)}")
    if name == "umap":
        try:
            import umap  # noqa: F401
        except ImportError:
            raise ConfigError("the projection umap needs an extra: pip install 'anomembed[map]'") from None


def project(vectors: NDArray[np.float32], name: str, seed: int) -> Projection:
    """Project tokens onto a plane by the directions of their vectors.

    Parameters
    ----------
    vectors : ndarray of shape (n_tokens, width)
        Of the tokens.
    name : {'pca', 'umap'}
        The projection.
    seed : int
        Seed of UMAP's random numbers.

    Returns
    -------
    Projection
        By principal components if there are too few tokens for UMAP.
    """
    unit = unit_vectors(vectors).astype(np.float64)
    if name == "umap" and len(unit) >= FEWEST:
        return Projection(_umap(unit, seed), "UMAP")
    centred = unit - unit.mean(axis=0)
    if min(centred.shape) < 2:
        centred = np.pad(centred, ((0, max(0, 2 - len(centred))), (0, max(0, 2 - centred.shape[1]))))
    left, strength, _ = np.linalg.svd(centred, full_matrices=False)
    flip = np.sign(left[np.abs(left).argmax(axis=0), np.arange(left.shape[1])])
    places = (left * np.where(flip == 0, 1, flip) * strength)[: len(unit), :2]
    total = float((strength**2).sum())
    kept = float((strength[:2] ** 2).sum()) / total if total else 1.0
    return Projection(places, f"two principal components, {kept:.0%} of the variance")


def _umap(unit: NDArray[np.float64], seed: int) -> NDArray[np.float64]:
    from umap import UMAP

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # a seed means one processor; there are few tokens
        start = "spectral" if len(unit) > UMAP_NEIGHBOURS else "random"
        mapper = UMAP(n_neighbors=min(UMAP_NEIGHBOURS, len(unit) - 1), init=start, random_state=seed)
        return np.asarray(mapper.fit_transform(unit), np.float64)
