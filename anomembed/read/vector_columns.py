"""Columns of vectors: arrays of a fixed size, and lists of numbers that all have the same length."""

import re
from collections.abc import Mapping, Sequence

from anomembed.errors import SourceError
from anomembed.read.columns import Column, Profile
from anomembed.read.table import Table

VECTORS = re.compile(
    r"(?:FLOAT|DOUBLE|REAL|DECIMAL(?:\([\d, ]+\))?|U?(?:TINYINT|SMALLINT|INTEGER|BIGINT|HUGEINT))\[(\d*)\]"
)
MOST_WIDTH = 100_000  # numbers of an array in DuckDB


def is_vector(kind: str) -> bool:
    """Tell whether a DuckDB type is an array or a list of numbers, one level deep."""
    return VECTORS.fullmatch(kind) is not None


def vector_sql(expression: str, kind: str, width: int) -> str:
    """Return SQL that reads a vector as FLOAT[width]; a list of another length is null.

    Parameters
    ----------
    expression, kind : str
        SQL of the column, and its type.
    width : int
        Numbers of a vector.
    """
    cast = f"TRY_CAST({expression} AS FLOAT[{width}])"
    return cast if _fixed_width(kind) else f"CASE WHEN len({expression}) = {width} THEN {cast} END"


def find_width(table: Table, column: Column, where: str | None) -> tuple[int, str]:
    """Find how many numbers the vectors of a column have.

    Parameters
    ----------
    table : Table
        The open table.
    column : Column
        A column for which `is_vector` holds.
    where : str or None
        SQL condition of the reference.

    Returns
    -------
    width : int
        0 when the column holds no vectors of one width.
    reason : str
        In words.
    """
    fixed = _fixed_width(column.type)
    if fixed:
        return fixed, f"vectors of {_numbers(fixed)}"
    shortest, longest = table.lengths(column, where)
    if not longest:
        return 0, "every list is null or empty"
    if longest > MOST_WIDTH:
        return 0, f"lists of up to {longest:,} numbers; a vector has at most {MOST_WIDTH:,}"
    if shortest < longest:
        return 0, f"lists of {shortest:,} to {longest:,} numbers; vectors all have the same length"
    return longest, f"lists of {_numbers(longest)}, all of the same length"


def find_widths(table: Table, profiles: Sequence[Profile], where: str | None) -> Mapping[str, tuple[int, str]]:
    """Return what `find_width` says of every column of vectors that is not null everywhere, by its name."""
    return {
        column.name: find_width(table, column, where)
        for column, profile in zip(table.columns, profiles, strict=True)
        if is_vector(column.type) and profile.n_nulls < profile.n_records
    }


def check_width(table: Table, column: Column, width: int) -> None:
    """Refuse a column in which no vector has the width that a model was fitted on.

    Raises
    ------
    SourceError
        When there are vectors, but none of that width.
    """
    fixed = _fixed_width(column.type)
    known = f"len({column.expression}) > 0"
    other = fixed != width if fixed else not table.count(f"len({column.expression}) = {width}") and table.count(known)
    if other:
        found = f"{fixed:,}" if fixed else "another number of"
        raise SourceError(
            f"the vectors of column {column.name} of {table.name} have {found} numbers, "
            f"but the model was fitted on {width:,}"
        )


def _fixed_width(kind: str) -> int:
    """Size of an array; 0 for a list."""
    found = VECTORS.fullmatch(kind)
    return int(found[1] or 0) if found else 0


def _numbers(width: int) -> str:
    return "1 number" if width == 1 else f"{width:,} numbers"
