"""A run that finds nothing new, as most do: without pydantic, Polars, and whatever else only a judgement needs.

Whatever a whole run may have to do or to tell although nothing is new has to be asked for in `has_to_tell`.
"""

from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from anomembed.config.reading import STORE, read_settings
from anomembed.errors import AnomembedError
from anomembed.monitor.checked import digest, restore
from anomembed.monitor.clock import now, read_moment
from anomembed.monitor.handing import hand_over
from anomembed.monitor.looking import Asked, has_to_tell, look
from anomembed.monitor.metrics import write_metrics
from anomembed.monitor.report import Report
from anomembed.monitor.source import Source
from anomembed.read.connecting import machine_zone
from anomembed.write.ledger import read_state
from anomembed.write.store import Store


def find_nothing(path: Path, moment: str | None) -> Report | None:
    """Return the report of a run that has nothing to do; None when it has, or when only a whole run can tell.

    That run may take over the store, which is open still then: see `anomembed.monitor.handing`.

    Parameters
    ----------
    path : Path
        The configuration.
    moment : str or None
        What to take for the current time.
    """
    checked = digest(path)
    try:
        settings = read_settings(path)
        store, database = _named(settings, "store", "path") or STORE, _named(settings, "source", "database")
        if not (database and Path(store).is_file()):
            return None
        with ExitStack() as closed:
            opened = closed.enter_context(Store(store, is_brief=True))
            report = _look(opened, _named(settings, "monitor", "name") or path.stem, checked, database, moment)
            if report is None:
                closed.pop_all()
                hand_over(opened)
            return report
    except AnomembedError:  # the whole run says it
        return None


def _named(settings: Mapping[str, Any], section: str, name: str) -> str | None:
    values = settings.get(section)
    found = values.get(name) if isinstance(values, Mapping) else None
    return found if isinstance(found, str) else None


def _look(store: Store, name: str, checked: str, database: str, moment: str | None) -> Report | None:
    config, state = restore(store, name, checked, database), read_state(store, name)
    if config is None or state is None:
        return None
    at = now() if moment is None else read_moment(moment, config.source.time_zone or machine_zone(), "--now")
    asked, report = Asked(name, at, is_replay=moment is not None), Report(name)
    plan, fresh = look(Source(config, patience=0), asked, store, state, report)
    if not fresh.is_nothing or has_to_tell(store, asked, plan, config, report):
        return None
    write_metrics(store, asked, config, report)
    return report
