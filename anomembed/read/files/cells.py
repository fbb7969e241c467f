"""The cells of a table in text: which are numbers or moments, and with which signs they are written."""

import re
from collections.abc import Sequence

USUAL = 0.9  # share of the values of a column that must be of a kind for the column to be

NUMBER = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+|\d{1,3}(,\d{3})+(\.\d+)?)([eE][+-]?\d+)?")
POINT_NUMBER = re.compile(r"[+-]?\d*\.\d+")
GROUPS = re.compile(r"[+-]?\d{1,3}(\.\d{3})*")
BELOW_ONE = re.compile(r"[+-]?0")
MANY_GROUPS = 40  # values with three digits after a point, so that it is no chance that none has fewer
GROUPED_POINT = re.compile(r"[+-]?\d{1,3}(,\d{3})+(\.\d+)?")
COMMA_NUMBER = re.compile(r"[+-]?(\d+|\d{1,3}(\.\d{3})+),\d+")
GROUPED_COMMA = re.compile(r"[+-]?\d{1,3}(\.\d{3})+,\d+")
MOMENT = re.compile(r"\d{1,4}[-/.]\d{1,2}[-/.]\d{1,4}([ T]\d[^,;]*)?|\d{1,2}:\d\d(:\d\d)?(\.\d+)?")
UNSURE_DATE = re.compile(r"(\d{1,2})([-/.])(\d{1,2})\2(\d{2}|\d{4})(?!\d).*")

Rows = list[list[str]]


def is_value(cell: str) -> bool:
    """Tell whether a cell is a number or a moment."""
    return any(kind.fullmatch(cell) for kind in (NUMBER, COMMA_NUMBER, MOMENT))


def is_typed(column: Sequence[str]) -> bool:
    """Tell whether nearly all values of a column are numbers or moments."""
    cells = [cell.strip() for cell in column if cell.strip()]
    return bool(cells) and sum(map(is_value, cells)) >= USUAL * len(cells)


def number_signs(delimiter: str, rows: Rows) -> tuple[str, str]:
    """Return the decimal sign and the sign between thousands, where columns of numbers show others than usual."""
    columns = [[cell.strip() for cell in column if cell.strip()] for column in zip(*rows, strict=True)]
    columns = [column for column in columns if column]
    has_commas = delimiter != "," and any(_are(COMMA_NUMBER, column) or _are_groups(column) for column in columns)
    is_grouped = any(map(GROUPED_COMMA.fullmatch, (cell for column in columns for cell in column)))
    is_grouped |= any(map(_are_groups, columns))
    groups = [column for column in columns if is_grouped and all(map(GROUPS.fullmatch, column))]
    if has_commas and not any(_are(POINT_NUMBER, column) for column in columns if column not in groups):
        return ",", "." if is_grouped else ""
    grouped = any(any(map(GROUPED_POINT.fullmatch, column)) and _are(NUMBER, column) for column in columns)
    # DuckDB would take 1.234,56 in another column for 1.23456.
    is_mixed = any(not any(map(GROUPED_POINT.fullmatch, column)) and _are(COMMA_NUMBER, column) for column in columns)
    return "", "," if grouped and not is_mixed else ""


def _are_groups(column: Sequence[str]) -> bool:
    """Tell whether points separate thousands: three digits follow each one, and numbers below 1.000 have none."""
    dotted = [cell for cell in column if "." in cell]
    is_seen = MANY_GROUPS <= len(dotted) < len(column)
    return is_seen and all(map(GROUPS.fullmatch, column)) and not any(map(BELOW_ONE.match, dotted))


def unsure_dates(rows: Rows) -> tuple[int, ...]:
    """Return the places of columns of dates such as 03/04/2026 or 01-02-03, all of which fit several orders."""
    columns = enumerate(zip(*rows, strict=True))
    return tuple(place for place, column in columns if _is_unsure([cell.strip() for cell in column if cell.strip()]))


def _is_unsure(cells: Sequence[str]) -> bool:
    found = [match for cell in cells if (match := UNSURE_DATE.fullmatch(cell))]
    if not found or len(found) < USUAL * len(cells):
        return False
    return any(len(match[4]) == 2 for match in found) or all(int(match[at]) <= 12 for match in found for at in (1, 3))


def _are(kind: re.Pattern[str], column: Sequence[str]) -> bool:
    return sum(map(bool, map(kind.fullmatch, column))) >= USUAL * len(column)
