"""Judge a sequence by the time between its events: one may come much sooner or later than its kind usually does.

The time before an event is compared with the times before other events of its kind, and before all events, as
`entity` compares a number with those of its entity and with all.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Self

import numpy as np

from anomembed.represent.arrays import Floats
from anomembed.represent.batch import Batch
from anomembed.represent.entities import Profiles
from anomembed.represent.sequences import Sequences
from anomembed.views.cases import Part, SequenceCases
from anomembed.views.entity import EntityView
from anomembed.views.reason import Reason, Text
from anomembed.views.view import Counting, Looks, SequenceBasis, Vectors, ViewOfSequences


@dataclass(frozen=True)
class GapView(ViewOfSequences):
    """Sequences as their least likely time between two events, in nats; high = abnormal.

    Parameters
    ----------
    times : EntityView
        How long before each kind of event the one before it usually is, as log(1 + milliseconds).
    """

    times: EntityView
    name: str = "pace"
    summary = "events that come much sooner or later than usual"
    words = {
        "no time": "it has no time between events",
        "time": "{subject} at place {position:,} comes unusually {direction}, {gap:.4g} s after {before}"
        " ({usual}, the geometric mean of {others})",
    }
    looks_at = Looks.TOKENS | Looks.TIMES
    is_summed = True

    @classmethod
    def fit(cls, basis: SequenceBasis) -> Sequence[Self]:
        """Return the view of sequences whose events have a time."""
        if basis.sequences.gaps is None:
            return []
        view = cls(_fit_times(basis.sequences, len(basis.tokens.labels)))
        return [view if basis.is_own else view.for_others()]

    def counting(self, *, clean: bool) -> Counting:  # noqa: ARG002
        """Count a quarter of what lies beyond e^-4: a pause is often unusual for good reasons."""
        return Counting("excess", 0.25)

    def vectors(self, batch: Sequences) -> Vectors:
        """Return the largest -log chance, shape (n_sequences, 1); 0 for a sequence of one event."""
        return np.maximum.reduceat(self.nats(batch), batch.starts[:-1])[:, None].astype(np.float32)

    def nats(self, batch: Sequences) -> Floats:
        """Return -log of the chance of a time so long or short before every event, shape (n_events,)."""
        return self.times.nats(_as_records(batch))[:, 0]

    def usual(self, batch: Sequences, event: int) -> tuple[float, int, bool]:
        """Return the usual time before an event like the one at this place among the batch's.

        Returns
        -------
        seconds : float
            The geometric mean, of milliseconds plus one.
        n_events : int
            How many it was taken over, without the event itself.
        of_kind : bool
            Whether these are of its kind: of the first of a kind, they are all events.
        """
        record = _as_records(batch)[event : event + 1]
        own, everybody = self.times.counted(self.times.profiles[0], record, 0)
        found = own if own.times else everybody
        return float(np.expm1(found.mean) / 1000), found.times, own.times > 0

    def for_others(self) -> Self:
        """Return the view that scores other sequences than those it was fitted to."""
        return replace(self, times=replace(self.times, is_own=False))

    def parts(self, cases: SequenceCases, terms: Floats, rescore: Callable[[Vectors], Floats]) -> list[list[Part]]:  # noqa: ARG002
        """Blame the least likely time before an event."""
        nats = self.nats(cases.sequences)
        return [[self._blame(cases, row, nats, float(term))] for row, term in enumerate(terms)]

    def _blame(self, cases: SequenceCases, row: int, nats: Floats, term: float) -> Part:
        sequences, events = cases.sequences, cases.shown[row]
        start = int(sequences.starts[row])
        at = int(nats[start : start + len(events)].argmax())
        if at == 0 or sequences.gaps is None:
            return Part("time", "(none)", term, [], Reason("no time"))
        gap = float(sequences.gaps[start + at])
        usual, n_events, of_kind = self.usual(sequences, start + at)
        others = f"{n_events:,} {self.times.others if of_kind else ''}{'such ' * of_kind}events"
        evidence = {
            "position": at + 1,
            "direction": "late" if gap > usual else "early",
            "gap": gap,
            "before": Text(events[at - 1]),
            "usual": _seconds(usual),
            "others": f"{others}{cases.among.if_sample('in')}",
        }
        reason = Reason("time", cases.event(events[at]), evidence)
        return Part(f"time before place {at + 1}", f"{gap:.4g} s", term, [_seconds(usual)], reason)


def _fit_times(sequences: Sequences, n_tokens: int) -> EntityView:
    """Learn the usual times before each of `n_tokens` kinds of events."""
    records = _as_records(sequences)
    known = ~np.isnan(records.numbers[:, 0])
    token, gap = records.tokens[known, 0], records.numbers[known, 0]
    times = np.bincount(token, minlength=n_tokens).astype(np.float64)
    mean = np.bincount(token, gap, minlength=n_tokens) / np.maximum(times, 1)
    squares = np.bincount(token, (gap - mean[token]) ** 2, minlength=n_tokens).astype(np.float64)
    profiles = Profiles(0, 0, times[:, None], mean[:, None], squares[:, None])
    return EntityView.fitted([profiles], np.zeros(1, np.int64), records)


def _as_records(sequences: Sequences) -> Batch:
    """Return a record per event: its kind as the entity, the log of the time before it as the number."""
    gaps = np.full(len(sequences.events), np.nan) if sequences.gaps is None else sequences.gaps
    return Batch(sequences.events[:, None], np.log1p(1000 * np.maximum(gaps, 0.0))[:, None])


def _seconds(usual: float) -> str:
    """Return a time in seconds, to three digits; what is below a millisecond is none."""
    return f"{usual:.3g} s" if usual >= 0.001 else "0 s"
