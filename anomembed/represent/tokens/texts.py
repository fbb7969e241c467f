"""Texts as bytes, for compiled loops."""

import numpy as np
import polars as pl
from numpy.typing import NDArray

from anomembed.represent.arrays import Ints

MOST_BYTES = 2_000  # of a text; the rest is ignored
FEW = 200  # texts: pyarrow takes longer to load, and one record is explained without it

Bytes = NDArray[np.uint8]


def buffers(texts: pl.Series) -> tuple[Bytes, Ints]:
    """Return the concatenated texts in UTF-8, and the offset of each; the last offset is the end."""
    if len(texts) <= FEW:
        parts = [text.encode() for text in texts.cast(pl.String).fill_null("")]
        offsets = np.cumsum([0, *map(len, parts)], dtype=np.int64)
        offsets.flags.writeable = False  # as Arrow's are: a loop is compiled for one or the other
        return np.frombuffer(b"".join(parts), np.uint8), offsets
    import pyarrow as pa

    array = texts.cast(pl.String).rechunk().to_arrow().cast(pa.large_string())
    _, ends, data = array.buffers()
    written = np.frombuffer(data if data is not None and data.size else b"", np.uint8)
    return written, np.frombuffer(ends, np.int64)[array.offset : array.offset + len(array) + 1]
