"""Values that differ only in how they are spelled: blanks around or doubled, the form of their Unicode, their case."""

from collections.abc import Sequence
from dataclasses import replace

from anomembed.read.roles.columns import SPELLINGS, ColumnRole, spelled_sql
from anomembed.read.roles.role import Content
from anomembed.read.table import Table


def unify_spellings(table: Table, columns: Sequence[ColumnRole]) -> list[ColumnRole]:
    """Have the spellings of a value count as one in the columns where they differ, with a note that says so."""
    return [_unified(table, column) if _may_differ(column) else column for column in columns]


def _may_differ(column: ColumnRole) -> bool:
    return column.role.content is Content.VALUE and column.type == "VARCHAR"


def _unified(table: Table, column: ColumnRole) -> ColumnRole:
    counts = table.count_spellings(
        column.plain_sql, [spelled_sql("value", list(SPELLINGS)[:n]) for n in range(len(SPELLINGS) + 1)]
    )
    ways = tuple(way for way, before, after in zip(SPELLINGS, counts, counts[1:], strict=False) if after < before)
    if not ways:
        return column
    differ = f"differ from another only in {' or '.join(ways)}; they count as one"
    notes = filter(None, [column.note, f"{counts[0] - counts[-1]:,} of {counts[0]:,} values {differ}"])
    return replace(column, spellings=ways, note="; ".join(notes))
