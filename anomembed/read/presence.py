"""Whether a record has what nearly every other has for itself: columns such as ``has original_sale``.

The number of a sale, an order or a receipt says nothing of other records, so it is not used. That a refund has none
does, where all other refunds have one. Of text the tokens of an identifier say so.
"""

from collections.abc import Collection, Iterable, Iterator
from typing import TYPE_CHECKING

from anomembed.read.added_column import AddedColumn
from anomembed.read.sharing import PREFIX as SHARED
from anomembed.read.sharing import value_sql

if TYPE_CHECKING:
    from anomembed.read.roles.assigned import ColumnRole
    from anomembed.read.table import Table

PREFIX = "has "
YES, NO = "yes", "no"
MOST = 8  # columns of a table


def find_presence(
    table: "Table", columns: "Iterable[ColumnRole]", named: Collection[str] = ()
) -> Iterator[AddedColumn]:
    """Return whether each has a value, of the columns that some records lack.

    Parameters
    ----------
    table : Table
        The open table; where it has the count of those that share a value, that says so.
    columns : iterable of ColumnRole
        Its columns of which nearly every record has a value of its own.
    named : collection of str
        Such columns that are wanted besides, of whichever columns: their names in small letters.
    """
    owned = {column.name for column in columns}
    counted = {column.name for column in table.columns}
    tried = [c for c in table.columns if c.name in owned and SHARED + c.name not in counted][:MOST]
    lacking = table.aggregate([f"count(*) - count({value_sql(c.expression)})" for c in tried]) if tried else ()
    some = {column.name for column, n in zip(tried, lacking, strict=True) if n}
    for column in table.columns:
        name = PREFIX + column.name
        if column.name in some or name.casefold() in named:
            has = f"{value_sql(column.expression)} IS NOT NULL"
            yield AddedColumn(name, f"CASE WHEN {has} THEN '{YES}' ELSE '{NO}' END")


def are_presence(names: Iterable[str]) -> set[str]:
    """Return the columns that are whether a record has a value, by their names."""
    return {name for name in names if name.casefold().startswith(PREFIX)}
