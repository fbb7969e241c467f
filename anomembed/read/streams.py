"""The records of each entity in the order of time, as arrays: what came before each, and how much within a time.

DuckDB takes several times as long for windows over many records, each of which puts them in order again.
"""

from dataclasses import dataclass
from typing import Any, NamedTuple, Self

import numpy as np
import polars as pl
from numpy.typing import NDArray

from anomembed.read.aggregates import BOUND
from anomembed.workers.compiled import compiled

Floats = NDArray[np.float64]


class Window(NamedTuple):
    """How many records each window has, shape (n_known,), and the sums of their values, shape (n_known, n_values)."""

    counts: NDArray[np.int64]
    sums: Floats


class Latest(NamedTuple):
    """The means of the latest values, NaN of none, and how many there were; shape (n_known,)."""

    means: Floats
    counts: NDArray[np.int64]


@dataclass(frozen=True)
class Streams:
    """Records that have an entity and a time, entity by entity, each in the order of time.

    All arrays that methods take and return have one value per record here, in this order.

    Parameters
    ----------
    rows : ndarray of shape (n_known,)
        Index of each record in the frame.
    entity, moment : ndarray of shape (n_known,)
        Code of its entity, and its time in microseconds since 1970.
    n_rows : int
        Number of records of the frame, with those that are nobody's or at no time.
    """

    rows: NDArray[np.intp]
    entity: NDArray[np.int64]
    moment: NDArray[np.int64]
    n_rows: int

    @classmethod
    def of(cls, entity: pl.Series, moment: pl.Series, *ties: NDArray[Any]) -> Self:
        """Put records in order.

        Parameters
        ----------
        entity, moment : pl.Series
            Who acts, as text, and when, in microseconds.
        *ties : ndarray
            By which records at the same moment are ordered, the first one first.
        """
        rows = (entity.is_not_null() & moment.is_not_null()).arg_true().to_numpy().astype(np.intp)
        codes, moments = codes_of(entity)[rows], moment.gather(rows).to_numpy().astype(np.int64)
        order = np.argsort(moments, kind="stable")
        order = order[np.argsort(codes[order], kind="stable")]
        rows, codes, moments = rows[order], codes[order], moments[order]
        is_same = (codes[1:] == codes[:-1]) & (moments[1:] == moments[:-1])
        tied = np.flatnonzero(np.append(is_same, False) | np.append(False, is_same))
        group = np.append(0, np.cumsum(~is_same))[tied]  # records at one moment follow one another already
        rows[tied] = rows[tied][np.lexsort((*(tie[rows[tied]] for tie in reversed(ties)), group))]
        return cls(rows, codes, moments, len(entity))

    def contacts(self, other: pl.Series) -> "Streams":
        """Return the streams of each entity with each value of another column, of the records that have one."""
        known = np.flatnonzero(other.is_not_null().to_numpy()[self.rows])
        codes = codes_of(other)[self.rows[known]]
        pair = self.entity[known] * (codes.max(initial=0) + 1) + codes
        order = np.argsort(pair, kind="stable")
        return Streams(self.rows[known[order]], pair[order], self.moment[known[order]], self.n_rows)

    def __len__(self) -> int:
        return len(self.rows)

    @property
    def places(self) -> NDArray[np.int64]:
        """How many records of its entity came before each."""
        index = np.arange(len(self.entity))
        is_first = np.append(True, self.entity[1:] != self.entity[:-1])[: len(index)]
        return index - np.maximum.accumulate(np.where(is_first, index, 0))

    @property
    def seconds(self) -> Floats:
        """The time of each record, since 1970."""
        return self.moment / 1e6

    def numbers(self, column: pl.Series) -> Floats:
        """Return a column of the frame; NaN where null."""
        return column.cast(pl.Float64).to_numpy()[self.rows]

    def before(self, values: NDArray[Any], back: int = 1) -> Floats:
        """Return the value of the record before each, or of that `back` before; NaN where the entity has none."""
        found = np.full(len(values), np.nan)
        found[back:] = np.where(self.entity[back:] == self.entity[:-back], values[:-back], np.nan)
        return found

    def within(self, seconds: int, values: Floats) -> Window:
        """Count the records of an entity in so many seconds up to each, and sum up their values.

        Parameters
        ----------
        seconds : int
            The time looked back, with both its ends, so that records at the same moment count.
        values : ndarray of shape (n_known, n_values)
            Of each record; what is not finite counts as 0.
        """
        first, end = np.empty(len(self), np.int64), np.empty(len(self), np.int64)
        _open.for_steps(len(self))(self.entity, self.moment, seconds * 1_000_000, first, end)
        sums = np.empty(values.shape[::-1])
        for of, summed in zip(values.T, sums, strict=True):
            cut = np.clip(np.where(np.isfinite(of), of, 0.0), -BOUND, BOUND)
            _slide.for_steps(len(self))(first, end, cut, summed)
        return Window(end - first, sums.T)

    def latest(self, values: Floats, most: int) -> Latest:
        """Average the last `most` values of an entity up to each; NaN is left out."""
        means, counts = np.empty(len(values)), np.empty(len(values), np.int64)
        _average.for_steps(len(values))(self.places, values, most, means, counts)
        return Latest(means, counts)

    def runs(self, values: Floats) -> Floats:
        """Return how often each value has been the same in a row, 1 where it has changed; NaN is never the same."""
        index = np.arange(len(values))
        changed = np.where(values == self.before(values), 0, index)
        return (index - np.maximum.accumulate(changed) + 1).astype(np.float64)

    def in_rows(self, name: str, values: NDArray[Any]) -> pl.Series:
        """Return numbers as a column of the frame; null where NaN, and for records that are nobody's or at no time."""
        column = np.full(self.n_rows, np.nan)
        column[self.rows] = values
        return pl.Series(name, column, nan_to_null=True)


def codes_of(column: pl.Series) -> NDArray[np.int64]:
    """Return a number for each text, equal where they are; any number for null."""
    return column.cast(pl.Categorical).to_physical().fill_null(0).to_numpy().astype(np.int64)


def ranks_of(column: pl.Series) -> NDArray[np.int64]:
    """Return the rank of each text among all different ones, in their order by bytes; null is the last."""
    texts = column.unique().drop_nulls().sort()
    return column.cast(pl.Enum(texts)).to_physical().cast(pl.Int64).fill_null(len(texts)).to_numpy()


@compiled()
def _open(entity, moment, span, first, end):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202
    """Find the first record of each window, and the one after its last, which is the last of its moment."""
    n, oldest, after = len(entity), 0, len(entity)
    for at in range(n):
        while entity[oldest] != entity[at] or moment[oldest] < moment[at] - span:
            oldest += 1
        first[at] = oldest
    for at in range(n - 1, -1, -1):
        if at + 1 < n and (entity[at] != entity[at + 1] or moment[at] != moment[at + 1]):
            after = at + 1
        end[at] = after


@compiled()
def _slide(first, end, values, sums):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202
    """Sum up the values from `first` to before `end`, of which neither goes back.

    What leaves is not subtracted, or a large number would leave its rounding behind: the window is a queue of two
    stacks [1]_. `rest` has the sums from each record up to `middle`, `total` that from there on.

    .. [1] Tangwongsan, Hirzel, Schneider: Low-latency sliding-window aggregation in worst-case constant time. DEBS
       2017.
    """
    rest, total, middle, taken = np.zeros(len(values) + 1), 0.0, 0, 0
    for at in range(len(values)):
        while taken < end[at]:
            total += values[taken]
            taken += 1
        if first[at] > middle:  # of those that were summed up from behind, none is left
            rest[taken] = 0.0
            for left in range(taken - 1, first[at] - 1, -1):
                rest[left] = rest[left + 1] + values[left]
            middle, total = taken, 0.0
        sums[at] = total + rest[first[at]] if first[at] < middle else total


@compiled()
def _average(places, values, most, means, counts):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202
    """Average the latest values of each stream; see `Streams.latest`."""
    for at in range(len(values)):
        total, count = 0.0, 0
        for of in range(at - min(places[at], most - 1), at + 1):
            if not np.isnan(values[of]):
                total += values[of]
                count += 1
        counts[at] = count
        means[at] = total / count if count else np.nan
