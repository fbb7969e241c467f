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
FAR_OUT = 0.1  # tail probability up to which too many are; of what is usual, a model has no more to say
EXCESS = """
    WITH counted AS (
        SELECT tail_probability AS x, count(*) AS n FROM scores WHERE NOT flagged AND run_id IN ({runs}) GROUP BY ALL),
    placed AS (SELECT x, (sum(n) OVER (ORDER BY x) - n / 2) / sum(n) OVER () AS share FROM counted)
    SELECT coalesce(greatest(max(share - x), 0), 0) FROM placed WHERE x <= {far_out}"""


def keep_drift(store: Store, run_id: int, columns: Sequence[tuple[Any, ...]], names: Sequence[str]) -> None:
    """Keep how far a run is from the reference, by column and in its tail probabilities; within a transaction."""
    frame = pl.DataFrame(columns, schema=list(names), orient="row")
    with store.transaction() as connection:
        if frame.height:
            with registered(connection, "new_drift", frame):
                connection.execute("INSERT INTO drift SELECT ?, * FROM new_drift", [run_id])
        store.rows(
            "UPDATE runs SET tail_excess = ? WHERE run_id = ?",
            [_excess(store, "?", [run_id]), run_id],
        )


def _excess(store: Store, runs: str, given: Any) -> float:  # noqa: ANN401
    """Return how many more records of some runs, which are SQL, are far out than of the reference, as a share."""
    return float(store.rows(EXCESS.format(runs=runs, far_out=FAR_OUT), given)[0][0])


def usual_drift(store: Store, monitor: str, model_id: int) -> dict[str, tuple[float, float, bool]]:
    """Return what the latest runs of a monitor had, by column: share missing, share unseen, whether all were alike.

    The shares are those of the runs by a model: what it does not know another may.
    """
    rows = store.rows(
        "SELECT column_name, sum(missing * n_records) FILTER (is_its) / sum(n_records) FILTER (is_its), "
        "sum(unseen * n_records) FILTER (is_its) / sum(n_records) FILTER (is_its), bool_or(commonest = 1) "
        "FROM drift JOIN (SELECT run_id, model_id = $model AS is_its FROM runs "
        "WHERE monitor = $monitor AND part = 'new' ORDER BY run_id DESC LIMIT $latest) USING (run_id) "
        "WHERE n_records >= $few GROUP BY column_name",
        {"model": model_id, "monitor": monitor, "latest": LATEST, "few": FEW},
    )
    return {column: (missing or 0.0, unseen or 0.0, is_constant) for column, missing, unseen, is_constant in rows}


def most_since(store: Store, monitor: str, model_id: int, since: str) -> dict[str, tuple[float, float]]:
    """Return the largest shares of a run that ends after a time, by column: missing, and unseen, by a model."""
    rows = store.rows(
        "SELECT column_name, max(missing), max(unseen) FROM drift JOIN runs USING (run_id) WHERE monitor = $monitor "
        "AND part = 'new' AND model_id = $model AND until > $since AND n_records >= $few GROUP BY column_name",
        {"model": model_id, "monitor": monitor, "since": since, "few": FEW},
    )
    return {column: (missing, unseen) for column, missing, unseen in rows}


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
    excess = _excess(store, f"SELECT run_id {chosen}", given)
    shifts = f"SELECT column_name, min(shift) FROM drift SEMI JOIN ({chosen}) USING (run_id) GROUP BY ALL ORDER BY ALL"
    return Drifted(int(n_records), span, excess, dict(store.rows(shifts, given)))
