"""Columns of vectors as matrices."""

import numpy as np
import polars as pl
from numpy.typing import NDArray

# Components farther out are clipped, so that sums of squares do not overflow.
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
        A row of NaN where the vector is null or has a component that is null, NaN or infinite.
    """
    width = column.dtype.shape[0] if isinstance(column.dtype, pl.Array) else -1
    matrix = np.array(column.to_numpy(), np.float32, ndmin=2).reshape(len(column), width)
    unknown = ~np.isfinite(matrix).all(axis=1)
    np.clip(matrix, -FARTHEST_COMPONENT, FARTHEST_COMPONENT, out=matrix)
    matrix[unknown] = np.nan
    return matrix


def is_known(vectors: NDArray[np.float32]) -> NDArray[np.bool_]:
    """Return which rows of `vector_matrix` hold a vector, shape (n_records,)."""
    return ~np.isnan(vectors[:, 0])
