"""Judge how large each number is, alone and in the company of the record's categories.

A number becomes the mean of two scores. The first is its normal score (the normal quantile of its rank in the
reference), continued logarithmically outside of the reference's range: ranks suit counters and amounts with long tails.
The second is its distance from the median in standard deviations, estimated from the middle 90 %, logarithmic beyond
`FAR_OUT`: it tells how far out the outermost ranks are, and one wild number does not drown the others. The vector also
has the pooled embedding of the record's categories: near records then have near numbers *and* similar categories, so
that a number is judged in its context.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Self

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri

from anomembed.read.aggregates import BOUND
from anomembed.represent.batch import Batch
from anomembed.represent.pooling import Pooling
from anomembed.views.view import Basis, Looks, Vectors, ViewOfRecords

KNOTS = 1000  # points at which the quantile function of a number is kept
CONTEXT_WEIGHT = 1.5  # spread of a context dimension, in units of a number's; by experiment
FAR_OUT = 4.0  # standard deviations beyond which a distance counts by its logarithm
NINE_TENTHS = 3.29  # standard deviations between the 5 % and the 95 % quantile of a normal distribution
MISSING_STEP = np.float32(2.2)  # what one missing number adds to the last feature


@dataclass(frozen=True)
class Magnitude:
    """How large a number is in the reference, by rank and by distance; high = large.

    Parameters
    ----------
    values : ndarray
        Ascending values of the reference.
    scores : ndarray
        Their normal quantiles.
    spread : float
        Range of the middle nine tenths of the reference, the unit outside of its range.
    outermost : float
        Normal quantile that a value beyond all others has.
    """

    values: NDArray[np.float64]
    scores: NDArray[np.float64]
    spread: float
    outermost: float

    def __call__(self, numbers: NDArray[np.float64]) -> NDArray[np.float32]:
        """Return the scores; 0 where the number is missing."""
        numbers = _within_bounds(numbers)
        inside = np.interp(numbers, self.values, self.scores)
        over = np.maximum(numbers - self.values[-1], 0.0) / self.spread
        under = np.maximum(self.values[0] - numbers, 0.0) / self.spread
        # Out of range, a score is at least three quarters of that of the outermost rank.
        above = max(self.scores[-1], 0.75 * self.outermost) + 0.25 * self.outermost * np.log1p(over)
        below = min(self.scores[0], -0.75 * self.outermost) - 0.25 * self.outermost * np.log1p(under)
        score = np.where(over > 0, above, np.where(under > 0, below, inside))
        median = np.interp(0.0, self.scores, self.values)
        away = (numbers - median) * (NINE_TENTHS / self.spread)
        beyond = np.log1p(np.maximum(np.abs(away) - FAR_OUT, 0.0))
        distance = np.sign(away) * (np.minimum(np.abs(away), FAR_OUT) + 0.25 * beyond)
        return np.where(np.isnan(numbers), 0.0, (score + distance) / 2).astype(np.float32)


@dataclass(frozen=True)
class NumberView(ViewOfRecords):
    """Records as the magnitudes of their numbers, how many are missing, and their context.

    Parameters
    ----------
    scales : tuple of Magnitude
        One per number.
    context : Pooling
        Of the embeddings of the categories, scaled to weigh as much as the numbers.
    context_columns : ndarray
        Token columns that are the context; empty when there is none.
    """

    scales: tuple[Magnitude, ...]
    context: Pooling
    context_columns: NDArray[np.int64]
    name: str = "number"
    summary = "large and small numbers, alone and in the company of the record's categories"
    looks_at = Looks.TOKENS | Looks.NUMBERS
    # Many references pay in a clean reference, but not among numbers: examples/notes/views.md.
    draws = {"n_references": 64, "n_draws": 24}

    @classmethod
    def fit(cls, basis: Basis) -> Sequence[Self]:
        """Return the view of a table that has numbers."""
        if not basis.records.numbers.shape[1]:
            return []
        context = [at for at, column in enumerate(basis.vocabulary.columns) if not column.kind.traits.is_number]
        scales = tuple(_fit_magnitude(column) for column in basis.records.numbers.T)
        plain = cls(scales, basis.pooling, np.array(context, np.int64))
        return [replace(plain, context=_weigh(plain, basis.records))]

    def vectors(self, batch: Batch) -> Vectors:
        """Return the vectors, shape (n_records, n_numbers + 1 + width of the context)."""
        parts = [self.magnitudes(batch.numbers)]
        if len(self.context_columns):
            parts.append(self.context.pool(batch.tokens[:, self.context_columns]))
        return np.hstack(parts)

    def magnitudes(self, numbers: NDArray[np.float64]) -> NDArray[np.float32]:
        """Return the magnitudes and, last, how many numbers are missing, shape (n_records, n_numbers + 1)."""
        columns = [scale(column) for scale, column in zip(self.scales, numbers.T, strict=True)]
        missing = MISSING_STEP * np.isnan(numbers).sum(axis=1).astype(np.float32)
        return np.column_stack([*columns, missing]).astype(np.float32)


def _weigh(plain: NumberView, batch: Batch) -> Pooling:
    """Scale the context of a view, so that its dimensions spread as `CONTEXT_WEIGHT` says."""
    n_numbers, context = len(plain.scales), plain.context
    variance = plain.vectors(batch).var(axis=0, dtype=np.float64)
    varies = variance[:n_numbers] > 0
    unit = float(variance[:n_numbers][varies].mean()) if varies.any() else 1.0
    total = float(variance[n_numbers + 1 :].sum())
    scale = CONTEXT_WEIGHT * np.sqrt(unit * len(plain.context_columns) / total) if total > 0 else 1.0
    return replace(context, vectors_of=(context.vectors_of * scale).astype(np.float32))


def _fit_magnitude(numbers: NDArray[np.float64]) -> Magnitude:
    known = np.sort(_within_bounds(numbers[np.isfinite(numbers)]))
    if not len(known):
        known = np.zeros(1)
    values, times = np.unique(known, return_counts=True)
    rank = (np.cumsum(times) - times / 2) / len(known)
    if len(values) > KNOTS:
        inner = np.searchsorted(rank, np.linspace(0, 1, KNOTS)).clip(0, len(values) - 1)
        kept = np.union1d(inner, [0, len(values) - 1])
        values, rank = values[kept], rank[kept]
    edge = 0.5 / len(known)
    low, high = np.quantile(known, [0.05, 0.95])
    spread = float(high - low) or float(known.std()) or max(abs(float(known[0])), 1.0)
    scores = ndtri(np.clip(rank, edge, 1 - edge))
    return Magnitude(values, scores, max(spread, 1 / BOUND), max(float(-ndtri(edge)), 1.0))


def _within_bounds(numbers: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return numbers whose ratios are finite: at most `BOUND`, and 0 instead of less than its inverse."""
    return np.where(np.abs(numbers) < 1 / BOUND, 0.0, np.clip(numbers, -BOUND, BOUND))
