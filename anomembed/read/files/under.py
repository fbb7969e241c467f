"""Rows between a header and its records: units of measurement, types, whole questions, or dashes."""

import re
from collections.abc import Sequence

from anomembed.read.files.cells import Rows, is_typed, is_value
from anomembed.read.written.style import WORDS

MOST_UNDER = 3  # rows
LEAST_BELOW = 5  # records that tell what else a column holds
RULER = re.compile(r"[-=:+|,;\s]*[-=]{2}[-=:+|,;\s]*")


def count_under(rows: Rows, n_fields: int) -> int:
    """Return how many of the first rows below a header are no records.

    A record has a number or a moment where all others have one, or nothing; a row of units has none at all, but texts
    that do not come again: in two columns at least, or in one and nothing beside it.

    Examples
    --------
    >>> numbers = [[str(i), f"{i}.5"] for i in range(9)]
    >>> count_under([["s", "degC"], *numbers], 2), count_under([["--", "-----"], *numbers], 2)
    (1, 1)
    >>> count_under(numbers, 2), count_under([["0", "broken"], *numbers], 2), count_under([["", "-"], *numbers], 2)
    (0, 0, 0)
    """
    for n_under in range(min(MOST_UNDER, len(rows) - LEAST_BELOW), 0, -1):
        below = [row for row in rows[n_under:] if len(row) == n_fields]
        if all(is_ruler(row) or _is_of_units(row, below, n_fields) for row in rows[:n_under]):
            return n_under
    return next((n for n, row in enumerate(rows[:MOST_UNDER]) if not is_ruler(row)), 0)


def is_ruler(row: Sequence[str]) -> bool:
    """Tell whether a row only rules off a header."""
    return RULER.fullmatch("".join(row)) is not None


def _is_of_units(row: list[str], below: Rows, n_fields: int) -> bool:
    cells = [cell.strip() for cell in row]
    if len(row) != n_fields or len(below) < LEAST_BELOW or any(map(is_value, cells)):
        return False
    columns = [[cell.strip() for cell in column] for column in zip(*below, strict=True)]
    named = [place for place, cell in enumerate(cells) if cell.lower() not in WORDS]
    units = [place for place in named if is_typed(columns[place])]
    is_alone = len(units) == 1 and named != units
    return bool(units) and not is_alone and not any(cells[place] in columns[place] for place in units)
