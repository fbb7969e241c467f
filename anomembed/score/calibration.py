"""From a raw score to a tail probability: the share of normal records that are at least this abnormal.

Up to a high quantile the share is counted on reference scores; beyond it a generalised Pareto distribution, fitted to
the exceedances, continues it, so that the ranking is kept beyond the largest reference score and nothing saturates
[1]_.

.. [1] Hosking, Wallis: Parameter and quantile estimation for the generalized Pareto distribution. Technometrics,
   1987.
"""

from dataclasses import dataclass

import numpy as np

from anomembed.represent.arrays import Floats

TAIL_SHARE = 0.02  # share of the reference scores that the tail is fitted to
MIN_TAIL = 50  # ... but so many scores at least
MIN_FIT = 20  # with fewer exceedances than this the tail is not fitted but assumed
SHAPES = (0.05, 0.5)  # bounds of the shape: above 0, so that no score has probability 0
ASSUMED_SHAPE = 0.25
KNOTS = 4000  # the counted part is kept at so many points


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
        Raw score beyond which the fitted tail holds.
    start_log_tail : float
        -log tail probability there.
    top : ndarray
        Ascending raw scores beyond `start`; empty when the records to be judged are the reference itself.
    top_log_tail : ndarray
        -log of their counted tail probability.
    shape, scale : float
        Of the generalised Pareto distribution.
    largest : float
        Largest reference score; beyond it tail probabilities are extrapolated.
    spread : float
        Unit in which scores below the smallest reference score fall off.
    n_reference : int
        Reference scores.
    is_fitted : bool
        Whether there were enough of them to fit the tail; if not, its shape is assumed.
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
        """Return -log of the tail probability in nats: 0 = ordinary, high = abnormal; it never falls as `raw` rises.

        Examples
        --------
        >>> exponential = -np.log(1 - (np.arange(1000) + 0.5) / 1000)  # of which it is the score itself
        >>> calibration = fit_calibration(exponential)
        >>> calibration.minus_log_tail(np.array([1.0, 3.0, 7.0, 14.0])).round(1)
        array([ 1. ,  3. ,  6.8, 12.1])
        """
        body = _between(raw, self.knots, self.log_tail)
        # Below the smallest reference score the probability goes on rising towards 1, so that no ties are made.
        body *= np.exp(np.minimum(raw - self.knots[0], 0.0) / self.spread)
        excess = np.maximum(raw - self.start, 0.0) / self.scale
        tail = self.start_log_tail + np.log1p(self.shape * excess) / self.shape
        return np.where(raw > self.start, tail, body)

    def tail_probability(self, raw: Floats) -> Floats:
        """Return the tail probability: above 0, at most 1, low = abnormal; it never rises with `raw`.

        It is never below what was counted, whatever the fitted tail says: a few normal records that lie far out on
        their own, as new kinds of events do, are nothing that a smooth tail could know of.
        """
        fitted = self.minus_log_tail(raw)
        if len(self.top):
            beyond = np.maximum(fitted - self.minus_log_tail(self.top[-1:]), 0.0)
            counted = _between(raw, self.top, self.top_log_tail) + beyond
            fitted = np.where(raw > self.start, np.minimum(fitted, counted), fitted)
        return np.asarray(np.exp(-fitted))


def _between(raw: Floats, knots: Floats, values: Floats) -> Floats:
    """Interpolate between ascending values; rounding never lifts a score above the next knot."""
    following = np.minimum(np.searchsorted(knots, raw), len(knots) - 1)
    return np.minimum(np.interp(raw, knots, values), values[following])


def fit_calibration(reference: Floats, *, is_own: bool = False) -> Calibration:
    """Calibrate on the raw scores of reference records.

    Parameters
    ----------
    reference : ndarray of shape (n_reference,)
        Raw scores, high = abnormal; best of records that the detector was not fitted on.
    is_own : bool, default=False
        Whether the records to be judged are these themselves. Counting would then give the k-th of n a tail
        probability of k / n whatever its score, and nothing could ever be significant: only the fitted tail tells.

    Returns
    -------
    Calibration
        Monotone, without a largest value.
    """
    ordered = np.sort(np.asarray(reference, np.float64))
    n = len(ordered)
    n_tail = int(min(max(np.ceil(TAIL_SHARE * n), MIN_TAIL), max(n // 4, 1)))
    start = float(ordered[max(n - n_tail - 1, 0)])
    excess = ordered[ordered > start] - start
    start_log_tail = -np.log(max(len(excess), 0.5) / (n + 1))
    spread = max(float(ordered.std()), 1e-9)
    is_fitted = len(excess) >= MIN_FIT
    shape, scale = _fit_pareto(excess) if is_fitted else (ASSUMED_SHAPE, _assumed_scale(excess, ordered))
    values, counted = _count(ordered)
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
        n_reference=n,
        is_fitted=is_fitted,
    )


def _fit_pareto(excess: Floats) -> tuple[float, float]:
    """Shape and scale by probability-weighted moments."""
    n = len(excess)
    mean = float(excess.mean())
    weighted = float(((1 - (np.arange(1, n + 1) - 0.35) / n) * excess).mean())
    shape = 2 - mean / (mean - 2 * weighted) if mean > 2 * weighted else SHAPES[0]
    shape = float(np.clip(shape, *SHAPES))
    return shape, max(mean * (1 - shape), 1e-12)


def _assumed_scale(excess: Floats, ordered: Floats) -> float:
    mean = float(excess.mean()) if len(excess) else 0.0
    return max(mean, float(ordered.std()) / 2, abs(float(ordered[-1])) * 0.05, 1e-9)


def _count(ordered: Floats) -> tuple[Floats, Floats]:
    """Distinct scores, and -log of the share of scores above each, half of those that equal it counted as above."""
    n = len(ordered)
    values, times = np.unique(ordered, return_counts=True)
    above = n - np.cumsum(times)
    return values, -np.log((above + 0.5 * times + 0.5) / (n + 1))
