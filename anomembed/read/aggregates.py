"""Records of a source counted and summed by SQL, in one pass each."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from anomembed.read.columns import Column, Profile, profile_sql
from anomembed.read.connecting import clear_errors
from anomembed.read.queries import query
from anomembed.read.relation import RESERVED, Relation, named_sql, row_sql

if TYPE_CHECKING:
    import polars as pl

    from anomembed.read.units import Units

KEPT = RESERVED + "kept"  # begins the names of tables of rows that are read more than once
PROFILED_AT_ONCE = 100  # columns
BOUND = 1e150  # larger numbers, and infinities, count as this one, so that their squares and ratios stay finite


class Aggregates(Relation):
    """Records that can be counted, as a whole, by value and by entity."""

    def count(self, where: str | None = None) -> int:
        """Count the records for which the SQL condition `where` holds.

        Raises
        ------
        SourceError
            When the condition cannot be evaluated.
        """
        return int(self._rows(f"SELECT count(*) FROM {self._records(where)}", where)[0][0])

    def aggregate(self, values: Sequence[str], where: str | None = None) -> tuple[Any, ...]:
        """Return what some SQL aggregates give over the records for which `where` holds, in one pass."""
        return self._rows(f"SELECT {', '.join(values)} FROM {self._records(where)}", where)[0]

    def smallest(self, expression: str, rank: int, where: str) -> float | None:
        """Return the value of an SQL expression that comes at a rank, the smallest first; None of fewer records."""
        ranked = f"SELECT {expression} AS value FROM {self._records(where)} ORDER BY value LIMIT {rank}"
        n_found, value = self._rows(f"SELECT count(*), max(value) FROM ({ranked})", where)[0]
        return float(value) if n_found == rank else None

    def keep(self, selecting: str) -> str:
        """Return the name of a table of the rows that SQL selects from the table ``records``.

        It is asked of the source once, so the SQL must not read columns that are derived in between.
        """
        if selecting not in self._kept:
            kept = f"{KEPT}_{next(self._numbers)}"
            with clear_errors(self.name):
                records = f"WITH records AS NOT MATERIALIZED (FROM {self._base})"
                self._connection.execute(f"CREATE TEMP TABLE {kept} AS {records} FROM ({selecting})")
            self._kept[selecting] = kept
        return self._kept[selecting]

    def measure(self, kept: str, expression: str) -> float:
        """Return an aggregate of the rows of a table from `keep`."""
        return float(self._rows(f"SELECT {expression} FROM {kept}")[0][0])

    def count_distinct(self, columns: Sequence[Column], where: str | None = None) -> int:
        """Count the different values that `columns` have together, leaving out those with a null or a blank text."""
        counted = f"SELECT count(DISTINCT {row_sql(columns)}) FILTER (WHERE {named_sql(columns)})"
        counted += f" FROM {self._records(where)}"
        return int(self._rows(counted, where)[0][0])

    def is_unique(self, columns: Sequence[Column], where: str | None = None) -> bool:
        """Tell whether no two records share their values in `columns`, and none of these is null."""
        nulls = " OR ".join(f"{column.expression} IS NULL" for column in columns)
        # Without records count_if is null.
        is_unique = f"count(DISTINCT {row_sql(columns)}) = count(*) AND coalesce(count_if({nulls}), 0) = 0"
        return bool(self._rows(f"SELECT {is_unique} FROM {self._records(where)}", where)[0][0])

    def profiles(self, columns: Sequence[Column]) -> list[Profile]:
        """Describe each column over all records, in one pass for every hundred columns."""
        found: list[Profile] = []
        for start in range(0, len(columns), PROFILED_AT_ONCE):
            values = ", ".join(profile_sql(column) for column in columns[start : start + PROFILED_AT_ONCE])
            n_records, *cells = self._rows(f"SELECT count(*), {values} FROM {self._from}")[0]
            found += [Profile(n_records, *cells[i : i + 6]) for i in range(0, len(cells), 6)]
        return found

    def lengths(self, column: Column, where: str | None = None) -> tuple[int, int]:
        """Return the shortest and the longest length of the lists in a column, empty ones left out; 0 without any."""
        length = f"nullif(len({column.expression}), 0)"
        ends = f"coalesce(min({length}), 0), coalesce(max({length}), 0)"
        shortest, longest = self._rows(f"SELECT {ends} FROM {self._records(where)}", where)[0]
        return int(shortest), int(longest)

    def value_counts(self, expression: str, where: str | None) -> "pl.DataFrame":
        """Count the values of a column.

        Parameters
        ----------
        expression : str
            SQL of the value, as text.
        where : str or None
            SQL condition.

        Returns
        -------
        pl.DataFrame
            ``value`` and ``n_records``, in any order; one row is for null when there are nulls.
        """
        columns = f"{expression} AS value, count(*) AS n_records"
        return self._frame(f"SELECT {columns} FROM {self._records(where)} GROUP BY ALL")

    def count_spellings(self, expression: str, spellings: Sequence[str]) -> list[int]:
        """Count the different values that a column has in several spellings.

        Parameters
        ----------
        expression : str
            SQL of the value, as text.
        spellings : sequence of str
            SQL of each spelling of ``value``.
        """
        counts = ", ".join(f"count(DISTINCT {spelling})" for spelling in spellings)
        return list(self._rows(f"SELECT {counts} FROM (SELECT DISTINCT {expression} AS value FROM {self._from})")[0])

    def usual_spellings(self, expression: str, spelled: str, where: str | None) -> dict[str, str]:
        """Return the most frequent spelling of each value that is not written as it counts.

        Parameters
        ----------
        expression, spelled : str
            SQL of the value, as text, and of what it counts as.
        where : str or None
            SQL condition.
        """
        return dict(
            self._rows(query("usual_spellings", value=expression, spelled=spelled, records=self._records(where)))
        )

    def value_counts_of(self, entity: str, value: str, where: str | None) -> "pl.DataFrame":
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
        return self._frame(f"SELECT {columns} FROM {self._records(where)} GROUP BY ALL").drop_nulls("entity")

    def moments(self, entity: str, numbers: Sequence[str], where: str | None) -> "pl.DataFrame":
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
            ``entity``, ``n_records``, and for number i ``times_i``, ``mean_i`` and ``squares_i``, the sum of the
            squared distances from the mean.
        """
        names = [f"number_{index}" for index in range(len(numbers))]
        read = [f"{entity} AS entity"] + [
            f"if(isfinite({number}) AND abs({number}) < {BOUND:g}, CAST({number} AS DOUBLE), NULL) AS {name}"
            for name, number in zip(names, numbers, strict=True)
        ]
        columns = ["entity", "count(*) AS n_records"] + [
            query("number_moments", number=name, index=str(index)) for index, name in enumerate(names)
        ]
        records = f"(SELECT {', '.join(read)} FROM {self._records(where)})"
        return self._frame(f"SELECT {', '.join(columns)} FROM {records} GROUP BY ALL").drop_nulls("entity")

    def two_largest(self, entity: str, number: str, where: str | None) -> "pl.DataFrame":
        """Return the largest number of every entity and the one after it, ``first`` and ``second``, null without one.

        Parameters
        ----------
        entity, number : str
            SQL of the entity, as text, and of a number.
        where : str or None
            SQL condition.
        """
        largest = f"max({number}, 2) FILTER (isfinite({number}))"
        columns = f"{entity} AS entity, {largest}[1] AS first, {largest}[2] AS second"
        return self._frame(f"SELECT {columns} FROM {self._records(where)} GROUP BY ALL").drop_nulls("entity")

    def spans(self, entity: str, when: str, where: str | None) -> "pl.DataFrame":
        """Return when the first and the last record of every entity was, in microseconds since 1970.

        The frame has ``entity``, ``since`` and ``until``.
        """
        return self._frame(query("spans", entity=entity, time=when, records=self._records(where))).drop_nulls("entity")

    def transitions(self, value: str, who: str, order: str, where: str) -> "pl.DataFrame":
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
        counted = query("transitions", value=value, entity=who, order=order, records=self._records(where))
        return self._frame(counted).drop_nulls()

    def ask(self, name: str, units: "Units", where: str | None, **parts: object) -> list[tuple[Any, ...]]:
        """Return the rows of a query over units of the records for which `where` holds.

        Parameters
        ----------
        name : str
            Name of the query, without its ending.
        units : Units
            What is counted.
        where : str or None
            SQL condition.
        **parts : object
            Numbers or SQL for its other placeholders.
        """
        return self._rows(self._asked(name, units, where, parts))

    def ask_frame(self, name: str, units: "Units", where: str | None, **parts: object) -> "pl.DataFrame":
        """Return the rows of a query as a frame, see `ask`."""
        return self._frame(self._asked(name, units, where, parts))

    def _asked(self, name: str, units: "Units", where: str | None, parts: Mapping[str, object]) -> str:
        texts = {part: str(value) for part, value in parts.items()}
        return query(name, units=units.sql(self._records(where)), **texts)
