"""Judge what is new, part by part: read it, score it, and keep all that follows from it in one transaction."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

import polars as pl

from anomembed.explain.flags import Flags
from anomembed.model import Model
from anomembed.monitor.clock import as_text
from anomembed.monitor.fresh import AGAIN, NEW, Fresh
from anomembed.monitor.plan import Plan
from anomembed.monitor.source import Source
from anomembed.read.table import Table
from anomembed.read.units import Units
from anomembed.score.flags import FlagRule
from anomembed.scoring import batch_size, explain_scored, read_frames, score_frames
from anomembed.write.ledger import Progress, add_keys, advance, not_seen
from anomembed.write.store import Store

KEY, POSITION, PLACE = "__anomembed_key", "__anomembed_position", "__anomembed_place"
MOST_LISTED = 1_000  # positions in a condition
UNITS = {"key": pl.String, "position": pl.Int64, "version": pl.Int64, "last": pl.Int64, "is_known": pl.Boolean}
"""Columns of units that were found."""


@dataclass(frozen=True)
class Judge:
    """What all parts of a run have in common.

    Parameters
    ----------
    store : Store
        An open store.
    source : Source
        What is judged.
    monitor : str
        Name of the monitor.
    plan : Plan
        How the source is read.
    model_id : int
        The model in the store.
    model : Model
        The model.
    rule : FlagRule
        How flags are chosen.
    """

    store: Store
    source: Source
    monitor: str
    plan: Plan
    model_id: int
    model: Model
    rule: FlagRule


@dataclass(frozen=True)
class Part:
    """What is judged together.

    Parameters
    ----------
    name : str
        One of the parts of `anomembed.monitor.fresh`.
    since, until : int or None
        Its positions, from and up to; None where that says nothing.
    units : pl.DataFrame
        ``key``, ``position``, ``version``, ``last`` and ``is_known``.
    frames : list of pl.DataFrame
        The records or sequences to score, as `read_frames` gives them, with their `KEY` and `POSITION`.
    n_behind : int
        Units that are farther behind than what will be looked for.
    """

    name: str
    since: int | None
    until: int | None
    units: pl.DataFrame
    frames: list[pl.DataFrame]
    n_behind: int


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
    """

    part: Part
    run_id: int | None = None
    n_scored: int = 0
    flags: Flags | None = field(default=None, repr=False)


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
        yield _keep(judge, _read_found(judge, fresh, "late", fresh.late), fresh.period.since, n_too_late)
    if fresh.quarantined is not None:
        yield _keep(judge, _read_found(judge, fresh, "quarantined", fresh.quarantined), fresh.period.since)
    for since, until in fresh.windows:
        yield _keep(judge, _read_window(judge, since, until), until)


def judge_again(judge: Judge, since: int, until: int) -> Judged:
    """Judge a period that was judged before, beside the earlier runs; nothing else changes.

    Parameters
    ----------
    judge : Judge
        What a run needs.
    since, until : int
        Positions, from and up to.
    """
    with judge.source.opened() as table:
        units = judge.plan.units(table, judge.source.config)
        found = table.ask_frame("zone", units, _where(judge), zone=_between(since, until))
        again = found.with_columns(is_known=pl.struct("key", "version").is_first_distinct().not_())
        part = Part(AGAIN, since, until, again, _read(judge, table, again, (since, until)), 0)
    with judge.store.transaction():
        return _score(judge, part)


def _where(judge: Judge) -> str | None:
    return judge.source.config.source.where


def _between(since: int, until: int) -> str:
    return f'"position" >= {since} AND "position" < {until}'


def _read_window(judge: Judge, since: int, until: int) -> Part:
    with judge.source.opened() as table:
        units = judge.plan.units(table, judge.source.config)
        found = table.ask_frame("zone", units, _where(judge), zone=_between(since, until))
        unseen = not_seen(judge.store, judge.monitor, found)
        frames = _read(judge, table, unseen, (since, until))
        behind = until - judge.plan.spans(judge.source.config).lookback
        n_behind = _count_behind(table, units, _where(judge), behind)
    return Part(NEW, since, until, unseen, frames, n_behind)


def _count_behind(table: Table, units: Units, where: str | None, behind: int) -> int:
    return int(table.ask("overview", units, where, since=0, until=0, behind=behind)[0][1])


def _read_found(judge: Judge, fresh: Fresh, name: str, found: pl.DataFrame | None) -> Part:
    """Read units that have been found; there are none where only the number of those that came too late is new."""
    if found is None:
        return Part(name, None, None, pl.DataFrame(schema=UNITS), [], fresh.n_behind)
    with judge.source.opened() as table:
        judge.plan.units(table, judge.source.config)
        frames = _read(judge, table, found)
    since = found["position"].drop_nulls().to_list()[:1]
    return Part(name, since[0] if since else None, None, found, frames, fresh.n_behind)


def _read(judge: Judge, table: Table, units: pl.DataFrame, span: tuple[int, int] | None = None) -> list[pl.DataFrame]:
    """Read the records or the sequences of units that are not known."""
    chosen = units.filter(~pl.col("is_known"))
    if not chosen.height:
        return []
    position, model = judge.plan.position(table), judge.model
    at = "last" if model.is_sequential else "position"
    condition = _at(position, chosen[at])
    if span and not model.is_sequential:
        condition = f"{position} >= {span[0]} AND {position} < {span[1]}"
    where = _where(judge)
    both = f"(\n{where}\n) AND ({condition})" if where else condition
    if model.is_sequential:
        return list(_sequences(judge, read_frames(model, table, both), chosen))
    also = {
        KEY: table.key_text([table.column(name) for name in judge.plan.key]),
        POSITION: position,
        PLACE: f"hash({', '.join(column.expression for column in table.columns if not table.is_derived(column.name))})",
    }
    return _records(judge, read_frames(model, table, both, also=also), chosen)


def _at(position: str, positions: pl.Series) -> str:
    """Return an SQL condition for what has one of some positions, or for a little more."""
    known = positions.drop_nulls().unique().sort()
    conditions = [f"{position} IS NULL"] if positions.null_count() else []
    if 0 < len(known) <= MOST_LISTED:
        conditions.append(f"{position} IN ({', '.join(map(str, known))})")
    elif len(known):
        conditions.append(f"{position} BETWEEN {known[0]} AND {known[-1]}")
    return " OR ".join(conditions)


def _records(judge: Judge, frames: Iterable[pl.DataFrame], chosen: pl.DataFrame) -> list[pl.DataFrame]:
    """Return the records that are chosen, one for each key, in an order that does not depend on that of the rows."""
    read = [frame for frame in frames if frame.height]
    if not read:
        return []
    names = {"key": KEY, "position": POSITION}
    wanted = chosen.select("key", "position").rename(names)
    found = pl.concat(read).join(wanted, on=[KEY, POSITION], how="semi", nulls_equal=True)
    ordered = found.sort(POSITION, KEY, PLACE).unique([KEY, POSITION], keep="first", maintain_order=True).drop(PLACE)
    return list(ordered.iter_slices(batch_size(judge.model.roles.n_values)))


def _sequences(judge: Judge, frames: Iterable[pl.DataFrame], chosen: pl.DataFrame) -> Iterator[pl.DataFrame]:
    """Yield the sequences that are chosen."""
    wanted = chosen.select(pl.col("key").alias(KEY), pl.col("position").alias(POSITION))
    for frame in frames:
        named = add_keys(judge.store, frame, judge.model.roles.key_names, KEY)
        if (found := named.join(wanted, on=KEY, how="inner", maintain_order="left")).height:
            yield found


def _keep(judge: Judge, part: Part, position: int, n_too_late: int = 0) -> Judged:
    """Score a part, and keep all that follows from it together."""
    spans, is_time = judge.plan.spans(judge.source.config), judge.plan.watermark.is_time
    seen = part.units.select("key", "position", "version").unique(maintain_order=True)
    with judge.store.transaction():
        judged = _score(judge, part, n_too_late)
        behind, until = position - spans.lookback, as_text(position, is_time=is_time)
        advance(judge.store, judge.monitor, Progress(position, until, behind, part.n_behind, seen))
    return judged


def _score(judge: Judge, part: Part, n_too_late: int = 0) -> Judged:
    """Score a part and save it as a run, within a transaction."""
    if not part.frames and not n_too_late:
        return Judged(part)
    about = _about(judge, part) | {"n_too_late": n_too_late}
    if not part.frames:
        nothing = {"model_id": judge.model_id, "n_scored": 0, "n_flagged": 0}
        return Judged(part, judge.store.add_run_row({**about, **nothing}))
    scored = score_frames(judge.model, part.frames)
    flags, n_scored = explain_scored(judge.model, scored, judge.rule, judge.store.stage)
    about["n_scored"] = n_scored
    key = judge.model.roles.key_names
    run_id = judge.store.add_run(judge.model_id, about, key, flags.frame, flags.contributions)
    return Judged(part, run_id, n_scored, flags)


def _about(judge: Judge, part: Part) -> dict[str, object]:
    is_time = judge.plan.watermark.is_time
    ends = {"since": part.since, "until": part.until}
    return {
        "source": judge.model.summary.source,
        "condition": _where(judge),
        "rule": str(judge.rule),
        "monitor": judge.monitor,
        "part": part.name,
        "n_repeated": int(part.units["is_known"].sum()),
        **{name: None if at is None else as_text(at, is_time=is_time) for name, at in ends.items()},
    }
