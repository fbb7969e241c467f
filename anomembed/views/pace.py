"""Judge how fast an entity goes: records within an hour and a day, sums over a day, time since its last record."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Self

import numpy as np

from anomembed.read.aggregates import BOUND
from anomembed.represent.arrays import Floats
from anomembed.represent.batch import Batch
from anomembed.represent.entities import Profiles
from anomembed.views.cases import Case
from anomembed.views.entity import EntityView, Outlier
from anomembed.views.facts import Facts
from anomembed.views.figures import Counted, is_beyond, others_of
from anomembed.views.reason import Reason
from anomembed.views.view import Basis, Counting, Looks


@dataclass(frozen=True)
class PaceView(EntityView):
    """Records by how unlikely their entity's pace is; high = abnormal.

    Parameters
    ----------
    profiles, is_own, columns, tails
        As of `EntityView`, of the entity's paces; all of them blame the column of the entity.
    amounts : tuple of Profiles
        Of the same paces as they are said, not their square roots; empty in models of older versions.
    """

    amounts: tuple[Profiles, ...] = ()
    name: str = "pace"
    summary = "entities that go faster or slower than usual (`--entity` and `--time`)"
    words = {
        "pace": "{pace}={value:.4g} is unusually {direction} for {entity} ({figures})",
        "pace alone": "{pace}={value:.4g} is unusually {direction} for {entity}",
    }
    looks_at = Looks.TOKENS | Looks.PAST

    @classmethod
    def fit(cls, basis: Basis) -> Sequence[Self]:
        """Return the view of a table that has an entity and a time."""
        entities = basis.entities
        if entities.past is None or entities.followed is None:
            return []
        columns = np.full(len(entities.past.history.paces), entities.followed, np.int64)
        return [replace(cls.fitted(entities.paces, columns, basis.records), amounts=entities.amounts)]

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
        amount = float(self.said(case.record)[0, found.number])
        entity = facts.value(case, self.profiles[found.profiles].column)
        evidence = {
            "pace": facts.past.names[found.number] if facts.past else "",
            "value": amount,
            "direction": "high" if found.is_high else "low",
            "entity": entity,
        }
        figures = self.figures(case.record, found, amount)
        return (
            Reason("pace", entity, {**evidence, "figures": figures})
            if figures
            else Reason("pace alone", entity, evidence)
        )

    def said(self, batch: Batch) -> Floats:
        """Return the paces as they are said: of records, of a sum, of seconds; shape (n_records, n_paces)."""
        roots = self.values(batch)
        return np.asarray(roots * np.abs(roots))

    def figures(self, record: Batch, found: Outlier, amount: float) -> str:
        """Say what the mean of a pace is, of its entity or else of all, where the amount is on the right side of it."""
        if not self.amounts:
            return ""
        amounts = self.amounts[found.profiles]
        plain = EntityView((amounts,), self.is_own, self.columns, self.tails)
        said = replace(record, numbers=self.said(record))
        own, everybody = plain.counted(amounts, said, found.number)
        if own.times and is_beyond(amount, own.mean, is_high=found.is_high):
            # The first record of an entity has no time since the one before.
            most = max(plain.counted(amounts, said, number)[0].times for number in range(said.numbers.shape[1]))
            if own.times == most:
                return _mean_only(own).of_own(self.others, self.where)
            return _mean_only(own).over(f"{own.times:,} of its {others_of(most, self.others)}{self.where}")
        is_shown = everybody.times and is_beyond(amount, everybody.mean, is_high=found.is_high)
        return _mean_only(everybody).over(others_of(everybody.times, "")) if is_shown else ""


def _mean_only(counted: Counted) -> Counted:
    """Leave out the standard deviation, which says little of what has a long tail."""
    return counted._replace(spread=np.nan)
