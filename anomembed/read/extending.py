"""Add the columns that queries compute to the records of a source, in a copy of them."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import duckdb


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
    connection: "duckdb.DuckDBPyConnection", source: str, queries: Sequence[str], extended: str, position: str
) -> None:
    """Copy records, with the columns that queries add to them, to a temporary table, which spills to disk.

    One query runs after the other, because windows over many records take several times as long when several share
    what memory there is.

    Parameters
    ----------
    connection : duckdb.DuckDBPyConnection
        An open connection.
    source : str
        SQL of the records. It is read once, as it may grow or be given in another order the next time.
    queries : sequence of str
        SQL that selects `position` and new columns from the table ``records``; no row where they are null.
    extended : str
        Name of the new table. It keeps the order of the source, because records without a key are identified by their
        row number.
    position : str
        Name of a column that only our SQL knows: the position of a record.
    """
    copied, added = f"{extended}_copied", [f"{extended}_{at}" for at in range(len(queries))]
    connection.execute(f"CREATE TEMP TABLE {copied} AS FROM {source}")
    names = {name.casefold() for name, *_ in connection.execute(f"DESCRIBE {copied}").fetchall()}
    # To number them by a window takes one thread, but a column of that name would be read in place of the row's number.
    number = "row_number() OVER ()" if "rowid" in names else "rowid"
    numbered = f"(SELECT *, {number} AS {position} FROM {copied})"
    for name, extending in zip(added, queries, strict=True):
        records = f"WITH records AS NOT MATERIALIZED {numbered}"
        connection.execute(f"CREATE TEMP TABLE {name} AS {records} FROM (\n{extending}\n)")
    joined = " ".join(f"LEFT JOIN {name} USING ({position})" for name in added)
    connection.execute(
        f"CREATE TEMP TABLE {extended} AS SELECT * EXCLUDE ({position}) FROM {numbered} {joined} ORDER BY {position}"
    )
    for name in (copied, *added):
        connection.execute(f"DROP TABLE {name}")
