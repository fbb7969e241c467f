"""Runs that fail: each is a row, and a notice as long as the next ones fail too."""

from collections.abc import Mapping, Sequence
from typing import Any

from anomembed.config import Config
from anomembed.errors import AnomembedError, DataError, SourceError
from anomembed.monitor.clock import as_moment
from anomembed.write.ledger import State, add_failure
from anomembed.write.store import Store

FAILED = "failed"


def note_failure(store: Store, monitor: str, config: Config, state: State | None, error: Exception) -> None:
    """Keep a run that failed, with why, and tell it where the source is to blame, once.

    Parameters
    ----------
    store : Store
        An open store; nothing is kept in one that is only there because of this run.
    monitor : str
        Name of the monitor.
    config : Config
        Settings.
    state : State or None
        How far it has judged.
    error : Exception
        Why it failed.
    """
    if state is None and store.is_unused:
        return
    until = store.rows("SELECT until FROM watermarks WHERE monitor = ?", [monitor])
    about = {
        "source": state.source if state else str(config.source.table or config.source.database),
        "rule": "none",
        "since": until[0][0] if until else None,
        "failure": str(error) if isinstance(error, AnomembedError) else f"a bug: {type(error).__name__}",
    }
    add_failure(store, monitor, about)
    if state and isinstance(error, SourceError | DataError) and state.plan["watermark"]["is_time"]:
        _tell(store, monitor, config, state, str(error))


def _tell(store: Store, monitor: str, config: Config, state: State, failure: str) -> None:
    from anomembed.monitor.notices import About, begin_notice, open_notices  # take long to import

    if not open_notices(store, monitor, (FAILED,)):
        at = as_moment(state.position)
        with store.transaction():
            begin_notice(store, monitor, About(FAILED), f"nothing can be judged: {failure}", at, at, config.monitor)


def end_failure(store: Store, config: Config, noticed: Sequence[Mapping[str, Any]]) -> None:
    """Tell that runs no longer fail; `noticed` are the notices that are open."""
    for notice in noticed:
        if notice["kind"] == FAILED:
            from anomembed.monitor.notices import Notice, end_notice

            query = "SELECT make_timestamp(position) FROM watermarks WHERE monitor = ?"
            (at,) = store.rows(query, [notice["monitor"]])[0]
            with store.transaction():
                end_notice(store, Notice(**notice), at, config.monitor)
