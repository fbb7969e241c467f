"""Turn the flags of a part into findings and alerts, and queue these in the same transaction as the flags."""

from collections.abc import Iterable
from dataclasses import asdict, fields, replace
from datetime import datetime, timedelta
from typing import Any

import polars as pl

from anomembed.config import ChannelConfig, MonitorConfig
from anomembed.config.durations import microseconds
from anomembed.monitor.findings import CLOSED, Alert, Finding, Flagged, Pace, Worst, flag, rest, tell_again
from anomembed.monitor.grouping import Group
from anomembed.write.incidents import keep_findings, keep_flags, queue, read_findings, read_silences
from anomembed.write.store import Store

LEVELS = ("warn", "alert")  # from the lower to the higher


def hearing(settings: MonitorConfig, level: str) -> list[ChannelConfig]:
    """Return the channels that are told what has a level."""
    return [channel for channel in settings.channels if LEVELS.index(channel.level) <= LEVELS.index(level)]


def pace_of(settings: MonitorConfig) -> Pace:
    """Return how long findings rest, and how often they are told."""
    return Pace(
        timedelta(microseconds=microseconds(settings.close_after)),
        timedelta(microseconds=microseconds(settings.repeat_interval)),
        settings.alert_at,
    )


def gather(monitor: str, run_id: int, flags: pl.DataFrame, groups: Iterable[Group]) -> list[tuple[Flagged, list[str]]]:
    """Group the flags of a run, which are ordered from the most abnormal.

    Parameters
    ----------
    monitor : str
        Name of the monitor.
    run_id : int
        The run.
    flags : pl.DataFrame
        ``key``, ``reason``, ``tail_probability`` and ``moment``.
    groups : iterable of Group
        Of each flag.

    Returns
    -------
    list of (Flagged, list of str)
        The flags of every finding, and their keys; in the order of their most abnormal flag.
    """
    found: dict[str, tuple[Group, list[dict[str, Any]]]] = {}
    for group, row in zip(groups, flags.iter_rows(named=True), strict=True):
        found.setdefault(group.finding_id(monitor), (group, []))[1].append(row)
    return [(_flagged(monitor, run_id, group, rows), [row["key"] for row in rows]) for group, rows in found.values()]


def _flagged(monitor: str, run_id: int, group: Group, rows: list[dict[str, Any]]) -> Flagged:
    worst, moments = rows[0], [row["moment"] for row in rows]
    return Flagged(
        finding_id=group.finding_id(monitor),
        group=group,
        run_id=run_id,
        key=worst["key"],
        reason=worst["reason"],
        tail_probability=worst["tail_probability"],
        n_flags=len(rows),
        first=min(moments),
        last=max(moments),
    )


def record_flags(
    store: Store, monitor: str, gathered: list[tuple[Flagged, list[str]]], at: datetime, settings: MonitorConfig
) -> None:
    """Keep the findings of a part, and queue their alerts; call it within a transaction.

    Parameters
    ----------
    store : Store
        An open store.
    monitor : str
        Name of the monitor.
    gathered : list of (Flagged, list of str)
        From `gather`.
    at : datetime
        End of the batch.
    settings : MonitorConfig
        The section.
    """
    pace = pace_of(settings)
    known, silences = _known(store, monitor, gathered), read_silences(store)
    changed = [
        flag(monitor, known.get(flagged.finding_id), _silenced(flagged, silences), at, pace) for flagged, _ in gathered
    ]
    _keep(store, changed, settings)
    keep_flags(store, [(flagged.finding_id, flagged.run_id, key) for flagged, keys in gathered for key in keys])


def _silenced(flagged: Flagged, silences: dict[tuple[str, str], datetime]) -> Flagged:
    """Return the flags of a finding with until when such reasons are silent."""
    until = [
        silences[flagged.group.view, column]
        for column in flagged.group.columns
        if (flagged.group.view, column) in silences
    ]
    return replace(flagged, silenced_until=max(until)) if until else flagged


def record_rest(store: Store, monitor: str, at: datetime, settings: MonitorConfig) -> int:
    """Close findings that rest, and tell of those that have grown; returns how many that are.

    Parameters
    ----------
    store : Store
        An open store.
    monitor : str
        Name of the monitor.
    at : datetime
        The watermark.
    settings : MonitorConfig
        The section.
    """
    pace = pace_of(settings)
    open_findings = _findings(store, monitor, is_open=True)
    changed = [result for result in (rest(finding, at, pace) for finding in open_findings) if result]
    if changed:
        with store.transaction():
            _keep(store, changed, settings)
    return len(changed)


def record_again(
    store: Store,
    monitor: str,
    gathered: list[tuple[Flagged, list[str]]],
    at: datetime,
    settings: MonitorConfig,
    watermark: datetime,
) -> None:
    """Queue the alerts of a period that was judged again, marked so; see `record_flags`.

    Parameters
    ----------
    store, monitor, gathered, at, settings
        See `record_flags`.
    watermark : datetime
        Up to when all has been judged.
    """
    pace, silences = pace_of(settings), read_silences(store)
    known = _known(store, monitor, gathered)
    for flagged, _ in gathered:
        before = known.get(flagged.finding_id)
        if alert := tell_again(monitor, before, _silenced(flagged, silences), at, watermark, pace):
            _queue(store, alert, settings)


def _known(store: Store, monitor: str, gathered: list[tuple[Flagged, list[str]]]) -> dict[str, Finding]:
    ids = [flagged.finding_id for flagged, _ in gathered]
    return {finding.finding_id: finding for finding in _findings(store, monitor, ids)}


def _findings(store: Store, monitor: str, ids: list[str] | None = None, *, is_open: bool = False) -> list[Finding]:
    rows = read_findings(store, monitor, ids, is_open=is_open)
    return [_finding(row) for row in rows]


def _finding(row: dict[str, Any]) -> Finding:
    news = Worst(**row["news"]) if row["news"] else None
    return Finding(**{**row, "columns": tuple(row["columns"]), "values": tuple(row["values"]), "news": news})


def _keep(store: Store, changed: list[tuple[Finding, list[Alert]]], settings: MonitorConfig) -> None:
    keep_findings(store, (_row(finding) for finding, _ in changed))
    for _, alerts in changed:
        for alert in alerts:
            _queue(store, alert, settings)


def _row(finding: Finding) -> dict[str, Any]:
    values = asdict(finding)
    return {
        field.name: list(values[field.name]) if field.name in ("columns", "values") else values[field.name]
        for field in fields(finding)
    }


def _queue(store: Store, alert: Alert, settings: MonitorConfig) -> None:
    channels = [
        channel.title
        for channel in hearing(settings, alert.level)
        if alert.event != CLOSED or _wants_closing(channel, alert.finding)
    ]
    queue(store, alert.content(), alert.at, channels)


def _wants_closing(channel: ChannelConfig, finding: Finding) -> bool:
    """Tell whether a channel is told that a finding is over.

    Programs always are, by a webhook or a file, as what they opened would stay open. People are when there was more
    than one flag; never on standard output, which cron mails: that nothing more came is no news.
    """
    is_read_by_programs = channel.kind in ("webhook", "file")
    return is_read_by_programs or (channel.kind != "stdout" and finding.n_flags - finding.n_before > 1)
