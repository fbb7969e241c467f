"""Judge an event by what its entity did before: its surprise after the entity's two events before it."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Self

import numpy as np
from numpy.typing import NDArray

from anomembed.represent.arrays import Floats
from anomembed.represent.batch import Batch
from anomembed.represent.sequences import NGrams, count_steps
from anomembed.represent.tokens.vocabulary import Special
from anomembed.views.cases import Case, likely_events
from anomembed.views.facts import Facts
from anomembed.views.reason import Listed, Reason, Text, Value
from anomembed.views.view import Basis, Counting, Looks, Vectors, ViewOfRecords

SPECIAL = {Special.MISSING: "a missing value", Special.RARE: "a rare value", Special.UNSEEN: "a never-seen value"}


@dataclass(frozen=True)
class StepView(ViewOfRecords):
    """Events as their surprise after the two events that their entity had before, in nats; high = abnormal.

    Parameters
    ----------
    ngrams : NGrams
        What follows what in the reference.
    is_own : bool
        Whether the events to be scored are the counted ones: each is then left out of the counts.
    column : int
        Token column of the event; that of the entity when the event has no column of its own.
    """

    ngrams: NGrams
    is_own: bool
    column: int
    name: str = "order"
    summary = "events that seldom follow the entity's last two (`--entity` and `--time`)"
    words = {"unusual step": "{subject} is unusual {after} of {entity}{expected}"}
    looks_at = Looks.TOKENS | Looks.PAST
    is_summed = True

    @classmethod
    def fit(cls, basis: Basis) -> Sequence[Self]:
        """Return the view of a table with an entity and a time, in which the order of some event tells something."""
        past, whose, steps = basis.entities.past, basis.entities.followed, basis.records.steps
        if past is None or whose is None or not past.events or steps is None:
            return []
        names = basis.vocabulary.names
        event = next((names.index(name) for name in past.history.event if name in names), whose)
        return [cls(count_steps(steps, past.start), basis.is_own, event)]

    def counting(self, *, clean: bool) -> Counting:  # noqa: ARG002
        """Count a quarter of what lies beyond e^-4: what is out of order is often so for good reasons.

        Measured on the card payments of the Fraud Detection Handbook (examples/notes/views.md).
        """
        return Counting("excess", 0.25)

    def for_others(self) -> Self:
        """Return the view that scores other events than those that were counted."""
        return replace(self, is_own=False)

    def vectors(self, batch: Batch) -> Vectors:
        """Return the surprises, shape (n_records, 1)."""
        assert batch.steps is not None  # noqa: S101  # the model that has this view reads them
        return self.ngrams.step_surprise(batch.steps, float(self.is_own))[:, None].astype(np.float32)

    def culprit(self, batch: Batch) -> NDArray[np.intp]:
        """Return the column of the event, shape (n_records,)."""
        return np.full(len(batch), self.column, np.intp)

    def reason(self, case: Case, shares: Floats, facts: Facts) -> Reason:  # noqa: ARG002
        """Say what the event comes after, and what was expected there."""
        past, steps = facts.past, case.record.steps
        if past is None or past.events is None or steps is None:
            raise TypeError("a view of events without the events")
        labels = (*past.events.labels, "(start)", "(end)")
        event, *before = steps[0].tolist()
        known = [token for token in before if token != past.start]
        subject = Value(" | ".join(past.history.event), labels[event])
        if event == Special.UNSEEN:
            subject = facts.value(case, self.column)
        expected = likely_events(self.ngrams.chances(np.array(known[::-1], np.int64)), past.events, event)
        evidence = {
            "after": f"after {SPECIAL.get(known[0]) or Text(labels[known[0]])}" if known else "as the first",
            "entity": facts.value(case, facts.vocabulary.names.index(past.history.entity)),
            "expected": Listed("expected", expected),
        }
        return Reason("unusual step", subject, evidence)
