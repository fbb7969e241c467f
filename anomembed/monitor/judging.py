"""Judge what is new, part by part: read it, score it, and keep all that follows from it in one transaction."""

import json
import math
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from itertools import compress

import polars as pl

from anomembed.config.durations import microseconds
from anomembed.explain.flags import Flags
from anomembed.monitor.arriving import record_came
from anomembed.monitor.clock import as_text
from anomembed.monitor.findings import Flagged
from anomembed.monitor.fresh import QUARANTINED, Fresh
from anomembed.monitor.grouping import Group, group_of
from anomembed.monitor.noticing import Scored, hold_again, record_changes
from anomembed.monitor.parts import KEY, POSITION, Judge, Part, read_again, read_found, read_window
from anomembed.monitor.telling import gather, record_again, record_flags
from anomembed.score.drift import Drift
from anomembed.scoring import explain_frames
from anomembed.workers import open_workers
from anomembed.write.ageing import forget_runs, forget_scores
from anomembed.write.feedback import normal_findings
from anomembed.write.ledger import Progress, advance, is_first_use

UNEXPLAINED = "not explained"  # flags beyond those that are explained in a run


@dataclass(frozen=True)
class Judged:
    """What came of a part.

    Parameters
    ----------
    part : Part
        What was judged.
    run_id : int or None
        The run; None when there was nothing to score.
    n_scored : int
        Number of records or sequences.
    flags : Flags or None
        Those that were flagged.
    drift : Drift or None
        What the records have.
    cautions : tuple of str
        What is new and frequent in the records.
    n_held : int
        Flags that are held back, because a notice explains them.
    """

    part: Part
    run_id: int | None = None
    n_scored: int = 0
    flags: Flags | None = field(default=None, repr=False)
    drift: Drift | None = field(default=None, repr=False)
    cautions: tuple[str, ...] = ()
    n_held: int = 0


def judge_fresh(judge: Judge, fresh: Fresh) -> Iterator[Judged]:
    """Judge what is new, the oldest first; each part is kept before the next is read.

    Parameters
    ----------
    judge : Judge
        What the parts have in common.
    fresh : Fresh
        What is new.

    Yields
    ------
    Judged
    """
    n_too_late = fresh.n_too_late
    if fresh.late is not None or n_too_late:
        yield _keep(judge, read_found(judge, fresh, "late", fresh.late), fresh.period.since, n_too_late)
    if fresh.quarantined is not None:
        yield _keep(judge, read_found(judge, fresh, "quarantined", fresh.quarantined), fresh.period.since)
    for since, until in fresh.windows:
        yield _keep(judge, read_window(judge, since, until), until)


def first_cautions(judge: Judge) -> list[str]:
    """Return what the model and the rule cannot flag, in the first run with them."""
    by = f"model {judge.model_id}, {judge.rule}"
    caution = judge.model.caution(judge.rule) if is_first_use(judge.store, judge.monitor, by) else None
    return [caution] if caution else []


def judge_again(judge: Judge, since: int, until: int, watermark: int) -> Judged:
    """Judge a period that was judged before, beside the earlier runs; nothing else changes.

    Parameters
    ----------
    judge : Judge
        What a run needs.
    since, until : int
        Positions, from and up to.
    watermark : int
        What was before this has been judged.
    """
    part = read_again(judge, since, until)
    with judge.store.transaction():
        judged = _score(judge, part)
        if judged.flags and judged.drift and judged.run_id:
            held = hold_again(judge, Scored(part, judged.run_id, judged.flags, judged.drift), since, until)
            at, latest = judge.moment(until), judge.moment(max(watermark, until))
            gathered = _gather(judge, judged, until, held)
            record_again(judge.store, judge.monitor, gathered, at, judge.settings, latest)
            judged = replace(judged, n_held=len(held))
    return judged


def _keep(judge: Judge, part: Part, position: int, n_too_late: int = 0) -> Judged:
    """Score a part, and keep all that follows from it together."""
    spans, is_time = judge.plan.spans(judge.source.config), judge.plan.watermark.is_time
    seen = part.units.select("key", "position", "version").unique(maintain_order=True)
    with judge.store.transaction():
        judged = _score(judge, part, n_too_late)
        if judged.flags and judged.drift and judged.run_id:
            held = record_changes(judge, Scored(part, judged.run_id, judged.flags, judged.drift), position)
            gathered = _gather(judge, judged, position, held)
            record_flags(judge.store, judge.monitor, gathered, judge.moment(position), judge.settings)
            judged = replace(judged, n_held=len(held))
        behind, until = position - spans.lookback, as_text(position, is_time=is_time)
        advance(judge.store, judge.monitor, Progress(position, until, behind, part.n_behind, seen))
        _forget(judge, judge.moment(position))
        record_came(judge.store, judge.monitor, part.came, position, judge.source.zone, judge.settings)
    return judged


def _forget(judge: Judge, at: datetime) -> None:
    """Remove what the settings say is too old."""
    settings = judge.source.config.store
    if settings.keep_scores:
        forget_scores(judge.store, judge.monitor, at - timedelta(microseconds=microseconds(settings.keep_scores)))
    if settings.keep_runs:
        forget_runs(judge.store, judge.monitor, at - timedelta(microseconds=microseconds(settings.keep_runs)))


def _score(judge: Judge, part: Part, n_too_late: int = 0) -> Judged:
    """Score a part and save it as a run, within a transaction."""
    if not part.frames and not n_too_late:
        return Judged(part)
    about = _about(judge, part) | {"n_too_late": n_too_late}
    if not part.frames:
        nothing = {"model_id": judge.model_id, "n_scored": 0, "n_flagged": 0}
        return Judged(part, judge.store.add_run_row({**about, **nothing}))
    drift = Drift(judge.model.vocabulary)
    stage, workers = judge.store.stage, open_workers(judge.source.config.workers)
    flags, n_scored, _, cautions = explain_frames(judge.model, part.frames, judge.rule, stage, drift, workers)
    flags = _without_normal(judge, flags)
    about["n_scored"] = n_scored
    key = judge.model.roles.key_names
    run_id = judge.store.add_run(judge.model_id, about, key, flags.frame, flags.contributions)
    return Judged(part, run_id, n_scored, flags, drift, cautions)


def _without_normal(judge: Judge, flags: Flags) -> Flags:
    """Leave out flags that have the same reason as one that somebody has called normal.

    Where the reason is a number, what is farther from normal than that one is flagged still.
    """
    normal = normal_findings(judge.store, judge.monitor)
    tails = flags.frame["tail_probability"].to_list()
    groups = _groups(judge, flags)
    lowest = [normal.get(group.finding_id(judge.monitor), math.inf) for group in groups]
    is_number = [not set(judge.model.numbers).isdisjoint(group.columns) for group in groups]
    is_normal = [
        low < math.inf and (tail >= low or not number)
        for tail, low, number in zip(tails, lowest, is_number, strict=False)
    ]
    return flags.without([rank for rank, is_out in enumerate(is_normal, 1) if is_out]) if any(is_normal) else flags


def _groups(judge: Judge, flags: Flags) -> list[Group]:
    """Return what each flag has in common with others, of those that are explained."""
    model, entities = judge.model, [entity.name for entity in judge.model.entities]
    whose = (_who(record, entities) for record in flags.frame["record_values"])
    reasons = zip(flags.reasons, whose, strict=False)
    return [group_of(reason, model.roles.key_names, model.numbers, who) for reason, who in reasons]


def _gather(judge: Judge, judged: Judged, position: int, held: Collection[str] = ()) -> list[tuple[Flagged, list[str]]]:
    """Group the flags of a part but those held back; one without a place in time counts as of the watermark."""
    assert judged.flags is not None  # noqa: S101
    assert judged.run_id is not None  # noqa: S101
    names = judge.model.roles.key_names
    placed = pl.concat([frame.select(*names, KEY, POSITION) for frame in judged.part.frames])
    flags = judged.flags.frame.join(placed, on=list(names), how="left", nulls_equal=True, maintain_order="left")
    is_placed = judged.part.name != QUARANTINED and judge.plan.watermark.is_time
    moments = [judge.moment(at if is_placed and at is not None else position) for at in flags[POSITION]]
    shown = flags.select(pl.col(KEY).alias("key"), "reason", "tail_probability").with_columns(
        moment=pl.Series(moments, dtype=pl.Datetime("us"))
    )
    groups = _groups(judge, judged.flags)
    others = [Group(view, UNEXPLAINED) for view in flags["view"][len(groups) :]]
    free = ~shown["key"].is_in(list(held))
    return gather(judge.monitor, judged.run_id, shown.filter(free), compress([*groups, *others], free))


def _who(record: str, entities: Sequence[str]) -> list[tuple[str, str]]:
    values = json.loads(record)
    return [(name, str(values[name])) for name in entities if name in values]


def _about(judge: Judge, part: Part) -> dict[str, object]:
    is_time = judge.plan.watermark.is_time
    ends = {"since": part.since, "until": part.until}
    return {
        "source": judge.table,
        "condition": judge.where,
        "rule": str(judge.rule),
        "monitor": judge.monitor,
        "part": part.name,
        "n_repeated": int(part.units["is_known"].sum()),
        **{name: None if at is None else as_text(at, is_time=is_time) for name, at in ends.items()},
    }
