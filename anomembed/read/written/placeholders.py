"""Numbers and dates that stand for a missing value, such as 9999 among temperatures; and dates typed wrongly.

A single date far from all others, such as 2052 for 2025, is no gap: it is told, as no view judges how late a date is.
"""

import re
from datetime import datetime, timedelta
from typing import NamedTuple

from anomembed.read.table import Table

NUMBERS = re.compile(r"(0|-1|-?9{2,})(\.0+)?")
DATES = re.compile(
    r"(1970-01-01|1969-12-31|1900-01-0[01]|1899-12-3[01]|1753-01-01|1601-01-01|0001-01-01|[29]999-12-31)"
)
LEAST_TIMES, LEAST_SHARE = 3, 0.001  # of the records that hold it: a single one is an anomaly
LEAST_OTHERS = 8  # different values beside it
FAR_NUMBER, FAR_DATE = 1.0, 0.25  # distance from the nearest other value, in ranges of all others
LEAST_KNOWN = 50  # dates, of which a few may be far from all others
MOST_ZEROS = 0.5  # share of the records above which nothing is a value of its own


class Placeholder(NamedTuple):
    """A value that stands for a missing one."""

    value: str
    n_records: int


def find_numbers(table: Table, number: str, ends: tuple[str | None, str | None], n_known: int) -> list[Placeholder]:
    """Return the numbers that stand for a missing value: repeated, and far from all others.

    Parameters
    ----------
    table : Table
        The open table.
    number : str
        SQL of the numbers, as DOUBLE.
    ends : tuple of str or None
        The smallest and the largest, as text.
    n_known : int
        Records with a number.
    """
    values = [str(int(float(end))) for end in ends if end and NUMBERS.fullmatch(end)]
    found = _far(table, number, number, [f"CAST({value} AS DOUBLE)" for value in values], FAR_NUMBER, n_known)
    kept = [Placeholder(value, count) for value, count in zip(values, found, strict=True) if count]
    return [each for each in kept if each.value != "0" or each.n_records <= MOST_ZEROS * n_known]


def find_dates(table: Table, moment: str, ends: tuple[str | None, str | None], n_known: int) -> list[Placeholder]:
    """Return the dates that stand for a missing moment; see `find_numbers`."""
    dates = [found[1] for end in ends if end and (found := DATES.match(end))]
    day = f"CAST({moment} AS DATE)"
    counts = _far(table, day, f"epoch({moment})", [f"DATE '{date}'" for date in dates], FAR_DATE, n_known)
    return [Placeholder(date, count) for date, count in zip(dates, counts, strict=True) if count]


def find_strays(table: Table, moment: str) -> tuple[list[str], tuple[str, str]] | None:
    """Return the few dates as far from all others as these are from one another, and the ends of these; None without.

    Parameters
    ----------
    table : Table
        The open table.
    moment : str
        SQL of the moments.
    """
    seconds = f"epoch(CAST({moment} AS TIMESTAMP))"
    ends = (f"{end}({seconds}, {LEAST_TIMES})" for end in ("min", "max"))
    n_known, lows, highs = table.aggregate([f"count({seconds})", *ends])
    if n_known < LEAST_KNOWN or lows[-1] >= highs[-1]:
        return None
    least = highs[-1] - lows[-1]
    early = [one for one in lows if lows[-1] - one >= least]
    late = [one for one in highs if one - highs[-1] >= least]
    if not early and not late:
        return None
    return [_day(one) for one in early + late], (_day(lows[len(early)]), _day(highs[len(late)]))


def _day(seconds: float) -> str:
    return str((datetime(1970, 1, 1) + timedelta(seconds=seconds)).date())


def _far(table: Table, value: str, number: str, literals: list[str], far: float, n_known: int) -> list[int]:
    """Return how many records have each of some values, or 0 for a value that is not far from the others or is rare."""
    if not literals:
        return []
    others = f"FILTER ({value} NOT IN ({', '.join(literals)}))"
    ends = [f"min({number}) {others}", f"max({number}) {others}", f"approx_count_distinct({value}) {others}"]
    of_each = [
        sql for one in literals for sql in (f"count_if({value} = {one})", f"max({number}) FILTER ({value} = {one})")
    ]
    low, high, n_others, *found = table.aggregate([*ends, *of_each])
    if not n_others or n_others <= LEAST_OTHERS:
        return [0] * len(literals)
    counts, places = found[::2], found[1::2]
    least = max(LEAST_TIMES, LEAST_SHARE * n_known)
    gaps = [max(low - place, place - high) if place is not None else 0 for place in places]
    return [
        count if count >= least and gap >= far * (high - low) > 0 else 0
        for count, gap in zip(counts, gaps, strict=True)
    ]
