"""The dialect of a table in text: what separates its fields, where its header is, how its numbers are written.

A dialect is judged by how well it explains the lines: nearly all of them must have the same number of fields, two at
least.
"""

import csv
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace

from anomembed.read.files.cells import Rows, is_typed, is_value, number_signs, unsure_dates
from anomembed.read.files.under import count_under

DELIMITERS = (",", ";", "\t", "|", "^", "~", "\x01", "\x1f", "||")
DELIMITER = "\x1f"  # in place of one of several characters
SAMPLED = 1_000  # first lines that decide
MOST_ABOVE = 30  # lines above a header
MOST_BELOW = 5  # lines below the last record
GOOD_FIT = 0.9  # share of records that must have the same number of fields
PADDED = 0.05  # share of records with fewer fields above which these are not damaged but end early
FRACTION_OF_SECOND = re.compile(r"(\d:\d\d),(\d{3}[ \]|;\t])")  # its comma separates nothing


@dataclass(frozen=True)
class Dialect:
    """How a table is written.

    Parameters
    ----------
    delimiter, quote, escape : str
        Between fields, around them, and before a quote in them.
    n_fields : int
        Of a record.
    fit : float
        Share of the records with so many fields.
    n_lines : int
        How many of the first lines have so many fields.
    n_above : int
        Lines above the header, or the first record when there is none.
    has_header : bool
        Whether the first of the other lines names the columns.
    under : tuple of str
        Lines under the header that are no records.
    is_padded : bool
        Whether many records end early.
    decimal, thousands : str
        In numbers; empty when they are written as usual.
    n_typed : int
        Columns of numbers or moments alone.
    unsure : tuple of int
        Places of the columns of dates of which each alone does not say what is the day, the month and the year.
    """

    delimiter: str
    quote: str
    escape: str
    n_fields: int
    fit: float
    n_lines: int = 0
    n_above: int = 0
    has_header: bool = False
    under: tuple[str, ...] = ()
    is_padded: bool = False
    decimal: str = ""
    thousands: str = ""
    n_typed: int = 0
    unsure: tuple[int, ...] = ()

    @property
    def is_table(self) -> bool:
        """Whether the dialect explains the lines well."""
        return self.n_fields >= 2 and self.fit >= GOOD_FIT

    @property
    def names_columns(self) -> bool:
        """Whether it separates the names of the columns in the first line as it does the fields of all others."""
        return self.has_header and not self.n_above and self.fit == 1

    @property
    def is_no_log(self) -> bool:
        """Whether names of three columns or more stand first, one of them above numbers or moments: no log has such."""
        return self.names_columns and self.n_fields > 2 and self.n_typed > 0

    def rows(self, lines: Sequence[str]) -> Rows:
        """Return the fields of lines."""
        return _split(lines, self.delimiter, self.quote, self.escape)


def find_dialect(lines: Sequence[str], delimiters: Sequence[str] = DELIMITERS) -> Dialect | None:
    r"""Return the dialect that explains lines best; None when there is no delimiter in them.

    Examples
    --------
    >>> found = find_dialect(["day;amount\n", *(f"2026-01-0{i};{i},50\n" for i in range(1, 9))])
    >>> found.delimiter, found.decimal, found.has_header, found.n_fields
    (';', ',', True, 2)
    """
    lines = [FRACTION_OF_SECOND.sub(r"\1.\2", line) for line in lines[:SAMPLED]]
    escape = "\\" if any('\\"' in line for line in lines) and not any('""' in line for line in lines) else '"'
    if all(line.count("|") == 2 * line.count("||") for line in lines):
        delimiters = [delimiter for delimiter in delimiters if delimiter != "|"]
    dialects = [_fitted(lines, delimiter, '"', escape) for delimiter in delimiters]
    if _is_single_quoted(lines):
        dialects += [_fitted(lines, delimiter, "'", "'") for delimiter in delimiters]
    found = max(filter(None, dialects), key=_goodness, default=None)
    if not found or not found.is_table:
        return _described(found, found.rows(lines), lines) if found else None
    tables = [dialect for dialect in dialects if dialect and dialect.is_table]
    return max((_described(table, table.rows(lines), lines) for table in tables), key=_likelihood)


def _goodness(dialect: Dialect) -> tuple[float, int]:
    return dialect.fit**4 * (1 - 1 / dialect.n_fields), dialect.n_lines


def _likelihood(dialect: Dialect) -> tuple[bool, int, tuple[float, int]]:
    """Order dialects that all explain the lines, as when every user agent has as many semicolons.

    What separates the names of the columns, too, comes first; then what makes more columns of numbers and moments
    [1]_.

    .. [1] van den Burg, Nazabal, Sutton: Wrangling messy CSV files by detecting row and type patterns. Data Mining and
       Knowledge Discovery, 2019.
    """
    return dialect.names_columns, dialect.n_typed, _goodness(dialect)


def _is_single_quoted(lines: Sequence[str]) -> bool:
    quoted = sum(re.search(r"(^|[,;\t|])'[^']*'([,;\t|]|\s*$)", line) is not None for line in lines)
    return quoted > len(lines) / 2 and not any('"' in line for line in lines)


def _split(lines: Sequence[str], delimiter: str, quote: str, escape: str) -> Rows:
    if len(delimiter) > 1:
        lines, delimiter = [line.replace(delimiter, DELIMITER) for line in lines], DELIMITER
    doubled = escape in ("", quote)
    try:
        return list(
            csv.reader(
                lines,
                delimiter=delimiter,
                quotechar=quote or None,
                quoting=csv.QUOTE_MINIMAL if quote else csv.QUOTE_NONE,
                doublequote=doubled,
                escapechar=None if doubled else escape,
            )
        )
    except csv.Error:
        return [line.rstrip("\r\n").split(delimiter) for line in lines]


def _fitted(lines: Sequence[str], delimiter: str, quote: str, escape: str) -> Dialect | None:
    """Return a dialect with its fit; None when the delimiter separates nothing."""
    sizes = [len(row) for row in _split(lines, delimiter, quote, escape) if any(row)]
    several = {n: count for n, count in Counter(sizes).items() if n > 1}
    if not several:
        return None
    n_fields = max(several, key=lambda n: (several[n], n))
    first, last = sizes.index(n_fields), len(sizes) - sizes[::-1].index(n_fields)
    is_framed = first <= MOST_ABOVE and len(sizes) - last <= MOST_BELOW and last - first > len(sizes) / 2
    inside = sizes[first:last] if is_framed else sizes  # some lines may stand above and below the table
    return Dialect(delimiter, quote, escape, n_fields, several[n_fields] / len(inside), several[n_fields])


def _described(dialect: Dialect, rows: Rows, lines: Sequence[str]) -> Dialect:
    """Add the header and the numbers to a dialect."""
    first = _first_row(rows, dialect.n_fields)
    table = [row for row in rows[first:] if any(row)]
    n_short = sum(1 < len(row) < dialect.n_fields for row in table)
    whole = [row for row in table if len(row) == dialect.n_fields]
    n_under = count_under(rows[first + 1 :], dialect.n_fields)
    records = [row for row in rows[first + 1 + n_under :] if len(row) == dialect.n_fields]
    has_header = bool(whole) and table[0] == whole[0] and is_header(whole[0], records)
    records = records if has_header else whole
    n_head, n_before = (_line_number(lines, dialect, first + 1 + n) for n in (0, n_under))
    decimal, thousands = number_signs(dialect.delimiter, records)
    return replace(
        dialect,
        decimal=decimal,
        thousands=thousands,
        n_above=_line_number(lines, dialect, first),
        has_header=has_header,
        under=tuple(lines[n_head:n_before]) if has_header else (),
        is_padded=n_short > max(PADDED * len(table), MOST_BELOW),
        n_typed=sum(map(is_typed, zip(*records, strict=True))),
        unsure=unsure_dates(records),
    )


def _line_number(lines: Sequence[str], dialect: Dialect, n_rows: int) -> int:
    """Return how many lines the first rows take."""
    if not n_rows:
        return 0
    if len(dialect.delimiter) > 1:
        return n_rows
    reader = csv.reader(lines, delimiter=dialect.delimiter)
    try:
        for _ in range(n_rows):
            next(reader)
    except (csv.Error, StopIteration):
        return n_rows
    return reader.line_num


def _first_row(rows: Rows, n_fields: int) -> int:
    """Return the index of the first row of the table: the header, or the first record."""
    some = rows[:MOST_ABOVE]
    whole = [index for index, row in enumerate(some) if len(row) == n_fields]
    if not whole:
        return 0
    full = [index for index in whole if _share(some[index]) > 1 / 2]
    first = full[0] if full else whole[0]
    # Titles have few cells filled in; a first record does not stand below emptier lines.
    return first if all(len(row) != n_fields or _share(row) <= 1 / 2 for row in some[:first]) else whole[0]


def _share(row: list[str]) -> float:
    return sum(bool(cell.strip()) for cell in row) / len(row)


def is_header(first: list[str], rows: Rows) -> bool:
    """Tell whether a row names columns: distinct texts, unlike what is below them.

    Examples
    --------
    >>> is_header(["day", "shop"], [["1", "a"], ["2", "b"]]), is_header(["x", "a"], [["y", "a"], ["x", "b"]])
    (True, False)
    """
    names = [cell.strip() for cell in first]
    known = [name for name in names if name]
    if not known or len(set(known)) < len(known) / 2 or any(map(is_value, known)):
        return False
    columns = list(zip(*rows, strict=True)) if rows else []
    if any(is_typed(column) for column in columns):
        return True
    return len(known) == len(names) and not any(
        name in (cell.strip() for cell in column) for name, column in zip(names, columns, strict=False)
    )


def count_below(dialect: Dialect, lines: Sequence[str], tail: Sequence[str]) -> int:
    """Return how many of the last lines are no records, such as a line of totals.

    A line is none when it has text in a column that otherwise holds numbers or moments alone, or fields too few or
    too many.

    Parameters
    ----------
    dialect : Dialect
        Of the table.
    lines, tail : sequence of str
        Some of its first lines without a header, and its last ones.
    """
    if dialect.quote and any(line.count(dialect.quote) % 2 for line in tail):
        return 0  # a record of several lines
    rows = [row for row in dialect.rows(lines) if len(row) == dialect.n_fields]
    columns = list(zip(*rows[: max(len(rows) - MOST_BELOW, 0)], strict=True))
    typed = [index for index, column in enumerate(columns) if is_typed(column)]
    below = 0
    for number, line in enumerate(reversed(tail), start=1):
        row = next(iter(dialect.rows([line])), [])
        if line.strip() and not _is_below(row, typed, dialect.n_fields):
            break
        below = number if line.strip() else below
    return below if 0 < below <= MOST_BELOW else 0


def _is_below(row: list[str], typed: Sequence[int], n_fields: int) -> bool:
    if len(row) != n_fields:
        return True
    texts = [index for index in typed if row[index].strip() and not is_value(row[index].strip())]
    return bool(texts) and _share(row) < 1
