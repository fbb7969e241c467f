"""Combine the views of a record into one raw score.

By default, each view's raw score is divided by its mean over the reference, and the logarithms are added: the product,
over the views, of "how many times farther than usual". Unlike sums of -log tail probability (Fisher), this keeps the
size of a distance where the reference has few distinct records, and is no worse elsewhere. Views in which most records
have nothing unusual, such as conflicts between two values, count only beyond a tail probability of e^-4.
`CalibratedView` has all rules, examples/notes/views.md the measurements.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from anomembed.represent.arrays import Floats
from anomembed.represent.batch import Batch
from anomembed.represent.keys import distinct
from anomembed.represent.sequences import Sequences
from anomembed.score.calibration import Calibration, fit_calibration
from anomembed.score.detectors import Choice, Detector, Total, fit_detector, raw_scores
from anomembed.views.view import EXCESS_FROM, TWICE_FROM, Looks, Rule, View

FLOOR = 0.01  # added to a relative distance, so that 0 has a logarithm
SEQUENCE_FLOOR = 1.0  # the same where 0 is common: it must not outweigh events that are out of order
WHOLE_WEIGHT = 2.0  # of all views of the record as a whole together: four must not drown a single conflict
USUAL_COUNT = 0.25  # added to the mean of a count, so that the first in many sequences is no infinite evidence


@dataclass(frozen=True)
class CalibratedView:
    """A view with its fitted detector, calibrated on reference records.

    Parameters
    ----------
    view : View
        Turns records into vectors.
    detector : Detector
        Turns vectors into raw scores.
    rule : {"relative", "known", "count", "surprise", "excess", "steep", "evidence"}
        How a raw score becomes a term of the record's score.
        ``relative``: log of the raw score over its reference mean.
        ``known``: the same with a larger floor, for views in which 0 is common.
        ``count``: log of one plus the number over the usual one, for counts that are 0 in most of the reference.
        ``surprise``: -log tail probability, for raw scores without a unit.
        ``excess``: the excess of -log tail probability over `EXCESS_FROM`.
        ``steep``: the same, and twice what lies beyond `TWICE_FROM`.
        ``evidence``: the excess of the raw score, which is in nats already, over `EXCESS_FROM`.
    weight : float
        Factor of the term.
    lowest : float
        Raw score of the most normal record: 0 for distances; the reference minimum for detectors with negative scores.
    mean : float
        Mean of raw scores minus `lowest`, over the reference.
    calibration : Calibration
        Tail probabilities of the view's raw scores.
    """

    view: View
    detector: Detector
    rule: Rule
    weight: float
    lowest: float
    mean: float
    calibration: Calibration

    def raw(self, batch: Batch | Sequences) -> Floats:
        """Return the view's raw scores, shape (n_records,); high = abnormal."""
        return raw_scores(self.detector, self.view.vectors(batch))

    def term(self, raw: Floats, tails: Floats | None = None) -> Floats:
        """Return the terms that raw scores of this view add to the records' scores, in nats; high = abnormal.

        Parameters
        ----------
        raw : ndarray of shape (n_records,)
            Raw scores of this view.
        tails : ndarray of shape (n_records,), optional
            -log of their tail probabilities, if known already.
        """
        if self.rule == "evidence":
            return np.asarray(self.weight * np.maximum(raw - EXCESS_FROM, 0.0))
        if self.rule == "count":
            return np.asarray(self.weight * np.log1p(raw / (self.mean + USUAL_COUNT)))
        if self.rule in ("relative", "known"):
            relative = np.maximum(raw - self.lowest, 0.0) / self.mean
            return np.asarray(self.weight * np.log(relative + (SEQUENCE_FLOOR if self.rule == "known" else FLOOR)))
        nats = self.calibration.minus_log_tail(raw) if tails is None else tails
        if self.rule == "surprise":
            return np.asarray(self.weight * nats)
        excess = np.maximum(nats - EXCESS_FROM, 0.0)
        if self.rule == "steep":
            excess += np.maximum(nats - TWICE_FROM, 0.0)
        return np.asarray(self.weight * excess)

    def tails(self, raw: Floats) -> Floats:
        """Return -log tail probability of raw scores, in nats: what terms and `nats` begin with.

        Where there is no evidence at all, as in most records, a view has nothing to say.
        """
        if self.rule != "evidence":
            return self.calibration.minus_log_tail(raw)
        tails, has_any = np.zeros(len(raw)), np.flatnonzero(raw > 0)
        tails[has_any] = self.calibration.minus_log_tail(raw[has_any])
        return tails

    def nats(self, raw: Floats, tails: Floats) -> Floats:
        """Return how surprising raw scores are, in nats: -log tail probability, or evidence where that is more."""
        return np.maximum(np.where(raw > 0, raw, 0.0), tails) if self.rule == "evidence" else tails

    def rescored(self, vectors: NDArray[np.float32]) -> Floats:
        """Return the terms of given vectors, such as that of a sequence with one event removed; high = abnormal."""
        return self.term(raw_scores(self.detector, vectors))

    def calibrated(self, raw: Floats) -> "CalibratedView":
        """Return the view calibrated on other raw scores, with the same detector."""
        return _calibrated(self.view, self.detector, self.rule, self.weight, raw)

    def for_others(self) -> "CalibratedView":
        """Return the view for scoring records other than those it was fitted to."""
        return replace(self, view=self.view.for_others())


class Calibrated(NamedTuple):
    """Fitted views, the reference raw scores each was calibrated on, and notes for the user."""

    views: tuple[CalibratedView, ...]
    raws: tuple[Floats, ...]
    notes: list[str]

    def total(self) -> Floats:
        """Return the combined raw scores of the reference records; high = abnormal."""
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
    """Fit a detector per view, and calibrate it on the records held out.

    Parameters
    ----------
    views : sequence of View
        The views.
    choice : Choice
        The detector.
    learnt, held_out : Batch or Sequences
        Reference records to fit to, and to calibrate on.
    seed : int
        Random state of the detectors.
    clean : bool
        Whether the reference is free of anomalies.
    """
    calibrated, raws, notes = [], [], []
    shared = min(1.0, WHOLE_WEIGHT / max(sum(view.is_whole for view in views), 1))
    for view in views:
        detector, note = _fit_view_detector(view, choice, learnt, seed)
        raw = raw_scores(detector, view.vectors(held_out))
        rule, weight = view.counting(clean=clean)
        calibrated.append(_calibrated(view, detector, rule, weight * shared if view.is_whole else weight, raw))
        raws.append(raw)
        notes += [f"{view.name} view: {note}"] if note else []
    return Calibrated(tuple(calibrated), tuple(raws), notes)


def _calibrated(view: View, detector: Detector, rule: Rule, weight: float, raw: Floats) -> CalibratedView:
    lowest = min(0.0, float(raw.min()))
    mean = max(float((raw - lowest).mean()), 1e-9)
    return CalibratedView(view, detector, rule, weight, lowest, mean, fit_calibration(raw))


def _fit_view_detector(view: View, choice: Choice, learnt: Batch | Sequences, seed: int) -> tuple[Detector, str | None]:
    if view.is_summed:
        return Total(), None
    vectors = view.reference(learnt)
    if view.draws and choice.name == "nearest" and not choice.is_distinct:
        choice = replace(choice, settings=view.draws)
    return fit_detector(choice, _distinct_rows(vectors) if choice.is_distinct else vectors, seed)


def _distinct_rows(vectors: NDArray[np.float32]) -> NDArray[np.float32]:
    bits = np.ascontiguousarray(vectors).view(np.int32)
    return distinct(bits)[0].view(np.float32)


class Scored(NamedTuple):
    """Raw scores of records (high = abnormal), and the index of the view in which each stands out most."""

    raw: Floats
    worst: NDArray[np.intp]


def score(views: Sequence[CalibratedView], batch: Batch | Sequences) -> Scored:
    """Add up the terms of all views.

    A record stands out most in the view with its lowest tail probability, or most evidence; a sequence in the view with
    its largest term, because the pace has long tails but little weight.
    """
    total = np.zeros(len(batch))
    stands_out = np.empty((len(batch), len(views)))
    shared, row = batch.distinct()
    for column, view in enumerate(views):
        raw = view.raw(shared)[row] if view.view.looks_at is Looks.TOKENS else view.raw(batch)
        tails = None if isinstance(batch, Sequences) else view.tails(raw)
        term = view.term(raw, tails)
        total += term
        stands_out[:, column] = term if tails is None else view.nats(raw, tails)
    return Scored(total, stands_out.argmax(axis=1))
