"""Values that come and go: sessions, new customers, releases. To a model of the past, those of the future are new.

Records that are held out at random had most of their values seen, so that by them every new session would be unusual.
Those of the last quarter are therefore looked at as they were to a model that ends before it.
"""

from dataclasses import replace

import numpy as np
import polars as pl
from numpy.typing import NDArray

from anomembed.represent.tokens.kinds import FIRST_VALUE, Kind
from anomembed.represent.tokens.lifetimes import has_hours
from anomembed.represent.tokens.vocabulary import ColumnTokens, Tokens, Vocabulary

LATE = 0.75  # quantile of the times from which records are late
# Share of the late records, beyond that by chance, that makes new values usual: anomalies are not as many.
LEAST_NEW = 0.05
MOSTLY = 0.5  # the same in a reference of less than a day, which has no calendar: most values are still being met


def find_new(
    vocabulary: Vocabulary, tokens: Tokens, frame: pl.DataFrame, event_time: str, seed: int
) -> NDArray[np.bool_]:
    """Tell which values came in the last quarter of the time, in the columns where many do.

    Parameters
    ----------
    vocabulary : Vocabulary
        The tokens.
    tokens : ndarray of shape (n_records, n_columns)
        Of reference records.
    frame : pl.DataFrame
        The same records.
    event_time : str
        Its column that says when they were; records without a time count as the first.
    seed : int
        Of a random order, in which as many values would come late by chance.

    Returns
    -------
    ndarray of shape (n_records, n_columns)
        False wherever there is no time of day.
    """
    new = np.zeros(tokens.shape, bool)
    if not has_hours(frame[event_time]):
        return new
    at = frame[event_time].cast(pl.Datetime("us")).to_physical().fill_null(strategy="min").to_numpy()
    least = LEAST_NEW if vocabulary.calendar else MOSTLY
    shuffled, cut = np.random.default_rng(seed).permutation(at), float(np.quantile(at, LATE))
    for index, column in enumerate(vocabulary.columns):
        if column.kind.traits.is_text:
            values = _values(column, tokens[:, index] - vocabulary.offsets[index], frame)
            came, by_chance = (_came_late(values, moments, cut) for moments in (at, shuffled))
            if came.sum() - by_chance.sum() >= least * (at >= cut).sum():
                new[:, index] = came
    return new


def with_arrivals(vocabulary: Vocabulary, new: NDArray[np.bool_]) -> Vocabulary:
    """Return a vocabulary that knows how many records bring a value which no earlier one has.

    Parameters
    ----------
    vocabulary : Vocabulary
        The tokens.
    new : ndarray of shape (n_records, n_columns)
        From `find_new`.
    """
    shares = np.minimum(new.sum(axis=0) / max((1 - LATE) * len(new), 1), 1.0)
    columns = zip(vocabulary.columns, shares.tolist(), strict=True)
    return replace(vocabulary, columns=tuple(replace(column, arriving=share) for column, share in columns))


def as_new(vocabulary: Vocabulary, tokens: Tokens, new: NDArray[np.bool_]) -> Tokens:
    """Return tokens with those that are `new` as values that were never seen."""
    unknown = [column.unknown for column in vocabulary.columns] + vocabulary.offsets[:-1]
    return np.where(new, unknown, tokens).astype(np.int32)


def _values(column: ColumnTokens, codes: NDArray[np.int32], frame: pl.DataFrame) -> NDArray[np.int64]:
    """Return the value of each record as a number, also of those that are too rare for a token; 0 for none."""
    if column.kind is Kind.VALUE and column.source in frame.columns:  # not within messages
        return frame[column.source].rank("dense").fill_null(0).cast(pl.Int64).to_numpy()
    return np.where(codes >= FIRST_VALUE, codes, 0).astype(np.int64)


def _came_late(values: NDArray[np.int64], at: NDArray[np.int64], cut: float) -> NDArray[np.bool_]:
    """Return the records from `cut` on whose value no earlier one has."""
    first = np.full(values.max(initial=0) + 1, np.iinfo(np.int64).max)
    np.minimum.at(first, values, at)
    return np.asarray((values > 0) & (at >= cut) & (first[values] >= cut))


def note_arriving(vocabulary: Vocabulary) -> list[str]:
    """Return a note for every column in which a new value is usual, and so no news of a later record."""
    return [
        f"{column.arriving:.0%} of the last reference records have a {column.name} that none before had: a new one is "
        "usual"
        for column in vocabulary.columns
        if column.arriving
    ]
