"""The store that a quick look had open, for the whole run that follows it: to open one takes as long as to look."""

from pathlib import Path

from anomembed.write.store import Store

_kept: list[Store] = []


def hand_over(store: Store) -> None:
    """Keep a store open for `take_over`."""
    _kept.append(store)


def take_over(path: str) -> Store | None:
    """Return the store that is kept open, if it is the one at a path; whoever takes it closes it."""
    store = _kept.pop() if _kept else None
    if store is None or store.path == Path(path):
        if store:
            store.use_all_threads()
        return store
    store.close()
    return None


def drop() -> None:
    """Close a store that nobody has taken, as after an error."""
    while _kept:
        _kept.pop().close()
