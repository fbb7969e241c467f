"""Infer the role of every column of a table; what the user specifies always wins."""

from collections.abc import Container, Iterator, Mapping, Sequence
from dataclasses import replace

from anomembed.errors import DataError, SourceError, first_names
from anomembed.read.added import are_added, find_added
from anomembed.read.agreement import are_agreements
from anomembed.read.column_types import MOMENTS
from anomembed.read.columns import Column, Profile
from anomembed.read.roles.assigned import USER_SPECIFIED, ColumnRole, Roles
from anomembed.read.roles.clocks import leave_out_clocks
from anomembed.read.roles.labels import find_labels, is_named_label
from anomembed.read.roles.role import JUDGED, Content, Role
from anomembed.read.roles.rules import OWN, RULES, Evidence, is_key_name, looks_like_key
from anomembed.read.roles.spelling import unify_spellings
from anomembed.read.sharing import is_own
from anomembed.read.table import Table
from anomembed.read.vector_columns import check_vector, find_widths
from anomembed.read.written.candidate import ENOUGH
from anomembed.read.written.lists import find_lists
from anomembed.read.written.recognising import Found, find_written
from anomembed.read.written.style import PLAIN

UNIQUE_ESTIMATE = 0.85  # share of distinct values that may be all: the count is approximate, to less than 15 %


def infer_roles(
    table: Table,
    given: Mapping[Role, Sequence[str]] | None = None,
    *,
    find_key: bool = True,
    where: str | None = None,
    time_format: str | None = None,
) -> Roles:
    """Give every column of `table` a role.

    Parameters
    ----------
    table : Table
        The open table.
    given : mapping of Role to column names, optional
        What the user specifies; it always wins.
    find_key : bool, default=True
        Take a unique column for the key; False when records are identified by row number.
    where : str, optional
        SQL condition of the reference, in which the vectors of a column must have the same length; all by default.
    time_format : str, optional
        Format of times that are text, for DuckDB's ``strptime``; by default recognised.

    Returns
    -------
    Roles
        One entry per column, each with its reason.

    Raises
    ------
    SourceError
        When a named column does not exist, is given two roles, or cannot be read as the role says.
    DataError
        When the table is empty or has one record, or no column can be scored.
    """
    given, derived = _split_derived(table, given or {})
    specified = _by_column(table, given)
    evidence = _gather(table, specified, where, time_format, find_key=find_key)
    columns = leave_out_clocks(table, [_assign(each) for each in evidence])
    placed = [(c, e.profile) for c, e in zip(columns, evidence, strict=True) if not e.given and OWN in c.reason]
    owned = [column for column, profile in placed if find_key and _is_own(profile)]
    columns += list(_add_columns(table, columns, owned, [column for column, _ in placed], derived))
    for name in derived:
        table.column(name)  # says that there is none
    roles = Roles(tuple(unify_spellings(table, columns)))
    _check_readable(table, roles, specified)
    if not roles.judged:
        why = "; ".join(f"{c.name}: {c.reason}" for c in roles.columns[:5])
        raise DataError(f"no column of {table.name} can be scored ({why})")
    return roles


def _split_derived(table: Table, given: Mapping[Role, Sequence[str]]) -> tuple[dict[Role, list[str]], dict[str, Role]]:
    """Set aside derived columns, which a table does not have yet; return the rest, and the role of each of these."""
    known = {column.name.casefold() for column in table.columns}
    of_table, derived = dict[Role, list[str]](), dict[str, Role]()
    for role, names in given.items():
        later = {name for name in are_added(names) if name.casefold() not in known}
        of_table[role] = [name for name in names if name not in later]
        for name in later:
            _specify(derived, name, role)
    return of_table, derived


def _add_columns(
    table: Table,
    columns: Sequence[ColumnRole],
    owned: Sequence[ColumnRole],
    placed: Sequence[ColumnRole],
    given: Mapping[str, Role],
) -> Iterator[ColumnRole]:
    """Add to a table what its columns say together, and yield the roles; `given` is the role of what has one."""
    named = {name.casefold(): role for name, role in given.items()}
    known = {column.name.casefold() for column in table.columns}
    has_key = any(column.role is Role.KEY for column in columns)
    found = find_added(table, columns, named, owned=owned, placed=placed)
    for added in found:
        if added.name.casefold() not in known:
            table.derive(added.name, added.sql, keep_order=added.is_joined and not has_key)
            yield _derived(table, added.name, named)


def _derived(table: Table, name: str, named: Mapping[str, Role]) -> ColumnRole:
    """Return the role of a column that was derived; `named` has those that are given."""
    column = table.column(name)
    profile, role = table.profiles([column])[0], named.get(name.casefold())
    assigned = _assign(Evidence(column, profile, role, is_key=False, width=None))
    if role is None and are_agreements([name]):  # where two always agree, later records may not
        return replace(assigned, role=Role.CATEGORY, reason="whether the two columns agree")
    return assigned


def _is_own(profile: Profile) -> bool:
    """Tell whether nearly every record that has a value has its own, which is no text."""
    return is_own(profile.n_distinct, profile.n_records - profile.n_nulls, profile.mean_spaces)


def _by_column(table: Table, given: Mapping[Role, Sequence[str]]) -> dict[str, Role]:
    """Return the role of each column that the user specifies."""
    specified: dict[str, Role] = {}
    for role, names in given.items():
        for name in (table.column(spelled).name for spelled in names):
            _specify(specified, name, role)
    return specified


def _specify(specified: dict[str, Role], name: str, role: Role) -> None:
    if specified.setdefault(name, role) is not role:
        raise SourceError(f"column {name} is given two roles: {specified[name]} and {role}")


def _gather(
    table: Table, specified: Mapping[str, Role], where: str | None, time_format: str | None, *, find_key: bool
) -> list[Evidence]:
    """Profile the table."""
    profiles = table.profiles(table.columns)
    _check_size(table, profiles[0].n_records if profiles else 0)
    described = {column.name: profile for column, profile in zip(table.columns, profiles, strict=True)}
    found = find_written(table, described, specified, time_format)
    if time_format and not any(each.written.formats == (time_format,) for each in found.values()):
        raise SourceError(
            f"no column of {table.name} holds times in the format {time_format}, which is written like %d/%m/%Y %H:%M"
        )
    left = {name: profile for name, profile in described.items() if name not in found and name != table.message}
    found |= find_lists(table, left, specified)
    parts = _find_parts(table, described, specified, found)
    taken = {*specified, *parts, *(name for name, each in found.items() if each.written.is_read)}
    key = _find_key(table, profiles, specified, taken) if find_key else None
    widths = find_widths(table, profiles, where)
    labels = find_labels(table, table.columns, profiles, specified)
    return [
        Evidence(
            column,
            profile,
            given=specified.get(column.name),
            is_key=column.name == key,
            width=widths.get(column.name),
            label=labels.get(column.name),
            is_message=column.name == table.message,
            found=found.get(column.name),
            left_out=parts.get(column.name, ""),
        )
        for column, profile in zip(table.columns, profiles, strict=True)
    ]


def _find_parts(
    table: Table, profiles: Mapping[str, Profile], specified: Mapping[str, Role], found: Mapping[str, Found]
) -> dict[str, str]:
    """Return why the parts of a moment are not used beside it, or it not beside them."""
    if not table.split:
        return {}
    name, parts, _ = table.split
    profile = profiles[name]
    times = {name for name, each in found.items() if each.role is Role.TIMESTAMP} - {name, *parts}
    is_whole = profile.n_records - profile.n_nulls >= ENOUGH * profile.n_records
    if is_whole and not times and not specified.keys() & set(parts):
        return dict.fromkeys(parts, f"a part of {name}")
    return {} if name in specified else {name: "its parts are used by themselves"}


def _check_size(table: Table, n_records: int) -> None:
    if n_records == 0:
        names = [column.name for column in table.columns]
        has_names = f"{table.name} has columns ({first_names(names)}), but no records"
        raise DataError(has_names if names else f"{table.name} is empty")
    if n_records == 1:
        raise DataError(f"{table.name} has one record; normal behaviour needs at least 2")


def _find_key(
    table: Table, profiles: Sequence[Profile], specified: Mapping[str, Role], taken: Container[str]
) -> str | None:
    """Return the first unique column, those that are named like a key before the others."""
    if Role.KEY in specified.values():
        return None
    candidates = [
        column
        for column, profile in zip(table.columns, profiles, strict=True)
        if column.name not in taken and _may_name_records(column, profile)
    ]
    candidates.sort(key=lambda column: (not is_key_name(column.name), column.name.count(".")))
    return next((column.name for column in candidates if table.is_unique([column])), None)


def _may_name_records(column: Column, profile: Profile) -> bool:
    is_whole = profile.n_nulls == 0 and profile.n_distinct >= UNIQUE_ESTIMATE * profile.n_records
    return is_whole and looks_like_key(column, profile)


def _assign(evidence: Evidence) -> ColumnRole:
    column = evidence.column
    role, reason = _by_rules(evidence)
    if evidence.given is Role.IGNORE:  # a configuration says so of what would not be used in any case, too
        unasked, why = _by_rules(evidence._replace(given=None))
        reason = why if unasked is Role.IGNORE else reason
    note = ""
    if evidence.label:
        note = f"{evidence.label}; it is left out (--category {column.name} uses it)"
    elif not evidence.given and role in JUDGED and is_named_label(column.name):
        note = f"named like a label; it is used all the same (--ignore {column.name} leaves it out)"
    assigned = ColumnRole(column.name, column.type, column.expression, role, reason, note=note)
    if role.content is Content.VECTOR:
        return replace(assigned, width=check_vector(column, evidence.width))
    return _as_written(assigned, evidence.found)


def _by_rules(evidence: Evidence) -> tuple[Role, str]:
    return next(found for rule in RULES if (found := rule(evidence)))


def _as_written(column: ColumnRole, found: Found | None) -> ColumnRole:
    """Return a column with the way it is written, when that was found for its role."""
    if not found or found.role is not column.role:
        return column
    reason = column.reason if column.reason == USER_SPECIFIED else "; ".join([column.reason, *found.remarks])
    is_as_typed = found.written == PLAIN and MOMENTS.match(column.type)
    return replace(column, reason=reason, written=None if is_as_typed else found.written, note="; ".join(found.remarks))


def _check_readable(table: Table, roles: Roles, specified: Mapping[str, Role]) -> None:
    """Refuse a number or a moment that no value of the column can be read as."""
    for column in (*roles.holding(Content.NUMBER), *roles.holding(Content.MOMENT)):
        if column.name in specified and not table.count(f"{column.plain_sql} IS NOT NULL"):
            raise SourceError(f"no value of column {column.name} ({column.type}) can be read as a {column.role}")
