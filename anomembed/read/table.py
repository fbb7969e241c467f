"""A table of records, opened read-only: its columns, what is in them, and its records batch by batch.

Nothing here depends on the order of the rows, but for records without a key, which are told apart by their place.
"""

from collections.abc import Iterator, Mapping, Sequence
from types import TracebackType
from typing import Any, Self

import polars as pl

from anomembed.errors import DataError, SourceError, nearest_name
from anomembed.read.columns import Column, Profile, describe, profile_sql
from anomembed.read.source import clear_errors, find_records, quote_identifier

ROW_NUMBER = "row_number"
HASH = "__anomembed_hash"
VALUE = "value:"  # prefix of a judged column that is read beside the key
VALUES = f"^(?s:{VALUE}.*)$"  # names may hold line ends
EXTENDED = "__anomembed_extended"
HASHES = 2**64


class Table:
    """Records that can be described, sampled and streamed; use as a context manager.

    Parameters
    ----------
    source : str, Path or frame
        A DuckDB file, a data file or glob, or a Polars or pandas frame.
    table : str, optional
        A table, a view or a query; may be left out when there is only one.
    line_format : str, optional
        What the lines of a log are made of; with it every file is read as lines.

    Attributes
    ----------
    name : str
        What to call the table in messages.
    notes : tuple of str
        What the user should know about how it was read.
    columns : tuple of Column
        Its columns; fields of a STRUCT or JSON column, one level deep, follow the column they come from.

    Raises
    ------
    SourceError
        When there is no such file or table.
    LockedError
        When the database is open for writing elsewhere.
    """

    def __init__(self, source: Any, table: str | None = None, line_format: str | None = None) -> None:  # noqa: ANN401
        self._connection, self._from, self.name, self.notes = find_records(source, table, line_format)
        try:
            with clear_errors(self.name):
                self.columns = tuple(describe(self._connection, self._from))
            self._derived: set[str] = set()
        except SourceError:
            self.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        """Close the connection."""
        self._connection.close()

    def column(self, name: str) -> Column:
        """Return the column called `name`; case counts only when it must.

        Raises
        ------
        SourceError
            When there is no such column; the nearest name is offered.
        """
        exact = {column.name: column for column in self.columns}
        folded = {column.name.casefold(): column for column in self.columns}
        found = exact.get(name) or folded.get(name.casefold())
        if found is None:
            raise SourceError(f"no such column in {self.name}: {name}{nearest_name(name, exact)}")
        return found

    def count(self, where: str | None = None) -> int:
        """Count the records for which the SQL condition `where` holds.

        Raises
        ------
        SourceError
            When the condition cannot be evaluated.
        """
        return int(self._rows(f"SELECT count(*) FROM {self._records(where)}", where)[0][0])

    def count_distinct(self, columns: Sequence[Column], where: str | None = None) -> int:
        """Count the different values that `columns` have together, leaving out those with a null."""
        row = ", ".join(column.expression for column in columns)
        value = row if len(columns) == 1 else f"row({row})"
        known = " AND ".join(f"{column.expression} IS NOT NULL" for column in columns)
        query = f"SELECT count(DISTINCT {value}) FILTER (WHERE {known}) FROM {self._records(where)}"
        return int(self._rows(query, where)[0][0])

    def profiles(self, columns: Sequence[Column]) -> list[Profile]:
        """Describe each column over all records, in one pass for every hundred columns."""
        found: list[Profile] = []
        for start in range(0, len(columns), 100):
            part = columns[start : start + 100]
            values = ", ".join(profile_sql(column) for column in part)
            row = self._rows(f"SELECT count(*), {values} FROM {self._from}")[0]
            cells = row[1:]
            found += [Profile(row[0], *cells[i : i + 6]) for i in range(0, len(cells), 6)]
        return found

    def is_unique(self, columns: Sequence[Column], where: str | None = None) -> bool:
        """Tell whether no two records share their values in `columns`, and none of these is null."""
        row = ", ".join(column.expression for column in columns)
        value = row if len(columns) == 1 else f"row({row})"
        nulls = " OR ".join(f"{column.expression} IS NULL" for column in columns)
        # Without records count_if is null.
        is_unique = f"count(DISTINCT {value}) = count(*) AND coalesce(count_if({nulls}), 0) = 0"
        query = f"SELECT {is_unique} FROM {self._records(where)}"
        return bool(self._rows(query, where)[0][0])

    def lengths(self, column: Column, where: str | None = None) -> tuple[int, int]:
        """Return the shortest and the longest length of the lists in a column, empty ones left out; 0 without any."""
        length = f"nullif(len({column.expression}), 0)"
        ends = f"coalesce(min({length}), 0), coalesce(max({length}), 0)"
        row = self._rows(f"SELECT {ends} FROM {self._records(where)}", where)[0]
        return int(row[0]), int(row[1])

    def value_counts(self, expression: str, where: str | None, most: int) -> tuple[pl.DataFrame, int, int]:
        """Count the values of a column.

        Parameters
        ----------
        expression : str
            SQL of the value, as text.
        where : str or None
            SQL condition.
        most : int
            How many of the most frequent values to return.

        Returns
        -------
        counts : pl.DataFrame
            ``value`` and ``n_records``, most frequent first, ties by value; nulls left out.
        n_other : int
            Records with a value beyond the first `most`.
        n_missing : int
            Records where the value is null.
        """
        query = f"SELECT {expression} AS value, count(*) AS n_records FROM {self._records(where)} GROUP BY ALL"
        with clear_errors(self.name):
            found = self._connection.sql(query).pl()
        counts = found.drop_nulls("value").sort("n_records", "value", descending=[True, False])
        n_missing = int(found.filter(pl.col("value").is_null())["n_records"].sum())
        return counts.head(most), int(counts["n_records"][most:].sum()), n_missing

    def moments(self, entity: str, numbers: Sequence[str], where: str | None) -> pl.DataFrame:
        """Count the numbers of every entity, with their mean and spread.

        Parameters
        ----------
        entity : str
            SQL of the entity, as text.
        numbers : sequence of str
            SQL of the numbers; infinities are left out.
        where : str or None
            SQL condition.

        Returns
        -------
        pl.DataFrame
            ``entity``, ``n_records``, and for the number at place i ``times_i``, ``mean_i`` and ``squares_i``, the sum
            of the squared distances from the mean.
        """
        columns = ["count(*) AS n_records"]
        for place, number in enumerate(numbers):
            finite = f"FILTER (WHERE isfinite({number}) AND abs({number}) < 1e150)"
            columns += [
                f"count({number}) {finite} AS times_{place}",
                f"coalesce(avg({number}) {finite}, 0) AS mean_{place}",
                f"coalesce(var_pop({number}) {finite} * count({number}) {finite}, 0) AS squares_{place}",
            ]
        query = f"SELECT {entity} AS entity, {', '.join(columns)} FROM {self._records(where)} GROUP BY ALL"
        with clear_errors(self.name):
            return pl.DataFrame(self._connection.sql(query).pl()).drop_nulls("entity")

    def value_counts_of(self, entity: str, value: str, where: str | None) -> pl.DataFrame:
        """Count the values of a column for every entity.

        Parameters
        ----------
        entity, value : str
            SQL of the entity, as text, and of the value.
        where : str or None
            SQL condition.

        Returns
        -------
        pl.DataFrame
            ``entity``, ``value`` and ``n_records``; records without an entity are left out.
        """
        columns = f"{entity} AS entity, {value} AS value, count(*) AS n_records"
        query = f"SELECT {columns} FROM {self._records(where)} GROUP BY ALL"
        with clear_errors(self.name):
            return pl.DataFrame(self._connection.sql(query).pl()).drop_nulls("entity")

    def spans(self, entity: str, when: str, where: str | None) -> pl.DataFrame:
        """Return when the first and the last record of every entity was, in microseconds since 1970.

        The frame has ``entity``, ``since`` and ``until``.
        """
        query = (
            f"SELECT {entity} AS entity, epoch_us(min({when})) AS since, epoch_us(max({when})) AS until "
            f"FROM {self._records(where)} GROUP BY ALL"
        )
        with clear_errors(self.name):
            return pl.DataFrame(self._connection.sql(query).pl()).drop_nulls("entity")

    def batches(
        self,
        select: Mapping[str, str],
        key: Sequence[Column],
        where: str | None,
        size: int,
        order: Sequence[str] = (),
    ) -> Iterator[pl.DataFrame]:
        """Stream the records as frames of at most `size` rows, in constant memory.

        Parameters
        ----------
        select : mapping of str to str
            SQL expression of every column to read, by its name in the frame.
        key : sequence of Column
            Key columns, which come first, in their own types; empty means ``row_number``.
        where : str or None
            SQL condition.
        size : int
            Records per frame.
        order : sequence of str
            SQL expressions to sort by; in no particular order by default.

        Yields
        ------
        pl.DataFrame
            The key columns, then the columns of `select`.
        """
        with clear_errors(self.name):
            ordered = f" ORDER BY {', '.join(order)}" if order else ""
            relation = self._connection.sql(self._select(select, key, where) + ordered)
            for batch in relation.to_arrow_reader(size):
                frame = pl.DataFrame(pl.from_arrow(batch))
                if frame.height:
                    yield frame

    def derive(self, name: str, expression: str) -> None:
        """Add a column that SQL computes from the others.

        Raises
        ------
        SourceError
            When there is a column of that name already, or the SQL does not hold.
        """
        if any(column.name.casefold() == name.casefold() for column in self.columns):
            raise SourceError(f"{self.name} has a column called {name} already")
        self._from = f"(SELECT *, {expression} AS {quote_identifier(name)} FROM {self._from})"
        with clear_errors(self.name):
            kind = self._connection.sql(f"SELECT {quote_identifier(name)} FROM {self._from} LIMIT 0").types[0]
        self.columns = (*self.columns, Column(name, str(kind), quote_identifier(name)))
        self._derived.add(name)

    def is_derived(self, name: str) -> bool:
        """Tell whether `name` is a column that was derived here, and not one of the source's."""
        return name in self._derived

    def extend(self, columns: Mapping[str, str], windows: Mapping[str, str], join: str = "") -> None:
        """Add columns that SQL computes over windows of records, once: the table is copied, to disk when it is large.

        Parameters
        ----------
        columns : mapping of str to str
            SQL expression of every new column, by its name.
        windows : mapping of str to str
            What the windows that the expressions name look at, by name.
        join : str, default=""
            SQL that joins more columns to each of the `records`.
        """
        added = ", ".join(f"{sql} AS {quote_identifier(name)}" for name, sql in columns.items())
        named = ", ".join(f"{quote_identifier(name)} AS ({sql})" for name, sql in windows.items())
        with clear_errors(self.name):
            # In the order of the source, because records without a key are told apart by their place.
            self._connection.execute(
                f"CREATE TEMP TABLE {EXTENDED} AS WITH records AS (SELECT *, row_number() OVER () AS {HASH} "
                f"FROM {self._from}) SELECT records.* EXCLUDE ({HASH}), {added} FROM records {join} "
                f"WINDOW {named} ORDER BY {HASH}"
            )
        self._from = EXTENDED
        self._derived.update(columns)

    def transitions(self, value: str, who: str, order: str, where: str) -> pl.DataFrame:
        """Count which value follows which in the records of an entity.

        Parameters
        ----------
        value, who, order : str
            SQL of the value, of the entity, and of what its records are ordered by.
        where : str
            SQL condition.

        Returns
        -------
        pl.DataFrame
            ``before``, ``now`` and ``n_records``; pairs with a null are left out.
        """
        pairs = (
            f"SELECT lag({value}) OVER (PARTITION BY {who} ORDER BY {order}, {value}) AS before, {value} AS now "
            f"FROM {self._records(where)} WHERE {who} IS NOT NULL AND {order} IS NOT NULL"
        )
        with clear_errors(self.name):
            counted = f"SELECT before, now, count(*) AS n_records FROM ({pairs}) GROUP BY ALL ORDER BY ALL"
            return pl.DataFrame(self._connection.sql(counted).pl()).drop_nulls()

    def hashed(self, select: Mapping[str, str], key: Sequence[Column], seed: int) -> str:
        """Return SQL that hashes a record's key (all its values without one): an order that no row order disturbs."""
        identity = [column.expression for column in key] or list(select.values())
        return f"hash({', '.join(identity)}, {seed})"

    def hashed_share(self, columns: Sequence[Column], seed: int, share: float) -> str:
        """Return an SQL condition that holds for a share of the values of `columns`, chosen by their hash."""
        return f"{self.hashed({}, columns, seed)} <= {min(int(HASHES * share), HASHES - 1)}::UBIGINT"

    def among(self, columns: Sequence[Column], where: str | None) -> str | None:
        """Return an SQL condition for the records that share their values in `columns` with one that meets `where`."""
        if where is None:
            return None
        row = ", ".join(column.expression for column in columns)
        return f"({row}) IN (SELECT ({row}) FROM {self._records(where)})"

    def sample(self, select: Mapping[str, str], hashed: str, where: str | None, most: int) -> pl.DataFrame:
        """Read about `most` records, chosen and ordered by their hash.

        Parameters
        ----------
        select : mapping of str to str
            SQL expression of every column to read, by its name in the frame.
        hashed : str
            SQL from `hashed`.
        where : str or None
            SQL condition.
        most : int
            All records are returned when there are no more than this.

        Returns
        -------
        pl.DataFrame
            The columns of `select`, and the hash in the column `HASH`, ascending.

        Raises
        ------
        DataError
            When there are fewer than two records.
        """
        total = self.count(where)
        if total < 2:
            where_text = f" where {where}" if where else ""
            raise DataError(f"{self.name} has {total} records{where_text}; normal behaviour needs at least 2")
        few = f"{hashed} <= {HASHES * most // total}::UBIGINT" if total > most else "true"
        columns = ", ".join(f"{sql} AS {quote_identifier(name)}" for name, sql in select.items())
        query = f"SELECT {columns}, {hashed} AS {HASH} FROM {self._records(where)} WHERE {few}"
        with clear_errors(self.name):
            frame = self._connection.sql(query).pl()
        # Records with the same hash are the same record, or (without a key) alike in all that is judged.
        return pl.DataFrame(frame.sort(HASH))

    def _records(self, where: str | None) -> str:
        # The line ends keep a comment at the end of the condition from swallowing what follows.
        return f"(FROM {self._from} WHERE (\n{where}\n))" if where else self._from

    def _select(self, select: Mapping[str, str], key: Sequence[Column], where: str | None) -> str:
        keys = [f"{_held(column)} AS {quote_identifier(column.name)}" for column in key]
        columns = [f"{sql} AS {quote_identifier(name)}" for name, sql in select.items()]
        if keys:
            return f"SELECT {', '.join([*keys, *columns])} FROM {self._records(where)}"
        # The place in the whole table, whatever the condition leaves of it.
        numbered = f"(SELECT *, row_number() OVER () AS {HASH} FROM {self._from})"
        condition = f"WHERE (\n{where}\n)" if where else ""
        return f"SELECT {', '.join([f'{HASH} AS {ROW_NUMBER}', *columns])} FROM {numbered} {condition}"

    def _rows(self, query: str, where: str | None = None) -> list[tuple[Any, ...]]:
        with clear_errors(f"the condition {where!r}" if where else self.name):
            return self._connection.execute(query).fetchall()


def _held(column: Column) -> str:
    """Return SQL that reads a key in a type that a Polars frame holds."""
    return f"CAST({column.expression} AS VARCHAR)" if column.type == "INTERVAL" else column.expression


def read_values(frame: pl.DataFrame) -> pl.DataFrame:
    """Return the judged columns of records that were read, under their own names."""
    return frame.select(pl.col(VALUES).name.map(lambda name: name.removeprefix(VALUE)))
