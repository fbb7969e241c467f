"""The time from one moment of a record to the next: columns that SQL computes, such as ``days from lost to reported``.

What is reported before it happened, or delivered before it was ordered, may have two usual moments; what is wrong lies
between them. Only columns of one type are compared: a day and a moment of that day differ by the hour.
"""

import re
from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import TYPE_CHECKING, NamedTuple

from anomembed.read.column_types import MOMENTS, moment_sql
from anomembed.read.quoting import quote_identifier

if TYPE_CHECKING:
    from anomembed.read.columns import Column

MOST = 8  # times between columns of one type
UNITS = {"days": 86400, "hours": 3600}  # seconds
NAME = re.compile(rf"({'|'.join(UNITS)}) from .+ to .+", re.DOTALL)


class Elapsed(NamedTuple):
    """A time that lies between two columns, and the SQL that computes it; negative when the second is earlier."""

    name: str
    first: str
    second: str
    expression: str


def find_elapsed(columns: "Sequence[Column]") -> Iterator[Elapsed]:
    """Return the times between the moments of a record, each after the one before it in the table.

    Parameters
    ----------
    columns : sequence of Column
        Those of a table; fields of nested columns are left out.

    Examples
    --------
    >>> from anomembed.read.columns import Column
    >>> lost, found, paid = (Column(name, "DATE", f'"{name}"') for name in ("lost", "found", "paid"))
    >>> [time.name for time in find_elapsed([lost, found, Column("at", "TIMESTAMP", '"at"'), paid])]
    ['days from lost to found', 'days from found to paid']
    """
    plain = [column for column in columns if column.expression == quote_identifier(column.name)]
    kinds = dict.fromkeys(column.type for column in plain if MOMENTS.match(column.type))
    for kind in kinds:
        unit = "days" if kind == "DATE" else "hours"
        alike = [column for column in plain if column.type == kind]
        for first, second in list(pairwise(alike))[:MOST]:
            between = f"{moment_sql(second.expression, kind)} - {moment_sql(first.expression, kind)}"
            name = f"{unit} from {first.name} to {second.name}"
            yield Elapsed(name, first.name, second.name, f"(epoch({between}) / {UNITS[unit]})")


def are_elapsed(names: Sequence[str]) -> set[str]:
    """Return the columns that are a time between two moments, by their names."""
    return {name for name in names if NAME.fullmatch(name)}
