"""Findings, alerts and their deliveries in a store."""

import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from anomembed.read.quoting import quote_identifier
from anomembed.write.database import registered
from anomembed.write.store import Store


class Pending(NamedTuple):
    """An alert that a channel has still to tell."""

    alert_id: str
    level: str
    content: dict[str, Any]


def read_findings(
    store: Store, monitor: str, ids: Sequence[str] | None = None, *, is_open: bool = False
) -> list[dict[str, Any]]:
    """Return findings of a monitor by column: those of some ids, or all; or only those that are open."""
    chosen = "" if ids is None else " AND list_contains(?, finding_id)"
    state = " AND is_open" if is_open else ""
    query = f"SELECT f FROM findings f WHERE monitor = ?{state}{chosen} ORDER BY finding_id"
    return [_kept(found) for (found,) in store.rows(query, [monitor] if ids is None else [monitor, list(ids)])]


def read_silences(store: Store) -> dict[tuple[str, str], datetime]:
    """Return until when findings of a view that name a column are silent."""
    return {(view, column): until for view, column, until in store.rows("FROM silences")}


def _kept(found: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in found.items() if name != "state"}  # that is computed from the others


def keep_findings(store: Store, findings: Iterable[Mapping[str, Any]]) -> None:
    """Keep findings as they are now; call it within a transaction."""
    for finding in findings:
        store.rows(
            "DELETE FROM findings WHERE monitor = ? AND finding_id = ?", [finding["monitor"], finding["finding_id"]]
        )
        names, marks = ", ".join(map(quote_identifier, finding)), ", ".join("?" * len(finding))
        store.rows(f"INSERT INTO findings ({names}) VALUES ({marks})", list(finding.values()))


def keep_flags(store: Store, flags: Iterable[tuple[str, int, str]]) -> None:
    """Keep which flags belong to which finding: its id, the run and the key."""
    import polars as pl

    schema = {"finding_id": pl.String, "run_id": pl.Int64, "key": pl.String}
    rows = pl.DataFrame(list(flags), schema=schema, orient="row")
    with store.transaction() as connection, registered(connection, "new_finding_flags", rows):
        connection.execute("INSERT INTO finding_flags SELECT finding_id, run_id, key FROM new_finding_flags")


def queue(store: Store, content: Mapping[str, Any], at: object, channels: Iterable[str]) -> None:
    """Keep an alert, for some channels to tell; call it within a transaction."""
    names = ("alert_id", "monitor", "dedup_key", "event", "level")
    values = [content[name] for name in names]
    store.rows("INSERT INTO alerts VALUES (?, ?, ?, ?, ?, ?, ?)", [*values, at, json.dumps(content)])
    for channel in channels:
        store.rows("INSERT INTO deliveries VALUES (?, ?, NULL, 0, NULL)", [content["alert_id"], channel])


def pending(store: Store, monitor: str, channel: str) -> list[Pending]:
    """Return the alerts that a channel has still to tell, the oldest first."""
    rows = store.rows(
        "SELECT a.alert_id, a.level, a.content FROM deliveries d JOIN alerts a USING (alert_id) WHERE a.monitor = ? "
        'AND d.channel = ? AND d.told_at IS NULL ORDER BY a."at", a.alert_id',
        [monitor, channel],
    )
    return [Pending(alert_id, level, json.loads(content)) for alert_id, level, content in rows]


def note_told(store: Store, channel: str, alerts: Sequence[str]) -> None:
    """Keep that a channel took some alerts."""
    with store.transaction():
        store.rows(
            "UPDATE deliveries SET told_at = now() AT TIME ZONE 'UTC', n_tries = n_tries + 1, error = NULL "
            "WHERE channel = ? AND list_contains(?, alert_id)",
            [channel, list(alerts)],
        )


def note_failed(store: Store, channel: str, alerts: Sequence[str], error: str) -> bool:
    """Keep that a channel did not take some alerts, and why; tell whether that is worth saying (again).

    It is for an alert that was tried once, twice, four times, ...: cron would mail the same every five minutes.
    """
    with store.transaction():
        tried = store.rows(
            "UPDATE deliveries SET n_tries = n_tries + 1, error = ? WHERE channel = ? AND list_contains(?, alert_id) "
            "RETURNING n_tries",
            [error, channel, list(alerts)],
        )
    return any(times.bit_count() == 1 for (times,) in tried)


def is_due(store: Store, monitor: str, at: datetime, close_after: timedelta) -> bool:
    """Tell whether an open finding is to be closed at a time, or to be told because it has grown."""
    due = store.rows(
        "SELECT count(*) FROM findings WHERE monitor = ? AND is_open "
        "AND (last_seen + ? <= ? OR (n_flags > n_told AND alerted_at + repeat_after <= ? "
        "AND NOT acknowledged AND coalesce(silenced_until <= ?, true)))",
        [monitor, close_after, at, at, at],
    )
    return bool(due[0][0])


def is_any_pending(store: Store, monitor: str, channels: Sequence[str]) -> bool:
    """Tell whether one of some channels has anything to tell."""
    query = (
        "SELECT count(*) FROM deliveries JOIN alerts USING (alert_id) "
        "WHERE told_at IS NULL AND monitor = ? AND list_contains(?, channel)"
    )
    return bool(store.rows(query, [monitor, list(channels)])[0][0]) if channels else False


def has_failed(store: Store, monitor: str) -> bool:
    """Tell whether it was told that runs fail, and not yet that they do so no more."""
    query = "SELECT count(*) FROM notices WHERE monitor = ? AND kind = 'failed' AND state = 'open'"
    return bool(store.rows(query, [monitor])[0][0])


def read_overdue(store: Store, monitor: str, at: datetime) -> list[dict[str, Any]]:
    """Return the rhythms whose next record is overdue at a time, and was not told to be, the first due first."""
    query = (
        "SELECT r FROM rhythms r WHERE monitor = $monitor AND due <= $at AND NOT EXISTS ("
        "FROM notices n WHERE n.monitor = $monitor AND n.column_name = r.column_name AND n.value = r.value "
        "AND n.kind IN ('silent', 'overdue') AND n.state = 'open') ORDER BY due, column_name, value"
    )
    return [found for (found,) in store.rows(query, {"monitor": monitor, "at": at})]


def known_things(store: Store, monitor: str) -> set[tuple[str, str]]:
    """Return the columns and values whose arrivals are known; ``("", "")`` stands for all records."""
    return set(store.rows("SELECT column_name, value FROM rhythms WHERE monitor = ?", [monitor]))
