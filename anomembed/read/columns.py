"""The columns of a table, and the SQL that profiles them."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from duckdb import DuckDBPyConnection
from duckdb.sqltypes import DuckDBPyType

from anomembed.read.nested import fields
from anomembed.read.quoting import quote_identifier

MOST_FIELDS = 256  # of nested columns
FIRST = 1_000  # records that tell whether a text is JSON


@dataclass(frozen=True)
class Column:
    """A column that can be given a role: one of the table's, or a field of a nested one."""

    name: str
    type: str
    """DuckDB's name of the type, such as ``DECIMAL(5,2)``."""
    expression: str
    """SQL that reads it."""


@dataclass(frozen=True)
class Profile:
    """What a column holds, over all records."""

    n_records: int
    n_nulls: int
    n_distinct: int
    """Approximate (HyperLogLog, a few per cent) above some hundreds."""
    minimum: str | None
    """Smallest value as text, of lists their smallest hash; None when all values are null."""
    maximum: str | None
    mean_length: float
    """Mean number of characters; 0 when the column is not text."""
    mean_spaces: float
    """Mean number of spaces; 0 when the column is not text."""


def describe(
    connection: DuckDBPyConnection, records: str, message: str | None = None
) -> tuple[tuple[Column, ...], tuple[str, ...]]:
    """Return the columns of a relation, and what the user should know about them.

    The fields of a nested column follow it, as deep as they go, at most `MOST_FIELDS` in all. Text that is JSON is a
    nested column.

    Parameters
    ----------
    connection : DuckDBPyConnection
        To the database.
    records : str
        SQL of the relation.
    message : str, optional
        The column of the messages of lines, which stay text.
    """
    relation = connection.sql(f"FROM {records} LIMIT 0")
    described = list(zip(relation.columns, relation.types, strict=True))
    taken, n_left, n_fields = {name.casefold() for name, _ in described}, 0, 0
    columns = []

    def ask(selected: str) -> list[Any]:
        return [value for (value,) in connection.execute(f"SELECT {selected} FROM {records}").fetchall()]

    are_json = _are_json(connection, records, [name for name, kind in described if str(kind) == "VARCHAR"])
    for name, given in described:
        identifier, kind = quote_identifier(name), given
        if name in are_json and name != message:
            identifier, kind = f"TRY_CAST({identifier} AS JSON)", DuckDBPyType("JSON")
        columns.append(Column(name, str(kind), identifier))
        for field in fields(name, kind, identifier, ask):
            if field.name == name:  # JSON without fields
                columns[-1] = Column(*field)
            elif field.name.casefold() not in taken:
                taken.add(field.name.casefold())
                n_fields += 1
                if n_fields <= MOST_FIELDS:
                    columns.append(Column(*field))
    n_left = max(n_fields - MOST_FIELDS, 0)
    notes = [
        f"{n_left:,} nested fields beyond the first {MOST_FIELDS} are not read; select those that matter by a query"
    ]
    return tuple(columns), tuple(notes if n_left else ())


def _are_json(connection: DuckDBPyConnection, records: str, names: Sequence[str]) -> set[str]:
    """Return the columns of text in which each of the first values is a JSON object."""
    if not names:
        return set()
    objects = ", ".join(
        f"bool_and(starts_with(ltrim({value}), '{{') AND json_valid({value}))" for value in map(quote_identifier, names)
    )
    found = connection.execute(f"SELECT {objects} FROM (FROM {records} LIMIT {FIRST})").fetchall()[0]
    return {name for name, is_object in zip(names, found, strict=True) if is_object}


def profile_sql(column: Column) -> str:
    """Return SQL of the fields of a `Profile`, in their order, except the number of records."""
    value = column.expression
    # Hashes show as well as texts whether lists differ; texts would cost more than the rest of the profile.
    text = f"hash({value})" if column.type.endswith("]") else f"CAST({value} AS VARCHAR)"
    ordered = value if is_orderable(column.type) else text
    is_text = column.type == "VARCHAR"
    length = f"avg(length({value}))" if is_text else "0.0"
    spaces = f"avg(length({value}) - length(replace({value}, ' ', '')))" if is_text else "0.0"
    ends = (f"CAST({end}({ordered}) AS VARCHAR)" for end in ("min", "max"))
    return (
        f"count(*) - count({value}), approx_count_distinct({ordered}), "
        f"{', '.join(ends)}, coalesce({length}, 0), coalesce({spaces}, 0)"
    )


def is_orderable(kind: str) -> bool:
    """Tell whether DuckDB's ``min`` and ``max`` are cheap and meaningful for a column of this type."""
    return not kind.endswith("]") and not kind.startswith(("STRUCT", "MAP", "UNION", "JSON", "ENUM", "BLOB", "BIT"))
