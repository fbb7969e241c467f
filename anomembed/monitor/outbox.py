"""Tell what is pending: every channel on its own, at least once, and never so that a run fails."""

from collections.abc import Sequence
from typing import Any, NamedTuple

from anomembed.config import ChannelConfig, Config
from anomembed.config.durations import MICROSECONDS, microseconds
from anomembed.monitor.address import ChannelError
from anomembed.monitor.channels import tell
from anomembed.monitor.messages import Message, message_of, rest_of
from anomembed.write.incidents import Pending, note_failed, note_told, pending
from anomembed.write.store import Store


class Told(NamedTuple):
    """What a channel was told in a run."""

    channel: str
    n_told: int
    error: str | None


def deliver(store: Store, monitor: str, config: Config) -> list[Told]:
    """Tell the alerts that are pending, channel by channel; one that fails is tried again by the next run.

    Parameters
    ----------
    store : Store
        An open store.
    monitor : str
        Name of the monitor.
    config : Config
        Settings.
    """
    found = ((channel, pending(store, monitor, channel.title)) for channel in config.monitor.channels)
    return [_deliver(store, config, channel, alerts) for channel, alerts in found if alerts]


def _deliver(store: Store, config: Config, channel: ChannelConfig, alerts: Sequence[Pending]) -> Told:
    n_told = 0
    timeout = microseconds(channel.timeout) / MICROSECONDS
    for ids, message in _messages(config, alerts):
        try:
            tell(channel, message, timeout)
        except ChannelError as error:
            note_failed(store, channel.title, ids, str(error))
            return Told(channel.title, n_told, str(error))
        note_told(store, channel.title, ids)
        n_told += len(ids)
    return Told(channel.title, n_told, None)


def _messages(config: Config, alerts: Sequence[Pending]) -> list[tuple[list[str], Message]]:
    """Return a message for each alert, up to the most that a run may send, and one for all others."""
    most, store, zone = config.monitor.most_alerts, config.store.path, config.source.time_zone or "UTC"
    single, others = alerts[:most], alerts[most:]
    found: list[tuple[list[str], Message]] = [([a.alert_id], message_of(a.content, store, zone)) for a in single]
    if others:
        contents: list[dict[str, Any]] = [alert.content for alert in others]
        found.append(([alert.alert_id for alert in others], rest_of(contents, store)))
    return found
