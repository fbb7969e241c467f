"""Settings that an earlier run has checked: to check them again takes longer than to see that nothing is new."""

import hashlib
import json
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, cast

from anomembed import __version__
from anomembed.write.ledger import note_checked, read_checked
from anomembed.write.store import Store

if TYPE_CHECKING:
    from anomembed.config import Config

NOT_KEPT = {"source": {"database"}, "monitor": {"channels"}}  # addresses, which may hold secrets
KEPT = {"source", "sequence", "roles", "monitor"}


def digest(path: Path) -> str:
    """Return what tells a configuration file from others, and from what it was before."""
    try:
        content = path.read_bytes()
    except OSError:  # said when it is read
        return ""
    return hashlib.sha256(f"{__version__} {path}\n".encode() + content).hexdigest()


def keep(store: Store, monitor: str, config: "Config", checked: str) -> None:
    """Keep the settings that were checked, unless they are there already.

    Parameters
    ----------
    store : Store
        An open store.
    monitor : str
        Name of the monitor.
    config : Config
        Its settings.
    checked : str
        `digest` of their file; empty when they do not come from the file alone.
    """
    known = read_checked(store, monitor)
    if not checked or (known and known[0] == checked):
        return
    kept = config.model_dump(mode="json", include=KEPT, exclude=NOT_KEPT)
    kept["sequence"]["is_whole"] = config.sequence.is_whole
    kept["monitor"]["channels"] = [{"title": channel.title} for channel in config.monitor.channels]
    kept["monitor"]["model_fields_set"] = sorted(config.monitor.model_fields_set)
    note_checked(store, monitor, checked, json.dumps(kept))


def restore(store: Store, monitor: str, checked: str, database: str) -> "Config | None":
    """Return the settings that were kept, with the attributes that are needed to look for what is new; None without.

    Parameters
    ----------
    store : Store
        An open store.
    monitor : str
        Name of the monitor.
    checked : str
        `digest` of the configuration file as it is now.
    database : str
        The source that it names.
    """
    known = read_checked(store, monitor)
    if not known or known[0] != checked:
        return None
    found: Any = json.loads(known[1], object_hook=lambda values: SimpleNamespace(**values))
    found.source.database, found.store = database, SimpleNamespace(path=str(store.path))
    return cast("Config", found)
