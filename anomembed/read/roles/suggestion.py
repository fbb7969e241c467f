"""Suggest the entity: the column that looks like who acts, such as a customer or a host, and the time of its acts.

Names decide first, counts second. Nothing is used until the user agrees: a wrong entity costs more than none.
"""

import re
from collections.abc import Mapping
from typing import NamedTuple

from anomembed.read.column_types import INTEGERS
from anomembed.read.columns import Profile
from anomembed.read.roles.assigned import USER_SPECIFIED, ColumnRole, Roles
from anomembed.read.roles.role import Role
from anomembed.read.table import Table

ACTORS = (
    *("customer", "cust", "cardholder", "member", "subscriber", "patient", "student", "employee", "emp", "user", "usr"),
    *("account", "acct", "card", "cc", "client", "sender", "payer", "operator", "cashier", "driver", "player"),
    *("terminal", "host", "machine", "node", "sensor", "vehicle", "ip", "device"),
)
"""What acts, in order of preference: people before their accounts and cards, those before machines."""
THINGS = re.compile(
    "action|category|channel|city|class|code|country|currency|department|event|kind|language|level|merchant|message|"
    "method|operation|order|page|path|product|region|request|service|session|shop|state|status|store|template|trace|"
    "transaction|type|url|version|zip"
)
"""What is acted on, or says how: never an entity by its counts alone."""
OTHERS = re.compile("dst|dest|destination|target|to|receiver|of|n|num|count|total|is|has")
"""A word in a name that makes an actor a target, a count, a flag or what something else belongs to."""
SUFFIXES = re.compile("ids?|no|nr|num|number|name|key|uid|uuid|ref")
WORDS = re.compile(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])")
GLUED = re.compile(r"(.{2,}?)(id|no|nr|num|name)")

UNNAMED = len(ACTORS)  # the rank of a column whose name says nothing
LEAST_VALUES, LEAST_RECORDS = 5, 3.0  # of a column named like an actor: values, and records per value on average
MANY_VALUES, MANY_RECORDS = 50, 10.0  # the same of any other column
MOST_NULLS = 0.5  # least share of known values of a column that names who acts
AS_MANY = 0.85  # of approximate counts of distinct values, those that are equal within their error


class Suggestion(NamedTuple):
    """A column that looks like who acts."""

    entity: str
    time: str
    """The timestamp of what it does."""
    reason: str
    """What the counts say, such as "about 2,027 values with 99 records each"."""


class _Candidate(NamedTuple):
    name: str
    rank: int
    """In `ACTORS`, or `UNNAMED`."""
    n_values: int
    n_records: float
    """Of a value, on average."""


def suggest_entity(table: Table, roles: Roles) -> Suggestion | None:
    """Suggest which column names who acts; None when none looks so, there is no time, or the user named an entity.

    One pass over the columns in question; approximate counts.

    Parameters
    ----------
    table : Table
        The open table.
    roles : Roles
        Of its columns, as `infer_roles` finds them. Columns whose role the user specified are not suggested.
    """
    times = roles.of(Role.TIMESTAMP)
    columns = [column for column in roles.of(Role.CATEGORY, Role.NUMBER) if _may_act(column)]
    if not times or not columns or roles.of(Role.ENTITY):
        return None
    named = [column.name for column in (*columns, *times)]
    profiles = dict(zip(named, table.profiles([table.column(name) for name in named]), strict=True))
    candidates = [found for column in columns if (found := _candidate(column.name, profiles[column.name]))]
    if not candidates:
        return None
    best = min(candidates, key=lambda found: (found.rank, -found.n_values if found.rank == UNNAMED else 0))
    reason = f"about {best.n_values:,} values with {best.n_records:,.0f} records each"
    return Suggestion(best.name, _choose_time(times, profiles), reason)


def find_event_time(table: Table, roles: Roles) -> str | None:
    """Return the time that says when records were: the finest; None without a time."""
    times = roles.of(Role.TIMESTAMP)
    if len(times) < 2:
        return times[0].name if times else None
    names = [time.name for time in times]
    profiles = dict(zip(names, table.profiles([table.column(name) for name in names]), strict=True))
    return _choose_time(times, profiles)


def _may_act(column: ColumnRole) -> bool:
    """Tell whether a column's role and type admit names of actors; whole numbers do when the column is named so."""
    if column.reason == USER_SPECIFIED:
        return False
    if column.role is Role.NUMBER:
        return INTEGERS.match(column.type) is not None and actor_rank(column.name) is not None
    return column.type != "BOOLEAN"


def actor_rank(name: str) -> int | None:
    """Return the rank in `ACTORS` of what a column is named after.

    Examples
    --------
    >>> actor_rank("CUSTOMER_ID") == actor_rank("customerId") == actor_rank("customers") == 0
    True
    >>> actor_rank("customer_country"), actor_rank("n_users"), actor_rank("dst_ip")
    (None, None, None)
    """
    words = _words(name)
    if not words or any(map(OTHERS.fullmatch, words)):
        return None
    last = words[-1]
    glued = GLUED.fullmatch(last)
    spelled = (last, last.removesuffix("s"), glued[1] if glued else last)
    return next((ACTORS.index(word) for word in spelled if word in ACTORS), None)


def _words(name: str) -> list[str]:
    """Return the words of a column's name, without those at its end that say it is a name or a number."""
    words = [word.lower() for word in WORDS.findall(name.rpartition(".")[2])]
    while words and SUFFIXES.fullmatch(words[-1]):
        words.pop()
    return words


def _candidate(name: str, profile: Profile) -> _Candidate | None:
    """Return what the name and the counts of a column say, unless they rule it out."""
    n_known, rank = profile.n_records - profile.n_nulls, actor_rank(name)
    is_thing = rank is None and any(THINGS.fullmatch(word) or OTHERS.fullmatch(word) for word in _words(name))
    if is_thing or n_known <= MOST_NULLS * profile.n_records:
        return None
    n_values, n_records = profile.n_distinct, n_known / profile.n_distinct
    least_values, least_records = (MANY_VALUES, MANY_RECORDS) if rank is None else (LEAST_VALUES, LEAST_RECORDS)
    if n_values < least_values or n_records < least_records:
        return None
    return _Candidate(name, UNNAMED if rank is None else rank, n_values, n_records)


def _choose_time(times: tuple[ColumnRole, ...], profiles: Mapping[str, Profile]) -> str:
    """Return the finest time among those with the fewest nulls; a birthday or an expiry has fewer values."""
    least_nulls = min(profiles[time.name].n_nulls for time in times)
    known = [time.name for time in times if profiles[time.name].n_nulls == least_nulls]
    most_values = max(profiles[name].n_distinct for name in known)
    return next(name for name in known if profiles[name].n_distinct >= AS_MANY * most_values)
