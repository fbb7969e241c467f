"""See what is new since the last run, and whether there is anything to tell; light to import."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from anomembed.config.durations import microseconds
from anomembed.errors import ConfigError
from anomembed.monitor.clock import as_moment
from anomembed.monitor.fresh import Fresh, find_fresh, find_period
from anomembed.monitor.plan import Plan
from anomembed.monitor.report import Report
from anomembed.monitor.source import Source
from anomembed.monitor.watched import find_overdue, learn_lacking
from anomembed.write.incidents import has_failed, is_any_pending, is_due
from anomembed.write.ledger import State
from anomembed.write.store import Store

if TYPE_CHECKING:
    from anomembed.config import Config


@dataclass(frozen=True)
class Asked:
    """What a run is asked for.

    Parameters
    ----------
    name : str
        Name of the monitor.
    now : int
        The current position of time.
    is_replay : bool
        Whether that is not what a clock says; records after it have not come yet, then.
    since, until : str or None
        A period to judge again.
    wait : float
        Seconds to wait for another run to end.
    is_dry : bool
        Keep nothing and send nothing.
    checked : str
        Digest of the file that the settings are from, see `anomembed.monitor.checked`.
    """

    name: str
    now: int
    is_replay: bool = False
    since: str | None = None
    until: str | None = None
    wait: float = 0.0
    is_dry: bool = False
    checked: str = ""


def look(source: Source, asked: Asked, store: Store, state: State, report: Report) -> tuple[Plan, Fresh]:
    """See what is new, and note in the report where that was looked for.

    Parameters
    ----------
    source : Source
        What is judged.
    asked : Asked
        What the run is asked for.
    store : Store
        An open store.
    state : State
        How far it has been judged.
    report : Report
        Of this run.
    """
    config, plan = source.config, read_plan(source, state, report)
    with report.timed("look"), source.opened() as table:
        report.zone = table.time_zone
        units = plan.units(table, config)
        learn_lacking(store, asked.name, table, plan, config, state.position)
        period = find_period(table, plan, units, config, state, asked.now, is_replay=asked.is_replay)
        fresh = find_fresh(table, units, config, store, asked.name, period, state)
    report.since, report.until = state.position, period.until
    report.n_too_late, report.n_without_key = fresh.n_too_late, fresh.n_without_key
    return plan, fresh


def read_plan(source: Source, state: State, report: Report) -> Plan:
    """Return how the source is read, as the store has it, and note it in the report."""
    plan = _checked(Plan.from_json(state.plan), source.config, state, report.monitor)
    report.is_time = plan.watermark.is_time
    report.unit = "sequences" if source.config.sequence.is_whole else "records"
    return plan


def _checked(plan: Plan, config: "Config", state: State, name: str) -> Plan:
    """Refuse a configuration that reads another source, or by another watermark, under the same name."""
    from anomembed.monitor.beginning import source_name

    wanted = config.monitor.watermark
    other = source_name(config)
    if state.source != other:
        raise ConfigError(
            f"the store knows {name} as the monitor of {state.source}, not of {other}: choose another monitor.name, "
            "or another store"
        )
    if wanted is not None and wanted.casefold() != plan.watermark.column.casefold():
        raise ConfigError(
            f"{name} has judged by {plan.watermark.column}, not by {wanted}: choose another monitor.name to begin anew"
        )
    return plan


def has_to_tell(store: Store, asked: Asked, plan: Plan, config: "Config", report: Report) -> bool:
    """Tell whether a finding is to be closed or told again, something is overdue, or a channel has an alert to take."""
    channels, at = [channel.title for channel in config.monitor.channels], moment_of(report, asked)
    is_news = is_finding_due(store, asked, config, report) or find_overdue(
        store, asked.name, plan, config, at, report.zone
    )
    return bool(is_news) or has_failed(store, asked.name) or is_any_pending(store, asked.name, channels)


def is_finding_due(store: Store, asked: Asked, config: "Config", report: Report) -> bool:
    """Tell whether a finding is to be closed, or told because it has grown."""
    close_after = timedelta(microseconds=microseconds(config.monitor.close_after))
    return is_due(store, asked.name, moment_of(report, asked), close_after)


def moment_of(report: Report, asked: Asked) -> datetime:
    """Return the time by which findings rest: the watermark, or without times the current one."""
    return as_moment(report.until if report.is_time and report.until is not None else asked.now)
