"""Which two values of a record hardly ever occur together? The largest conflicts between pairs of values.

Two values conflict when they occur together less often than expected by chance. The conflict is the log of the expected
count plus one over the observed count; below `LEAST` it counts as none, because counts of independent columns also
differ by chance. Embeddings pooled over a record average one wrong pair away; this view looks at nothing else. Only
columns that depend on each other can conflict, so only the most dependent pairs of columns are compared.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from anomembed.represent.arrays import Floats
from anomembed.represent.batch import Batch
from anomembed.represent.compiled import compiled
from anomembed.represent.counts import Counts
from anomembed.represent.parallel import in_blocks
from anomembed.represent.tokens.vocabulary import Tokens, Vocabulary
from anomembed.views.facts import Case, Facts
from anomembed.views.reason import Reason
from anomembed.views.view import Basis, Counting, Vectors, ViewOfRecords

MOST_PAIRS = 512  # pairs of columns compared
LEAST = np.float32(np.log(2))  # a pair that occurs at least half as often as expected is no conflict
LARGEST = 3  # conflicts that are kept per record
BLOCK = 8192  # records that a thread takes at a time


@dataclass(frozen=True)
class PairView(ViewOfRecords):
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
    summary = "two values that hardly ever meet"
    is_summed = True

    @classmethod
    def fit(cls, basis: Basis) -> Sequence[Self]:
        """Return the view of a table in which columns depend on each other."""
        pairs = fit_pairs(basis.vocabulary, basis.counts)
        return [cls(pairs, basis.counts)] if len(pairs) else []

    def counting(self, *, clean: bool) -> Counting:
        """Count conflicts beyond a tail probability of e^-4; most records have none.

        They weigh a half in a mixed reference and a quarter in a clean one, in which fewer pairs are new. Measured on
        six categorical sets and NSL-KDD (examples/notes/views.md).
        """
        return Counting("excess", 0.25 if clean else 0.5)

    def reason(self, case: Case, shares: Floats, facts: Facts) -> Reason:
        """Name the worst pair; the column that contributes more comes first."""
        pair = self.worst(case.tokens[None, :])[0].tolist()
        first, second = sorted(pair, key=lambda column: (-float(shares[column]), float(facts.sizes[column])))
        return facts.conflict(case, first, second)

    def vectors(self, batch: Batch) -> Vectors:
        """Return the largest conflicts of every record, largest first, shape (n_records, `LARGEST`); 0 = none."""
        return self._conflicts(batch.tokens)[0]

    def worst(self, tokens: Tokens) -> NDArray[np.int32]:
        """Return the two columns that conflict most in each record, shape (n_records, 2)."""
        return self.pairs[self._conflicts(tokens)[1]]

    def _conflicts(self, tokens: Tokens) -> tuple[Vectors, NDArray[np.intp]]:
        largest = np.zeros((len(tokens), LARGEST), np.float32)
        worst = np.zeros(len(tokens), np.intp)
        together, single = self.counts.together, self.counts.single
        starts, columns, data = together.indptr, together.indices, together.data

        def find(block: slice) -> None:
            n_records = self.counts.n_records
            _find_conflicts(
                tokens[block], self.pairs, starts, columns, data, single, n_records, largest[block], worst[block]
            )

        in_blocks(find, len(tokens), BLOCK)
        return largest, worst


def fit_pairs(vocabulary: Vocabulary, counts: Counts) -> NDArray[np.int32]:
    """Choose the pairs of columns that depend on each other most.

    Parameters
    ----------
    vocabulary : Vocabulary
        The tokens.
    counts : Counts
        Their pair counts.

    Returns
    -------
    ndarray of shape (n_pairs, 2)
        Pairs of token columns, the most dependent first.
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
    return np.column_stack([best // n_columns, best % n_columns]).astype(np.int32)


@compiled()
def _find_conflicts(tokens, pairs, starts, columns, data, single, n_records, largest, worst):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202
    """Keep the largest conflicts of every record, in order, and the pair of the first."""
    for i in range(len(tokens)):
        found = largest[i]
        for p in range(len(pairs)):
            a, b = tokens[i, pairs[p, 0]], tokens[i, pairs[p, 1]]
            expected = single[a] * single[b] / n_records
            if np.log(expected + 1.0) <= max(found[-1], LEAST):
                continue  # no conflict even if they never met
            if starts[a + 1] - starts[a] > starts[b + 1] - starts[b]:
                a, b = b, a  # the shorter row is searched sooner
            place = starts[a] + np.searchsorted(columns[starts[a] : starts[a + 1]], b)
            observed = data[place] if place < starts[a + 1] and columns[place] == b else 0.0
            # A pair seen once may be this very record, so it counts as never seen.
            conflict = np.float32(np.log((expected + 1.0) / max(observed, 1.0)))
            if expected < 1.0 or conflict <= max(found[-1], LEAST):
                continue
            if conflict > found[0]:
                worst[i] = p
            k = len(found) - 1
            while k > 0 and found[k - 1] < conflict:
                found[k] = found[k - 1]
                k -= 1
            found[k] = conflict
