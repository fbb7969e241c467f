"""Forget what is old, so that the store of a monitor stays bounded: scores and runs, never flags, findings or acts."""

from datetime import datetime

from anomembed.write.store import Store

TOTALS = {
    "n_scored": "sum(n_scored)",
    "n_repeated": "sum(n_repeated)",
    "n_too_late": "sum(n_too_late)",
    "until": "max_by(until, run_id)",
    "tail_excess": "NULL",
}
"""What the row of forgotten runs says, by column."""


def forget_scores(store: Store, monitor: str, before: datetime) -> None:
    """Remove the scores of unflagged records of a monitor that are older than a time; within a transaction."""
    if first := _first_kept(store, monitor, before):
        old = "SELECT run_id FROM runs WHERE monitor = ? AND run_id < ?"
        store.rows(
            f"DELETE FROM scores WHERE NOT flagged AND run_id < ? AND run_id IN ({old})", [first, monitor, first]
        )


def forget_runs(store: Store, monitor: str, before: datetime) -> None:
    """Make one row of the runs of a monitor that flagged nothing and are older than a time; within a transaction.

    There is one for each model and part, the first, with the totals of all: counters must not go down, and a refit asks
    since when a model has judged. What they say of drift is forgotten, and runs that failed.
    """
    if first := _first_kept(store, monitor, before):
        given = {"monitor": monitor, "first": first}
        old = "FROM runs WHERE monitor = $monitor AND run_id < $first AND n_flagged = 0"
        for table in ("scores", "drift"):
            store.rows(f"DELETE FROM {table} WHERE run_id < $first AND run_id IN (SELECT run_id {old})", given)
        totals = ", ".join(f"{sql} AS {name}" for name, sql in TOTALS.items())
        rows = f"SELECT min(run_id) AS run_id, {totals} {old} AND failure IS NULL GROUP BY model_id, part"
        names = ", ".join(f"{name} = t.{name}" for name in TOTALS)
        kept = store.rows(
            f"UPDATE runs SET {names} FROM ({rows}) t WHERE runs.run_id = t.run_id RETURNING runs.run_id", given
        )
        store.rows(f"DELETE {old} AND NOT list_contains($kept, run_id)", given | {"kept": [run for (run,) in kept]})


def _first_kept(store: Store, monitor: str, before: datetime) -> int | None:
    """Return the first run of a monitor that is not older than a time, by its records, or else by the clock."""
    at = "coalesce(TRY_CAST(until AS TIMESTAMP), scored_at)"
    query = f"SELECT min(run_id) FROM runs WHERE monitor = ? AND part = 'new' AND {at} > ?"
    found = store.rows(query, [monitor, before])[0][0]
    return None if found is None else int(found)
