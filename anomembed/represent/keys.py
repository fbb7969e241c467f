"""Find equal rows, look up keys, and sum up what is looked up."""

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from anomembed.represent.arrays import Floats
from anomembed.represent.tokens.vocabulary import Tokens
from anomembed.workers.compiled import compiled, is_spared


def distinct(tokens: Tokens) -> tuple[Tokens, NDArray[np.int64], NDArray[np.int64]]:
    """Find the distinct records, in order of first appearance.

    Parameters
    ----------
    tokens : ndarray of shape (n_records, n_columns)
        Token ids.

    Returns
    -------
    rows : ndarray of shape (n_distinct, n_columns)
        The distinct records.
    index : ndarray of shape (n_records,)
        Row of each record in `rows`.
    times : ndarray of shape (n_distinct,)
        Records with each row.
    """
    # Distinguished by a 64-bit hash: the chance of a collision among a million distinct records is 3e-8.
    rng = np.random.default_rng(0)
    odd: NDArray[np.uint64] = rng.integers(1, 2**63, (tokens.shape[1],), dtype=np.uint64) | np.uint64(1)
    hashes = np.zeros(len(tokens), np.uint64)
    for column, multiplier in zip(tokens.T, odd, strict=True):
        hashes += (column.astype(np.uint64) + np.uint64(1)) * multiplier
    _, first, index, times = np.unique(hashes, return_index=True, return_inverse=True, return_counts=True)
    order = np.argsort(first, kind="stable")
    rank = np.empty_like(order)
    rank[order] = np.arange(len(order))
    return tokens[first[order]], rank[index], times[order]


def look_up(keys: "Ascending", values: Floats, wanted: NDArray[np.int64]) -> Floats:
    """Return the value of each wanted key, 0 if it is not among the keys."""
    if not len(keys.points):
        return np.zeros(len(wanted))
    index = keys.before(np.clip(wanted, keys.points[0], keys.points[-1]))
    return np.where(keys.points[index] == wanted, values[index], 0.0)


@dataclass(frozen=True, eq=False)
class Ascending:
    """Ascending numbers among which many others are looked for, by a table of where equal steps lie.

    Parameters
    ----------
    points : ndarray of shape (n_points,)
        Ascending; whole numbers or others.
    """

    points: NDArray[Any]

    def before(self, wanted: NDArray[Any]) -> NDArray[np.intp]:
        """Return the index of the last point that is not above each; all are between the first and the last."""
        if is_spared(len(wanted)):
            return self.points.searchsorted(wanted, "right") - 1
        index = np.empty(len(wanted), np.intp)
        _find_before(self.points, self._first, self._per_step, wanted, index)
        return index

    @cached_property
    def _per_step(self) -> float:
        """Steps per unit: about one to a point."""
        width = float(self.points[-1]) - float(self.points[0])
        return len(self.points) / width if 1e-290 < width < 1e300 else 0.0  # then all are in the first step

    @cached_property
    def _first(self) -> NDArray[np.intp]:
        """How many points are below the begin of each step, and in all."""
        steps = np.zeros(len(self.points), np.intp)
        if self._per_step:
            steps[:] = (self.points - self.points[0]) * self._per_step
        return np.searchsorted(steps, np.arange(len(self.points) + 2))


@compiled()
def _find_before(points, first, per_step, wanted, index):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202
    """Halve what lies in the step of each; see `Ascending.before`."""
    for at in range(len(wanted)):
        # Where none is lower, or what is wanted is no number, there is nothing to halve. Rounding is that of the table.
        step = int((wanted[at] - points[0]) * per_step) if per_step > 0 else 0
        low, high = (first[step], first[step + 1]) if wanted[at] >= points[0] else (1, 1)
        while low < high:
            middle = (low + high) // 2
            if points[middle] <= wanted[at]:
                low = middle + 1
            else:
                high = middle
        index[at] = low - 1


def sum_rows(table: NDArray[Any], tokens: Tokens) -> NDArray[Any]:
    """Sum up the rows of a table that the tokens of each record name.

    Parameters
    ----------
    table : ndarray of shape (n_tokens, width)
        A row for each token.
    tokens : ndarray of shape (n_records, n_columns)
        Token ids.

    Returns
    -------
    ndarray of shape (n_records, width)
        One column after the other: the sum of a record does not depend on its batch.
    """
    total = np.zeros((len(tokens), table.shape[1]), table.dtype)
    if is_spared(len(tokens)):
        for column in tokens.T:
            total += table[column]
    else:
        _add_rows(table, np.ascontiguousarray(tokens), total)
    return total


@compiled()
def _add_rows(table, tokens, total):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202
    """Add the rows to the totals; see `sum_rows`."""
    for at in range(tokens.shape[0]):
        for column in range(tokens.shape[1]):
            token = tokens[at, column]
            for k in range(table.shape[1]):
                total[at, k] += table[token, k]
