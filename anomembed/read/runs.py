"""How often a number has been the same in the last records of an entity, in a row.

A sensor that hangs goes on to send its last value. Only numbers that mostly change are looked at: those that keep their
value for long, such as a price or a level, say nothing by it.
"""

from collections.abc import Sequence

from anomembed.read.roles.assigned import Roles
from anomembed.read.roles.role import Content
from anomembed.read.table import Table

PREFIX = "past: same "  # starts the names of the derived columns
MOST_NUMBERS = 8  # that are looked at
MOST_REPEATED = 0.5  # share of its values that may be followed by the same one
SAMPLED = 200_000  # about how many records decide on that


def runs_of(numbers: Sequence[str]) -> tuple[str, ...]:
    """Return the names of the derived columns."""
    return tuple(PREFIX + name for name in numbers)


def find_varying(table: Table, roles: Roles, entity: str, time: str) -> tuple[str, ...]:
    """Choose the numbers that mostly change from one record of an entity to the next.

    Parameters
    ----------
    table : Table
        The open table.
    roles : Roles
        Of its columns.
    entity, time : str
        Columns that say who acts, and when.
    """
    numbers = [column.name for column in roles.holding(Content.NUMBER)][:MOST_NUMBERS]
    if not numbers:
        return ()
    select = roles.select()
    who, when = select[entity], select[time]
    few = table.hashed_share([table.column(entity)], 0, min(1.0, SAMPLED / max(table.count(), 1)))
    same = (f"CAST({sql} = lag({sql}) OVER stream AS INTEGER)" for sql in (select[name] for name in numbers))
    named = ", ".join(f"{sql} AS same_{at}" for at, sql in enumerate(same))
    pairs = (
        f"SELECT {named} FROM records WHERE {few} AND {who} IS NOT NULL AND {when} IS NOT NULL "
        f"WINDOW stream AS (PARTITION BY {who} ORDER BY {when}, {roles.identity(table)})"
    )
    shares = ", ".join(f"avg(same_{at})" for at in range(len(numbers)))
    (found,) = table.find(f"WITH pairs AS ({pairs}) SELECT {shares} FROM pairs")
    seldom = [share is not None and share < MOST_REPEATED for share in found]
    return tuple(name for name, is_varying in zip(numbers, seldom, strict=True) if is_varying)
