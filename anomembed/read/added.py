"""Columns that roles add to a table, from what its others say together; each kind of them has a module of its own.

A kind is told by the names of its columns, so that roles that were kept find them again in another table.
"""

from collections.abc import Collection, Iterator, Sequence
from typing import TYPE_CHECKING

from anomembed.read.added_column import AddedColumn
from anomembed.read.agreement import are_agreements, find_agreements
from anomembed.read.elapsed import are_elapsed, find_elapsed
from anomembed.read.measures import are_measures, find_measures
from anomembed.read.places import are_places, find_places
from anomembed.read.presence import are_presence, find_presence
from anomembed.read.ratios import are_ratios, find_ratios
from anomembed.read.roles.role import JUDGED, Role
from anomembed.read.sharing import are_shared, find_shared
from anomembed.read.sums import find_sums

if TYPE_CHECKING:
    from anomembed.read.roles.assigned import ColumnRole
    from anomembed.read.table import Table

KINDS = (are_elapsed, are_shared, are_agreements, are_measures, are_places, are_presence, are_ratios)


def are_added(names: Sequence[str]) -> set[str]:
    """Return the columns that roles add to a table, by their names."""
    return set[str]().union(*(are(names) for are in KINDS))


def spelled(name: str, table: "Table") -> str:
    """Return the name of a column as its table spells it; a derived one is only there when roles are."""
    return name if are_added([name]) else table.column(name).name


def find_added(
    table: "Table",
    columns: "Sequence[ColumnRole]",
    named: Collection[str] = (),
    *,
    owned: "Sequence[ColumnRole]" = (),
    placed: "Sequence[ColumnRole]" = (),
    find: bool = True,
) -> Iterator[AddedColumn]:
    """Yield what the columns of a table say together; those that come first are in the table when the next are found.

    Parameters
    ----------
    table : Table
        The open table.
    columns : sequence of ColumnRole
        Its columns, with their roles.
    named : collection of str
        What is wanted in any case: names in small letters.
    owned, placed : sequence of ColumnRole
        Those of which nearly every record has a value of its own; `placed` also where it is text.
    find : bool, default=True
        Also look for what tells something.
    """
    judged = [column for column in columns if column.role in JUDGED]
    moments = [column for column in columns if column.role is Role.TIMESTAMP]
    names, numbers, texts = (
        [column for column in columns if find and column.role in roles]
        for roles in ((Role.CATEGORY, Role.ENTITY), (Role.NUMBER,), (Role.TEXT,))
    )
    yield from find_elapsed(table, moments, named, find=find)
    yield from find_shared(table, owned, named)
    yield from find_agreements(table, [*names, *owned], named, numbers)
    yield from find_sums(table, judged, named, find=find)
    yield from find_ratios(table, judged, named, find=find)
    yield from find_places(table, [*names, *placed], named)
    yield from find_presence(table, [column for column in placed if column.role is Role.IGNORE], named)
    yield from find_measures(table, texts, named)
