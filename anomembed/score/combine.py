"""Several views of a record, one score.

The distance of a record from normal in a view is taken relative to the reference's mean, and the logarithms are
added: the product, over the views, of "how many times farther than usual". Against sums of -log tail probability
(Fisher) this keeps the size of a distance where the reference has few distinct records, and loses nothing elsewhere.
Conflicts between two values are another matter: most records have none worth a word, so they count from a tail
probability of e^-4 on; and so does what is unusual for an entity. The experiments are in examples/notes/views.md.
"""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from anomembed.represent.batch import Batch
from anomembed.represent.sequences import Sequences
from anomembed.score.calibration import Calibration, fit_calibration
from anomembed.score.detectors import Detector, raw_scores
from anomembed.views.base import View

FLOOR = 0.01  # added to a relative distance, so that a record that is its own reference has a logarithm
SEQUENCE_FLOOR = 1.0  # a sequence that has its very events in the reference may still have them out of order
EXCESS_FROM = 4.0  # -log tail probability from which on a conflict counts

Rule = Literal["relative", "known", "surprise", "excess", "evidence"]


@dataclass(frozen=True)
class JudgedView:
    """A view with its fitted detector, and what is usual for it.

    Parameters
    ----------
    view : View
        Turns records into vectors.
    detector : Detector
        Turns vectors into raw scores.
    rule : {"relative", "known", "surprise", "excess", "evidence"}
        How a raw score becomes a part of the record's: relative to the usual one; the same where many records are known
        by heart; as -log tail probability, for it has no unit; as what that is more than `EXCESS_FROM`; or as it is,
        because it is that already.
    weight : float
        What it is multiplied by.
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


def judge_view(view: View, detector: Detector, rule: Rule, weight: float, raw: NDArray[np.float64]) -> JudgedView:
    """Learn what is usual for a view.

    Parameters
    ----------
    view : View
        The view.
    detector : Detector
        Fitted to it.
    rule, weight
        See `JudgedView`.
    raw : ndarray of shape (n_reference,)
        Raw scores of reference records.

    Returns
    -------
    JudgedView
    """
    lowest = min(0.0, float(raw.min()))
    mean = max(float((raw - lowest).mean()), 1e-9)
    return JudgedView(view, detector, rule, weight, lowest, mean, fit_calibration(raw))
