"""Measures within messages: columns such as ``seconds in message``, of what "took 95000 ms".

The template of a message leaves its numbers out, as most are identifiers. One with a unit of time or size is a measure,
and so is a percentage.
"""

import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import TYPE_CHECKING

from anomembed.read.added_column import AddedColumn
from anomembed.read.quoting import quote_identifier, quote_text

if TYPE_CHECKING:
    from anomembed.read.columns import Column
    from anomembed.read.roles.assigned import ColumnRole
    from anomembed.read.table import Table

UNITS: dict[str, dict[float, tuple[str, ...]]] = {
    "seconds": {
        1e-9: ("ns",),
        1e-6: ("us", "µs"),
        1e-3: ("ms", "msec", "msecs", "millis", "milliseconds"),
        1: ("s", "sec", "secs", "second", "seconds"),
        60: ("min", "mins", "minute", "minutes"),
        3600: ("h", "hour", "hours"),
    },
    "bytes": {
        1: ("B", "byte", "bytes", "Bytes"),
        1e3: ("kB", "KB"),
        2**10: ("KiB",),
        1e6: ("MB",),
        2**20: ("MiB",),
        1e9: ("GB",),
        2**30: ("GiB",),
    },
    "percent": {1: ("%", "pct", "percent")},
}
"""How much one of each unit is, by what is measured."""
NAME = re.compile(rf"({'|'.join(UNITS)}) in .+", re.DOTALL | re.IGNORECASE)
BEFORE = r"(?:^|[^\w.,:\-]|[A-Za-z_]:)"  # no part of a version, a clock or an address
NUMBER = r"(?:\d{1,3}(?:,\d{3})+|\d+)(?:\.\d+)?"
LEAST, LEAST_SHARE = 50, 0.02  # messages with a measure, and their share, from which it tells something
MOST = 4  # columns of messages


def find_measures(
    table: "Table", columns: "Iterable[ColumnRole]", named: Collection[str] = ()
) -> Iterator[AddedColumn]:
    """Return the first time, the first size and the first percentage in each message, null without one.

    Parameters
    ----------
    table : Table
        The open table.
    columns : iterable of ColumnRole
        Its columns of messages.
    named : collection of str
        Measures that are wanted besides, of whichever columns: their names in small letters.
    """
    texts = {column.name for column in columns if column.expression == quote_identifier(column.name)}
    tried = [column for column in table.columns if column.name in texts][:MOST]
    found = {(column.name, what): _of_column(column, what) for column in tried for what in UNITS}
    counts = table.aggregate([f"count({sql})" for sql in found.values()]) if found else ()
    usual = {pair for pair, n in zip(found, counts, strict=True) if n >= max(LEAST, LEAST_SHARE * table.count())}
    for column in table.columns:
        for what in UNITS:
            name = f"{what} in {column.name}"
            if (column.name, what) in usual or name.casefold() in named:
                yield AddedColumn(name, _of_column(column, what))


def _of_column(column: "Column", what: str) -> str:
    return measure_sql(f"CAST({column.expression} AS VARCHAR)", what)


def are_measures(names: Iterable[str]) -> set[str]:
    """Return the columns that are measures within messages, by their names."""
    return {name for name in names if NAME.fullmatch(name)}


def measure_sql(text: str, what: str) -> str:
    """Return SQL of the first measure in a text, in seconds, bytes or percent; null without one.

    Parameters
    ----------
    text : str
        SQL of the text.
    what : {"seconds", "bytes", "percent"}
        What is measured.
    """
    units = {unit: size for size, spelled in UNITS[what].items() for unit in spelled}
    longest_first = "|".join(sorted(units, key=lambda unit: (-len(unit), unit)))
    pattern = quote_text(rf"{BEFORE}({NUMBER}) ?({longest_first})(?:\W|$)")
    number, unit = (f"regexp_extract({text}, {pattern}, {group})" for group in (1, 2))
    times, over = ({unit: size**sign for unit, size in units.items() if size**sign > 1} for sign in (1, -1))
    # 829 / 1000 is .829, and 829 * .001 is not.
    known = f"TRY_CAST(replace({number}, ',', '') AS DOUBLE)"
    return f"({known} * {_either(unit, times)} / {_either(unit, over)})"


def _either(unit: str, sizes: Mapping[str, float]) -> str:
    """Return SQL of the size of a unit, 1 for one that is not among `sizes`."""
    each = " ".join(f"WHEN {quote_text(spelled)} THEN {size:.0f}" for spelled, size in sizes.items())
    return f"CASE {unit} {each} ELSE 1 END" if each else "1"
