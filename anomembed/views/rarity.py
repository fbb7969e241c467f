"""How rare is each value, and how rare are the values that it occurs with? One feature per column.

In a mixed reference a rare value may be normal variety or an anomaly; the values that it occurs with tell which. Rarity
is the stationary distribution of a random walk between values that occur together, biased toward rare ones [1]_, times
the sum over its column. In a column with many values seen once, the walk would go to these, and count them for less
than usual; `share` takes over there, and in clean references.

.. [1] Pang, Cao, Chen: Outlier detection in complex categorical data by modeling the feature value couplings. IJCAI
   2016.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from anomembed.represent.arrays import Floats
from anomembed.represent.attributes import attribute_tokens
from anomembed.represent.batch import Batch
from anomembed.represent.counts import Counts
from anomembed.represent.tokens.vocabulary import Vocabulary
from anomembed.views.cases import Case
from anomembed.views.facts import MOST_TRIED, Facts
from anomembed.views.reason import Reason
from anomembed.views.view import Basis, Vectors, ViewOfRecords

DAMPING = 0.95  # chance to step on instead of starting anew, as published
STEPS, ENOUGH = 100, 1e-7  # most steps of the walk; it stops when it changes less than this
MOST_SINGLE = 0.005  # largest share of records, in any column, whose value was seen once
UNCOMMON_SHARE = 0.05  # of the reference; a rarer value is called uncommon when there is nothing else to say of it


@dataclass(frozen=True)
class RarityView(ViewOfRecords):
    """Records as the rarity of their value in every column; high = rare.

    Parameters
    ----------
    rarity : ndarray of shape (n_tokens,)
        Rarity of every token.
    """

    rarity: NDArray[np.float32]
    name: str = "rarity"
    summary = "rare values in rare company (mixed reference)"
    words = {"uncommon": "{subject} is uncommon ({times:,} of {of}){expected}"}
    is_summed = True
    is_whole = True

    @classmethod
    def fit(cls, basis: Basis) -> Sequence[Self]:
        """Return the view where rarities add up."""
        return [cls(without_attributes(fit_rarity(basis.vocabulary, basis.counts), basis))] if adds_up(basis) else []

    def vectors(self, batch: Batch) -> Vectors:
        """Return the rarities, shape (n_records, n_columns)."""
        return self.rarity[batch.tokens]

    def reason(self, case: Case, shares: Floats, facts: Facts) -> Reason:
        """Say what is unusual about the column that contributes most; at least, that its value is uncommon."""
        columns = np.argsort(-shares, kind="stable").tolist()
        found = (facts.notable(case, c) or self._uncommon(case, c, facts) for c in columns[:MOST_TRIED])
        return next(filter(None, found), None) or facts.all_together(case, columns)

    def _uncommon(self, case: Case, column: int, facts: Facts) -> Reason | None:
        token = int(case.tokens[column])
        times, among = facts.census.times(column, token), facts.census.among(column)
        if times >= UNCOMMON_SHARE * among.n_records or facts.vocabulary.is_usual_news(column, token):
            return None
        evidence = {"times": times, "of": among, "expected": facts.instead(case, column)}
        return Reason("uncommon", facts.counted(case, column), evidence)


def adds_up(basis: Basis) -> bool:
    """Tell whether a rare value is unusual: in a mixed reference, when hardly any value was seen only once."""
    columns = [basis.vocabulary.columns[at] for at in basis.judged]
    single = max((np.count_nonzero(column.counts == 1) / max(column.n_records, 1) for column in columns), default=0.0)
    return not basis.clean and single < MOST_SINGLE


def without_attributes(rarity: NDArray[np.float32], basis: Basis) -> NDArray[np.float32]:
    """Return rarities of tokens, 0 for what an entity always has."""
    return np.where(attribute_tokens(basis.vocabulary, basis.attributes), np.float32(0), rarity)


def fit_rarity(vocabulary: Vocabulary, counts: Counts) -> NDArray[np.float32]:
    """Learn how rare every token is.

    Parameters
    ----------
    vocabulary : Vocabulary
        The tokens.
    counts : Counts
        Their pair counts.

    Returns
    -------
    ndarray of shape (n_tokens,)
        High = rare. Tokens that the reference does not have are as rare as its rarest.
    """
    if len(vocabulary.columns) == 1:  # there is nothing that a value could occur with
        return vocabulary.surprise()
    column_of = vocabulary.column_of
    single = counts.single
    share = _walk(counts, _intrinsic_rarity(single, column_of, counts.n_records))
    relevance = np.bincount(column_of, share)
    rarity = share * relevance[column_of]
    rarity[single == 0] = rarity[single > 0].max(initial=0.0)
    mean = float(rarity @ single) / counts.n_records
    return np.asarray(rarity / mean if mean > 0 else rarity, np.float32)


def _intrinsic_rarity(single: NDArray[np.float64], column_of: NDArray[np.int64], n_records: int) -> NDArray[np.float64]:
    """Return how far a value's count is below its column's mode, and the mode below certainty; 0 to 1."""
    mode = np.zeros(column_of.max() + 1)
    np.maximum.at(mode, column_of, single)
    mode = np.maximum(mode, 1.0)[column_of]
    return np.asarray(((mode - single) / mode + (1 - mode / n_records)) / 2)


def _walk(counts: Counts, rarity: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the stationary distribution of the walk over the tokens that occur; 0 for the others."""
    occurs = counts.single > 0
    together = counts.together - sparse.diags_array(counts.single)
    step = sparse.csr_array(together.multiply((rarity / np.maximum(counts.single, 1))[None, :]))
    out = np.maximum(np.asarray(step.sum(axis=1)).ravel(), 1e-12)
    back = sparse.csr_array(step.T)
    start = occurs / occurs.sum()
    share = start
    for _ in range(STEPS):
        following = (1 - DAMPING) * start + DAMPING * (back @ (share / out))
        change = np.abs(following - share).sum()
        share = following
        if change < ENOUGH:
            break
    return np.asarray(share)
