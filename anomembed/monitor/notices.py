"""Notices: what is told of a source as a whole, once when it begins and once when it is over."""

import hashlib
import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from typing import Any

from anomembed.config import MonitorConfig
from anomembed.explain.findings import LENGTH
from anomembed.monitor.findings import CLOSED, OPENED
from anomembed.monitor.telling import hearing
from anomembed.write.incidents import queue
from anomembed.write.notices import keep_notice, n_occurrences, read_notices
from anomembed.write.store import Store

SILENT, OVERDUE = "silent", "overdue"
CONSTANT, MISSING, UNSEEN, OF_ANOTHER_KIND, NEW_COLUMN = "constant", "missing", "unseen", "kind", "column"
OF_MODEL = "model"
MILD = (CONSTANT, NEW_COLUMN, OF_MODEL)  # kinds that hold no flags back, and may be chance: their level is ``warn``


@dataclass(frozen=True)
class About:
    """What a notice is about.

    Parameters
    ----------
    kind : str
        One of those above.
    column_name, value : str
        The column, and its value; empty when it is about all records, or all values.
    """

    kind: str
    column_name: str = ""
    value: str = ""

    def notice_id(self, monitor: str) -> str:
        """Return the id of the notice of a monitor, which is the same in every run."""
        text = json.dumps([monitor, "notice", self.kind, self.column_name, self.value])
        return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:LENGTH]


@dataclass(frozen=True)
class Notice:
    """A notice as the store keeps it, in the order of its columns."""

    monitor: str
    notice_id: str
    occurrence: int
    state: str
    kind: str
    column_name: str
    value: str
    reason: str
    begun_at: datetime
    ended_at: datetime | None = None
    n_flags: int = 0

    @property
    def about(self) -> About:
        """What it is about."""
        return About(self.kind, self.column_name, self.value)

    @property
    def level(self) -> str:
        """How urgent it is."""
        return "warn" if self.kind in MILD else "alert"

    def content(self, event: str, at: datetime) -> dict[str, Any]:
        """Return what is told when it begins or ends, for JSON."""
        number = 2 * self.occurrence - (event == OPENED)
        return {
            "alert_id": f"{self.notice_id}.{number}",
            "dedup_key": self.notice_id,
            "event": event,
            "level": self.level,
            "monitor": self.monitor,
            "at": at.isoformat() + "Z",
            "notice": self.kind,
            "column": self.column_name,
            "value": self.value,
            "reason": self.reason,
            "n_flags": self.n_flags,
            "first_seen": self.begun_at.isoformat() + "Z",
            "last_seen": at.isoformat() + "Z",
            "again": False,
        }


def open_notices(store: Store, monitor: str, kinds: Iterable[str]) -> dict[About, Notice]:
    """Return the notices of some kinds that are not over."""
    found = (Notice(**row) for row in read_notices(store, monitor))
    return {notice.about: notice for notice in found if notice.kind in set(kinds)}


def begin_notice(
    store: Store,
    monitor: str,
    about: About,
    reason: str,
    at: datetime,
    told_at: datetime,
    settings: MonitorConfig,
    n_flags: int = 0,
    *,
    is_over: bool = False,
) -> None:
    """Keep that something began, and queue its alert; call it within a transaction.

    Parameters
    ----------
    store : Store
        An open store.
    monitor : str
        Name of the monitor.
    about : About
        What it is about.
    reason : str
        What is told.
    at, told_at : datetime
        When it began, and when that was known; by the records.
    settings : MonitorConfig
        The section.
    n_flags : int, default=0
        Flags that are held back.
    is_over : bool, default=False
        Whether it is over at once.
    """
    notice_id = about.notice_id(monitor)
    occurrence = n_occurrences(store, monitor, notice_id) + 1
    state, ended_at = ("closed", at) if is_over else ("open", None)
    told = {**asdict(about), "reason": reason, "begun_at": at, "ended_at": ended_at, "n_flags": n_flags}
    notice = Notice(monitor, notice_id, occurrence, state, **told)
    keep_notice(store, asdict(notice))
    _queue(store, notice, OPENED, told_at, settings)


def end_notice(store: Store, notice: Notice, at: datetime, settings: MonitorConfig) -> None:
    """Keep that something is over, and queue its alert; call it within a transaction."""
    ended = replace(notice, state="closed", ended_at=at)
    keep_notice(store, asdict(ended))
    _queue(store, ended, CLOSED, at, settings)


def hold_back(store: Store, notice: Notice, n_flags: int) -> None:
    """Keep that more flags are held back because of a notice; call it within a transaction."""
    keep_notice(store, asdict(replace(notice, n_flags=notice.n_flags + n_flags)))


def _queue(store: Store, notice: Notice, event: str, at: datetime, settings: MonitorConfig) -> None:
    content = notice.content(event, at)
    queue(store, content, at, [channel.title for channel in hearing(settings, notice.level)])
