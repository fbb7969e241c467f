"""The usual ranges of numbers, overall and given a category, for the wording of reasons."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from anomembed.represent.batch import Batch
from anomembed.represent.tokens.vocabulary import Vocabulary

OUTER = 0.025  # share of the records that may lie below a usual range, and above it: 19 in 20 lie within
MIN_GROUP = 20  # fewest records to learn the range of a token from


@dataclass(frozen=True)
class Ranges:
    """Usual ranges of the numbers.

    Parameters
    ----------
    overall : ndarray of shape (n_numbers, 3)
        Ends of a range that 19 in 20 of the numbers read lie in, ends included, and how many were read.
    context : ndarray of shape (n_numbers,)
        Token column that explains most of the number; -1 when none explains any.
    of_token : tuple of ndarray of shape (n_tokens of the context column, 3)
        The same for every number among the records with each token of its context; NaN where there are too few.
    of_entity : tuple of (int, int, ndarray of shape (n_numbers, n_tokens of the column, 3))
        For every column that names an entity: the column, its first token, and the same among its records.
    """

    overall: NDArray[np.float64]
    context: NDArray[np.int64]
    of_token: tuple[NDArray[np.float64], ...]
    of_entity: tuple[tuple[int, int, NDArray[np.float64]], ...] = ()

    def among(self, number: int, column: int, tokens: NDArray[np.int32]) -> tuple[float, float, float]:
        """Return the ends of the usual range of a number for an entity, and its numbers read; NaN where too few.

        Parameters
        ----------
        number : int
            Index of the number.
        column : int
            Token column that names the entity.
        tokens : ndarray of shape (n_columns,)
            A record of the entity.
        """
        for entity, first, ranges in self.of_entity:
            if entity == column:
                low, high, times = ranges[number, tokens[column] - first].tolist()
                return low, high, times
        return np.nan, np.nan, np.nan


def fit_ranges(batch: Batch, vocabulary: Vocabulary, entities: Sequence[int] = ()) -> Ranges:
    """Learn usual ranges from reference records.

    Parameters
    ----------
    batch : Batch
        All reference records that were read.
    vocabulary : Vocabulary
        The token columns.
    entities : sequence of int
        Token columns that name an entity.

    Returns
    -------
    Ranges
    """
    n_numbers = batch.numbers.shape[1]
    overall = np.full((n_numbers, 3), np.nan)
    context = np.full(n_numbers, -1)
    of_token: list[NDArray[np.float64]] = [np.empty((0, 3))] * n_numbers
    candidates = [index for index, column in enumerate(vocabulary.columns) if column.kind.traits.is_text]
    explained = explained_by(batch, candidates, vocabulary)
    for number in range(n_numbers):
        values = batch.numbers[:, number]
        known = np.isfinite(values)
        if not known.any():
            continue
        overall[number] = _group_ranges(values[known], np.zeros(known.sum(), np.int32), 1, least=1)[0]
        if candidates and explained[:, number].max() > 0:
            column = candidates[int(explained[:, number].argmax())]
            low, high = vocabulary.offsets[column : column + 2]
            context[number] = column
            of_token[number] = _group_ranges(values[known], batch.tokens[known, column] - low, int(high - low))
    return Ranges(overall, context, tuple(of_token), tuple(_entity_ranges(batch, vocabulary, e) for e in entities))


def _entity_ranges(batch: Batch, vocabulary: Vocabulary, column: int) -> tuple[int, int, NDArray[np.float64]]:
    low, high = (int(end) for end in vocabulary.offsets[column : column + 2])
    ranges = np.full((batch.numbers.shape[1], high - low, 3), np.nan)
    for number, values in enumerate(batch.numbers.T):
        known = np.isfinite(values)
        ranges[number] = _group_ranges(values[known], batch.tokens[known, column] - low, high - low)
    return column, low, ranges


def explained_by(batch: Batch, columns: list[int], vocabulary: Vocabulary) -> NDArray[np.float64]:
    """Return the share of the variance of each number's ranks that each column explains, shape (n_columns, n_numbers).

    Adjusted R2: minus what as many random groups would explain.
    """
    ranks = np.column_stack([_centred_ranks(column) for column in batch.numbers.T]) if batch.numbers.size else None
    explained = np.zeros((len(columns), batch.numbers.shape[1]))
    if ranks is None:
        return explained
    total = np.maximum((ranks**2).sum(axis=0), 1e-12)
    n = len(ranks)
    for row, column in enumerate(columns):
        low, high = vocabulary.offsets[column : column + 2]
        tokens = batch.tokens[:, column] - low
        groups = sparse.csr_array((np.ones(n), tokens, np.arange(n + 1)), shape=(n, high - low))
        times = np.bincount(tokens, minlength=high - low)
        between = ((groups.T @ ranks) ** 2 / np.maximum(times, 1)[:, None]).sum(axis=0)
        n_groups = int((times > 0).sum())
        if n > n_groups:
            explained[row] = 1.0 - (1.0 - between / total) * (n - 1) / (n - n_groups)
    return explained


def _centred_ranks(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return ranks minus their mean; 0, which is that mean, for an unknown value."""
    known = np.isfinite(values)
    ranks = np.zeros(len(values))
    ranks[known] = np.argsort(np.argsort(values[known], kind="stable"), kind="stable") - (known.sum() - 1) / 2
    return ranks


def _group_ranges(
    values: NDArray[np.float64], tokens: NDArray[np.int32], n_tokens: int, least: int = MIN_GROUP
) -> NDArray[np.float64]:
    """Return the ends of a range that at least 19 in 20 of the values with each token lie in, and their number."""
    ranges = np.full((n_tokens, 3), np.nan)
    order = np.lexsort((values, tokens))
    found, starts, times = np.unique(tokens[order], return_index=True, return_counts=True)
    enough = times >= least
    first, n_outer = starts[enough], np.floor(OUTER * times[enough]).astype(np.intp)
    ranges[found[enough], 0] = values[order][first + n_outer]
    ranges[found[enough], 1] = values[order][first + times[enough] - 1 - n_outer]
    ranges[found[enough], 2] = times[enough]
    return ranges
