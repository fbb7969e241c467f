"""Read what is to be judged: records of a window, units that were found, and sequences, each in a fixed order."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime

import polars as pl

from anomembed.config import MonitorConfig
from anomembed.model import Model
from anomembed.monitor.arriving import Came, read_came
from anomembed.monitor.clock import as_moment
from anomembed.monitor.fresh import AGAIN, LATE, NEW, Fresh
from anomembed.monitor.plan import Plan
from anomembed.monitor.source import Source
from anomembed.monitor.watched import Watched
from anomembed.read.roles.assigned import match_roles
from anomembed.read.table import Table
from anomembed.read.units import Units
from anomembed.score.flags import FlagRule
from anomembed.scoring import batch_size, read_frames
from anomembed.write.ledger import add_keys, not_seen
from anomembed.write.store import Store

KEY, POSITION = "__anomembed_key", "__anomembed_position"
MOST_LISTED = 1_000  # positions in a condition
MOST_NEW = 10  # columns that are told
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
    table : str
        Name of its table.
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
    now : int
        The current position of time; only where the watermark says none.
    """

    store: Store
    source: Source
    table: str
    monitor: str
    plan: Plan
    model_id: int
    model: Model
    rule: FlagRule
    now: int

    @property
    def settings(self) -> MonitorConfig:
        """The section of the settings."""
        return self.source.config.monitor

    @property
    def watched(self) -> Watched:
        """The values whose rhythm is watched."""
        return Watched.of(self.source.config, self.plan)

    @property
    def where(self) -> str | None:
        """Condition of the records that are judged."""
        return self.source.config.source.where

    def moment(self, position: int) -> datetime:
        """Return the time of a position; where positions are none, the current one."""
        return as_moment(position if self.plan.watermark.is_time else self.now)


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
    came : mapping
        How records came, by the column that is watched.
    new_columns : tuple of str
        Columns of the source that the model does not know.
    """

    name: str
    since: int | None
    until: int | None
    units: pl.DataFrame
    frames: list[pl.DataFrame]
    n_behind: int
    came: Came = field(default_factory=dict)
    new_columns: tuple[str, ...] = ()


def read_again(judge: Judge, since: int, until: int) -> Part:
    """Read what is in a period, seen or not."""
    with judge.source.opened() as table:
        units = judge.plan.units(table, judge.source.config)
        found = table.ask_frame("zone", units, judge.where, zone=_between(since, until))
        again = found.with_columns(is_known=pl.struct("key", "version").is_first_distinct().not_())
        return Part(AGAIN, since, until, again, _read(judge, table, again, (since, until)), 0)


def _between(since: int, until: int) -> str:
    return f'"position" >= {since} AND "position" < {until}'


def read_window(judge: Judge, since: int, until: int) -> Part:
    """Read what is in a window and was not seen."""
    with judge.source.opened() as table:
        units = judge.plan.units(table, judge.source.config)
        found = table.ask_frame("zone", units, judge.where, zone=_between(since, until))
        unseen = not_seen(judge.store, judge.monitor, found)
        behind = until - judge.plan.spans(judge.source.config).lookback
        n_behind = _count_behind(table, units, judge.where, behind)  # before rows that are there twice are left out
        came = read_came(table, judge.plan, judge.watched, judge.where, _between(since, until))
        new_columns = _new_columns(judge, table)
        frames = _read(judge, table, unseen, (since, until))
    return Part(NEW, since, until, unseen, frames, n_behind, came, new_columns)


def _new_columns(judge: Judge, table: Table) -> tuple[str, ...]:
    known = {column.name.casefold() for column in judge.model.roles.columns}
    names = [column.name for column in table.columns if not table.is_derived(column.name)]
    return tuple(name for name in names if name.casefold() not in known)[:MOST_NEW]


def _count_behind(table: Table, units: Units, where: str | None, behind: int) -> int:
    return int(table.ask("overview", units, where, since=0, until=0, behind=behind)[0][1])


def read_found(judge: Judge, fresh: Fresh, name: str, found: pl.DataFrame | None) -> Part:
    """Read units that have been found; there are none where only the number of those that came too late is new."""
    if found is None:
        return Part(name, None, None, pl.DataFrame(schema=UNITS), [], fresh.n_behind)
    with judge.source.opened() as table:
        judge.plan.units(table, judge.source.config)
        watched = judge.watched if name == LATE else Watched()
        came = read_came(table, judge.plan, watched, judge.where, _at('"position"', found["last"]))
        frames = _read(judge, table, found)
    since = found["position"].drop_nulls().to_list()[:1]
    return Part(name, since[0] if since else None, None, found, frames, fresh.n_behind, came)


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
    where = judge.where
    both = f"(\n{where}\n) AND ({condition})" if where else condition
    if model.is_sequential:
        return list(_sequences(judge, read_frames(model, table, both), chosen))
    also = {KEY: table.key_text([table.column(name) for name in judge.plan.key]), POSITION: position}
    _keep_pasts(model, table, both)
    table.keep_one(list(also.values()))  # a row that was written twice is not in its own past
    return _records(judge, read_frames(model, table, both, also=also), chosen)


def _keep_pasts(model: Model, table: Table, where: str) -> None:
    """Leave out the records of entities that none of those to be judged has: no judgement depends on them."""
    if model.derived.bursts:  # what comes at once is held against all that comes
        return
    actors = {model.past.history.entity} if model.past else set()
    actors |= {model.derived.twins.entity} if model.derived.twins else set()
    roles = match_roles(model.roles, table)
    # How text is written is found out from all values that there are, so none of them may be left out.
    if actors and not any(column.written for column in roles.columns):
        table.keep_related([roles.select()[name] for name in sorted(actors)], where)


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
    return list(found.sort(POSITION, KEY).iter_slices(batch_size(judge.model.roles.n_values)))


def _sequences(judge: Judge, frames: Iterable[pl.DataFrame], chosen: pl.DataFrame) -> Iterator[pl.DataFrame]:
    """Yield the sequences that are chosen."""
    wanted = chosen.select(pl.col("key").alias(KEY), pl.col("position").alias(POSITION))
    for frame in frames:
        named = add_keys(judge.store, frame, judge.model.roles.key_names, KEY)
        if (found := named.join(wanted, on=KEY, how="inner", maintain_order="left")).height:
            yield found
