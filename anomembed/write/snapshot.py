"""A copy of a store beside it, for shells that stay open: no run waits for who reads it."""

from pathlib import Path

from anomembed.errors import ConfigError, StoreError
from anomembed.read.files.kinds import DATABASE_KIND, binary_kind
from anomembed.write.files import Others, check_not_read
from anomembed.write.store import Store


def snapshot_path(store: str | Path) -> Path:
    """Return where the copy of a store is.

    Examples
    --------
    >>> snapshot_path("shop/anomembed.duckdb").as_posix()
    'shop/anomembed-snapshot.duckdb'
    """
    path = Path(store)
    return path.with_name(f"{path.stem}-snapshot{path.suffix}")


def check_snapshot(store: str | Path, others: Others) -> None:
    """Refuse to replace what is no snapshot.

    Parameters
    ----------
    store : str or Path
        The store.
    others : mapping
        Files that are read, by what they are.

    Raises
    ------
    ConfigError
        When one of them, or another thing than a database, is where the copy would be.
    """
    path = snapshot_path(store)
    check_not_read(path, "snapshot", others)
    if path.exists() and not (path.is_file() and binary_kind(str(path)) == DATABASE_KIND):
        raise ConfigError(f"the snapshot cannot be written to {path}: that is no DuckDB file")


def leave_snapshot(store: Store) -> str | None:
    """Copy an open store; return why that could not be done, if it could not. The last copy is then as it was."""
    path = snapshot_path(store.path)
    try:
        store.copy_to(path)
    except (OSError, StoreError) as error:
        return f"no snapshot at {path}: {getattr(error, 'strerror', None) or error}"
    return None
