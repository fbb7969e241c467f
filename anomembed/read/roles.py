"""The roles that columns play, one row each, and the columns of a table with their roles."""

from dataclasses import dataclass, replace
from enum import StrEnum
from typing import TYPE_CHECKING, Self

from anomembed.errors import SourceError
from anomembed.read.column_types import DURATIONS, MOMENTS, fixed_width, general_kind, known_sql, moment_sql
from anomembed.read.table import ROW_NUMBER, Table
from anomembed.read.vector_columns import check_width

if TYPE_CHECKING:
    from collections.abc import Callable

USER_SPECIFIED = "user-specified"  # the reason for a role that was not inferred


def _text_sql(column: "ColumnRole") -> str:
    return f"CAST({column.expression} AS VARCHAR)"


def _moment_sql(column: "ColumnRole") -> str:
    return moment_sql(column.expression, column.type)


def _actor_sql(column: "ColumnRole") -> str:
    return known_sql(column.expression, column.type)


def _number_sql(column: "ColumnRole") -> str:
    if MOMENTS.match(column.type):
        return f"CAST(epoch({moment_sql(column.expression, column.type)}) AS DOUBLE)"
    if column.type in DURATIONS:
        return f"CAST(epoch({column.expression}) AS DOUBLE)"
    return f"TRY_CAST({column.expression} AS DOUBLE)"


def _vector_sql(column: "ColumnRole") -> str:
    """Return SQL that reads a vector as FLOAT[width]; a list of another length is null."""
    cast = f"TRY_CAST({column.expression} AS FLOAT[{column.width}])"
    if fixed_width(column.type):
        return cast
    return f"CASE WHEN len({column.expression}) = {column.width} THEN {cast} END"


class Role(StrEnum):
    """What a column is used for: its name, and the SQL that reads its values when records are scored by them."""

    KEY = "key"
    """Names the record; never scored."""
    TIMESTAMP = "timestamp", _moment_sql
    """When; hour of day and day of week are scored."""
    ENTITY = "entity", _actor_sql
    """Who acts; scored as a category, and records are compared with the entity's own."""
    EVENT = "event"
    """What happened, in a sequence."""
    ORDER = "order"
    """Puts the events of a sequence in order."""
    CATEGORY = "category", _text_sql
    """One of a set of values."""
    NUMBER = "number", _number_sql
    """A magnitude."""
    TEXT = "text", _text_sql
    """Free text; its template and the parameters in it are scored."""
    VECTOR = "vector", _vector_sql
    """Numbers that mean little one by one: an embedding of an image, a text or a sound; scored as a whole."""
    IGNORE = "ignore"
    """Not used."""

    _sql: "Callable[[ColumnRole], str] | None"

    def __new__(cls, name: str, sql: "Callable[[ColumnRole], str] | None" = None) -> Self:
        """Make the role of a row."""
        role = str.__new__(cls, name)
        role._value_ = name
        role._sql = sql
        return role

    @property
    def is_scored(self) -> bool:
        """Whether records are scored by the values of such columns."""
        return self._sql is not None

    def plain_sql(self, column: "ColumnRole") -> str:
        """Return SQL that reads a scored column in its plain type: text, DOUBLE, TIMESTAMP or FLOAT[n]."""
        if self._sql is None:
            raise ValueError(f"columns with the role {self} are not scored")
        return self._sql(column)


JUDGED = tuple(role for role in Role if role.is_scored)


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

    @property
    def plain_sql(self) -> str:
        """SQL that reads the column in the plain type of its role."""
        return self.role.plain_sql(self)


@dataclass(frozen=True)
class Roles:
    """The roles of all columns of a table, in its order."""

    columns: tuple[ColumnRole, ...]

    def of(self, *roles: Role) -> tuple[ColumnRole, ...]:
        """Return the columns that have one of `roles`."""
        return tuple(column for column in self.columns if column.role in roles)

    @property
    def key(self) -> tuple[ColumnRole, ...]:
        """Key columns; empty when records are identified by their row number."""
        return self.of(Role.KEY)

    @property
    def key_names(self) -> tuple[str, ...]:
        """Names of the key columns in results; that of the row number without any."""
        return tuple(column.name for column in self.key) or (ROW_NUMBER,)

    @property
    def judged(self) -> tuple[ColumnRole, ...]:
        """Columns that records are scored by."""
        return self.of(*JUDGED)

    @property
    def is_sequential(self) -> bool:
        """Whether whole sequences are judged instead of single records."""
        return bool(self.of(Role.EVENT))

    @property
    def n_values(self) -> int:
        """Number of values of a record that are scored; a vector counts as many as it has numbers."""
        return sum(max(column.width, 1) for column in self.judged)

    def select(self) -> dict[str, str]:
        """Return the SQL that reads each scored column in its plain type, by name."""
        return {column.name: column.plain_sql for column in self.judged}


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
    needed = (*roles.key, *roles.of(Role.ORDER, Role.EVENT), *roles.judged)
    return Roles(tuple(_matched(fitted, table) for fitted in needed))


def _matched(fitted: ColumnRole, table: Table) -> ColumnRole:
    column = table.column(fitted.name)
    if general_kind(column.type) != general_kind(fitted.type):
        raise SourceError(
            f"column {fitted.name} of {table.name} is {column.type}, but the model was fitted on {fitted.type}"
        )
    if fitted.role is Role.VECTOR:
        check_width(table, column, fitted.width)
    return replace(fitted, type=column.type, expression=column.expression)
