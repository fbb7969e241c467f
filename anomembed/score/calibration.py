"""Turn raw scores into tail probabilities: the share of normal records that are at least this abnormal.

Up to a high quantile the share is counted on reference scores. Beyond it, a generalised Pareto distribution is fitted
to the exceedances [1]_, so that scores above the largest reference score keep their ranking and never saturate.

.. [1] Hosking, Wallis: Parameter and quantile estimation for the generalized Pareto distribution. Technometrics,
   1987.
"""

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from anomembed.represent.arrays import Floats
from anomembed.represent.keys import Ascending

TAIL_SHARE = 0.02  # share of the reference scores that the tail is fitted to
MIN_TAIL = 50  # reference scores in the tail, at least
MIN_FIT = 20  # with fewer exceedances, shape and scale of the tail are assumed
SHAPES = (0.05, 0.5)  # bounds of the shape: above 0, so that no score has probability 0
OWN_SHAPES = (0.05, 0.25)  # the same where what is to be found is among those that calibrate, and makes the tail long
ASSUMED_SHAPE = 0.25
GAP_NATS = 8.0  # -log of the chance of a gap in the tail, by the scores below it, from which those above are apart
GAP_WIDTH = 1.0  # least width of such a gap, in scales of the tail
GAP_SHARE = 0.1  # share of the scores that gaps are looked for in, and judged by
MOST_APART = 0.4  # share of these that may be apart
SCALES = (0.35, 1.6)  # of a tail, tried, as a share of that of an exponential one
SURELY_LOWER = 1 - 1e-9  # of a probability that is below this part of another, whatever rounding does
KNOTS = 4000  # of the counted part, at most


@dataclass(frozen=True)
class Calibration:
    """Tail probability of raw scores; high raw score = low tail probability = abnormal.

    Parameters
    ----------
    knots : ndarray
        Ascending raw scores.
    log_tail : ndarray
        -log tail probability at the knots, ascending, in nats.
    start : float
        Raw score at which the fitted tail begins.
    start_log_tail : float
        -log tail probability at `start`, in nats.
    top : ndarray
        Ascending reference scores beyond `start`; empty when the reference itself is scored.
    top_log_tail : ndarray
        -log of their counted tail probabilities, in nats.
    shape, scale : float
        Parameters of the generalised Pareto distribution; `scale` has the unit of raw scores.
    largest : float
        Largest reference score that the tail was fitted to.
    spread : float
        Scale, in raw scores, of the decay of -log tail probability below the smallest reference score.
    n_reference : int
        Number of reference scores.
    is_fitted : bool
        Whether the tail was fitted; False when there were too few exceedances, and its parameters are assumed.
    """

    knots: Floats
    log_tail: Floats
    start: float
    start_log_tail: float
    top: Floats
    top_log_tail: Floats
    shape: float
    scale: float
    largest: float
    spread: float
    n_reference: int
    is_fitted: bool

    def minus_log_tail(self, raw: Floats) -> Floats:
        """Return -log tail probability in nats: 0 = normal, high = abnormal; monotone in `raw`.

        Examples
        --------
        >>> exponential = -np.log(1 - (np.arange(1000) + 0.5) / 1000)  # -log tail is the score itself
        >>> calibration = fit_calibration(exponential)
        >>> calibration.minus_log_tail(np.array([1.0, 3.0, 7.0, 14.0])).round(1)
        array([ 1. ,  3. ,  6.8, 12.1])
        """
        body = _between(raw, self._steps, self.log_tail)
        # Below the smallest reference score the probability keeps rising towards 1, so that scores do not tie.
        body *= np.exp(np.minimum(raw - self.knots[0], 0.0) / self.spread)
        excess = np.maximum(raw - self.start, 0.0) / self.scale
        tail = self.start_log_tail + np.log1p(self.shape * excess) / self.shape
        return np.where(raw > self.start, tail, body)

    @cached_property
    def _steps(self) -> Ascending:
        return Ascending(self.knots)

    @cached_property
    def _top_steps(self) -> Ascending:
        return Ascending(self.top)

    def is_extrapolated(self, raw: Floats) -> NDArray[np.bool_]:
        """Tell which tail probabilities are of no reference score, or lower than the reference can show."""
        counted = SURELY_LOWER * smallest_counted(self.n_reference)
        return np.asarray((raw > self.largest) | (self.tail_probability(raw) < counted))

    def tail_probability(self, raw: Floats) -> Floats:
        """Return the tail probability, in (0, 1]: low = abnormal; monotone in `raw`.

        It is at least the counted one: a smooth tail underestimates how often normal records lie far out on their own,
        such as new kinds of events.
        """
        fitted = self.minus_log_tail(raw)
        if len(self.top):
            beyond = np.maximum(fitted - self.minus_log_tail(self.top[-1:]), 0.0)
            counted = _between(raw, self._top_steps, self.top_log_tail) + beyond
            fitted = np.where(raw > self.start, np.minimum(fitted, counted), fitted)
        return np.asarray(np.exp(-fitted))


def smallest_counted(n_reference: int) -> float:
    """Return the smallest tail probability that so many reference records can show; lower ones are extrapolated."""
    return 1.0 / (n_reference + 1)


def fit_calibration(reference: Floats, *, is_own: bool = False) -> Calibration:
    """Calibrate on the raw scores of reference records.

    Parameters
    ----------
    reference : ndarray of shape (n_reference,)
        Raw scores, high = abnormal; preferably of records that the detector was not fitted on.
    is_own : bool, default=False
        Whether these same records will be scored. Counting would then give the k-th of n a tail probability of k / n
        whatever its score, and nothing could be significant; only the fitted tail is used. Scores beyond a clear gap
        are left out: they would make the tail so long that none of them could be significant. So would those that
        are not apart; but a score adds up nats, whose tail is exponential, so a shape far above 0 is their doing.

    Returns
    -------
    Calibration
        Monotone and unbounded.
    """
    ordered = np.sort(np.asarray(reference, np.float64))
    if is_own:
        ordered = ordered[: len(ordered) - _count_apart(ordered)]
    n, start = len(ordered), _start(ordered)
    excess = ordered[ordered > start] - start
    start_log_tail = -np.log(max(len(excess), 0.5) / (n + 1))
    spread = max(float(ordered.std()), 1e-9)
    is_fitted = len(excess) >= MIN_FIT
    shapes = OWN_SHAPES if is_own else SHAPES
    shape, scale = _fit_pareto(excess, shapes) if is_fitted else (ASSUMED_SHAPE, _assumed_scale(excess, ordered))
    values, counted = _count(ordered, n)
    is_body = values <= start
    kept = np.unique(np.linspace(0, is_body.sum() - 1, min(KNOTS, is_body.sum())).astype(int))
    return Calibration(
        knots=values[is_body][kept],
        log_tail=np.minimum(counted[is_body][kept], start_log_tail),
        start=start,
        start_log_tail=start_log_tail,
        top=values[:0] if is_own else values[~is_body],
        top_log_tail=counted[:0] if is_own else counted[~is_body],
        shape=shape,
        scale=scale,
        largest=float(ordered[-1]),
        spread=spread,
        n_reference=len(reference),
        is_fitted=is_fitted,
    )


def count_in(calibration: Calibration, scores: Floats, share: float) -> Calibration:
    """Count scores in that the reference lacks because they were flagged.

    Parameters
    ----------
    calibration : Calibration
        From `fit_calibration`, of other records than those that will be scored.
    scores : ndarray
        Scores that are missing; only those in the tail are counted.
    share : float
        Their share of all scores: when there are more or fewer, each counts less or more.

    Returns
    -------
    Calibration
        As from `fit_calibration` with so many more scores.
    """
    n, more = calibration.n_reference, np.sort(scores[scores > calibration.start])
    n_more = round(n * share / (1 - share)) if len(more) and calibration.is_fitted else 0
    if not n_more or not len(calibration.top):
        return calibration
    more = more[((np.arange(n_more) + 0.5) / n_more * len(more)).astype(np.intp)]
    counts = np.exp(-calibration.top_log_tail) * (n + 1)  # of those above, and half of those that are equal
    times = np.ones(len(counts))
    for at in reversed(range(len(counts))):
        times[at] = 2 * (counts[at] - times[at + 1 :].sum() - 0.5)
    tail = np.sort(np.concatenate([np.repeat(calibration.top, np.rint(times).astype(np.intp)), more]))
    shape, scale = _fit_pareto(tail - calibration.start, SHAPES)
    values, counted = _count(tail, n + n_more)
    start_log_tail = float(-np.log(len(tail) / (n + n_more + 1)))
    body = -np.log((np.exp(-calibration.log_tail) * (n + 1) + n_more) / (n + n_more + 1))
    return replace(
        calibration,
        log_tail=np.minimum(body, start_log_tail),
        start_log_tail=start_log_tail,
        top=values,
        top_log_tail=counted,
        shape=shape,
        scale=scale,
        largest=float(tail[-1]),
        n_reference=n + n_more,
    )


def _start(ordered: Floats, share: float = TAIL_SHARE) -> float:
    """Return the score at which the tail begins."""
    n = len(ordered)
    n_tail = int(min(max(np.ceil(share * n), MIN_TAIL), max(n // 4, 1)))
    return float(ordered[max(n - n_tail - 1, 0)])


def _count_apart(ordered: Floats) -> int:
    """Return how many of the largest scores lie beyond a gap that those below it do not explain.

    That all of k scores beyond the others are also beyond the gap has the chance S(upper end)^k / S(lower end)^k, where
    S is the tail fitted to the others and to there being k more beyond them: without these it would be too short, and
    gaps would be found in one of ten tables in which nothing is planted. Few gaps there are so unlikely and so wide.
    """
    start = _start(ordered, GAP_SHARE)
    excess = ordered[ordered > start] - start
    n_most = max(min(int(MOST_APART * len(excess)), len(excess) - MIN_FIT), 0)
    n_below = len(excess) - np.arange(1, n_most + 1)
    gaps = excess[n_below] - excess[n_below - 1]
    is_wide = gaps > GAP_WIDTH * SCALES[0] * np.cumsum(excess)[n_below - 1] / n_below
    return max((k for k in (np.flatnonzero(is_wide) + 1).tolist() if _is_apart(excess, k)), default=0)


def _is_apart(excess: Floats, k: int) -> bool:
    """Tell whether the largest k exceedances lie beyond a gap that the others do not explain."""
    low, high = excess[-k - 1], excess[-k]
    shape, scale = _fit_censored(excess[:-k], k)
    nats = k / shape * (np.log1p(shape * high / scale) - np.log1p(shape * low / scale))
    return bool(high - low > GAP_WIDTH * scale and nats > GAP_NATS)


def _between(raw: Floats, steps: Ascending, heights: Floats) -> Floats:
    """Interpolate linearly, never above the next height: rounding could break monotonicity just before a point."""
    points = steps.points
    within = np.clip(raw, points[0], points[-1])
    before = steps.before(within)
    slopes = np.append(np.diff(heights) / np.maximum(np.diff(points), 1e-300), 0.0)
    following = np.append(heights[1:], heights[-1])
    risen = heights[before] + slopes[before] * (within - points[before])
    return np.asarray(np.minimum(risen, following[before]))


def _fit_pareto(excess: Floats, shapes: tuple[float, float]) -> tuple[float, float]:
    """Return shape, within bounds, and scale, by probability-weighted moments."""
    n = len(excess)
    mean = float(excess.mean())
    weighted = float(((1 - (np.arange(1, n + 1) - 0.35) / n) * excess).mean())
    shape = 2 - mean / (mean - 2 * weighted) if mean > 2 * weighted else shapes[0]
    shape = float(np.clip(shape, *shapes))
    return shape, max(mean * (1 - shape), 1e-12)


def _fit_censored(excess: Floats, n_beyond: int) -> tuple[float, float]:
    """Return shape and scale of the greatest likelihood, given how many more scores lie beyond the largest."""
    low, n = float(excess[-1]), len(excess)
    mean = (float(excess.sum()) + n_beyond * low) / n  # that of an exponential tail
    grids = np.meshgrid(np.linspace(*OWN_SHAPES, 7), mean * np.geomspace(*SCALES, 16))
    shapes, scales = (grid.ravel() for grid in grids)
    logs = np.log1p(shapes[:, None] * excess / scales[:, None]).sum(axis=1)
    beyond = np.log1p(shapes * low / scales)
    best = int((-n * np.log(scales) - (1 / shapes + 1) * logs - n_beyond / shapes * beyond).argmax())
    return float(shapes[best]), float(scales[best])


def _assumed_scale(excess: Floats, ordered: Floats) -> float:
    mean = float(excess.mean()) if len(excess) else 0.0
    return max(mean, float(ordered.std()) / 2, abs(float(ordered[-1])) * 0.05, 1e-9)


def _count(ordered: Floats, n: int) -> tuple[Floats, Floats]:
    """Return the distinct scores, and -log of the share of n above each; of equal scores half count as above."""
    values, times = np.unique(ordered, return_counts=True)
    above = len(ordered) - np.cumsum(times)
    return values, -np.log((above + 0.5 * times + 0.5) / (n + 1))
