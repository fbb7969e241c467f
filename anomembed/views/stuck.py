"""Judge how often a number has been the same in a row: a sensor that hangs sends its last value again and again.

How likely a run goes on is estimated for each length that enough runs of the reference reach, each run counting once
for each: one sensor that hangs adds little. Beyond these lengths, the likeliest of them all is taken: where longer runs
go on ever more surely, as the zeros of a meter at night do, nothing is told.

A run is told after some records, not with every one, so that one sensor does not fill a list of flags.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

from anomembed.represent.arrays import Floats
from anomembed.represent.batch import Batch
from anomembed.views.cases import Case
from anomembed.views.facts import Facts
from anomembed.views.reason import Reason
from anomembed.views.rhythm import is_told
from anomembed.views.view import Basis, Counting, Looks, Vectors, ViewOfRecords

ENOUGH = 20  # runs of a length that tell how likely it goes on
LONGEST = 64  # length up to which that is asked
MOST = 30.0  # nats


@dataclass(frozen=True)
class StuckView(ViewOfRecords):
    """Records by how unlikely the numbers of their entity stay the same for so long; high = abnormal.

    Parameters
    ----------
    columns : ndarray of shape (1 + n_watched,)
        Token columns of the entity, and of the numbers that are watched.
    ends : ndarray of shape (n_watched, LONGEST)
        -log of the share of runs of 1, 2, ... records that go on.
    looked_at : float
        Log of the number of reference records and numbers: the best of so many is no evidence yet.
    """

    columns: NDArray[np.int64]
    ends: Floats
    looked_at: float
    name: str = "stuck"
    summary = "numbers that stay the same, record after record, where they usually change (`--entity` and `--time`)"
    words = {
        "stuck": "{subject} is the same in {times:,} records of {entity} in a row (an estimated {share:.2g}% of its"
        " values are followed by the same one)"
    }
    looks_at = Looks.TOKENS | Looks.PAST
    is_summed = True

    @classmethod
    def fit(cls, basis: Basis) -> Sequence[Self]:
        """Return the view of a table with an entity, a time and numbers that mostly change."""
        past, entity, runs, names = (
            basis.entities.past,
            basis.entities.followed,
            basis.records.runs,
            basis.vocabulary.names,
        )
        if past is None or entity is None or runs is None or not set(past.history.varying) <= set(names):
            return []
        columns = np.array([entity, *(names.index(name) for name in past.history.varying)], np.int64)
        looked_at = float(np.log(len(runs)) + np.log(runs.shape[1]))
        return [cls(columns, np.array([go_on(lengths) for lengths in runs.T]), looked_at)]

    def counting(self, *, clean: bool) -> Counting:  # noqa: ARG002
        """Count all nats beyond e^-4, of which as many are taken off as come about in so many records."""
        return Counting("evidence", 1.0)

    def vectors(self, batch: Batch) -> Vectors:
        """Return the evidence for each number, in nats, shape (n_records, n_watched); 0 = none."""
        assert batch.runs is not None  # noqa: S101  # the model that has this view reads them
        length = np.nan_to_num(batch.runs, nan=1.0).astype(np.int64)
        so_far = np.column_stack([np.zeros(len(self.ends)), np.cumsum(self.ends, axis=1)])
        known, beyond = np.clip(length - 1, 0, LONGEST), np.maximum(length - 1 - LONGEST, 0)
        nats = so_far[np.arange(len(self.ends)), known] + beyond * self.ends[:, -1]
        return np.where(is_told(batch.runs), np.clip(nats - self.looked_at, 0.0, MOST), 0.0).astype(np.float32)

    def culprit(self, batch: Batch) -> NDArray[np.intp]:
        """Return the column of the number that is least likely the same for so long, shape (n_records,)."""
        return np.asarray(self.columns[1 + self.vectors(batch).argmax(axis=1)], np.intp)

    def reason(self, case: Case, shares: Floats, facts: Facts) -> Reason:
        """Say how often the number is the same."""
        assert case.record.runs is not None  # noqa: S101  # the model that has this view reads them
        found = self.vectors(case.record)[0]
        if not found.any():
            return super().reason(case, shares, facts)
        at = int(found.argmax())
        entity, number = (facts.value(case, int(column)) for column in self.columns[[0, 1 + at]])
        cited = {"entity": entity, "times": int(case.record.runs[0, at]), "share": 100 * np.exp(-self.ends[at, 0])}
        return Reason("stuck", number, cited)


def go_on(lengths: Floats) -> Floats:
    """Return -log of the share of runs of 1, 2, ... records that go on, shape (LONGEST,).

    Parameters
    ----------
    lengths : ndarray of shape (n_records,)
        Which record of its run each is: a run of three has a first, a second and a third one.

    Examples
    --------
    >>> runs = np.repeat([1.0, 2.0, 3.0], [1000, 100, 50])
    >>> [round(float(np.exp(-nats)), 1) for nats in go_on(runs)[:3]]
    [0.1, 0.5, 0.0]
    """
    known = lengths[np.isfinite(lengths) & (lengths <= LONGEST + 1)].astype(np.int64)
    reached = np.bincount(known, minlength=LONGEST + 2)[1:]
    share = (reached[1:] + 0.5) / (reached[:-1] + 1.0)
    is_enough = reached[:-1] >= ENOUGH
    likeliest = share[is_enough].max(initial=share[0])
    return -np.log(np.minimum(np.where(is_enough, share, likeliest), 1.0))
