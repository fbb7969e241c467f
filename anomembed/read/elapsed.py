"""The time from one moment of a record to the next: columns that SQL computes, such as ``days from lost to reported``.

What is reported before it happened, or delivered before it was ordered, may have two usual moments; what is wrong lies
between them. A day and a moment are compared by their days, moments of two types not at all: they may be of two zones.
"""

import re
from collections.abc import Collection, Iterator, Sequence
from itertools import groupby, islice, pairwise, permutations, product
from typing import TYPE_CHECKING, NamedTuple

from anomembed.read.added_column import AddedColumn
from anomembed.read.quoting import quote_identifier

if TYPE_CHECKING:
    from anomembed.read.roles.assigned import ColumnRole
    from anomembed.read.table import Table

MOST = 8  # times between columns of one type
MIDDLE = (0.1, 0.9)  # of moments, how far apart they are
UNITS = {"days": 86400, "hours": 3600}  # seconds
NAME = re.compile(rf"({'|'.join(UNITS)}) from .+ to .+", re.DOTALL | re.IGNORECASE)
PRECISION = re.compile(r"_(S|MS|NS)$")  # of a TIMESTAMP: the same moment is the same in each
OF_DAY = re.compile("%[HIT]")  # in a format of moments that are more than days


class Elapsed(NamedTuple):
    """A time between two columns; negative when the second is earlier. Of the two, one may be a day, one a moment."""

    first: str
    second: str
    unit: str
    is_mixed: bool = False

    @property
    def name(self) -> str:
        """What the column is called."""
        return f"{self.unit} from {self.first} to {self.second}"

    def sql(self, first: str, second: str) -> str:
        """Return SQL of the time between two moments, which are SQL; days are counted from midnight to midnight."""
        if self.unit == "days":
            first, second = (f"date_trunc('day', {moment})" for moment in (first, second))
        return f"(epoch({second} - {first}) / {UNITS[self.unit]})"


def find_elapsed(
    table: "Table", moments: "Sequence[ColumnRole]", named: Collection[str] = (), *, find: bool = True
) -> Iterator[AddedColumn]:
    """Return the times between the moments of a record, each after the one before it in the table.

    The one before it is that of its type, and, of a day and a moment that stand side by side and go together, the
    other.

    Parameters
    ----------
    table : Table
        The open table.
    moments : sequence of ColumnRole
        Its columns of dates and times, also of those that text and numbers stand for. Fields of nested columns, which
        may be many, are only compared when that is wanted.
    named : collection of str
        Times that are wanted besides, between whichever moments: their names in small letters.
    find : bool, default=True
        Also those that are not wanted.
    """
    held = {moment.name: moment.plain_sql for moment in moments}
    times = dict[str, Elapsed]()
    for time in _between(moments, named):  # of a day and a moment that is wanted, twice
        times.setdefault(time.name, time)
    for time in times.values():
        ends = held[time.first], held[time.second]
        is_wanted = time.name.casefold() in named
        if is_wanted or (find and (not time.is_mixed or go_together(table, *ends))):
            yield AddedColumn(time.name, time.sql(*ends))


def _between(moments: "Sequence[ColumnRole]", named: Collection[str]) -> Iterator[Elapsed]:
    """Yield the times between moments that may be told, and those that are wanted."""
    plain = [moment for moment in moments if moment.expression == quote_identifier(moment.name)]
    for (_, unit), alike in groupby(sorted(plain, key=_kind), key=_kind):
        for first, second in list(pairwise(alike))[:MOST]:
            yield Elapsed(first.name, second.name, unit)
    beside = (pair for pair in pairwise(plain) if _kind(pair[0])[1] != _kind(pair[1])[1])
    for first, second in islice(beside, MOST):
        yield Elapsed(first.name, second.name, "days", is_mixed=True)
    for (first, second), unit in product(permutations(moments, 2), UNITS if named else ()):
        time = Elapsed(first.name, second.name, unit)
        if time.name.casefold() in named:
            yield time


def go_together(table: "Table", first: str, second: str) -> bool:
    """Tell whether two moments, which are SQL, are nearer to each other than each is to those of other records.

    A payment is due some days after it is ordered, whatever the year; a date of birth goes with no moment.
    """
    spread = f"quantile_cont({{0}}, {MIDDLE[1]}) - quantile_cont({{0}}, {MIDDLE[0]})"
    moments = {"first": f"epoch({first})", "second": f"epoch({second})", "between": f"epoch({second}) - epoch({first})"}
    of_each = table.rows({name: spread.format(moment) for name, moment in moments.items()}, None).row(0)
    return None not in of_each and of_each[2] < min(of_each[:2])


def are_elapsed(names: Sequence[str]) -> set[str]:
    """Return the columns that are a time between two moments, by their names."""
    return {name for name in names if NAME.fullmatch(name)}


def _kind(moment: "ColumnRole") -> tuple[str, str]:
    """Return what two columns must have in common: how they hold moments, and the unit of the time between them."""
    written = moment.written
    if written is None or not written.is_read:
        return PRECISION.sub("", moment.type), "days" if moment.type == "DATE" else "hours"
    is_of_day = written.epoch or any(map(OF_DAY.search, written.formats))
    return "", "hours" if is_of_day else "days"
