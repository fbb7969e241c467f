"""Count how often tokens occur, alone and together. Counts add: day 1 + day 2 are the counts of both days.

Two measures bound the cost of pairs. In a wide table most pairs of columns are unrelated, so each column is only
compared with those that it depends on most. Where many columns have many values, nearly every record adds new pairs, so
fewer records are counted.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from anomembed.represent.tokens.vocabulary import Tokens

DENSE_TOKENS = 8192  # whose pair counts take 512 MiB as a dense matrix
DENSE_GAIN = 500  # dense multiplications that cost as much as a sparse one
BLOCK = 4096
WIDE = 128  # up to so many columns, all are compared with each other
PARTNERS = 8  # in wider tables, columns that each column is compared with
MEETINGS = 4096  # pairs of records that these are chosen on
MOST_ENTRIES = 5_000_000  # distinct pairs of tokens, about


@dataclass(frozen=True)
class Counts:
    """Pair counts of tokens in records.

    Parameters
    ----------
    n_records : int
        Records counted.
    together : csr_array of shape (n_tokens, n_tokens)
        Records in which two tokens occur together, symmetric; on the diagonal, records with the token.
    compared : ndarray of shape (n_columns, n_columns)
        True where the pairs of two columns were counted; symmetric.
    """

    n_records: int
    together: sparse.csr_array
    compared: NDArray[np.bool_]

    @cached_property
    def single(self) -> NDArray[np.float64]:
        """Records with each token, shape (n_tokens,)."""
        return np.asarray(self.together.diagonal(), np.float64)

    def meetings(self, token: int, others: NDArray[np.integer]) -> NDArray[np.float64]:
        """Return the records with a token and each of others, shape (n_others,); SciPy takes ten times as long."""
        start, end = self.together.indptr[token : token + 2]
        columns, times = self.together.indices[start:end], self.together.data[start:end]
        place = np.searchsorted(columns, others)
        is_met = place < len(columns)
        is_met[is_met] = columns[place[is_met]] == others[is_met]
        found = np.zeros(len(others))
        found[is_met] = times[place[is_met]]
        return found

    def __add__(self, other: "Counts") -> "Counts":
        if not np.array_equal(self.compared, other.compared):
            raise ValueError("counts of different pairs of columns do not add")
        together = sparse.csr_array(self.together + other.together)
        return Counts(self.n_records + other.n_records, together, self.compared)


def count_pairs(
    rows: Tokens, times: NDArray[np.int64], n_tokens: int, compared: NDArray[np.bool_] | None = None
) -> Counts:
    """Count tokens and pairs of tokens.

    Parameters
    ----------
    rows : ndarray of shape (n_distinct, n_columns)
        Token ids of the distinct records, in random order; a token occurs at most once in a record. Only the first rows
        are counted when all would add too many distinct pairs.
    times : ndarray of shape (n_distinct,)
        Records with each row.
    n_tokens : int
        Size of the vocabulary.
    compared : ndarray of shape (n_columns, n_columns), optional
        Pairs of columns to count, taken from counts that these will be added to; by default they are chosen.

    Returns
    -------
    Counts

    Examples
    --------
    >>> counts = count_pairs(np.array([[0, 2], [1, 2]], np.int32), np.array([3, 1]), 3)
    >>> counts.together.toarray()
    array([[3., 0., 3.],
           [0., 1., 1.],
           [3., 1., 4.]])
    """
    n_columns = rows.shape[1]
    if compared is None:
        compared = _choose_compared(rows)
    n_counted = _affordable(rows, compared)
    rows, times = rows[:n_counted], times[:n_counted]
    if not compared.all():
        together = _partial_product(rows, times, n_tokens, compared)
    elif n_tokens <= DENSE_TOKENS and n_tokens**2 < DENSE_GAIN * n_columns**2:
        together = _dense_product(rows, times, n_tokens)
    else:
        together = _sparse_product(rows, times, n_tokens)
    together.sort_indices()
    return Counts(int(times.sum()), together, compared)


def _choose_compared(rows: Tokens) -> NDArray[np.bool_]:
    """Choose the columns that depend on each other: those that are equal in the same pairs of records."""
    n_columns = rows.shape[1]
    if n_columns <= WIDE:
        return np.ones((n_columns, n_columns), bool)
    first, second = np.random.default_rng(0).integers(len(rows), size=(2, MEETINGS))
    agree = (rows[first] == rows[second]).astype(np.float32)
    agree -= agree.mean(axis=0)
    spread = np.sqrt(agree.var(axis=0) + 1 / MEETINGS)  # a column whose values are hardly ever equal says little
    dependence = agree.T @ agree / np.outer(spread, spread)
    np.fill_diagonal(dependence, np.inf)
    compared = np.zeros((n_columns, n_columns), bool)
    best = np.argsort(-dependence, axis=1, kind="stable")[:, : PARTNERS + 1]
    np.put_along_axis(compared, best, values=True, axis=1)
    return np.asarray(compared | compared.T)


def _affordable(rows: Tokens, compared: NDArray[np.bool_]) -> int:
    """Return how many rows can be counted: each adds a pair per two columns, up to the pairs their values can form."""
    sizes = np.array([np.count_nonzero(np.bincount(column)) for column in rows.T], np.float64)
    most = np.outer(sizes, sizes)[np.triu(compared, 1)]
    n_rows = len(rows)
    while n_rows > 1 and np.minimum(most, n_rows).sum() > MOST_ENTRIES:
        n_rows = int(0.9 * n_rows)
    return n_rows


def _partial_product(
    rows: Tokens, times: NDArray[np.int64], n_tokens: int, compared: NDArray[np.bool_]
) -> sparse.csr_array:
    """Count each column against those it is compared with, one by one."""
    keys, sums = [], []
    for column in range(rows.shape[1]):
        partners = rows[:, compared[column]].astype(np.int64)
        key, index = np.unique(rows[:, [column]].astype(np.int64) * n_tokens + partners, return_inverse=True)
        keys.append(key)
        sums.append(np.bincount(index.ravel(), np.repeat(times, partners.shape[1]), minlength=len(key)))
    pair = np.concatenate(keys)
    return sparse.csr_array((np.concatenate(sums), (pair // n_tokens, pair % n_tokens)), shape=(n_tokens, n_tokens))


def _sparse_product(rows: Tokens, times: NDArray[np.int64], n_tokens: int) -> sparse.csr_array:
    starts = np.arange(0, rows.size + 1, rows.shape[1])
    occurs = sparse.csr_array((np.ones(rows.size), rows.ravel(), starts), shape=(len(rows), n_tokens))
    weighted = sparse.csr_array(
        (np.repeat(times.astype(np.float64), rows.shape[1]), rows.ravel(), starts), occurs.shape
    )
    return sparse.csr_array(occurs.T.tocsr() @ weighted)


def _dense_product(rows: Tokens, times: NDArray[np.int64], n_tokens: int) -> sparse.csr_array:
    together = np.zeros((n_tokens, n_tokens))
    for start in range(0, len(rows), BLOCK):
        part = rows[start : start + BLOCK]
        occurs = np.zeros((len(part), n_tokens))
        np.put_along_axis(occurs, part.astype(np.int64), 1.0, axis=1)
        together += occurs.T @ (occurs * times[start : start + BLOCK, None])
    return sparse.csr_array(together)
