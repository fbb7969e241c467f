"""Find records with the same value that come at once: a device that opens ten accounts, an address that tries 25 users.

No such record is unusual alone, and one of an entity that is always that fast is not unusual at all. So the evidence is
how unlikely it is that as many of a value's records fall into the window of time before one of them, had they come when
the records of all values did (`anomembed.read.bursts`), less the log of the number of records that are looked at. Where
many values come so, as sessions and new customers do, it is usual and counts for nothing. All records of a value are
one burst: those of a user who copies a hundred files would make bursts usual by themselves.
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
from anomembed.views.reason import Count, Reason, duration
from anomembed.views.view import EXCESS_FROM, Basis, Counting, Looks, Vectors, ViewOfRecords

MOST_VALUES = 0.05  # share of the values whose records come at once, beyond which that is usual
MOST = 12.0  # nats that count at most
USUAL, STEEP = 4.0, 8.0  # nats of rarity below which bursts are usual, and how many count for each beyond


@dataclass(frozen=True)
class BurstView(ViewOfRecords):
    """Records by the evidence that those with one of their values came at once; high = abnormal.

    Parameters
    ----------
    columns : ndarray of shape (n_watched,)
        Token columns that are watched; -1 where none was fitted.
    window : float
        Seconds within which records come at once.
    looked_at : float
        Log of the number of reference records: the best of so many is no evidence yet.
    most : ndarray of shape (n_watched,)
        Nats that count for each column, which are more the rarer its bursts are; 0 where they are usual.
    """

    columns: NDArray[np.int64]
    window: float
    looked_at: float
    most: Floats
    name: str = "burst"
    summary = "records with the same value that come at once (with a time)"
    words = {"at once": "{subject} has {times} within {window}, of {of} so far"}
    looks_at = Looks.TOKENS | Looks.BURSTS
    is_summed = True

    @classmethod
    def fit(cls, basis: Basis) -> Sequence[Self]:
        """Return the view of a table with a time, in which records of a value seldom come at once."""
        bursts, names, records = basis.derived.bursts, basis.vocabulary.names, basis.records
        if bursts is None or records.bursts is None:
            return []
        columns = np.array([names.index(name) if name in names else -1 for name in bursts.watched], np.int64)
        plain = cls(columns, float(bursts.window), float(np.log(len(records))), np.full(len(columns), np.inf))
        n_bursts = np.array([_n_bursts(plain, records, at) for at in range(len(columns))])
        rarity = np.where(columns >= 0, plain.looked_at - np.log(n_bursts + 0.5), 0.0)
        most = np.where(rarity > USUAL, np.minimum(USUAL + STEEP * (rarity - USUAL), MOST), 0.0)
        return [replace(plain, most=most)] if most.any() else []

    def counting(self, *, clean: bool) -> Counting:  # noqa: ARG002
        """Count all nats beyond e^-4, of which as many are taken off as come about in so many records."""
        return Counting("evidence", 1.0)

    def evidence(self, batch: Batch) -> Floats:
        """Return the evidence that records with each watched value came at once, in nats, (n_records, n_watched)."""
        assert batch.bursts is not None  # noqa: S101  # the model that has this view reads them
        return np.clip(np.nan_to_num(batch.bursts[:, 2::3]) - self.looked_at, 0.0, self.most)

    def vectors(self, batch: Batch) -> Vectors:
        """Return the evidence of the strongest burst, in nats, shape (n_records, 1); 0 = none."""
        return np.asarray(self.evidence(batch).max(axis=1)[:, None], np.float32)

    def culprit(self, batch: Batch) -> NDArray[np.intp]:
        """Return the column whose value came at once, shape (n_records,)."""
        return np.asarray(np.maximum(self.columns[self.evidence(batch).argmax(axis=1)], 0), np.intp)

    def reason(self, case: Case, shares: Floats, facts: Facts) -> Reason:
        """Say how many records with which value came at once."""
        found = self.evidence(case.record)[0]
        at = int(found.argmax())
        if case.record.bursts is None or not found[at]:
            return super().reason(case, shares, facts)
        times, of, _ = case.record.bursts[0, 3 * at : 3 * at + 3].tolist()
        cited = {"times": Count(times), "of": f"{of:,.0f}", "window": duration(self.window)}
        return Reason("at once", facts.value(case, int(self.columns[at])), cited)


def _n_bursts(view: BurstView, records: Batch, at: int) -> float:
    """Return of how many values of a watched column records come at once; all records where that is usual."""
    tokens, is_burst = records.tokens[:, view.columns[at]], view.evidence(records)[:, at] > EXCESS_FROM
    n_bursts, n_values = len(np.unique(tokens[is_burst])), len(np.unique(tokens))
    return float(len(records) if n_bursts > max(1.0, MOST_VALUES * n_values) else n_bursts)
