"""Read PostgreSQL by its ADBC driver, which streams Arrow batches."""

import re
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing, contextmanager
from importlib.util import find_spec
from typing import Any

import duckdb
import pyarrow as pa

from anomembed.errors import SourceError
from anomembed.read.databases.streams import load_stream
from anomembed.read.quoting import quote_identifier

Choose = Callable[[Iterable[tuple[str, ...]]], str]
"""Takes the known tables, and returns SQL that stands after FROM."""
TABLES = """SELECT CASE WHEN nspname <> current_schema() THEN nspname::text END, relname::text
    FROM pg_catalog.pg_class JOIN pg_catalog.pg_namespace ON pg_namespace.oid = relnamespace
    WHERE relkind IN ('r', 'p', 'v', 'm', 'f') AND nspname <> 'information_schema' AND nspname NOT LIKE 'pg\\_%'"""
NUMBERS = (b"numeric", b"money")  # have no counterpart in Arrow
BEFORE = re.compile(r"^.*?(?:ERROR|FATAL|Failed to connect):\s*", re.DOTALL)


def read_postgresql(connection: duckdb.DuckDBPyConnection, address: str, choose: Choose) -> None:
    """Make ``records`` of a table or a query of a PostgreSQL database.

    Parameters
    ----------
    connection : DuckDBPyConnection
        Of a database in memory.
    address : str
        Of the database; a password comes from the environment, see the documentation of libpq.
    choose : callable
        Chooses the table.

    Raises
    ------
    SourceError
        When the driver is not installed, the database cannot be reached, or the query is wrong.
    """
    if not find_spec("adbc_driver_postgresql"):
        raise SourceError("reading PostgreSQL needs an extra: pip install 'anomembed[databases]'")
    from adbc_driver_postgresql import dbapi

    with _clear_errors(address), closing(dbapi.connect(address)) as source, closing(source.cursor()) as cursor:
        cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")
        cursor.execute(TABLES)
        records = choose(tuple(filter(None, parts)) for parts in cursor.fetchall())
        schema = cursor.adbc_execute_schema(f"SELECT * FROM {records}")
        cursor.execute(f"SELECT {', '.join(map(_column_sql, schema))} FROM {records}")
        load_stream(connection, cursor.fetch_record_batch())


@contextmanager
def _clear_errors(address: str) -> Iterator[None]:
    from adbc_driver_postgresql import dbapi

    try:
        yield
    except (dbapi.Error, duckdb.Error, OSError) as error:
        message = BEFORE.sub("", str(error)).strip().splitlines()
        raise SourceError(f"{address}: {message[0] if message else 'it cannot be read'}") from error


def _column_sql(field: pa.Field) -> str:
    """Return SQL of a column: numbers that Arrow lacks as doubles, other types that it lacks as text."""
    name, about = quote_identifier(field.name), field.metadata or {}
    if about.get(b"POSTGRESQL:type") in NUMBERS:
        return f"CAST(CAST({name} AS numeric) AS double precision) AS {name}"
    # Unlike a cast, format writes an address without its mask.
    return f"CASE WHEN {name} IS NOT NULL THEN format('%s', {name}) END AS {name}" if _is_opaque(field.type) else name


def _is_opaque(kind: Any) -> bool:  # noqa: ANN401
    return getattr(kind, "extension_name", None) == "arrow.opaque"
