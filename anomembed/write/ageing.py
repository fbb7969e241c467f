"""Forget what is old, so that the store of a monitor stays bounded: scores and runs, never flags, findings or acts."""

from datetime import datetime

from anomembed.write.store import Store


def forget_scores(store: Store, monitor: str, before: datetime) -> None:
    """Remove the scores of unflagged records of a monitor that are older than a time; within a transaction."""
    if first := _first_kept(store, monitor, before):
        old = "SELECT run_id FROM runs WHERE monitor = ? AND run_id < ?"
        store.rows(
            f"DELETE FROM scores WHERE NOT flagged AND run_id < ? AND run_id IN ({old})", [first, monitor, first]
        )


def forget_runs(store: Store, monitor: str, before: datetime) -> None:
    """Remove the runs of a monitor that flagged nothing and are older than a time; within a transaction."""
    if first := _first_kept(store, monitor, before):
        old = "SELECT run_id FROM runs WHERE monitor = ? AND run_id < ? AND n_flagged = 0"
        for table in ("scores", "drift", "runs"):
            store.rows(f"DELETE FROM {table} WHERE run_id < ? AND run_id IN ({old})", [first, monitor, first])


def _first_kept(store: Store, monitor: str, before: datetime) -> int | None:
    """Return the first run of a monitor that is not older than a time, by its records, or else by the clock."""
    at = "coalesce(TRY_CAST(until AS TIMESTAMP), scored_at)"
    query = f"SELECT min(run_id) FROM runs WHERE monitor = ? AND part = 'new' AND {at} > ?"
    found = store.rows(query, [monitor, before])[0][0]
    return None if found is None else int(found)
