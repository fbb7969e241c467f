"""Open a source of records read-only: a DuckDB file, data files, or a frame in memory."""

import re
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import duckdb

from anomembed.errors import LockedError, SourceError, UserError, nearest_name
from anomembed.read.access import check_query
from anomembed.read.content import DATABASE_KIND, binary_kind
from anomembed.read.files import GLOB, NO_PARQUET, read_files
from anomembed.read.frames import as_frame
from anomembed.read.queries import query
from anomembed.read.quoting import quote_identifier as quote_identifier
from anomembed.read.quoting import quote_text as quote_text
from anomembed.read.reader_options import parse_options

QUERY = re.compile(r"\s*(select|with|from|values)\b", re.IGNORECASE)
SETTINGS: dict[str, str | bool | int | float | list[str]] = {
    "autoinstall_known_extensions": "false",  # nothing is downloaded at run time
    "autoload_known_extensions": "false",
    "python_enable_replacements": "false",  # a name in SQL is no variable of the program that called us
    "memory_limit": "512MB",
    "preserve_insertion_order": "true",  # records without a key are identified by row number
}


@contextmanager
def clear_errors(what: str) -> Iterator[None]:
    """Turn DuckDB's errors into one sentence that begins with `what`.

    Parameters
    ----------
    what : str
        What was being read, such as a path or a condition in SQL.

    Raises
    ------
    LockedError
        When another process holds the file.
    SourceError
        For any other error of DuckDB.
    """
    try:
        yield
    except duckdb.Error as error:
        first, *more = [line.strip() for line in str(error).splitlines() if line.strip()]
        if "lock on file" in first:
            raise LockedError(f"{what} is locked by another process{holder(first)}; try again later") from error
        hints = [line for line in more if line.startswith(("Did you mean", "Candidate"))]
        if "Referenced column" in first:
            hints.append("(In SQL, text is in single quotes.)")
        if "syntax error" in first:
            hints.append('(In SQL, a column named like a keyword is in double quotes: "at".)')
        if found := NO_PARQUET.search(first):
            raise SourceError(f"{found[1] or found[2]} is not a Parquet file, or is cut off") from error
        if "not a valid DuckDB" in first:
            raise SourceError(f"{what} is not a DuckDB file") from error
        raise SourceError(f"{what}: {' '.join([first, *hints])}") from error


def holder(message: str) -> str:
    """Return the process that holds a lock, if DuckDB's message names it.

    Examples
    --------
    >>> holder("Conflicting lock is held in /usr/bin/duckdb (PID 123). See also ...")
    ' (/usr/bin/duckdb, PID 123)'
    """
    found = re.search(r"held in (.+) \((PID \d+)\)", message)
    return f" ({found[1]}, {found[2]})" if found else ""


def connect(database: str) -> duckdb.DuckDBPyConnection:
    """Connect to a DuckDB file read-only, or to a new database in memory for ``:memory:``.

    Raises
    ------
    SourceError
        When the file is not a DuckDB database.
    LockedError
        When another process has it open for writing.
    """
    with clear_errors(database):
        # By default DuckDB spills beside the database, in a folder that may be read-only.
        settings = SETTINGS | {"temp_directory": f"{tempfile.gettempdir()}/anomembed-spill"}
        connection = duckdb.connect(database, read_only=database != ":memory:", config=settings)
    connection.execute("SET TimeZone = 'UTC'")
    connection.execute("SET enable_progress_bar = false")  # it goes to standard output, which is for data
    return connection


class OpenRecords(NamedTuple):
    """The records of a source that was opened."""

    connection: duckdb.DuckDBPyConnection
    from_clause: str
    """SQL that stands after FROM."""
    name: str
    """What to call them in messages."""
    notes: tuple[str, ...] = ()
    """What the user should know about how they were read."""
    is_json: bool = False
    """Whether they were read from JSON, in which a field may be missing."""
    message: str | None = None
    """The column of messages, when they are lines."""


def find_records(
    source: Any,  # noqa: ANN401
    table: str | None,
    line_format: str | None = None,
    read: str | None = None,
) -> OpenRecords:
    """Connect to `source` and find the records in it.

    Parameters
    ----------
    source : str, Path or frame
        A DuckDB file, a data file or glob of any kind that `read_files` knows, a log, or a Polars or pandas frame.
    table : str or None
        A table, a view, or a query that begins with SELECT, WITH, FROM or VALUES.
    line_format : str or None
        Format of the lines of a log, see `make_format`; when given, every file is read as lines.
    read : str or None
        Options of the reader of data files, see `parse_options`.

    Raises
    ------
    SourceError
        When there is no such file or table, or the file cannot be read.
    LockedError
        When the database is open for writing elsewhere.
    """
    if not isinstance(source, str | Path):
        return _open_frame(source)
    path, options = str(source), parse_options(read)
    if line_format is not None and options:
        raise SourceError("--read is for tables and JSON, --line-format for lines: give one of them")
    if not GLOB.search(path) and not Path(path).is_file():
        raise SourceError(_no_such_file(path))
    if Path(path).suffix == ".toml":
        raise SourceError(f"{path} is a configuration, not a source; `anomembed fit` and `score` take it")
    is_database = line_format is None and Path(path).is_file() and binary_kind(path) == DATABASE_KIND
    if is_database and options:
        raise SourceError(f"{path} is a DuckDB database: --read is for data files")
    return _open_database(path, table) if is_database else _open_files(path, table, line_format, options)


def _open_frame(frame: Any) -> OpenRecords:  # noqa: ANN401
    records = as_frame(frame)
    connection = connect(":memory:")
    with clear_errors("the frame"):
        connection.register("records", records)
    return OpenRecords(connection, "records", "the frame")


def _open_database(path: str, table: str | None) -> OpenRecords:
    connection = connect(path)
    try:
        return OpenRecords(connection, *_find_table(connection, path, table))
    except SourceError:
        connection.close()
        raise


def _no_such_file(path: str) -> str:
    if Path(path).is_dir():
        return f"{path} is a folder; name a DuckDB file in it, or files by a glob such as {path.rstrip('/')}/*.parquet"
    folder = Path(path).parent
    siblings = [p.name for p in folder.iterdir() if p.is_file()] if folder.is_dir() else []
    near = nearest_name(Path(path).name, siblings)
    return f"no such file: {path}" + (near if "did you mean" in near else "")


def _open_files(path: str, table: str | None, line_format: str | None, options: dict[str, Any]) -> OpenRecords:
    """Open data files, or files of lines."""
    is_query = table is not None and QUERY.match(table)
    if not is_query and table not in (None, "records"):
        raise SourceError(
            f"{path} is a data file, not a database: leave TABLE out, or give a query such as 'FROM records'"
        )
    connection = connect(":memory:")
    try:
        found = read_files(connection, path, line_format, options)
        if table is not None and is_query:
            return OpenRecords(connection, _query(connection, table), f"a query on {Path(path).name}", *found)
    except UserError:
        connection.close()
        raise
    return OpenRecords(connection, "records", Path(path).name, *found)


def _find_table(connection: duckdb.DuckDBPyConnection, path: str, table: str | None) -> tuple[str, str]:
    rows = connection.execute(query("tables")).fetchall()
    known = {name if schema == "main" else f"{schema}.{name}": (schema, name) for schema, name in rows}
    if table is None:
        if len(known) != 1:
            raise SourceError(f"{path} holds {len(known)} tables: name one{nearest_name('', known)}")
        table = next(iter(known))
    folded = {name.casefold(): parts for name, parts in known.items()}
    found = known.get(table) or folded.get(table.casefold())
    if found:
        return ".".join(map(quote_identifier, found)), table
    if QUERY.match(table):
        return _query(connection, table), f"a query on {Path(path).name}"
    raise SourceError(f"no such table in {path}: {table}{nearest_name(table, known)}")


def _query(connection: duckdb.DuckDBPyConnection, text: str) -> str:
    with clear_errors("the query"):
        statements = connection.extract_statements(text)
    if len(statements) != 1 or statements[0].type != duckdb.StatementType.SELECT:
        raise SourceError("the query must be one SELECT statement")
    with clear_errors("the query"):
        check_query(connection, statements[0].query)
    return f"({statements[0].query.strip().rstrip(';')}\n)"
