"""Why was a sequence flagged? Which event stands out of place, which is missing, which comes too often.

An event's number contributes to the ``sequence`` view what the term falls by when it is brought back to the usual
range; the most surprising places share the term of the ``order`` view. Both are scaled so that the law holds: **the
contributions of a sequence sum to its raw score.**
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from anomembed.represent.ranges import Ranges
from anomembed.represent.sequences import Sequences
from anomembed.represent.tokens import ColumnTokens, Special
from anomembed.represent.views.order import OrderView
from anomembed.represent.views.sequence import SequenceView
from anomembed.score.combine import JudgedView
from anomembed.score.detectors import raw_scores
from anomembed.score.wording import MOST_EXPECTED, clean_text

MOST_PLACES = 3  # places that share the term of the order view
LEAST_CHANCE = 0.01  # of an event that is named as expected


@dataclass(frozen=True)
class Part:
    """A contribution: of how often an event occurs, or of the event at a place."""

    view: str
    column_name: str
    value: str
    contribution: float
    expected: list[str]
    sentence: str


@dataclass(frozen=True)
class SequenceReasons:
    """Explains sequences.

    Parameters
    ----------
    views : sequence of JudgedView
        The views that the score is made of.
    tokens : ColumnTokens
        The events.
    ranges : Ranges
        How often each event usually occurs.
    """

    views: Sequence[JudgedView]
    tokens: ColumnTokens
    ranges: Ranges

    def explain(self, sequence: Sequences, shown: Sequence[str | None]) -> list[Part]:
        """Take the raw score of one sequence apart.

        Parameters
        ----------
        sequence : Sequences
            One sequence.
        shown : sequence of str or None
            Its events as the source has them.

        Returns
        -------
        list of Part
            The largest contribution of each view first.
        """
        events = ["(missing)" if event is None else clean_text(event) for event in shown]
        parts: list[Part] = []
        for judged in self.views:
            term = float(judged.term(judged.raw(sequence))[0])
            match judged.view:
                case OrderView() as view:
                    explained = self._places(view, sequence, events, term)
                case SequenceView() as view:
                    explained = self._numbers(judged, view, sequence, events, term)
                case view:
                    raise TypeError(f"no reasons for the view {view.name}")
            parts += sorted(explained, key=lambda part: -part.contribution)
        return parts

    def _numbers(
        self, judged: JudgedView, view: SequenceView, sequence: Sequences, events: list[str], term: float
    ) -> list[Part]:
        counts = np.bincount(sequence.events, minlength=len(self.tokens.labels)).astype(np.float64)
        usual = np.clip(counts, self.ranges.overall[:, 0], self.ranges.overall[:, 1])
        odd = np.flatnonzero(usual != counts)
        falls = np.empty(0)
        if len(odd):
            steps = (np.log1p(usual) - np.log1p(counts))[odd]
            vectors = view.vectors(sequence) + steps[:, None] * view.vectors_of[odd]
            falls = np.maximum(term - judged.term(raw_scores(judged.detector, vectors.astype(np.float32))), 0.0)
        if not falls.sum() > 0:  # no single number makes a difference: all events share alike
            odd = np.flatnonzero(counts)
            falls = np.ones(len(odd))
        shares = term * falls / falls.sum()
        return [
            self._number(sequence, events, int(token), int(counts[token]), float(share))
            for token, share in zip(odd, shares, strict=True)
            if share
        ]

    def _number(self, sequence: Sequences, events: list[str], token: int, count: int, share: float) -> Part:
        low, high = (int(end) for end in self.ranges.overall[token])
        usual = f"{low:,}" if low == high else f"{low:,} to {high:,}"
        name = clean_text(self.tokens.labels[token])
        times = "once" if count == 1 else f"{count:,} times"
        if token == Special.UNSEEN:
            place = int(np.flatnonzero(sequence.events == token)[0])
            name = events[place]
            sentence = f"{self.tokens.name}={name} at place {place + 1:,} was never seen in the reference"
        elif count == 0:
            sentence = f"{self.tokens.name}={name} is missing (19 in 20 have it {usual} times)"
        elif low <= count <= high:
            sentence = f"its {len(events):,} events are unusual together, such as {self.tokens.name}={name} ({times})"
        else:
            sentence = f"{self.tokens.name}={name} occurs {times} (19 in 20 have it {usual} times)"
        return Part("sequence", f"number of {name}", f"{count:,}", share, [usual], sentence)

    def _places(self, view: OrderView, sequence: Sequences, events: list[str], term: float) -> list[Part]:
        surprise, _ = view.surprise(sequence)
        worst = np.argsort(-surprise, kind="stable")[:MOST_PLACES]
        shares = surprise[worst] / surprise[worst].sum()
        return [
            self._place(view, sequence, events, int(place), term * float(share))
            for place, share in zip(worst, shares, strict=True)
        ]

    def _place(self, view: OrderView, sequence: Sequences, events: list[str], place: int, share: float) -> Part:
        expected = self._expected(view.ngrams.chances(sequence.events[:place]), sequence, place)
        instead = f"; expected: {', '.join(expected)}" if expected else ""
        after = f"after {events[place - 1]}" if place else "as the first"
        if place == len(events):
            value, sentence = "(end)", f"it ends {after}, at place {place:,}{instead}"
        else:
            value = events[place]
            is_new = sequence.events[place] == Special.UNSEEN
            how = "was never seen in the reference" if is_new else f"is unusual {after}"
            sentence = f"{self.tokens.name}={value} at place {place + 1:,} of {len(events):,} {how}{instead}"
        return Part("order", f"place {place + 1:,}", value, share, expected, sentence)

    def _expected(self, chances: NDArray[np.float64], sequence: Sequences, place: int) -> list[str]:
        """Name the likeliest events after those before `place`, but for the one that is there."""
        chances = chances.copy()
        chances[[Special.RARE, Special.UNSEEN]] = 0.0
        chances[sequence.events[place] if place < len(sequence.events) else -1] = 0.0
        likely = np.argsort(-chances, kind="stable")[:MOST_EXPECTED]
        labels = (*self.tokens.labels, "(start)", "(end)")
        return [clean_text(labels[token]) for token in likely if chances[token] > LEAST_CHANCE]
