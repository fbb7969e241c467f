"""Shapes of texts, and how to cut the part of a text out that a span of its shape stands for."""

import numpy as np
import polars as pl

from anomembed.represent.arrays import Ints
from anomembed.represent.tokens.texts import MOST_BYTES, Bytes, buffers
from anomembed.workers.blocks import in_blocks
from anomembed.workers.compiled import compiled

ASIDE = 0x1E  # in a message of lines, what follows this character is kept, but not learnt from
HEXADECIMAL, JOINED = np.zeros(256, bool), np.arange(256) >= 128
HEXADECIMAL[list(b"abcdefABCDEF")] = True
JOINED[list(b"_$%+@.-#/\\0123456789" + bytes(range(65, 91)) + bytes(range(97, 123)))] = True  # of one word or path
TEXTS_AT_ONCE = 50_000  # texts per task of a thread


def shapes(texts: pl.Series) -> pl.Series:
    """Return the shape of every text: its first bytes up to `ASIDE`, with every run of digits as ``0``.

    A word such as ``ec2`` stays one: three hexadecimal digits are no identifier.

    Parameters
    ----------
    texts : pl.Series
        Text; null stays null.

    Examples
    --------
    >>> shapes(pl.Series(["job 42 of ec2 took 3.5 s", None])).to_list()
    ['job 0 of ec2 took 0.0 s', None]
    """
    parts: dict[int, pl.Series] = {}

    def shape(block: slice) -> None:
        parts[block.start] = _shapes(texts[block])

    in_blocks(shape, len(texts), TEXTS_AT_ONCE)
    return pl.concat([parts[start] for start in sorted(parts)]) if parts else texts.cast(pl.String)


def _shapes(texts: pl.Series) -> pl.Series:
    data, ends = buffers(texts)
    written, offsets = np.empty(ends[-1] - ends[0], np.uint8), np.empty(len(ends), np.int64)
    size = _collapse.for_steps(len(written))(data, ends, written, offsets)
    return _texts(written[:size], offsets, texts.is_null())


def cut_out(texts: pl.Series, begins: Ints, sizes: Ints) -> pl.Series:
    """Return the parts of texts that spans of their shapes stand for.

    Parameters
    ----------
    texts : pl.Series
        Text.
    begins, sizes : ndarray of shape (n_texts,)
        Spans in the shapes, in bytes; size 0 gives null.

    Returns
    -------
    pl.Series

    Examples
    --------
    >>> cut_out(pl.Series(["job 42 took 3.5 s"]), np.array([11]), np.array([3])).to_list()
    ['3.5']
    """
    data, ends = buffers(texts)
    written, offsets = np.empty(ends[-1] - ends[0], np.uint8), np.empty(len(ends), np.int64)
    size = _cut.for_steps(len(written))(data, ends, begins, sizes, written, offsets)
    return _texts(written[:size], offsets, texts.is_null() | pl.Series(sizes == 0))


def _texts(written: Bytes, ends: Ints, is_null: pl.Series) -> pl.Series:
    import pyarrow as pa

    array = pa.LargeStringArray.from_buffers(len(ends) - 1, pa.py_buffer(ends), pa.py_buffer(written))
    found = pl.Series(array, dtype=pl.String)
    return found.set(is_null, None) if is_null.any() else found


@compiled()
def _end(data: Bytes, begin: int, end: int) -> int:
    """Return where to cut a text, without splitting a character."""
    if end - begin > MOST_BYTES:
        end = begin + MOST_BYTES
        while end > begin and data[end] & 0xC0 == 0x80:
            end -= 1
    for offset in range(begin, end):
        if data[offset] == ASIDE:
            return offset
    return end


@compiled()
def _ends_word(data: Bytes, offset: int, begin: int, end: int) -> bool:
    """Tell whether a digit ends a word like ``ec2``: one behind two letters that could be hexadecimal digits, too."""
    if offset - begin < 2 or not HEXADECIMAL[data[offset - 1]] or not HEXADECIMAL[data[offset - 2]]:
        return False
    is_first = offset - begin == 2 or not JOINED[data[offset - 3]]
    return bool(is_first and (offset + 1 == end or not JOINED[data[offset + 1]]))


@compiled()
def _collapse(data: Bytes, ends: Ints, written: Bytes, offsets: Ints) -> int:
    """Write the shapes and their offsets; return the number of bytes written."""
    size = np.uint64(0)  # an unsigned index cannot be negative, which saves a check
    offsets[0] = 0
    for text in range(len(ends) - 1):
        was_digit = False
        end = _end(data, ends[text], ends[text + 1])
        for offset in range(np.uint64(ends[text]), np.uint64(end)):
            byte = data[offset]
            is_digit = 48 <= byte <= 57
            if is_digit and (was_digit or not _ends_word(data, offset, ends[text], end)):
                byte = np.uint8(48)
            written[size] = byte
            size += np.uint64(0) if is_digit and was_digit else np.uint64(1)
            was_digit = is_digit
        offsets[text + 1] = size
    return int(size)


@compiled()
def _cut(data: Bytes, ends: Ints, begins: Ints, sizes: Ints, written: Bytes, offsets: Ints) -> int:
    """Write the parts and their offsets; return the number of bytes written."""
    size = 0
    offsets[0] = 0
    for text in range(len(ends) - 1):
        was_digit, at, last = False, -1, begins[text] + sizes[text]
        for offset in range(ends[text], ends[text + 1] if sizes[text] else ends[text]):
            is_digit = 48 <= data[offset] <= 57
            if not (is_digit and was_digit):
                at += 1
                if at >= last:
                    break
            if at >= begins[text]:
                written[size] = data[offset]
                size += 1
            was_digit = is_digit
        offsets[text + 1] = size
    return size
