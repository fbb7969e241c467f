"""A copy of a store beside it, for shells that stay open: no run waits for who reads it."""

import os
import shutil
from contextlib import suppress
from pathlib import Path

from anomembed.errors import StoreError


def snapshot_path(store: str | Path) -> Path:
    """Return where the copy of a store is.

    Examples
    --------
    >>> snapshot_path("shop/anomembed.duckdb").as_posix()
    'shop/anomembed-snapshot.duckdb'
    """
    path = Path(store)
    return path.with_name(f"{path.stem}-snapshot{path.suffix}")


def leave_snapshot(store: str | Path) -> Path:
    """Copy a store that nobody has open for writing, then rename the copy: who has the last one open keeps that.

    Parameters
    ----------
    store : str or Path
        The store, closed.

    Returns
    -------
    Path
        The copy.

    Raises
    ------
    StoreError
        When it cannot be written; the last copy is left as it was.
    """
    final = snapshot_path(store)
    unfinished = final.with_name(f".{final.name}.{os.getpid()}")
    try:
        shutil.copyfile(store, unfinished)
        unfinished.replace(final)
    except OSError as error:
        with suppress(OSError):
            unfinished.unlink(missing_ok=True)
        raise StoreError(f"no snapshot at {final}: {error.strerror or error}") from error
    return final
