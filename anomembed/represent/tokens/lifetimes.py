"""Which parts of the calendar came while each value was there: what opened on Friday has no Monday yet.

Held against the weekdays of all records, the first Monday of a new shop would be unusual in each of its records.
"""

from datetime import timedelta

import numpy as np
import polars as pl
from numpy.typing import NDArray

from anomembed.represent.tokens.kinds import FIRST_VALUE
from anomembed.represent.tokens.vocabulary import ColumnTokens, Tokens, Vocabulary

HOUR = 3_600_000_000  # microseconds
DAY = 24 * HOUR
MOST_HOURS = 200_000  # that are looked at, about 22 years: a date such as 9999-12-31 is no part of them
MOST_MIDNIGHTS = 2
LEAST_PART = 0.5  # of a part of the calendar that must have come, such as twelve hours of a Monday


def has_hours(moments: pl.Series) -> bool:
    """Tell whether moments are more than days: midnight of a zone is one time of day, or two with summer time."""
    return (moments.cast(pl.Datetime("us")).to_physical() % DAY).n_unique() > MOST_MIDNIGHTS


def find_absent(vocabulary: Vocabulary, tokens: Tokens, moments: pl.Series) -> NDArray[np.bool_]:
    """Tell which values of the calendar did not come while each token was there.

    Parameters
    ----------
    vocabulary : Vocabulary
        The tokens.
    tokens : ndarray of shape (n_records, n_columns)
        Of the reference records.
    moments : pl.Series
        When they were: their event time.

    Returns
    -------
    ndarray of shape (n_calendar, n_tokens)
        One row for each token of `Vocabulary.calendar`; False for those of other times. A token is there from its first
        record to its last, and for no less than a period all comes. Of a single moment, nothing is told.
    """
    calendar = [vocabulary.columns[index] for index in vocabulary.calendar]
    if not any(column.source == moments.name for column in calendar):
        return np.zeros((0, 0), bool)
    first, last = _lives(moments, tokens, vocabulary.size)
    others = np.zeros((1, vocabulary.size), bool)
    rows = (
        _absent(column, first, last) if column.source == moments.name else others.repeat(len(column.labels), axis=0)
        for column in calendar
    )
    return np.concatenate(list(rows))


def _lives(moments: pl.Series, tokens: Tokens, n_tokens: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the hours since 1970 of the first and the last record with each token; the last is smaller without two."""
    is_known = moments.is_not_null().to_numpy()
    at = moments.cast(pl.Datetime("us")).to_physical().drop_nulls().to_numpy()
    first, last = np.full(n_tokens, np.iinfo(np.int64).max), np.full(n_tokens, np.iinfo(np.int64).min)
    for column in tokens[is_known].T:
        np.minimum.at(first, column, at)
        np.maximum.at(last, column, at)
    is_there = first < last
    return np.where(is_there, first // HOUR, np.iinfo(np.int64).max), np.where(is_there, last // HOUR, 0)


def _absent(column: ColumnTokens, first: NDArray[np.int64], last: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Return which values of a column of the calendar did not come in each life, shape (n_values, n_tokens)."""
    absent = np.zeros((len(column.labels), len(first)), bool)
    period = int((column.kind.traits.period or timedelta()) / timedelta(hours=1))
    brief = np.flatnonzero((first <= last) & (last - first < period))
    middle = int(np.median(first[brief])) if len(brief) else 0
    brief = brief[np.abs(first[brief] - middle) <= MOST_HOURS // 2]
    if not len(brief):
        return absent
    begin = first[brief].min() - period
    hours = np.arange(begin, last[brief].max() + 1)
    codes = column.encode(pl.DataFrame({column.source: pl.Series(hours * HOUR).cast(pl.Datetime("us"))}))
    came = np.zeros((len(column.labels), len(hours) + 1), np.int32)
    came[codes, 1 + np.arange(len(hours))] = 1
    usual = came[:, : period + 1].sum(axis=1)  # hours of each in a period
    so_far = came.cumsum(axis=1)
    start, end = first[brief] + 1 - begin, last[brief] - begin  # whole hours
    whole = so_far[:, np.maximum(end, start)] - so_far[:, start]
    absent[:, brief] = whole < LEAST_PART * np.maximum(usual, 1)[:, None]
    absent[:FIRST_VALUE] = False
    return absent
