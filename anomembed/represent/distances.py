"""Mean distance to the nearest of a few reference vectors, over many draws of them."""

import numpy as np
from numpy.typing import NDArray

from anomembed.workers.blocks import in_blocks
from anomembed.workers.compiled import is_spared

BLOCK = 4096  # records per task of a thread
FARTHEST_FEATURE = np.float32(1e17)  # values farther out are clipped: their squares would overflow
ROUNDING = np.float32(2e-6)  # rounding error of a squared distance, relative to the squared lengths


def mean_nearest(
    records: NDArray[np.float32], references: NDArray[np.float32], center: NDArray[np.float32]
) -> NDArray[np.float64]:
    """Return the mean, over the draws, of every record's distance to the nearest reference of the draw.

    Parameters
    ----------
    records : ndarray of shape (n_records, n_features)
        Float32.
    references : ndarray of shape (n_draws, n_references, n_features)
        The drawn vectors, minus `center`.
    center : ndarray of shape (n_features,)
        A point amid them, for precision.

    Returns
    -------
    ndarray of shape (n_records,)
        Euclidean; the distance of a record does not depend on the other records.
    """
    if is_spared(len(records)):
        return _mean_nearest_of_few(records, references, center)
    from anomembed.represent.nearest import AT_ONCE, add_nearest

    # Padded with copies of the first; the products of each draw follow one another.
    padded = np.concatenate([references, references[:, np.zeros(-references.shape[1] % AT_ONCE, np.intp)]], axis=1)
    half_square, rows = (padded**2).sum(axis=2) / 2, padded.reshape(len(padded), -1)
    scores = np.zeros(len(records))

    def score(block: slice) -> None:
        near = np.clip(records[block] - center, -FARTHEST_FEATURE, FARTHEST_FEATURE)
        add_nearest(np.ascontiguousarray(near), rows, half_square, scores[block])

    in_blocks(score, len(records), BLOCK)
    return scores / len(references)


def _mean_nearest_of_few(
    records: NDArray[np.float32], references: NDArray[np.float32], center: NDArray[np.float32]
) -> NDArray[np.float64]:
    """Return the same by NumPy, a record at a time."""
    half_square = (references**2).sum(axis=2) / 2
    scores = np.empty(len(records))
    for index, record in enumerate(np.clip(records - center, -FARTHEST_FEATURE, FARTHEST_FEATURE)):
        length = (record**2).sum()
        away = length - 2 * (references @ record - half_square).max(axis=1)
        scores[index] = np.sqrt(np.where(away > ROUNDING * length, away, 0)).mean(dtype=np.float64)
    return scores
