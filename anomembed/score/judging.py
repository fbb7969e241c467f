"""Fit a detector for every view, and see how it scores the records held out."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from anomembed.represent.batch import Batch
from anomembed.represent.keys import distinct
from anomembed.represent.sequences import Sequences
from anomembed.score.combine import JudgedView, Rule, judge_view
from anomembed.score.detectors import NUMBER_DRAWS, Choice, Detector, Total, fit_detector, raw_scores
from anomembed.views.base import View
from anomembed.views.entity import EntityView
from anomembed.views.gap import GapView
from anomembed.views.habit import HabitView
from anomembed.views.link import LinkView
from anomembed.views.match import MatchView
from anomembed.views.number import NumberView
from anomembed.views.order import OrderView, StepView
from anomembed.views.pair import PairView
from anomembed.views.rarity import RarityView
from anomembed.views.reconstruction import ReconstructionView
from anomembed.views.sequence import SequenceView
from anomembed.views.vector import VectorView

# Views whose features are abnormality already.
SUMMED = (
    RarityView,
    PairView,
    OrderView,
    StepView,
    EntityView,
    HabitView,
    GapView,
    LinkView,
    MatchView,
    ReconstructionView,
)
PAIR_WEIGHT = {False: 0.5, True: 0.25}  # of conflicts, by clean: a dense clean reference leaves them less to find
MATCH_WEIGHT = 3.0  # of vectors that do not go with a category
LINK_WEIGHT = 0.5  # of an entity's weakest link in the graph
ENTITY_WEIGHT = 1.0  # of numbers far from their entity's own
HABIT_WEIGHT = 0.25  # of what is new, out of order or fast for an entity, which often is so for good reasons


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
        judged.append((judge_view(view, detector, *_weigh(view, clean=clean), raw), raw))
        notes += [f"{view.name} view: {note}"] if note else []
    return judged, notes


def _weigh(view: View, *, clean: bool) -> tuple[Rule, float]:
    """Return how a view's raw score becomes a part of the record's, and its weight."""
    if isinstance(view, PairView):
        return "excess", PAIR_WEIGHT[clean]
    if isinstance(view, EntityView) and view.of == "numbers":
        return "evidence", ENTITY_WEIGHT
    if isinstance(view, EntityView | HabitView | StepView | GapView):
        return "excess", HABIT_WEIGHT
    if isinstance(view, LinkView):
        return "surprise", LINK_WEIGHT
    if isinstance(view, MatchView):
        return "relative", MATCH_WEIGHT
    return "known" if isinstance(view, SequenceView) else "relative", 1.0


def _fit_view_detector(view: View, choice: Choice, learnt: Batch | Sequences, seed: int) -> tuple[Detector, str | None]:
    if isinstance(view, SUMMED):
        return Total(), None
    vectors = view.known(learnt) if isinstance(view, VectorView) and isinstance(learnt, Batch) else view.vectors(learnt)
    if isinstance(view, NumberView) and choice.name == "nearest":
        choice = replace(choice, settings=NUMBER_DRAWS)
    return fit_detector(choice, _distinct_rows(vectors) if choice.is_distinct else vectors, seed)


def _distinct_rows(vectors: NDArray[np.float32]) -> NDArray[np.float32]:
    as_tokens = np.ascontiguousarray(vectors).view(np.int32)
    rows = distinct(as_tokens)[0]
    return rows.view(np.float32)
