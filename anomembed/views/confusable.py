"""Judge whether a value may be mistaken for a frequent one: a domain with a letter swapped, a supplier's double.

How much evidence that is depends on the column: among suppliers hardly any reads like another by chance, among first
names or teams many do (`anomembed.represent.tokens.confusables`).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

from anomembed.represent.arrays import Floats
from anomembed.represent.batch import Batch
from anomembed.represent.tokens.vocabulary import FIRST_VALUE
from anomembed.views.cases import Case
from anomembed.views.facts import Facts
from anomembed.views.reason import Reason, Text
from anomembed.views.view import EXCESS_FROM, Basis, Counting, Looks, Vectors, ViewOfRecords


@dataclass(frozen=True)
class ConfusableView(ViewOfRecords):
    """Records by the evidence that one of their values may be mistaken for a frequent one; high = abnormal.

    Parameters
    ----------
    columns : ndarray of shape (n_named,)
        Token columns of the values.
    nats : ndarray of shape (n_named,)
        Evidence of each: -log of the share of its values that look like a frequent one.
    """

    columns: NDArray[np.int64]
    nats: Floats
    name: str = "confusable"
    summary = "values that may be mistaken for a frequent one: a letter swapped, a digit in its place"
    words = {"confusable": "{subject} may be mistaken for {name}, which {times:,} of {among} have"}
    looks_at = Looks.TOKENS | Looks.CONFUSABLES
    is_summed = True

    @classmethod
    def fit(cls, basis: Basis) -> Sequence[Self]:
        """Return the view of a table with columns of which few values look like a frequent one."""
        columns = np.array(basis.vocabulary.named, np.int64)
        nats = np.array([basis.vocabulary.columns[at].confusable for at in columns])
        nats = np.where(nats > EXCESS_FROM, nats, 0.0)
        return [cls(columns, nats)] if nats.any() else []

    def counting(self, *, clean: bool) -> Counting:  # noqa: ARG002
        """Count all nats: what many values of a column do is no evidence."""
        return Counting("evidence", 1.0)

    def vectors(self, batch: Batch) -> Vectors:
        """Return the evidence of the value that may be mistaken most surely, shape (n_records, 1); 0 = none."""
        return np.asarray(self._nats(batch).max(axis=1, keepdims=True), np.float32)

    def culprit(self, batch: Batch) -> NDArray[np.intp]:
        """Return the column of the value that may be mistaken most surely, shape (n_records,)."""
        return np.asarray(self.columns[self._nats(batch).argmax(axis=1)], np.intp)

    def reason(self, case: Case, shares: Floats, facts: Facts) -> Reason:
        """Name the frequent value, and how many records have it."""
        if not self._nats(case.record).any():
            return super().reason(case, shares, facts)
        column = int(self.culprit(case.record)[0])
        tokens, offset = facts.vocabulary.columns[column], int(facts.vocabulary.offsets[column])
        assert tokens.confusables is not None  # noqa: S101  # those of the columns of this view are known
        code = int(tokens.codes[tokens.confusables.find(case.texts[column])])
        cited = {
            "name": Text(tokens.labels[code] if code >= FIRST_VALUE else ""),
            "times": facts.census.times(column, offset + code),
            "among": facts.census.among(column),
        }
        return Reason("confusable", facts.value(case, column), cited)

    def _nats(self, batch: Batch) -> Floats:
        if batch.confusables is None:
            return np.zeros((len(batch), len(self.columns)))
        return np.where(batch.confusables > 0, self.nats, 0.0)
