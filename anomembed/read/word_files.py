"""Files of word vectors: word2vec text and binary, and GloVe text, which is word2vec text without its first line.

Names in them cannot hold white space, so it is written as ``%20`` and the like.
"""

import re
from collections.abc import Iterable, Iterator
from itertools import chain
from pathlib import Path
from typing import BinaryIO

import numpy as np
from numpy.typing import NDArray

from anomembed.errors import DataError, shown

HEADER = re.compile(rb"(?:\xef\xbb\xbf)?(\d{1,12})\s+(\d{1,7})\s*")  # perhaps after a byte order mark
LONGEST_LINE = 2_000_000  # bytes of a line of text; a longer one holds no vector

Rows = tuple[list[str], NDArray[np.float32]]


def read_word_file(path: Path) -> Rows:
    """Read a file of word vectors; its kind is recognised by its content.

    Parameters
    ----------
    path : Path
        Word2vec text or binary, or GloVe text.

    Returns
    -------
    names : list of str
        As the file has them.
    vectors : ndarray of shape (n_names, width)
        Float32; numbers may be infinite or NaN.

    Raises
    ------
    DataError
        When it is of no such kind, or is cut off.
    """
    with path.open("rb") as lines:
        first = lines.readline(LONGEST_LINE)
        if not first.strip():
            raise DataError(f"{path} is empty: there are no vectors in it")
        header = HEADER.fullmatch(first)
        if header is None:
            return _read_text(path, chain([first], _bounded(lines)), 1, _count_numbers(first))
        return _read_word2vec(path, lines, int(header[1]), int(header[2]))


def _read_word2vec(path: Path, lines: BinaryIO, n_names: int, width: int) -> Rows:
    """Read what follows the first line of a word2vec file, as text or binary."""
    if not n_names or not width:
        raise DataError(f"{path} is empty: its first line declares {n_names} vectors of {width} numbers")
    start = lines.tell()
    second = lines.readline(LONGEST_LINE)
    count = _count_numbers(second)
    if count > width or (0 < count < width and _is_text(second)):
        raise DataError(f"{path}: its first line declares width {width}, line 2 has a vector of width {count}")
    if count < width:
        return _read_binary(path, path.read_bytes(), start, (n_names, width))
    lines.seek(start)
    names, vectors = _read_text(path, _bounded(lines), 2, width)
    if len(names) != n_names:
        fault = "is cut off" if len(names) < n_names else "has too many lines"
        raise DataError(f"{path} {fault}: its first line declares {n_names:,} vectors, there are {len(names):,}")
    return names, vectors


def _bounded(lines: BinaryIO) -> Iterator[bytes]:
    """Yield lines, cut at `LONGEST_LINE`."""
    return iter(lambda: lines.readline(LONGEST_LINE), b"")


def _count_numbers(line: bytes) -> int:
    """Count the numbers at the end of a line, not counting its first field, which is a name."""
    count = 0
    for field in reversed(line.split()[1:]):
        if not _is_number(field):
            break
        count += 1
    return count


def _is_number(field: bytes) -> bool:
    try:
        float(field)
    except ValueError:
        return False
    return b"_" not in field  # Python reads 1_0 as ten


def _is_text(line: bytes) -> bool:
    try:
        return all(letter.isprintable() or letter.isspace() for letter in line.decode())
    except UnicodeDecodeError:
        return False


def _read_text(path: Path, lines: Iterable[bytes], start: int, width: int) -> Rows:
    names: list[str] = []
    rows: list[NDArray[np.float32]] = []
    for number, line in enumerate(lines, start):
        if len(line) == LONGEST_LINE:
            raise DataError(f"{path}: line {number} is longer than {LONGEST_LINE:,} bytes, so it is no vector")
        if not line.strip():
            continue
        name, *numbers = line.strip().rsplit(maxsplit=width)
        try:
            # A name may hold spaces; one that ends in a number is a vector that is too wide.
            is_row = len(numbers) == width > 0 and not _count_numbers(name)
            is_row = is_row and b"_" not in b"".join(numbers)
            with np.errstate(over="ignore"):  # a number that is too large becomes infinite
                row = np.array(numbers, np.float64).astype(np.float32)
        except ValueError:
            is_row = False
        if not is_row:
            raise DataError(_not_a_vector(path, line, number, width))
        names.append(name.decode(errors="replace"))
        rows.append(row)
    return names, np.array(rows, np.float32).reshape(len(rows), width)


def _not_a_vector(path: Path, line: bytes, number: int, width: int) -> str:
    count = _count_numbers(line)
    if width and count:
        return f"{path}: line {number} has a vector of width {count}, the others have width {width}"
    text = shown(line.decode(errors="replace").strip())
    return f"{path} holds no vectors: line {number}, {text}, is not a name and numbers"


def _read_binary(path: Path, content: bytes, position: int, shape: tuple[int, int]) -> Rows:
    n_names, width = shape
    size = 4 * width
    if n_names * size > len(content):
        raise DataError(_cut_off(path, n_names, (len(content) - position) // size))
    names: list[str] = []
    vectors = np.empty(shape, np.float32)
    for row in vectors:
        end = content.find(b" ", position)
        if end < 0 or end + 1 + size > len(content):
            raise DataError(_cut_off(path, n_names, len(names)))
        names.append(content[position:end].lstrip(b"\n").decode(errors="replace"))
        row[:] = np.frombuffer(content, "<f4", width, end + 1)
        position = end + 1 + size
    if content[position:].strip(b"\n"):
        raise DataError(f"{path} goes on after the {n_names:,} vectors that its first line declares")
    return names, vectors


def _cut_off(path: Path, declared: int, found: int) -> str:
    return (
        f"{path} is cut off, or no file of vectors: its first line declares {declared:,} vectors, there are at most "
        f"{found:,}"
    )
