"""Judge how long an entity did nothing before it acts again: an account that nobody has used for half a year.

A wait is held against the longest other one of the entity, which has nights, weekends and bursts in it. Of waits at
random times, the longest exceeds the second by as much as a single one lasts on average, and the second is about log n
times that [1]_: so the chance of being x times as long is about n^(1-x). How far that is wrong is seen in the tail of
what the entities of the reference have; what the longest of so many has by chance is no evidence.

.. [1] The spacings of exponential order statistics: Rényi: On the theory of order statistics. Acta Mathematica
   Academiae Scientiarum Hungaricae, 1953.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Self

import numpy as np
from numpy.typing import NDArray

from anomembed.represent.arrays import Floats
from anomembed.represent.batch import Batch
from anomembed.represent.entities import Waits
from anomembed.represent.tokens.vocabulary import FIRST_VALUE
from anomembed.views.cases import Case
from anomembed.views.facts import Facts
from anomembed.views.figures import others_of
from anomembed.views.reason import Reason, duration
from anomembed.views.tails import TAIL, beyond_chance, fit_tail, tail_nats
from anomembed.views.view import Basis, Counting, Looks, Vectors, ViewOfRecords

SINCE = -1  # of the paces of an entity, the root of the seconds since its record before
LEAST_WAITS = 5  # others, of which one is the longest
AT_RANDOM = -np.log(1 - TAIL[0])  # the 90 % quantile where records come at random
MOST = 8.0  # nats


@dataclass(frozen=True)
class DormancyView(ViewOfRecords):
    """Records by how unlikely their entity waits so long; high = abnormal.

    Parameters
    ----------
    waits : Waits
        Of every entity.
    is_own : bool
        Whether the records to be scored are among those: each is then held against the others.
    tail : tuple of float
        90 % quantile of -log of the chance of the longest wait of an entity, and the shape of the tail through it and
        the median; see `fit_tail`.
    looked_at : float
        Log of the number of entities of the reference: the longest wait of so many is no evidence yet.
    """

    waits: Waits
    is_own: bool
    tail: tuple[float, float]
    looked_at: float
    name: str = "dormancy"
    summary = "an entity that acts again after far longer than it ever waited (`--entity` and `--time`)"
    words = {"dormant": "{entity} after {wait} without a record (otherwise at most {longest}, with {others})"}
    looks_at = Looks.TOKENS | Looks.PAST
    is_summed = True

    @classmethod
    def fit(cls, basis: Basis) -> Sequence[Self]:
        """Return the view of a table with an entity and a time."""
        waits = basis.entities.waits
        if waits is None or not (waits.times > LEAST_WAITS).any():
            return []
        plain = cls(waits, True, (1.0, 1.0), 0.0)
        nats = plain.chance(basis.records)
        near, shape = fit_tail(nats[nats > 0], other=0.5)
        tail = max(near, AT_RANDOM), min(shape, 1.0)  # twice the longest wait is no news of who is always regular
        return [replace(plain, tail=tail, looked_at=float(np.log(np.count_nonzero(waits.times > LEAST_WAITS))))]

    def counting(self, *, clean: bool) -> Counting:  # noqa: ARG002
        """Count all nats: what chance makes in the whole table is taken off."""
        return Counting("evidence", 1.0)

    def for_others(self) -> Self:
        """Return the view that scores other records than those of the waits."""
        return replace(self, is_own=False)

    def vectors(self, batch: Batch) -> Vectors:
        """Return the evidence, above 4 nats, shape (n_records, 1); 0 = none."""
        nats = tail_nats(self.chance(batch)[:, None], np.array([self.tail]))
        return beyond_chance(nats, self.looked_at, MOST).astype(np.float32)

    def culprit(self, batch: Batch) -> NDArray[np.intp]:
        """Return the column of the entity, shape (n_records,)."""
        return np.full(len(batch), self.waits.column, np.intp)

    def reason(self, case: Case, shares: Floats, facts: Facts) -> Reason:
        """Say how long the entity has waited, and how long at most otherwise."""
        if not self.vectors(case.record).any():
            return super().reason(case, shares, facts)
        seconds, (longest, times) = self.seconds(case.record)[0], (part[0] for part in self.others(case.record))
        where = "" if self.is_own else " in the reference"
        others = others_of(int(times) + 1, "" if where else "other ") + where
        cited = {"wait": duration(float(seconds)), "longest": duration(float(longest)), "others": others}
        entity = facts.value(case, self.waits.column)
        return Reason("dormant", entity, {"entity": entity} | cited)

    def chance(self, batch: Batch) -> Floats:
        """Return -log of the chance of a wait as long, shape (n_records,); 0 of any but the longest."""
        longest, times = self.others(batch)
        ratio = self.seconds(batch) / np.maximum(longest, 1.0)
        is_longest = (times >= LEAST_WAITS) & (ratio > 1)
        return np.where(is_longest, (ratio - 1) * np.log(np.maximum(times, 1.0)), 0.0)

    def seconds(self, batch: Batch) -> Floats:
        """Return how long the entity of each record has waited, shape (n_records,); NaN where unknown."""
        assert batch.paces is not None  # noqa: S101  # the model that has this view reads them
        root = batch.paces[:, SINCE].astype(np.float64)
        return np.asarray(root * np.abs(root))

    def others(self, batch: Batch) -> tuple[Floats, Floats]:
        """Return the longest other wait of the entity of each record, and how many there are, each (n_records,)."""
        entity = batch.tokens[:, self.waits.column] - self.waits.first
        times = np.where(entity >= FIRST_VALUE, self.waits.times[entity], 0.0)
        if not self.is_own:
            return self.waits.longest[entity], times
        is_it = self.seconds(batch) >= self.waits.longest[entity]
        return np.where(is_it, self.waits.second[entity], self.waits.longest[entity]), times - 1
