"""Which columns roles add to a table, by their names; each kind of them has a module of its own."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from anomembed.read.agreement import are_agreements
from anomembed.read.elapsed import are_elapsed
from anomembed.read.measures import are_measures
from anomembed.read.places import are_places
from anomembed.read.presence import are_presence
from anomembed.read.ratios import are_ratios
from anomembed.read.sharing import are_shared

if TYPE_CHECKING:
    from anomembed.read.table import Table


def are_added(names: Sequence[str]) -> set[str]:
    """Return the columns that roles add to a table, by their names."""
    kinds = (are_elapsed, are_shared, are_agreements, are_measures, are_places, are_presence, are_ratios)
    return set[str]().union(*(are(names) for are in kinds))


def spelled(name: str, table: "Table") -> str:
    """Return the name of a column as its table spells it; a derived one is only there when roles are."""
    return name if are_added([name]) else table.column(name).name
