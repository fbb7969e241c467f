"""Add the columns that queries and functions compute to the records of a source, in a copy of them."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from anomembed.read.fetching import fetch
from anomembed.read.quoting import quote_identifier

if TYPE_CHECKING:
    import duckdb
    import polars as pl

PART = 2_000_000  # about how many records are in memory while columns are computed


@dataclass(frozen=True)
class Computed:
    """Columns that a function computes from some of all records.

    Parameters
    ----------
    select : mapping of str to str
        SQL of what the function reads, by name.
    within : str
        SQL of what records agree in that depend on one another; many records are computed part by part. Where it is
        null, a record depends on no other.
    compute : callable
        Returns the new columns, with one row for each record that it is given.
    """

    select: Mapping[str, str]
    within: str
    compute: "Callable[[pl.DataFrame], pl.DataFrame]"


def copy_in_order(
    connection: "duckdb.DuckDBPyConnection", source: str, selected: str, ordered: str, position: str
) -> None:
    """Copy what is selected from records to a temporary table, in the order of the source.

    SQL that looks up values in another table joins it, which may put records in another order, a different one in each
    run; those without a key are identified by their row number.

    Parameters
    ----------
    connection : duckdb.DuckDBPyConnection
        An open connection.
    source, selected : str
        SQL of the records, and of the columns.
    ordered : str
        Name of the new table.
    position : str
        Name of a column that only our SQL knows: the position of a record.
    """
    numbered = f"(SELECT *, row_number() OVER () AS {position} FROM {source})"
    records = f"SELECT * EXCLUDE ({position}) FROM (SELECT {selected} FROM {numbered}) ORDER BY {position}"
    connection.execute(f"CREATE TEMP TABLE {ordered} AS {records}")


def copy_extended(
    connection: "duckdb.DuckDBPyConnection", source: str, added: Sequence[str | Computed], extended: str, position: str
) -> None:
    """Copy records, with the columns that are added to them, to a temporary table, which spills to disk.

    One query runs after the other, because windows over many records take several times as long when several share
    what memory there is.

    Parameters
    ----------
    connection : duckdb.DuckDBPyConnection
        An open connection.
    source : str
        SQL of the records. It is read once, as it may grow or be given in another order the next time.
    added : sequence of str or Computed
        SQL that selects `position` and new columns from the table ``records``, no row where they are null; or what
        computes them.
    extended : str
        Name of the new table. It keeps the order of the source, because records without a key are identified by their
        row number.
    position : str
        Name of a column that only our SQL knows: the position of a record.
    """
    copied, tables = f"{extended}_copied", [f"{extended}_{at}" for at in range(len(added))]
    connection.execute(f"CREATE TEMP TABLE {copied} AS FROM {source}")
    names = {name.casefold() for name, *_ in connection.execute(f"DESCRIBE {copied}").fetchall()}
    # To number them by a window takes one thread, but a column of that name would be read in place of the row's number.
    number = "row_number() OVER ()" if "rowid" in names else "rowid"
    numbered = f"(SELECT *, {number} AS {position} FROM {copied})"
    for name, columns in zip(tables, added, strict=True):
        if isinstance(columns, Computed):
            _add_computed(connection, numbered, columns, name, position)
        else:
            records = f"WITH records AS NOT MATERIALIZED {numbered}"
            connection.execute(f"CREATE TEMP TABLE {name} AS {records} FROM (\n{columns}\n)")
    joined = " ".join(f"LEFT JOIN {name} USING ({position})" for name in tables)
    connection.execute(
        f"CREATE TEMP TABLE {extended} AS SELECT * EXCLUDE ({position}) FROM {numbered} {joined} ORDER BY {position}"
    )
    for name in (copied, *tables):
        connection.execute(f"DROP TABLE {name}")


def _add_computed(
    connection: "duckdb.DuckDBPyConnection", records: str, computed: Computed, name: str, position: str
) -> None:
    """Write a table of the position of each record, and of the columns that are computed for it."""
    ((n_records,),) = connection.execute(f"SELECT count(*) FROM {records}").fetchall()
    n_parts = max(-(-n_records // PART), 1)
    chosen = f"if({computed.within} IS NULL, hash({position}), hash({computed.within})) % {n_parts}"
    selected = ", ".join(f"{sql} AS {quote_identifier(column)}" for column, sql in computed.select.items())
    for part in range(n_parts):
        some = f"WHERE {chosen} = {part}" if n_parts > 1 else ""
        found = fetch(connection.sql(f"SELECT {selected}, {position} FROM {records} {some}"))
        columns = computed.compute(found).with_columns(found[position])
        connection.register(f"{name}_part", columns)
        write = f"INSERT INTO {name}" if part else f"CREATE TEMP TABLE {name} AS"
        connection.execute(f"{write} FROM {name}_part")
        connection.unregister(f"{name}_part")
