"""Random draws: hours, amounts and choices as integer codes, and their conversion into column values."""

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
    """Weight the 24 hours by their circular distance from the peaks.

    Parameters
    ----------
    peaks : sequence of int
        The busiest hours.
    width : float
        Width of a peak, in hours.

    Returns
    -------
    ndarray of shape (24,)
        Weights; 0 (closed) for the least busy hours.
    """
    away = np.abs(np.arange(24)[:, None] - np.array(peaks))
    busy = np.exp(-0.5 * (np.minimum(away, 24 - away) / width) ** 2).sum(axis=1)
    return np.where(busy > 0.15, busy, 0)


def bounded_lognormal(rng: np.random.Generator, spread: Numbers | float, n: int) -> Numbers:
    """Draw lognormal factors around 1, without the far tails, which would be unplanted anomalies.

    Parameters
    ----------
    rng : np.random.Generator
        Random numbers.
    spread : ndarray of shape (n,) or float
        Standard deviation of the logarithm, before truncation.
    n : int
        Number of draws.

    Returns
    -------
    ndarray of shape (n,)
    """
    return np.asarray(np.exp(spread * rng.standard_normal(n).clip(-1.5, 1.5)))


def choose(rng: np.random.Generator, weights: Numbers, row: Numbers) -> Numbers:
    """Draw one column of `weights` for each entry of `row`, with the weights of that row.

    Parameters
    ----------
    rng : np.random.Generator
        Random numbers.
    weights : ndarray of shape (n_rows, n_choices)
        Not negative; a row need not sum to 1.
    row : ndarray of shape (n,)
        The row that applies.

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
    chosen = np.searchsorted(ladder, row + rng.random(len(row)), side="right") - row * weights.shape[1]
    return np.asarray(np.clip(chosen, 0, weights.shape[1] - 1))


def to_time(second: Numbers) -> Numbers:
    """Convert seconds since midnight of the first Monday to times.

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
    """Replace codes by names.

    Parameters
    ----------
    names : sequence of str
        Distinct names.
    codes : ndarray of shape (n,)
        Indices into `names`; -1 is null.

    Returns
    -------
    pl.Series
        Of type `Enum`, which sorts and filters much faster than strings.

    Examples
    --------
    >>> decode(["ios", "mac"], np.array([1, -1, 0])).to_list()
    ['mac', None, 'ios']
    """
    return pl.Series([*names, None], dtype=pl.Enum(names)).gather(codes % (len(names) + 1))
