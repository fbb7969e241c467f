"""The columns of a table, and the SQL that profiles them."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from duckdb import DuckDBPyConnection

from anomembed.read.quoting import quote_identifier, quote_text

if TYPE_CHECKING:
    from duckdb.sqltypes import DuckDBPyType

NO_PATH = ("", "*")  # fields that DuckDB's JSON paths cannot name; nor can they one with a double quote
JSON_FIELDS = 32  # a JSON column with more distinct top-level fields is a map, not a record


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


def describe(connection: DuckDBPyConnection, records: str) -> Iterator[Column]:
    """Return the columns of `records`, which is SQL; the fields of a nested one follow it."""
    relation = connection.sql(f"FROM {records} LIMIT 0")
    described = list(zip(relation.columns, relation.types, strict=True))
    taken = {name for name, _ in described}
    for name, kind in described:
        identifier = quote_identifier(name)
        yield Column(name, str(kind), identifier)
        for field, field_type, expression in _fields(connection, records, identifier, kind):
            if f"{name}.{field}" not in taken:
                yield Column(f"{name}.{field}", field_type, expression)


def _fields(
    connection: DuckDBPyConnection, records: str, identifier: str, kind: "DuckDBPyType"
) -> Iterator[tuple[str, str, str]]:
    """Fields of a STRUCT or JSON column, one level deep."""
    if kind.id == "struct":
        for field, field_type in kind.children:
            yield field, str(field_type), f"{identifier}.{quote_identifier(field)}"
    elif str(kind) == "JSON":
        keys = connection.sql(
            f"SELECT DISTINCT unnest(json_keys({identifier})) AS field FROM {records} "
            f"ORDER BY field LIMIT {JSON_FIELDS + 1}"
        ).fetchall()
        for (field,) in keys if len(keys) <= JSON_FIELDS else []:
            if field not in NO_PATH and '"' not in field:
                path = quote_text(f'$."{field}"')
                yield field, "VARCHAR", f"json_extract_string({identifier}, {path})"


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
