"""Fit a detector for every view, and see how it scores the records held out."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from anomembed.represent.sequences import Sequences
from anomembed.represent.tokens import Tokens, distinct
from anomembed.represent.views import Batch, View
from anomembed.represent.views.entity import EntityView
from anomembed.represent.views.number import NumberView
from anomembed.represent.views.order import OrderView
from anomembed.represent.views.pair import PairView
from anomembed.represent.views.rarity import RarityView
from anomembed.score.combine import JudgedView, judge_view
from anomembed.score.detectors import NUMBER_DRAWS, Choice, Detector, Total, fit_detector, raw_scores

PAIR_WEIGHT = {False: 0.5, True: 0.25}  # of conflicts, by clean: a dense clean reference leaves them less to find

ENTITY_WEIGHT = 4.0  # of numbers far from their entity's own: who names entities asks for it


def judge_views(
    views: Sequence[View],
    choice: Choice,
    learnt: Batch | Sequences,
    held_out: Batch | Sequences,
    *,
    seed: int,
    clean: bool,
) -> tuple[list[tuple[JudgedView, NDArray[np.float64]]], list[str]]:
    """Fit the detectors.

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

    Returns
    -------
    judged : list of (JudgedView, ndarray of shape (n_held_out,))
        Every view with its detector, and the raw scores of the records held out.
    notes : list of str
        What the user should know.
    """
    judged, notes = [], []
    for view in views:
        detector, note = _fit_view_detector(view, choice, learnt, seed)
        raw = raw_scores(detector, view.vectors(held_out))
        if isinstance(view, PairView | EntityView):
            weight = PAIR_WEIGHT[clean] if isinstance(view, PairView) else ENTITY_WEIGHT
            judged.append((judge_view(view, detector, "excess", weight, raw), raw))
        else:
            judged.append((judge_view(view, detector, "relative", 1.0, raw), raw))
        notes += [f"{view.name} view: {note}"] if note else []
    return judged, notes


def _fit_view_detector(view: View, choice: Choice, learnt: Batch | Sequences, seed: int) -> tuple[Detector, str | None]:
    if isinstance(
        view, RarityView | PairView | OrderView | EntityView
    ):  # their features are amounts of abnormality already
        return Total(), None
    vectors = view.vectors(learnt)
    if isinstance(view, NumberView) and choice.name == "nearest":
        choice = replace(choice, settings=NUMBER_DRAWS)
    return fit_detector(choice, _distinct_rows(vectors) if choice.is_distinct else vectors, seed)


def _distinct_rows(vectors: NDArray[np.float32]) -> NDArray[np.float32]:
    as_tokens = np.ascontiguousarray(vectors).view(np.int32)
    rows: Tokens = distinct(as_tokens)[0]
    return rows.view(np.float32)
