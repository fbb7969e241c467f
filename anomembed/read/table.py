"""A table of records, opened read-only: its columns, what is in them, and its records batch by batch.

Nothing here depends on the order of the rows, except for records without a key, which are identified by row number.
"""

from collections.abc import Iterator, Mapping, Sequence
from itertools import count
from typing import TYPE_CHECKING, NamedTuple

from anomembed.errors import DataError
from anomembed.read.aggregates import Aggregates
from anomembed.read.column_types import MOMENTS, PLAIN, moment_sql
from anomembed.read.columns import Column
from anomembed.read.connecting import clear_errors
from anomembed.read.fetching import fetch
from anomembed.read.quoting import quote_identifier, quote_text
from anomembed.read.relation import HASH as HASH
from anomembed.read.relation import RESERVED

if TYPE_CHECKING:
    import polars as pl

ROW_NUMBER = "row_number"
VALUE = "value:"  # prefix of a column that is scored, read beside the key
VALUES = f"^(?s:{VALUE}.*)$"  # names may hold line ends
HASHES = 2**64
MOST_HASHED = 16  # columns by which records are told apart, where some are chosen
MOST_TIMES = 4  # as many as were wanted, where many records are equal
LISTED, NUMBERS = RESERVED + "listed_", count()  # names of tables of values, which all differ


class Sample(NamedTuple):
    """Some of the records that meet a condition, and how many meet it."""

    records: "pl.DataFrame"
    n_records: int


class Alike(NamedTuple):
    """SQL of how many records have the value of each, null without one, and how many share it with others."""

    sql: str
    n_records: int


class Table(Aggregates):
    """Records that can be described, counted, sampled and streamed; use as a context manager.

    See `Relation` for its parameters and attributes.
    """

    def batches(
        self,
        select: Mapping[str, str],
        key: Sequence[Column],
        where: str | None,
        size: int,
        order: Sequence[str] = (),
    ) -> "Iterator[pl.DataFrame]":
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
            Records per frame; 0 for one frame of all.
        order : sequence of str
            SQL expressions to sort by; in no particular order by default.

        Yields
        ------
        pl.DataFrame
            The key columns, then the columns of `select`.
        """
        import polars as pl

        with clear_errors(self.name):
            ordered = f" ORDER BY {', '.join(order)}" if order else ""
            relation = self._connection.sql(self._select(select, key, where) + ordered)
            for batch in relation.to_arrow_reader(size) if size else [fetch(relation)]:
                frame = pl.DataFrame(batch)
                if frame.height:
                    yield frame

    def key_text(self, key: Sequence[Column]) -> str:
        """Return SQL of a record's key as text, which is the same in every session; JSON for several columns."""
        values = {column.name: self._key_sql(column) for column in key}
        for column in key:
            if "WITH TIME ZONE" in column.type:
                values[column.name] = f"({column.expression} AT TIME ZONE 'UTC')"
        if len(values) == 1:
            return f"CAST({next(iter(values.values()))} AS VARCHAR)"
        fields = ", ".join(f"{quote_text(name)}: {value}" for name, value in values.items())
        return f"CAST(to_json({{{fields}}}) AS VARCHAR)"

    def rows(
        self, select: Mapping[str, str], where: str | None, order: Sequence[str] = (), most: int | None = None
    ) -> "pl.DataFrame":
        """Return the first `most` records, or all, as one frame of the columns of `select`, which are SQL by name."""
        ordered = f" ORDER BY {', '.join(order)}" if order else ""
        records = self._records(where) + ordered
        if most is not None:  # the columns are read of the first records alone
            records = f"(FROM {records} LIMIT {most})"
        return self._frame(f"SELECT {', '.join(_named(select))} FROM {records}")

    def some_rows(self, select: Mapping[str, str], n_records: int) -> "pl.DataFrame":
        """Return about so many records, chosen by the hash of what they hold; equal ones are taken or left together."""
        share, own = n_records / self.count(), [c for c in self.columns if not self.is_derived(c.name)][:MOST_HASHED]
        where = self.hashed_share(own, 0, share) if share < 1 else None
        return self.rows(select, where, most=MOST_TIMES * n_records)

    def keep_related(self, same: Sequence[str], where: str) -> None:
        """Leave out the records that share none of some values, which are SQL, with a record that meets a condition."""
        texts = [f"CAST({value} AS VARCHAR)" for value in same]
        found = self._rows(f"SELECT {', '.join(texts)} FROM {self._records(where)}")
        shared = [
            f"{text} IN ({', '.join(map(quote_text, sorted(values)))})"
            for text, column in zip(texts, zip(*found, strict=True), strict=False)
            if (values := set(column) - {None})
        ]
        self._from = f"(FROM {self._from} WHERE {' OR '.join([f'({where})', *shared])})"
        self._kept.clear()

    def is_listed(self, text: str, values: Sequence[str]) -> str:
        """Return an SQL condition for the records of which a text, which is SQL, is one of some values."""
        listed = f"{LISTED}{next(NUMBERS)}"
        with clear_errors(self.name):
            self._connection.execute(f"CREATE TEMP TABLE {listed} AS SELECT unnest(?::VARCHAR[])", [list(values)])
        return f"coalesce({text} IN (FROM {listed}), false)"

    def count_alike(self, value: str) -> Alike:
        """Count the records that have the same value, which is SQL, as others."""
        alike = f"{LISTED}{next(NUMBERS)}"
        with clear_errors(self.name):
            self._connection.execute(
                f"CREATE TEMP TABLE {alike} AS SELECT {value} AS value, count(*) AS n FROM {self._from} "
                f"WHERE {value} IS NOT NULL GROUP BY ALL HAVING n > 1"
            )
        known = f"coalesce((SELECT n FROM {alike} WHERE value = {value}), 1)"
        (n_alike,) = self._rows(f"SELECT coalesce(sum(n), 0) FROM {alike}")[0]
        return Alike(f"CAST(CASE WHEN {value} IS NOT NULL THEN {known} END AS DOUBLE)", int(n_alike))

    def keep_one(self, same: Sequence[str]) -> None:
        """Leave out all but one of the records that agree in some SQL expressions; which one does not depend on order.

        Records that are the same in all columns would otherwise be in one another's past.
        """
        row, values = ", ".join(same), ", ".join(column.expression for column in self.columns)
        if self._rows(f"SELECT count(*) > count(DISTINCT row({row})) FROM {self._from}")[0][0]:
            one = f"row_number() OVER (PARTITION BY {row} ORDER BY hash({values}))"
            self._from = f"(FROM {self._from} QUALIFY {one} = 1)"
            self._kept.clear()

    def value_types(self, names: Sequence[str]) -> "dict[str, pl.DataType]":
        """Return the types that the values of some columns have in a frame."""
        columns = ", ".join(_named({name: self._key_sql(self.column(name)) for name in names}))
        return dict(self._frame(f"SELECT {columns} FROM {self._from} LIMIT 0").schema) if names else {}

    def sample(self, select: Mapping[str, str], hashed: str, where: str | None, most: int) -> Sample:
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
        Sample
            Of the columns of `select`, and the hash in the column `HASH`, ascending.

        Raises
        ------
        DataError
            When there are fewer than two records.
        """
        total = self.count(where)
        few = f"{hashed} <= {HASHES * most // total}::UBIGINT" if total > most else "true"
        columns = ", ".join([*_named(select), f"{hashed} AS {HASH}"])
        # Records with the same hash are the same record, or (without a key) have the same values.
        found = self._frame(f"SELECT {columns} FROM {self._records(where)} WHERE {few}").sort(HASH)
        if found.height < 2:  # a condition such as `random() < 0.5` finds other records than those counted
            where_text = f" where {where}" if where else ""
            raise DataError(
                f"{self.name} has {min(total, found.height)} records{where_text}; normal behaviour needs at least 2"
            )
        return Sample(found, found.height if total <= most else total)

    def hashed(self, select: Mapping[str, str], key: Sequence[Column], seed: int) -> str:
        """Return SQL that hashes a record's key, or all its values without one; the order of rows does not matter."""
        identity = [column.expression for column in key] or list(select.values())
        return f"hash({', '.join(identity)}, {seed})"

    def hashed_share(self, columns: Sequence[Column], seed: int, share: float) -> str:
        """Return an SQL condition that holds for a share of the values of `columns`, chosen by their hash."""
        return f"{self.hashed({}, columns, seed)} <= {min(int(HASHES * share), HASHES - 1)}::UBIGINT"

    def chance(self, columns: Sequence[Column]) -> str:
        """Return SQL of a number above 0 and below 1 by the hash of the values of `columns`.

        It says nothing about the order of `hashed`, which differs from another one of the same values by a constant.
        """
        return f"(((hash({self.hashed({}, columns, 0)}, 'chance') >> 12) + 0.5::DOUBLE) / {2**52}::DOUBLE)"

    def among(self, columns: Sequence[Column], where: str | None) -> str | None:
        """Return an SQL condition for the records that share their values in `columns` with one that meets `where`."""
        if where is None:
            return None
        row = ", ".join(column.expression for column in columns)
        return f"({row}) IN (SELECT ({row}) FROM {self._records(where)})"

    def _select(self, select: Mapping[str, str], key: Sequence[Column], where: str | None) -> str:
        columns = [*_named({column.name: self._key_sql(column) for column in key}), *_named(select)]
        if key:
            return f"SELECT {', '.join(columns)} FROM {self._records(where)}"
        # Rows are numbered before the condition leaves some out.
        numbered = f"(SELECT *, row_number() OVER () AS {HASH} FROM {self._from})"
        return f"SELECT {', '.join([f'{HASH} AS {ROW_NUMBER}', *columns])} FROM {numbered} {self._condition(where)}"

    def _key_sql(self, column: Column) -> str:
        """Return SQL that reads a key in a type that Arrow, Polars and Python have: its own, or text."""
        value = column.expression
        is_plain = PLAIN.fullmatch(column.type) is not None
        if MOMENTS.match(column.type):
            is_plain = not self.count(f"{value} IS NOT NULL AND {moment_sql(value, column.type)} IS NULL")
        return value if is_plain else f"CAST({value} AS VARCHAR)"


def _named(select: Mapping[str, str]) -> list[str]:
    return [f"{sql} AS {quote_identifier(name)}" for name, sql in select.items()]


def read_values(frame: "pl.DataFrame") -> "pl.DataFrame":
    """Return the judged columns of records that were read, under their own names."""
    import polars as pl

    return frame.select(pl.col(VALUES).name.map(lambda name: name.removeprefix(VALUE)))
