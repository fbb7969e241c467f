"""Which value was never or hardly ever seen, in a column where that is rare? The least likely value of the record.

How rare is a value *as a value of its column*: the share of records whose value there is as rare or rarer. Where every
tenth record has a value of its own, one more says little; the first odd status in a million says a lot. A value that
the reference does not have is expected as often as the reference has values seen once [1]_.

The views of the record as a whole have no place for this: there a value can at most be as rare as the rarest, and its
distance is bounded by the longest embedding.

.. [1] Good: The population frequencies of species and the estimation of population parameters. Biometrika, 1953.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

from anomembed.represent.arrays import Floats
from anomembed.represent.batch import Batch
from anomembed.represent.tokens.vocabulary import ColumnTokens, Special
from anomembed.views.cases import Case
from anomembed.views.facts import Facts
from anomembed.views.rarity import without_attributes
from anomembed.views.reason import Reason
from anomembed.views.view import EXCESS_FROM, Basis, Counting, Vectors, ViewOfRecords

BY_AND_BY, APART = 3.5, 4.5  # log of how many times as often the next value is: as usual, and when one stands apart


@dataclass(frozen=True)
class NoveltyView(ViewOfRecords):
    """Records by how unlikely their least likely value is in its column; high = abnormal.

    Parameters
    ----------
    nats : ndarray of shape (n_tokens,)
        -log of the chance of a value as rare, times the number of columns that were looked at; 0 where that is certain.
        What is beyond `EXCESS_FROM` counts up to twice where the value stands apart from all that are more frequent.
    """

    nats: NDArray[np.float32]
    name: str = "novelty"
    summary = "values never or hardly ever seen, in a column where that is rare"
    is_summed = True

    @classmethod
    def fit(cls, basis: Basis) -> Sequence[Self]:
        """Return the view; it always applies."""
        columns = basis.vocabulary.columns
        nats = np.concatenate([_nats(column) for column in columns]) - np.log(max(len(basis.judged), 1))
        if not basis.clean:  # there, what is rare is known to be normal
            nats += np.maximum(nats - EXCESS_FROM, 0.0) * np.concatenate([_apart(column) for column in columns])
        nats = np.maximum(nats, 0.0)
        return [cls(without_attributes(nats.astype(np.float32), basis))]

    def counting(self, *, clean: bool) -> Counting:  # noqa: ARG002
        """Count half of the nats beyond a chance of e^-4; most records have none (examples/notes/views.md)."""
        return Counting("evidence", 0.5)

    def vectors(self, batch: Batch) -> Vectors:
        """Return the nats of the least likely value, shape (n_records, 1)."""
        return np.asarray(self.nats[batch.tokens].max(axis=1, keepdims=True, initial=0))

    def culprit(self, batch: Batch) -> NDArray[np.intp]:
        """Return the column of the least likely value, shape (n_records,)."""
        return np.asarray(self.nats[batch.tokens].argmax(axis=1), np.intp)

    def reason(self, case: Case, shares: Floats, facts: Facts) -> Reason:
        """Say that the value is new or rare."""
        return facts.most_notable(case, np.argsort(-shares, kind="stable").tolist())


def _nats(column: ColumnTokens) -> Floats:
    """Return -log of the chance of a value as rare as each of a column's, in nats; 0 for ranges of a number."""
    if column.kind.traits.is_number:
        return np.zeros(len(column.labels))
    counts, n_records = column.counts, column.n_records + 1
    index = np.unique(counts, return_inverse=True)[1]
    as_rare = (np.cumsum(np.bincount(index, counts)) + 0.5)[index]
    seen_once = np.count_nonzero(counts == 1) + 0.5 + column.arriving * n_records
    nats = -np.log(np.minimum(np.where(counts > 0, as_rare, seen_once) / n_records, 1.0))
    if column.is_parameter:  # which other messages have none of is no news
        nats[Special.MISSING] = 0.0
    return np.asarray(nats)


def _apart(column: ColumnTokens) -> Floats:
    """Return how far each value stands apart, from 0 to 1, by how many times as often the next more frequent one is.

    Values become rarer by and by in most columns, and one is the rarest; but none need be alone among frequent ones.
    What is there ten times is rather rare than odd: the records of a value share what one alone would have.
    """
    counts = np.maximum(column.counts, 1)
    levels, index = np.unique(counts, return_inverse=True)
    times = np.append(levels[1:] / levels[:-1], 1.0)[index]
    return np.asarray(np.clip((np.log(times) - BY_AND_BY) / (APART - BY_AND_BY), 0.0, 1.0) / counts)
