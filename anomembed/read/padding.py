"""Blanks that fill up the values of a column, as of CHAR(n), of an aligned table, or after the commas of a CSV.

Blanks that some values have and others have not are no padding: they stay, and `unify_spellings` tells of them.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

from duckdb import DuckDBPyConnection

from anomembed.read.quoting import quote_identifier

FIRST = 1_000  # records that tell whether it is worth asking all
AHEAD, AFTER = "'^ *[^ ]'", "'[^ ] *$'"  # patterns of the blanks around a value that is not blank itself
ENDS = "min", "max"
AT_ONCE = 50  # columns of one query: over many, DuckDB takes long to plan it


class Padding(NamedTuple):
    """The blanks around the values of a column."""

    ahead: int
    """Blanks in front of every value."""
    after: int
    is_sized: bool = False
    """Whether all values are of one size, and aligned on one side."""

    def sql(self, name: str) -> str:
        """Return SQL that reads a column without them; null where there is nothing else."""
        value = quote_identifier(name)
        if self.is_sized:
            return f"nullif(trim({value}), '')"
        n_letters = f"greatest(length({value}) - {self.ahead + self.after}, 0)"
        return f"nullif(substr({value}, {self.ahead + 1}, {n_letters}), '')"


def find_padding(connection: DuckDBPyConnection, records: str, names: Sequence[str]) -> dict[str, Padding]:
    """Return the padding of the columns of text that have one, by name.

    Parameters
    ----------
    connection : DuckDBPyConnection
        To the database.
    records : str
        SQL of the relation.
    names : sequence of str
        Columns of text.
    """
    first = f"(FROM {records} LIMIT {FIRST})"
    blanks = _ask(connection, first, [f"bool_or(regexp_matches({quote_identifier(name)}, '^ | $'))" for name in names])
    likely = [name for name, has_blanks in zip(names, blanks, strict=True) if has_blanks]
    return _measured(connection, records, list(_measured(connection, first, likely)))


def _measured(connection: DuckDBPyConnection, records: str, names: Sequence[str]) -> dict[str, Padding]:
    ends = _ask(connection, records, [_ends_sql(quote_identifier(name)) for name in names])
    paddings = {name: _padding(*of_one) for name, of_one in zip(names, ends, strict=True)}
    return {name: padding for name, padding in paddings.items() if padding}


def _ask(connection: DuckDBPyConnection, records: str, aggregates: Sequence[str]) -> tuple[Any, ...]:
    parts = (aggregates[start : start + AT_ONCE] for start in range(0, len(aggregates), AT_ONCE))
    asked = (connection.execute(f"SELECT {', '.join(part)} FROM {records}").fetchall() for part in parts)
    return tuple(found for rows in asked for found in rows[0])


def _ends_sql(value: str) -> str:
    """Return SQL of the arguments of `_padding`."""
    sizes = [f"{size}({value})" for size in ("length", "strlen")]
    blanks = [f"length(nullif(regexp_extract({value}, {around}), '')) - 1" for around in (AHEAD, AFTER)]
    return f"[{', '.join(f'{end}({one})' for one in sizes + blanks for end in ENDS)}]"


def _padding(*ends: int | None) -> Padding | None:
    """Return what is padding, given the ends of the number of letters, of bytes, and of blanks ahead and after."""
    known = [end for end in ends if end is not None]
    if len(known) < len(ends):  # nothing but blanks, or nulls
        return None
    least_ahead, most_ahead, least_after, most_after = known[4:]
    is_aligned = least_ahead == most_ahead or least_after == most_after
    if is_aligned and most_ahead + most_after and (known[0] == known[1] or known[2] == known[3]):
        return Padding(0, 0, is_sized=True)
    return Padding(least_ahead, least_after) if least_ahead + least_after else None
