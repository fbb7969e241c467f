"""Why was a record flagged? The share of every column in its score, and what would have been usual.

A column contributes to a view what the record's term of that view falls by when the column's value is replaced by the
one that its other values lead to expect. The contributions are then scaled so that the law holds: **the contributions
of a record over all views and columns sum to its raw score.**
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from anomembed.represent.arrays import Floats
from anomembed.represent.batch import Batch
from anomembed.represent.counts import Counts
from anomembed.represent.tokens.vocabulary import Tokens, Vocabulary
from anomembed.score.combine import CalibratedView

REPLACED_AT_ONCE = 16_384  # records with one value replaced that are scored together
CONTEXT_SHARE = 0.5  # the say of each other value in what is expected; they repeat one another in part


@dataclass(frozen=True)
class Expectations:
    """What the other values of records lead to expect in every column.

    Parameters
    ----------
    best : ndarray of shape (n_records, n_columns)
        The most expected token of every column.
    numbers : ndarray of shape (n_records, n_columns)
        A number that the most expected token stands for; NaN when it stands for none.
    score : list of ndarray of shape (n_records, n_tokens of the column)
        Log of the (unnormalised) chance of every token of a column.
    """

    best: Tokens
    numbers: Floats
    score: list[NDArray[np.float32]]


def expect(tokens: Tokens, vocabulary: Vocabulary, counts: Counts) -> Expectations:
    """Predict every column of records from their other columns.

    Parameters
    ----------
    tokens : ndarray of shape (n_records, n_columns)
        Token ids.
    vocabulary : Vocabulary
        Says how frequent every token is.
    counts : Counts
        How often tokens meet: a token is expected as often as it occurs, times how much more often than by chance it
        meets each of the record's other values.

    Returns
    -------
    Expectations
        Tokens that never occurred in the reference are not expected.
    """
    with np.errstate(divide="ignore"):
        prior = np.log(vocabulary.counts())
    segments = [slice(*ends) for ends in pairwise(vocabulary.offsets.tolist())]
    others = [np.flatnonzero(row) for row in counts.compared & ~np.eye(len(segments), dtype=bool)]
    score = np.empty((len(tokens), vocabulary.size), np.float32)
    for row, record in enumerate(tokens):
        score[row] = prior + CONTEXT_SHARE * _observed(record, counts)
        for segment, company in zip(segments, others, strict=True):
            chance = np.outer(counts.single[record[company]], counts.single[segment]) / counts.n_records
            score[row, segment] -= CONTEXT_SHARE * np.log1p(chance).sum(axis=0)
    best = np.column_stack([segment.start + score[:, segment].argmax(axis=1) for segment in segments]).astype(np.int32)
    typical = np.concatenate([column.typical() for column in vocabulary.columns])
    return Expectations(best, typical[best], [score[:, segment] for segment in segments])


def _observed(record: NDArray[np.int32], counts: Counts) -> Floats:
    """For every token, the sum of log(1 + records together) over the other values of a record."""
    met = sparse.coo_array(counts.together[record])
    place, token = met.coords
    logs = np.where(record[place] == token, 0.0, np.log1p(met.data))
    return np.bincount(token, logs, minlength=len(counts.single)).astype(np.float64)


def contributions(
    views: Sequence[CalibratedView], batch: Batch, expected: Expectations, number_of: Sequence[int]
) -> Floats:
    """Take the raw scores of records apart.

    Parameters
    ----------
    views : sequence of CalibratedView
        The views that the score is made of.
    batch : Batch
        The records.
    expected : Expectations
        What is usual in every column of these records.
    number_of : sequence of int
        For every token column, the index of its number in the batch, or -1.

    Returns
    -------
    ndarray of shape (n_records, n_views, n_columns)
        In nats, high = abnormal; the sum over views and columns is the raw score.
    """
    n_columns = batch.tokens.shape[1]
    size = max(1, REPLACED_AT_ONCE // n_columns)
    parts = [
        _take_apart(
            views, batch[part], _each_replaced(batch[part], expected.best[part], expected.numbers[part], number_of)
        )
        for part in (slice(start, start + size) for start in range(0, len(batch), size))
    ]
    return np.concatenate(parts) if parts else np.zeros((0, len(views), n_columns))


def _take_apart(views: Sequence[CalibratedView], batch: Batch, usual: Batch) -> Floats:
    n, n_columns = batch.tokens.shape
    parts = np.empty((n, len(views), n_columns))
    for at, view in enumerate(views):
        term = view.term(view.raw(batch))[:, None]
        culprit = view.view.culprit(batch)
        if culprit is not None:
            parts[:, at] = term * (culprit[:, None] == np.arange(n_columns))
            continue
        falls = np.maximum(term - view.term(view.raw(usual)).reshape(n, n_columns), 0.0)
        total = falls.sum(axis=1, keepdims=True)
        # Where no single value makes a difference, all share alike.
        parts[:, at] = term * np.where(total > 0, falls / np.where(total > 0, total, 1.0), 1.0 / n_columns)
    return parts


def _each_replaced(batch: Batch, best: Tokens, typical: Floats, number_of: Sequence[int]) -> Batch:
    """Every record once per column, with the value of that column as expected."""
    n_columns = batch.tokens.shape[1]
    columns = np.arange(n_columns)
    tokens = np.repeat(batch.tokens[:, None], n_columns, axis=1)
    tokens[:, columns, columns] = best
    numbers = np.repeat(batch.numbers[:, None], n_columns, axis=1)
    rows = np.repeat(np.arange(len(batch)), n_columns)
    of_number = np.flatnonzero(np.asarray(number_of) >= 0)
    numbers[:, of_number, np.asarray(number_of)[of_number]] = typical[:, of_number]
    # Views of vectors say themselves which column is to blame; so many copies of wide vectors would fill the memory.
    copies = replace(batch, vectors=())[rows]
    return replace(copies, tokens=tokens.reshape(-1, n_columns), numbers=numbers.reshape(len(rows), -1))
