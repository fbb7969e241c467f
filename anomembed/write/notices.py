"""The notices of a store: what was told of a source as a whole."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from anomembed.write.store import Store

COLUMNS = (
    "monitor",
    "notice_id",
    "occurrence",
    "state",
    "kind",
    "column_name",
    "value",
    "reason",
    "begun_at",
    "ended_at",
    "n_flags",
)


def read_notices(store: Store, monitor: str, *, is_open: bool = True) -> list[dict[str, Any]]:
    """Return the notices of a monitor by column, those that began first first: only open ones, or all."""
    state = " AND state = 'open'" if is_open else ""
    query = f"SELECT n FROM notices n WHERE monitor = ?{state} ORDER BY begun_at, notice_id, occurrence"
    return [found for (found,) in store.rows(query, [monitor])]


def n_occurrences(store: Store, monitor: str, notice_id: str) -> int:
    """Return how many times a notice began."""
    query = "SELECT count(*) FROM notices WHERE monitor = ? AND notice_id = ?"
    return int(store.rows(query, [monitor, notice_id])[0][0])


def keep_notice(store: Store, notice: Mapping[str, Any]) -> None:
    """Keep a notice as it is now; call it within a transaction."""
    same = [notice[name] for name in ("monitor", "notice_id", "occurrence")]
    store.rows("DELETE FROM notices WHERE monitor = ? AND notice_id = ? AND occurrence = ?", same)
    places = ", ".join("?" * len(COLUMNS))
    store.rows(f"INSERT INTO notices VALUES ({places})", [notice[name] for name in COLUMNS])


def told_silences(
    store: Store, monitor: str, column: str, value: str, since: datetime
) -> list[tuple[datetime, datetime]]:
    """Return from when to when it was told that a value did not come, of those that were over after `since`."""
    query = (
        "SELECT begun_at, ended_at FROM notices WHERE monitor = ? AND column_name = ? AND value = ? "
        "AND kind IN ('silent', 'overdue') AND ended_at > ? ORDER BY begun_at"
    )
    return [(begun, ended) for begun, ended in store.rows(query, [monitor, column, value, since])]
