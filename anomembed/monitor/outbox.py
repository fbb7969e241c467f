"""Tell what is pending: every channel on its own, at least once, and never so that a run fails."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, NamedTuple

from anomembed.config import ChannelConfig, Config
from anomembed.config.durations import hours, microseconds
from anomembed.monitor.address import ChannelError
from anomembed.monitor.channels import tell
from anomembed.monitor.clock import local_time, position_of
from anomembed.monitor.messages import Message, message_of, rest_of
from anomembed.monitor.source import Source
from anomembed.monitor.telling import LEVELS
from anomembed.write.incidents import Pending, note_failed, note_told, pending
from anomembed.write.store import Store


class Told(NamedTuple):
    """What a channel was told in a run; `is_old` says that its error was told often enough."""

    channel: str
    n_told: int
    error: str | None = None
    is_old: bool = False


def deliver(store: Store, monitor: str, config: Config, now: int) -> list[Told]:
    """Tell the alerts that are pending, channel by channel; one that fails is tried again by the next run.

    Parameters
    ----------
    store : Store
        An open store.
    monitor : str
        Name of the monitor.
    config : Config
        Settings.
    now : int
        The current position of time.
    """
    found = (
        (channel, _due(pending(store, monitor, channel.title), config, now)) for channel in config.monitor.channels
    )
    return [_deliver(store, config, channel, alerts) for channel, alerts in found if alerts]


def _due(alerts: list[Pending], config: Config, now: int) -> list[Pending]:
    """Return the alerts that are to be told now: in quiet hours only the worst, and none before it has waited."""
    if is_quiet(config, now):
        alerts = [alert for alert in alerts if alert.level == LEVELS[-1]]
    moments = [datetime.fromisoformat(alert.content["at"]) for alert in alerts]
    has_waited = moments and (now - position_of(min(moments)) >= microseconds(config.monitor.collect))
    return alerts if has_waited else []


def is_quiet(config: Config, now: int) -> bool:
    """Tell whether it is one of the quiet hours."""
    if config.monitor.quiet_hours is None:
        return False
    since, until = hours(config.monitor.quiet_hours)
    at = local_time(now, Source(config).zone)
    return since <= at < until if since < until else at >= since or at < until


def _deliver(store: Store, config: Config, channel: ChannelConfig, alerts: Sequence[Pending]) -> Told:
    n_told = 0
    for ids, message in _messages(config, alerts):
        try:
            tell(channel, message, channel.seconds)
        except ChannelError as error:
            untold = [alert.alert_id for alert in alerts[n_told:]]
            is_news = note_failed(store, channel.title, untold, str(error))
            return Told(channel.title, n_told, str(error), is_old=not is_news)
        note_told(store, channel.title, ids)
        n_told += len(ids)
    return Told(channel.title, n_told)


def _messages(config: Config, alerts: Sequence[Pending]) -> list[tuple[list[str], Message]]:
    """Return a message for each alert, up to the most that a run may send, and one for all others."""
    most, store, zone = config.monitor.most_alerts, config.store.path, Source(config).zone
    if microseconds(config.monitor.collect) and len(alerts) > 1:
        most = 0
    single, others = alerts[:most], alerts[most:]
    found: list[tuple[list[str], Message]] = [([a.alert_id], message_of(a.content, store, zone)) for a in single]
    if others:
        contents: list[dict[str, Any]] = [alert.content for alert in others]
        found.append(([alert.alert_id for alert in others], rest_of(contents, store, n_before=len(single))))
    return found
