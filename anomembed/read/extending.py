"""Add the columns that queries compute to the records of a source, in a copy of them."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import duckdb


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
    numbered = f"(SELECT *, rowid AS {position} FROM {copied})"  # to number them by a window would take one thread
    for name, extending in zip(added, queries, strict=True):
        records = f"WITH records AS NOT MATERIALIZED {numbered}"
        connection.execute(f"CREATE TEMP TABLE {name} AS {records} FROM (\n{extending}\n)")
    joined = " ".join(f"LEFT JOIN {name} USING ({position})" for name in added)
    connection.execute(
        f"CREATE TEMP TABLE {extended} AS SELECT * EXCLUDE ({position}) FROM {numbered} {joined} ORDER BY {position}"
    )
    for name in (copied, *added):
        connection.execute(f"DROP TABLE {name}")
