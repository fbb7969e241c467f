"""What a file holds, by its first bytes: its compression, its encoding, and what kind of records."""

import codecs
import lzma
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import pyarrow as pa

from anomembed.errors import SourceError

READ_ERRORS = OSError, EOFError, lzma.LZMAError, pa.ArrowException
TRUNCATED = "Truncated", "end-of-stream"  # how pyarrow and lzma call a compressed file that was cut
HEAD = 1 << 20  # bytes that decide what a file is
BLOCK = 1 << 22  # bytes that are copied at once
COMPRESSIONS = {
    rb"\x1f\x8b": "gzip",
    rb"\x28\xb5\x2f\xfd": "zstd",
    rb"BZh[1-9]1AY&SY": "bz2",
    rb"\xfd7zXZ\x00": "xz",
}
"""How compressed files begin, as regular expressions."""
BINARY = {
    b"PAR1": "parquet",
    b"SQLite format 3\0": "a SQLite database: name it as sqlite:///{path}",
    b"PK\x03\x04": "a ZIP archive or an Excel workbook: unpack it, or save the sheet as CSV",
    b"\xd0\xcf\x11\xe0": "an Excel workbook: save the sheet as CSV",
    b"ARROW1": "an Arrow file: write it as Parquet",
    b"Obj\x01": "an Avro file: write it as Parquet",
    b"ORC": "an ORC file: write it as Parquet",
}
"""How binary files begin, and what they are; what cannot be read is told what to do with."""
DATABASE_KIND = "database"
DATABASE = b"DUCK"  # after eight bytes of a checksum
PARQUET = "parquet"
MARKS = {
    codecs.BOM_UTF8: "utf-8-sig",
    codecs.BOM_UTF32_LE: "utf-32",
    codecs.BOM_UTF32_BE: "utf-32",
    codecs.BOM_UTF16_LE: "utf-16",
    codecs.BOM_UTF16_BE: "utf-16",
}
"""Byte order marks, longer ones before those that they begin with."""
UTF8, WINDOWS, LATIN = "utf-8", "cp1252", "latin-1"
NAMES = {WINDOWS: "Windows-1252", LATIN: "Latin-1"}
CONTROL = re.compile(r"[\x00\x02-\x08\x0e-\x1a\x1c\x1d]")
"""Characters that no text holds; an escape colours logs, and others separate fields or records."""
LINE = re.compile(r"[^\r\n]*(?:\r\n|\n|\r)|[^\r\n]+$")
MOST_CONTROL = 0.01  # share of such characters above which a file is no text


@dataclass(frozen=True)
class Content:
    """What the beginning of a file says about it.

    Parameters
    ----------
    path : str
        The file.
    compression : str or None
        Of the file, by its first bytes.
    encoding : str
        Python's name of the encoding of its text.
    lines : list of str
        The first lines; the last one of them only when the file ends with it.
    is_whole : bool
        Whether `lines` are all of the file.
    """

    path: str
    compression: str | None
    encoding: str
    lines: list[str]
    is_whole: bool

    @property
    def is_text(self) -> bool:
        """Whether there are hardly any characters that no text holds."""
        return len(CONTROL.findall(self.text)) <= MOST_CONTROL * len(self.text)

    @property
    def text(self) -> str:
        """The first lines as they are in the file."""
        return "".join(self.lines)

    @property
    def encoding_name(self) -> str:
        """What people call the encoding."""
        return NAMES.get(self.encoding, self.encoding.upper().removesuffix("-SIG"))


def binary_kind(path: str) -> str | None:
    """Return ``database`` or ``parquet`` when the first bytes of a file say so; None for text.

    Raises
    ------
    SourceError
        When it is a binary file of another kind, or cannot be read.
    """
    try:
        with Path(path).open("rb") as file:
            head = file.read(16)
    except OSError as error:
        raise SourceError(f"{path} cannot be read: {error.strerror}") from error
    if head[8:12] == DATABASE:
        return DATABASE_KIND
    kind = next((kind for magic, kind in BINARY.items() if head.startswith(magic)), None)
    if kind not in (None, PARQUET):
        raise SourceError(f"{path} is {kind.replace('{path}', path)}")
    return kind


def look(path: str, encoding: str | None = None, n_bytes: int = HEAD) -> Content:
    """Read the beginning of a text file.

    Parameters
    ----------
    path : str
        The file.
    encoding : str, optional
        What the user says; found out by default.
    n_bytes : int, default=HEAD
        How much to read.

    Raises
    ------
    SourceError
        When it cannot be read, or is not in the encoding that the user says.
    """
    compression = find_compression(path)
    blocks = read_blocks(path, compression, n_bytes)
    head = next(blocks, b"")
    is_whole = next(blocks, None) is None
    encoding = known_encoding(encoding) if encoding else find_encoding(head, is_whole=is_whole)
    text = _decoded(path, head, encoding, is_whole=is_whole)
    lines = LINE.findall(text)
    if not is_whole and len(lines) > 1:
        lines.pop()
    return Content(path, compression, encoding, lines, is_whole)


def find_compression(path: str) -> str | None:
    """Return the compression of a file by its first bytes."""
    with Path(path).open("rb") as file:
        head = file.read(16)
    return next((name for magic, name in COMPRESSIONS.items() if re.match(magic, head)), None)


def known_encoding(name: str) -> str:
    """Return Python's name of an encoding.

    Raises
    ------
    SourceError
        When there is none of this name.
    """
    try:
        return codecs.lookup(name).name
    except LookupError:
        raise SourceError(
            f"unknown encoding {name}; there are: utf-8, utf-16, latin-1, cp1250, cp1252, gb18030, shift_jis, ..."
        ) from None


def find_encoding(head: bytes, *, is_whole: bool = True) -> str:
    """Guess the encoding of a text from its first bytes, which may end within a letter unless they are all.

    Examples
    --------
    >>> [find_encoding("Łódź".encode(name)) for name in ("utf-8", "utf-16", "utf-8-sig")]
    ['utf-8', 'utf-16', 'utf-8-sig']
    >>> find_encoding("café".encode("latin-1")), find_encoding("a;b".encode("utf-16-be"))
    ('cp1252', 'utf-16-be')
    """
    marked = next((name for mark, name in MARKS.items() if head.startswith(mark)), None)
    if marked and _is_text(head, marked):
        return marked
    even, odd = head[0:4096:2], head[1:4096:2]
    if odd.count(0) > len(odd) / 2 and even.count(0) <= len(even) / 8:
        return "utf-16-le"
    if even.count(0) > len(even) / 2 and odd.count(0) <= len(odd) / 8:
        return "utf-16-be"
    return UTF8 if _is_text(head, UTF8, is_whole=is_whole) else western(head)


def western(head: bytes) -> str:
    """Return the encoding of bytes that are not UTF-8: Windows-1252, or Latin-1 when they are not that either."""
    return WINDOWS if _is_text(head, WINDOWS) else LATIN


def _is_text(head: bytes, encoding: str, *, is_whole: bool = False) -> bool:
    try:
        codecs.getincrementaldecoder(encoding)().decode(head, final=is_whole)
    except UnicodeDecodeError:
        return False
    return True


def _decoded(path: str, head: bytes, encoding: str, *, is_whole: bool) -> str:
    try:
        return codecs.getincrementaldecoder(encoding)().decode(head, final=is_whole)
    except UnicodeDecodeError as error:
        wrong = f"byte {error.start + 1:,} is not"
        raise SourceError(
            f"{path} is not in the encoding {encoding}: {wrong}; leave encoding out to guess it"
        ) from error


def read_blocks(path: str, compression: str | None, size: int = BLOCK) -> Iterator[bytes]:
    """Yield the bytes of a file, without its compression, some at once.

    Raises
    ------
    SourceError
        When it cannot be read, or is cut off.
    """
    try:
        with open_stream(path, compression) as stream:
            while block := stream.read(size):
                yield bytes(block)
    except READ_ERRORS as error:
        raise unreadable(path, error) from error


def unreadable(path: str, error: Exception) -> SourceError:
    """Return the error of a file that cannot be read, for one of a library that decompresses it."""
    first = str(error).splitlines()[0]
    if any(word in first for word in TRUNCATED):
        return SourceError(
            f"{path} breaks off: its compressed data have no end; copy it again, or decompress what there is of it"
        )
    return SourceError(f"{path} cannot be read: {first}")


def open_stream(path: str, compression: str | None) -> IO[bytes] | Any:  # noqa: ANN401
    """Open a file to read it without its compression; what goes wrong is one of `READ_ERRORS`."""
    return lzma.open(path) if compression == "xz" else pa.input_stream(path, compression=compression)


def is_utf8(content: Content) -> bool:
    """Tell whether all of a file is UTF-8."""
    decoder = codecs.getincrementaldecoder(UTF8)()
    try:
        for block in read_blocks(content.path, content.compression):
            decoder.decode(block)
        decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        return False
    return True
