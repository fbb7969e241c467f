"""What is known of a judged sequence: its events, what each adds to its score, and which one it is normal without."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import polars as pl

from anomembed.explain.company import Expected
from anomembed.explain.counterfactual import NORMAL, Change
from anomembed.explain.sequences import sequence_cases, take_apart
from anomembed.investigate.case import Case, Event, Part, ViewTail
from anomembed.investigate.source import SourceRecord
from anomembed.model import Model
from anomembed.read.sequences import EVENTS, GAPS
from anomembed.represent.sequences import Sequences, encode_sequences
from anomembed.views.reason import duration

MOST_SHOWN = 200  # events that are shown, and left out in turn


def add_sequence(case: Case, at: SourceRecord, rows: pl.DataFrame) -> Case:
    """Add what the source and the model say of a sequence.

    Parameters
    ----------
    case : Case
        What the store has.
    at : SourceRecord
        Where it is.
    rows : pl.DataFrame
        Its events as the source has them.
    """
    frame = at.frame()
    if frame is None:
        return case
    model, cases = at.model, sequence_cases(at.model, frame)
    (shown,), (shares,) = cases.shown, take_apart(model, cases)
    case = case.checked(float(model.score(cases.sequences).raw[0]))
    if len(shown) > MOST_SHOWN:
        case = case.noted(f"of its {len(shown):,} events the first {MOST_SHOWN} are shown, and left out in turn")
    parts = [
        Part(p.column_name, p.value, p.contribution, None, None, tuple(map(Expected, p.expected))) for _, p in shares
    ]
    by_view: dict[str, float] = {}
    for view, part in shares:
        by_view[view] = by_view.get(view, 0.0) + part.contribution
    return replace(
        case,
        record={"sequence": case.key, "events": f"{rows.height:,}"},
        views=_views(model, cases.sequences, by_view),
        parts=tuple(sorted(parts, key=lambda part: -part.contribution)),
        change=_without_one(model, frame, shown) if case.tail_probability < NORMAL else None,
        events=tuple(_events(shown, frame[GAPS][0].to_list())),
    )


def _views(model: Model, sequences: Sequences, shares: dict[str, float]) -> tuple[ViewTail, ...]:
    tails = {
        view.view.name: float(np.exp(-view.calibration.minus_log_tail(view.raw(sequences))[0])) for view in model.views
    }
    ordered = sorted(tails, key=lambda name: (tails[name], name))
    return tuple(ViewTail(name, tails[name], shares.get(name, 0.0)) for name in ordered)


def _events(shown: Sequence[str], gaps: Sequence[float | None]) -> list[Event]:
    return [
        Event(str(number), None if gap is None else f"after {duration(gap)}", {"event": text}, None, False, False)
        for number, (text, gap) in enumerate(zip(shown[:MOST_SHOWN], gaps, strict=False), 1)
    ]


def _without_one(model: Model, frame: pl.DataFrame, shown: Sequence[str]) -> Change | None:
    """Find the event without which the sequence is most normal, by scoring it without each in turn."""
    events, gaps = frame[EVENTS][0].to_list(), frame[GAPS][0].to_list()
    if len(events) < 2:
        return None
    tried = range(min(len(events), MOST_SHOWN))
    left = pl.DataFrame(
        {EVENTS: [_dropped(events, at) for at in tried], GAPS: [_joined(gaps, at) for at in tried]},
        schema={name: frame.schema[name] for name in (EVENTS, GAPS)},
    )
    sequences = encode_sequences(left[EVENTS], left[GAPS], model.vocabulary.columns[0])
    tails = model.calibration.tail_probability(model.score(sequences).raw)
    best, tail = int(tails.argmax()), float(tails.max())
    return Change((f"event {best + 1}",), (shown[best],), ("(left out)",), tail, tail >= NORMAL)


def _dropped(values: Sequence[str | None], at: int) -> list[str | None]:
    return [*values[:at], *values[at + 1 :]]


def _joined(gaps: Sequence[float | None], at: int) -> list[float | None]:
    """Return the gaps without an event: that after it is as long as both were."""
    left = [*gaps[:at], *gaps[at + 1 :]]
    if at == 0:
        left[0] = None
    elif at < len(left) and left[at] is not None and gaps[at] is not None:
        left[at] = (left[at] or 0.0) + (gaps[at] or 0.0)
    return left
