"""Is a number on the wrong side of zero? Below it, where nearly all others are above, or the other way round.

Reported three days before it happened is not far out among claims that are reported after a week, give or take one; but
nothing comes before what it follows. As `novelty` counts values, the chance is the share of records on that side.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

from anomembed.read.travel import of_places
from anomembed.represent.arrays import Floats
from anomembed.represent.batch import Batch
from anomembed.views.cases import Case
from anomembed.views.facts import Facts
from anomembed.views.reason import Reason
from anomembed.views.view import EXCESS_FROM, Basis, Counting, Looks, Vectors, ViewOfRecords


@dataclass(frozen=True)
class SignView(ViewOfRecords):
    """Records by how few have a number on the same side of zero; high = abnormal.

    Parameters
    ----------
    numbers, columns : ndarray of shape (n_signed,)
        Numbers of which nearly all that are not 0 are on one side, and their token columns.
    wrong : ndarray of shape (n_signed,)
        The other side: -1 below zero, 1 above.
    nats : ndarray of shape (n_signed,)
        -log of the chance of a number on that side, times the number of numbers that are looked at.
    """

    numbers: NDArray[np.int64]
    columns: NDArray[np.int64]
    wrong: Floats
    nats: Floats
    name: str = "sign"
    summary = "numbers below zero where nearly all are above, or the other way round"
    looks_at = Looks.NUMBERS
    is_summed = True

    @classmethod
    def fit(cls, basis: Basis) -> Sequence[Self]:
        """Return the view of a table with numbers that are nearly all on one side of zero; a latitude is no number."""
        names, columns = [column.source for column in basis.vocabulary.columns], basis.number_columns
        places = of_places(names)
        judged = np.array([at for at in basis.judged_numbers if names[columns[at]] not in places], np.int64)
        numbers = basis.records.numbers[:, judged]
        sides = np.array([(numbers < 0).sum(axis=0), (numbers > 0).sum(axis=0)])
        nats = -np.log((sides.min(axis=0) + 0.5) / (np.isfinite(numbers).sum(axis=0) + 1))
        of_others = -np.log((sides.min(axis=0) + 0.5) / (sides.sum(axis=0) + 1))  # where most are 0, both sides are few
        is_signed = of_others > EXCESS_FROM
        wrong = np.where(sides[0] < sides[1], -1.0, 1.0)[is_signed]
        nats = nats[is_signed] - np.log(max(is_signed.sum(), 1))
        return [cls(judged[is_signed], columns[judged[is_signed]], wrong, nats)] if len(nats) else []

    def counting(self, *, clean: bool) -> Counting:  # noqa: ARG002
        """Count all nats beyond a chance of e^-4, twice: some number is the largest, but none need be below zero.

        Hardly any record has one (examples/notes/views.md).
        """
        return Counting("evidence", 2.0)

    def vectors(self, batch: Batch) -> Vectors:
        """Return the nats of the number whose side is least likely, shape (n_records, 1); 0 if none is wrong."""
        return np.asarray(self._wrong(batch).max(axis=1, keepdims=True), np.float32)

    def culprit(self, batch: Batch) -> NDArray[np.intp]:
        """Return the column of that number, shape (n_records,)."""
        return np.asarray(self.columns[self._wrong(batch).argmax(axis=1)], np.intp)

    def reason(self, case: Case, shares: Floats, facts: Facts) -> Reason:  # noqa: ARG002
        """Say where the number usually lies."""
        return facts.most_notable(case, self.culprit(case.record).tolist())

    def _wrong(self, batch: Batch) -> Floats:
        """Return the nats of every number that is on its wrong side, shape (n_records, n_signed); 0 for the others."""
        return np.asarray(np.where(batch.numbers[:, self.numbers] * self.wrong > 0, self.nats, 0.0))
