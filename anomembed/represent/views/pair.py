"""Which two values of a record hardly ever meet? The largest conflicts between pairs of values.

Two values conflict when they occur together less often than chance would have it: log of the expected count, plus one,
over the observed one. Embeddings pooled over a record average one wrong pair away; this view looks at nothing else.
Only pairs of columns that depend on each other can conflict, so only the most dependent ones are looked at.
"""

from dataclasses import dataclass

import numpy as np
from numba import njit
from numpy.typing import NDArray
from scipy import sparse

from anomembed.represent.counts import Counts
from anomembed.represent.tokens import Tokens, Vocabulary
from anomembed.represent.views import Batch, Vectors

MOST_PAIRS = 512  # column pairs looked at per record
LARGEST = 3  # conflicts that are kept per record


@dataclass(frozen=True)
class PairView:
    """Records as their largest conflicts, in nats; high = abnormal.

    Parameters
    ----------
    pairs : ndarray of shape (n_pairs, 2)
        Pairs of token columns.
    counts : Counts
        Pair counts of tokens.
    """

    pairs: NDArray[np.int32]
    counts: Counts
    name: str = "pair"

    def vectors(self, batch: Batch) -> Vectors:
        """Return the largest conflicts of every record, shape (n_records, `LARGEST`)."""
        return -np.sort(-self.conflicts(batch.tokens), axis=1)[:, :LARGEST]

    def conflicts(self, tokens: Tokens) -> Vectors:
        """Return the conflict of every pair of columns, shape (n_records, max(n_pairs, `LARGEST`)); 0 = none."""
        found = np.zeros((len(tokens), max(len(self.pairs), LARGEST)), np.float32)
        together = self.counts.together
        single = self.counts.single
        _find_conflicts(
            tokens, self.pairs, together.indptr, together.indices, together.data, single, self.counts.n_records, found
        )
        return found


def fit_pair_view(vocabulary: Vocabulary, counts: Counts) -> PairView:
    """Choose the pairs of columns that tell most about each other.

    Parameters
    ----------
    vocabulary : Vocabulary
        The tokens.
    counts : Counts
        Their pair counts.

    Returns
    -------
    PairView
    """
    n_columns = len(vocabulary.columns)
    column_of = np.repeat(np.arange(n_columns), np.diff(vocabulary.offsets))
    upper = sparse.coo_array(sparse.triu(counts.together, 1))
    row, column = upper.coords
    single = counts.single
    expected = single[row] * single[column] / counts.n_records
    information = upper.data * np.log(upper.data / expected)
    pair = column_of[row] * n_columns + column_of[column]
    total = np.bincount(pair, information, minlength=n_columns**2) / counts.n_records
    best = np.argsort(-total, kind="stable")[:MOST_PAIRS]
    best = best[total[best] > 0]
    return PairView(np.column_stack([best // n_columns, best % n_columns]).astype(np.int32), counts)


@njit(nogil=True, cache=True)
def _find_conflicts(tokens, pairs, starts, columns, data, single, n_records, found):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202, E501
    for i in range(len(tokens)):
        for p in range(len(pairs)):
            a, b = tokens[i, pairs[p, 0]], tokens[i, pairs[p, 1]]
            expected = single[a] * single[b] / n_records
            if expected < 1.0:
                continue
            low, high = starts[a], starts[a + 1]
            while low < high:
                middle = (low + high) // 2
                if columns[middle] < b:
                    low = middle + 1
                else:
                    high = middle
            observed = data[low] if low < starts[a + 1] and columns[low] == b else 0.0
            # Once may be this very record: a value pair seen once is as good as never seen.
            found[i, p] = max(np.log((expected + 1.0) / max(observed, 1.0)), 0.0)
