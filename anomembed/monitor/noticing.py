"""Keep how far a part is from the reference, tell which columns have changed, and hold back the flags of that."""

from collections.abc import Collection
from dataclasses import dataclass

import numpy as np
import polars as pl

from anomembed.explain.flags import Flags
from anomembed.monitor.changes import HOLDING, KINDS, Changes, Usual, find_changes, find_new_columns
from anomembed.monitor.clock import DAY
from anomembed.monitor.fresh import NEW
from anomembed.monitor.notices import (
    MISSING,
    NEW_COLUMN,
    About,
    Notice,
    begin_notice,
    end_notice,
    hold_back,
    open_notices,
)
from anomembed.monitor.parts import KEY, Judge, Part
from anomembed.read.table import read_values
from anomembed.represent.tokens.vocabulary import Special
from anomembed.score.drift import ColumnDrift, Drift
from anomembed.write.drifts import keep_drift, most_since, usual_drift
from anomembed.write.incidents import keep_flags
from anomembed.write.notices import read_notices


@dataclass(frozen=True)
class Scored:
    """A part that was scored.

    Parameters
    ----------
    part : Part
        What was judged.
    run_id : int
        Its run.
    flags : Flags
        Those that were flagged.
    drift : Drift
        What the records have.
    """

    part: Part
    run_id: int
    flags: Flags
    drift: Drift


def record_changes(judge: Judge, scored: Scored, position: int) -> frozenset[str]:
    """Keep and tell in which columns a part is other than usual; call it within a transaction.

    Parameters
    ----------
    judge : Judge
        What the parts have in common.
    scored : Scored
        The part.
    position : int
        The watermark after it.

    Returns
    -------
    frozenset of str
        Keys of the records whose flags are held back.
    """
    store, monitor, part = judge.store, judge.monitor, scored.part
    usual = _usual(judge, position)
    keep_drift(store, scored.run_id, list(scored.drift.columns()), ColumnDrift._fields)
    known, changes = open_notices(store, monitor, (*KINDS, NEW_COLUMN)), Changes()
    if part.name == NEW:
        changes = find_changes(judge.model, scored.drift, usual, set(known))
        changes |= find_new_columns(part.new_columns, set(known))
    active = [about for about in (*known, *changes.begun) if about not in changes.over and about.kind in HOLDING]
    held = _held(judge, scored, active)
    _tell(judge, changes, known, held, (part.since, position))
    return _keep_held(judge, scored.run_id, held)


def _usual(judge: Judge, position: int) -> dict[str, Usual]:
    """Return what the runs before had, by column; where positions are no times, nothing is of the last day."""
    usual = usual_drift(judge.store, judge.monitor, judge.model_id)
    since = str(judge.moment(position) - DAY)
    is_timed = judge.plan.watermark.is_time
    most = most_since(judge.store, judge.monitor, judge.model_id, since) if is_timed else {}
    return {column: Usual(*row, *most.get(column, (0.0, 0.0))) for column, row in usual.items()}


def hold_again(judge: Judge, scored: Scored, since: int, until: int) -> frozenset[str]:
    """Hold back the flags of a period that was judged again which notices of then explain; see `record_changes`."""
    notices = (Notice(**row) for row in read_notices(judge.store, judge.monitor, is_open=False))
    begin, end = judge.moment(since), judge.moment(until)
    active = {
        notice.about
        for notice in notices
        if notice.kind in HOLDING and notice.begun_at < end and (notice.ended_at is None or notice.ended_at > begin)
    }
    return _keep_held(judge, scored.run_id, _held(judge, scored, active))


def _keep_held(judge: Judge, run_id: int, held: dict[About, list[str]]) -> frozenset[str]:
    """Keep which flags are held back by which notice, and return the keys of all."""
    keep_flags(judge.store, [(about.notice_id(judge.monitor), run_id, key) for about in held for key in held[about]])
    return frozenset(key for keys in held.values() for key in keys)


def _tell(
    judge: Judge,
    changes: Changes,
    known: dict[About, Notice],
    held: dict[About, list[str]],
    span: tuple[int | None, int],
) -> None:
    store, monitor, settings = judge.store, judge.monitor, judge.settings
    begun_at, at = judge.moment(span[1] if span[0] is None else span[0]), judge.moment(span[1])
    for about, reason in changes.begun.items():
        n_flags = len(held.get(about, ()))
        more = f"; {n_flags:,} flags are held back" if n_flags else ""
        begin_notice(store, monitor, about, reason + more, begun_at, at, settings, n_flags)
    for about, notice in known.items():
        if about in changes.over:
            end_notice(store, notice, at, settings)
        elif about in held:
            hold_back(store, notice, len(held[about]))


def _held(judge: Judge, scored: Scored, active: Collection[About]) -> dict[About, list[str]]:
    """Return the keys of the flagged records that have a new or no value where that was noticed, by notice."""
    if not active:
        return {}
    names, vocabulary = judge.model.roles.key_names, judge.model.vocabulary
    flagged = pl.concat(
        [
            frame.join(scored.flags.frame, on=list(names), how="semi", nulls_equal=True, maintain_order="left")
            for frame in scored.part.frames
        ]
    )
    tokens, is_free = vocabulary.encode(read_values(flagged)), np.ones(flagged.height, bool)
    found = {}
    for about in sorted(active, key=repr):
        if about.column_name not in vocabulary.names:  # another model
            continue
        at = vocabulary.names.index(about.column_name)
        special = Special.MISSING if about.kind == MISSING else Special.UNSEEN
        is_odd = is_free & (tokens[:, at] == vocabulary.offsets[at] + special)
        if is_odd.any():
            found[about] = sorted(flagged[KEY].filter(pl.Series(is_odd)).to_list())
            is_free &= ~is_odd
    return found
