"""What a reviewer sees of a store, and decides: each request opens it, one at a time."""

from collections import Counter
from dataclasses import dataclass
from hashlib import sha256
from threading import Lock
from typing import Any

from anomembed.errors import StoreError
from anomembed.report.gathering import gather
from anomembed.report.page import cut, render
from anomembed.score.wording import in_words
from anomembed.views.reason import clean_text
from anomembed.write.reading import open_to_act, open_to_read
from anomembed.write.reviewing import Item, items_to_review, settle, take_back

MOST_SHOWN = 500  # findings at once; the next come when these have a verdict


@dataclass(frozen=True)
class Decision:
    """What was decided of a finding.

    Parameters
    ----------
    item : Item
        The finding.
    act : str
        One of `ACTS`.
    told : str
        What is said of it, in clean text.
    """

    item: Item
    act: str
    told: str


class Desk:
    """A store that is reviewed.

    DuckDB opens a file once in a process, for reading or for writing: a lock lets one request after the other have it.

    Parameters
    ----------
    path : str
        The store.
    """

    def __init__(self, path: str) -> None:
        self._path, self._lock = path, Lock()
        self._decided: dict[str, Decision] = {}
        self._page = (0, "")  # a run, and its page

    def page(self, run_id: int | None) -> str:
        """Return the page of a run, by default of the newest; the last one is kept, since drawing takes a second."""
        with self._lock, open_to_read(self._path) as store:
            gathered = gather(store, run_id)
            if gathered.run["run_id"] != self._page[0]:
                self._page = gathered.run["run_id"], render(store, gathered)
            return self._page[1]

    def findings(self) -> dict[str, Any]:
        """Return the findings without a verdict, and those that got one here, for the page: all text is inert."""
        with self._lock, open_to_read(self._path) as store:
            items = {name_of(item): item for item in items_to_review(store)}
            for name in items:  # somebody took it back elsewhere
                self._decided.pop(name, None)
            decided = list(self._decided.values())
        shown = [_as_json(item) for item in list(items.values())[:MOST_SHOWN]]
        said = [_as_json(decision.item) | {"told": decision.told} for decision in decided]
        return {"findings": shown, "n_findings": len(items), "decided": said}

    def decide(self, name: str, act: str, note: str | None) -> str:
        """Keep what is decided of a finding; return what to say of it.

        Parameters
        ----------
        name : str
            See `name_of`.
        act : str
            One of `ACTS`.
        note : str or None
            Why.

        Raises
        ------
        StoreError
            When the finding is not there to be reviewed any more, or cannot be silenced.
        LockedError
            When another process has the store for too long.
        """
        with self._lock, open_to_act(self._path) as store:
            item = {name_of(item): item for item in items_to_review(store)}.get(name)
            if item is None:
                raise StoreError("this finding has a verdict already, or has changed: load the page again")
            told = f"{clean_text(item.key)}: {settle(store, item, act, note)}"
            self._decided[name] = Decision(item, act, told)
        return told

    def undo(self, name: str) -> str:
        """Take back what was decided here of a finding; return what to say of it. See `decide`."""
        with self._lock:
            decision = self._decided.get(name)
            if decision is None:
                raise StoreError("nothing was decided here of this finding: there is nothing to take back")
            with open_to_act(self._path) as store:
                take_back(store, decision.item, decision.act)
            del self._decided[name]
        return f"{clean_text(decision.item.key)}: taken back"

    def summary(self) -> str:
        """Return in words what was decided."""
        counts = Counter(decision.act for decision in self._decided.values())
        parts = ", ".join(f"{n:,} {act}" for act, n in sorted(counts.items()))
        return f"{counts.total():,} decided: {parts}" if parts else "nothing was decided"


def name_of(item: Item) -> str:
    """Return what a browser calls a finding: keys are anybody's text, and stay here."""
    return sha256(f"{item.run_id}\0{item.key}".encode()).hexdigest()[:32]


def _as_json(item: Item) -> dict[str, Any]:
    return {
        "name": name_of(item),
        "key": clean_text(item.key),
        "on_page": cut(item.key),
        "run": item.run_id,
        "flags": f"{item.n_flags:,} flag{'s' * (item.n_flags != 1)}",
        "tail": in_words(item.tail_probability, item.unit),
        "reason": cut(item.reason),
        "can_be_silenced": item.finding_id is not None,
    }
