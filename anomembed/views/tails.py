"""How unlikely a distance is: a Weibull tail through two quantiles of the distances of the reference."""

import numpy as np

from anomembed.represent.arrays import Floats
from anomembed.views.view import EXCESS_FROM

TAIL = (0.9, 0.99)  # quantiles that the tail of the distances is drawn through
SHAPES = (0.3, 3.0)  # bounds of its shape; 1 is an exponential tail, 2 that of a normal distribution
LEAST_REACH = 0.1  # least 90 % quantile of the distances; most numbers may be equal
MOST = 1e6  # cap on nats and on standard deviations
NEVER = 1e30  # 90 % quantile of a number that is not judged: none is as far out


def fit_tail(distances: Floats, other: float = TAIL[1]) -> tuple[float, float]:
    """Return the 90 % quantile, and the shape of the Weibull tail through it and another one, by default the 99 %.

    Of few distances, more than one in a hundred may be abnormal: the median is the safer one.
    """
    near, far = np.quantile(distances, (TAIL[0], other)) if len(distances) else (0.0, 0.0)
    near = max(float(near), LEAST_REACH)
    if other > TAIL[0]:
        stretch = np.log(max(float(far), near * (1 + LEAST_REACH)) / near)
    else:
        stretch = np.log(min(float(far), near / (1 + LEAST_REACH)) / near) if far > 0 else -np.inf
    shape = np.log(np.log(1 - other) / np.log(1 - TAIL[0])) / stretch
    return near, float(np.clip(shape, *SHAPES))


def tail_nats(distances: Floats, tails: Floats) -> Floats:
    """Return -log of the chance of a distance as large, in nats; those of long tails count for less beyond e^-4.

    Parameters
    ----------
    distances : ndarray of shape (n_records, n_numbers)
        In standard deviations.
    tails : ndarray of shape (n_numbers, 2)
        From `fit_tail`.
    """
    reach, shape = tails.T
    with np.errstate(over="ignore"):  # of what is beyond all bounds
        nats = np.minimum(-np.log(1 - TAIL[0]) * (distances / reach) ** shape, MOST)
    beyond = np.maximum(nats - EXCESS_FROM, 0.0)
    return np.asarray(np.minimum(nats, EXCESS_FROM) + beyond * np.minimum(shape, 1.0))
