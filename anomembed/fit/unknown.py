"""Notes on what is taken as missing: who acts, which sequence, when."""

from anomembed.read.column_types import MOMENTS, is_moment_sql
from anomembed.read.relation import named_sql
from anomembed.read.roles.assigned import Roles
from anomembed.read.roles.role import Role
from anomembed.read.table import Table


def note_nobody(table: Table, roles: Roles, where: str | None) -> list[str]:
    """Return a note for every entity column with records that name nobody; nobody has a past or habits.

    Parameters
    ----------
    table : Table
        The open table.
    roles : Roles
        Of its columns.
    where : str or None
        SQL condition of the reference.
    """
    notes, n_records = [], table.count(where)
    for column in roles.of(Role.ENTITY):
        n_unnamed = n_records - table.count(_both(where, named_sql([table.column(column.name)])))
        if n_unnamed > 0:
            of = f"{n_unnamed:,} of {n_records:,} records"
            notes.append(f"{of} have no {column.name}: they are nobody's, and compared with nobody's past")
    return notes


def note_unsequenced(table: Table, roles: Roles, where: str | None) -> list[str]:
    """Return a note when events are in no sequence, because they name none, or have no entity or time."""
    n_events = table.count(where)
    n_left_out = n_events - table.count(_both(where, named_sql([table.column(column.name) for column in roles.key])))
    if n_left_out <= 0:
        return []
    lacking = " or ".join(column.name for column in roles.of(Role.ENTITY))
    if not table.is_derived(roles.key[0].name):
        lacking = roles.key[0].name
    elif not lacking:
        lacking = "time"
    return [f"{n_left_out:,} of {n_events:,} events have no {lacking}: they are in no sequence"]


def note_moments(table: Table, roles: Roles, where: str | None) -> list[str]:
    """Return a note for every column with moments that are infinite, or in no year from 1 to 9999."""
    notes = []
    for column in roles.of(Role.TIMESTAMP, Role.ORDER):
        if not MOMENTS.match(column.type):
            continue
        beyond = f"{column.expression} IS NOT NULL AND NOT ({is_moment_sql(column.expression, column.type)})"
        if n_beyond := table.count(_both(where, beyond)):
            of = f"in {n_beyond:,} of {table.count(where):,} records"
            notes.append(f"{of}, {column.name} is infinite or not in the years 1 to 9999: it counts as missing")
    return notes


def _both(where: str | None, condition: str) -> str:
    return f"(\n{where}\n) AND ({condition})" if where else condition
