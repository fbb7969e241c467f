"""How often a number has been the same in the last records of an entity, in a row: columns that SQL computes.

A sensor that hangs goes on to send its last value. Only numbers that mostly change are looked at: those that keep their
value for long, such as a price or a level, say nothing by it.
"""

from collections.abc import Mapping, Sequence

from anomembed.read.queries import query
from anomembed.read.quoting import quote_identifier
from anomembed.read.roles.assigned import Roles
from anomembed.read.roles.role import Content
from anomembed.read.table import HASH, Table

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


def runs_sql(numbers: Mapping[str, str], entity: str, time: str, identity: str) -> str:
    """Return the query, from runs.sql, of the columns of `runs_of`.

    Parameters
    ----------
    numbers : mapping of str to str
        SQL of the numbers, by name.
    entity, time, identity : str
        SQL of who acts and when, and of what separates records at one moment.
    """
    changed = "if({0} = lag({0}) OVER stream, NULL, row_number() OVER stream)"
    changes = {quote_identifier(f"past: change of {name}"): changed.format(sql) for name, sql in numbers.items()}
    runs = [quote_identifier(name) for name in runs_of(list(numbers))]
    counts = (f'CAST("past: row" - max({change}) OVER so_far + 1 AS FLOAT)' for change in changes)
    return query(
        "runs",
        position=HASH,
        entity=entity,
        time=time,
        identity=identity,
        changes=", ".join(f"{sql} AS {name}" for name, sql in changes.items()),
        counts=", ".join(f"{sql} AS {name}" for sql, name in zip(counts, runs, strict=True)),
    )
