"""How large a number is, as a coordinate: by rank, by distance and by logarithm.

A number becomes the mean of three scores. The first is its normal score (the normal quantile of its rank in the
reference), continued logarithmically outside of the reference's range: ranks suit counters and amounts with long tails.
The second is its distance from the median in standard deviations, estimated from the middle 90 %, logarithmic beyond
`FAR_OUT`: it tells how far out the outermost ranks are, and one wild number does not drown the others. The third, which
weighs as much as both, is its signed logarithm in standard deviations: what is orders of magnitude larger than the
rest. Its unit is the median, below which it is linear: a number near 0 among even ones is not orders of magnitude off,
and dollars or cents make no difference. examples/notes/views.md has the figures.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri

from anomembed.read.aggregates import BOUND
from anomembed.represent.batch import Batch
from anomembed.views.view import Basis

KNOTS = 1000  # points at which the quantile function of a number is kept
FAR_OUT = 4.0  # standard deviations beyond which a distance counts by its logarithm
NINE_TENTHS = 3.29  # standard deviations between the 5 % and the 95 % quantile of a normal distribution
MISSING_STEP = np.float32(2.2)  # what one missing number adds to the last feature
LEAST_SPREAD = 0.01  # of a signed logarithm; the reference may have one value


@dataclass(frozen=True)
class Magnitude:
    """How large a number is in the reference; high = large.

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
    unit : float
        Of the signed logarithms: the median size of the numbers other than 0.
    log_mean, log_spread : float
        Mean and standard deviation of the signed logarithms.
    """

    values: NDArray[np.float64]
    scores: NDArray[np.float64]
    spread: float
    outermost: float
    unit: float
    log_mean: float
    log_spread: float

    def __call__(self, numbers: NDArray[np.float64]) -> NDArray[np.float32]:
        """Return the magnitudes, shape (n_records,); monotone, 0 where the number is missing."""
        numbers = _within_bounds(numbers)
        logarithm = (signed_log(numbers / self.unit) - self.log_mean) / self.log_spread
        magnitude = (self._rank(numbers) + self._distance(numbers)) / 4 + logarithm / 2
        return np.where(np.isnan(numbers), 0.0, magnitude).astype(np.float32)

    def _rank(self, numbers: NDArray[np.float64]) -> NDArray[np.float64]:
        inside = np.interp(numbers, self.values, self.scores)
        over = np.maximum(numbers - self.values[-1], 0.0) / self.spread
        under = np.maximum(self.values[0] - numbers, 0.0) / self.spread
        # Out of range, a score is at least three quarters of that of the outermost rank.
        above = max(self.scores[-1], 0.75 * self.outermost) + 0.25 * self.outermost * np.log1p(over)
        below = min(self.scores[0], -0.75 * self.outermost) - 0.25 * self.outermost * np.log1p(under)
        return np.where(over > 0, above, np.where(under > 0, below, inside))

    def _distance(self, numbers: NDArray[np.float64]) -> NDArray[np.float64]:
        median = np.interp(0.0, self.scores, self.values)
        away = (numbers - median) * (NINE_TENTHS / self.spread)
        beyond = np.log1p(np.maximum(np.abs(away) - FAR_OUT, 0.0))
        return np.asarray(np.sign(away) * (np.minimum(np.abs(away), FAR_OUT) + 0.25 * beyond))


@dataclass(frozen=True)
class Magnitudes:
    """The magnitudes of a record's numbers, and how many are missing.

    Parameters
    ----------
    numbers : ndarray
        Indices of the numbers that are judged.
    scales : tuple of Magnitude
        One for each of them.
    """

    numbers: NDArray[np.int64]
    scales: tuple[Magnitude, ...]

    def __call__(self, batch: Batch) -> NDArray[np.float32]:
        """Return the magnitudes, shape (n_records, n_numbers + 1); the last feature grows with how many are missing."""
        numbers = batch.numbers[:, self.numbers]
        columns = [scale(column) for scale, column in zip(self.scales, numbers.T, strict=True)]
        missing = MISSING_STEP * np.isnan(numbers).sum(axis=1).astype(np.float32)
        return np.column_stack([*columns, missing]).astype(np.float32)


def fit_magnitudes(basis: Basis) -> Magnitudes:
    """Learn how large the numbers of reference records are, but for those that an entity always has."""
    numbers = basis.judged_numbers
    return Magnitudes(numbers, tuple(fit_magnitude(basis.records.numbers[:, at]) for at in numbers))


def fit_magnitude(numbers: NDArray[np.float64]) -> Magnitude:
    """Learn how large the numbers of a column are.

    Parameters
    ----------
    numbers : ndarray of shape (n_records,)
        Of the reference; NaN where missing.
    """
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
    unit = max(float(np.median(np.abs(known[known != 0]))) if known.any() else 1.0, 1 / BOUND)
    logs = signed_log(known / unit)
    return Magnitude(
        values,
        scores,
        max(spread, 1 / BOUND),
        max(float(-ndtri(edge)), 1.0),
        unit,
        float(logs.mean()),
        max(float(logs.std()), LEAST_SPREAD),
    )


def signed_log(numbers: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the logarithm of one more than the size of numbers, with their sign."""
    return np.sign(numbers) * np.log1p(np.abs(numbers))


def _within_bounds(numbers: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return numbers whose ratios are finite: at most `BOUND`, and 0 instead of less than its inverse."""
    return np.where(np.abs(numbers) < 1 / BOUND, 0.0, np.clip(numbers, -BOUND, BOUND))
