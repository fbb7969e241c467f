"""Watch when records come: learn the rhythm of the source and of expected values, and notice when one is overdue."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import polars as pl

from anomembed.config import Config, MonitorConfig
from anomembed.monitor.clock import MICROSECOND, as_local, as_moment, position_of, repeated
from anomembed.monitor.notices import OVERDUE, SILENT, About, begin_notice, end_notice, open_notices
from anomembed.monitor.plan import Plan
from anomembed.monitor.rhythm import HOUR, Hours, next_due
from anomembed.monitor.watched import Watched
from anomembed.read.quoting import quote_text
from anomembed.read.table import Table
from anomembed.read.units import Units
from anomembed.views.reason import clean_text, duration
from anomembed.write.arrivals import KEPT, keep_arrivals, keep_never_seen, keep_rhythms, read_arrivals
from anomembed.write.incidents import known_things
from anomembed.write.notices import told_silences
from anomembed.write.store import Store

MOST_VALUES = 200  # of a column of which every value is expected, the most frequent ones
RHYTHM = {"value": pl.String, "last": pl.Int64, "due": pl.Int64, "usual": pl.Int64}

Came = Mapping[str, pl.DataFrame]
"""How records came in some zone, by the column that is watched; the empty name stands for all records."""


def read_came(table: Table, plan: Plan, watched: Watched, where: str | None, zone: str) -> dict[str, pl.DataFrame]:
    """Read how records came in a zone of an open table, by column.

    Raises
    ------
    SourceError
        When there is no such column.
    """
    position = plan.position(table)
    found = {}
    for column, values in watched.items():
        value = f"CAST({table.column(column).expression} AS VARCHAR)" if column else "''"
        wanted = f"value IN ({', '.join(map(quote_text, values))})" if values else "true"
        units = Units.of_values(value, position)
        found[column] = table.ask_frame("arrivals", units, where, zone=zone, wanted=wanted, most=MOST_VALUES)
    return found


def learn_rhythms(
    store: Store, monitor: str, table: Table, plan: Plan, config: Config, position: int, lacking: Watched
) -> None:
    """Learn from the source how records came before a position.

    Parameters
    ----------
    store : Store
        An open store.
    monitor : str
        Name of the monitor.
    table : Table
        The open table.
    plan : Plan
        How it is read.
    config : Config
        Settings.
    position : int
        What was before this has been judged.
    lacking : Watched
        Whose rhythm is not known yet.
    """
    since = position - KEPT // MICROSECOND
    came = read_came(table, plan, lacking, config.source.where, f'"position" >= {since} AND "position" < {position}')
    with store.transaction():
        record_came(store, monitor, came, position, table.time_zone, config.monitor, is_past=True)
        for column, values in lacking.items():
            keep_never_seen(store, monitor, column, values or ("",))


def record_came(
    store: Store,
    monitor: str,
    came: Came,
    position: int,
    zone: str,
    settings: MonitorConfig,
    *,
    is_past: bool = False,
) -> None:
    """Keep how records came, when the next are due, and that those that were overdue came; within a transaction.

    Parameters
    ----------
    store : Store
        An open store.
    monitor : str
        Name of the monitor.
    came : mapping
        From `read_came`.
    position : int
        What was before this is known now.
    zone : str
        Zone of the source.
    settings : MonitorConfig
        The section.
    is_past : bool, default=False
        Whether it is what came before the monitor began: what has not come for long by then is no news.
    """
    silent = open_notices(store, monitor, (SILENT, OVERDUE))
    for column, read in came.items():
        frame = _known(store, monitor, column, read)
        if not frame.height:
            continue
        for (value,), hours in frame.group_by("value", maintain_order=True):
            notice = silent.get(About(OVERDUE if column else SILENT, column, str(value)))
            if notice and (back := _first_after(hours, notice.begun_at)):
                end_notice(store, notice, back, settings)
        keep_arrivals(store, monitor, column, frame, as_moment(position))
        values = frame["value"].unique(maintain_order=True).to_list()
        rhythms = _rhythms(store, monitor, column, values, position, zone, is_past=is_past)
        keep_rhythms(store, monitor, column, rhythms)


def _known(store: Store, monitor: str, column: str, came: pl.DataFrame) -> pl.DataFrame:
    """Leave out values beyond the most that are watched of a column."""
    known = {value for name, value in known_things(store, monitor) if name == column}
    new = came.filter(~pl.col("value").is_in(known)).group_by("value").agg(pl.sum("n_records"))
    chosen = new.sort(["n_records", "value"], descending=[True, False])["value"].head(max(MOST_VALUES - len(known), 0))
    return came.filter(pl.col("value").is_in([*known, *chosen]))


def _first_after(hours: pl.DataFrame, moment: datetime) -> datetime | None:
    """Return when the first record after a moment came, as far as hours tell."""
    ends = pl.concat([hours["first"], hours["last"]]).cast(pl.Datetime("us"))
    found = ends.filter(ends > moment).min()
    assert found is None or isinstance(found, datetime)  # noqa: S101
    return found


def _rhythms(
    store: Store, monitor: str, column: str, values: Sequence[str], position: int, zone: str, *, is_past: bool
) -> pl.DataFrame:
    """Return when the next record of each value is due.

    That none has come since the last one may be what is to be told: it says what is usual only once the next one came.
    """
    rows, unseen = [], repeated(zone, position - KEPT // MICROSECOND, position)
    for (value,), frame in read_arrivals(store, monitor, column, values).group_by("value", maintain_order=True):
        told = told_silences(store, monitor, column, str(value), as_moment(position) - KEPT)
        hours = Hours(*(frame[name].to_numpy() for name in ("hour", "first", "last", "widest")))
        silences = [*((position_of(begun), position_of(ended)) for begun, ended in told), *unseen]
        known_until = position if is_past else min(position, int(frame["last"][-1]) + HOUR)
        usual = next_due(hours, known_until, silences, zone)
        rows.append((value, frame["last"][-1], *(usual or (None, None))))
    return pl.DataFrame(rows, schema=RHYTHM, orient="row")


def record_overdue(
    store: Store, monitor: str, found: Sequence[Mapping[str, Any]], zone: str, settings: MonitorConfig
) -> None:
    """Tell what is overdue.

    Parameters
    ----------
    store : Store
        An open store.
    monitor : str
        Name of the monitor.
    found : sequence of mapping
        From `overdue`.
    zone : str
        Zone of the source.
    settings : MonitorConfig
        The section.
    """
    with store.transaction():
        for row in found:
            column, value = row["column_name"], row["value"]
            reason = _reason(column, value, position_of(row["last_seen"]), row["usual"], zone)
            about = About(OVERDUE if column else SILENT, column, value)
            begin_notice(store, monitor, about, reason, row["last_seen"], row["due"], settings)


def _reason(column: str, value: str, last: int, usual: float, zone: str) -> str:
    what = f"{clean_text(column)}={clean_text(value)}" if column else "no new records"
    verb = "has not come since" if column else "since"
    return f"{what} {verb} {as_local(last, zone)}: at this time it is usually at most {duration(usual)}"
