"""Whose rhythm is watched: that of the source as a whole, and of the values that are expected.

What takes long to import is imported where there is something to do: most runs find nothing to learn, and nothing
overdue.
"""

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from anomembed.config.expectations import expectation
from anomembed.monitor.clock import NO_TIME, as_moment, position_of, repeated
from anomembed.monitor.plan import Plan
from anomembed.write.incidents import known_things, read_overdue
from anomembed.write.notices import read_notices
from anomembed.write.store import Store

if TYPE_CHECKING:
    from anomembed.config import Config
    from anomembed.read.table import Table


class Watched(dict[str, tuple[str, ...] | None]):
    """The values that are watched by column, None for all; the empty name stands for all records."""

    @classmethod
    def of(cls, config: "Config", plan: Plan) -> "Watched":
        """Return what a configuration expects; nothing when positions are no times."""
        if not plan.watermark.is_time:
            return cls()
        watched = cls({"": ("",)})
        for column, value in map(expectation, config.monitor.expect):
            known = watched.get(column, ())
            watched[column] = None if value is None or known is None else (*known, value)
        return watched

    def lacking(self, known: set[tuple[str, str]]) -> "Watched":
        """Return those of which nothing is known."""
        columns = {column for column, _ in known}
        rest: dict[str, tuple[str, ...] | None] = {
            column: None if values is None else tuple(value for value in values if (column, value) not in known)
            for column, values in self.items()
            if values is not None or column not in columns
        }
        return Watched({column: values for column, values in rest.items() if values != ()})

    def has(self, column: str, value: str) -> bool:
        """Tell whether a value is watched."""
        return column in self and value in (self[column] or (value,))


def learn_lacking(store: Store, monitor: str, table: "Table", plan: Plan, config: "Config", position: int) -> None:
    """Learn the rhythm of what is watched and not known yet, from what came before a position."""
    if lacking := Watched.of(config, plan).lacking(known_things(store, monitor)):
        from anomembed.monitor.arriving import learn_rhythms

        learn_rhythms(store, monitor, table, plan, config, position, lacking)


def find_overdue(
    store: Store, monitor: str, plan: Plan, config: "Config", at: datetime, zone: str
) -> list[dict[str, Any]]:
    """Return what is watched, has not come for longer than usual at a time, and was not told to be overdue.

    What came while clocks of the zone showed what they showed again afterwards is only seen then, and so may be later.
    """
    watched = Watched.of(config, plan)
    found = [row for row in read_overdue(store, monitor, at) if watched.has(row["column_name"], row["value"])]
    return [row for row in found if row["due"] + _unseen(row["last_seen"], at, zone) <= at]


def _unseen(since: datetime, until: datetime, zone: str) -> timedelta:
    """Return how much of a period clocks showed once more afterwards."""
    ends = [(as_moment(begin), as_moment(end)) for begin, end in repeated(zone, position_of(since), position_of(until))]
    return sum((max(min(end, until) - max(begin, since), NO_TIME) for begin, end in ends), NO_TIME)


def notice_overdue(store: Store, monitor: str, plan: Plan, config: "Config", at: datetime, zone: str) -> None:
    """Tell, once, of what is watched that it has not come for longer than usual at a time.

    What is watched no more is over: nobody would tell when it is back.
    """
    watched = Watched.of(config, plan)
    over = [
        row
        for row in read_notices(store, monitor)
        if row["kind"] == "overdue" and not watched.has(row["column_name"], row["value"])
    ]
    if over:
        from anomembed.monitor.notices import Notice, end_notice

        with store.transaction():
            for row in over:
                end_notice(store, Notice(**row), at, config.monitor)
    if found := find_overdue(store, monitor, plan, config, at, zone):
        from anomembed.monitor.arriving import record_overdue

        record_overdue(store, monitor, found, zone, config.monitor)
