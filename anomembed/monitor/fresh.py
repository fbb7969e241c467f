"""What is new in a source: whole windows that are open, and what came late or has no place among them."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from anomembed.monitor.plan import Plan
from anomembed.monitor.watermark import EARLIEST, LATEST, Spans
from anomembed.read.table import Table
from anomembed.read.units import Units
from anomembed.write.ledger import State, fingerprint, not_seen
from anomembed.write.store import Store

if TYPE_CHECKING:
    import polars as pl

    from anomembed.config import Config

NEW, LATE, QUARANTINED, AGAIN = "new", "late", "quarantined", "again"
"""Parts of what is judged."""


@dataclass(frozen=True)
class Period:
    """The positions that a run looks at.

    Parameters
    ----------
    behind : int
        What is before this is too late.
    since : int
        What is before this has been judged.
    until : int
        What is from here on waits for a later run.
    future : int
        What is after this is of the future.
    window : int
        Length of a window.
    """

    behind: int
    since: int
    until: int
    future: int
    window: int

    @property
    def late(self) -> str:
        """SQL of where late units are; the position, which takes long to read, stands in it once."""
        return f'"position" BETWEEN {self.behind} AND {self.since - 1}'

    @property
    def odd(self) -> str:
        """SQL of where units are that have no place among the others."""
        return f'NOT coalesce("position" <= {self.future}, false)'


@dataclass(frozen=True)
class Fresh:
    """What is new.

    Parameters
    ----------
    period : Period
        Where it was looked for.
    windows : tuple of (int, int)
        Positions from which, and up to which, units are judged together, the oldest first.
    late, quarantined : pl.DataFrame or None
        Units with ``key``, ``position``, ``version``, ``last`` and ``is_known``; None without any.
    n_behind : int
        Units that are too far behind to be looked for.
    n_too_late : int
        How many more these are than before.
    n_without_key : int
        Records of the windows that nothing names.
    """

    period: Period
    windows: tuple[tuple[int, int], ...]
    late: "pl.DataFrame | None"
    quarantined: "pl.DataFrame | None"
    n_behind: int
    n_too_late: int
    n_without_key: int

    @property
    def is_nothing(self) -> bool:
        """Whether there is nothing to judge and nothing to tell."""
        return not (self.windows or self.n_too_late or self.late is not None or self.quarantined is not None)


def find_period(
    table: Table, plan: Plan, units: Units, config: "Config", state: State, now: int, *, is_replay: bool
) -> Period:
    """Return where to look for what is new.

    Parameters
    ----------
    table : Table
        The open table.
    plan : Plan
        How it is read.
    units : Units
        From ``plan.units``.
    config : Config
        Settings.
    state : State
        How far it has been judged.
    now : int
        The current position of time.
    is_replay : bool
        Whether records after it have not come yet, instead of being of the future.
    """
    spans, since = plan.spans(config), state.position
    if plan.watermark.is_time:
        until, future = (now - spans.delay) // spans.window * spans.window, future_of(now, spans, is_replay=is_replay)
    else:
        until, future = last_position(table, units, config.source.where, LATEST) + 1 - spans.delay, LATEST
    return Period(since - spans.lookback, since, max(since, until), future, spans.window)


def future_of(now: int, spans: Spans, *, is_replay: bool) -> int:
    """Return the position after which records are of the future, whatever the clocks of those who write them."""
    return LATEST if is_replay else now + spans.delay


def last_position(table: Table, units: Units, where: str | None, until: int) -> int:
    """Return the last position up to `until`; one before all others when there is none."""
    found = table.ask("extent", units, where, until=until)[0][0]
    return EARLIEST if found is None else int(found)


def find_fresh(
    table: Table, units: Units, config: "Config", store: Store, monitor: str, look: Period, state: State
) -> Fresh:
    """Find what is new in an open table.

    Parameters
    ----------
    table : Table
        The open table.
    units : Units
        What is judged.
    config : Config
        Settings.
    store : Store
        An open store.
    monitor : str
        Name of the monitor.
    look : Period
        Where to look.
    state : State
        How far it has been judged.
    """
    where = config.source.where
    parts = {"since": look.since, "until": look.until, "behind": look.behind}
    n_open, n_behind, n_without_key = table.ask("overview", units, where, **parts)[0]
    late = odd = None
    both = f"({look.late}) OR ({look.odd})"
    if table.ask("fingerprint", units, where, zone=both)[0] != fingerprint(store, monitor, both):
        late = _not_seen(table, units, where, store, monitor, look.late)
        odd = _not_seen(table, units, where, store, monitor, look.odd)
    windows = _cut(table, units, config, look, n_open) if n_open else ()
    return Fresh(look, windows, late, odd, n_behind, max(0, n_behind - state.n_behind), n_without_key)


def _not_seen(
    table: Table, units: Units, where: str | None, store: Store, monitor: str, zone: str
) -> "pl.DataFrame | None":
    found = table.ask_frame("zone", units, where, zone=zone)
    unseen = not_seen(store, monitor, found) if found.height else found
    return unseen if unseen.height else None


def _cut(table: Table, units: Units, config: "Config", look: Period, n_open: int) -> tuple[tuple[int, int], ...]:
    """Cut what is open where a window ends, so that no part has many more units than a batch."""
    most = config.monitor.batch
    if n_open <= most:
        return ((look.since, look.until),)
    parts = {"since": look.since, "until": look.until, "length": look.window}
    counts = table.ask("windows", units, config.source.where, **parts)
    cuts, n_units = [look.since], 0
    for window, count in counts:
        if n_units and n_units + count > most:
            cuts.append(max(window * look.window, look.since))
            n_units = 0
        n_units += count
    return tuple(zip(cuts, [*cuts[1:], look.until], strict=True))
