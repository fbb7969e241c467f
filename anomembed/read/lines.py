"""Lines of text as records: a format splits each line into columns.

A line that is not in the format is kept whole, as the column `MESSAGE`, so that stack traces and damaged lines are
records too.
"""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import duckdb
import numpy as np
import pyarrow as pa

from anomembed.errors import SourceError
from anomembed.read.line_columns import IS_OTHER, SAMPLED, find_columns
from anomembed.read.line_formats import AUTO, FILE, FORMATS, LINE, MESSAGE, PLAIN
from anomembed.read.line_patterns import LineFormat, make_format
from anomembed.read.quoting import quote_identifier, quote_text

BYTES_AT_ONCE = 1 << 24
ENOUGH = 0.5  # share of the first lines that must be in a format for it to be chosen

_TEXT = f"rtrim(ltrim(text, {quote_text(chr(0xFEFF))}), E'\\r\\n')"


def read_lines(connection: duckdb.DuckDBPyConnection, path: str, given: str) -> tuple[str, ...]:
    """Read the lines of files into the table ``records`` of a database in memory, which spills to disk.

    The column ``line`` numbers the lines from 1; of several files, it is their name and the number.

    Parameters
    ----------
    connection : DuckDBPyConnection
        Of the database.
    path : str
        A file or a glob; compressed by gzip or Zstandard when its name says so.
    given : str
        A format for `make_format`, or `AUTO`: the known one that most of the first lines are in, if half of them are.

    Returns
    -------
    tuple of str
        What the user should know: the format that was chosen, how many lines are not in it.

    Raises
    ------
    ConfigError
        When there is no such format.
    SourceError
        When a file cannot be read, there are no lines, or none is in the format.
    """
    reading = _Reading(connection, make_format(given) if given != AUTO else None)
    files = _files(connection, path)
    for file in files:
        reading.add_file(file, is_one_of_several=len(files) > 1)
    if reading.form is None or not reading.n_lines:
        raise SourceError(f"{path} has no lines")
    connection.execute("DROP TABLE cut")
    if reading.n_other == reading.n_lines and reading.form.name != PLAIN:
        raise SourceError(f"no line of {path} is in the line format {reading.form.name}")
    return (*_note_format(reading.form, is_auto=given == AUTO), *_note_others(reading, reading.form))


class _Reading:
    """The table ``records`` while lines are added to it.

    Parameters
    ----------
    connection : DuckDBPyConnection
        Of the database.
    form : LineFormat or None
        None when the first lines are to decide.

    Attributes
    ----------
    n_lines, n_other : int
        Lines so far, and how many of them are not in the format.
    first_other : str
        The key of the first one that is not.
    """

    def __init__(self, connection: duckdb.DuckDBPyConnection, form: LineFormat | None) -> None:
        self.form = form
        self.n_lines = self.n_other = 0
        self.first_other = ""
        self._connection = connection
        self._columns: dict[str, str] = {}

    def add_file(self, file: str, *, is_one_of_several: bool) -> None:
        """Add the lines of a file."""
        modified = datetime.fromtimestamp(Path(file).stat().st_mtime, UTC).replace(tzinfo=None)
        before = self.n_lines
        for lines in _batches(file):
            first = self.n_lines - before + 1
            self._split(pa.table({LINE: np.arange(first, first + len(lines)), "text": lines}))
            self._keep(file if is_one_of_several else None, modified)
            self._count_others(f"{file}:" if is_one_of_several else "")
            self.n_lines += len(lines)

    def _split(self, lines: pa.Table) -> None:
        """Split lines into the parts of the format, in the table ``cut``."""
        self._connection.register("some_lines", lines)
        self.form = self.form or _choose_format(self._connection)
        _cut_lines(self._connection, self.form)
        self._columns = self._columns or find_columns(self._connection, self.form)
        self._connection.unregister("some_lines")

    def _keep(self, file: str | None, modified: datetime) -> None:
        """Move the lines from ``cut`` to ``records``; `file` is None when there is only one."""
        key = [f"{LINE} AS {LINE}"]
        if file is not None:
            key = [f"concat({quote_text(file)}, ':', {LINE}) AS {LINE}", f"{quote_text(file)} AS {FILE}"]
        columns = ", ".join([*key, *(f"{sql} AS {quote_identifier(name)}" for name, sql in self._columns.items())])
        moment = f"(SELECT TIMESTAMP {quote_text(modified.isoformat(sep=' '))} AS modified)"
        head = "INSERT INTO records" if self.n_lines else "CREATE TEMP TABLE records AS"
        self._connection.execute(f"{head} SELECT {columns} FROM cut, {moment}")

    def _count_others(self, prefix: str) -> None:
        """Count the lines in ``cut`` that are not in the format."""
        counted = f"SELECT count(*), min({LINE}) FROM cut WHERE {IS_OTHER}"
        more, first = self._connection.execute(counted).fetchall()[0]
        if more and not self.n_other:
            self.first_other = f"{prefix}{first}"
        self.n_other += more


def _files(connection: duckdb.DuckDBPyConnection, path: str) -> list[str]:
    if Path(path).is_file():
        return [path]
    rows = connection.execute("SELECT file FROM glob(?) ORDER BY file", [path]).fetchall()
    if not rows:
        raise SourceError(f"no files match {path}")
    return [file for (file,) in rows]


def _batches(path: str) -> Iterator[pa.LargeStringArray]:
    """Yield the lines of a file, some megabytes at once; bytes that are not UTF-8 become U+FFFD."""
    rest = b""
    try:
        with pa.input_stream(path, compression="detect") as stream:
            while block := stream.read(BYTES_AT_ONCE):
                whole, mark, rest = (rest + block).rpartition(b"\n")
                if mark:
                    yield _lines(whole + mark)
    except (OSError, pa.ArrowException) as error:
        raise SourceError(f"{path} cannot be read: {str(error).splitlines()[0]}") from error
    if rest:
        yield _lines(rest + b"\n")


def _lines(block: bytes) -> pa.LargeStringArray:
    try:
        block.decode()
    except UnicodeDecodeError:
        block = block.decode(errors="replace").encode()
    ends = np.flatnonzero(np.frombuffer(block, np.uint8) == ord("\n")) + 1
    offsets = np.concatenate([[0], ends]).astype(np.int64)
    return pa.LargeStringArray.from_buffers(len(ends), pa.py_buffer(offsets), pa.py_buffer(block))


def _choose_format(connection: duckdb.DuckDBPyConnection) -> LineFormat:
    """Return the known format that most of the first lines are in; `PLAIN` when that is less than half of them."""
    matches = (f"regexp_matches({_TEXT}, {quote_text(known.pattern)})" for known in FORMATS.values())
    counts = ", ".join(f"count_if({is_match})" for is_match in matches)
    some = f"(SELECT text FROM some_lines LIMIT {SAMPLED})"
    total, *times = connection.execute(f"SELECT count_if({_TEXT} <> ''), {counts} FROM {some}").fetchall()[0]
    most = max(times)
    return make_format(list(FORMATS)[times.index(most)] if most >= max(1, ENOUGH * total) else PLAIN)


def _cut_lines(connection: duckdb.DuckDBPyConnection, form: LineFormat) -> None:
    """Split the lines; the part ``line_`` is the match as a whole, empty when a line is not in the format."""
    names = ["line_", *(f"g{number}" for number in range(1, form.n_groups + 1))]
    parts = f"regexp_extract({_TEXT}, {quote_text(f'({form.pattern})')}, [{', '.join(map(quote_text, names))}])"
    connection.execute(
        f"CREATE OR REPLACE TEMP TABLE cut AS SELECT {LINE}, {_TEXT} AS text, {parts} AS parts FROM some_lines"
    )


def _note_format(form: LineFormat, *, is_auto: bool) -> list[str]:
    if not is_auto:
        return []
    found = "no known format: each is a message" if form.name == PLAIN else f"the format {form.name}"
    return [f"the lines are in {found}"]


def _note_others(reading: _Reading, form: LineFormat) -> list[str]:
    if not reading.n_other or form.name == PLAIN:
        return []
    return [
        f"{reading.n_other:,} of {reading.n_lines:,} lines are not in the line format, line {reading.first_other} "
        f"first; they are kept whole as {MESSAGE}"
    ]
