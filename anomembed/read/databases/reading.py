"""Read a table, or a query, of another database into ``records``: in one transaction that only reads.

A query runs in the database, in its dialect; conditions such as ``--where`` are evaluated here, on what it returned.
"""

from collections.abc import Iterable
from typing import NamedTuple

import duckdb

from anomembed.errors import SourceError, nearest_name
from anomembed.read.databases.addresses import SQLITE, Address
from anomembed.read.databases.postgresql import read_postgresql
from anomembed.read.databases.sqlite import read_sqlite
from anomembed.read.queries import QUERY
from anomembed.read.quoting import quote_identifier


class DatabaseRecords(NamedTuple):
    """What was read from a database."""

    name: str
    """What to call the records."""
    files: tuple[str, ...] = ()
    """Files that they were read from."""


def read_database(connection: duckdb.DuckDBPyConnection, address: Address, table: str | None) -> DatabaseRecords:
    """Make ``records`` of a table, a view or a query of a database.

    Parameters
    ----------
    connection : DuckDBPyConnection
        Of a database in memory.
    address : Address
        Of the database.
    table : str or None
        Table, view or query; may be None when there is only one table.

    Raises
    ------
    SourceError
        When the database cannot be read, or has no such table.
    LockedError
        When another process holds it.
    """
    names: list[str] = []

    def choose(known: Iterable[tuple[str, ...]]) -> str:
        name, sql = choose_table(str(address), table, known)
        names.append(name)
        return sql

    if address.scheme == SQLITE:
        read_sqlite(connection, address.path, choose)
        return DatabaseRecords(names[0], (address.path, f"{address.path}-wal", f"{address.path}-journal"))
    read_postgresql(connection, str(address), choose)
    return DatabaseRecords(names[0])


def choose_table(source: str, table: str | None, known: Iterable[tuple[str, ...]]) -> tuple[str, str]:
    """Return what to call the records, and SQL that stands after FROM.

    Parameters
    ----------
    source : str
        The database, for messages.
    table : str or None
        What the user says.
    known : iterable of tuple of str
        Tables and views: a name, or a schema and a name.
    """
    tables = {".".join(parts): parts for parts in known}
    if table is None:
        if len(tables) != 1:
            raise SourceError(f"{source} holds {len(tables)} tables: name one{nearest_name('', tables)}")
        table = next(iter(tables))
    folded = {name.casefold(): parts for name, parts in tables.items()}
    if parts := tables.get(table) or folded.get(table.casefold()):
        return table, ".".join(map(quote_identifier, parts))
    if QUERY.match(table):
        name = source.rpartition("/")[2].partition("?")[0]
        return f"a query on {name}", f"({table.strip().rstrip(';')}\n) AS records"
    raise SourceError(f"no such table in {source}: {table}{nearest_name(table, tables)}")
