"""What a store keeps for `anomembed monitor`: how far it has judged, what it has seen of late, and runs that failed."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from anomembed.read.queries import query
from anomembed.write.database import registered
from anomembed.write.queries import sql_of
from anomembed.write.store import Store, key_text

if TYPE_CHECKING:
    import polars as pl


@dataclass(frozen=True)
class State:
    """How far a monitor has judged.

    Parameters
    ----------
    source : str
        What it judges.
    column : str
        Its watermark.
    plan : dict
        How positions are read.
    position : int
        What was before this has been judged.
    n_behind : int
        Units of the source farther behind than its lookback.
    """

    source: str
    column: str
    plan: dict[str, Any]
    position: int
    n_behind: int


@dataclass(frozen=True)
class Progress:
    """What a transaction adds to the state of a monitor.

    Parameters
    ----------
    position : int
        What was before this has been judged now.
    until : str
        The same as text.
    behind : int
        What is before this is not looked for any more.
    n_behind : int
        Units of the source before it.
    seen : pl.DataFrame
        ``key``, ``position`` and ``version`` of what has been seen.
    """

    position: int
    until: str
    behind: int
    n_behind: int
    seen: "pl.DataFrame"


def read_state(store: Store, monitor: str) -> State | None:
    """Return how far a monitor has judged; None before its first run."""
    rows = store.rows(
        'SELECT source, column_name, plan, "position", n_behind FROM watermarks WHERE monitor = ?', [monitor]
    )
    for source, column, plan, position, n_behind in rows:
        return State(source, column, json.loads(plan), position, n_behind)
    return None


def start(store: Store, monitor: str, state: State, progress: Progress) -> None:
    """Keep the state of a monitor that begins; call it within a transaction.

    Parameters
    ----------
    store : Store
        An open store.
    monitor : str
        Its name.
    state : State
        Where it begins.
    progress : Progress
        The same, with what is there already.
    """
    store.rows(
        "INSERT INTO watermarks VALUES (?, ?, ?, ?, ?, ?, ?, NULL)",
        [monitor, state.source, state.column, json.dumps(state.plan), progress.until, state.position, state.n_behind],
    )
    _remember(store, monitor, progress.seen)


def advance(store: Store, monitor: str, progress: Progress) -> None:
    """Keep what has been judged now, and forget what is too far behind; call it within a transaction.

    Parameters
    ----------
    store : Store
        An open store.
    monitor : str
        Its name.
    progress : Progress
        What has been judged.
    """
    _remember(store, monitor, progress.seen)
    store.rows('DELETE FROM judged WHERE monitor = ? AND "position" < ?', [monitor, progress.behind])
    store.rows(
        'UPDATE watermarks SET until = ?, "position" = ?, n_behind = ? WHERE monitor = ?',
        [progress.until, progress.position, progress.n_behind, monitor],
    )


def keep_fitted_to(store: Store, model_id: int, column: str, position: int) -> None:
    """Keep the last position in a column that a model was fitted to; call it within a transaction."""
    sql = 'UPDATE models SET column_name = ?, "position" = ? WHERE model_id = ?'
    store.rows(sql, [column, position, model_id])


def fitted_to(store: Store, model_id: int, column: str) -> int | None:
    """Return the last position in a column that a model was fitted to; None when that was not kept."""
    rows = store.rows('SELECT "position" FROM models WHERE model_id = ? AND column_name = ?', [model_id, column])
    return int(rows[0][0]) if rows else None


def is_first_use(store: Store, monitor: str, by: str) -> bool:
    """Tell whether a monitor judges by something else than in its last run, and keep by what it does."""
    sql = (
        "UPDATE watermarks SET judges_by = $by WHERE monitor = $monitor AND judges_by IS DISTINCT FROM $by RETURNING 1"
    )
    with store.transaction():
        return bool(store.rows(sql, {"by": by, "monitor": monitor}))


def _remember(store: Store, monitor: str, seen: "pl.DataFrame") -> None:
    with store.transaction() as connection, registered(connection, "new_seen", seen):
        connection.execute('INSERT INTO judged SELECT ?, key, "position", version FROM new_seen', [monitor])


def read_checked(store: Store, monitor: str) -> tuple[str, str] | None:
    """Return the digest of the configuration that a monitor last ran with, and its settings as JSON."""
    rows = store.rows("SELECT digest, settings FROM checked_settings WHERE monitor = ?", [monitor])
    return (rows[0][0], rows[0][1]) if rows else None


def note_checked(store: Store, monitor: str, digest: str, settings: str) -> None:
    """Keep the settings that a monitor ran with, in place of those before."""
    with store.transaction():
        store.rows("DELETE FROM checked_settings WHERE monitor = ?", [monitor])
        store.rows("INSERT INTO checked_settings VALUES (?, ?, ?)", [monitor, digest, settings])


def newest_unseen(store: Store, monitor: str) -> dict[str, float]:
    """Return, by column, the share of a monitor's last records with a value that the reference does not have."""
    rows = store.rows(
        "SELECT column_name, unseen FROM drift WHERE run_id = ("
        "SELECT max(run_id) FROM runs SEMI JOIN drift USING (run_id) WHERE monitor = ? AND part = 'new') "
        "ORDER BY column_name",
        [monitor],
    )
    return dict(rows)


def count_all(store: Store, monitor: str) -> dict[str, int]:
    """Return how much a monitor has judged so far, and what is open; see ``metrics.sql`` for the names."""
    names = ("records", "flags", "late", "too_late", "quarantined", "findings", "pending")
    return dict(zip(names, map(int, store.rows(sql_of("metrics"), {"monitor": monitor})[0]), strict=True))


def fingerprint(store: Store, monitor: str, zone: str) -> tuple[Any, ...]:
    """Return what has been seen in a zone, in two numbers that the source has too when nothing came to it."""
    judged = "SELECT * FROM judged WHERE monitor = ?"
    return store.rows(query("fingerprint", units=judged, zone=zone), [monitor])[0]


def not_seen(store: Store, monitor: str, units: "pl.DataFrame") -> "pl.DataFrame":
    """Return the units that a monitor has not seen, and of each whether its key and version are known.

    Parameters
    ----------
    store : Store
        An open store.
    monitor : str
        Its name.
    units : pl.DataFrame
        ``key``, ``position`` and ``version``, and other columns.

    Returns
    -------
    pl.DataFrame
        Some of the rows, with ``is_known``: judged before, at another position or in an earlier row here.
    """
    return store.frame(sql_of("not_seen"), {"monitor": monitor}, new_units=units)


def add_keys(store: Store, frame: "pl.DataFrame", key: Sequence[str], name: str) -> "pl.DataFrame":
    """Return a frame with the text of its key, as `flags` has it, in a new column.

    Parameters
    ----------
    store : Store
        An open store.
    frame : pl.DataFrame
        Has the key columns.
    key : sequence of str
        Key columns.
    name : str
        Of the new column.
    """
    keys = frame.select(key).with_row_index("__anomembed_row")
    texts = store.frame(f"SELECT {key_text(key, 'k')} AS key FROM new_keys k ORDER BY __anomembed_row", new_keys=keys)
    return frame.with_columns(texts["key"].alias(name))


def add_failure(store: Store, monitor: str, about: Mapping[str, Any]) -> None:
    """Keep a run that failed; one that fails like the one before only renews its time.

    Parameters
    ----------
    store : Store
        An open store.
    monitor : str
        Its name.
    about : mapping
        ``source``, ``rule``, ``until`` and ``failure``.
    """
    with store.transaction():
        last = store.rows("SELECT run_id, failure FROM runs WHERE monitor = ? ORDER BY run_id DESC LIMIT 1", [monitor])
        if last and last[0][1] == about["failure"]:
            store.rows("UPDATE runs SET scored_at = now() AT TIME ZONE 'UTC' WHERE run_id = ?", [last[0][0]])
        else:
            store.add_run_row({"monitor": monitor, "n_scored": 0, "n_flagged": 0, **about})
