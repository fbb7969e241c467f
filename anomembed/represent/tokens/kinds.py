"""The kinds of token columns, one entry each: how tokens are read in Python and in SQL, and what they can be used for.

To add a kind, add a member to `Kind` and an entry to `TRAITS`, and to `learning` a function that makes its tokens.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from enum import IntEnum, StrEnum
from typing import Protocol

import numpy as np
import polars as pl
from numpy.typing import NDArray

from anomembed.represent.tokens.templates import Templates, read_templates
from anomembed.represent.vectors import is_known, vector_matrix

Codes = NDArray[np.int32]
SHOWN_COMPONENTS = 4  # of a vector


class Special(IntEnum):
    """Codes of the tokens that are not values, at the start of every column's tokens."""

    MISSING = 0
    RARE = 1
    UNSEEN = 2


FIRST_VALUE = len(Special)
SPECIAL_LABELS = ("(missing)", "(rare)", "(unseen)")


class Column(Protocol):
    """What is needed of a column of tokens to encode records; see `ColumnTokens`."""

    @property
    def source(self) -> str:
        """Column of the frame."""

    @property
    def values(self) -> pl.Series:
        """Values of the reference."""

    @property
    def codes(self) -> Codes:
        """Code of each value, or of each template."""

    @property
    def edges(self) -> NDArray[np.float64]:
        """Edges of the bins."""

    @property
    def unknown(self) -> Special:
        """Code of all other values."""

    @property
    def templates(self) -> Templates | None:
        """Templates of messages."""


def _encode_values(column: Column, frame: pl.DataFrame) -> Codes:
    given = frame[column.source]
    known = given.replace_strict(column.values, column.codes, default=int(column.unknown), return_dtype=pl.Int32)
    return _with_missing(known.to_numpy().astype(np.int32), given)


def _encode_bins(column: Column, frame: pl.DataFrame) -> Codes:
    numbers = frame[column.source].to_numpy()
    codes = (FIRST_VALUE + np.searchsorted(column.edges, numbers, side="right")).astype(np.int32)
    return np.where(np.isnan(numbers), np.int32(Special.MISSING), codes)


def _encode_hours(column: Column, frame: pl.DataFrame) -> Codes:
    return _encode_parts(frame[column.source], frame[column.source].dt.hour())


def _encode_weekdays(column: Column, frame: pl.DataFrame) -> Codes:
    return _encode_parts(frame[column.source], frame[column.source].dt.weekday() - 1)


def _encode_month_parts(column: Column, frame: pl.DataFrame) -> Codes:
    moments = frame[column.source]
    day, last = moments.dt.day(), moments.dt.month_end().dt.day()
    parts = pl.when(day == 1).then(0).when(day == last).then(4).when(day <= 10).then(1).when(day <= 20).then(2)
    return _encode_parts(moments, pl.select(parts.otherwise(3)).to_series())


def _encode_parts(moments: pl.Series, part: pl.Series) -> Codes:
    return _with_missing(FIRST_VALUE + part.fill_null(0).to_numpy().astype(np.int32), moments)


def _encode_templates(column: Column, frame: pl.DataFrame) -> Codes:
    if column.templates is None:
        raise ValueError(f"the column {column.source} has no templates")
    template = read_templates(frame, column.source, column.templates)
    return _with_missing(np.append(column.codes, np.int32(column.unknown))[template], frame[column.source])


def _encode_vectors(column: Column, frame: pl.DataFrame) -> Codes:
    is_there = is_known(vector_matrix(frame[column.source]))
    return np.where(is_there, np.int32(FIRST_VALUE), np.int32(Special.MISSING))


def _encode_identifiers(column: Column, frame: pl.DataFrame) -> Codes:
    given = frame[column.source]
    return _with_missing(np.full(len(given), FIRST_VALUE, np.int32), given)


def _with_missing(codes: Codes, given: pl.Series) -> Codes:
    codes[given.is_null().to_numpy()] = Special.MISSING
    return codes


@dataclass(frozen=True)
class Traits:
    """What belongs to a kind of token column.

    Parameters
    ----------
    encode : callable
        Returns the code of each record of a frame.
    sql : str
        SQL of a value in the source, with ``{}`` for the column.
    is_coded_in_sql : bool
        Whether that SQL gives the code, counted from `FIRST_VALUE`, instead of the value.
    labels : tuple of str
        Labels of all values, if they are the same for every reference.
    period : timedelta or None
        Time after which the values repeat.
    is_text : bool
        Whether a label is text from the source: a value or the template of a message.
    is_number : bool
        Whether the tokens are ranges of a number.
    is_habit : bool
        Whether an entity can have a habit in it.
    is_circular : bool
        Whether the last value is next to the first, so that counts are smoothed across neighbours.
    is_calendar : bool
        Whether how often a value occurs follows from the calendar: then it is no rarity.
    is_presence : bool
        Whether the tokens only say that something is there.
    is_vector : bool
        Whether that is a vector.
    shows_label : bool
        Whether people see the label instead of the value in the source.
    """

    encode: Callable[[Column, pl.DataFrame], Codes]
    sql: str = "{}"
    is_coded_in_sql: bool = False
    labels: tuple[str, ...] = ()
    period: timedelta | None = None
    is_text: bool = False
    is_number: bool = False
    is_habit: bool = False
    is_circular: bool = False
    is_calendar: bool = False
    is_presence: bool = False
    is_vector: bool = False
    shows_label: bool = False


class Kind(StrEnum):
    """The kind of a token column."""

    VALUE = "value"
    BIN = "bin"
    HOUR = "hour"
    WEEKDAY = "weekday"
    MONTH_PART = "part of month"
    TEMPLATE = "template"
    IDENTIFIER = "identifier"
    VECTOR = "vector"

    @property
    def traits(self) -> Traits:
        """What belongs to this kind."""
        return TRAITS[self]


TRAITS = {
    Kind.VALUE: Traits(_encode_values, is_text=True, is_habit=True),
    Kind.BIN: Traits(_encode_bins, is_number=True),
    Kind.HOUR: Traits(
        _encode_hours,
        sql="hour({})",
        is_coded_in_sql=True,
        labels=tuple(f"{hour:02d}h" for hour in range(24)),
        period=timedelta(days=1),
        is_habit=True,
        is_circular=True,
        shows_label=True,
    ),
    Kind.WEEKDAY: Traits(
        _encode_weekdays,
        sql="isodow({}) - 1",
        is_coded_in_sql=True,
        labels=("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"),
        period=timedelta(weeks=1),
        is_habit=True,
        shows_label=True,
    ),
    Kind.MONTH_PART: Traits(
        _encode_month_parts,
        sql="CASE WHEN day({0}) = 1 THEN 0 WHEN day({0}) = day(last_day({0})) THEN 4"
        " WHEN day({0}) <= 10 THEN 1 WHEN day({0}) <= 20 THEN 2 ELSE 3 END",
        is_coded_in_sql=True,
        labels=("first day", "2nd to 10th", "11th to 20th", "21st on", "last day"),
        period=timedelta(days=62),
        is_habit=True,
        is_calendar=True,
        shows_label=True,
    ),
    Kind.TEMPLATE: Traits(_encode_templates, is_text=True, shows_label=True),
    Kind.IDENTIFIER: Traits(_encode_identifiers, is_presence=True),
    Kind.VECTOR: Traits(_encode_vectors, is_presence=True, is_vector=True),
}


def show_value(kind: Kind, value: object, code: int, label: str) -> str:
    """Return a value as people see it: as in the source, or the label of its token.

    Parameters
    ----------
    kind : Kind
        Of the column.
    value : object
        In the source; None where null.
    code : int
        Of its token within the column.
    label : str
        Of its token.

    Examples
    --------
    >>> show_value(Kind.BIN, 12.5, 5, "10 to 20"), show_value(Kind.WEEKDAY, "2026-03-01", 9, "Sunday")
    ('12.5', 'Sunday')
    """
    if value is None or code == Special.MISSING:
        return SPECIAL_LABELS[Special.MISSING]
    is_labelled = kind.traits.labels or code >= FIRST_VALUE  # a message without a template is shown itself
    # A value that is a token is shown as it is usually spelled.
    if (kind.traits.shows_label or kind is Kind.VALUE) and is_labelled:
        return label
    if isinstance(value, list):
        first = ", ".join(f"{component:.4g}" for component in value[:SHOWN_COMPONENTS])
        return f"[{first}, ...]" if len(value) > SHOWN_COMPONENTS else f"[{first}]"
    return f"{value:.10g}" if isinstance(value, float) else str(value)
