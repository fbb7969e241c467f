"""Find who has a value far more often than others: a cashier with many voids, a user with many failed logins.

No such record is unusual alone: the value is common, so is the entity, and both have met before. What is unusual is the
rate. How often each of the other entities has the value says how unlike rates are, and so how unlikely one as high is
(`anomembed.views.peers`), less the log of how many entities and values of the column were looked at, and how many
columns. So customers with habits of their own are no findings. That an entity has a value less often than others is no
fault of any record, and counts for nothing.

A few of the records stand for a finding, drawn by their hash: all of them would be the usual in the tail of the scores,
and take every place from what else is unusual.

What somebody does in a clean reference is normal, and the view does not apply there. Records that come later are of an
entity that was out of line in the reference, or have no evidence: their own rate is not known when they are scored.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Self

import numpy as np
from numpy.typing import NDArray

from anomembed.represent.arrays import Floats
from anomembed.represent.batch import Batch
from anomembed.views.cases import Case
from anomembed.views.facts import Facts
from anomembed.views.peers import compared
from anomembed.views.reason import Reason
from anomembed.views.view import Basis, Counting, Looks, Vectors, ViewOfRecords

MOST = 8.0  # nats that count at most
MOST_FOUND = 128  # findings that are kept
MOST_TOLD = 5  # records that stand for a finding: all of them would take every place, and the tail of the scores
MIXING = np.uint64(0x9E3779B97F4A7C15)  # odd, from the golden ratio: Knuth's multiplicative hashing


@dataclass(frozen=True)
class RateView(ViewOfRecords):
    """Records by the evidence that their entity has one of their values more often than others do; high = abnormal.

    Parameters
    ----------
    columns : ndarray of shape (n_found, 2)
        Token columns of an entity and of a value, those with the most evidence first.
    held : ndarray of shape (n_found, 2)
        Their token ids.
    figures : ndarray of shape (n_found, 5)
        Evidence in nats; records of the entity with the value, and all of it; the same of all other entities.
    largest : ndarray of shape (n_found,)
        Largest hash of the records that stand for each.
    """

    columns: NDArray[np.int64]
    held: NDArray[np.int64]
    figures: Floats
    largest: NDArray[np.uint64]
    name: str = "rate"
    summary = "values that an entity has far more often than others do (`--entity`)"
    words = {
        "rate": "{entity} has {subject} in {times:,} of its {of:,} records ({rate:.3g}%); others in {share:.3g}%",
    }
    looks_at = Looks.TOKENS | Looks.NUMBERS
    is_summed = True

    @classmethod
    def fit(cls, basis: Basis) -> Sequence[Self]:
        """Return the view of a mixed reference in which a few entities have a value far more often than others."""
        if basis.clean:  # what somebody does there is normal
            return []
        peers = list(compared(basis))
        found = [f for each in peers for f in each.found(float(np.log(len(peers) * max(each.n_tests, 1))))]
        found = sorted(found, key=lambda found: -found.figures[0])[:MOST_FOUND]
        if not found:
            return []
        columns, held, figures = (np.array([each[part] for each in found]) for part in range(3))
        view = cls(columns, held, figures, np.full(len(found), np.iinfo(np.uint64).max))
        of, hashes = view.strongest(basis.records), hash_records(basis.records)
        largest = [np.unique(hashes[of == at])[:MOST_TOLD].max(initial=0) for at in range(len(found))]
        return [replace(view, largest=np.array(largest, np.uint64))]

    def counting(self, *, clean: bool) -> Counting:  # noqa: ARG002
        """Count all nats beyond e^-4 twice, up to a limit: a finding is of many records, and others are no less odd."""
        return Counting("evidence", 2.0)

    def vectors(self, batch: Batch) -> Vectors:
        """Return the evidence of the value whose rate is most out of line, in nats, shape (n_records, 1); 0 = none."""
        strongest = self.strongest(batch)
        nats = np.append(np.minimum(self.figures[:, 0], MOST), 0.0)[strongest]  # the last is that of -1
        return nats[:, None].astype(np.float32)

    def strongest(self, batch: Batch) -> NDArray[np.intp]:
        """Return which finding each record stands for, by the most evidence; -1 = none; shape (n_records,)."""
        strongest, hashes = np.full(len(batch), -1, np.intp), hash_records(batch)
        for at in reversed(range(len(self.columns))):
            is_told = (batch.tokens[:, self.columns[at]] == self.held[at]).all(axis=1) & (hashes <= self.largest[at])
            strongest[is_told] = at
        return strongest

    def culprit(self, batch: Batch) -> NDArray[np.intp]:
        """Return the column of the value, shape (n_records,)."""
        return np.asarray(self.columns[np.maximum(self.strongest(batch), 0), 1], np.intp)

    def reason(self, case: Case, shares: Floats, facts: Facts) -> Reason:
        """Say how often the entity has the value, and how often others do."""
        at = int(self.strongest(case.record)[0])
        if at < 0:
            return super().reason(case, shares, facts)
        entity, column = self.columns[at].tolist()
        _, times, of, times_others, of_others = self.figures[at].tolist()
        cited = {"entity": facts.value(case, entity), "times": int(times), "of": int(of), "rate": 100 * times / of}
        return Reason("rate", facts.value(case, column), cited | {"share": 100 * times_others / of_others})


def hash_records(batch: Batch) -> NDArray[np.uint64]:
    """Return a number for each record that depends on its tokens and numbers alone, shape (n_records,)."""
    hashes = np.zeros(len(batch), np.uint64)
    for column in (*batch.tokens.T.astype(np.uint64), *(batch.numbers.T + 0.0).view(np.uint64)):
        hashes = (hashes ^ column) * MIXING
        hashes ^= hashes >> np.uint64(29)
    return hashes
