"""Join files of JSON into one: DuckDB holds 32 MB for every file that it reads together, however small it is."""

from collections.abc import Iterator, Sequence

from anomembed.errors import SourceError
from anomembed.read.files.content import Content
from anomembed.read.files.copies import read_text

MOST_APART = 8  # files that are read together as they are: half of the memory that DuckDB has


def joined_values(contents: Sequence[Content], sizes: list[int]) -> Iterator[bytes]:
    """Yield the text of files one after the other, each value of JSON ending in its file.

    Parameters
    ----------
    contents : sequence of Content
        The files.
    sizes : list of int
        Is filled with how many bytes the text of each one has.
    """
    for content in contents:
        sizes.append(0)
        for block in read_text(content):
            sizes[-1] += len(block)
            yield block
        yield b"\n"


def joined_array(contents: Sequence[Content]) -> Iterator[bytes]:
    """Yield the text of one array with the items of those that files hold."""
    before = b"["
    for content in contents:
        for block in _items(content):
            if before and block.strip():
                yield before
                before = b""
            yield block
        before = before or b","
    yield b"[]" if before == b"[" else b"]"


def _items(content: Content) -> Iterator[bytes]:
    """Yield the text of an array without its brackets; the last one may be any until the file ends."""
    text, is_begun = b"", False
    for block in read_text(content):
        text = (text + block) if is_begun else (text + block).lstrip()
        if not is_begun and text:
            if not text.startswith(b"["):
                raise SourceError(f"{content.path} does not begin with an array, as the first file does")
            text, is_begun = text[1:], True
        body = text.rstrip()
        is_end = body.endswith(b"]")
        yield body[:-1] if is_end else text
        text = b"]" if is_end else b""
    if is_begun and not text:
        raise SourceError(f"{content.path} breaks off: its array has no end")
