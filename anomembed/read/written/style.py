"""How the values of a column are written, where their type does not say; kept with a model, which reads alike."""

from dataclasses import dataclass
from typing import NamedTuple, Protocol

from anomembed.read.column_types import DURATIONS, FRACTIONS, MOMENTS, moment_sql
from anomembed.read.quoting import quote_text
from anomembed.read.written.numbers import NumberStyle, number_sql
from anomembed.read.written.times import time_sql


class Epoch(NamedTuple):
    """What a number counts: how many there are in a second, since when, and that in seconds from 1970."""

    per_second: float
    since: str = "1970"
    start: int = 0

    def number_at(self, seconds: int) -> float:
        """Return the number of a moment, of which it is said how many seconds after 1970 it is."""
        return (seconds - self.start) * self.per_second


EXCEL = "days"  # as spreadsheets keep them
EPOCHS = {
    "seconds": Epoch(1),
    "milliseconds": Epoch(10**3),
    "microseconds": Epoch(10**6),
    "nanoseconds": Epoch(10**9),
    EXCEL: Epoch(1 / 86400, "1899-12-30", -2_209_161_600),
    "units of 100 ns": Epoch(10**7, "1601", -11_644_473_600),
    "ticks of 100 ns": Epoch(10**7, "the year 1", -62_135_596_800),
}
"""Units of a number that counts: from 1970, in spreadsheets, in Windows and in .NET."""
FIRST, LAST = -62_135_596_800, 253_402_300_799  # seconds from 1970 to the ends of the years 1 and 9999
WORDS = (
    *("", "-", "--", "---", "?", ".", "n/a", "#n/a", "na", "null", "(null)", "<null>", "\\n", "none", "(none)"),
    *("nil", "nan", "(missing)", "(empty)", "n.a.", "n.a", "n/d", "unknown", "undefined", "(blank)"),
    *("#value!", "#ref!", "#div/0!", "#name?", "#num!"),
)
"""What stands for a missing value, in small letters."""


NOTHING_UNUSUAL = "(usual items)"
"""In place of the unusual items of a list that has none."""


class Values(Protocol):
    """A column to read."""

    @property
    def type(self) -> str:
        """DuckDB's name of its type."""

    @property
    def expression(self) -> str:
        """SQL that reads it as it is."""


@dataclass(frozen=True)
class Items:
    """What separates the items of a list that is text, and those that are usual."""

    separator: str
    usual: tuple[str, ...]

    def unusual_sql(self, text: str) -> str:
        """Return SQL of the other items of a list, as a list of them; `NOTHING_UNUSUAL` where there are none."""
        usual = ", ".join(map(quote_text, self.usual))
        items = f"list_transform(string_split({text}, {quote_text(self.separator)}), lambda item: trim(item))"
        others = f"list_filter({items}, lambda item: item <> '' AND NOT list_contains([{usual}]::VARCHAR[], item))"
        named = f"array_to_string(list_sort(list_distinct({others})), ',')"
        return f"CASE WHEN {text} IS NOT NULL THEN coalesce(nullif({named}, ''), {quote_text(NOTHING_UNUSUAL)}) END"


@dataclass(frozen=True)
class Written:
    """How values are written.

    Parameters
    ----------
    formats : tuple of str
        Formats of times, for `time_sql`; of times of day alone, when a number is read.
    epoch : str
        A key of `EPOCHS`, when a number counts them.
    number : NumberStyle or None
        The style of numbers that are text.
    missing : tuple of str
        Numbers, or dates such as ``1970-01-01``, that stand for a missing value.
    has_words : bool
        Whether `WORDS` stand for a missing value.
    items : Items or None
        The items of lists that are text, which are read as those that are unusual.
    """

    formats: tuple[str, ...] = ()
    epoch: str = ""
    number: NumberStyle | None = None
    missing: tuple[str, ...] = ()
    has_words: bool = False
    items: Items | None = None

    @property
    def is_read(self) -> bool:
        """Whether values are read as something that their type does not say."""
        return bool(self.formats or self.epoch or self.number or self.items)

    def moment_sql(self, column: Values) -> str:
        """Return SQL that reads a column as a TIMESTAMP."""
        when = _moment_sql(column, self)
        if not self.missing:
            return when
        dates = ", ".join(f"DATE {quote_text(date)}" for date in self.missing)
        return f"CASE WHEN CAST({when} AS DATE) NOT IN ({dates}) THEN {when} END"

    def number_sql(self, column: Values) -> str:
        """Return SQL that reads a column as a DOUBLE."""
        is_text = column.type == "VARCHAR"
        number = number_sql(column.expression, self.number) if self.number and is_text else _number_sql(column)
        if self.formats and is_text:
            number = f"CAST(epoch(CAST({time_sql(column.expression, self.formats)} AS TIME)) AS DOUBLE)"
        for value in self.missing:
            number = f"nullif({number}, CAST({value} AS DOUBLE))"
        return number

    def text_sql(self, column: Values) -> str:
        """Return SQL that reads a column as text."""
        text = f"CAST({column.expression} AS VARCHAR)"
        if self.items:
            return self.items.unusual_sql(text)
        return f"CASE WHEN NOT {is_word(text)} THEN {text} END" if self.has_words else text


PLAIN = Written()
"""As the type says."""


def _moment_sql(column: Values, written: Written) -> str:
    if MOMENTS.match(column.type) or not (written.formats or written.epoch):
        return moment_sql(column.expression, column.type)
    if written.epoch:
        return _epoch_sql(column.expression, EPOCHS[written.epoch])
    return time_sql(_digits_sql(column), written.formats)


def _epoch_sql(expression: str, epoch: Epoch) -> str:
    """Return SQL of the moment that a number counts to; null outside of the years 1 to 9999."""
    counted = f"TRY_CAST({expression} AS DOUBLE)"
    size = f"* {round(1 / epoch.per_second)}" if epoch.per_second < 1 else f"/ {epoch.per_second}"
    seconds = f"({counted} {size})"
    if epoch.start:  # a second after 1601 is less than what a double of so many units can tell
        seconds = f"({seconds} + {epoch.start})"
    moment = f"make_timestamp(CAST(round({seconds} * 1000000) AS BIGINT))"
    return f"CASE WHEN {seconds} BETWEEN {FIRST} AND {LAST} THEN {moment} END"


def _digits_sql(column: Values) -> str:
    """Return SQL of a time as text; a number, such as 20260105, has no decimals."""
    if column.type == "VARCHAR":
        return column.expression
    whole = f"TRY_CAST({column.expression} AS HUGEINT)" if FRACTIONS.match(column.type) else column.expression
    return f"CAST({whole} AS VARCHAR)"


def _number_sql(column: Values) -> str:
    if MOMENTS.match(column.type):
        return f"CAST(epoch({moment_sql(column.expression, column.type)}) AS DOUBLE)"
    if column.type in DURATIONS:
        return f"CAST(epoch({column.expression}) AS DOUBLE)"
    return f"TRY_CAST({column.expression} AS DOUBLE)"


def is_word(text: str) -> str:
    """Return an SQL condition for texts that stand for a missing value."""
    return f"lower(trim({text})) IN ({', '.join(map(quote_text, WORDS))})"
