"""Judge a sequence by what follows what: how surprising its events are after those before them.

The largest surprise finds one event out of order, the mean a sequence that is odd all along. The sum of the surprises
would mostly measure length.

With `--embedding gru` or `cnn`, the network's surprise takes the place of the n-grams'. Averaging the two was tried: on
two sets of the HDFS log its average precision was lower, by .001 and .02.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Self

import numpy as np

from anomembed.represent.arrays import Floats, Ints
from anomembed.represent.embeddings.neural.networks import NextEvent
from anomembed.represent.sequences import NGrams, Sequences
from anomembed.represent.tokens.vocabulary import Special
from anomembed.views.facts import Part, SequenceCases, likely_events
from anomembed.views.reason import Listed, Reason, Text
from anomembed.views.view import SequenceBasis, Vectors, ViewOfSequences


@dataclass(frozen=True)
class OrderView(ViewOfSequences):
    """Sequences as their largest and their mean surprise, each in units of the usual one; high = abnormal.

    Parameters
    ----------
    ngrams : NGrams
        What follows what in the reference.
    is_own : bool
        Whether the sequences to be scored are the reference itself: each is then left out of the counts.
    usual : tuple of float
        Mean of the largest, and of the mean surprise, over the reference.
    network : NextEvent or None
        The network that learnt which event comes next; None to use the n-grams.
    """

    ngrams: NGrams
    is_own: bool
    usual: tuple[float, float] = (1.0, 1.0)
    network: NextEvent | None = None
    name: str = "order"
    summary = "events out of order, by what usually follows what"
    words = {
        "unusual end": "it ends {after}, at place {position:,}{expected}",
        "unusual event": "{subject} at place {position:,} of {of:,} is unusual {after}{expected}",
        "unseen event": "{subject} at place {position:,} of {of:,} was never seen in the reference{expected}",
    }
    is_summed = True

    @classmethod
    def fit(cls, basis: SequenceBasis) -> Sequence[Self]:
        """Return the view; it always applies."""
        network = basis.embeddings.network
        plain = cls(basis.ngrams, True, network=network if isinstance(network, NextEvent) else None)
        distinct, row = basis.sequences.distinct()
        usual = np.maximum(plain.vectors(distinct)[row].mean(axis=0, dtype=np.float64), 1e-9)
        return [replace(plain, is_own=basis.is_own, usual=(float(usual[0]), float(usual[1])))]

    def vectors(self, batch: Sequences) -> Vectors:
        """Return the two surprises, shape (n_sequences, 2)."""
        surprise, starts = self.surprise(batch)
        largest = np.maximum.reduceat(surprise, starts[:-1])
        mean = np.add.reduceat(surprise, starts[:-1]) / np.diff(starts)
        return np.column_stack([largest / self.usual[0], mean / self.usual[1]]).astype(np.float32)

    def surprise(self, batch: Sequences) -> tuple[Floats, Ints]:
        """Return the surprise of every event and of every end, and the index at which each sequence begins."""
        return self.ngrams.surprise(batch, float(self.is_own)) if self.network is None else self.network.surprise(batch)

    def chances(self, before: Sequences) -> Floats:
        """Return the chance of every token, of the start (0) and of the end, after each of some sequences."""
        if self.network is not None:
            return self.network.chances(before)
        return np.array([self.ngrams.chances(before[row : row + 1].events) for row in range(len(before))])

    def parts(self, cases: SequenceCases, terms: Floats, rescore: Callable[[Vectors], Floats]) -> list[list[Part]]:  # noqa: ARG002
        """Blame the most surprising event."""
        surprise, starts = self.surprise(cases.sequences)
        positions = np.array([int(surprise[begin:end].argmax()) for begin, end in pairwise(starts)])
        chances = self.chances(cases.sequences.first(positions))
        rows = zip(positions.tolist(), chances, terms.tolist(), strict=True)
        return [[_blame(cases, row, at, chance, term)] for row, (at, chance, term) in enumerate(rows)]


def _blame(cases: SequenceCases, row: int, at: int, chances: Floats, share: float) -> Part:
    """Say that the event at a position, counted from 0, is not the one to expect there."""
    sequence, events = cases.sequences[row : row + 1], cases.shown[row]
    seen = sequence.events[at] if at < len(sequence.events) else len(cases.tokens.labels) + 1  # the end
    expected = likely_events(chances, cases.tokens, int(seen))
    after = Text(events[at - 1]) if at else None
    evidence = {"after": f"after {after}" if after else "as the first", "expected": Listed("expected", expected)}
    if at == len(events):
        reason = Reason("unusual end", None, {**evidence, "position": at})
    else:
        kind = "unseen event" if sequence.events[at] == Special.UNSEEN else "unusual event"
        reason = Reason(kind, cases.event(events[at]), {**evidence, "position": at + 1, "of": len(events)})
    value = "(end)" if at == len(events) else events[at]
    return Part(f"place {at + 1}", value, share, list(expected), reason)
