"""The columns of a table with their roles."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from anomembed.errors import SourceError
from anomembed.read.added import are_added, find_added
from anomembed.read.column_types import general_kind
from anomembed.read.roles.role import JUDGED, Content, Role
from anomembed.read.table import ROW_NUMBER, Table
from anomembed.read.vector_columns import check_width
from anomembed.read.written.recognising import match_written
from anomembed.read.written.style import Written

ONLY_NULLS = '"NULL"'  # DuckDB's type of a column of a frame without any value: it goes for any other
USER_SPECIFIED = "user-specified"  # the reason for a role that was not inferred


SPELLINGS = {
    "blanks": r"trim(regexp_replace({}, '[\s\x{{a0}}]+', ' ', 'g'))",
    "Unicode form": "nfc_normalize({})",
    "case": "lower({})",
}
"""Ways in which spellings of one value differ, each with the SQL that makes them equal, in the order of their use."""


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
    spellings: tuple[str, ...] = ()
    """In which of `SPELLINGS` values may differ and still count as one."""
    written: Written | None = None
    """How its values are written, where the type does not say."""
    note: str = ""
    """What the user should know about how it is read."""

    @property
    def plain_sql(self) -> str:
        """SQL that reads the column as what its role holds."""
        return spelled_sql(self.role.plain_sql(self), self.spellings)


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

    def holding(self, content: Content) -> tuple[ColumnRole, ...]:
        """Return the scored columns that hold `content`."""
        return tuple(column for column in self.columns if column.role.content is content)

    @property
    def is_sequential(self) -> bool:
        """Whether whole sequences are judged instead of single records."""
        return bool(self.of(Role.EVENT))

    @property
    def n_values(self) -> int:
        """Number of values of a record that are scored; a vector counts as many as it has numbers."""
        return sum(max(column.width, 1) for column in self.judged)

    def identity(self, table: Table) -> str:
        """Return SQL of what tells records at one moment apart, whatever the order of rows."""
        return table.hashed(self.select(), [table.column(column.name) for column in self.key], 0)

    def select(self) -> dict[str, str]:
        """Return the SQL that reads each scored column in its plain type, by name."""
        return {column.name: column.plain_sql for column in self.judged}


def spelled_sql(sql: str, ways: Sequence[str]) -> str:
    """Return SQL of a value whose spellings are equal in all of `ways`."""
    for way in ways:
        sql = SPELLINGS[way].format(sql)
    return sql


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
    known = {column.name.casefold() for column in table.columns}
    if roles.judged and not any(column.name.casefold() in known for column in roles.judged):
        table.column(roles.judged[0].name)  # says that there is none
    missing = [column for column in needed if column.name.casefold() not in known]
    _add_missing(missing, roles, table)
    return Roles(tuple(_matched(fitted, table) for fitted in needed))


def _add_missing(missing: Sequence[ColumnRole], roles: Roles, table: Table) -> None:
    """Add what roles derive from the other columns, where a table has not that yet."""
    wanted = {name.casefold() for name in are_added([column.name for column in missing])}
    if not wanted:
        return
    known = {column.name.casefold() for column in table.columns}
    others = {column.name: column for column in (*roles.of(Role.TIMESTAMP), *roles.judged)}.values()
    matched = [_matched(column, table) for column in others if column.name.casefold() in known]
    for added in find_added(table, matched, wanted, find=False):
        if added.name.casefold() in wanted:
            table.derive(added.name, added.sql, keep_order=added.is_joined and not roles.key)


def _matched(fitted: ColumnRole, table: Table) -> ColumnRole:
    column = table.column(fitted.name) if fitted.role is Role.KEY else table.fitted_column(fitted.name, fitted.type)
    written = match_written(table, column, fitted.role, fitted.type, fitted.written)
    if fitted.written and not written and column.type == fitted.type:
        raise SourceError(
            f"no value of column {fitted.name} of {table.name} can be read as a {fitted.role}, as those could that the "
            "model was fitted on"
        )
    is_alike = column.type == ONLY_NULLS or general_kind(column.type) == general_kind(fitted.type)
    if not is_alike and not written:
        raise SourceError(
            f"column {fitted.name} of {table.name} is {column.type}, but the model was fitted on {fitted.type}"
        )
    if fitted.role.content is Content.VECTOR and column.type != ONLY_NULLS:
        check_width(table, column, fitted.width)
    return replace(fitted, type=column.type, expression=column.expression, written=written)
