"""Findings: what happens to one when it is flagged, grows and rests, and which alerts that makes.

A finding is opened by its first flag and closed when none comes for long; a flag after that opens it again. Nothing
here knows the clock: times are those of the records, and of the watermark.
"""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from anomembed.monitor.grouping import Group

OPENED, GROWN, CLOSED = "opened", "grown", "closed"
LONGEST_INTERVAL = timedelta(days=1)  # between two alerts of a finding that grows


@dataclass(frozen=True)
class Pace:
    """How long a finding rests before it is closed, and how often it is told.

    Parameters
    ----------
    close_after, repeat_interval : timedelta
        See the settings of the same names.
    alert_at : float
        Tail probability up to which the level is ``alert``; above it is ``warn``.
    """

    close_after: timedelta
    repeat_interval: timedelta
    alert_at: float


@dataclass(frozen=True)
class Flagged:
    """The flags of one finding in a batch.

    Parameters
    ----------
    finding_id : str
        Id of the finding.
    group : Group
        What they have in common.
    run_id : int
        The run that flagged them.
    key, reason : str
        Of the most abnormal one.
    tail_probability : float
        Its tail probability.
    n_flags : int
        How many there are.
    first, last : datetime
        When the earliest and the latest of their records was.
    silenced_until : datetime, optional
        Until when findings with such a reason are silent.
    """

    finding_id: str
    group: Group
    run_id: int
    key: str
    reason: str
    tail_probability: float
    n_flags: int
    first: datetime
    last: datetime
    silenced_until: datetime | None = None


@dataclass(frozen=True)
class Worst:
    """The most abnormal of some flags, and when the earliest of them was."""

    reason: str
    key: str
    run_id: int
    tail_probability: float
    first: datetime


@dataclass(frozen=True)
class Finding:
    """A finding as the store keeps it; its fields are columns there."""

    monitor: str
    finding_id: str
    is_open: bool
    view: str
    kind: str
    columns: tuple[str, ...]
    values: tuple[str, ...]
    reason: str
    key: str
    run_id: int
    tail_probability: float
    n_flags: int
    first_seen: datetime
    last_seen: datetime
    n_alerts: int
    n_told: int
    alerted_at: datetime
    repeat_after: timedelta
    silenced_until: datetime | None = None
    acknowledged: bool = False
    news: Worst | None = None
    n_before: int = 0


@dataclass(frozen=True)
class Alert:
    """A message about a finding.

    Parameters
    ----------
    alert_id : str
        Id of the message; the same when it is sent twice.
    finding : Finding
        The finding as it was then; its `news` are what the message is about, and its `n_told` what was told before.
    event : str
        `OPENED`, `GROWN` or `CLOSED`.
    level : str
        ``warn`` or ``alert``.
    at : datetime
        When it happened, by the records.
    is_again : bool
        Whether a period was judged again on purpose.
    """

    alert_id: str
    finding: Finding
    event: str
    level: str
    at: datetime
    is_again: bool = False

    def content(self) -> dict[str, Any]:
        """Return what is told, for JSON."""
        found = self.finding
        news = found.news or Worst(found.reason, found.key, found.run_id, found.tail_probability, found.first_seen)
        return {
            "alert_id": self.alert_id,
            "dedup_key": found.finding_id,
            "event": self.event,
            "level": self.level,
            "monitor": found.monitor,
            "at": self.at.isoformat() + "Z",
            "view": found.view,
            "columns": list(found.columns),
            "values": list(found.values),
            "reason": news.reason,
            "key": news.key,
            "run_id": news.run_id,
            "n_flags": found.n_flags,
            "n_new": found.n_flags - found.n_told,
            "tail_probability": news.tail_probability,
            "new_since": news.first.isoformat() + "Z",
            "first_seen": found.first_seen.isoformat() + "Z",
            "last_seen": found.last_seen.isoformat() + "Z",
            "again": self.is_again,
        }


Changed = tuple[Finding, list[Alert]]
"""A finding as it is now, and the alerts about what happened."""


def flag(monitor: str, known: Finding | None, flagged: Flagged, at: datetime, pace: Pace) -> Changed:
    """Return a finding with the flags of a batch; one that is opened is told.

    One that should have been closed before them is opened again, and that alone is told: not that it was over, too.

    Parameters
    ----------
    monitor : str
        Name of the monitor.
    known : Finding or None
        The finding as it was; None when there was none.
    flagged : Flagged
        The flags.
    at : datetime
        End of the batch.
    pace : Pace
        How often to tell.
    """
    is_rested = known is not None and flagged.first - known.last_seen >= pace.close_after
    grown = _grow(monitor, known, flagged, at, pace)
    if known and known.is_open and not is_rested:
        return grown, []
    n_before = known.n_flags if known else 0
    opened = replace(
        grown,
        is_open=True,
        repeat_after=pace.repeat_interval,
        acknowledged=False,
        news=_worst(flagged),
        n_before=n_before,
    )
    return _tell(opened, OPENED, at, pace)


def _grow(monitor: str, known: Finding | None, flagged: Flagged, at: datetime, pace: Pace) -> Finding:
    """Return a finding with more flags; its reason is that of the most abnormal of all, its news of those not told."""
    group, news = flagged.group, _worst(flagged)
    if known is None:
        return Finding(
            monitor, flagged.finding_id, True, group.view, group.kind, group.columns, group.values, flagged.reason,
            flagged.key, flagged.run_id, flagged.tail_probability, flagged.n_flags, flagged.first, flagged.last,
            0, 0, at, pace.repeat_interval, flagged.silenced_until, news=news,
        )  # fmt: skip
    grown = replace(
        known,
        n_flags=known.n_flags + flagged.n_flags,
        first_seen=min(known.first_seen, flagged.first),
        last_seen=max(known.last_seen, flagged.last),
        news=_worse(known.news, news),
    )
    if flagged.tail_probability >= known.tail_probability:
        return grown
    return replace(
        grown,
        view=group.view,
        kind=group.kind,
        reason=flagged.reason,
        key=flagged.key,
        run_id=flagged.run_id,
        tail_probability=flagged.tail_probability,
    )


def _worst(flagged: Flagged) -> Worst:
    return Worst(flagged.reason, flagged.key, flagged.run_id, flagged.tail_probability, flagged.first)


def _worse(known: Worst | None, more: Worst) -> Worst:
    """Return the more abnormal of two, the earlier one of equals, since the earliest flag of both."""
    if known is None:
        return more
    worse = known if known.tail_probability <= more.tail_probability else more
    return replace(worse, first=min(known.first, more.first))


def rest(finding: Finding, at: datetime, pace: Pace) -> Changed | None:
    """Return an open finding that is to be closed, or told because it has grown; None when neither.

    Parameters
    ----------
    finding : Finding
        An open finding.
    at : datetime
        The watermark.
    pace : Pace
        How long it rests, and how often it is told.
    """
    if at - finding.last_seen >= pace.close_after:
        return _close(finding, pace)
    is_due = finding.n_flags > finding.n_told and at - finding.alerted_at >= finding.repeat_after
    if is_due and not _is_quiet(finding, GROWN, at):
        later = min(2 * finding.repeat_after, max(LONGEST_INTERVAL, pace.repeat_interval))
        return _tell(replace(finding, repeat_after=later), GROWN, at, pace)
    return None


def tell_again(
    monitor: str, known: Finding | None, flagged: Flagged, at: datetime, watermark: datetime, pace: Pace
) -> Alert | None:
    """Return the alert of a period that was judged again, None where nobody wants to hear of it; see `flag`.

    The finding stays as it is. Whether it is silenced is asked at the watermark, which the period is before.
    """
    finding = _grow(monitor, None, flagged, at, pace)
    is_known_quiet = known is not None and _is_quiet(known, GROWN if known.is_open else OPENED, watermark)
    if is_known_quiet or _is_quiet(finding, OPENED, watermark):
        return None
    alert_id = f"{finding.finding_id}.again.{flagged.run_id}"
    return Alert(alert_id, finding, OPENED, _level(finding, pace), at, is_again=True)


def _close(finding: Finding, pace: Pace) -> Changed:
    return _tell(replace(finding, is_open=False), CLOSED, finding.last_seen + pace.close_after, pace)


def _tell(finding: Finding, event: str, at: datetime, pace: Pace) -> Changed:
    told = replace(finding, n_told=finding.n_flags, alerted_at=at, news=None)
    if _is_quiet(finding, event, at):
        return told, []
    told = replace(told, n_alerts=finding.n_alerts + 1)
    about = replace(finding, news=None) if event == CLOSED else finding
    return told, [Alert(f"{told.finding_id}.{told.n_alerts}", about, event, _level(about, pace), at)]


def _is_quiet(finding: Finding, event: str, at: datetime) -> bool:
    """Tell whether nobody wants to hear of it: it is silenced, or somebody looks after it already."""
    is_silenced = finding.silenced_until is not None and at < finding.silenced_until
    return is_silenced or (finding.acknowledged and event == GROWN)


def _level(finding: Finding, pace: Pace) -> str:
    """Return the level of what is told: of the news, or of all."""
    return "alert" if (finding.news or finding).tail_probability <= pace.alert_at else "warn"
