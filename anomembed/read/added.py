"""Which columns roles add to a table, by their names; each kind of them has a module of its own."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from anomembed.read.agreement import are_agreements
from anomembed.read.elapsed import are_elapsed
from anomembed.read.measures import are_measures
from anomembed.read.places import are_places
from anomembed.read.sharing import are_shared

if TYPE_CHECKING:
    from anomembed.read.table import Table


def are_added(names: Sequence[str]) -> set[str]:
    """Return the columns that roles add to a table, by their names."""
    return are_elapsed(names) | are_shared(names) | are_agreements(names) | are_measures(names) | are_places(names)


def spelled(name: str, table: "Table") -> str:
    """Return the name of a column as its table spells it; a derived one is only there when roles are."""
    return name if are_added([name]) else table.column(name).name
