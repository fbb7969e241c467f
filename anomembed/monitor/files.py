"""Files that a run writes beside its store: none of them is one that is read."""

from pathlib import Path
from typing import TYPE_CHECKING

from anomembed.monitor.address import expanded
from anomembed.write.files import Others, check_not_read
from anomembed.write.snapshot import check_snapshot

if TYPE_CHECKING:
    from anomembed.config import ChannelConfig, Config


def check_files(config: "Config") -> None:
    """Refuse what would write to a file that is read, before anything is."""
    for channel in config.monitor.channels:
        check_alerts(config, channel)
    check_metrics(config)
    check_copy(config)


def check_alerts(config: "Config", channel: "ChannelConfig") -> None:
    """Refuse a channel that would write to a file that is read."""
    if channel.kind == "file" and channel.to:
        check_not_read(Path(expanded(channel.to, missing="")), "alerts", _read(config))


def check_metrics(config: "Config") -> None:
    """Refuse metrics that would replace a file that is read."""
    if config.monitor.metrics:
        check_not_read(Path(config.monitor.metrics), "metrics", _read(config))


def check_copy(config: "Config") -> None:
    """Refuse a snapshot that would replace a file that is read, or no database."""
    if config.store.snapshot:
        check_snapshot(config.store.path, _read(config))


def _read(config: "Config") -> Others:
    store = config.store.path
    return {"the source": config.source.database, "the store": store, "its log": f"{store}.wal"}
