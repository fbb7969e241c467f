"""Judge a sequence by which events it has and how often: the sum of its events' embeddings, weighted by log(1 + count).

A sum shows a missing event and an extra one, and the logarithm keeps a long loop from drowning them. Embeddings have
length 1 here, so that all kinds of events count alike. An event that the reference does not have gets a dimension of
its own.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

from anomembed.represent.arrays import Floats, Ints
from anomembed.represent.pooling import unit_vectors
from anomembed.represent.sequences import Sequences
from anomembed.represent.tokens.vocabulary import Special
from anomembed.views.cases import Part, SequenceCases
from anomembed.views.reason import Reason
from anomembed.views.unseen import new_events, times
from anomembed.views.view import Counting, SequenceBasis, Vectors, ViewOfSequences


@dataclass(frozen=True)
class SequenceView(ViewOfSequences):
    """Sequences as the weighted sum of their events' embeddings.

    Parameters
    ----------
    vectors_of : ndarray of shape (n_tokens, width + 1)
        Embedding of every event, and the dimension of events that the reference does not have.
    """

    vectors_of: NDArray[np.float32]
    name: str = "sequence"
    summary = "events that are missing, new, or too many"
    words = {
        "missing event": "{subject} is missing ({most})",
        "number of events": "{subject} occurs {times} ({most})",
        "events together": "its {n_events:,} events are unusual together, such as {subject} ({times})",
    }

    @classmethod
    def fit(cls, basis: SequenceBasis) -> Sequence[Self]:
        """Return the view; it always applies."""
        return [cls(unit_vectors(basis.embeddings.vectors, basis.tokens.counts).astype(np.float32))]

    def counting(self, *, clean: bool) -> Counting:  # noqa: ARG002
        """Count half the log of one plus the relative distance: many sequences have the events of a reference one."""
        return Counting("known", 0.5)

    def vectors(self, batch: Sequences) -> Vectors:
        """Return the vectors, shape (n_sequences, width + 1)."""
        counts = batch.occurrences(len(self.vectors_of))
        counts.data = np.log1p(counts.data)
        return np.asarray(counts @ self.vectors_of.astype(np.float64), np.float32)

    def parts(self, cases: SequenceCases, terms: Floats, rescore: Callable[[Vectors], Floats]) -> list[list[Part]]:
        """Set the count of one event after the other to its usual range, and see what the terms fall by."""
        sequences, n_tokens = cases.sequences, len(cases.tokens.labels)
        vectors, usual = self.vectors(sequences), cases.ranges.overall
        counts = [np.bincount(sequences[row : row + 1].events, minlength=n_tokens) for row in range(len(sequences))]
        odd, replaced = [], [np.empty((0, vectors.shape[1]), np.float32)]
        for vector, count in zip(vectors, counts, strict=True):
            nearest = np.clip(count, usual[:, 0], usual[:, 1])
            odd.append(np.flatnonzero(nearest != count))
            steps = (np.log1p(nearest) - np.log1p(count))[odd[-1]]
            replaced.append((vector + steps[:, None] * self.vectors_of[odd[-1]]).astype(np.float32))
        ends = np.cumsum([len(tokens) for tokens in odd])
        falls = np.split(rescore(np.concatenate(replaced)), ends[:-1])
        return [
            _share(cases, row, counts[row], odd[row], term, term - then)
            for row, (term, then) in enumerate(zip(terms, falls, strict=True))
        ]


def _share(cases: SequenceCases, row: int, counts: Ints, odd: Ints, term: float, falls: Floats) -> list[Part]:
    """Share a term among the events whose counts are unusual, by what it falls by for each."""
    falls = np.maximum(falls, 0.0)
    if not falls.sum() > 0:  # no single count makes a difference: all events share equally
        odd = np.flatnonzero(counts)
        falls = np.ones(len(odd))
    return [
        _blame(cases, row, int(token), int(counts[token]), float(share))
        for token, share in zip(odd, term * falls / falls.sum(), strict=True)
        if share or not term  # a budget may flag a sequence that is not unusual at all; it needs a reason, too
    ]


def _blame(cases: SequenceCases, row: int, token: int, count: int, share: float) -> Part:
    if token == Special.UNSEEN:
        return Part("number of events never seen", str(count), share, ["0"], new_events(cases, row))
    low, high = (int(end) for end in cases.ranges.overall[token])
    usual = f"{low:,}" if low == high else f"{low:,} to {high:,}"
    have = "once" if usual == "1" else f"{usual} times"
    most = f"19 in 20{cases.among.if_sample('of')}"
    evidence = {
        "times": times(count),
        "most": f"{most} do not have it" if high == 0 else f"{most} have it {have}",
        "n_events": len(cases.shown[row]),
    }
    kind = "missing event" if count == 0 else "events together" if low <= count <= high else "number of events"
    name = cases.tokens.labels[token]
    reason = Reason(kind, cases.event(name), evidence)
    return Part(f"number of {name}", str(count), share, [usual.replace(",", "")], reason)
