"""What part does each column play? Inferred from its type and values, overridden by the user, never in silence.

The rules are tried in this order; the first that fits decides, and its words are the reason that is shown:

1. what the user says;
2. all null, constant, a map, binary or a list of anything but numbers: ignored; arrays of numbers, and lists of them
   that have the same length throughout: vector;
3. the first column that is unique and not null, and whose type can name a record: the key, names like a key's first;
4. dates and times, also written as ISO text: timestamp;
5. fractions: number; whole numbers: category when they are few or named like a code, else number;
6. text: free text when it is long and made of words, also when nearly every record has its own; ignored when nearly
   every record has its own name; else category.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum

from anomembed.errors import DataError, SourceError
from anomembed.read.columns import Column, Profile
from anomembed.read.table import ROW_NUMBER, Table
from anomembed.read.vector_columns import check_width, find_widths, is_vector, vector_sql

FEW_INTEGERS = 8  # whole numbers with no more values than this are names rather than amounts
NEARLY_UNIQUE = 0.5  # share of distinct values above which a column says nothing about other records
MIN_RECORDS_FOR_SHARES = 50  # in a smaller table most columns are nearly unique
TEXT_LENGTH, TEXT_SPACES = 30.0, 3.0  # means above which a column is free text
MESSAGE_SPACES = 2.0  # the same of a column in which nearly every record has its own

PROCESS_NAME = re.compile(r"(p?pid|tid|(process|thread)_?id)$", re.IGNORECASE)
CODE_NAME = re.compile(r"(^|[_\s.])(id|ids|code|key|type|kind|class|status|flag|zip|postcode|port)$|[a-z](Id|ID|Code)$")
FRACTIONS = re.compile(r"(FLOAT|DOUBLE|REAL|DECIMAL)")
INTEGERS = re.compile(r"U?(TINYINT|SMALLINT|INTEGER|BIGINT|HUGEINT)$")
MOMENTS = re.compile(r"(DATE|TIMESTAMP)")
NAMES = re.compile(r"(VARCHAR|UUID|ENUM|BOOLEAN)")
ISO_DATE = re.compile(r"\d{4}-\d{2}-\d{2}")


class Role(StrEnum):
    """What a column is used for."""

    KEY = "key"
    """Names the record; never part of its judgement."""
    TIMESTAMP = "timestamp"
    """When: hour of day and day of week are judged."""
    ENTITY = "entity"
    """Who acts; judged as a category."""
    EVENT = "event"
    """What happened, in a sequence."""
    ORDER = "order"
    """Places events in their sequence."""
    CATEGORY = "category"
    """One of a set of values."""
    NUMBER = "number"
    """A magnitude."""
    TEXT = "text"
    """Free text; its template and the parameters in it are judged."""
    VECTOR = "vector"
    """Numbers of which each tells little: an embedding of an image, a text or a sound; judged as a whole."""
    IGNORE = "ignore"
    """Not judged."""


JUDGED = (Role.TIMESTAMP, Role.ENTITY, Role.CATEGORY, Role.NUMBER, Role.TEXT, Role.VECTOR)


@dataclass(frozen=True)
class ColumnRole:
    """A column, its role, and why."""

    name: str
    type: str
    expression: str
    role: Role
    reason: str
    width: int = 0
    """Numbers of a vector; 0 for all other roles."""


@dataclass(frozen=True)
class Roles:
    """The roles of all columns of a table, in its order."""

    columns: tuple[ColumnRole, ...]

    def of(self, *roles: Role) -> tuple[ColumnRole, ...]:
        """Return the columns that have one of `roles`."""
        return tuple(column for column in self.columns if column.role in roles)

    @property
    def key(self) -> tuple[ColumnRole, ...]:
        """Key columns; empty when records are told apart by their row number."""
        return self.of(Role.KEY)

    @property
    def key_names(self) -> tuple[str, ...]:
        """Names of the key columns in results; that of the row number without any."""
        return tuple(column.name for column in self.key) or (ROW_NUMBER,)

    @property
    def judged(self) -> tuple[ColumnRole, ...]:
        """Columns that take part in a record's judgement."""
        return self.of(*JUDGED)

    @property
    def is_sequential(self) -> bool:
        """Whether whole sequences are judged instead of single records."""
        return bool(self.of(Role.EVENT))

    @property
    def n_values(self) -> int:
        """Values of a record that are judged; a vector counts as many as it has numbers."""
        return sum(max(column.width, 1) for column in self.judged)

    def select(self) -> dict[str, str]:
        """Return the SQL that reads each judged column in its plain type: text, DOUBLE, TIMESTAMP or FLOAT[n]."""
        return {column.name: _plain(column) for column in self.judged}


def _plain(column: ColumnRole) -> str:
    value, kind = column.expression, column.type
    if column.role is Role.TIMESTAMP:
        if "WITH TIME ZONE" in kind:
            return f"({value} AT TIME ZONE 'UTC')"
        return f"TRY_CAST({value} AS TIMESTAMP)"
    if column.role is Role.VECTOR:
        return vector_sql(value, kind, column.width)
    if column.role is Role.NUMBER:
        if kind in ("INTERVAL", "TIME") or MOMENTS.match(kind):
            return f"CAST(epoch({value}) AS DOUBLE)"
        return f"TRY_CAST({value} AS DOUBLE)"
    return f"CAST({value} AS VARCHAR)"


def infer_roles(
    table: Table,
    said: Mapping[Role, Sequence[str]] | None = None,
    *,
    find_key: bool = True,
    where: str | None = None,
) -> Roles:
    """Give every column of `table` a role.

    Parameters
    ----------
    table : Table
        The open table.
    said : mapping of Role to column names, optional
        What the user says; it always wins.
    find_key : bool, default=True
        Take a unique column for the key; False when records are told apart by their place.
    where : str, optional
        SQL condition of the reference, in which the vectors of a column must have the same length; all by default.

    Returns
    -------
    Roles
        One entry per column, each with its reason.

    Raises
    ------
    SourceError
        When a named column does not exist or is given two roles.
    DataError
        When the table is empty or has one record, or no column can be judged.
    """
    told = _told(table, said or {})
    profiles = table.profiles(table.columns)
    _check_size(table, profiles[0].n_records if profiles else 0)
    key = _find_key(table, profiles, told) if find_key else None
    widths = find_widths(table, profiles, where)
    columns = []
    for column, profile in zip(table.columns, profiles, strict=True):
        found = widths.get(column.name)
        role, reason = _judge(column, profile, told, key, found)
        _check_vector(column, role, found)
        width = found[0] if found and role is Role.VECTOR else 0
        columns.append(ColumnRole(column.name, column.type, column.expression, role, reason, width))
    roles = Roles(tuple(columns))
    _check_told(table, roles, told)
    if not roles.judged:
        why = "; ".join(f"{c.name}: {c.reason}" for c in roles.columns[:5])
        raise DataError(f"no column of {table.name} can be judged ({why})")
    return roles


def match_roles(roles: Roles, table: Table) -> Roles:
    """Find the columns of fitted `roles` in another table.

    Returns
    -------
    Roles
        The same roles, read from the columns of `table`.

    Raises
    ------
    SourceError
        When a column that is needed is missing, or has become another kind of thing.
    """
    matched = []
    for fitted in (*roles.key, *roles.of(Role.ORDER, Role.EVENT), *roles.judged):
        column = table.column(fitted.name)
        if _kind(column.type) != _kind(fitted.type):
            raise SourceError(
                f"column {fitted.name} of {table.name} is {column.type}, but the model was fitted on {fitted.type}"
            )
        if fitted.role is Role.VECTOR:
            check_width(table, column, fitted.width)
        matched.append(replace(fitted, type=column.type, expression=column.expression))
    return Roles(tuple(matched))


def _kind(kind: str) -> str:
    """Types that may stand for one another when scoring."""
    if is_vector(kind):
        return "vector"
    for name, pattern in (("number", FRACTIONS), ("number", INTEGERS), ("moment", MOMENTS), ("name", NAMES)):
        if pattern.match(kind):
            return name
    return kind


def _check_size(table: Table, n_records: int) -> None:
    if n_records == 0:
        raise DataError(f"{table.name} is empty")
    if n_records == 1:
        raise DataError(f"{table.name} has one record; normal behaviour needs at least 2")


def _told(table: Table, said: Mapping[Role, Sequence[str]]) -> dict[str, Role]:
    told: dict[str, Role] = {}
    for role, names in said.items():
        for given in names:
            name = table.column(given).name
            if told.setdefault(name, role) is not role:
                raise SourceError(f"column {name} is given two roles: {told[name]} and {role}")
    return told


def _check_told(table: Table, roles: Roles, told: Mapping[str, Role]) -> None:
    """Refuse a number or a moment that no value of the column can be read as."""
    for column in roles.of(Role.NUMBER, Role.TIMESTAMP):
        if column.name in told and not table.count(f"{_plain(column)} IS NOT NULL"):
            raise SourceError(f"no value of column {column.name} ({column.type}) can be read as a {column.role}")


def _check_vector(column: Column, role: Role, found: tuple[int, str] | None) -> None:
    """Refuse a vector in a column that holds none, or none of one width."""
    if role is not Role.VECTOR or (found and found[0]):
        return
    if not is_vector(column.type):
        raise SourceError(
            f"column {column.name} ({column.type}) holds no vectors, which are arrays or lists of numbers; in a query, "
            f"CAST({column.name} AS FLOAT[]) makes them of text such as [1, 2.5]"
        )
    raise SourceError(f"column {column.name} cannot be a vector: {found[1] if found else 'every value is null'}")


def _find_key(table: Table, profiles: Sequence[Profile], told: Mapping[str, Role]) -> str | None:
    """Return the first unique column, those that are named like a key before the others."""
    if Role.KEY in told.values():
        return None
    candidates = [
        column
        for column, profile in zip(table.columns, profiles, strict=True)
        if column.name not in told and _may_name_records(column, profile)
    ]
    candidates.sort(key=lambda column: CODE_NAME.search(column.name) is None)
    return next((column.name for column in candidates if table.is_unique([column])), None)


def _may_name_records(column: Column, profile: Profile) -> bool:
    is_name = INTEGERS.match(column.type) or column.type in ("VARCHAR", "UUID")
    # The count of distinct values is approximate: 15 % is beyond its error.
    return bool(is_name) and profile.n_nulls == 0 and profile.n_distinct >= 0.85 * profile.n_records


def _judge(
    column: Column, profile: Profile, told: Mapping[str, Role], key: str | None, vectors: tuple[int, str] | None
) -> tuple[Role, str]:
    if column.name in told:
        return told[column.name], "as told"
    if column.name == key:
        return Role.KEY, "unique and never null"
    useless = _useless(column, profile) or (vectors[1] if vectors and not vectors[0] else None)
    if useless:
        return Role.IGNORE, useless
    return (Role.VECTOR, vectors[1]) if vectors else _judge_by_type(column, profile)


def _judge_by_type(column: Column, profile: Profile) -> tuple[Role, str]:
    if MOMENTS.match(column.type):
        return Role.TIMESTAMP, column.type.lower()
    if _is_iso_text(column, profile):
        return Role.TIMESTAMP, "text that holds ISO dates"
    if FRACTIONS.match(column.type) or INTEGERS.match(column.type):
        return _judge_number(column, profile)
    if column.type in ("TIME", "INTERVAL"):
        return Role.NUMBER, f"{column.type.lower()}, in seconds"
    return _judge_text(profile)


def _useless(column: Column, profile: Profile) -> str | None:
    """Why nothing can be learnt from the column, if so."""
    if profile.n_nulls == profile.n_records:
        return "every value is null"
    if column.type.startswith(("STRUCT", "JSON")):
        return (
            "nested; its fields are columns of their own" if column.type[0] == "S" else "JSON; its fields stand alone"
        )
    if PROCESS_NAME.match(column.name):
        return "the number of a process, which says nothing of what it does"
    is_list = column.type.endswith("]") and not is_vector(column.type)
    if is_list or column.type.startswith(("MAP", "UNION", "BLOB", "BIT")):
        return f"{column.type} is neither a value nor a magnitude"
    if profile.minimum == profile.maximum and profile.n_nulls == 0:
        return "the same value in every record"
    return None


def _judge_number(column: Column, profile: Profile) -> tuple[Role, str]:
    if FRACTIONS.match(column.type):
        return Role.NUMBER, column.type.lower()
    if profile.n_distinct <= FEW_INTEGERS:
        return Role.CATEGORY, f"whole numbers, {profile.n_distinct} distinct"
    if not CODE_NAME.search(column.name):
        return Role.NUMBER, f"whole numbers, {_distinct(profile)}"
    if _nearly_unique(profile):
        return Role.IGNORE, f"named like a code, and nearly every record has its own ({_distinct(profile)})"
    return Role.CATEGORY, f"whole numbers named like a code, {_distinct(profile)}"


def _judge_text(profile: Profile) -> tuple[Role, str]:
    n_known = profile.n_records - profile.n_nulls
    if is_free_text(profile.n_distinct, n_known, profile.mean_length, profile.mean_spaces):
        return Role.TEXT, f"free text, {profile.mean_length:.0f} characters on average, {_distinct(profile)}"
    if _nearly_unique(profile):
        return Role.IGNORE, f"nearly every record has its own ({_distinct(profile)})"
    return Role.CATEGORY, _distinct(profile)


def is_free_text(n_distinct: int, n_known: int, mean_length: float, mean_spaces: float) -> bool:
    """Tell whether a column holds messages: they are long and of words, or of words and nearly all different.

    Parameters
    ----------
    n_distinct, n_known : int
        Its different values, and its values that are not null.
    mean_length, mean_spaces : float
        Characters and spaces of a value.
    """
    if mean_length >= TEXT_LENGTH and mean_spaces >= TEXT_SPACES and n_distinct > FEW_INTEGERS:
        return True
    is_unique = n_known >= MIN_RECORDS_FOR_SHARES and n_distinct > NEARLY_UNIQUE * n_known
    return is_unique and mean_spaces >= MESSAGE_SPACES


def _nearly_unique(profile: Profile) -> bool:
    known = profile.n_records - profile.n_nulls
    return known >= MIN_RECORDS_FOR_SHARES and profile.n_distinct > NEARLY_UNIQUE * known


def _distinct(profile: Profile) -> str:
    about = "about " if profile.n_distinct > FEW_INTEGERS else ""  # an estimate, good to some per cent
    return f"{about}{profile.n_distinct:,} distinct"


def _is_iso_text(column: Column, profile: Profile) -> bool:
    """All text between two ISO dates in alphabetical order begins like one."""
    return column.type == "VARCHAR" and all(map(_is_iso, (profile.minimum, profile.maximum)))


def _is_iso(text: str | None) -> bool:
    if text is None or not ISO_DATE.match(text):
        return False
    try:
        datetime.fromisoformat(text)
    except ValueError:
        return False
    return True


def describe_roles(columns: Iterable[ColumnRole]) -> dict[Role, list[str]]:
    """Group column names by role, in the order of `Role`."""
    grouped: dict[Role, list[str]] = {role: [] for role in Role}
    for column in columns:
        grouped[column.role].append(column.name)
    return {role: names for role, names in grouped.items() if names}
