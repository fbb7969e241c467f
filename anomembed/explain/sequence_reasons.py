"""Why was a sequence flagged? Which event stands out of place, which is missing, which comes too often.

An event's number contributes to the ``sequence`` view what the term falls by when it is brought back to the usual
range, all together scaled to the term; the most surprising place bears the term of the ``order`` view. So the law
holds: **the contributions of a sequence sum to its raw score.**
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from anomembed.explain.entity_wording import likely_events
from anomembed.explain.wording import clean_text, listed
from anomembed.represent.arrays import Floats, Ints
from anomembed.represent.ranges import Ranges
from anomembed.represent.sequences import Sequences
from anomembed.represent.tokens.vocabulary import ColumnTokens, Special
from anomembed.score.combine import JudgedView
from anomembed.score.detectors import raw_scores
from anomembed.views.gap import GapView
from anomembed.views.order import OrderView
from anomembed.views.sequence import SequenceView


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

    def explain(self, sequences: Sequences, shown: Sequence[Sequence[str | None]]) -> list[list[Part]]:
        """Take the raw scores of sequences apart.

        Parameters
        ----------
        sequences : Sequences
            The sequences.
        shown : sequence of sequence of str or None
            Their events as the source has them.

        Returns
        -------
        list of list of Part
            For every sequence, view after view, the largest contribution of each first.
        """
        named = [["(missing)" if event is None else event for event in events] for events in shown]
        parts: list[list[Part]] = [[] for _ in named]
        for judged in self.views:
            terms = judged.term(judged.raw(sequences))
            match judged.view:
                case OrderView() as view:
                    found = self._worst_places(view, sequences, named, terms)
                case SequenceView() as view:
                    found = self._odd_numbers(judged, view, sequences, named, terms)
                case GapView() as view:
                    found = self._odd_times(view, sequences, named, terms)
                case view:
                    raise TypeError(f"no reasons for the view {view.name}")
            for known, more in zip(parts, found, strict=True):
                known += sorted(more, key=lambda part: -part.contribution)
        return parts

    def _odd_numbers(
        self, judged: JudgedView, view: SequenceView, sequences: Sequences, named: list[list[str]], terms: Floats
    ) -> list[list[Part]]:
        """Bring the number of each event back to what is usual, one after the other, and see what the terms fall by."""
        n_tokens = len(self.tokens.labels)
        vectors = view.vectors(sequences)
        odd, replaced = [], [np.empty((0, vectors.shape[1]), np.float32)]
        counts = [np.bincount(sequences[row : row + 1].events, minlength=n_tokens) for row in range(len(sequences))]
        for vector, count in zip(vectors, counts, strict=True):
            usual = np.clip(count, self.ranges.overall[:, 0], self.ranges.overall[:, 1])
            odd.append(np.flatnonzero(usual != count))
            steps = (np.log1p(usual) - np.log1p(count))[odd[-1]]
            replaced.append((vector + steps[:, None] * view.vectors_of[odd[-1]]).astype(np.float32))
        usual_terms = judged.term(raw_scores(judged.detector, np.concatenate(replaced)))
        ends = np.cumsum([len(tokens) for tokens in odd])
        return [
            self._shares(sequences[row : row + 1], named[row], counts[row], odd[row], term, term - then)
            for row, (term, then) in enumerate(zip(terms, np.split(usual_terms, ends[:-1]), strict=True))
        ]

    def _shares(
        self, sequence: Sequences, events: list[str], counts: Ints, odd: Ints, term: float, falls: Floats
    ) -> list[Part]:
        falls = np.maximum(falls, 0.0)
        if not falls.sum() > 0:  # no single number makes a difference: all events share alike
            odd = np.flatnonzero(counts)
            falls = np.ones(len(odd))
        return [
            self._number(sequence, events, int(token), int(counts[token]), float(share))
            for token, share in zip(odd, term * falls / falls.sum(), strict=True)
            if share or not term  # what is not unusual at all can be flagged, too, and is told like all others
        ]

    def _number(self, sequence: Sequences, events: list[str], token: int, count: int, share: float) -> Part:
        low, high = (int(end) for end in self.ranges.overall[token])
        usual = f"{low:,}" if low == high else f"{low:,} to {high:,}"
        most = (
            "19 in 20 do not have it"
            if high == 0
            else f"19 in 20 have it {'once' if usual == '1' else usual + ' times'}"
        )
        if token == Special.UNSEEN:
            return self._never_seen(sequence, events, share)
        name = self.tokens.labels[token]
        times = _times(count)
        if count == 0:
            sentence = f"{self._named(name)} is missing ({most})"
        elif low <= count <= high:
            sentence = f"its {len(events):,} events are unusual together, such as {self._named(name)} ({times})"
        else:
            sentence = f"{self._named(name)} occurs {times} ({most})"
        return Part("sequence", f"number of {name}", str(count), share, [usual.replace(",", "")], sentence)

    def _never_seen(self, sequence: Sequences, events: list[str], share: float) -> Part:
        """Name the commonest of the events that were never seen, and say how many others there are."""
        places = np.flatnonzero(sequence.events == Special.UNSEEN).tolist()
        counts = Counter(events[place] for place in places)
        (name, count), *others = counts.most_common()
        where = f"at place {events.index(name) + 1:,}" if count == 1 else _times(count)
        more = f", and {_kinds(len(others))} ({_times(len(places) - count)})" if others else ""
        sentence = f"{self._named(name)} {where} was never seen in the reference{more}"
        return Part("sequence", "number of events never seen", str(len(places)), share, ["0"], sentence)

    def _odd_times(
        self, view: GapView, sequences: Sequences, named: list[list[str]], terms: Floats
    ) -> list[list[Part]]:
        """Blame the least likely time before an event."""
        nats = view.nats(sequences)
        found = []
        for row, (events, term) in enumerate(zip(named, terms, strict=True)):
            start = int(sequences.starts[row])
            place = int(nats[start : start + len(events)].argmax())
            if place == 0 or sequences.gaps is None:
                found.append([Part("pace", "time", "(none)", float(term), [], "it has no time between events")])
                continue
            gap, usual = float(sequences.gaps[start + place]), view.usual(sequences, start + place)
            late = "late" if gap > usual else "early"
            sentence = (
                f"{self._named(events[place])} at place {place + 1:,} comes unusually {late}, "
                f"{gap:.4g} s after {clean_text(events[place - 1])} (usually about {_seconds(usual)})"
            )
            expected = [_seconds(usual)]
            found.append(
                [Part("pace", f"time before place {place + 1}", f"{gap:.4g} s", float(term), expected, sentence)]
            )
        return found

    def _worst_places(
        self, view: OrderView, sequences: Sequences, named: list[list[str]], terms: Floats
    ) -> list[list[Part]]:
        surprise, starts = view.surprise(sequences)
        places = np.array([int(surprise[begin:end].argmax()) for begin, end in pairwise(starts)])
        chances = view.chances(sequences.first(places))
        return [
            [self._place(chances[row], sequences[row : row + 1], events, int(places[row]), float(terms[row]))]
            for row, events in enumerate(named)
        ]

    def _place(self, chances: Floats, sequence: Sequences, events: list[str], place: int, share: float) -> Part:
        seen = sequence.events[place] if place < len(sequence.events) else len(self.tokens.labels) + 1  # the end
        expected = likely_events(chances, self.tokens, int(seen))
        instead = f"; expected: {listed(expected)}" if expected else ""
        after = f"after {clean_text(events[place - 1])}" if place else "as the first"
        if place == len(events):
            value, sentence = "(end)", f"it ends {after}, at place {place:,}{instead}"
        else:
            value = events[place]
            is_new = sequence.events[place] == Special.UNSEEN
            how = "was never seen in the reference" if is_new else f"is unusual {after}"
            sentence = f"{self._named(value)} at place {place + 1:,} of {len(events):,} {how}{instead}"
        return Part("order", f"place {place + 1}", value, share, expected, sentence)

    def _named(self, event: str) -> str:
        """Name an event, such as ``action=login``."""
        return f"{self.tokens.name}={clean_text(event)}"


def _times(count: int) -> str:
    return "once" if count == 1 else f"{count:,} times"


def _kinds(count: int) -> str:
    return "one other kind" if count == 1 else f"{count:,} other kinds"


def _seconds(usual: float) -> str:
    """Say a time in seconds, to three digits; what is below a millisecond is none."""
    return f"{usual:.3g} s" if usual >= 0.001 else "0 s"
