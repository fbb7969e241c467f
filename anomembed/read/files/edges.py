"""Lines around the records of a table in text: those below the last one, and those between header and records.

Under a header may stand units of measurement, types, whole questions, or a line that rules it off.
"""

from collections.abc import Callable, Sequence
from itertools import count
from pathlib import Path

from anomembed.errors import shown
from anomembed.read.files.blanks import BLANK, are_aligned, single_blanks
from anomembed.read.files.content import Content, look
from anomembed.read.files.copies import Copies
from anomembed.read.files.dialects import Dialect, count_below
from anomembed.read.files.under import is_ruler
from anomembed.read.lines.formats import COMPRESSED

HEAD = 1 << 14  # bytes that decide on the encoding of what is copied
CUTTABLE = 1 << 26  # bytes of a file that is copied without the lines below its records
TAIL = 1 << 13  # bytes

Edit = Callable[[bytes], bytes | None]
"""Returns what to copy of a line; None to leave it out."""


def without_edges(contents: Sequence[Content], dialect: Dialect | None, copies: Copies) -> tuple[list[str], int]:
    """Return paths to read, without the lines around the records, and how many are left out below these.

    Lines below the records are left out of a single small file.
    """
    if dialect and dialect.delimiter == BLANK and are_aligned(contents[0].lines):
        return [copies.copy(content, edit=_without_under(dialect, single_blanks)) for content in contents], 0
    n_below, end = _find_below(contents, dialect, copies)
    if dialect is None or not (n_below or dialect.under):
        return [copies.readable(content) for content in contents], 0
    if n_below:
        contents = [look(copies.readable(contents[0]), "utf-8", HEAD)]
    edits = (_without_under(dialect) if dialect.under else None for _ in contents)
    return [
        copies.copy(content, n_bytes=end, edit=edit) for content, edit in zip(contents, edits, strict=True)
    ], n_below


def _without_under(dialect: Dialect, edit: Edit | None = None) -> Edit:
    """Return an edit that leaves out the lines under the header, each once, after another edit."""
    waiting = [line.strip().encode() for line in dialect.under]
    numbers = count()

    def edited(line: bytes) -> bytes | None:
        text = edit(line) if edit else line
        is_below = next(numbers) > dialect.n_above
        if is_below and waiting and text is not None and text.strip() == waiting[0]:
            del waiting[0]
            return None
        return text

    return edited


def describe_under(dialect: Dialect | None) -> list[str]:
    """Return a note on what is left out under the header, but for lines that rule it off."""
    lines = [line.strip() for line in dialect.under if not is_ruler([line])] if dialect else []
    return [f"left out under the header, as no records: {', '.join(map(shown, lines))}"] if lines else []


def _find_below(contents: Sequence[Content], dialect: Dialect | None, copies: Copies) -> tuple[int, int | None]:
    """Return how many lines stand below the records of a single small file, and the bytes before these."""
    if len(contents) > 1 or dialect is None or not dialect.is_table:
        return 0, None
    path = copies.readable(contents[0])
    if Path(path).suffix in COMPRESSED:
        return 0, None
    with Path(path).open("rb") as file:
        size = file.seek(0, 2)
        file.seek(max(size - TAIL, 0))
        tail = file.read().decode(errors="replace").splitlines(keepends=True)[1 if size > TAIL else 0 :]
    n_before = dialect.n_above + dialect.has_header + len(dialect.under)
    n_below = count_below(dialect, contents[0].lines[n_before:], tail)
    if not n_below or size > CUTTABLE:
        return 0, None
    below = tail[-n_below:]
    return sum(bool(line.strip()) for line in below), size - sum(len(line.encode()) for line in below)
