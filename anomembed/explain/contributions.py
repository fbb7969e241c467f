"""Attribute a record's raw score to views and columns.

The contribution of a column to a view is how much the view's term falls when the column's value is replaced by the one
expected from the record's other values, scaled so that **the contributions of a record over all views and columns sum
to its raw score.**
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
from anomembed.views.view import Looks

REPLACED_AT_ONCE = 16_384  # records with one value replaced, per batch
CONTEXT_SHARE = 0.5  # weight of each other value in the prediction: other values are partly redundant


@dataclass(frozen=True)
class Expectations:
    """The values expected in every column, given a record's other values.

    Parameters
    ----------
    best : ndarray of shape (n_records, n_columns)
        The most probable token of every column.
    numbers : ndarray of shape (n_records, n_columns)
        A typical number of the most probable token, or the middle one when that is the record's own; NaN when the
        token is no range of numbers.
    score : list of ndarray of shape (n_records, n_tokens of the column)
        Unnormalised log probability of every token of a column, in nats.
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
        Gives the frequency of every token: the prior.
    counts : Counts
        Pair counts of tokens. The prior is multiplied, for each of the record's other values, by how much more often
        than by chance the token occurs with it.

    Returns
    -------
    Expectations
        Tokens that do not occur in the reference have probability 0.
    """
    with np.errstate(divide="ignore"):
        prior = np.log(vocabulary.counts())
    segments = [slice(*ends) for ends in pairwise(vocabulary.offsets.tolist())]
    others = [np.flatnonzero(row) for row in counts.compared & ~np.eye(len(segments), dtype=bool)]
    score = np.empty((len(tokens), vocabulary.size), np.float32)
    for row, record in enumerate(tokens):
        score[row] = prior + CONTEXT_SHARE * _observed(record, counts)
        for segment, context in zip(segments, others, strict=True):
            chance = np.outer(counts.single[record[context]], counts.single[segment]) / counts.n_records
            score[row, segment] -= CONTEXT_SHARE * np.log1p(chance).sum(axis=0)
    best = np.column_stack([segment.start + score[:, segment].argmax(axis=1) for segment in segments]).astype(np.int32)
    typical = np.concatenate([column.typical() for column in vocabulary.columns])
    # A number at the outer end of the range that is expected is to be compared with another one.
    middle = np.array([column.middle() for column in vocabulary.columns])
    numbers = np.where(best == tokens, middle, typical[best])
    return Expectations(best, numbers, [score[:, segment] for segment in segments])


def _observed(record: NDArray[np.int32], counts: Counts) -> Floats:
    """Return, for every token, the sum of log(1 + records together) over the other values of a record."""
    together = sparse.coo_array(counts.together[record])
    column, token = together.coords
    logs = np.where(record[column] == token, 0.0, np.log1p(together.data))
    return np.bincount(token, logs, minlength=len(counts.single)).astype(np.float64)


def contributions(
    views: Sequence[CalibratedView], batch: Batch, expected: Expectations, number_of: Sequence[int]
) -> Floats:
    """Attribute the raw scores of records to views and columns.

    Parameters
    ----------
    views : sequence of CalibratedView
        The views of the model.
    batch : Batch
        The records.
    expected : Expectations
        From `expect`, for these records.
    number_of : sequence of int
        For every token column, the index of its number in the batch, or -1.

    Returns
    -------
    ndarray of shape (n_records, n_views, n_columns)
        In nats, high = abnormal; the sum over views and columns is the record's raw score.
    """
    n_columns = batch.tokens.shape[1]
    size = max(1, REPLACED_AT_ONCE // n_columns)
    parts = [
        _attribute(
            views,
            batch[part],
            _each_replaced(batch[part], expected.best[part], expected.numbers[part], number_of),
            number_of,
        )
        for part in (slice(start, start + size) for start in range(0, len(batch), size))
    ]
    return np.concatenate(parts) if parts else np.zeros((0, len(views), n_columns))


def _attribute(views: Sequence[CalibratedView], batch: Batch, replaced: Batch, number_of: Sequence[int]) -> Floats:
    n, n_columns = batch.tokens.shape
    parts = np.empty((n, len(views), n_columns))
    for index, view in enumerate(views):
        term = view.term(view.raw(batch))[:, None]
        culprit = view.view.culprit(batch)
        if culprit is not None:
            parts[:, index] = term * (culprit[:, None] == np.arange(n_columns))
            continue
        falls = np.maximum(term - view.term(view.raw(replaced)).reshape(n, n_columns), 0.0)
        total = falls.sum(axis=1, keepdims=True)
        # When replacing no single value lowers the term, all columns that the view looks at contribute equally.
        equal = np.full(n_columns, 1.0) if Looks.TOKENS in view.view.looks_at else np.asarray(number_of) >= 0
        parts[:, index] = term * np.where(total > 0, falls / np.where(total > 0, total, 1.0), equal / equal.sum())
    return parts


def _each_replaced(batch: Batch, best: Tokens, typical: Floats, number_of: Sequence[int]) -> Batch:
    """Repeat every record once per column, with the expected value in that column."""
    n_columns = batch.tokens.shape[1]
    columns = np.arange(n_columns)
    tokens = np.repeat(batch.tokens[:, None], n_columns, axis=1)
    tokens[:, columns, columns] = best
    numbers = np.repeat(batch.numbers[:, None], n_columns, axis=1)
    rows = np.repeat(np.arange(len(batch)), n_columns)
    with_number = np.flatnonzero(np.asarray(number_of) >= 0)
    numbers[:, with_number, np.asarray(number_of)[with_number]] = typical[:, with_number]
    # Views of vectors name the culprit, so the copies need no vectors, which would fill the memory.
    copies = replace(batch, vectors=())[rows]
    return replace(copies, tokens=tokens.reshape(-1, n_columns), numbers=numbers.reshape(len(rows), -1))
