"""Open a source of records read-only: a DuckDB file, data files, another database, or a frame in memory.

What reads sources other than DuckDB files is imported when it is needed: it takes as long as Polars.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import duckdb

from anomembed.errors import AnomembedError, SourceError, nearest_name
from anomembed.read.access import check_query
from anomembed.read.connecting import clear_errors, connect
from anomembed.read.databases.addresses import is_address, lake_kind, parse_address
from anomembed.read.files.kinds import DATABASE_KIND, GLOB, binary_kind
from anomembed.read.files.options import parse_options
from anomembed.read.queries import QUERY, query
from anomembed.read.quoting import quote_identifier


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
    files: tuple[str, ...] = ()
    """Files and globs that they were read from, besides the source as it is named."""


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
        A DuckDB file, a data file or glob of any kind that `read_files` knows, a log, an address that `parse_address`
        knows, the folder of a Delta or an Iceberg table, or a Polars or pandas frame.
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
    if is_address(path) or lake_kind(path):
        if line_format is not None or options:
            raise SourceError("--read and --line-format are for files; the source is a table already")
        return _open_tables(path, table)
    if not GLOB.search(path) and not Path(path).is_file():
        raise SourceError(_no_such_file(path))
    if Path(path).suffix == ".toml":
        raise SourceError(f"{path} is a configuration, not a source; `anomembed fit` and `score` take it")
    is_database = line_format is None and Path(path).is_file() and binary_kind(path) == DATABASE_KIND
    if is_database and options:
        raise SourceError(f"{path} is a DuckDB database: --read is for data files")
    return _open_database(path, table) if is_database else _open_files(path, table, line_format, options)


def _open_frame(frame: Any) -> OpenRecords:  # noqa: ANN401
    from anomembed.read.frames import as_frame

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
    from anomembed.read.files.reading import read_files

    _check_no_table(path, table)
    with _new_database() as connection:
        found = read_files(connection, path, line_format, options)
        from_clause, name = _chosen(connection, path, table)
        return OpenRecords(connection, from_clause, name, *found)


def _open_tables(source: str, table: str | None) -> OpenRecords:
    """Open another database, or a table of a data lake."""
    from anomembed.read.databases.lakes import read_lake
    from anomembed.read.databases.reading import read_database

    kind = lake_kind(source)
    if kind:
        _check_no_table(source, table)
    with _new_database() as connection, clear_errors(source):
        if kind:
            files = read_lake(connection, source, kind)
            return OpenRecords(connection, *_chosen(connection, source, table), files=files)
        name, files = read_database(connection, parse_address(source), table)
        return OpenRecords(connection, "records", name, files=files)


@contextmanager
def _new_database() -> Iterator[duckdb.DuckDBPyConnection]:
    """Connect to a database in memory, which is closed after an error only."""
    connection = connect(":memory:")
    try:
        yield connection
    except AnomembedError:
        connection.close()
        raise


def _check_no_table(path: str, table: str | None) -> None:
    if table not in (None, "records") and not QUERY.match(str(table)):
        raise SourceError(
            f"{path} is a single table, not a database: leave TABLE out, or give a query such as 'FROM records'"
        )


def _chosen(connection: duckdb.DuckDBPyConnection, path: str, table: str | None) -> tuple[str, str]:
    """Return SQL of ``records`` or of a query on them, and what to call it."""
    if table in (None, "records"):
        return "records", Path(path).name
    return _query(connection, str(table)), f"a query on {Path(path).name}"


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
