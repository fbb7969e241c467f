"""The first run of a monitor: a model, and where it begins."""

from pathlib import Path
from typing import TYPE_CHECKING

from anomembed.monitor.clock import as_text
from anomembed.monitor.fresh import future_of, last_position
from anomembed.monitor.plan import Plan
from anomembed.monitor.source import Source
from anomembed.monitor.watermark import EARLIEST, LATEST
from anomembed.read.databases.addresses import is_address
from anomembed.read.table import Table
from anomembed.write.ledger import Progress, State, start
from anomembed.write.store import Store

if TYPE_CHECKING:
    from anomembed.config import Config
    from anomembed.monitor.looking import Asked
    from anomembed.pipeline import Watcher


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
        reference = last_position(table, units, reference_of(config), latest)
        if known.model_id is not None and plan.watermark.is_time:
            # Records that came after the fit are no part of the reference, whatever its condition says.
            reference = min(reference, fitted_at(store, known.model_id) - spans.delay)
        position = reference + 1 if reference > EARLIEST else last_position(table, units, None, latest) + 1
        progress = _there_already(table, plan, config, position, asked)
    state = State(source_name(config), plan.watermark.column, plan.to_json(), position, progress.n_behind)
    with store.transaction():
        if known.model_id is None:
            save_model(known.model, store)
        start(store, asked.name, state, progress)
    return state


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
