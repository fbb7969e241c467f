"""Open a store beside others that read it, or for a moment to write: no run of a monitor meets a lock for long."""

import time
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from anomembed.errors import LockedError
from anomembed.write.database import OlderStoreError
from anomembed.write.store import Store

PAUSES = (0.05, 0.1, 0.2, 0.4, 0.8, 1.6, 2.0)  # seconds between tries while another process writes: five in all
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


def patiently(action: Callable[[], Opened]) -> Opened:
    """Do what needs a file that another process may hold, again and again for some seconds."""
    for pause in PAUSES:
        try:
            return action()
        except LockedError:
            time.sleep(pause)
    return action()
