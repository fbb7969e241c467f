"""The first run of a monitor: a model, and where it begins."""

from pathlib import Path
from typing import TYPE_CHECKING

from anomembed.errors import AnomembedError
from anomembed.monitor.clock import as_text, now
from anomembed.monitor.fresh import future_of, last_position
from anomembed.monitor.plan import Plan
from anomembed.monitor.source import Source
from anomembed.monitor.watermark import EARLIEST, LATEST
from anomembed.read.databases.addresses import is_address
from anomembed.read.table import Table
from anomembed.write.ledger import Progress, State, fitted_to, keep_fitted_to, start
from anomembed.write.store import Store

if TYPE_CHECKING:
    from anomembed.config import Config
    from anomembed.monitor.looking import Asked
    from anomembed.pipeline import Watcher
    from anomembed.read.roles.assigned import Roles


def source_name(config: "Config") -> str:
    """Return what a configuration reads, by which another one of the same name is noticed; a folder may be moved."""
    database, table = str(config.source.database), config.source.table
    file = database if is_address(database) else Path(database).name
    return f"{file} {table}" if table else file


def begin(store: Store, source: Source, asked: "Asked", watcher: "Watcher | None") -> State:
    """Find or learn the model, and begin after the records that it has learnt from, in one transaction.

    Parameters
    ----------
    store : Store
        An open store.
    source : Source
        What is judged.
    asked : Asked
        What the run is asked for.
    watcher : Watcher or None
        Callbacks of the fit.
    """
    from anomembed.monitor.learning import find_model, fitted_at, reference_of
    from anomembed.pipeline import Watcher
    from anomembed.write.models import save_model

    known, config = find_model(store, source, watcher or Watcher(), may_learn=True), source.config
    with source.opened() as table:
        plan = Plan.of(table, known.model.roles, config)
        units, spans = plan.units(table, config), plan.spans(config)
        latest = asked.now if plan.watermark.is_time else LATEST
        reference = _fitted_to(store, known.model_id, plan, latest)
        if reference is None:
            reference = last_position(table, units, reference_of(config), latest)
            if known.model_id is not None and plan.watermark.is_time:
                # Records that came after the fit are no part of the reference, whatever its condition says.
                reference = min(reference, fitted_at(store, known.model_id) - spans.delay)
        if reference <= EARLIEST:
            reference = last_position(table, units, None, latest)
        if reference <= EARLIEST and plan.watermark.is_time:  # there is nothing yet
            reference = asked.now - spans.delay
        position = reference + 1
        progress = _there_already(table, plan, config, position, asked)
    state = State(source_name(config), plan.watermark.column, plan.to_json(), position, progress.n_behind)
    with store.transaction():
        if known.model_id is None:
            keep_fitted_to(store, save_model(known.model, store), plan.watermark.column, reference)
        start(store, asked.name, state, progress)
    return state


def find_last(table: Table, config: "Config", roles: "Roles") -> tuple[str, int] | None:
    """Return the watermark and the last position of the reference of `fit`; None where a monitor could not read it."""
    try:
        plan = Plan.of(table, roles, config)
        latest = now() if plan.watermark.is_time else LATEST
        position = last_position(table, plan.units(table, config), config.source.fit_where, latest)
    except AnomembedError:  # what a monitor needs is nothing that `fit` does
        return None
    return (plan.watermark.column, position) if position > EARLIEST else None


def _fitted_to(store: Store, model_id: int | None, plan: Plan, latest: int) -> int | None:
    """Return the last position that a model was fitted to; None when that was not kept."""
    kept = None if model_id is None else fitted_to(store, model_id, plan.watermark.column)
    return None if kept is None else min(kept, latest)


def _there_already(table: Table, plan: Plan, config: "Config", position: int, asked: "Asked") -> Progress:
    """Return what is there before the beginning, so that nothing of it is taken for late."""
    from anomembed.monitor.learning import reference_of

    units, spans, where = plan.units(table, config), plan.spans(config), config.source.where
    behind = position - spans.lookback
    before = table.ask_frame("zone", units, where, zone=f'"position" >= {behind} AND "position" < {position}')
    is_endless = asked.is_replay or not plan.watermark.is_time
    future = future_of(asked.now, spans, is_replay=is_endless)
    odd = table.ask_frame("zone", units, reference_of(config), zone=f'"position" IS NULL OR "position" > {future}')
    n_behind = int(table.ask("overview", units, where, since=0, until=0, behind=behind)[0][1])
    seen = before.vstack(odd).select("key", "position", "version").unique(maintain_order=True)
    until = as_text(position, is_time=plan.watermark.is_time)
    return Progress(position, until, behind, n_behind, seen)
