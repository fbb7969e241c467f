"""How often do tokens occur, and occur together? Counts add: day 1 + day 2 are the counts of both days."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from anomembed.represent.tokens import Tokens

DENSE_TOKENS = 8192  # the pair counts of so many tokens are 512 MiB as a dense matrix
DENSE_GAIN = 500  # multiplications of a dense product that cost as much as one of a sparse product
BLOCK = 4096


@dataclass(frozen=True)
class Counts:
    """Pair counts of tokens in records.

    Parameters
    ----------
    n_records : int
        Records counted.
    together : csr_array of shape (n_tokens, n_tokens)
        Records in which two tokens occur together, symmetric; on the diagonal, records with the token.
    """

    n_records: int
    together: sparse.csr_array

    @cached_property
    def single(self) -> NDArray[np.float64]:
        """Records with each token, shape (n_tokens,)."""
        return np.asarray(self.together.diagonal(), np.float64)

    def __add__(self, other: "Counts") -> "Counts":
        return Counts(self.n_records + other.n_records, sparse.csr_array(self.together + other.together))


def count_pairs(rows: Tokens, times: NDArray[np.int64], n_tokens: int) -> Counts:
    """Count tokens and pairs of tokens.

    Parameters
    ----------
    rows : ndarray of shape (n_distinct, n_columns)
        Token ids of the distinct records; a token occurs at most once in a record.
    times : ndarray of shape (n_distinct,)
        Records with each row.
    n_tokens : int
        Size of the vocabulary.

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
    is_dense = n_tokens <= DENSE_TOKENS and n_tokens**2 < DENSE_GAIN * n_columns**2
    together = _dense_product(rows, times, n_tokens) if is_dense else _sparse_product(rows, times, n_tokens)
    together.sort_indices()
    return Counts(int(times.sum()), together)


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
