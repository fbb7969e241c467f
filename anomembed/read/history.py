"""What the entity of a record did before it: columns that are computed from earlier records, never from later ones.

Records of an entity are ordered by time, those at the same moment by the text of their event; a window of time also
holds the other records of that moment. A record whose entity or time is null has no past, and is in no other's.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
import polars as pl

from anomembed.errors import SourceError
from anomembed.read.amounts import amounts
from anomembed.read.extending import Computed
from anomembed.read.quoting import quote_identifier
from anomembed.read.rhythm import RHYTHM, find_resolution, find_rhythm, find_target
from anomembed.read.roles.assigned import Roles
from anomembed.read.roles.role import Content, Role
from anomembed.read.runs import find_varying, runs_of
from anomembed.read.sequences import event_sql
from anomembed.read.streams import Floats, Streams, ranks_of
from anomembed.read.table import Table
from anomembed.read.travel import TRAVEL, find_place, find_travel

PREFIX = "past: "  # starts the names of the derived columns; the rest is their name in reasons
EVENT, PLACE = PREFIX + "event", PREFIX + "place"
BEFORE = (PREFIX + "event before", PREFIX + "event before that")
WINDOWS = {"1 h": 3600, "1 d": 86400}  # seconds
SUMMED = "1 d"  # the window of the sums
MOST_SUMS = 4  # numbers that are summed
SECONDS_SINCE = PREFIX + "seconds since the one before"
WHO, MOMENT, WITH, TIE = (PREFIX + name for name in ("who", "moment", "with", "tie"))  # what is read

SAMPLED_RECORDS = 50_000  # about how many records the event is chosen on
LARGEST = float(np.finfo(np.float32).max)
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

    @property
    def columns(self) -> tuple[str, ...]:
        """All derived columns."""
        return (*self.steps, *self.paces, *self.rhythm, *self.travel, *self.runs)

    def select(self) -> dict[str, str]:
        """Return the SQL that reads each derived column."""
        return {name: quote_identifier(name) for name in self.columns}


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
    if table.is_derived(SECONDS_SINCE):
        return
    select = roles.select()
    read = {WHO: select[history.entity], MOMENT: f"epoch_us({select[history.time]})", TIE: roles.identity(table)}
    read[WITH] = f"CAST({select[history.target]} AS VARCHAR)"
    if history.event:
        read[EVENT] = event_sql([table.column(name) for name in history.event])
    read |= {name: select[name] for name in (*history.sums, *history.place, *history.varying)}
    table.extend(Computed(read, select[history.entity], partial(look_back, history)), history.columns)


def look_back(history: History, records: pl.DataFrame) -> pl.DataFrame:
    """Compute the columns of `history` for all records of some entities.

    Parameters
    ----------
    history : History
        Which columns.
    records : pl.DataFrame
        What `derive_history` reads.
    """
    ties = [records[TIE].to_numpy()]
    if history.event:
        ties.insert(0, ranks_of(records[EVENT]))
    streams = Streams.of(records[WHO], records[MOMENT], *ties)
    contacts = streams.contacts(records[WITH])
    of_entity = _paces(history, streams, records)
    if history.place:
        of_entity |= find_travel(streams, *(streams.numbers(records[name]) for name in history.place))
    varying = zip(history.runs, history.varying, strict=True)
    of_entity |= {run: streams.runs(streams.numbers(records[name])) for run, name in varying}
    columns = [*_in_rows(streams, of_entity), *_in_rows(contacts, find_rhythm(contacts, history.resolution))]
    return pl.DataFrame([*_steps(streams, records[EVENT]), *columns] if history.event else columns)


def _in_rows(streams: Streams, found: Mapping[str, Floats]) -> list[pl.Series]:
    """Return numbers of records as columns of all, in single precision."""
    return [
        streams.in_rows(name, np.clip(values, -LARGEST, LARGEST)).cast(pl.Float32) for name, values in found.items()
    ]


def _steps(streams: Streams, events: pl.Series) -> list[pl.Series]:
    """Return the event, its place among those of its entity, up to the first that is too far back, and those before."""
    place = streams.in_rows(PLACE, np.minimum(streams.places, len(BEFORE)) + 1).fill_null(1).cast(pl.Int64)
    # Indices are numbers with null for none on the way, as all that is found before a record.
    before = (
        events.gather(streams.in_rows("", streams.before(streams.rows, back)).cast(pl.UInt32)).alias(name)
        for back, name in enumerate(BEFORE, 1)
    )
    return [events, place, *before]


def _paces(history: History, streams: Streams, records: pl.DataFrame) -> dict[str, Floats]:
    """Compute how fast entities go: the signed square root of each amount, by name."""
    summed = np.empty((len(streams), len(history.sums)))
    for column, name in enumerate(history.sums):
        summed[:, column] = streams.numbers(records[name])
    within = {
        span: streams.within(seconds, summed if span == SUMMED else summed[:, :0]) for span, seconds in WINDOWS.items()
    }
    since = (streams.moment - streams.before(streams.moment)) / 1e6
    amounts = (*(found.counts for found in within.values()), *within[SUMMED].sums.T, since)
    return {name: np.sign(of) * np.sqrt(np.abs(of)) for name, of in zip(history.paces, amounts, strict=True)}


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
