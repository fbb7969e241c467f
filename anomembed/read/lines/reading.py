"""Lines of text as records: a format splits each line into columns.

A line that is not in the format continues the record before it, such as a stack trace, or else is kept whole, as the
column `MESSAGE`, so that damaged lines are records too.
"""

from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

import duckdb
import numpy as np
import pyarrow as pa

from anomembed.errors import SourceError
from anomembed.read.files.kinds import GLOB
from anomembed.read.lines.cleaning import CLEAN
from anomembed.read.lines.columns import IS_OTHER, find_columns
from anomembed.read.lines.decompressing import LONGEST, read_batches
from anomembed.read.lines.formats import AUTO, FILE, FORMATS, LINE, MESSAGE, PLAIN
from anomembed.read.lines.joining import INDENTED, MOST_HELD, Joining, matches_trace
from anomembed.read.lines.pairs import ITEMS, spread_pairs
from anomembed.read.lines.patterns import LineFormat, make_format
from anomembed.read.lines.types import SAMPLED, moment_of
from anomembed.read.quoting import quote_identifier, quote_text

ENOUGH = 0.5  # share of the first lines that must be in a format for it to be chosen
NEARLY = 0.95  # share of the lines in the best format from which an earlier one is as good


def read_lines(
    connection: duckdb.DuckDBPyConnection, path: str, files: Mapping[str, str], given: str
) -> tuple[str, ...]:
    """Read the lines of files into the table ``records`` of a database in memory, which spills to disk.

    The column ``line`` numbers the lines from 1; of a glob, it is the name of the file and the number, and ``file`` is
    that name, however many files it matches now.

    Parameters
    ----------
    connection : DuckDBPyConnection
        Of the database.
    path : str
        What to call them in messages.
    files : mapping of str to str
        Where each file is read in UTF-8, by its name: its own path, or that of a copy.
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
    for name, file in files.items():
        reading.add_file(file, name if len(files) > 1 or GLOB.search(path) else None)
    if reading.form is None or not reading.n_lines:
        raise SourceError(f"{path} has no lines")
    connection.execute("DROP TABLE cut; DROP TABLE joined; DROP TABLE IF EXISTS continuing")
    if reading.n_other == reading.n_lines and reading.form.name != PLAIN:
        raise SourceError(f"no line of {path} is in the line format {reading.form.name}")
    notes = spread_pairs(connection, reading.modified) if reading.has_pairs else []
    return (*_note_format(reading.form, is_auto=given == AUTO), *_note_lines(reading, reading.form), *notes)


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
    n_lines, n_other, n_joined, n_cut : int
        Lines so far; how many of them are not in the format, how many continue a record, how many were too long.
    first_other : str
        The key of the first one that is not in the format.
    modified : datetime
        When the newest file was written.
    """

    def __init__(self, connection: duckdb.DuckDBPyConnection, form: LineFormat | None) -> None:
        self.form = form
        self.n_lines = self.n_other = self.n_joined = self.n_cut = 0
        self.first_other = ""
        self.modified = datetime.min
        self._connection = connection
        self._columns: dict[str, str] = {}
        self._joining = Joining(is_plain=False)
        self._is_begun = False

    @property
    def has_pairs(self) -> bool:
        """Whether the lines hold pairs, whose keys are to be columns."""
        return ITEMS in self._columns

    def add_file(self, file: str, name: str | None) -> None:
        """Add the lines of a file, with its name when it is one of a glob.

        The last record of a block waits for what may continue it in the next one.
        """
        modified = datetime.fromtimestamp(Path(file).stat().st_mtime, UTC).replace(tzinfo=None)
        self.modified = max(self.modified, modified)
        first, held = 1, None
        for lines, n_cut in read_batches(file):
            more = pa.table({LINE: np.arange(first, first + len(lines)), "text": lines})
            first, self.n_cut = first + len(lines), self.n_cut + n_cut
            given = more if held is None else pa.concat_tables([held, more])
            self._split(given)
            held = self._hold_back(given)
            self._keep(name, modified)
        if held is not None:
            self._split(held)
            self._keep(name, modified)
        self.n_lines += first - 1

    def _split(self, lines: pa.Table) -> None:
        """Split lines into the parts of the format, in the table ``cut``."""
        self._connection.register("some_lines", lines)
        if self.form is None:
            self.form = _choose_format(self._connection)
        _cut_lines(self._connection, self.form)
        if not self._columns:
            self._joining = Joining(is_plain=self.form.name == PLAIN)
            self._joining.look(self._connection)
            self._columns = find_columns(self._connection, self.form)
        self._connection.unregister("some_lines")

    def _hold_back(self, lines: pa.Table) -> pa.Table | None:
        """Take the last record out of ``cut``, unless it is very long, and return its lines."""
        last = self._joining.last_record(self._connection)
        if last is None:
            return None
        held = lines.slice(last - lines[LINE][0].as_py())
        if held.nbytes > MOST_HELD:
            return None
        self._connection.execute(f"DELETE FROM cut WHERE {LINE} >= {last}")
        return held

    def _keep(self, file: str | None, modified: datetime) -> None:
        """Move the lines from ``cut`` to ``records``; `file` is None when it is the one that was named."""
        self.n_joined += self._joining.join(self._connection)
        key = [f"{LINE} AS {LINE}"]
        if file is not None:
            key = [f"concat({quote_text(file)}, ':', {LINE}) AS {LINE}", f"{quote_text(file)} AS {FILE}"]
        columns = ", ".join([*key, *(f"{sql} AS {quote_identifier(name)}" for name, sql in self._columns.items())])
        select = f"SELECT {columns} FROM joined, {moment_of(modified)} ORDER BY joined.{LINE}"
        head = "INSERT INTO records" if self._is_begun else "CREATE TEMP TABLE records AS"
        self._is_begun = True
        self._connection.execute(f"{head} {select}")
        self._count_others(f"{file}:" if file else "")

    def _count_others(self, prefix: str) -> None:
        """Count the lines in ``joined`` that are not in the format."""
        counted = f"SELECT count(*), min({LINE}) FROM joined WHERE {IS_OTHER}"
        more, first = self._connection.execute(counted).fetchall()[0]
        if more and not self.n_other:
            self.first_other = f"{prefix}{first}"
        self.n_other += more


def _choose_format(connection: duckdb.DuckDBPyConnection) -> LineFormat:
    """Return the known format that most of the first lines are in; `PLAIN` when that is less than half of them.

    Lines that continue others, such as those of stack traces, do not count.
    """
    n_matching = ", ".join(f"count_if(regexp_matches(text, {quote_text(known.pattern)}))" for known in FORMATS.values())
    total = f"count_if(text <> '' AND NOT {matches_trace(INDENTED)})"
    some = f"(SELECT {CLEAN} AS text FROM some_lines LIMIT {SAMPLED})"
    n_lines, *times = connection.execute(f"SELECT {total}, {n_matching} FROM {some}").fetchall()[0]
    found = dict(zip(FORMATS, times, strict=True))
    special = {name: n for name, n in found.items() if not FORMATS[name].is_general}
    for candidates in (special, found):
        most = max(candidates.values())
        if most >= max(1, ENOUGH * n_lines):
            return make_format(next(name for name, n in candidates.items() if n >= NEARLY * most))
    return make_format(PLAIN)


def _cut_lines(connection: duckdb.DuckDBPyConnection, form: LineFormat) -> None:
    """Split the lines; the part ``line_`` is the match as a whole, empty when a line is not in the format."""
    names = ["line_", *(f"g{number}" for number in range(1, form.n_groups + 1))]
    parts = f"regexp_extract(text, {quote_text(f'({form.pattern})')}, [{', '.join(map(quote_text, names))}])"
    cleaned = f"(SELECT {LINE}, {CLEAN} AS text FROM some_lines)"
    connection.execute(f"CREATE OR REPLACE TEMP TABLE cut AS SELECT *, {parts} AS parts FROM {cleaned}")


def _note_format(form: LineFormat, *, is_auto: bool) -> list[str]:
    if not is_auto:
        return []
    found = "no known format: each is a message" if form.name == PLAIN else f"the format {form.name}"
    return [f"the lines are in {found}"]


def _note_lines(reading: _Reading, form: LineFormat) -> list[str]:
    """Return notes on the lines that are not a record each, as they are in the file."""
    notes = []
    if reading.n_joined:
        notes.append(
            f"{reading.n_joined:,} of {reading.n_lines:,} lines, such as those of stack traces, continue the record "
            "before them and are part of it"
        )
    if reading.n_other and form.name != PLAIN:
        notes.append(
            f"{reading.n_other:,} of {reading.n_lines:,} lines are not in the line format, line {reading.first_other} "
            f"first; they are kept whole as {MESSAGE}"
        )
    if reading.n_cut:
        notes.append(f"{reading.n_cut:,} of {reading.n_lines:,} lines are cut to their first {LONGEST:,} characters")
    return notes
