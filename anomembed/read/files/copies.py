"""Copies of text files that DuckDB can read: in UTF-8, decompressed, without what stands around the records.

A copy is written block by block, so memory stays constant, and it lasts as long as its folder.
"""

import codecs
import os
import tempfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

from anomembed.errors import SourceError
from anomembed.read.files.content import UTF8, Content, read_blocks
from anomembed.read.lines.formats import COMPRESSED

ENDINGS = {".gz": "gzip", ".zst": "zstd"}  # what DuckDB takes a file for that is named so
LONGEST = 1 << 24  # bytes of a line
PLAIN = (UTF8, "ascii", "utf-8-sig")


class Copies:
    """A folder of copies that goes with the block it is used in; use as a context manager."""

    def __init__(self) -> None:
        self._folder: tempfile.TemporaryDirectory[str] | None = None
        self._n_copies = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        if self._folder:
            self._folder.cleanup()

    def readable(self, content: Content, *, may_be_marked: bool = True) -> str:
        """Return a path at which DuckDB reads the text of a file: its own, or that of a copy.

        Parameters
        ----------
        content : Content
            The file.
        may_be_marked : bool, default=True
            Whether a byte order mark does no harm.
        """
        is_native = content.compression == ENDINGS.get(Path(content.path).suffix.lower())
        plain = PLAIN if may_be_marked else PLAIN[:2]
        return content.path if is_native and content.encoding in plain else self.copy(content)

    def copy(
        self,
        content: Content,
        *,
        start: int = 0,
        n_bytes: int | None = None,
        edit: Callable[[bytes], bytes | None] | None = None,
    ) -> str:
        """Copy a file as UTF-8.

        Parameters
        ----------
        content : Content
            The file.
        start, n_bytes : int, optional
            Which bytes of its UTF-8 text to copy.
        edit : callable, optional
            Returns what to copy of a line; None to leave it out.
        """
        blocks = _clipped(read_text(content), start, n_bytes)
        path = Path(content.path)
        name = path.stem if path.suffix.lower() in COMPRESSED else path.name
        return self._write(name, _edited(blocks, edit) if edit else blocks, content)

    def join(self, blocks: Iterable[bytes], contents: Sequence[Content]) -> str:
        """Write what is made of several files into one.

        Parameters
        ----------
        blocks : iterable of bytes
            What to write, in UTF-8.
        contents : sequence of Content
            The files.
        """
        return self._write("joined", blocks, contents[0])

    def _write(self, name: str, blocks: Iterable[bytes], content: Content) -> str:
        self._folder = self._folder or tempfile.TemporaryDirectory(prefix="anomembed-")
        self._n_copies += 1
        folder = Path(self._folder.name) / str(self._n_copies)
        folder.mkdir()
        path = folder / name
        try:
            with path.open("wb") as file:
                file.writelines(blocks)
        except OSError as error:
            raise SourceError(
                f"{content.path} cannot be copied as UTF-8 text to {folder}: {error.strerror}; set TMPDIR to a folder "
                "with more space"
            ) from error
        modified = Path(content.path).stat().st_mtime
        os.utime(path, (modified, modified))  # the year of times without one follows from it
        return str(path)


def read_text(content: Content) -> Iterator[bytes]:
    """Yield the text of a file as UTF-8, without a byte order mark."""
    decoder = codecs.getincrementaldecoder(content.encoding)(errors="replace")
    for block in read_blocks(content.path, content.compression):
        if content.encoding in PLAIN[:2]:
            yield block
        elif text := decoder.decode(block):
            yield text.encode()
    yield decoder.decode(b"", final=True).encode()


def _clipped(blocks: Iterator[bytes], start: int, n_bytes: int | None) -> Iterator[bytes]:
    position, end = 0, None if n_bytes is None else start + n_bytes
    for block in blocks:
        part = block[max(start - position, 0) : None if end is None else max(end - position, 0)]
        position += len(block)
        if part:
            yield part


def _edited(blocks: Iterator[bytes], edit: Callable[[bytes], bytes | None]) -> Iterator[bytes]:
    rest = b""
    for block in blocks:
        *lines, rest = (rest + block).split(b"\n")
        yield b"".join(text + b"\n" for line in lines if (text := edit(line)) is not None)
        if len(rest) > LONGEST:
            raise SourceError(f"a line has more than {LONGEST:,} bytes, or does not end")
    if rest and (text := edit(rest)) is not None:
        yield text
