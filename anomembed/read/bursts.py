"""Records with the same value that come at once: columns that SQL computes from those within a window of time.

A device that opens ten accounts within the hour, an address that tries 25 users in five minutes: no record of them is
unusual alone. How many came within the window before each record is held against all records with that value, had they
come when those of all values did. Later records count for none.
"""

from dataclasses import dataclass
from math import isfinite

from anomembed.read.queries import query
from anomembed.read.quoting import quote_identifier, quote_text
from anomembed.read.roles.assigned import Roles
from anomembed.read.roles.role import Content, Role
from anomembed.read.table import HASH, Table

PREFIX = "burst: "  # starts the names of the derived columns
WINDOWS = (86400, 3600, 60)  # seconds
LEAST_WINDOWS = 10  # in the time from the first record to the last
LEAST_TIMES = 4  # records that are a burst
LEAST_VALUES, LEAST_RECORDS = 20, 1.2  # different values of a column, and mean records of each
MOST_COLUMNS = 2  # that are watched, those with the most values
MOST_PART = 0.05  # of the records that come at once, from which that is usual
CROWDED_PART = "coalesce(sum(part), 0)"  # of the records
EVIDENCE = (  # that so many of the records so far came within the window not by chance, in nats
    "(n * ln(n / (so_far * share)) + if(n < so_far, (so_far - n) * ln((so_far - n) / (so_far * (1 - share))), 0))"
)


@dataclass(frozen=True)
class Bursts:
    """Which columns are watched, and in which window.

    Parameters
    ----------
    watched : tuple of str
        Columns whose values may come at once.
    time : str
        Column of the time.
    window : int
        Seconds.
    """

    watched: tuple[str, ...]
    time: str
    window: int

    @property
    def columns(self) -> tuple[str, ...]:
        """Names of the derived columns: for each that is watched, records in the window, all so far, and nats."""
        parts = ("records of", "so far of", "nats of")
        return tuple(f"{PREFIX}{part} {name}" for name in self.watched for part in parts)


def plan_bursts(table: Table, roles: Roles, entity: str | None, time: str | None) -> Bursts | None:
    """Choose the columns to watch.

    Parameters
    ----------
    table : Table
        The open table.
    roles : Roles
        Of its columns.
    entity, time : str or None
        Columns that say who acts, and when, where they are given: the entity is watched, too, and without a time the
        first one tells.

    Returns
    -------
    Bursts or None
        None without a time, without a column to watch, in a time too short to tell, and where records of a value
        often come at once.
    """
    times = roles.holding(Content.MOMENT)
    if not times or any(column.name.startswith(PREFIX) for column in table.columns):
        return None
    when = time or times[0].name
    moment = roles.select()[when]
    known = f"isfinite({moment})"
    (span,) = table.aggregate([f"epoch(max({moment}) FILTER ({known}) - min({moment}) FILTER ({known}))"])
    window = next((window for window in WINDOWS if window * LEAST_WINDOWS <= (span or 0)), None)
    if window is None:
        return None
    crowded = {
        name: table.keep(query("crowded", **_parts(roles.select()[name], moment, window)))
        for name in _candidates(table, roles, entity)
    }
    seldom = [name for name, kept in crowded.items() if table.measure(kept, CROWDED_PART) <= MOST_PART]
    return Bursts(tuple(seldom), when, window) if seldom else None


def _candidates(table: Table, roles: Roles, entity: str | None) -> list[str]:
    """Return the columns with the most values, each of which several records have, and the entity."""
    names = [column.name for column in roles.of(Role.ENTITY, Role.CATEGORY)]
    counts = [f"approx_count_distinct({roles.select()[name]})" for name in names]
    n_records, *n_values = table.aggregate(["count(*)", *counts])
    found = sorted(zip(n_values, names, strict=True), reverse=True)
    most = [name for n, name in found if n >= LEAST_VALUES and n * LEAST_RECORDS <= n_records][:MOST_COLUMNS]
    return most if entity is None or entity in most or entity not in names else [*most, entity]


def derive_bursts(table: Table, roles: Roles, bursts: Bursts) -> dict[str, str]:
    """Add the columns of `bursts` to a table, unless it has them already or nothing in it came at once.

    Parameters
    ----------
    table : Table
        The open table.
    roles : Roles
        Of its columns, as `match_roles` finds them.
    bursts : Bursts
        From `plan_bursts`.

    Returns
    -------
    dict
        SQL that reads each derived column.
    """
    select: dict[str, str] = {}
    for at, name in enumerate(bursts.watched):
        derived = bursts.columns[3 * at : 3 * at + 3]
        parts = _parts(roles.select()[name], roles.select()[bursts.time], bursts.window)
        crowded = "" if table.is_derived(derived[0]) else table.keep(query("crowded", **parts))
        if crowded and table.measure(crowded, "count(*)"):
            times, total, nats = map(quote_identifier, derived)
            extending = query("bursts", crowded=crowded, position=HASH, times=times, total=total, nats=nats, **parts)
            table.extend(extending, derived)
        is_there = table.is_derived(derived[0])
        select |= {column: quote_identifier(column) if is_there else "CAST(NULL AS DOUBLE)" for column in derived}
    return select


def bursts_of_one(table: Table, roles: Roles, bursts: Bursts, own: str) -> dict[str, float | None]:
    """Return what the derived columns hold of one record, without deriving them for all; None where they are null.

    Parameters
    ----------
    table, roles, bursts
        See `derive_bursts`.
    own : str
        SQL condition that holds for the record alone.
    """
    values: dict[str, float | None] = dict.fromkeys(bursts.columns)
    moment = f"epoch({roles.select()[bursts.time]})"
    for at, name in enumerate(bursts.watched):
        value = roles.select()[name]
        record = table.rows({"value": f"CAST({value} AS VARCHAR)", "moment": moment}, own, most=1)
        of, when = record.row(0) if record.height else (None, None)
        if of is None or when is None or not isfinite(when):
            continue
        near = f"CAST({value} AS VARCHAR) = {quote_text(of)} AND {moment} BETWEEN {when - bursts.window!r} AND {when!r}"
        if table.aggregate(["count(*)"], near)[0] < LEAST_TIMES:  # takes a quarter of the time of what follows
            continue
        parts = _parts(value, roles.select()[bursts.time], bursts.window)
        if found := table.find(query("burst_of_one", own=f"({own})", **parts)):
            values |= dict(zip(bursts.columns[3 * at : 3 * at + 3], found[0], strict=True))
    return values


def _parts(value: str, time: str, window: int) -> dict[str, str]:
    return {
        "value": value,
        "time": time,
        "window": str(window),
        "least": str(LEAST_TIMES),
        "evidence": EVIDENCE,
    }
