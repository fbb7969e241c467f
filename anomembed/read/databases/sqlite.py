"""Read SQLite files by the driver of Python's standard library.

A column of SQLite holds values of any type, so all values decide on the type of a column here, as in a CSV file.
"""

import sqlite3
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa

from anomembed.errors import LockedError, SourceError, nearest_name
from anomembed.read.databases.streams import load_batches
from anomembed.read.quoting import quote_identifier

Choose = Callable[[Iterable[tuple[str, ...]]], str]
"""Takes the known tables, and returns SQL that stands after FROM."""
AT_ONCE = 2048  # records
KINDS = (  # by what the most general value of a column is
    ("CAST({} AS TEXT)", pa.large_string()),  # there is none
    ("{}", pa.int64()),
    ("CAST({} AS REAL)", pa.float64()),
    ("CAST({} AS TEXT)", pa.large_string()),
    ("CAST({} AS BLOB)", pa.large_binary()),
)
KIND = "CASE typeof({}) WHEN 'integer' THEN 1 WHEN 'real' THEN 2 WHEN 'text' THEN 3 WHEN 'blob' THEN 4 ELSE 0 END"
TABLES = "SELECT name FROM sqlite_schema WHERE type IN ('table', 'view') AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\'"
READS = {sqlite3.SQLITE_SELECT, sqlite3.SQLITE_READ, sqlite3.SQLITE_FUNCTION, sqlite3.SQLITE_RECURSIVE}
DAY = r"\d{4}-\d\d-\d\d"
MOMENT = rf"{DAY}[T ]\d\d:\d\d.*"


def read_sqlite(connection: duckdb.DuckDBPyConnection, path: str, choose: Choose) -> None:
    """Make ``records`` of a table or a query of a SQLite file.

    Parameters
    ----------
    connection : DuckDBPyConnection
        Of a database in memory.
    path : str
        The file.
    choose : callable
        Chooses the table.

    Raises
    ------
    SourceError
        When there is no such file, or it cannot be read.
    LockedError
        When another process writes it.
    """
    if not Path(path).is_file():
        raise SourceError(_no_such_file(path))
    with _clear_errors(path), closing(_open(path)) as source:
        records = choose(source.execute(TABLES).fetchall())
        columns, schema = _columns(source, records)
        load_batches(connection, schema, _batches(source.execute(f"SELECT {columns} FROM {records}"), schema))
    _find_moments(connection)


def _no_such_file(path: str) -> str:
    if Path(f"/{path}").is_file():
        return f"no such file: {path}; an absolute path begins with a fourth slash: sqlite:////{path}"
    folder = Path(path).parent
    siblings = [file.name for file in folder.iterdir() if file.is_file()] if folder.is_dir() else []
    near = nearest_name(Path(path).name, siblings)
    return f"no such file: {path}" + (near if "did you mean" in near else "")


def _open(path: str) -> sqlite3.Connection:
    """Connect read-only, in a transaction, so that all statements see the same records."""
    uri = f"{Path(path).absolute().as_uri()}?mode=ro"
    source = sqlite3.connect(uri, uri=True, check_same_thread=False, isolation_level=None)  # DuckDB's threads read
    source.text_factory = lambda text: text.decode(errors="replace")
    source.execute("BEGIN")
    source.set_authorizer(lambda action, *_: sqlite3.SQLITE_OK if action in READS else sqlite3.SQLITE_DENY)
    return source


@contextmanager
def _clear_errors(path: str) -> Iterator[None]:
    try:
        yield
    except sqlite3.Error as error:
        if "locked" in str(error):
            raise LockedError(f"{path} is locked by another process; try again later") from error
        if "not authorized" in str(error) or "prohibited" in str(error):
            raise SourceError(f"{path}: the query has a part that is no SELECT; it may only read") from error
        raise SourceError(f"{path}: {error}") from error


def _columns(source: sqlite3.Connection, records: str) -> tuple[str, pa.Schema]:
    """Return SQL of the columns, and the types that all of their values have."""
    described = source.execute(f"SELECT * FROM {records} LIMIT 0").description
    names = [quote_identifier(name) for name, *_ in described]
    found = source.execute(f"SELECT {', '.join(f'max({KIND.format(name)})' for name in names)} FROM {records}")
    kinds = [KINDS[kind or 0] for kind in found.fetchone()]
    columns = ", ".join(f"{sql.format(name)} AS {name}" for (sql, _), name in zip(kinds, names, strict=True))
    fields = [pa.field(column[0], kind) for column, (_, kind) in zip(described, kinds, strict=True)]
    return columns, pa.schema(fields)


def _batches(cursor: sqlite3.Cursor, schema: pa.Schema) -> Iterator[pa.RecordBatch]:
    while rows := cursor.fetchmany(AT_ONCE):
        values: list[Any] = [
            pa.array(column, kind) for column, kind in zip(zip(*rows, strict=True), schema.types, strict=True)
        ]
        yield pa.RecordBatch.from_arrays(values, schema=schema)


def _find_moments(connection: duckdb.DuckDBPyConnection) -> None:
    """Make moments of texts that are one throughout: SQLite has no type for them."""
    described = connection.sql("FROM records LIMIT 0")
    for name in [n for n, kind in zip(described.columns, described.types, strict=True) if str(kind) == "VARCHAR"]:
        value = quote_identifier(name)
        for pattern, kind in ((DAY, "DATE"), (MOMENT, "TIMESTAMP")):
            fits = f"regexp_full_match({value}, '{pattern}') AND TRY_CAST({value} AS {kind}) IS NOT NULL"
            # Nulls, of which there may be nothing else, are of any type.
            if connection.execute(f"SELECT bool_and({fits}) FROM records WHERE {value} IS NOT NULL").fetchall()[0][0]:
                connection.execute(f"ALTER TABLE records ALTER {value} TYPE {kind}")
                break
