"""Check that the key names the records."""

from anomembed.errors import DataError
from anomembed.read.roles.assigned import Roles
from anomembed.read.table import VALUE, Table

SCORED = ("raw_score", "tail_probability", "flagged", "view", "reason")
OURS = {*SCORED, "rank", "extrapolated", "record_values", "finding"}  # columns of results


def check_key(roles: Roles, table: Table, where: str | None) -> None:
    """See whether the key does name the records.

    Raises
    ------
    DataError
        When two records share a key, or one has none.
    """
    key = tuple(column.name for column in roles.key)
    taken = {name for name in key if name.casefold() in OURS or name.startswith(VALUE)}
    if taken:
        raise DataError(
            f"a key column cannot be called {', '.join(sorted(taken))}: the scores have a column of that name"
        )
    # The key of sequences names many rows.
    if key and not roles.is_sequential and not table.is_unique([table.column(name) for name in key], where):
        raise DataError(f"{', '.join(key)} does not name the records of {table.name}: a value is null or occurs twice")
