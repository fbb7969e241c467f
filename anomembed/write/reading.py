"""Open a store beside others that read it, or for a moment to write: no run of a monitor meets a lock for long."""

import time
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from anomembed.errors import LockedError
from anomembed.write.database import OlderStoreError
from anomembed.write.store import Store

PATIENCE = 5.0  # seconds that another process may write
PAUSES = (0.02, 1.0)  # seconds between two tries: at first, and at most
Opened = TypeVar("Opened")


def open_to_read(path: str | Path) -> Store:
    """Open a store read-only; while a run writes to it, wait for some seconds.

    Parameters
    ----------
    path : str or Path
        The store; one of an older version is upgraded first.

    Raises
    ------
    StoreError
        When there is no store.
    LockedError
        When another process still writes to it.
    """
    return patiently(lambda: _open(path))


def open_to_act(path: str | Path) -> Store:
    """Open a store to write a few rows; while another process has it, wait for some seconds.

    Parameters
    ----------
    path : str or Path
        The store; it must exist.

    Raises
    ------
    StoreError, LockedError
        See `open_to_read`.
    """
    return patiently(lambda: Store(path, must_exist=True))


def _open(path: str | Path) -> Store:
    try:
        return Store(path, must_exist=True, is_read_only=True)
    except OlderStoreError:
        with Store(path, must_exist=True):  # upgrades it
            pass
        return Store(path, must_exist=True, is_read_only=True)


def patiently(action: Callable[[], Opened], seconds: float | None = None) -> Opened:
    """Do what needs a file that another process may hold, again and again for some seconds, `PATIENCE` by default."""
    deadline, pause = time.monotonic() + (PATIENCE if seconds is None else seconds), PAUSES[0]
    while True:
        try:
            return action()
        except LockedError:
            if time.monotonic() + pause > deadline:
                raise
        time.sleep(pause)
        pause = min(2 * pause, PAUSES[1])
