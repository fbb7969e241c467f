"""One record of a source, and what is beside it there."""

from collections.abc import Sequence
from dataclasses import dataclass

import polars as pl

from anomembed.fit.forming import ensure_sequences
from anomembed.model import Model
from anomembed.read.bursts import bursts_of_one
from anomembed.read.column_types import INTEGERS
from anomembed.read.columns import Column
from anomembed.read.quoting import quote_identifier, quote_text
from anomembed.read.relation import RESERVED
from anomembed.read.roles.assigned import ColumnRole, Roles, match_roles
from anomembed.read.roles.role import Content
from anomembed.read.table import Table
from anomembed.scoring import read_frames

KEY, ROW = RESERVED + "key", RESERVED + "row"
AT_ONCE = 0  # records per frame: all of them


@dataclass(frozen=True)
class SourceRecord:
    """Where a record is in an open table.

    Parameters
    ----------
    table : Table
        The open table.
    model : Model
        The model that scored it.
    roles : Roles
        Roles of the columns of the table.
    columns : tuple of Column
        The source's own columns.
    key_sql : str
        SQL of every record's key as text.
    key : str
        Key of this one.
    """

    table: Table
    model: Model
    roles: Roles
    columns: tuple[Column, ...]
    key_sql: str
    key: str

    @property
    def is_it(self) -> str:
        """SQL condition that holds for the record alone; of a sequence, for its events."""
        text, (column, *more) = quote_text(self.key), self.roles.key or (None,)
        by_text = f"{self.key_sql} = {text}"
        if column is None or more or not INTEGERS.match(column.type):
            return by_text
        return f"{column.expression} = TRY_CAST({text} AS {column.type}) AND {by_text}"  # the first is found fast

    @property
    def identity(self) -> str:
        """SQL of what tells records apart."""
        return ", ".join(column.expression for column in self.roles.key) or quote_identifier(ROW)

    def as_it_is(self) -> pl.DataFrame:
        """Return the record, all its columns as text, what is derived from them last; no row when it is gone."""
        columns: tuple[Column | ColumnRole, ...] = (*self.columns, *self.roles.judged)
        return self.table.rows({column.name: _text_sql(column) for column in columns}, self.is_it)

    def shown(self, names: Sequence[str]) -> dict[str, str]:
        """Return SQL of some columns as text, by name."""
        columns = {column.name: column for column in self.roles.columns}
        return {name: _text_sql(columns[name]) for name in names}

    def frame(self) -> pl.DataFrame | None:
        """Read what the model needs of the record; None when it is gone. The table then lacks unrelated records."""
        bursts = self.model.derived.bursts
        at_once = bursts_of_one(self.table, self.roles, bursts, self.is_it) if bursts else {}
        self._keep_related()
        for name, value in at_once.items():
            self.table.derive(name, "NULL::DOUBLE" if value is None else f"'{value!r}'::DOUBLE")
        frames = list(read_frames(self.model, self.table, self.is_it, AT_ONCE))
        return frames[0][:1] if frames else None

    def _keep_related(self) -> None:
        """Leave out what no judgement of the record depends on, but for what came at once."""
        model = self.model
        if model.is_sequential or any(column.written for column in self.roles.columns):
            return
        actors = {model.past.history.entity} if model.past else set()
        actors |= {model.derived.twins.entity} if model.derived.twins else set()
        if actors:
            select = self.roles.select()
            self.table.keep_related([select[name] for name in sorted(actors)], self.is_it)


def locate(table: Table, model: Model, key: str) -> SourceRecord:
    """Find where a record would be in a table.

    Parameters
    ----------
    table : Table
        The open table.
    model : Model
        The model that scored it.
    key : str
        Its key as text.

    Raises
    ------
    SourceError
        When the table is not what the model was fitted on.
    """
    columns = table.columns
    if model.is_sequential:
        ensure_sequences(table, model.config)
    elif not model.roles.key:
        table.derive(ROW, "row_number() OVER ()")
    roles = match_roles(model.roles, table)
    by = table.key_text([table.column(column.name) for column in roles.key]) if roles.key else _row_text()
    return SourceRecord(table, model, roles, columns, by, key)


def _text_sql(column: Column | ColumnRole) -> str:
    """Return SQL of a column's value as text, as the source has it; of a number without a fraction, without that.

    A time with a zone is told in UTC, whose hours and days are judged.
    """
    if "WITH TIME ZONE" in column.type:
        return f"CAST({column.expression} AT TIME ZONE 'UTC' AS VARCHAR) || '+00'"
    text = f"CAST({column.expression} AS VARCHAR)"
    is_category = isinstance(column, ColumnRole) and column.role.content is Content.VALUE
    return text if is_category or column.type not in ("DOUBLE", "FLOAT") else f"regexp_replace({text}, '\\.0$', '')"


def _row_text() -> str:
    return f"CAST({quote_identifier(ROW)} AS VARCHAR)"
