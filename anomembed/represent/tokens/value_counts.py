"""How often each value of a column occurs: counts that add, also when only the most frequent values are kept."""

from dataclasses import dataclass
from typing import Self

import polars as pl


@dataclass(frozen=True)
class ValueCounts:
    """Counts of a column's values.

    Parameters
    ----------
    counts : pl.DataFrame
        ``value`` (text) and ``n_records``, most frequent first, ties by value; nulls left out.
    n_other : int
        Records that are not in `counts` because there are too many values.
    n_missing : int
        Records where the value is null.
    most_cut : int
        How many of the records that were left out may share one value: what `counts` may lack, at most, of a value.
    """

    counts: pl.DataFrame
    n_other: int = 0
    n_missing: int = 0
    most_cut: int = 0

    @classmethod
    def of(cls, counted: pl.DataFrame) -> Self:
        """Return the counts of a frame of ``value`` and ``n_records``, with one row per value and one for null."""
        is_missing = pl.col("value").is_null()
        return cls(_ranked(counted.filter(~is_missing)), 0, int(counted.filter(is_missing)["n_records"].sum()))

    def __add__(self, other: "ValueCounts") -> "ValueCounts":
        """Return the counts of the records of both."""
        counts = pl.concat([self.counts, other.counts]).group_by("value").sum()
        return ValueCounts(
            _ranked(counts),
            self.n_other + other.n_other,
            self.n_missing + other.n_missing,
            self.most_cut + other.most_cut,
        )

    def cut(self, most: int) -> "ValueCounts":
        """Keep the `most` most frequent values."""
        kept, rest = self.counts.head(most), self.counts["n_records"][most:]
        first_cut = int(rest[0]) if len(rest) else 0
        return ValueCounts(kept, self.n_other + int(rest.sum()), self.n_missing, self.most_cut + first_cut)

    def without(self, values: pl.Series) -> "ValueCounts":
        """Subtract records that were counted, by their values; values that are left with none are gone."""
        gone = count_values(values)
        times = self.counts.join(gone.counts, on="value", how="left", maintain_order="left", suffix="_gone")
        times = times.with_columns(pl.col("n_records_gone").fill_null(0))
        left = times.select("value", pl.col("n_records") - pl.col("n_records_gone")).filter(pl.col("n_records") > 0)
        n_unlisted = int(gone.counts["n_records"].sum()) - int(times["n_records_gone"].sum())
        # Never negative: the table may have changed in between.
        n_other, n_missing = max(self.n_other - n_unlisted, 0), max(self.n_missing - gone.n_missing, 0)
        return ValueCounts(_ranked(left), n_other, n_missing, self.most_cut)


def count_values(values: pl.Series) -> ValueCounts:
    """Count the values of a column in memory; null where one is missing."""
    counts = values.rename("value").drop_nulls().value_counts(name="n_records")
    return ValueCounts(_ranked(counts), 0, values.null_count())


def _ranked(counts: pl.DataFrame) -> pl.DataFrame:
    return counts.cast({"n_records": pl.Int64}).sort("n_records", "value", descending=[True, False])
