"""The usual rhythm of records: how long there is none at each hour of the week or day, and so when one is overdue.

Of every hour of the past is known how long, at most, there had been no record then. That is compared with the same
hour of other weeks, with that of other days, and with all hours; the first of the three to be exceeded counts. By how
much it may be exceeded is learnt as well: as much as past weeks or days exceed one another.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import polars as pl
from numpy.typing import NDArray

HOUR = 3_600_000_000  # microseconds
HORIZON = 9 * 7 * 24  # hours from the last record, in which the next one may become overdue
SHORTEST = HOUR // 4  # no record is overdue earlier
SLACK = 1.5  # times the longest time that others have let expect
FEWEST = 4  # hours with records, from which there is a rhythm
FORGIVEN = 5  # weeks or days, from which the oddest one of the past does not count

Integers = NDArray[np.int64]
Floats = NDArray[np.float64]


class Usual(NamedTuple):
    """When the next record is overdue, and the longest usual time without one at that hour, in microseconds."""

    due: int
    usual: int


@dataclass(frozen=True)
class Hours:
    """How records came, by the hours in which some did, ascending; positions and lengths in microseconds.

    Parameters
    ----------
    hour : ndarray
        Hours since 1970.
    first, last, widest : ndarray
        Position of the first and of the last record, and the longest time between two.
    """

    hour: Integers
    first: Integers
    last: Integers
    widest: Integers


@dataclass(frozen=True)
class Calendar:
    """To which period each hour belongs, and where in it the hour is.

    Parameters
    ----------
    start : int
        The first hour since 1970.
    local : ndarray
        Every hour from there on, as hours since 1970 by a clock on the wall.
    """

    start: int
    local: Integers

    @classmethod
    def of(cls, start: int, n_hours: int, zone: str) -> "Calendar":
        """Return the calendar of a zone."""
        hours = pl.Series(np.arange(start, start + n_hours) * HOUR).cast(pl.Datetime("us")).dt.replace_time_zone("UTC")
        wall = hours.dt.convert_time_zone(zone).dt.replace_time_zone(None)
        return cls(start, wall.dt.timestamp("us").to_numpy() // HOUR)

    def schemes(self) -> Iterable[tuple[int, Integers, Integers, int]]:
        """Yield in how many ways hours are compared: periods needed, period and phase of every hour, phases."""
        day, week = self.local // 24, (self.local // 24 + 3) // 7  # 1970 began on a Thursday
        yield 3, week, self.local - (week * 7 - 3) * 24, 7 * 24
        yield 3, day, self.local - day * 24, 24
        yield 3, day, np.zeros_like(day), 1


def next_due(hours: Hours, known_until: int, told: Sequence[tuple[int, int]], zone: str) -> Usual | None:
    """Return when the record after the last one is overdue; None while no rhythm is known.

    Parameters
    ----------
    hours : Hours
        How records came so far.
    known_until : int
        Position up to which that is known.
    told : sequence of (int, int)
        Positions from which and up to which it was told that none came: that is not usual.
    zone : str
        Zone of the hours of the day.
    """
    if len(hours.hour) < FEWEST:
        return None
    start, last = int(hours.hour[0]), int(hours.last[-1])
    ages = _ages(hours, known_until // HOUR - start, told)
    calendar = Calendar.of(start, last // HOUR - start + HORIZON, zone)
    after = np.arange(last // HOUR, last // HOUR + HORIZON)
    found = []
    for n_needed, period, phase, n_phases in calendar.schemes():
        n = len(ages)
        limits, usual = _limits(ages, period[:n], phase[:n], n_phases, n_needed)
        limit = np.maximum(limits, SHORTEST)[phase[after - start]]
        exceeded = np.maximum(after * HOUR, last + limit)
        is_due = np.isfinite(limit) & (exceeded < (after + 1) * HOUR)
        if is_due.any():
            at = int(is_due.argmax())
            found.append(Usual(int(exceeded[at]), int(usual[phase[after[at] - start]])))
    return min(found, default=None)


def _ages(hours: Hours, n_hours: int, told: Sequence[tuple[int, int]]) -> Floats:
    """Return the longest time without a record at each hour from the first on; NaN where it is no guide."""
    at = hours.hour - hours.hour[0]
    n_all = max(n_hours, int(at[-1]) + 1)
    last = np.full(n_all, np.iinfo(np.int64).min)
    last[at] = hours.last
    last = np.maximum.accumulate(last)
    ends = (hours.hour[0] + np.arange(1, n_all + 1)) * HOUR
    ages = (ends - last).astype(np.float64)
    before = np.append(hours.first[:1], last[at[1:] - 1])
    ages[at] = np.maximum(ages[at], np.maximum(hours.widest, hours.first - before))
    for since, until in told:
        ages[max(since // HOUR - int(hours.hour[0]), 0) : max(until // HOUR + 1 - int(hours.hour[0]), 0)] = np.nan
    return np.asarray(ages[: max(n_hours, 0)])  # the current hour is not over


def _limits(ages: Floats, period: Integers, phase: Integers, n_phases: int, n_needed: int) -> tuple[Floats, Floats]:
    """Return for each phase the time without a record that is too long, infinite where unknown, and the usual one."""
    kinds, index = np.unique(period, return_inverse=True)
    table = np.zeros((len(kinds), n_phases))
    np.fmax.at(table, (index, phase), ages)
    unknown = np.full(n_phases, np.inf)
    if (table > 0).any(axis=1).sum() < n_needed or len(ages) < n_needed * max(n_phases, 24):
        return unknown, unknown
    ordered = np.sort(table, axis=0)
    second, usual = ordered[-2], ordered[-1]
    is_known = second > 0
    excess = np.where(is_known, usual / np.maximum(second, 1.0), 1.0)
    most = np.where(table == usual, excess, 1.0).max(axis=1)  # by which each period exceeds all others
    allowed = np.sort(most)[-2 if len(kinds) >= FORGIVEN else -1]
    return np.where(is_known, SLACK * allowed * usual, np.inf), usual
