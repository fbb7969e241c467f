"""The lines of a file, in constant memory: decompressed, and none of them endless."""

from collections.abc import Iterator
from typing import IO

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from anomembed.read.files.content import READ_ERRORS, find_compression, open_stream, unreadable

BYTES_AT_ONCE = 1 << 24
LONGEST = 1 << 20  # characters of a line that are kept
LONGEST_BYTES = 4 * LONGEST + 4  # more than LONGEST characters, whatever they are
LF, CR = b"\n", b"\r"


def read_batches(path: str) -> Iterator[tuple[pa.LargeStringArray, int]]:
    """Yield the lines of a file, some megabytes at once.

    Lines end with a line feed; with carriage returns alone where the first bytes hold no line feed. Bytes that are not
    UTF-8 become U+FFFD.

    Parameters
    ----------
    path : str
        A file in UTF-8; compressed ones are known by their first bytes.

    Yields
    ------
    lines : pa.LargeStringArray
        With their line ends, cut to `LONGEST` characters.
    n_cut : int
        How many of them were longer.

    Raises
    ------
    SourceError
        When the file cannot be read, or its compressed data break off.
    """
    try:
        with open_stream(path, find_compression(path)) as stream:
            yield from map(_lines, _whole_lines(_blocks(stream)))
    except READ_ERRORS as error:
        raise unreadable(path, error) from error


def _blocks(stream: IO[bytes]) -> Iterator[bytes]:
    while block := stream.read(BYTES_AT_ONCE):
        yield block


def _whole_lines(blocks: Iterator[bytes]) -> Iterator[bytes]:
    """Yield blocks that end with a line end, and at last the rest with one.

    Of a line without an end only the first `LONGEST_BYTES` are held.
    """
    rest, mark = b"", None
    for block in blocks:
        mark = mark or _line_end(block)
        whole, end, more = _ended(block, mark).rpartition(LF)
        if end:
            yield rest + whole + end
            rest = b""
        rest += more[: LONGEST_BYTES - len(rest)]
    if rest:
        yield rest + LF


def _line_end(block: bytes) -> bytes:
    """Return what ends the lines of a file, by its first block."""
    return CR if LF not in block and CR in block[:-1] else LF


def _ended(block: bytes, mark: bytes) -> bytes:
    return block.replace(CR, LF) if mark == CR else block


def _lines(block: bytes) -> tuple[pa.LargeStringArray, int]:
    try:
        block.decode()
    except UnicodeDecodeError:
        block = block.decode(errors="replace").encode()
    ends = np.flatnonzero(np.frombuffer(block, np.uint8) == ord(LF)) + 1
    offsets = np.concatenate([[0], ends]).astype(np.int64)
    lines = pa.LargeStringArray.from_buffers(len(ends), pa.py_buffer(offsets), pa.py_buffer(block))
    if np.diff(offsets).max(initial=0) <= LONGEST:
        return lines, 0
    n_cut = pc.sum(pc.greater(pc.utf8_length(pc.utf8_rtrim(lines, "\r\n")), LONGEST)).as_py() or 0
    return pc.utf8_slice_codeunits(lines, 0, LONGEST), n_cut
