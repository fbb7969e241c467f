"""What people do with the findings of a store: silence and acknowledge them, and take that back."""

import getpass
from datetime import datetime

import polars as pl

from anomembed.errors import StoreError, shown
from anomembed.views.reason import clean_text
from anomembed.write.store import Store

MOST_LISTED = 10  # findings that a text may mean
REASON = "/"  # between the view and the column of a reason
COLUMNS = (
    "finding_id",
    "monitor",
    "state",
    "n_flags",
    "tail_probability",
    "first_seen",
    "last_seen",
    "silenced_until",
    "reason",
)


def list_findings(store: Store, state: str | None = None, monitor: str | None = None) -> pl.DataFrame:
    """Return findings, those seen last first.

    Parameters
    ----------
    store : Store
        An open store.
    state : str, optional
        Only those in this state: ``open``, ``acknowledged``, ``silenced`` or ``closed``.
    monitor : str, optional
        Only those of this monitor.
    """
    listed = f"SELECT {', '.join(COLUMNS)} FROM findings"
    query = f"FROM ({listed}) WHERE state = coalesce(?, state) AND monitor = coalesce(?, monitor)"
    return store.frame(f"{query} ORDER BY last_seen DESC, finding_id", [state, monitor])


def find_finding(store: Store, name: str) -> str:
    """Return the id of the finding that a text begins.

    Raises
    ------
    StoreError
        When there is none, or more than one.
    """
    rows = store.rows(
        "SELECT finding_id, any_value(reason) FROM findings WHERE starts_with(finding_id, ?) GROUP BY ALL ORDER BY ALL",
        [name.lower()],
    )
    if not name or not rows:
        raise StoreError(f"no finding {shown(name)} in {store.path}; `anomembed findings` lists them")
    if len(rows) > 1:
        more = f"; and {len(rows) - MOST_LISTED:,} more" if len(rows) > MOST_LISTED else ""
        listed = "; ".join(f"{finding} ({clean_text(reason)})" for finding, reason in rows[:MOST_LISTED])
        raise StoreError(f"{shown(name)} begins {len(rows)} findings in {store.path}: {listed}{more}")
    return str(rows[0][0])


def silence(store: Store, name: str, seconds: float, because: str) -> datetime:
    """Make no alerts of a finding for some time, counted from its last flag or from now, whichever is later.

    Parameters
    ----------
    store : Store
        An open store.
    name : str
        Its id, or the beginning of it; or VIEW/COLUMN for all findings of a view that name a column, also new ones.
    seconds : float
        For how long.
    because : str
        Why.

    Returns
    -------
    datetime
        Until when.
    """
    if REASON in name:
        return _silence_reason(store, name, seconds, because)
    finding_id = find_finding(store, name)
    with store.transaction():
        later = "greatest(last_seen, now() AT TIME ZONE 'UTC') + to_microseconds(CAST(? * 1e6 AS BIGINT))"
        store.rows(f"UPDATE findings SET silenced_until = {later} WHERE finding_id = ?", [seconds, finding_id])
        (until,) = store.rows("SELECT silenced_until FROM findings WHERE finding_id = ?", [finding_id])[0]
        add_act(store, "silence", finding_id, until, because)
    return datetime.fromisoformat(str(until))


def unsilence(store: Store, name: str) -> str:
    """Make alerts of a finding, or of a reason, again; return its id."""
    if REASON in name:
        return _unsilence_reason(store, name)
    finding_id = find_finding(store, name)
    with store.transaction():
        store.rows("UPDATE findings SET silenced_until = NULL WHERE finding_id = ?", [finding_id])
        add_act(store, "unsilence", finding_id)
    return finding_id


def _reason(store: Store, name: str) -> tuple[str, str]:
    """Return the view and the column of a reason that some finding has.

    Raises
    ------
    StoreError
        When none has.
    """
    view, _, column = name.partition(REASON)
    rows = store.rows('SELECT count(*) FROM findings WHERE view = ? AND list_contains("columns", ?)', [view, column])
    if not rows[0][0]:
        known = store.rows(
            'SELECT DISTINCT view, unnest("columns") AS name FROM findings ORDER BY ALL LIMIT ?', [MOST_LISTED]
        )
        some = ", ".join(shown(f"{of}{REASON}{name}") for of, name in known)
        raise StoreError(
            f"no finding in {store.path} is of view {shown(view)} and names column {shown(column)}"
            + (f"; there are {some}" if some else "")
        )
    return view, column


def _silence_reason(store: Store, name: str, seconds: float, because: str) -> datetime:
    view, column = _reason(store, name)
    later = "greatest(max(last_seen), now() AT TIME ZONE 'UTC') + to_microseconds(CAST(? * 1e6 AS BIGINT))"
    where = 'view = ? AND list_contains("columns", ?)'
    with store.transaction():
        (until,) = store.rows(f"SELECT {later} FROM findings WHERE {where}", [seconds, view, column])[0]
        store.rows("DELETE FROM silences WHERE view = ? AND column_name = ?", [view, column])
        store.rows("INSERT INTO silences VALUES (?, ?, ?)", [view, column, until])
        store.rows(f"UPDATE findings SET silenced_until = ? WHERE {where}", [until, view, column])
        add_act(store, "silence", name, until, because)
    return datetime.fromisoformat(str(until))


def _unsilence_reason(store: Store, name: str) -> str:
    view, column = _reason(store, name)
    where = 'view = ? AND list_contains("columns", ?)'
    with store.transaction():
        store.rows("DELETE FROM silences WHERE view = ? AND column_name = ?", [view, column])
        store.rows(f"UPDATE findings SET silenced_until = NULL WHERE {where}", [view, column])
        add_act(store, "unsilence", name)
    return name


def acknowledge(store: Store, name: str, *, is_undone: bool = False) -> str:
    """Do not repeat the alerts of a finding until it is closed, or do so again; return its id."""
    finding_id = find_finding(store, name)
    with store.transaction():
        store.rows("UPDATE findings SET acknowledged = ? WHERE finding_id = ?", [not is_undone, finding_id])
        add_act(store, "take back" if is_undone else "acknowledge", finding_id)
    return finding_id


def add_act(
    store: Store, act: str, finding_id: str = "", until: datetime | None = None, because: str | None = None
) -> None:
    """Keep what was done, with the time and the user; call it within a transaction."""
    store.rows(
        "INSERT INTO acts SELECT coalesce(max(act_id), 0) + 1, now() AT TIME ZONE 'UTC', ?, ?, ?, ?, ? FROM acts",
        [user_name(), act, finding_id, until, because],
    )


def user_name() -> str:
    """Return who runs this: the user of the machine."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a user without a name, as in a container
        return "unknown"
