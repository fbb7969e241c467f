"""Judge how fast an entity goes: records within an hour and a day, sums over a day, time since its last record."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np

from anomembed.read.aggregates import BOUND
from anomembed.represent.arrays import Floats
from anomembed.represent.batch import Batch
from anomembed.views.entity import EntityView
from anomembed.views.facts import Case, Facts
from anomembed.views.reason import Reason
from anomembed.views.view import Basis, Counting, Looks


@dataclass(frozen=True)
class PaceView(EntityView):
    """Records by how unlikely their entity's pace is; high = abnormal.

    Parameters
    ----------
    profiles, is_own, columns, tails
        As of `EntityView`, of the entity's paces; all of them blame the column of the entity.
    """

    name: str = "pace"
    summary = "entities that go faster or slower than usual (`--entity` and `--time`)"
    words = {"pace": "{pace}={value:.4g} is unusually {direction} for {entity} (usually about {usual:.3g})"}
    looks_at = Looks.TOKENS | Looks.PAST

    @classmethod
    def fit(cls, basis: Basis) -> Sequence[Self]:
        """Return the view of a table that has an entity and a time."""
        entities = basis.entities
        if entities.past is None or entities.followed is None:
            return []
        columns = np.full(len(entities.past.history.paces), entities.followed, np.int64)
        return [cls.fitted(entities.paces, columns, basis.records)]

    def counting(self, *, clean: bool) -> Counting:  # noqa: ARG002
        """Count a quarter of what lies beyond e^-4: haste often has good reasons.

        Measured on the card payments of the Fraud Detection Handbook (examples/notes/views.md).
        """
        return Counting("excess", 0.25)

    def values(self, batch: Batch) -> Floats:
        """Return the paces, shape (n_records, n_paces); NaN where missing."""
        assert batch.paces is not None  # noqa: S101  # the model that has this view reads them
        return np.clip(batch.paces, -BOUND, BOUND)

    def reason(self, case: Case, shares: Floats, facts: Facts) -> Reason:  # noqa: ARG002
        """Say which pace is how far from its entity's own."""
        found = self.outlier(case.record)
        value = float(self.values(case.record)[0, found.number])
        entity = facts.value(case, self.profiles[found.profiles].column)
        evidence = {
            "pace": facts.past.names[found.number] if facts.past else "",
            "value": value * abs(value),
            "usual": found.mean * abs(found.mean),
            "direction": found.direction,
            "entity": entity,
        }
        return Reason("pace", entity, evidence)
