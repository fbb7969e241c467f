"""What the entity of a record did before it: columns that SQL computes from earlier records, never from later ones.

The records of an entity go by their time, those at the same moment by the text of their event; a window of time also
holds the other records of that moment. A record whose entity or time is null has no past, and is in nobody else's.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl

from anomembed.errors import SourceError
from anomembed.read.roles import Role, Roles
from anomembed.read.sequences import event_sql
from anomembed.read.source import quote_identifier
from anomembed.read.table import Table

PREFIX = "past: "  # of the derived columns; what follows is their name in reasons
EVENT, PLACE = PREFIX + "event", PREFIX + "place"
BEFORE = (PREFIX + "event before", PREFIX + "event before that")
SUMMED = "1 d"  # window of the sums
WINDOWS = {"1 h": "INTERVAL 1 HOUR", "1 d": "INTERVAL 1 DAY"}
MOST_SUMS = 4  # numbers whose sums are watched
SECONDS_SINCE = PREFIX + "seconds since the one before"
WHO, MOMENT, SIMULTANEOUS = (quote_identifier(PREFIX + name) for name in ("who", "moment", "at once"))

SAMPLED_RECORDS = 50_000  # that the event is chosen on, about
LEAST_GAIN = 0.05  # nats that the record before must tell more about an event than any other of the entity


@dataclass(frozen=True)
class History:
    """What is derived of the past.

    Parameters
    ----------
    entity, time : str
        Columns that say who acts, and when.
    event : tuple of str
        Columns that say what happened; none means that the order of events is not looked at.
    sums : tuple of str
        Numbers whose sums over a day are watched.
    """

    entity: str
    time: str
    event: tuple[str, ...]
    sums: tuple[str, ...]

    @property
    def paces(self) -> tuple[str, ...]:
        """Derived columns that say how fast an entity goes, as signed square roots, NaN where there is no past."""
        counts = [f"{PREFIX}records within {span}" for span in WINDOWS]
        return (*counts, *(f"{PREFIX}sum of {name} within {SUMMED}" for name in self.sums), SECONDS_SINCE)

    @property
    def pace_names(self) -> tuple[str, ...]:
        """Names of the paces in reasons."""
        return tuple(name.removeprefix(PREFIX) for name in self.paces)

    @property
    def steps(self) -> tuple[str, ...]:
        """Derived columns that say what happened, and what did before."""
        return (EVENT, PLACE, *BEFORE) if self.event else ()

    def select(self) -> dict[str, str]:
        """Return the SQL that reads each derived column."""
        return {name: quote_identifier(name) for name in (*self.steps, *self.paces)}


def plan_history(table: Table, roles: Roles, entity: str, time: str, event: Sequence[str]) -> History:
    """Decide what to derive.

    Parameters
    ----------
    table : Table
        The open table.
    roles : Roles
        Of its columns.
    entity, time : str
        Columns that say who acts, and when; both have that role.
    event : sequence of str
        Columns that say what happened; when there are none, one is looked for whose order tells something.

    Raises
    ------
    SourceError
        When there is no such column, or one that is called as the derived ones.
    """
    taken = [column.name for column in table.columns if column.name.startswith(PREFIX)]
    if taken:
        raise SourceError(f"a column cannot be called {taken[0]}: derived columns have names that begin so")
    sums = tuple(column.name for column in roles.of(Role.NUMBER)[:MOST_SUMS])
    named = tuple(table.column(name).name for name in event) or _find_event(table, roles, entity, time)
    return History(entity, time, named, sums)


def derive_history(table: Table, roles: Roles, history: History) -> None:
    """Add the columns of `history` to a table, unless it has them already.

    Parameters
    ----------
    table : Table
        The open table.
    roles : Roles
        Of its columns, as `match_roles` finds them.
    history : History
        From `plan_history`.
    """
    if table.is_derived(SECONDS_SINCE):
        return
    select = roles.select()
    who, when = select[history.entity], select[history.time]
    known = f"{who} IS NOT NULL AND {when} IS NOT NULL"
    event = event_sql([table.column(name) for name in history.event]) if history.event else "NULL"
    # The hash tells apart those that have the same event at the same moment, whatever the order of the rows.
    identity = table.hashed(select, [table.column(column.name) for column in roles.key], 0)
    columns = {EVENT: event, PLACE: f"if({known}, least(row_number() OVER stream, {len(BEFORE) + 1}), 1)"}
    columns |= {name: f"lag({event}, {back}) OVER stream" for back, name in enumerate(BEFORE, 1)}
    amounts = [quote_identifier(name) for name in _amounts(history)]
    amounts.append(f"epoch({when} - lag({when}) OVER stream)")
    for name, amount in zip(history.paces, amounts, strict=True):
        # As FLOAT, because the last digits of a sum depend on the order of records at the same moment.
        columns[name] = f"CAST(if({known}, sign({amount}) * sqrt(abs({amount})), NULL) AS FLOAT)"
    join = f"LEFT JOIN ({_sum_moments(history, select)}) ON {who} = {WHO} AND {when} = {MOMENT}"
    table.extend(columns, {"stream": f"PARTITION BY {who} ORDER BY {when}, {event}, {identity}"}, join)


def _amounts(history: History) -> list[str]:
    """Name what is counted and summed in windows of time."""
    return [f"{PREFIX}in {span}" for span in WINDOWS] + [f"{PREFIX}sum {name}" for name in history.sums]


def _sum_moments(history: History, select: Mapping[str, str]) -> str:
    """Return SQL of what each entity did in the windows that end with each of its moments.

    The records of a moment are put together first: DuckDB takes thirty times as long for windows over times that
    repeat.
    """
    sums = {f"{PREFIX}moment {name}": select[name] for name in history.sums}
    parts = [f"{select[history.entity]} AS {WHO}", f"{select[history.time]} AS {MOMENT}", f"count(*) AS {SIMULTANEOUS}"]
    parts += [f"sum(if(isfinite({of}), {of}, 0)) AS {quote_identifier(name)}" for name, of in sums.items()]
    totals = [f"sum({SIMULTANEOUS}) OVER {quote_identifier(span)}" for span in WINDOWS]
    totals += [f"sum({quote_identifier(name)}) OVER {quote_identifier(SUMMED)}" for name in sums]
    named = [f"{sql} AS {quote_identifier(name)}" for sql, name in zip(totals, _amounts(history), strict=True)]
    windows = (
        f"{quote_identifier(span)} AS (PARTITION BY {WHO} ORDER BY {MOMENT} "
        f"RANGE BETWEEN {interval} PRECEDING AND CURRENT ROW)"
        for span, interval in WINDOWS.items()
    )
    moments = f"SELECT {', '.join(parts)} FROM records GROUP BY {WHO}, {MOMENT}"
    return f"SELECT {WHO}, {MOMENT}, {', '.join(named)} FROM ({moments}) WINDOW {', '.join(windows)}"


def _find_event(table: Table, roles: Roles, entity: str, time: str) -> tuple[str, ...]:
    """Find the column about which the record before tells most, beyond what any record of the entity tells."""
    select = roles.select()
    few = table.hashed_share([table.column(entity)], 0, min(1.0, SAMPLED_RECORDS / max(table.count(), 1)))
    gains = {}
    for column in roles.of(Role.CATEGORY):
        value, when = select[column.name], select[time]
        before, any_other = (
            _mutual_information(table.transitions(value, select[entity], order, few))
            for order in (when, f"hash({when}, {value})")
        )
        gains[column.name] = before - any_other
    best = max(gains, key=lambda name: gains[name], default=None)
    return (best,) if best is not None and gains[best] > LEAST_GAIN else ()


def _mutual_information(counts: pl.DataFrame) -> float:
    """Return what a value tells about another, in nats, less what chance would have it tell (Miller, Madow)."""
    n = counts["n_records"].sum()
    if not n:
        return 0.0
    both = counts["n_records"].to_numpy() / n
    first, second = (
        counts.select(pl.col("n_records").sum().over(name)).to_series().to_numpy() / n for name in ("before", "now")
    )
    surplus = counts.height - counts["before"].n_unique() - counts["now"].n_unique() + 1
    return float((both * np.log(both / (first * second))).sum() - surplus / (2 * n))
