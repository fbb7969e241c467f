"""Draw codes and numbers from habits, and turn them into the values of a table."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

N_WEEKS, DAY, HOUR = 13, 86_400, 3_600
FIRST_MONDAY = np.datetime64("2025-03-03", "us")

Numbers = NDArray[Any]
Columns = dict[str, Numbers]


def busy_hours(peaks: Sequence[int], width: float) -> Numbers:
    """Weight the hours of a day by their distance, around the clock, from the peaks.

    Parameters
    ----------
    peaks : sequence of int
        The busiest hours.
    width : float
        Of a peak, in hours.

    Returns
    -------
    ndarray of shape (24,)
        0 for the least busy hours: it is closed.
    """
    away = np.abs(np.arange(24)[:, None] - np.array(peaks))
    busy = np.exp(-0.5 * (np.minimum(away, 24 - away) / width) ** 2).sum(axis=1)
    return np.where(busy > 0.15, busy, 0)


def bounded_lognormal(rng: np.random.Generator, spread: Numbers | float, n: int) -> Numbers:
    """Draw factors around 1 without the far tails, which would be abnormal without being planted.

    Parameters
    ----------
    rng : np.random.Generator
        Draws.
    spread : ndarray of shape (n,) or float
        Standard deviation of the logarithm, before the tails are cut.
    n : int
        Numbers to draw.

    Returns
    -------
    ndarray of shape (n,)
    """
    return np.asarray(np.exp(spread * rng.standard_normal(n).clip(-1.5, 1.5)))


def choose(rng: np.random.Generator, weights: Numbers, line: Numbers) -> Numbers:
    """Draw, for each entry of `line`, a column of `weights` with the weights of that line.

    Parameters
    ----------
    rng : np.random.Generator
        Draws.
    weights : ndarray of shape (n_lines, n_choices)
        Not negative; a line need not sum to 1.
    line : ndarray of shape (n,)
        Which line applies.

    Returns
    -------
    ndarray of shape (n,)
        Integers below `n_choices`.

    Examples
    --------
    >>> choose(np.random.default_rng(0), np.array([[0, 1, 0], [0, 0, 1]]), np.array([0, 1, 1])).tolist()
    [1, 2, 2]
    """
    shares = weights.cumsum(axis=1) / weights.sum(axis=1, keepdims=True)
    ladder = (shares + np.arange(len(weights))[:, None]).ravel()
    chosen = np.searchsorted(ladder, line + rng.random(len(line)), side="right") - line * weights.shape[1]
    return np.asarray(np.clip(chosen, 0, weights.shape[1] - 1))


def to_time(second: Numbers) -> Numbers:
    """Count seconds from midnight of the first Monday.

    Parameters
    ----------
    second : ndarray of shape (n,)
        Integers.

    Returns
    -------
    ndarray of shape (n,)
        `datetime64[us]`.
    """
    return np.asarray(FIRST_MONDAY + second.astype("timedelta64[s]"))


def decode(names: Sequence[str], codes: Numbers) -> pl.Series:
    """Put the names for the codes.

    Parameters
    ----------
    names : sequence of str
        Distinct.
    codes : ndarray of shape (n,)
        Positions in `names`, or -1 for null.

    Returns
    -------
    pl.Series
        Of the data type `Enum`, which is much faster to sort and filter than strings.

    Examples
    --------
    >>> decode(["ios", "mac"], np.array([1, -1, 0])).to_list()
    ['mac', None, 'ios']
    """
    return pl.Series([*names, None], dtype=pl.Enum(names)).gather(codes % (len(names) + 1))
