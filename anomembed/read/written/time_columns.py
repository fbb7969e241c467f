"""Recognise columns of times: text in some format, digits such as 20260105, and numbers that count from 1970."""

import math
import re
from collections.abc import Sequence
from datetime import datetime

from anomembed.read.column_types import FRACTIONS, INTEGERS
from anomembed.read.columns import Column
from anomembed.read.written.candidate import ENOUGH, Candidate, Reading
from anomembed.read.written.printed import PRINTED
from anomembed.read.written.style import EPOCHS, EXCEL, Written
from anomembed.read.written.times import (
    COMPACT,
    COMPACT_CLOCKS,
    ISO,
    ISO_ZONE,
    MONTHS_ALONE,
    find_formats,
    formats_like,
    mask_of,
)

LEAST_FORMAT = 0.01  # share of the values that a format needs
LEAST_COMPACT = 20  # different values of digits alone that are all dates, so that it is no chance
FIRST_YEAR, LAST_YEAR = 1900, 2100  # of such
SINCE, UNTIL = 631_152_000, 4_102_444_800  # 1990 and 2100, in seconds from 1970
DATE_NAME = re.compile(r"date|time|datum|fecha|stamp|_(at|on)$|[a-z](At|On)$", re.IGNORECASE)  # of days since 1900
LIKELY_SINCE, LIKELY_UNTIL = 946_684_800, 2_208_988_800  # 2000 and 2040: of a column that is not named like a time
NOT_TIMES = re.compile(
    r"(^|[_\s.])(ids?|code|key|no|nr|num|number|card|account|phone|ean|isbn|amount|bytes|size|count|total|sum)$|[a-z]I[dD]$",
    re.IGNORECASE,
)
NONE = ("0", "-1")  # numbers that stand for no time
SHOWN_MOMENT = datetime(2026, 12, 31, 23, 59, 58, 123456)  # an example of a format
IN_EXAMPLES = {"%n": "%f789", "%g": "123", "%z": "+0100", "%Z": "GMT"}  # what Python writes otherwise


def read_times(asked: Candidate, time_format: str | None = None) -> Reading | None:
    """Return how a column is read as times in some formats; None when it is not.

    Parameters
    ----------
    asked : Candidate
        The column, of text or of whole numbers.
    time_format : str, optional
        The only format to try.
    """
    orders = (
        {"": (time_format,)} if time_format else find_formats(asked.masks, LEAST_FORMAT, 0 if asked.is_told else ENOUGH)
    )
    if asked.is_told and not orders:
        orders = {months[0]: months for months in MONTHS_ALONE}
    readings = [_in_formats(asked, formats) for formats in orders.values()]
    most = max((reading.n_read for reading in readings), default=0)
    best, *others = sorted((r for r in readings if r.n_read == most), key=_span) or (None,)
    if best is None or not asked.is_enough(best.n_read, best.n_known):
        return None
    if not (asked.is_told or time_format or _is_no_chance(asked, best)):
        return None
    return best._replace(other=example_of(others[0].written.formats)) if others else best


def _in_formats(asked: Candidate, formats: tuple[str, ...]) -> Reading:
    written = Written(formats)
    return asked.read(written, written.moment_sql(asked.column), f"times like {example_of(formats)}")


def _span(reading: Reading) -> float:
    """Return the seconds between the first and the last time of day; for dates, whole years: days tell no order."""
    low, high = reading.ends
    if not low or not high:
        return 0.0
    try:
        first, last = datetime.fromisoformat(low), datetime.fromisoformat(high)
    except ValueError:  # infinite, or beyond the year 9999
        return math.inf
    has_clock = any("%H" in form or "%I" in form for form in reading.written.formats)
    return (last - first).total_seconds() if has_clock else float(last.year - first.year)


def _is_no_chance(asked: Candidate, reading: Reading) -> bool:
    """Tell whether digits alone are dates, and not numbers that happen to look like one."""
    if not all(_is_digits(form) for form in reading.written.formats):
        return True
    first, last = (int((end or "")[:4] or 0) for end in reading.ends)
    is_certain = asked.is_named_like_a_time or asked.profile.n_distinct >= LEAST_COMPACT
    return FIRST_YEAR <= first <= last <= LAST_YEAR and is_certain


def _is_digits(form: str) -> bool:
    return any(form == date + clock for date in COMPACT for clock in ("", *COMPACT_CLOCKS))


def example_of(formats: Sequence[str]) -> str:
    """Return a time in the first of some formats.

    Examples
    --------
    >>> example_of(["%d-%b-%Y %H:%M"]), example_of(["ISO"])
    ('31-Dec-2026 23:59', '2026-12-31 23:59:58')
    """
    known = {ISO: "%Y-%m-%d %H:%M:%S", ISO_ZONE: "%Y-%m-%dT%H:%M:%S+01:00"}
    if formats[0] in PRINTED:
        return PRINTED[formats[0]].example
    form = formats[0]
    for name, directives in known.items():
        form = form.replace(name, directives) if form.strip("[]") == name else form
    for directive, shown in IN_EXAMPLES.items():
        form = form.replace(directive, shown)
    return SHOWN_MOMENT.strftime(form)


def read_digits(asked: Candidate) -> Reading | None:
    """Return how a column of numbers is read as times: digits such as 20260105, or seconds and so on from 1970."""
    ends = asked.profile.minimum or "", asked.profile.maximum or ""
    if INTEGERS.match(asked.column.type) and all(end in NONE or _is_day(end) for end in ends):
        asked.masks[mask_of(ends[1])] += 1
        if compact := read_times(asked):
            return compact
    return _read_epoch(asked)


def _is_day(digits: str) -> bool:
    """Tell whether digits begin with a day, such as 20260105, and are as many as those of a time."""
    try:
        year = datetime.strptime(digits[:8], COMPACT[0]).year
    except ValueError:
        return False
    return FIRST_YEAR <= year <= LAST_YEAR and bool(formats_like(mask_of(digits)))


def _read_epoch(asked: Candidate) -> Reading | None:
    """Return how a column of numbers counts from 1970, in the unit that most of them are likely to be in."""
    if not _may_count(asked):
        return None
    value = f"TRY_CAST({asked.column.expression} AS DOUBLE)"
    epochs = {name: each for name, each in EPOCHS.items() if name != EXCEL or DATE_NAME.search(asked.column.name)}
    within = (
        f"count_if({value} BETWEEN {each.number_at(SINCE)} AND {each.number_at(UNTIL)})" for each in epochs.values()
    )
    known = f"count_if({asked.known} AND {value} NOT IN (0, -1))"  # which stand for none
    n_known, *counts = asked.table.aggregate([known, *within])
    high = _number(asked.profile.maximum)
    likely = [each.number_at(LIKELY_SINCE) <= high <= each.number_at(LIKELY_UNTIL) for each in epochs.values()]
    n_within, _, epoch = max(zip(counts, likely, epochs, strict=True), key=lambda one: (one[0] or 0, one[1]))
    if not asked.is_enough(n_within or 0, n_known or 0):
        return None
    written = Written(epoch=epoch)
    return asked.read(written, written.moment_sql(asked.column), f"{epoch} since {EPOCHS[epoch].since}")


def _may_count(asked: Candidate) -> bool:
    """Tell whether the name and the ends of a column of numbers admit that it counts from 1970."""
    low, high = (_number(end) for end in (asked.profile.minimum, asked.profile.maximum))
    if asked.is_told or asked.is_named_like_a_time:
        return high >= EPOCHS[EXCEL].number_at(SINCE)
    within = (
        name
        for name, each in EPOCHS.items()
        if each.number_at(LIKELY_SINCE) <= low <= high <= each.number_at(LIKELY_UNTIL)
    )
    return any(_may_be_unnamed(asked.column, epoch) for epoch in within)


def _may_be_unnamed(column: Column, epoch: str) -> bool:
    """Tell whether such numbers are hardly anything but moments: amounts are smaller, and ids of 19 digits common."""
    if NOT_TIMES.search(column.name):
        return False
    if epoch == "seconds":
        return FRACTIONS.match(column.type) is not None
    return INTEGERS.match(column.type) is not None and epoch in ("milliseconds", "microseconds")


def _number(text: str | None) -> float:
    try:
        return float(text or "nan")
    except ValueError:
        return float("nan")
