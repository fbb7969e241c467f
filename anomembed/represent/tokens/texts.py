"""Texts as bytes, for compiled loops."""

import numpy as np
import polars as pl
from numpy.typing import NDArray

from anomembed.represent.arrays import Ints

MOST_BYTES = 2_000  # of a text; the rest is ignored

Bytes = NDArray[np.uint8]


def buffers(texts: pl.Series) -> tuple[Bytes, Ints]:
    """Return the concatenated texts in UTF-8, and the offset of each; the last offset is the end."""
    import pyarrow as pa  # takes long to load, and most tables have no texts

    array = texts.cast(pl.String).rechunk().to_arrow().cast(pa.large_string())
    _, ends, data = array.buffers()
    if not len(array):
        return np.empty(0, np.uint8), np.zeros(1, np.int64)
    written = np.frombuffer(data, np.uint8) if data is not None and data.size else np.empty(0, np.uint8)
    return written, np.frombuffer(ends, np.int64)[array.offset : array.offset + len(array) + 1]
