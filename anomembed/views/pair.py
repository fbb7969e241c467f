"""Which two values of a record hardly ever occur together? The largest conflicts between pairs of values.

Two values conflict when they occur together less often than expected by chance: the conflict is the log of the expected
over the observed count. Counts of independent columns differ by chance, too. So both are shrunk toward each other by a
number of records that the pair of columns itself tells, the concentration of a Dirichlet prior; DuMouchel [1]_ shrinks
counts of drugs and reactions so. Where one column says nothing of the other it is large, and nothing is a conflict;
where one determines the other it is small, and a single broken rule is. Embeddings pooled over a record average one
wrong pair away; this view looks at nothing else. Only the most dependent pairs of columns are compared.

Ranges of numbers and hours also count for their neighbours: a price just beyond the edge of a range is no conflict. Nor
is a Monday of what opened on Friday.

.. [1] DuMouchel: Bayesian data mining in large frequency tables, with an application to the FDA spontaneous reporting
   system. The American Statistician, 1999.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Self

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from anomembed.represent.arrays import Floats
from anomembed.represent.batch import Batch
from anomembed.represent.conflicts import find_conflicts
from anomembed.represent.counts import Counts
from anomembed.represent.tokens.vocabulary import FIRST_VALUE, Tokens, Vocabulary
from anomembed.represent.usual_shares import all_usual_shares
from anomembed.views.cases import Case
from anomembed.views.facts import Facts
from anomembed.views.reason import Reason
from anomembed.views.view import Basis, Counting, Vectors, ViewOfRecords
from anomembed.workers.blocks import in_blocks

MOST_PAIRS = 512  # pairs of columns compared
LARGEST = 3  # conflicts that are kept per record
BLOCK = 8192  # records that a thread takes at a time
CONCENTRATIONS = np.geomspace(0.01, 1e5, 17)  # that are tried, in records
LEAST_PRIOR = 1.0  # records that a mixed reference is shrunk by, at least: its rare pairs are normal variety


@dataclass(frozen=True)
class PairView(ViewOfRecords):
    """Records as their largest conflicts, in nats; high = abnormal.

    Parameters
    ----------
    pairs : ndarray of shape (n_pairs, 2)
        Pairs of token columns.
    counts : Counts
        Pair counts of tokens.
    concentrations : ndarray of shape (n_pairs, 2)
        Of the second column's values given one of the first, and the other way round; in records.
    least : float
        Records that counts are shrunk by, at least.
    own : float
        Records that a scored one itself may have added to the counts, 0 or 1.
    beside : ndarray of shape (n_tokens, 2)
        The tokens below and above each; itself where it has no neighbour.
    rows : ndarray of shape (n_tokens,)
        Row of `absent` for every token of the calendar, -1 for the others.
    absent : ndarray of shape (n_calendar, n_tokens)
        Whether it did not come while a token was there: then the two do not conflict.
    usual : csr_array of shape (n_tokens, n_columns)
        How frequent a token usually is among the values of a column, where that is not its share of all records.
    """

    pairs: NDArray[np.int32]
    counts: Counts
    concentrations: NDArray[np.float64]
    least: float
    own: float
    beside: NDArray[np.int32]
    rows: NDArray[np.int32] = field(default_factory=lambda: np.zeros(0, np.int32))
    absent: NDArray[np.bool_] = field(default_factory=lambda: np.zeros((0, 0), bool))
    usual: sparse.csr_array = field(default_factory=lambda: sparse.csr_array((0, 0)))
    name: str = "pair"
    summary = "two values that hardly ever meet"
    is_summed = True

    @classmethod
    def fit(cls, basis: Basis) -> Sequence[Self]:
        """Return the view of a table in which columns depend on each other."""
        pairs = fit_pairs(basis.vocabulary, basis.counts)
        if not len(pairs):
            return []
        concentrations = fit_concentrations(basis.vocabulary, basis.counts, pairs)
        own = 1.0 if basis.is_own or not basis.clean else 0.0
        least = 0.0 if basis.clean else LEAST_PRIOR
        calendar = basis.vocabulary.calendar_rows, basis.vocabulary.absent
        beside = _neighbours(basis.vocabulary)
        usual = all_usual_shares(basis.counts, basis.vocabulary.column_of)
        return [cls(pairs, basis.counts, concentrations, least, own, beside, *calendar, usual)]

    def counting(self, *, clean: bool) -> Counting:
        """Count conflicts beyond a tail probability of e^-4; most records have none.

        They weigh less in a clean reference, in which rare pairs count as well. In a mixed one, the conflicts of one
        record in a thousand count twice: in a large table, what all other views make of ordinary variety outweighs
        them otherwise (examples/notes/views.md).
        """
        return Counting("excess", 0.5) if clean else Counting("steep", 0.75)

    def reason(self, case: Case, shares: Floats, facts: Facts) -> Reason:
        """Name the worst pair; the column that contributes more comes first."""
        pair = self.worst(case.tokens[None, :])[0].tolist()
        first, second = sorted(pair, key=lambda column: (-float(shares[column]), float(facts.sizes[column])))
        return facts.conflict_or_notable(case, (first, second), shares)

    def vectors(self, batch: Batch) -> Vectors:
        """Return the largest conflicts of every record, largest first, shape (n_records, `LARGEST`); 0 = none."""
        return self._conflicts(batch.tokens)[0]

    def worst(self, tokens: Tokens) -> NDArray[np.int32]:
        """Return the two columns that conflict most in each record, shape (n_records, 2)."""
        return self.pairs[self._conflicts(tokens)[1]]

    def _conflicts(self, tokens: Tokens) -> tuple[Vectors, NDArray[np.intp]]:
        largest = np.zeros((len(tokens), LARGEST), np.float32)
        worst = np.zeros(len(tokens), np.intp)
        together = self.counts.together
        shares = self.counts.single / self.counts.n_records
        counted = (self.beside, together.indptr, together.indices, together.data, self.counts.single, shares)
        # Models of older versions have neither rows nor usual shares.
        rows = self.rows if self.rows.size else np.full(len(shares), -1, np.int32)
        known = self.usual if self.usual.shape[0] else sparse.csr_array((len(shares), 1))
        usual = known.indptr, known.indices, known.data

        loop = find_conflicts.for_steps(len(tokens) * len(self.pairs))

        def find(block: slice) -> None:
            prior = (self.pairs, self.concentrations, self.least, self.own)
            loop(tokens[block], *prior, counted, usual, rows, self.absent, largest[block], worst[block])

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
    column_of = vocabulary.column_of
    upper = sparse.coo_array(sparse.triu(counts.together, 1))
    row, column = upper.coords
    single = counts.single
    expected = single[row] * single[column] / counts.n_records
    information = upper.data * np.log(upper.data / expected)
    pair = column_of[row] * n_columns + column_of[column]
    total = np.bincount(pair, information, minlength=n_columns**2) / counts.n_records
    best = np.argsort(-total, kind="stable")[:MOST_PAIRS]
    # On which weekday a month begins follows from the calendar.
    is_day = np.array([(column.kind.traits.period or timedelta()) > timedelta(days=1) for column in vocabulary.columns])
    best = best[(total[best] > 0) & ~(is_day[best // n_columns] & is_day[best % n_columns])]
    return np.column_stack([best // n_columns, best % n_columns]).astype(np.int32)


def fit_concentrations(vocabulary: Vocabulary, counts: Counts, pairs: NDArray[np.int32]) -> NDArray[np.float64]:
    """Learn how much the values of one column say of those of another: empirical Bayes, leaving one record out.

    Parameters
    ----------
    vocabulary, counts
        See `fit_pairs`.
    pairs : ndarray of shape (n_pairs, 2)
        Pairs of token columns.

    Returns
    -------
    ndarray of shape (n_pairs, 2)
        The concentration of a Dirichlet prior around the shares of the second column's values, given one of the first,
        and the other way round; in records. Low = the one column tells the other.
    """
    n_columns = len(vocabulary.columns)
    column_of = vocabulary.column_of
    entries = sparse.coo_array(counts.together)
    row, column = entries.coords
    key = column_of[row] * n_columns + column_of[column]
    wanted = (pairs @ [[n_columns, 1], [1, n_columns]]).astype(np.int64)
    keys = np.sort(wanted.ravel())
    kept = np.flatnonzero(np.isin(key, keys))
    kept = kept[np.argsort(key[kept], kind="stable")]
    times, given = entries.data[kept], counts.single[row[kept]]
    share, starts = counts.single[column[kept]] / counts.n_records, np.searchsorted(key[kept], keys)
    likelihood = [
        np.add.reduceat(times * np.log((times - 1 + weight * share) / (given - 1 + weight)), starts)
        for weight in CONCENTRATIONS
    ]
    best = CONCENTRATIONS[np.argmax(likelihood, axis=0)]
    return np.asarray(best[np.searchsorted(keys, wanted)])


def _neighbours(vocabulary: Vocabulary) -> NDArray[np.int32]:
    """Return the tokens below and above every range and hour, shape (n_tokens, 2)."""
    beside = np.tile(np.arange(vocabulary.size, dtype=np.int32)[:, None], 2)
    for column, offset in zip(vocabulary.columns, vocabulary.offsets, strict=False):
        values = np.arange(offset + FIRST_VALUE, offset + len(column.labels), dtype=np.int32)
        if column.kind.traits.is_circular:
            beside[values] = np.column_stack([np.roll(values, 1), np.roll(values, -1)])
        elif column.kind.traits.is_number:
            beside[values[1:], 0], beside[values[:-1], 1] = values[:-1], values[1:]
    return beside
