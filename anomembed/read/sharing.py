"""Records that share what nearly every record has for itself: columns such as ``records with the same bank_account``.

Three employees who are paid into one account, or an invoice number that is there twice, have nothing else that is
unusual. What such a column holds says nothing about other records, so it is not used; how many records hold it does.
"""

from collections.abc import Collection, Iterable, Iterator
from typing import TYPE_CHECKING

from anomembed.read.added_column import AddedColumn
from anomembed.read.quoting import quote_identifier

if TYPE_CHECKING:
    from anomembed.read.roles.assigned import ColumnRole
    from anomembed.read.table import Table

PREFIX = "records with the same "
HELD = "value of "  # prefix of what is read beside such a column
MOST = 8  # columns of a table
MOST_SHARED = 0.02  # share of the records that have a value of others, from which that tells nothing
LEAST_OWN = 0.85  # share of distinct values: the count that says so is approximate, to less than 15 %
MOST_SPACES = 0.5  # per value, on average: two people may have one name, and a household one address


def find_shared(table: "Table", columns: "Iterable[ColumnRole]", named: Collection[str] = ()) -> Iterator[AddedColumn]:
    """Return how many records have the value of each, of the columns of which few share one.

    It is 1 for its own, and null without one.

    Parameters
    ----------
    table : Table
        The open table.
    columns : iterable of ColumnRole
        Its columns of which nearly every record has a value of its own.
    named : collection of str
        Counts that are wanted besides, of whichever columns: their names in small letters.
    """
    owned = {column.name for column in columns if column.expression == quote_identifier(column.name)}
    wanted = {column.name for column in table.columns if (PREFIX + column.name).casefold() in named}
    counted = [column for column in table.columns if column.name in owned][:MOST]
    for column in dict.fromkeys([*counted, *(column for column in table.columns if column.name in wanted)]):
        alike = table.count_alike(value_sql(column.expression))
        if column.name in wanted or 0 < alike.n_records <= MOST_SHARED * table.count():
            yield AddedColumn(PREFIX + column.name, alike.sql, is_joined=True)


def shared_values(table: "Table", names: Iterable[str]) -> dict[str, str]:
    """Return the SQL of the values that are shared, null for what a record has for itself.

    Parameters
    ----------
    table : Table
        The open table, to which the counts of `find_shared` were added.
    names : iterable of str
        Its columns that are used.

    Returns
    -------
    dict of str to str
        By what the values are read as: `HELD` and the name of the count.
    """
    owners = {name: table.column(name[len(PREFIX) :]) for name in sorted(are_shared(names)) if table.is_derived(name)}
    return {
        HELD + name: f"CASE WHEN {table.column(name).expression} > 1 THEN {value_sql(owner.expression)} END"
        for name, owner in owners.items()
    }


def are_shared(names: Iterable[str]) -> set[str]:
    """Return the columns that are how many records share a value, by their names."""
    return {name for name in names if name.casefold().startswith(PREFIX)}


def is_own(n_distinct: int, n_known: int, mean_spaces: float) -> bool:
    """Tell whether nearly every record has a value of its own, which is no text."""
    return n_distinct >= LEAST_OWN * n_known and mean_spaces < MOST_SPACES


def value_sql(expression: str) -> str:
    """Return SQL of a value as text; null for blank text, which nobody has for himself."""
    return f"nullif(trim(CAST({expression} AS VARCHAR)), '')"
