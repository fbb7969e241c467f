"""How records came to a monitor, hour by hour, and when the next ones are due."""

from collections.abc import Sequence
from datetime import datetime, timedelta

import polars as pl

from anomembed.write.database import registered
from anomembed.write.store import Store

KEPT = timedelta(weeks=8)
HOURLY = ("value", "hour", "n_records", "first", "last", "widest")
MOMENT, SECOND = pl.Datetime("us"), 1_000_000


def read_arrivals(store: Store, monitor: str, column: str, values: Sequence[str]) -> pl.DataFrame:
    """Return how some values of a column came, as `HOURLY`, in positions and microseconds, by value and hour."""
    return store.frame(
        "SELECT value, CAST(epoch_us(hour) // 3600000000 AS BIGINT) AS hour, n_records, epoch_us(first_seen) AS first, "
        "epoch_us(last_seen) AS last, CAST(round(widest * 1e6) AS BIGINT) AS widest FROM arrivals "
        "WHERE monitor = ? AND column_name = ? AND list_contains(?, value) ORDER BY value, hour",
        [monitor, column, list(values)],
    )


def keep_arrivals(store: Store, monitor: str, column: str, came: pl.DataFrame, until: datetime) -> None:
    """Add arrivals to those that are kept, and forget what is too old; call it within a transaction.

    Parameters
    ----------
    store : Store
        An open store.
    monitor : str
        Its name.
    column : str
        The column; empty for all records.
    came : pl.DataFrame
        As `read_arrivals` returns them.
    until : datetime
        The watermark.
    """
    before = read_arrivals(store, monitor, column, came["value"].unique().to_list())
    touched = before.join(came, on=["value", "hour"], how="semi")
    rows = _merged(pl.concat([touched.select(HOURLY), came.select(HOURLY)])).with_columns(
        (pl.col("hour") * 3600 * SECOND).cast(MOMENT),
        pl.col("first", "last").cast(MOMENT),
        widest=pl.col("widest") / SECOND,
    )
    with store.transaction() as connection, registered(connection, "new_arrivals", rows):
        connection.execute(
            "DELETE FROM arrivals WHERE monitor = ? AND column_name = ? "
            "AND (value, hour) IN (SELECT (value, hour) FROM new_arrivals)",
            [monitor, column],
        )
        connection.execute("INSERT INTO arrivals SELECT ?, ?, * FROM new_arrivals", [monitor, column])
        connection.execute("DELETE FROM arrivals WHERE monitor = ? AND hour < ?", [monitor, until - KEPT])


def _merged(rows: pl.DataFrame) -> pl.DataFrame:
    """Return one row for each value and hour; what lay between two rows of the same hour is known to their ends."""
    between = pl.col("first") - pl.col("last").shift().cum_max().over("value", "hour")
    return (
        rows.sort("value", "hour", "first")
        .with_columns(between=between)
        .group_by("value", "hour", maintain_order=True)
        .agg(
            pl.sum("n_records"),
            pl.min("first"),
            pl.max("last"),
            pl.max_horizontal(pl.max("widest"), pl.max("between")).alias("widest"),
        )
        .select(HOURLY)
    )


def keep_rhythms(store: Store, monitor: str, column: str, rhythms: pl.DataFrame) -> None:
    """Keep when the next records are due; call it within a transaction.

    Parameters
    ----------
    store : Store
        An open store.
    monitor : str
        Its name.
    column : str
        The column; empty for all records.
    rhythms : pl.DataFrame
        ``value``, ``last``, ``due`` and ``usual``, in positions and microseconds.
    """
    rows = rhythms.with_columns(pl.col("last", "due").cast(MOMENT), usual=pl.col("usual") / SECOND)
    with store.transaction() as connection, registered(connection, "new_rhythms", rows):
        connection.execute(
            "DELETE FROM rhythms WHERE monitor = ? AND column_name = ? AND value IN (SELECT value FROM new_rhythms)",
            [monitor, column],
        )
        connection.execute(
            "INSERT INTO rhythms SELECT ?, ?, value, last, due, usual FROM new_rhythms", [monitor, column]
        )


def keep_never_seen(store: Store, monitor: str, column: str, values: Sequence[str]) -> None:
    """Keep of values of a column that have no rhythm that they were looked for; call it within a transaction."""
    known = "SELECT value FROM rhythms WHERE monitor = $monitor AND column_name = $column"
    store.rows(
        "INSERT INTO rhythms (monitor, column_name, value) SELECT $monitor, $column, v "
        f"FROM (SELECT unnest($values) AS v) WHERE v NOT IN ({known})",
        {"monitor": monitor, "column": column, "values": list(values)},
    )
