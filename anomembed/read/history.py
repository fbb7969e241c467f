"""What the entity of a record did before it: columns that SQL computes from earlier records, never from later ones.

Records of an entity are ordered by time, those at the same moment by the text of their event; a window of time also
holds the other records of that moment. A record whose entity or time is null has no past, and is in no other's.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl

from anomembed.errors import SourceError
from anomembed.read.amounts import amounts
from anomembed.read.queries import query
from anomembed.read.quoting import quote_identifier
from anomembed.read.rhythm import RHYTHM, find_resolution, find_target, rhythm_sql
from anomembed.read.roles.assigned import Roles
from anomembed.read.roles.role import Content, Role
from anomembed.read.runs import find_varying, runs_of, runs_sql
from anomembed.read.sequences import event_sql
from anomembed.read.table import HASH, Table
from anomembed.read.travel import TRAVEL, find_place, travel_sql

PREFIX = "past: "  # starts the names of the derived columns; the rest is their name in reasons
EVENT, PLACE = PREFIX + "event", PREFIX + "place"
BEFORE = (PREFIX + "event before", PREFIX + "event before that")
WINDOWS = {"1 h": "INTERVAL 1 HOUR", "1 d": "INTERVAL 1 DAY"}
SUMMED = "1 d"  # the window of the sums
MOST_SUMS = 4  # numbers that are summed
SECONDS_SINCE = PREFIX + "seconds since the one before"
WHO, MOMENT, SIMULTANEOUS = (quote_identifier(PREFIX + name) for name in ("who", "moment", "at once"))

SAMPLED_RECORDS = 50_000  # about how many records the event is chosen on
LEAST_GAIN = 0.05  # nats by which the record before must predict an event better than any other of the entity


@dataclass(frozen=True)
class History:
    """Which columns are derived from the past.

    Parameters
    ----------
    entity, time : str
        Columns that say who acts, and when.
    event : tuple of str
        Columns that say what happened; empty when the order of events is not used.
    sums : tuple of str
        Numbers that are summed over a day.
    target : str
        Column of what the entity is in contact with; its intervals are compared with one another.
    resolution : float
        Seconds that the times are multiples of, which intervals are no evener than.
    place : tuple of str
        Columns of latitude and longitude that say where the entity is; empty without any.
    varying : tuple of str
        Numbers that mostly change from one record of the entity to the next.
    """

    entity: str
    time: str
    event: tuple[str, ...]
    sums: tuple[str, ...]
    target: str
    resolution: float
    place: tuple[str, ...] = ()
    varying: tuple[str, ...] = ()

    @property
    def paces(self) -> tuple[str, ...]:
        """Derived columns of how much an entity does in a time: signed square roots, null where it has no past."""
        counts = [f"{PREFIX}records within {span}" for span in WINDOWS]
        return (*counts, *(f"{PREFIX}sum of {name} within {SUMMED}" for name in self.sums), SECONDS_SINCE)

    @property
    def pace_names(self) -> tuple[str, ...]:
        """Names of the paces in reasons."""
        return tuple(name.removeprefix(PREFIX) for name in self.paces)

    @property
    def steps(self) -> tuple[str, ...]:
        """Derived columns of what happened, and what happened before."""
        return (EVENT, PLACE, *BEFORE) if self.event else ()

    @property
    def rhythm(self) -> tuple[str, ...]:
        """Derived columns of how even the last intervals between an entity and its target were."""
        return RHYTHM

    @property
    def travel(self) -> tuple[str, ...]:
        """Derived columns of how far the entity has come, and in what time."""
        return TRAVEL if self.place else ()

    @property
    def runs(self) -> tuple[str, ...]:
        """Derived columns of how often each varying number has been the same in a row."""
        return runs_of(self.varying)

    def select(self) -> dict[str, str]:
        """Return the SQL that reads each derived column."""
        derived = (*self.steps, *self.paces, *self.rhythm, *self.travel, *self.runs)
        return {name: quote_identifier(name) for name in derived}


def plan_history(table: Table, roles: Roles, entity: str, time: str, event: Sequence[str]) -> History:
    """Choose the columns to derive.

    Parameters
    ----------
    table : Table
        The open table.
    roles : Roles
        Of its columns.
    entity, time : str
        Columns that say who acts, and when; both have that role.
    event : sequence of str
        Columns that say what happened; when empty, the column whose order is most predictable, if any is.

    Raises
    ------
    SourceError
        When there is no such column, or one has the name of a derived column.
    """
    taken = [column.name for column in table.columns if column.name.startswith(PREFIX)]
    if taken:
        raise SourceError(
            f"a column cannot be called {taken[0]}: names that begin with {PREFIX!r} are reserved; rename it in a query"
        )
    numbers = [column.name for column in roles.holding(Content.NUMBER)]
    sums = tuple(amounts(numbers)[:MOST_SUMS])
    named = tuple(table.column(name).name for name in event) or _find_event(table, roles, entity, time)
    target, place = find_target(table, roles, entity), find_place(table, roles, entity)
    resolution = find_resolution(table, roles.select()[time])
    return History(entity, time, named, sums, target, resolution, place, find_varying(table, roles, entity, time))


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
    if not table.is_derived(SECONDS_SINCE):
        table.extend(history_sql(table, roles, history), (EVENT, PLACE, *BEFORE, *history.paces, *history.travel))
        select, identity = roles.select(), roles.identity(table)
        who, target, when = (select[name] for name in (history.entity, history.target, history.time))
        table.extend(rhythm_sql(who, target, when, identity, history.resolution), history.rhythm)
        if history.varying:
            numbers = {name: select[name] for name in history.varying}
            table.extend(runs_sql(numbers, who, when, identity), history.runs)


def history_sql(table: Table, roles: Roles, history: History) -> str:
    """Return the query, from history.sql, of the columns of `history` but those of the rhythm and of runs."""
    select = roles.select()
    who, when = select[history.entity], select[history.time]
    event = event_sql([table.column(name) for name in history.event]) if history.event else "NULL"
    return query(
        "history",
        position=HASH,
        entity=who,
        time=when,
        event=event,
        identity=roles.identity(table),
        sums="".join(f", sum(if(isfinite({of}), {of}, 0)) AS {at}" for of, at in _moment_sums(history, select).items()),
        totals=_aliased(_totals(history, select)),
        windows=",\n    ".join(f"{quote_identifier(span)} AS ({_window(span)})" for span in WINDOWS),
        steps=_aliased(_steps(event, f"{who} IS NOT NULL AND {when} IS NOT NULL")),
        paces=_aliased(_paces(history, who, when) | _travel(history, select)),
    )


def _aliased(columns: Mapping[str, str]) -> str:
    """Return SQL of the expressions in `columns`, each under its name."""
    return ",\n    ".join(f"{sql} AS {quote_identifier(name)}" for name, sql in columns.items())


def _moment_sums(history: History, select: Mapping[str, str]) -> dict[str, str]:
    """Return the quoted name of the sum over one moment of each watched number, by the number's SQL."""
    return {select[name]: quote_identifier(f"{PREFIX}moment {name}") for name in history.sums}


def _totals(history: History, select: Mapping[str, str]) -> dict[str, str]:
    """Return SQL of the records and sums in each window, by name."""
    amounts = {f"{PREFIX}in {span}": f"sum({SIMULTANEOUS}) OVER {quote_identifier(span)}" for span in WINDOWS}
    sums = zip(history.sums, _moment_sums(history, select).values(), strict=True)
    return amounts | {f"{PREFIX}sum {name}": f"sum({of}) OVER {quote_identifier(SUMMED)}" for name, of in sums}


def _window(span: str) -> str:
    return f"PARTITION BY {WHO} ORDER BY {MOMENT} RANGE BETWEEN {WINDOWS[span]} PRECEDING AND CURRENT ROW"


def _steps(event: str, known: str) -> dict[str, str]:
    """Return SQL of the event, its position in the entity's past and the events before it, by name."""
    position = f"if({known}, least(row_number() OVER stream, {len(BEFORE) + 1}), 1)"
    before = {name: f"lag({event}, {back}) OVER stream" for back, name in enumerate(BEFORE, 1)}
    return {EVENT: event, PLACE: position, **before}


def _paces(history: History, who: str, when: str) -> dict[str, str]:
    """Return SQL of how fast the entity goes: the signed square root of each amount, by name.

    FLOAT, because the last digits of a sum depend on the order of records at the same moment.
    """
    known = f"{who} IS NOT NULL AND {when} IS NOT NULL"
    amounts = [quote_identifier(f"{PREFIX}in {span}") for span in WINDOWS]
    amounts += [quote_identifier(f"{PREFIX}sum {name}") for name in history.sums]
    amounts.append(f"epoch({when} - lag({when}) OVER stream)")
    return {
        name: f"CAST(if({known}, sign({amount}) * sqrt(abs({amount})), NULL) AS FLOAT)"
        for name, amount in zip(history.paces, amounts, strict=True)
    }


def _travel(history: History, select: Mapping[str, str]) -> dict[str, str]:
    """Return SQL of how far the entity has come since its record before, by name; null for nobody."""
    if not history.place:
        return {}
    latitude, longitude = (select[name] for name in history.place)
    columns = travel_sql(latitude, longitude, select[history.time])
    return {name: f"if({select[history.entity]} IS NULL, NULL, {sql})" for name, sql in columns.items()}


def _find_event(table: Table, roles: Roles, entity: str, time: str) -> tuple[str, ...]:
    """Find the column that the record before predicts best, compared with any other record of the entity."""
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
    """Return the mutual information of two values in nats, less its bias in a sample (Miller, Madow)."""
    n = counts["n_records"].sum()
    if not n:
        return 0.0
    both = counts["n_records"].to_numpy() / n
    first, second = (
        counts.select(pl.col("n_records").sum().over(name)).to_series().to_numpy() / n for name in ("before", "now")
    )
    surplus = counts.height - counts["before"].n_unique() - counts["now"].n_unique() + 1
    return float((both * np.log(both / (first * second))).sum() - surplus / (2 * n))
