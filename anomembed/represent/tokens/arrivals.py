"""Values that come and go: sessions, new customers, releases. To a model of the past, those of the future are new.

Records that are held out at random had most of their values seen, so that by them every new session would be unusual.
Those of the last quarter are therefore looked at as they were to a model that ends before it.
"""

from dataclasses import replace

import numpy as np
import polars as pl
from numpy.typing import NDArray

from anomembed.represent.tokens.kinds import FIRST_VALUE, Special
from anomembed.represent.tokens.vocabulary import ColumnTokens, Tokens, Vocabulary

LATE = 0.75  # quantile of the times from which records are late
# Share of the late records, beyond that by chance, that makes new values usual: anomalies are not as many.
LEAST_NEW = 0.05
DAY = 86_400_000_000  # microseconds


def find_new(vocabulary: Vocabulary, tokens: Tokens, frame: pl.DataFrame, seed: int) -> NDArray[np.bool_]:
    """Tell which values came in the last quarter of the time, in the columns where many do.

    Parameters
    ----------
    vocabulary, tokens, frame
        See `anomembed.represent.tokens.lifetimes.find_absent`.
    seed : int
        Of a random order, in which as many values would come late by chance.

    Returns
    -------
    ndarray of shape (n_records, n_columns)
        False wherever there is no time of day.
    """
    new = np.zeros(tokens.shape, bool)
    at = _moments(vocabulary, frame)
    if at is None:
        return new
    shuffled, cut = np.random.default_rng(seed).permutation(at), float(np.quantile(at, LATE))
    for index, (column, offset) in enumerate(zip(vocabulary.columns, vocabulary.offsets, strict=False)):
        if column.kind.traits.is_text:
            came, by_chance = (_came_late(tokens[:, index] - offset, moments, cut) for moments in (at, shuffled))
            if came.sum() - by_chance.sum() >= LEAST_NEW * (at >= cut).sum():
                new[:, index] = came
    return new


def with_arrivals(vocabulary: Vocabulary, tokens: Tokens, new: NDArray[np.bool_]) -> Vocabulary:
    """Return a vocabulary in which values that were never seen are as frequent as late records with a new value.

    Parameters
    ----------
    vocabulary, tokens
        See `find_new`.
    new : ndarray of shape (n_records, n_columns)
        From `find_new`.
    """
    shares = new.sum(axis=0) / max((1 - LATE) * len(tokens), 1)
    return replace(vocabulary, columns=tuple(map(_with_unseen, vocabulary.columns, shares.tolist())))


def _with_unseen(column: ColumnTokens, share: float) -> ColumnTokens:
    if not share or column.unknown is not Special.UNSEEN:
        return column
    counts = column.counts.copy()
    counts[Special.UNSEEN] = min(share, 1.0) * column.n_records
    return replace(column, counts=counts)


def as_new(vocabulary: Vocabulary, tokens: Tokens, new: NDArray[np.bool_]) -> Tokens:
    """Return tokens with those that are `new` as values that were never seen."""
    unknown = [column.unknown for column in vocabulary.columns] + vocabulary.offsets[:-1]
    return np.where(new, unknown, tokens).astype(np.int32)


def _moments(vocabulary: Vocabulary, frame: pl.DataFrame) -> NDArray[np.int64] | None:
    """Return when each record was, by the first time that has a time of day; records without one count as the first."""
    for name in dict.fromkeys(vocabulary.columns[index].source for index in vocabulary.calendar):
        times = frame[name].cast(pl.Datetime("us")).to_physical()
        if (times % DAY != 0).any():
            return times.fill_null(strategy="min").to_numpy()
    return None


def _came_late(codes: NDArray[np.int32], at: NDArray[np.int64], cut: float) -> NDArray[np.bool_]:
    """Return the records from `cut` on whose value no earlier one has."""
    first = np.full(codes.max(initial=0) + 1, np.iinfo(np.int64).max)
    np.minimum.at(first, codes, at)
    return np.asarray((codes >= FIRST_VALUE) & (at >= cut) & (first[codes] >= cut))
