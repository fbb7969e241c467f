"""Columns that only tell the time again: days since the start, a counter, the number of a batch.

What they hold in later records, no earlier one has: to a model of last week all of today would be unusual. Within one
table they say no more than the time does.
"""

import re
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from anomembed.read.roles.assigned import USER_SPECIFIED, ColumnRole
from anomembed.read.roles.role import Role
from anomembed.read.table import Table

if TYPE_CHECKING:
    import polars as pl

SAMPLED, LEAST_SAMPLED = 1_000, 50  # records that are compared with each other
MOST_MIDNIGHTS = 2  # times of day of what has none: midnight of a zone, with and without summer time
LEAST_TOGETHER = 0.98  # of the pairs that differ, how many more rise with the time than fall, or fall than rise
LEAST_APART = 0.9  # the same, of the records that are a quarter of the time apart
LEAST_VALUES = 3  # what rises once may be a switch
MOST_WRONG = 0.1  # share of texts that are no numbers in a column of numbers
DIGITS, LONGEST = re.compile(r"\d+"), 20  # digits of a number within a text
MOST_EQUAL = 0.5  # share of the pairs that have the same value
DAY = 86_400


def leave_out_clocks(table: Table, columns: Sequence[ColumnRole]) -> list[ColumnRole]:
    """Ignore the columns that only rise, or only fall, with a time of the table, unless the user has given them a role.

    Only times of events count, which have a time of day or are named by the user: ages go with a date of birth, and
    are the same in later records.

    Parameters
    ----------
    table : Table
        The open table.
    columns : sequence of ColumnRole
        Its columns, with their roles.

    Notes
    -----
    Such a column is told by Goodman and Kruskal's gamma over pairs of sampled records, of which some may be out of
    order or wrong [1]_.

    .. [1] Goodman, Kruskal: Measures of association for cross classifications. Journal of the American Statistical
       Association, 1954.
    """
    times = [column for column in columns if column.role is Role.TIMESTAMP]
    tried = [column for column in columns if _may_be_clock(column)]
    if not times or not tried:
        return list(columns)
    found = _find_clocks(table, times, tried)
    return [_ignored(column, found[column.name]) if column.name in found else column for column in columns]


def _may_be_clock(column: ColumnRole) -> bool:
    return column.role in (Role.NUMBER, Role.CATEGORY) and column.reason != USER_SPECIFIED


def _ignored(column: ColumnRole, moves: str) -> ColumnRole:
    why = f"only {moves}: a clock or a counter"
    return replace(column, role=Role.IGNORE, reason=why, spellings=(), written=None, note="")


def _find_clocks(table: Table, times: Sequence[ColumnRole], tried: Sequence[ColumnRole]) -> dict[str, str]:
    """Return the columns that rise or fall with a time, and with which."""
    moments = {f"time {at}": f"epoch({time.plain_sql})" for at, time in enumerate(times)}
    select = {**moments, **{f"value {at}": column.plain_sql for at, column in enumerate(tried)}}
    frame = table.some_rows(select, SAMPLED)
    values = [_numbers(frame[f"value {at}"]) for at in range(len(tried))]
    found: dict[str, str] = {}
    for at, time in enumerate(times):
        when = _numbers(frame[f"time {at}"])
        if time.reason != USER_SPECIFIED and len(np.unique(when[np.isfinite(when)] % DAY)) <= MOST_MIDNIGHTS:
            continue
        for column, numbers in zip(tried, values, strict=True):
            if moves := direction(numbers, when):
                found.setdefault(column.name, f"{'rises' if moves > 0 else 'falls'} with {time.name}")
    return found


def _numbers(values: "pl.Series") -> NDArray[np.float64]:
    """Return numbers as they are, of texts that mostly are none their ranks, in which 9 is before 10; NaN for null."""
    numbers = values.cast(float, strict=False)
    if numbers.null_count() - values.null_count() > MOST_WRONG * len(values):
        padded = {text: _padded(text) for text in values.unique().drop_nulls()}
        numbers = values.replace_strict(padded, default=None, return_dtype=values.dtype).rank("dense").cast(float)
    return numbers.fill_null(np.nan).to_numpy()


def _padded(text: str) -> str:
    """Return a text that is in order with others by its numbers: batch-9 is before batch-10."""
    return DIGITS.sub(lambda digits: digits[0].zfill(LONGEST), text)


def direction(values: NDArray[np.float64], moments: NDArray[np.float64]) -> int:
    """Return 1 when nearly all later values are larger, -1 when they are smaller, else 0; NaN is passed over.

    Examples
    --------
    >>> days = np.arange(700.0)
    >>> [direction(values, days) for values in (days // 7, -days, days % 7, days > 350)]
    [1, -1, 0, 0]
    """
    known = np.isfinite(values) & np.isfinite(moments)
    values, moments = values[known], moments[known]
    if len(values) < LEAST_SAMPLED or len(np.unique(values)) < LEAST_VALUES:
        return 0
    in_time = values[np.argsort(moments, kind="stable")]
    apart = np.sign(in_time[len(values) // 4 :] - in_time[: -(len(values) // 4)])
    if abs(apart.sum()) < LEAST_APART * np.count_nonzero(apart):  # most columns: to compare all pairs takes long
        return 0
    order = np.sign(values[:, None] - values)
    if (order == 0).mean() > MOST_EQUAL:
        return 0
    together = order * np.sign(moments[:, None] - moments)
    total, n_differing = together.sum(), np.abs(together).sum()
    return int(np.sign(total)) if abs(total) >= LEAST_TOGETHER * n_differing else 0
