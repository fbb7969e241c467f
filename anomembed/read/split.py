"""A moment that is split over columns, such as Year, Month and Day, or Date and Time: put together as one column.

Names alone decide, so that the same column is there in every table of a kind; it is only added to a table without any
other moment.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from anomembed.read.column_types import MOMENTS
from anomembed.read.columns import Column
from anomembed.read.quoting import quote_text

PARTS = {
    "year": "year|yyyy|yr|yy",
    "month": "month|mon|mm|mo",
    "day": "dayofmonth|dayofthemonth|monthday|mday|day|dom|dd|dy",
    "hour": "hourofday|hour|hh|hr",
    "minute": "minute|min|mn|mm",
    "second": "second|sec|ss",
    "date": "date|day",
    "time": "timeofday|time|clock",
}
"""The parts of a moment, and how the name of a column of each ends."""
NUMBERS = re.compile("VARCHAR|DOUBLE|FLOAT|U?(TINY|SMALL|BIG|HUGE)?INT")
TYPES = {"date": re.compile("VARCHAR|DATE$"), "time": re.compile("VARCHAR|TIME$")}
DAY = "year", "month", "day"
LEADING = DAY, ("date",)
"""The parts that make a day; those of a clock follow, without which a date is a moment as it is."""
CLOCKS = ("time",), ("hour", "minute", "second"), ("hour", "minute"), ("hour",), ()
MONTHS = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"]
YEARS = "BETWEEN 1900 AND 2100"
BETWEEN = {"month": "-", "day": "-", "minute": ":", "second": ":"}


class Split(NamedTuple):
    """A moment that is split over columns."""

    name: str
    """Of the column that it becomes."""
    parts: tuple[str, ...]
    """The columns that it is made of."""
    sql: str
    """A TIMESTAMP; null where the parts make none."""


def find_split(columns: Sequence[Column]) -> Split | None:
    """Return the moment that some columns make together; None without, or beside another moment.

    Examples
    --------
    >>> columns = [Column(name, "BIGINT", name) for name in ("Year", "Month", "Day", "Hour", "price")]
    >>> find_split(columns)[:2]
    ('Year-Month-Day Hour', ('Year', 'Month', 'Day', 'Hour'))
    """
    for found in _together(columns):
        others = [column for column in columns if column not in found.values()]
        if len(found) > 1 and not any(MOMENTS.match(column.type) for column in others):
            name = "".join(BETWEEN.get(part, " ") + column.name for part, column in found.items()).strip()
            return Split(name, tuple(column.name for column in found.values()), _moment_sql(found))
    return None


def _together(columns: Sequence[Column]) -> Iterator[Mapping[str, Column]]:
    """Yield columns that are named alike but for the part of a moment that each is."""
    named: dict[str, dict[str, list[Column]]] = {}
    for column in columns:
        plain = re.sub(r"[\W_]+", "", column.name).lower()
        for part, names in PARTS.items():
            found = re.fullmatch(f"(.*?)({names})", plain)
            if found and TYPES.get(part, NUMBERS).match(column.type):
                named.setdefault(found[1], {}).setdefault(part, []).append(column)
    for of in named.values():
        for needed in LEADING:
            for clock in CLOCKS:
                if parts := _distinct(of, (*needed, *clock)):
                    yield parts
                    break


def _distinct(of: Mapping[str, Sequence[Column]], parts: Sequence[str]) -> dict[str, Column]:
    """Return a column of its own for each part, such as MM and mm; nothing when one has none."""
    chosen: dict[str, Column] = {}
    for part in parts:
        column = next((column for column in of.get(part, ()) if column not in chosen.values()), None)
        if column is None:
            return {}
        chosen[part] = column
    return chosen


def _moment_sql(of: Mapping[str, Column]) -> str:
    """Return SQL of a TIMESTAMP by its parts."""
    clock = f"CAST(TRY_CAST({of['time'].expression} AS TIME) AS VARCHAR)" if "time" in of else "'00:00'"
    if "hour" in of:
        clock = f"printf('%02d:%02d:%02d', {', '.join(_number_sql(of.get(p)) for p in ('hour', 'minute', 'second'))})"
    if "date" in of:
        day = f"CAST(TRY_CAST({of['date'].expression} AS DATE) AS VARCHAR)"
    else:
        year, month, day = (_number_sql(of[part]) for part in DAY)
        whole = f"printf('%04d-%02d-%02d', {year}, {_month_sql(of['month'], month)}, {day})"
        day = f"CASE WHEN {year} {YEARS} THEN {whole} END"
    return f"TRY_CAST({day} || ' ' || {clock} AS TIMESTAMP)"


def _number_sql(column: Column | None) -> str:
    return f"TRY_CAST({column.expression} AS INTEGER)" if column else "0"


def _month_sql(column: Column, number: str) -> str:
    """Return SQL of a month by its number, or by its English name."""
    if column.type != "VARCHAR":
        return number
    known = ", ".join(map(quote_text, MONTHS))
    return f"coalesce({number}, list_position([{known}], lower(left({column.expression}, 3))))"
