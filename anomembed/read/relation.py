"""An open source as one SQL relation: its columns, those that are added to it, and queries on it."""

from collections.abc import Iterable, Sequence
from itertools import count
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from anomembed.errors import SourceError, first_names, nearest_name, shown
from anomembed.read.access import check_condition, shut, shut_frame
from anomembed.read.column_types import general_kind, known_sql
from anomembed.read.columns import Column, describe
from anomembed.read.connecting import clear_errors, zone_sql
from anomembed.read.extending import Computed, copy_extended, copy_in_order
from anomembed.read.fetching import fetch
from anomembed.read.padding import find_padding
from anomembed.read.parameters import PATTERNS, parameter_sql
from anomembed.read.quoting import quote_identifier
from anomembed.read.source import find_records
from anomembed.read.split import Split, find_split

if TYPE_CHECKING:
    import polars as pl

RESERVED = "__anomembed_"  # starts the names of columns and tables that only our SQL knows
HASH, EXTENDED = RESERVED + "hash", RESERVED + "extended"


class Relation:
    """Records of an open source; use as a context manager.

    Parameters
    ----------
    source : str, Path or frame
        See `find_records`.
    table : str, optional
        A table, a view or a query; may be left out when there is only one.
    line_format : str, optional
        Format of the lines of a log; when given, every file is read as lines.
    read : str, optional
        Options of the reader of data files, such as ``delim=;, skip=3``.
    time_zone : str, optional
        Zone of times without one where SQL compares them with ``now()``; UTC by default.

    Attributes
    ----------
    name : str
        What to call the table in messages.
    notes : tuple of str
        What the user should know about how it was read.
    message : str or None
        Name of the column of messages, when the records are lines.
    files : tuple of str
        Files and globs that its records are read from, besides those of `source`.
    split : Split or None
        The moment that is put together from several columns.
    columns : tuple of Column
        Its columns; fields of a nested column follow the column they come from.

    Raises
    ------
    SourceError
        When there is no such file or table.
    LockedError
        When the database is open for writing elsewhere.
    """

    def __init__(
        self,
        source: Any,  # noqa: ANN401
        table: str | None = None,
        line_format: str | None = None,
        read: str | None = None,
        time_zone: str | None = None,
    ) -> None:
        found = find_records(source, table, line_format, read)
        self._pending: list[str | Computed] = []
        self._connection, self._base, self.name, self.notes, self.is_json, self.message, files = found
        try:
            if time_zone is not None:
                self._connection.execute(zone_sql(time_zone))
            self._hide_reserved()
            with clear_errors(self.name):
                is_named = isinstance(source, str | Path)
                more_files = shut(self._connection, self._from) if is_named else shut_frame(self._connection)
                self.files = (*files, *more_files)
                self._leave_out_padding()
                self.columns, more = describe(self._connection, self._from, self.message)
            self.notes = (*self.notes, *more)
            self._derived: set[str] = set()
            self._checked: set[str] = set()
            self._kept: dict[str, str] = {}  # until other records are left
            self._numbers = count()  # of the tables that are kept
            self.split = self._put_together()
        except SourceError:
            self.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    def _hide_reserved(self) -> None:
        """Leave out the columns of the source that have a name of our SQL, and note it."""
        with clear_errors(self.name):
            names = self._connection.sql(f"FROM {self._from} LIMIT 0").columns
            taken = [name for name in names if name.casefold().startswith(RESERVED)]
            if taken:
                left_out = ", ".join(map(quote_identifier, taken))
                self._from = f"(SELECT * EXCLUDE ({left_out}) FROM {self._from})"
                note = f"{', '.join(taken)} left out: names that begin with {RESERVED} are reserved"
                self.notes = (*self.notes, note)

    def _leave_out_padding(self) -> None:
        """Read values without the blanks that fill them up, and note it."""
        described = self._connection.sql(f"FROM {self._from} LIMIT 0")
        texts = [name for name, kind in zip(described.columns, described.types, strict=True) if str(kind) == "VARCHAR"]
        found = find_padding(self._connection, self._from, [name for name in texts if name != self.message])
        if found:
            stripped = ", ".join(f"{padding.sql(name)} AS {quote_identifier(name)}" for name, padding in found.items())
            self._from = f"(SELECT * REPLACE ({stripped}) FROM {self._from})"
            self.notes = (*self.notes, f"{first_names(list(found))}: the blanks that fill up the values are left out")

    def _put_together(self) -> Split | None:
        """Add the moment that is split over columns, as if it were the source's."""
        split = find_split(self.columns)
        if split and not any(column.name.casefold() == split.name.casefold() for column in self.columns):
            self.derive(split.name, split.sql)
            self._derived.discard(split.name)
            return split
        return None

    def close(self) -> None:
        """Close the connection."""
        self._connection.close()

    @property
    def time_zone(self) -> str:
        """Zone of times without one."""
        return str(self._rows("SELECT current_setting('TimeZone')")[0][0])

    def column(self, name: str) -> Column:
        """Return the column called `name`; case is ignored unless two names differ in nothing else.

        ``message ip`` is the first address in the column ``message``, and becomes a column when there is none of that
        name; so do the other kinds in `PATTERNS`.

        Raises
        ------
        SourceError
            When there is no such column; the nearest name is offered.
        """
        exact = {column.name: column for column in self.columns}
        folded = {column.name.casefold(): column for column in self.columns}
        found = exact.get(name) or folded.get(name.casefold()) or self._parameter(name)
        if found is None:
            raise SourceError(f"no such column in {self.name}: {name}{nearest_name(name, exact)}")
        return found

    def _parameter(self, name: str) -> Column | None:
        """Add the column of a parameter of messages, such as ``message ip``."""
        source, _, kind = name.rpartition(" ")
        text = next((c for c in self.columns if c.name == source and c.type == "VARCHAR"), None)
        if text is None or kind not in PATTERNS:
            return None
        self.derive(name, parameter_sql(text.expression, kind))
        self._derived.discard(name)  # the user names it, as if it were the source's
        return self.columns[-1]

    def fitted_column(self, name: str, kind: str) -> Column:
        """Return the column that a model was fitted on, or missing values for a field that no record here has.

        Records of JSON have the fields that they need: those that occur in one file may be missing from the next.

        Parameters
        ----------
        name, kind : str
            Of the column when the model was fitted.

        Raises
        ------
        SourceError
            When there is no such column, and it is not a field of JSON or of a nested column.
        """
        known = {column.name.casefold() for column in self.columns}
        parents = [name[:end].casefold() for end, sign in enumerate(name) if sign == "."]
        if name.casefold() not in known and (self.is_json or known.intersection(parents)):
            return Column(name, kind, f"CAST(NULL AS {kind})")
        column = self.column(name)
        is_field = self.is_json or column.expression != quote_identifier(column.name)
        if is_field and general_kind(column.type) != general_kind(kind) and not column.type.endswith("]"):
            return Column(name, kind, f"TRY_CAST(CAST({column.expression} AS VARCHAR) AS {kind})")
        return column

    def derive(self, name: str, expression: str, *, keep_order: bool = False) -> None:
        """Add a column that SQL computes from the others; to `keep_order`, in a copy of them: see `copy_in_order`.

        Raises
        ------
        SourceError
            When there is a column of that name already, or the SQL is wrong.
        """
        if any(column.name.casefold() == name.casefold() for column in self.columns):
            raise SourceError(f"{self.name} has a column called {name} already")
        added, ordered = f"*, {expression} AS {quote_identifier(name)}", f"{EXTENDED}_{len(self._derived)}_ordered"
        with clear_errors(self.name):
            if keep_order:
                copy_in_order(self._connection, self._from, added, ordered, HASH)
            self._from = ordered if keep_order else f"(SELECT {added} FROM {self._from})"
            kind = self._connection.sql(f"SELECT {quote_identifier(name)} FROM {self._from} LIMIT 0").types[0]
        self.columns = (*self.columns, Column(name, str(kind), quote_identifier(name)))
        self._derived.add(name)

    def extend(self, extending: str | Computed, columns: Iterable[str]) -> None:
        """Add the columns that a query or a function computes, null for records without a row.

        All that are added before the records are read are computed then: the records are copied, to disk when they are
        many.

        Parameters
        ----------
        extending : str or Computed
            SQL that selects `HASH`, the position of a record, and the new columns from the table ``records``, which
            lacks those that were added since it was read; or what computes them.
        columns : iterable of str
            Names of the new columns.
        """
        self._pending.append(extending)
        self._derived.update(columns)

    @property
    def _from(self) -> str:
        """The records with all columns that were added, as SQL."""
        if self._pending:
            before, extended = self._base, f"{EXTENDED}_{len(self._derived)}"
            with clear_errors(self.name):
                copy_extended(self._connection, before, self._pending, extended, HASH)
                if before.startswith(EXTENDED):
                    self._connection.execute(f"DROP TABLE {before}")
            self._base, self._pending = extended, []
        return self._base

    @_from.setter
    def _from(self, records: str) -> None:
        self._base = records

    def find(self, selecting: str) -> list[tuple[Any, ...]]:
        """Return the rows that SQL beginning with WITH selects from the table ``records``."""
        rest = selecting[selecting.index("WITH ") + len("WITH ") :]
        return self._rows(f"WITH records AS NOT MATERIALIZED (FROM {self._base}), {rest}")

    def is_derived(self, name: str) -> bool:
        """Tell whether `name` is a column that was added here, and not one of the source's."""
        return name in self._derived

    def _records(self, where: str | None) -> str:
        return f"(FROM {self._from} {self._condition(where)})" if where else self._from

    def _condition(self, where: str | None) -> str:
        """Return WHERE and a condition, which is checked before anything runs; nothing without one."""
        if not where:
            return ""
        if where not in self._checked:
            with clear_errors(f"the condition {shown(where)}", [column.name for column in self.columns]):
                check_condition(self._connection, where)
            self._checked.add(where)
        # The line ends keep a comment at the end of the condition from swallowing what follows.
        return f"WHERE (\n{where}\n)"

    def _rows(self, sql: str, where: str | None = None) -> list[tuple[Any, ...]]:
        known = [column.name for column in self.columns] if where else []
        with clear_errors(f"the condition {shown(where)}" if where else self.name, known):
            return self._connection.execute(sql).fetchall()

    def _frame(self, sql: str) -> "pl.DataFrame":
        with clear_errors(self.name):
            return fetch(self._connection.sql(sql))


def row_sql(columns: Sequence[Column]) -> str:
    """Return SQL of the values that `columns` have together."""
    row = ", ".join(column.expression for column in columns)
    return row if len(columns) == 1 else f"row({row})"


def named_sql(columns: Sequence[Column]) -> str:
    """Return an SQL condition for the records that have a name in all of `columns`: neither null nor blank."""
    return " AND ".join(f"{known_sql(column.expression, column.type)} IS NOT NULL" for column in columns)
