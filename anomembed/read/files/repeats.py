"""Headers that are repeated further down, as where files were put one after the other."""

from collections.abc import Sequence

import duckdb

from anomembed.read.files.content import Content, look
from anomembed.read.files.copies import Copies, read_text
from anomembed.read.files.dialects import Dialect

LEAST_FIELDS = 2  # of a header: a text alone may be one, and a record
MARK = "\ufeff".encode()  # of the encoding, at the begin of each file


class Repeats:
    """Leaves out the lines that repeat a header; called with each line of a file, it returns what to copy.

    Parameters
    ----------
    header : str
        The line that names the columns.

    Attributes
    ----------
    n_left : int
        How many lines were left out so far.
    """

    def __init__(self, header: str) -> None:
        self.n_left = 0
        self._header, self._is_first = plain_line(header.encode()), True

    def __call__(self, line: bytes) -> bytes | None:
        """Return the line; None where it repeats the header."""
        if plain_line(line) != self._header:
            return line
        is_repeated, self._is_first = not self._is_first, False
        self.n_left += is_repeated
        return None if is_repeated else line


def plain_line(line: bytes) -> bytes:
    r"""Return a line without its end, blanks around it, and a mark of the encoding.

    Examples
    --------
    >>> plain_line(b"\xef\xbb\xbfid,amount \r\n")
    b'id,amount'
    """
    return line.strip().removeprefix(MARK).strip()


def without_repeats(
    connection: duckdb.DuckDBPyConnection,
    contents: Sequence[Content],
    dialect: Dialect | None,
    n_above: int,
    copies: Copies,
) -> tuple[list[Content], int]:
    """Return files without the lines that repeat their header, and how many lines these are.

    Parameters
    ----------
    connection : DuckDBPyConnection
        With the ``records`` that were read: a header among them makes text of all columns that it names.
    contents : sequence of Content
        The files.
    dialect : Dialect or None
        Of the files.
    n_above : int
        Lines above the header.
    copies : Copies
        Where files without some lines are written.
    """
    if (
        dialect is None
        or not dialect.has_header
        or dialect.n_fields < LEAST_FIELDS
        or len(contents[0].lines) <= n_above
    ):
        return list(contents), 0
    header = contents[0].lines[n_above]
    n_named = sum(bool(field.strip()) for field in header.split(dialect.delimiter))
    n_texts = sum(str(kind) == "VARCHAR" for kind in connection.sql("FROM records LIMIT 0").types)
    if not 0 < n_named <= n_texts:
        return list(contents), 0
    edits = [Repeats(header) for _ in contents]
    kept = [
        look(copies.copy(content, edit=edit), "utf-8") if _may_repeat(content, header) else content
        for content, edit in zip(contents, edits, strict=True)
    ]
    return kept, sum(edit.n_left for edit in edits)


def describe_repeats(n_left: int) -> list[str]:
    """Return a note on lines that were left out."""
    lines = "1 line that repeats the header is" if n_left == 1 else f"{n_left:,} lines that repeat the header are"
    return [f"{lines} left out"] if n_left else []


def _may_repeat(content: Content, header: str) -> bool:
    """Tell whether the text of a header is there more than once, so that few files are copied for nothing."""
    wanted, times, rest = plain_line(header.encode()), 0, b""
    for block in read_text(content):
        text = rest + block
        times += text.count(wanted)
        rest = text[len(text) - len(wanted) + 1 :] if len(wanted) > 1 else b""
        if times > 1:
            return True
    return False
