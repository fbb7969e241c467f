"""Recognise columns of text that hold numbers written for people."""

from anomembed.read.written.candidate import ENOUGH, Candidate, Reading
from anomembed.read.written.masks import Masks
from anomembed.read.written.numbers import find_style
from anomembed.read.written.style import Written
from anomembed.read.written.times import MOST_FORMATS, clocks_like

NEARLY_ALL = 0.995  # share of the known values that must be whole numbers, which may be codes as well
MOST_PADDED = 0.01  # share of whole numbers that may begin with a 0; codes do
FEW_VALUES = 8  # text with no more values than this is a category


def read_numbers(asked: Candidate) -> Reading | None:
    """Return how a column of text is read as numbers; None when it is not.

    Parameters
    ----------
    asked : Candidate
        The column.
    """
    if clock := _read_clock(asked):
        return clock
    style = find_style(asked.masks, 0 if asked.is_told else ENOUGH)
    if style is None or (style.is_plain and not asked.is_told and _is_chosen(asked.masks)):
        return None
    written = Written(number=style)
    reading = asked.read(written, written.number_sql(asked.column), f"numbers like {style.example}")
    is_number = reading.n_read > 0 if asked.is_told else _are_amounts(asked, reading, is_plain=style.is_plain)
    return reading if is_number else None


def _read_clock(asked: Candidate) -> Reading | None:
    """Return how a column is read as times of day alone, in seconds as those of the type TIME; None when it is not."""
    formats = tuple(
        dict.fromkeys(clock for mask, _ in asked.masks.most_common(MOST_FORMATS) for clock in clocks_like(mask))
    )
    if not formats:
        return None
    written = Written(formats)
    reading = asked.read(written, written.number_sql(asked.column), "times of day, in seconds")
    return reading if asked.is_enough(reading.n_read, reading.n_known) else None


def _is_chosen(masks: Masks) -> bool:
    """Tell whether all values are digits, so that nothing but a choice keeps them from being numbers by their type."""
    return not masks.words and all(set(mask) == {"9"} for mask in masks)


def _are_amounts(asked: Candidate, reading: Reading, *, is_plain: bool) -> bool:
    """Tell whether numbers in text are amounts, and not codes or a few names."""
    least = NEARLY_ALL if is_plain else ENOUGH
    if asked.profile.n_distinct <= FEW_VALUES or not asked.is_enough(reading.n_read, reading.n_known, least):
        return False
    padded = f"regexp_matches(trim({asked.column.expression}), '^0[0-9]+$')"
    return asked.table.count(padded) <= MOST_PADDED * reading.n_known
