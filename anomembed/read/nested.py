"""The fields of nested columns, as columns of their own: SQL that reads them.

Structs and JSON objects are flattened under dotted names. A list becomes two columns: the set of its values, as one
name, and the number of its items. A new value, or values that never met, make a new set. A map with few keys has a
column for each.
"""

import json
from collections.abc import Callable, Iterator
from operator import itemgetter
from typing import TYPE_CHECKING, Any, NamedTuple, cast

from anomembed.read.column_types import FRACTIONS, is_vector
from anomembed.read.quoting import quote_identifier, quote_text

if TYPE_CHECKING:
    from duckdb.sqltypes import DuckDBPyType

NO_PATH = ("", "*")  # fields that DuckDB's JSON paths cannot name; nor can they one with a double quote
MANY_KEYS = 32  # an object or a map with more keys is judged by which keys it has
DEEPEST = 8
MOST_ITEMS = 20  # distinct values of a list that are named
JSON_TYPES = {"UBIGINT": "BIGINT", "BIGINT": "BIGINT", "DOUBLE": "DOUBLE", "BOOLEAN": "BOOLEAN"}


class Field(NamedTuple):
    """A value in a nested column."""

    name: str
    type: str
    expression: str


Ask = Callable[[str], list[Any]]
"""Returns the first column of the rows that `SELECT ...` finds in the records."""


def fields(name: str, kind: "DuckDBPyType", sql: str, ask: Ask) -> Iterator[Field]:
    """Return the fields of a column; none when it is not nested.

    Parameters
    ----------
    name, kind, sql
        Of the column: its name, type, and the SQL that reads it.
    ask : callable
        Evaluates what is selected from the records.
    """
    if str(kind) == "JSON":
        yield from _any(name, sql, json.loads(ask(f"json_group_structure({sql})")[0] or "null"), ask)
    elif kind.id == "struct":
        for child, child_kind in _children(kind):
            yield from _inner(f"{name}.{child}", child_kind, f"{sql}.{quote_identifier(child)}", ask)
    elif kind.id == "map":
        yield from _map(name, kind, sql, ask)
    elif kind.id in ("list", "array") and not is_vector(str(kind)):
        yield Field(f"{name}.count", "BIGINT", f"len({sql})")
        yield from _items(f"{name}.values", f"{name}.", _child(kind), sql)


def _children(kind: "DuckDBPyType") -> list[tuple[str, "DuckDBPyType"]]:
    return cast("list[tuple[str, DuckDBPyType]]", kind.children)


def _child(kind: "DuckDBPyType") -> "DuckDBPyType":
    return _children(kind)[0][1]


def _inner(name: str, kind: "DuckDBPyType", sql: str, ask: Ask) -> Iterator[Field]:
    is_nested = str(kind) == "JSON" or kind.id in ("struct", "map", "list", "array")
    if not is_nested or is_vector(str(kind)):
        yield Field(name, str(kind), sql)
    elif name.count(".") < DEEPEST:
        yield from fields(name, kind, sql, ask)


def _map(name: str, kind: "DuckDBPyType", sql: str, ask: Ask) -> Iterator[Field]:
    key_kind, value_kind = (child for _, child in _children(kind))
    keys = ask(f"DISTINCT unnest(map_keys({sql})) AS key")
    if len(keys) > MANY_KEYS or str(key_kind) != "VARCHAR":
        yield Field(f"{name}.keys", "VARCHAR", set_sql(f"map_keys({sql})"))
        return
    for key in sorted(keys):
        yield from _inner(f"{name}.{key}", value_kind, f"{sql}[{quote_text(key)}]", ask)


def _items(name: str, prefix: str, kind: "DuckDBPyType", sql: str) -> Iterator[Field]:
    """Return the fields of the items of a list; `prefix` begins the names of their own fields."""
    if kind.id == "struct":
        for child, child_kind in _children(kind):
            inner = f"list_transform({sql}, lambda item: item.{quote_identifier(child)})"
            yield from _items(f"{prefix}{child}", f"{prefix}{child}.", child_kind, inner)
    elif kind.id in ("list", "array"):
        yield from _items(name, prefix, _child(kind), f"flatten({sql})")
    elif FRACTIONS.match(str(kind)):
        yield Field(f"{name}.max", "DOUBLE", f"CAST(list_max({sql}) AS DOUBLE)")
    elif str(kind) == "JSON":
        yield Field(name, "VARCHAR", set_sql(f"list_transform({sql}, lambda item: json_extract_string(item, '$'))"))
    elif str(kind) not in ("BLOB", '"NULL"'):
        yield Field(name, "VARCHAR", set_sql(sql))


def set_sql(values: str) -> str:
    """Return SQL of the distinct values of a list, sorted, as one text; null for a missing list."""
    distinct = f"list_sort(list_distinct(CAST({values} AS VARCHAR[])))"
    return f"CASE WHEN {values} IS NOT NULL THEN array_to_string({distinct}[:{MOST_ITEMS}], ',') END"


def _any(name: str, column: str, structure: Any, ask: Ask) -> Iterator[Field]:  # noqa: ANN401
    """Return the fields of JSON of any kind; what is neither an object nor a list is a value under the same name."""
    if isinstance(structure, str) and structure != "NULL":
        is_object = f"json_type({column}) = 'OBJECT'"
        kind = JSON_TYPES.get(structure, "VARCHAR")
        value = f"CASE WHEN NOT {is_object} THEN {_plain_sql(column)} END"
        yield Field(name, kind, value if kind == "VARCHAR" else f"TRY_CAST({value} AS {kind})")
        of_objects = ask(f"json_group_structure(CASE WHEN {is_object} THEN {column} END)")
        structure = json.loads(of_objects[0] or "null") if structure == "JSON" else None
    yield from _json_value(name, column, "$", structure or "NULL")


def _plain_sql(column: str) -> str:
    """Return SQL of a value as text; journald writes a text that is not UTF-8 as a list of its bytes."""
    found = f"TRY_CAST({column} AS UTINYINT[])"
    are_bytes = f"len({found}) > 0 AND len(list_filter({found}, lambda byte: byte IS NULL OR byte = 0)) = 0"
    text = f"array_to_string(list_transform({found}, lambda byte: chr(byte)), '')"
    plain = f"json_extract_string({column}, '$')"
    return f"CASE WHEN json_type({column}) = 'ARRAY' AND {are_bytes} THEN {text} ELSE {plain} END"


def _json(name: str, column: str, path: str, structure: Any) -> Iterator[Field]:  # noqa: ANN401
    """Return the fields of a structure as ``json_group_structure`` describes it."""
    if not isinstance(structure, dict) or name.count(".") >= DEEPEST:
        return
    if len(structure) > MANY_KEYS:
        yield Field(f"{name}.keys", "VARCHAR", set_sql(f"json_keys({column}, {quote_text(path)})"))
        return
    for key, inner in sorted(structure.items(), key=itemgetter(0)):
        if key not in NO_PATH and '"' not in key:
            yield from _json_value(f"{name}.{key}", column, f'{path}."{key}"', inner)


def _json_value(name: str, column: str, path: str, structure: Any) -> Iterator[Field]:  # noqa: ANN401
    if isinstance(structure, dict):
        yield from _json(name, column, path, structure)
    elif isinstance(structure, list):
        yield Field(f"{name}.count", "BIGINT", f"json_array_length({column}, {quote_text(path)})")
        yield from _json_items(f"{name}.values", f"{name}.", column, f"{path}[*]", structure[0])
    elif structure != "NULL":
        text = f"json_extract_string({column}, {quote_text(path)})"
        kind = JSON_TYPES.get(structure, "VARCHAR")
        yield Field(name, kind, text if kind == "VARCHAR" else f"TRY_CAST({text} AS {kind})")


def _json_items(name: str, prefix: str, column: str, path: str, structure: Any) -> Iterator[Field]:  # noqa: ANN401
    if isinstance(structure, dict):
        for key, inner in sorted(structure.items(), key=itemgetter(0)):
            if key not in NO_PATH and '"' not in key:
                yield from _json_items(f"{prefix}{key}", f"{prefix}{key}.", column, f'{path}."{key}"', inner)
    elif isinstance(structure, list):
        yield from _json_items(name, prefix, column, f"{path}[*]", structure[0])
    elif structure == "DOUBLE":
        values = f"json_extract_string({column}, {quote_text(path)})"
        yield Field(f"{name}.max", "DOUBLE", f"list_max(TRY_CAST({values} AS DOUBLE[]))")
    elif structure != "NULL":
        found = set_sql(f"json_extract_string({column}, {quote_text(path)})")
        yield Field(name, "VARCHAR", f"nullif({found}, '')")  # a path that is not there finds no items
