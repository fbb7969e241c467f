"""Lines of text as records: a line's format says which part of it is what.

A line that is not in the format is kept whole, as the column `MESSAGE`, so that stack traces and damaged lines are
judged too.
"""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import duckdb
import numpy as np
import pyarrow as pa

from anomembed.errors import SourceError
from anomembed.read.line_formats import (
    AUTO,
    FILE,
    FORMATS,
    LINE,
    MESSAGE,
    PLAIN,
    TIMES,
    YEARLESS,
    LineFormat,
    make_format,
)
from anomembed.read.quoting import quote_identifier, quote_text

BYTES_AT_ONCE = 1 << 24
SAMPLED = 1_000  # first lines that tell the format, and the types of its groups
ENOUGH = 0.5  # share of them that must be in a format for it to be chosen
TEXTS = ("message", "pid")  # groups that stay text when they look like something else


def read_lines(connection: duckdb.DuckDBPyConnection, path: str, said: str) -> tuple[str, ...]:
    """Read the lines of files into the table ``records`` of a database in memory, which spills to disk.

    The column ``line`` numbers the lines from 1; of several files, it is their name and the number.

    Parameters
    ----------
    connection : DuckDBPyConnection
        Of the database.
    path : str
        A file or a glob; compressed by gzip or Zstandard when its name says so.
    said : str
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
    chosen = make_format(said) if said != AUTO else None
    files = _files(connection, path)
    into: dict[str, str] = {}
    n_lines = n_other = 0
    first_other = ""
    for file in files:
        modified, n_of_file = datetime.fromtimestamp(Path(file).stat().st_mtime, UTC).replace(tzinfo=None), 0
        for lines in _batches(file):
            numbers = np.arange(n_of_file + 1, n_of_file + len(lines) + 1)
            connection.register("some_lines", pa.table({LINE: numbers, "text": lines}))
            chosen = chosen or _choose(connection)
            _cut(connection, chosen)
            into = into or _columns(connection, chosen)
            _keep(connection, into, file if len(files) > 1 else None, modified, is_first=not n_lines)
            more, first = connection.execute(f"SELECT count(*), min({LINE}) FROM cut WHERE {_IS_OTHER}").fetchall()[0]
            if more and not n_other:
                first_other = f"{file}:{first}" if len(files) > 1 else f"{first}"
            n_other += more
            n_lines, n_of_file = n_lines + len(lines), n_of_file + len(lines)
            connection.unregister("some_lines")
    if chosen is None or not n_lines:
        raise SourceError(f"{path} has no lines")
    connection.execute("DROP TABLE cut")
    return _notes(path, chosen, n_lines, (n_other, first_other), is_auto=said == AUTO)


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


_TEXT = f"rtrim(ltrim(text, {quote_text(chr(0xFEFF))}), E'\\r\\n')"
_IS_OTHER = "parts.line_ = ''"


def _choose(connection: duckdb.DuckDBPyConnection) -> LineFormat:
    """Return the known format that most of the first lines are in; `PLAIN` when that is less than half of them."""
    counts = ", ".join(f"count_if(regexp_matches({_TEXT}, {quote_text(pattern)}))" for pattern in FORMATS.values())
    some = f"(SELECT text FROM some_lines LIMIT {SAMPLED})"
    total, *times = connection.execute(f"SELECT count_if({_TEXT} <> ''), {counts} FROM {some}").fetchall()[0]
    most = max(times)
    return make_format(list(FORMATS)[times.index(most)] if most >= max(1, ENOUGH * total) else PLAIN)


def _cut(connection: duckdb.DuckDBPyConnection, chosen: LineFormat) -> None:
    """Take the lines apart: the first part is the whole line as far as it is in the format."""
    names = ["line_", *(f"g{number}" for number in range(1, chosen.n_groups + 1))]
    parts = f"regexp_extract({_TEXT}, {quote_text(f'({chosen.pattern})')}, [{', '.join(map(quote_text, names))}])"
    connection.execute(
        f"CREATE OR REPLACE TEMP TABLE cut AS SELECT {LINE}, {_TEXT} AS text, {parts} AS parts FROM some_lines"
    )


def _columns(connection: duckdb.DuckDBPyConnection, chosen: LineFormat) -> dict[str, str]:
    """Return the SQL of every column but the key, by name, as the first lines suggest."""
    columns = {}
    for name, number in chosen.groups.items():
        value = f"nullif(parts.g{number}, '')"
        columns[name] = value if name in TEXTS else _typed(connection, value)
    text = f"CASE WHEN {_IS_OTHER} THEN text ELSE {columns.get(MESSAGE, 'NULL')} END"
    return {**columns, MESSAGE: text}


def _typed(connection: duckdb.DuckDBPyConnection, value: str) -> str:
    """Return SQL that reads a value as a time or a number when all of the first ones can be read so."""
    unknown = f"nullif({value}, '-')"
    is_iso = f"regexp_matches({unknown}, '^[0-9]{{4}}-[0-9]{{2}}-[0-9]{{2}}[ T]')"
    kinds = {
        f"try_cast({unknown} AS BIGINT)": "true",
        f"try_cast({unknown} AS DOUBLE)": "true",
        f"CAST(try_cast({unknown} AS TIMESTAMPTZ) AS TIMESTAMP)": is_iso,
        **{f"CAST(try_strptime({unknown}, {quote_text(form)}) AS TIMESTAMP)": "true" for form in TIMES},
        _yearless(unknown): "true",
    }
    found = ", ".join(f"count({sql}) FILTER (WHERE {condition})" for sql, condition in kinds.items())
    some = f"(FROM cut WHERE NOT {_IS_OTHER} LIMIT {SAMPLED})"
    moment = "(SELECT TIMESTAMP '2024-12-31' AS modified)"  # any will do to see whether a date is one
    known, *times = connection.execute(f"SELECT count({unknown}), {found} FROM {some}, {moment}").fetchall()[0]
    fits = (sql for sql, count in zip(kinds, times, strict=True) if known and count == known)
    return next(fits, value)


def _yearless(value: str) -> str:
    """Return SQL of the last such day before the file was written, with a day's grace for time zones."""
    years = (f"try_strptime(concat(year(modified) - {ago}, ' ', {value}), '%Y {YEARLESS}')" for ago in (0, 1))
    this, last = years
    return f"CASE WHEN {this} <= modified + INTERVAL 1 DAY THEN {this} ELSE {last} END"


def _keep(
    connection: duckdb.DuckDBPyConnection, into: dict[str, str], file: str | None, modified: datetime, *, is_first: bool
) -> None:
    key = [f"{LINE} AS {LINE}"]
    if file is not None:
        key = [f"concat({quote_text(file)}, ':', {LINE}) AS {LINE}", f"{quote_text(file)} AS {FILE}"]
    columns = ", ".join([*key, *(f"{sql} AS {quote_identifier(name)}" for name, sql in into.items())])
    moment = f"(SELECT TIMESTAMP {quote_text(modified.isoformat(sep=' '))} AS modified)"
    head = "CREATE TEMP TABLE records AS" if is_first else "INSERT INTO records"
    connection.execute(f"{head} SELECT {columns} FROM cut, {moment}")


def _notes(path: str, chosen: LineFormat, n_lines: int, other: tuple[int, str], *, is_auto: bool) -> tuple[str, ...]:
    n_other, first = other
    if n_other == n_lines and chosen.name != PLAIN:
        raise SourceError(f"no line of {path} is in the line format {chosen.name}")
    notes = []
    if is_auto:
        of = "no known format: each is a message" if chosen.name == PLAIN else f"the format {chosen.name}"
        notes.append(f"the lines are in {of}")
    if n_other and chosen.name != PLAIN:
        notes.append(
            f"{n_other:,} of {n_lines:,} lines are not in the line format, line {first} first; "
            f"they are kept whole as {MESSAGE}"
        )
    return tuple(notes)
