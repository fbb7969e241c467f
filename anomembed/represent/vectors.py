"""Vectors that come with the records: from a column of arrays to a matrix."""

import numpy as np
import polars as pl
from numpy.typing import NDArray

# What lies farther out is set here: the squares of very wide vectors must not overflow.
FARTHEST_COMPONENT = np.float32(1e15)


def vector_matrix(column: pl.Series) -> NDArray[np.float32]:
    """Return the vectors of records, shape (n_records, width).

    Parameters
    ----------
    column : pl.Series
        Of type Array(Float32).

    Returns
    -------
    ndarray of shape (n_records, width)
        NaN all along where the vector is null or has a component that is null, NaN or infinite: it cannot be measured.
    """
    matrix = np.array(column.to_numpy(), np.float32, ndmin=2).reshape(len(column), -1)
    unknown = ~np.isfinite(matrix).all(axis=1)
    np.clip(matrix, -FARTHEST_COMPONENT, FARTHEST_COMPONENT, out=matrix)
    matrix[unknown] = np.nan
    return matrix


def is_known(vectors: NDArray[np.float32]) -> NDArray[np.bool_]:
    """Tell which of the vectors that `vector_matrix` returns are there, shape (n_records,)."""
    return ~np.isnan(vectors[:, 0])
