"""How unlikely a distance is: a Weibull tail through two quantiles of the distances of the reference."""

import numpy as np

from anomembed.represent.arrays import Floats
from anomembed.views.view import EXCESS_FROM

TAIL = (0.9, 0.99)  # quantiles that the tail of the distances is drawn through
SHAPES = (0.3, 3.0)  # bounds of its shape; 1 is an exponential tail, 2 that of a normal distribution
LEAST_REACH = 0.1  # least 90 % quantile of the distances; most numbers may be equal
TINY = 1e-30
MOST = 1e6  # cap on nats and on standard deviations
NEVER = 1e30  # 90 % quantile of a number that is not judged: none is as far out


def fit_tail(distances: Floats, other: float = TAIL[1]) -> tuple[float, float]:
    """Return the 90 % quantile, and the shape of the Weibull tail through it and another one, by default the 99 %.

    Of few distances, more than one in a hundred may be abnormal: the median is the safer one.
    """
    near, far = np.quantile(distances, (TAIL[0], other)) if len(distances) else (0.0, 0.0)
    near = max(float(near), LEAST_REACH)
    stretch = np.sign(other - TAIL[0]) * max(abs(np.log(max(far, TINY) / near)), np.log1p(LEAST_REACH))
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


def beyond_chance(nats: Floats, looked_at: float, most: float) -> Floats:
    """Return how much of -log of a chance is evidence, above `EXCESS_FROM` and at most `most` more; 0 = none.

    Parameters
    ----------
    nats : ndarray of shape (n_records,)
        -log of the chance.
    looked_at : float
        Log of how many there are: the least likely of so many is no evidence yet.
    most : float
        Nats that count at most.
    """
    beyond = nats - looked_at
    return np.asarray(np.where(beyond > 0, EXCESS_FROM + np.minimum(beyond, most), 0.0))
