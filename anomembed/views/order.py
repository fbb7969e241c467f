"""Judge a sequence by what follows what: how surprising its events are after those before them.

The largest surprise after one event finds one event out of order; the mean after up to five, a sequence that is odd all
along. The largest after five would mostly be chance: in long contexts something is always new. The sum of the surprises
would mostly measure length.

With `--embedding gru` or `cnn`, the network's surprise takes the place of the n-grams'. Averaging the two was tried: on
two sets of the HDFS log its average precision was lower, by .001 and .02.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Self

import numpy as np

from anomembed.represent.arrays import Floats, Ints
from anomembed.represent.embeddings.neural.networks import NextEvent
from anomembed.represent.sequences import NGrams, Sequences
from anomembed.represent.tokens.vocabulary import Special
from anomembed.views.cases import LEAST_CHANCE, Part, SequenceCases, likely_events
from anomembed.views.reason import Listed, Reason, Text
from anomembed.views.unseen import new_events
from anomembed.views.view import Counting, SequenceBasis, Vectors, ViewOfSequences

SHARE_OF_LARGEST = 1 / 3  # exponent of the largest surprise; the mean has the rest


@dataclass(frozen=True)
class OrderView(ViewOfSequences):
    """Sequences as their surprise, a geometric mean of the largest and the mean one, in nats; high = abnormal.

    Parameters
    ----------
    ngrams : NGrams
        What follows what in the reference.
    is_own : bool
        Whether the sequences to be scored are the reference itself: each is then left out of the counts.
    network : NextEvent or None
        The network that learnt which event comes next; None to use the n-grams.
    """

    ngrams: NGrams
    is_own: bool
    network: NextEvent | None = None
    name: str = "order"
    summary = "events out of order, by what usually follows what"
    words = {
        "unusual end": "it ends {after}, at place {position:,}{expected}",
        "unusual event": "{subject} at place {position:,} of {of:,} is unusual {after}{expected}",
        "unseen event": "{subject} at place {position:,} of {of:,} was never seen in {reference}{expected}",
    }
    is_summed = True

    @classmethod
    def fit(cls, basis: SequenceBasis) -> Sequence[Self]:
        """Return the view; it always applies."""
        network = basis.embeddings.network
        return [cls(basis.ngrams, basis.is_own, network if isinstance(network, NextEvent) else None)]

    def counting(self, *, clean: bool) -> Counting:  # noqa: ARG002
        """Count the relative surprise more than which events there are."""
        return Counting("relative", 1.5)

    def vectors(self, batch: Sequences) -> Vectors:
        """Return the surprise, shape (n_sequences, 1)."""
        surprises, starts = self.surprises(batch)
        largest = np.maximum.reduceat(surprises[self._near], starts[:-1])
        mean = np.add.reduceat(surprises[-1], starts[:-1]) / np.diff(starts)
        together = largest**SHARE_OF_LARGEST * mean ** (1 - SHARE_OF_LARGEST)
        return np.asarray(together[:, None], np.float32)

    def surprises(self, batch: Sequences) -> tuple[Floats, Ints]:
        """Return the surprise of every event and of every end, and the index at which each sequence begins.

        The surprises have shape (n_lengths, n_events + n_sequences): after none of the events before, after one, and so
        on; of a network, only those after all.
        """
        if self.network is None:
            return self.ngrams.surprises(batch, float(self.is_own))
        surprise, starts = self.network.surprise(batch)
        return surprise[None], starts

    @property
    def _near(self) -> int:
        """Which of the surprises the largest is taken of: the one after one event."""
        return 1 if self.network is None else 0

    def chances(self, before: Sequences, longest: int) -> Floats:
        """Return the chance of every token, of the start (0) and of the end, after a sequence.

        Parameters
        ----------
        before : Sequences
            One sequence.
        longest : int
            Events of the longest n-gram to look at; a network looks at all.
        """
        return self.ngrams.chances(before.events, longest) if self.network is None else self.network.chances(before)[0]

    def parts(self, cases: SequenceCases, terms: Floats, rescore: Callable[[Vectors], Floats]) -> list[list[Part]]:  # noqa: ARG002
        """Blame the event that is most surprising both after one event and after all."""
        surprises, starts = self.surprises(cases.sequences)
        both = surprises[self._near] + surprises[-1]
        return [
            [self._blame(cases, row, int(both[begin:end].argmax()), surprises[:, begin:end], float(term))]
            for row, ((begin, end), term) in enumerate(zip(pairwise(starts), terms, strict=True))
        ]

    def _blame(self, cases: SequenceCases, row: int, at: int, surprises: Floats, share: float) -> Part:
        """Say that the event at a position, counted from 0, is not the one to expect there."""
        events, back = cases.shown[row], _back(surprises[:, at])
        sequence = cases.sequences[row : row + 1]
        seen = sequence.events[at] if at < len(events) else len(cases.tokens.labels) + 1  # the end
        chances = self.chances(sequence.first(np.array([at])), back + 1)
        expected = likely_events(chances, cases.tokens, int(seen))
        reason = _reason(cases, row, at, back, expected)
        value = "(end)" if at == len(events) else events[at]
        return Part(f"place {at + 1}", value, share, list(expected), reason)


def _back(surprises: Floats) -> int:
    """Return how many events before one to name: as few as make it unlikely, or else those that make it least likely.

    Parameters
    ----------
    surprises : ndarray of shape (n_lengths,)
        Its surprise after none of the events before, after one, and so on; of a network, only the one after all.
    """
    after = surprises[1:] if len(surprises) > 1 else surprises
    return 1 + int((after >= min(-np.log(LEAST_CHANCE), after.max())).argmax())


def _reason(cases: SequenceCases, row: int, at: int, back: int, expected: tuple[str, ...]) -> Reason:
    events, tokens = cases.shown[row], cases.sequences[row : row + 1].events
    after = ", ".join(str(Text(event)) for event in events[max(at - back, 0) : at])
    evidence = {"after": f"after {after}" if after else "as the first", "expected": Listed("expected", expected)}
    if at == len(events):
        return Reason("unusual end", None, {**evidence, "position": at})
    if tokens[at] == Special.UNSEEN and (tokens == Special.UNSEEN).sum() > 1:
        return new_events(cases, row)
    evidence["reference"] = str(cases.among) if cases.among.is_sample else "the reference"
    kind = "unseen event" if tokens[at] == Special.UNSEEN else "unusual event"
    return Reason(kind, cases.event(events[at]), {**evidence, "position": at + 1, "of": len(events)})
