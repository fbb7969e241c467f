"""How long each value was there: what is younger than a week says nothing of weekdays.

A shop that opened on a Friday has no records of Mondays yet. Held against the weekdays of all records, its first Monday
would be unusual in each of its records.
"""

import numpy as np
import polars as pl
from numpy.typing import NDArray

from anomembed.represent.tokens.vocabulary import Tokens, Vocabulary

MICROSECONDS = 1_000_000


def find_brief(vocabulary: Vocabulary, tokens: Tokens, frame: pl.DataFrame) -> NDArray[np.bool_]:
    """Tell which tokens were there for less than the period of each column of the calendar.

    Parameters
    ----------
    vocabulary : Vocabulary
        The tokens.
    tokens : ndarray of shape (n_records, n_columns)
        Of the reference records.
    frame : pl.DataFrame
        The same records, with their times.

    Returns
    -------
    ndarray of shape (n_calendar, n_tokens)
        One row for each of `Vocabulary.calendar`. A token is there from its first record to its last.
    """
    brief = np.zeros((len(vocabulary.calendar), vocabulary.size), bool)
    lived: dict[str, NDArray[np.float64]] = {}
    for row, index in enumerate(vocabulary.calendar):
        column = vocabulary.columns[index]
        if column.source not in lived:
            lived[column.source] = _seconds_lived(frame[column.source], tokens, vocabulary.size)
        period = column.kind.traits.period
        brief[row] = lived[column.source] < (period.total_seconds() if period else 0)
    return brief


def _seconds_lived(moments: pl.Series, tokens: Tokens, n_tokens: int) -> NDArray[np.float64]:
    """Return the seconds from the first record with each token to the last; infinite without one."""
    is_known = moments.is_not_null().to_numpy()
    at = moments.cast(pl.Datetime("us")).to_physical().drop_nulls().to_numpy()
    first, last = np.full(n_tokens, np.inf), np.full(n_tokens, -np.inf)
    for column in tokens[is_known].T:
        np.minimum.at(first, column, at)
        np.maximum.at(last, column, at)
    return np.where(last < first, np.inf, (last - first) / MICROSECONDS)
