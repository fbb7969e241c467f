"""Several views of a record, one score.

The distance of a record from normal in a view is taken relative to the reference's mean, and the logarithms are
added: the product, over the views, of "how many times farther than usual". Against sums of -log tail probability
(Fisher) this keeps the size of a distance where the reference has few distinct records, and loses nothing elsewhere.
Conflicts between two values are another matter: most records have none worth a word, so they count from a tail
probability of e^-4 on; and so does what is unusual for an entity. The experiments are in examples/notes/views.md.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from anomembed.represent.batch import Batch
from anomembed.represent.keys import distinct
from anomembed.represent.sequences import Sequences
from anomembed.score.calibration import Calibration, fit_calibration
from anomembed.score.detectors import Choice, Detector, Total, fit_detector, raw_scores
from anomembed.views.view import Looks, Rule, View

FLOOR = 0.01  # added to a relative distance, so that a record that is its own reference has a logarithm
SEQUENCE_FLOOR = 1.0  # a sequence that has its very events in the reference may still have them out of order
EXCESS_FROM = 4.0  # -log tail probability from which on a conflict counts


@dataclass(frozen=True)
class CalibratedView:
    """A view with its fitted detector, and what is usual for it.

    Parameters
    ----------
    view : View
        Turns records into vectors.
    detector : Detector
        Turns vectors into raw scores.
    rule : {"relative", "known", "surprise", "excess", "evidence"}
        How a raw score becomes a term of the record's score. ``relative``: log of the raw score over the usual one.
        ``known``: the same where many records equal a reference record. ``surprise``: -log tail probability, for a raw
        score without a unit. ``excess``: that beyond `EXCESS_FROM`. ``evidence``: a raw score that is already in nats,
        beyond `EXCESS_FROM`.
    weight : float
        What the term is multiplied by.
    lowest : float
        Raw score of the most normal record: 0 for distances, the smallest of the reference for other detectors.
    mean : float
        Mean of the reference's raw scores above `lowest`.
    calibration : Calibration
        Of the view's raw scores.
    """

    view: View
    detector: Detector
    rule: Rule
    weight: float
    lowest: float
    mean: float
    calibration: Calibration

    def raw(self, batch: Batch | Sequences) -> NDArray[np.float64]:
        """Return the view's raw scores; high = abnormal."""
        return raw_scores(self.detector, self.view.vectors(batch))

    def term(self, raw: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return what raw scores of this view add to the records' score, in nats; 0 = as usual, high = abnormal."""
        if self.rule == "surprise":
            return np.asarray(self.weight * self.calibration.minus_log_tail(raw))
        if self.rule == "excess":
            excess = np.maximum(self.calibration.minus_log_tail(raw) - EXCESS_FROM, 0.0)
            return np.asarray(self.weight * excess)
        if self.rule == "evidence":
            return np.asarray(self.weight * np.maximum(raw - EXCESS_FROM, 0.0))
        relative = np.maximum(raw - self.lowest, 0.0) / self.mean
        return np.asarray(self.weight * np.log(relative + (SEQUENCE_FLOOR if self.rule == "known" else FLOOR)))

    def rescored(self, vectors: NDArray[np.float32]) -> NDArray[np.float64]:
        """Return the terms of vectors that no record has, such as of a sequence with one event less."""
        return self.term(raw_scores(self.detector, vectors))

    def calibrated(self, raw: NDArray[np.float64]) -> "CalibratedView":
        """Return the same view and detector, calibrated on other raw scores."""
        return _calibrated(self.view, self.detector, self.rule, self.weight, raw)

    def for_others(self) -> "CalibratedView":
        """Return the view that scores other records than those it was fitted to."""
        return replace(self, view=self.view.for_others())


class Calibrated(NamedTuple):
    """Fitted views, and the raw scores of the reference that each of them was calibrated on."""

    views: tuple[CalibratedView, ...]
    raws: tuple[NDArray[np.float64], ...]
    notes: list[str]

    def total(self) -> NDArray[np.float64]:
        """Return the raw scores of the reference records over all views."""
        return np.asarray(np.sum([view.term(raw) for view, raw in zip(self.views, self.raws, strict=True)], axis=0))


def calibrate_views(
    views: Sequence[View],
    choice: Choice,
    learnt: Batch | Sequences,
    held_out: Batch | Sequences,
    *,
    seed: int,
    clean: bool,
) -> Calibrated:
    """Fit a detector for every view, and see how it scores the records held out.

    Parameters
    ----------
    views : sequence of View
        Ways to look at the records.
    choice : Choice
        Which detector.
    learnt, held_out : Batch or Sequences
        Reference records to learn from, and to calibrate on.
    seed : int
        Of what is random in the detectors.
    clean : bool
        Whether the reference is free of anomalies.
    """
    calibrated, raws, notes = [], [], []
    for view in views:
        detector, note = _fit_view_detector(view, choice, learnt, seed)
        raw = raw_scores(detector, view.vectors(held_out))
        calibrated.append(_calibrated(view, detector, *view.counting(clean=clean), raw))
        raws.append(raw)
        notes += [f"{view.name} view: {note}"] if note else []
    return Calibrated(tuple(calibrated), tuple(raws), notes)


def _calibrated(view: View, detector: Detector, rule: Rule, weight: float, raw: NDArray[np.float64]) -> CalibratedView:
    lowest = min(0.0, float(raw.min()))
    mean = max(float((raw - lowest).mean()), 1e-9)
    return CalibratedView(view, detector, rule, weight, lowest, mean, fit_calibration(raw))


def _fit_view_detector(view: View, choice: Choice, learnt: Batch | Sequences, seed: int) -> tuple[Detector, str | None]:
    if view.is_summed:
        return Total(), None
    vectors = view.reference(learnt)
    if view.draws and choice.name == "nearest":
        choice = replace(choice, settings=view.draws)
    return fit_detector(choice, _distinct_rows(vectors) if choice.is_distinct else vectors, seed)


def _distinct_rows(vectors: NDArray[np.float32]) -> NDArray[np.float32]:
    as_tokens = np.ascontiguousarray(vectors).view(np.int32)
    rows = distinct(as_tokens)[0]
    return rows.view(np.float32)


class Scored(NamedTuple):
    """Raw scores of records (high = abnormal), and for each the index of the view in which it stands out most."""

    raw: NDArray[np.float64]
    worst: NDArray[np.intp]


def score(views: Sequence[CalibratedView], batch: Batch | Sequences) -> Scored:
    """Add up what every view says of records.

    A record stands out where it is rarest, a sequence where most of its score comes from: the pace, which weighs little
    there, has the longer tail.
    """
    total = np.zeros(len(batch))
    stands_out = np.empty((len(batch), len(views)))
    shared, row = batch.distinct()
    for column, view in enumerate(views):
        raw = view.raw(shared)[row] if view.view.looks_at is Looks.TOKENS else view.raw(batch)
        term = view.term(raw)
        total += term
        stands_out[:, column] = term if isinstance(batch, Sequences) else view.calibration.minus_log_tail(raw)
    return Scored(total, stands_out.argmax(axis=1))
