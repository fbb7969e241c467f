"""What a store knows about models that a monitor learns anew."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from anomembed.write.store import Store

NEWEST = "SELECT max_by(model_id, run_id) FROM runs WHERE monitor = $monitor AND part = 'new' AND model_id IS NOT NULL"


def judged_since(store: Store, monitor: str) -> datetime | None:
    """Return from when on a monitor has judged; None when it has not yet."""
    query = "SELECT min(CAST(since AS TIMESTAMP)) FROM runs WHERE monitor = ? AND part = 'new'"
    return _moment(store.rows(query, [monitor])[0][0])


def newest_since(store: Store, monitor: str) -> datetime | None:
    """Return from when on a monitor has judged by its newest model; None when it has not yet."""
    of_monitor = "SELECT min(CAST(since AS TIMESTAMP)) FROM runs WHERE monitor = $monitor AND part = 'new'"
    query = f"{of_monitor} AND model_id = ({NEWEST})"
    return _moment(store.rows(query, {"monitor": monitor})[0][0])


def last_refit(store: Store, monitor: str) -> datetime | None:
    """Return when a monitor last learnt a model anew, whether it took over or not."""
    return _moment(store.rows('SELECT max("at") FROM refits WHERE monitor = ?', [monitor])[0][0])


def _moment(value: object) -> datetime | None:
    assert value is None or isinstance(value, datetime)  # noqa: S101
    return value


def open_changes(store: Store, monitor: str, begun_before: datetime) -> list[str]:
    """Return the columns whose values are noticed to be new, and have been so for long."""
    query = (
        "SELECT DISTINCT column_name FROM notices WHERE monitor = ? AND state = 'open' AND begun_at <= ? "
        "AND kind IN ('unseen', 'kind', 'missing') ORDER BY 1"
    )
    return [row[0] for row in store.rows(query, [monitor, begun_before])]


def keep_refit(store: Store, refit: Mapping[str, Any]) -> None:
    """Keep that a model was learnt anew, and what came of it; call it within a transaction."""
    names, places = ", ".join(f'"{name}"' for name in refit), ", ".join("?" * len(refit))
    store.rows(f"INSERT INTO refits ({names}) VALUES ({places})", list(refit.values()))
