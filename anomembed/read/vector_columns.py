"""Columns of vectors: arrays of a fixed size, and lists of numbers that all have the same length."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from anomembed.errors import SourceError
from anomembed.read.column_types import fixed_width, is_vector
from anomembed.read.columns import Column, Profile
from anomembed.read.table import Table

MOST_WIDTH = 100_000  # numbers of an array in DuckDB


class Width(NamedTuple):
    """How many numbers the vectors of a column have, and how that is known."""

    n_numbers: int
    """0 when the column holds no vectors of one width."""
    reason: str


def find_widths(table: Table, profiles: Sequence[Profile], where: str | None) -> Mapping[str, Width]:
    """Return the width of every column of vectors that is not null everywhere, by its name.

    Parameters
    ----------
    table : Table
        The open table.
    profiles : sequence of Profile
        Of its columns.
    where : str or None
        SQL condition of the reference.
    """
    return {
        column.name: _find_width(table, column, where)
        for column, profile in zip(table.columns, profiles, strict=True)
        if is_vector(column.type) and profile.n_nulls < profile.n_records
    }


def _find_width(table: Table, column: Column, where: str | None) -> Width:
    fixed = fixed_width(column.type)
    if fixed:
        return Width(fixed, f"vectors of {_numbers(fixed)}")
    shortest, longest = table.lengths(column, where)
    if not longest:
        return Width(0, "every list is null or empty")
    if longest > MOST_WIDTH:
        return Width(0, f"lists of up to {longest:,} numbers; a vector has at most {MOST_WIDTH:,}")
    if shortest < longest:
        return Width(0, f"lists of {shortest:,} to {longest:,} numbers; vectors all have the same length")
    return Width(longest, f"lists of {_numbers(longest)}, all of the same length")


def _numbers(width: int) -> str:
    return "1 number" if width == 1 else f"{width:,} numbers"


def check_vector(column: Column, width: Width | None) -> int:
    """Return the width of a column of vectors.

    Raises
    ------
    SourceError
        When it holds no vectors, or none of one width.
    """
    if width and width.n_numbers:
        return width.n_numbers
    if not is_vector(column.type):
        raise SourceError(
            f"column {column.name} ({column.type}) holds no vectors, which are arrays or lists of numbers; in a query, "
            f"CAST({column.name} AS FLOAT[]) makes them of text such as [1, 2.5]"
        )
    raise SourceError(f"column {column.name} cannot be a vector: {width.reason if width else 'every value is null'}")


def check_width(table: Table, column: Column, width: int) -> None:
    """Refuse a column in which no vector has the width that a model was fitted on.

    Raises
    ------
    SourceError
        When there are vectors, but none of that width.
    """
    fixed = fixed_width(column.type)
    known = f"len({column.expression}) > 0"
    other = fixed != width if fixed else not table.count(f"len({column.expression}) = {width}") and table.count(known)
    if other:
        found = f"{fixed:,}" if fixed else "another number of"
        raise SourceError(
            f"the vectors of column {column.name} of {table.name} have {found} numbers, "
            f"but the model was fitted on {width:,}"
        )
