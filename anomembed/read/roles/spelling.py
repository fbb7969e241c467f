"""Values that differ only in how they are spelled: blanks around or doubled, the form of their Unicode, their case."""

from collections.abc import Sequence
from dataclasses import replace

from anomembed.read.roles.assigned import SPELLINGS, ColumnRole, spelled_sql
from anomembed.read.roles.role import Content
from anomembed.read.table import Table


def unify_spellings(table: Table, columns: Sequence[ColumnRole]) -> list[ColumnRole]:
    """Have the spellings of a value count as one in the columns where they differ, with a note that says so."""
    return [_unified(table, column) if _may_differ(column) else column for column in columns]


def _may_differ(column: ColumnRole) -> bool:
    return column.role.content is Content.VALUE and column.type == "VARCHAR"


def _unified(table: Table, column: ColumnRole) -> ColumnRole:
    ways = list(SPELLINGS)
    n_values, n_left = _counts(table, column, [], ways)
    if n_left == n_values:
        return column
    counts = _counts(table, column, *([other for other in ways if other != way] for way in ways))
    # Several may have to go together: `huber kg ` is `Huber KG` without its blank and its case.
    needed = tuple(way for way, count in zip(ways, counts, strict=True) if count > n_left) or tuple(ways)
    differ = f"differ from another only in {' or '.join(needed)}; they count as one, in the most frequent spelling"
    notes = filter(None, [column.note, f"{n_values - n_left:,} of {n_values:,} values {differ}"])
    return replace(column, spellings=needed, note="; ".join(notes))


def _counts(table: Table, column: ColumnRole, *ways: Sequence[str]) -> list[int]:
    return table.count_spellings(column.plain_sql, [spelled_sql("value", some) for some in ways])
