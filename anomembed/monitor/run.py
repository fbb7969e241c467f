"""One run of a monitor: see what is new, judge it, keep it."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from anomembed.errors import AnomembedError, ConfigError
from anomembed.monitor.checked import keep
from anomembed.monitor.clock import read_moment, read_number
from anomembed.monitor.failing import end_failure, note_failure
from anomembed.monitor.files import check_files
from anomembed.monitor.fresh import Fresh
from anomembed.monitor.handing import take_over
from anomembed.monitor.looking import Asked, is_finding_due, look, moment_of, read_plan
from anomembed.monitor.metrics import write_metrics
from anomembed.monitor.plan import Plan
from anomembed.monitor.report import Report
from anomembed.monitor.source import Source
from anomembed.monitor.watched import notice_overdue
from anomembed.write.incidents import is_any_pending
from anomembed.write.ledger import State, read_state
from anomembed.write.notices import read_notices
from anomembed.write.reading import patiently
from anomembed.write.snapshot import leave_snapshot
from anomembed.write.store import Store

if TYPE_CHECKING:
    from anomembed.config import Config
    from anomembed.monitor.judging import Judged
    from anomembed.monitor.outbox import Told
    from anomembed.monitor.parts import Judge
    from anomembed.pipeline import Watcher

MakeWatcher = Callable[[], "Watcher"]
"""Makes the callbacks of a fit, only when there is one."""


class _DryRun(Exception):  # noqa: N818  # takes back what a dry run wrote
    """Ends the transaction of a dry run."""


def run_monitor(config: "Config", asked: Asked, watcher: "MakeWatcher | None" = None) -> Report:
    """Judge what is new, as the configuration says, and keep it.

    Parameters
    ----------
    config : Config
        Settings.
    asked : Asked
        What to do.
    watcher : callable, optional
        Returns the callbacks of the fit of a first run.

    Raises
    ------
    LockedError
        When another run has the store, or another process the source.
    UserError
        When something must be changed first; it is kept as a run that failed.
    """
    check_files(config)
    path = config.store.path
    # Locked until the run ends, however it does.
    with patiently(lambda: take_over(path) or Store(path), asked.wait) as store:
        if not asked.is_dry:
            return _run(config, asked, store, watcher)
        report = Report(asked.name)
        with _taken_back(store):
            report = _run(config, asked, store, watcher)
        return replace(report, is_dry=True)


@contextmanager
def _taken_back(store: Store) -> Iterator[None]:
    """Take back all that is written within it."""
    with suppress(_DryRun), store.transaction():
        yield
        raise _DryRun


def _run(config: "Config", asked: Asked, store: Store, watcher: "MakeWatcher | None") -> Report:
    state, noticed = read_state(store, asked.name), read_notices(store, asked.name, is_open=False)
    try:
        report = _judge(config, asked, store, state, watcher)
    except Exception as error:
        if not asked.is_dry:
            with suppress(AnomembedError):  # a full disk, say: the first error is the one to show
                note_failure(store, asked.name, config, state, error)
                _deliver(config, asked, store)
        raise
    end_failure(store, config, [notice for notice in noticed if notice["state"] == "open"])
    known = set(map(_occasion, noticed))
    now = read_notices(store, asked.name, is_open=False)
    report.notices = [_news(notice) for notice in now if _occasion(notice) not in known]
    if not asked.is_dry:
        with report.timed("tell"):
            told = _deliver(config, asked, store)
            report.told = {each.channel: each.error or each.n_told for each in told}
            report.failing = [each.channel for each in told if each.is_old]
        if not report.is_again:  # the watermark stays where it is
            write_metrics(store, asked, config, report)
        keep(store, asked.name, config, asked.checked)
        _leave_snapshot(store, config, report)
    return report


def _leave_snapshot(store: Store, config: "Config", report: Report) -> None:
    """Copy the store as the last thing of a run, if that is wanted; what keeps that from being done is noted."""
    if config.store.snapshot and (why_not := leave_snapshot(store)):
        report.notes.append(why_not)


def _occasion(notice: Mapping[str, Any]) -> tuple[str, int, str]:
    """Return what of a notice is told once: that more flags are held back because of it is no news."""
    return notice["notice_id"], notice["occurrence"], notice["state"]


def _news(notice: Mapping[str, Any]) -> str:
    return notice["reason"] if notice["state"] == "open" or notice["kind"] == "model" else f"over: {notice['reason']}"


def _deliver(config: "Config", asked: Asked, store: Store) -> "Sequence[Told]":
    """Tell what is pending."""
    if not is_any_pending(store, asked.name, [channel.title for channel in config.monitor.channels]):
        return ()
    from anomembed.monitor.outbox import deliver

    return deliver(store, asked.name, config, asked.now)


def _rest(config: "Config", asked: Asked, store: Store, report: Report) -> None:
    """Close findings that rest, and queue those that have grown."""
    if is_finding_due(store, asked, config, report):
        from anomembed.monitor.telling import record_rest

        record_rest(store, asked.name, moment_of(report, asked), config.monitor)


def _judge(config: "Config", asked: Asked, store: Store, state: State | None, watcher: "MakeWatcher | None") -> Report:
    source, report = Source(config), Report(asked.name)
    if state is None:
        from anomembed.monitor.beginning import begin

        with report.timed("fit"):
            state = begin(store, source, asked, watcher() if watcher else None)
        report.is_begun = True
    if asked.since or asked.until:
        return _judge_again(source, asked, store, state, report)
    plan, fresh = look(source, asked, store, state, report)
    if report.is_begun or not fresh.is_nothing:
        with report.timed("judge"):
            _judge_fresh(source, asked, store, plan, fresh, report)
    _rest(config, asked, store, report)
    notice_overdue(store, asked.name, plan, config, moment_of(report, asked), report.zone)
    return report


def _judge_fresh(source: Source, asked: Asked, store: Store, plan: Plan, fresh: Fresh, report: Report) -> None:
    from anomembed.monitor.judging import first_cautions, judge_fresh
    from anomembed.monitor.staleness import drift_words

    judge = _judge_of(source, asked, store, plan)
    if source.config.monitor.refit != "never":
        from anomembed.monitor.refitting import refit

        judge = refit(judge, fresh.period.since)
    report.model_id = judge.model_id
    report.cautions = first_cautions(judge)
    for judged in judge_fresh(judge, fresh):
        _count(report, judged)
    if plan.watermark.is_time:
        report.drift = list(drift_words(store, asked.name, fresh.period.until))


def _judge_again(source: Source, asked: Asked, store: Store, state: State, report: Report) -> Report:
    from anomembed.monitor.judging import judge_again

    plan = read_plan(source, state, report)
    with source.opened() as table:
        report.zone = table.time_zone
    judge = _judge_of(source, asked, store, plan)
    since, until = (_position(plan, text, report.zone, name) for text, name in _ends(asked))
    if since >= until:
        raise ConfigError("--since must be before --until")
    report.since, report.until, report.is_again, report.model_id = since, until, True, judge.model_id
    _count(report, judge_again(judge, since, until, state.position))
    return report


def _ends(asked: Asked) -> list[tuple[str, str]]:
    if not asked.since or not asked.until:
        raise ConfigError("a period has two ends: give both --since and --until")
    return [(asked.since, "--since"), (asked.until, "--until")]


def _position(plan: Plan, text: str, zone: str, option: str) -> int:
    return read_moment(text, zone, option) if plan.watermark.is_time else read_number(text, option)


def _judge_of(source: Source, asked: Asked, store: Store, plan: Plan) -> "Judge":
    from anomembed.monitor.learning import find_model, rule_of
    from anomembed.monitor.parts import Judge
    from anomembed.pipeline import Watcher

    known = find_model(store, source, Watcher(), may_learn=False)
    rule = rule_of(source.config, known.model)
    return Judge(store, source, known.table, asked.name, plan, known.model_id or 0, known.model, rule, asked.now)


def _count(report: Report, judged: "Judged") -> None:
    """Add what came of a part to the report."""
    report.n_scored += judged.n_scored
    report.n_repeated += int(judged.part.units["is_known"].sum())
    report.n_late += judged.n_scored * (judged.part.name == "late")
    report.n_quarantined += judged.n_scored * (judged.part.name == "quarantined")
    report.cautions += judged.cautions
    if judged.flags:
        report.n_flagged += judged.flags.frame.height
        report.n_held += judged.n_held
    if judged.run_id is not None:
        report.runs.append(judged.run_id)
