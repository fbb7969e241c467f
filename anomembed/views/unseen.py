"""Judge a sequence by how many kinds of events it has that the reference does not have.

In the sum of its events such kinds drown among the many events of a long sequence, and some are usual where people type
commands: what counts is how many more there are than in sequences of the reference that were held out.
"""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np

from anomembed.represent.arrays import Floats
from anomembed.represent.sequences import Sequences
from anomembed.represent.tokens.vocabulary import Special
from anomembed.views.cases import Part, SequenceCases
from anomembed.views.reason import Reason
from anomembed.views.view import Counting, SequenceBasis, Vectors, ViewOfSequences


@dataclass(frozen=True)
class UnseenView(ViewOfSequences):
    """Sequences as their number of kinds of events that the reference does not have; high = abnormal."""

    name: str = "novelty"
    summary = "more kinds of events that the reference does not have than usual"
    words = {"new event": "{subject} {where} was never seen in {reference}{others}"}
    is_summed = True

    @classmethod
    def fit(cls, basis: SequenceBasis) -> Sequence[Self]:  # noqa: ARG003
        """Return the view; it always applies."""
        return [cls()]

    def counting(self, *, clean: bool) -> Counting:  # noqa: ARG002
        """Count the log of one plus the number over the usual one."""
        return Counting("count", 1.0)

    def vectors(self, batch: Sequences) -> Vectors:
        """Return the number of new kinds, shape (n_sequences, 1)."""
        return np.asarray(batch.new_kinds[:, None], np.float32)

    def parts(self, cases: SequenceCases, terms: Floats, rescore: Callable[[Vectors], Floats]) -> list[list[Part]]:  # noqa: ARG002
        """Name the commonest of the new kinds; a sequence without any has no part."""
        numbers = cases.sequences.new_kinds.tolist()
        return [
            [Part("kinds of events never seen", str(n), float(term), ["0"], new_events(cases, row))] if n else []
            for row, (n, term) in enumerate(zip(numbers, terms, strict=True))
        ]


def new_events(cases: SequenceCases, row: int) -> Reason:
    """Name the commonest of the events that were never seen, and say how many others there are."""
    events = cases.shown[row]
    unseen = np.flatnonzero(cases.sequences[row : row + 1].events == Special.UNSEEN).tolist()
    values = [cases.event(events[at]) for at in unseen]
    (kind, count), *others = Counter(value.same for value in values).most_common()
    value = next(value for value in values if value.same == kind)
    evidence = {
        "where": f"at place {events.index(value.text) + 1:,}" if count == 1 else times(count),
        "reference": str(cases.among) if cases.among.is_sample else "the reference",
        "others": f", and {_kinds(len(others))} ({times(len(unseen) - count)})" if others else "",
    }
    return Reason("new event", value, evidence)


def times(count: int) -> str:
    """Return how often, in words."""
    return "once" if count == 1 else f"{count:,} times"


def _kinds(count: int) -> str:
    return "one other kind" if count == 1 else f"{count:,} other kinds"
