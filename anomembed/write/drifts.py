"""How far the records of each run are from the reference, in a store."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any, NamedTuple

import polars as pl

from anomembed.write.database import registered
from anomembed.write.refits import NEWEST
from anomembed.write.store import Store

LATEST = 200  # runs of a monitor that tell what is usual
FEW = 20  # records, below which a run does not
EXCESS = """
    WITH counted AS (
        SELECT tail_probability AS x, count(*) AS n FROM scores WHERE NOT flagged AND run_id IN ({runs}) GROUP BY ALL),
    placed AS (SELECT x, (sum(n) OVER (ORDER BY x) - n / 2) / sum(n) OVER () AS share FROM counted)
    SELECT greatest(max(share - x), 0) FROM placed"""


def keep_drift(store: Store, run_id: int, columns: Sequence[tuple[Any, ...]], names: Sequence[str]) -> None:
    """Keep how far a run is from the reference, by column and in its tail probabilities; within a transaction."""
    frame = pl.DataFrame(columns, schema=list(names), orient="row")
    with store.transaction() as connection:
        if frame.height:
            with registered(connection, "new_drift", frame):
                connection.execute("INSERT INTO drift SELECT ?, * FROM new_drift", [run_id])
        store.rows(
            "UPDATE runs SET tail_excess = ? WHERE run_id = ?",
            [store.rows(EXCESS.format(runs="?"), [run_id])[0][0], run_id],
        )


def usual_drift(store: Store, monitor: str) -> dict[str, tuple[float, float, bool]]:
    """Return what the latest runs of a monitor had, by column: share missing, share unseen, whether all were alike."""
    rows = store.rows(
        "SELECT column_name, sum(missing * n_records) / sum(n_records), sum(unseen * n_records) / sum(n_records), "
        "bool_or(commonest = 1) FROM drift WHERE n_records >= ? AND run_id IN ("
        "SELECT run_id FROM runs WHERE monitor = ? AND part = 'new' ORDER BY run_id DESC LIMIT ?) GROUP BY column_name",
        [FEW, monitor, LATEST],
    )
    return {column: (missing, unseen, is_constant) for column, missing, unseen, is_constant in rows}


class Drifted(NamedTuple):
    """What runs have in common: records, the time that they span, the excess of all of them, the least shifts."""

    n_records: int
    span: timedelta
    tail_excess: float
    shifts: dict[str, float]


def drift_since(store: Store, monitor: str, since: str) -> Drifted | None:
    """Return how far the runs of the newest model that end after a time are from the reference; None without any."""
    chosen = (
        "FROM runs WHERE monitor = $monitor AND part = 'new' AND until > $since AND n_scored >= $few "
        f"AND tail_excess IS NOT NULL AND model_id = ({NEWEST})"  # NULL: its drift is forgotten
    )
    given = {"monitor": monitor, "since": since, "few": FEW}
    length = "max(CAST(until AS TIMESTAMP)) - min(CAST(since AS TIMESTAMP))"
    n_records, span = store.rows(f"SELECT sum(n_scored), {length} {chosen}", given)[0]
    if not n_records:
        return None
    excess = store.rows(EXCESS.format(runs=f"SELECT run_id {chosen}"), given)[0][0]
    shifts = f"SELECT column_name, min(shift) FROM drift SEMI JOIN ({chosen}) USING (run_id) GROUP BY ALL ORDER BY ALL"
    return Drifted(int(n_records), span, float(excess or 0), dict(store.rows(shifts, given)))
