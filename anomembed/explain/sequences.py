"""Explain flagged sequences: a reason each, and the contributions of events to every view.

As for records, **the contributions of a sequence sum to its raw score.**
"""

from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple, cast

import polars as pl

from anomembed.explain.flags import CONTRIBUTIONS, Flags, make_flags
from anomembed.model import Model
from anomembed.read.sequences import EVENTS, GAPS
from anomembed.represent.sequences import encode_sequences, name_events
from anomembed.views.cases import Part, SequenceCases
from anomembed.views.reason import Among

if TYPE_CHECKING:
    from anomembed.views.reason import Reason
    from anomembed.views.view import ViewOfSequences

EXPLAINED_AT_ONCE = 128  # sequences


class Share(NamedTuple):
    """A part of a sequence's score, and the view it comes from."""

    view: str
    part: Part


def explain_sequences(model: Model, flagged: pl.DataFrame) -> Flags:
    """Explain flagged sequences.

    Parameters
    ----------
    model : Model
        The model that scored them.
    flagged : pl.DataFrame
        Rows as `anomembed.scoring.score_batches` yields them, most abnormal first.
    """
    reasons: list[Reason] = []
    rows: list[tuple[object, ...]] = []
    for frame in flagged.select("view", EVENTS, GAPS).iter_slices(EXPLAINED_AT_ONCE):
        cases = sequence_cases(model, frame)
        for view, shares in zip(frame["view"], take_apart(model, cases), strict=True):
            # The view of a perfectly normal sequence may have no parts.
            main = next((share for share in shares if share.view == view), shares[0])
            reasons.append(replace(main.part.reason, view=main.view))
            rank = len(reasons)
            rows += [(rank, view, p.column_name, p.value, p.contribution, p.expected) for view, p in shares]
    return make_flags(model, flagged, reasons, pl.DataFrame(rows, schema=CONTRIBUTIONS, orient="row"))


def sequence_cases(model: Model, frame: pl.DataFrame) -> SequenceCases:
    """Return sequences as reasons need them, given their events and the times between these."""
    tokens, summary = model.vocabulary.columns[0], model.summary
    shown = [["(missing)" if e is None else e for e in events] for events in name_events(frame[EVENTS], tokens)]
    sequences = encode_sequences(frame[EVENTS], frame[GAPS], tokens)
    among = Among(summary.n_learnt, summary.n_learnt < summary.n_reference, "sequences")
    return SequenceCases(sequences, shown, tokens, model.ranges, among)


def take_apart(model: Model, cases: SequenceCases) -> list[list[Share]]:
    """Attribute the raw scores of sequences to parts of them.

    Parameters
    ----------
    model : Model
        The model that scored them.
    cases : SequenceCases
        The sequences.

    Returns
    -------
    list of list of Share
        For every sequence: view by view, the largest contribution first.
    """
    shares: list[list[Share]] = [[] for _ in cases.shown]
    for calibrated in model.views:
        terms = calibrated.term(calibrated.raw(cases.sequences))
        view = cast("ViewOfSequences", calibrated.view)
        for known, parts in zip(shares, view.parts(cases, terms, calibrated.rescored), strict=True):
            ordered = sorted(parts, key=lambda part: -part.contribution)
            known += [Share(view.name, part) for part in ordered]
    return shares
