"""Events in order: a table with one row per event is read as one row per sequence.

Events with the same order in a sequence are sorted by their text, so that the order of rows never matters; events whose
order is null come last. Rows without a sequence are left out.
"""

import re
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, NamedTuple, Self

from anomembed.errors import ConfigError, DataError, shown
from anomembed.read.column_types import MOMENTS, known_sql
from anomembed.read.columns import Column
from anomembed.read.quoting import quote_text
from anomembed.read.relation import named_sql
from anomembed.read.roles.assigned import USER_SPECIFIED, ColumnRole, Roles
from anomembed.read.roles.role import Role
from anomembed.read.table import HASH, VALUE, Table
from anomembed.read.written.recognising import find_moment
from anomembed.read.written.style import PLAIN

if TYPE_CHECKING:
    import polars as pl

EVENTS = f"{VALUE}events"  # the column that holds the events of a sequence, a list of texts
GAPS = f"{VALUE}gaps"  # the seconds before each event, a list; null before the first
FORMED = "sequence"  # names a sequence that no column of the table names
BETWEEN = " | "  # separates the columns of an event
UNITS = {"s": "SECOND", "m": "MINUTE", "h": "HOUR", "d": "DAY"}
MOST_UNITS = 1_000_000  # of a duration: days beyond two thousand years
MOST_EVENTS = 20_000_000  # about how many events the reference may hold in memory


def sequence_roles(
    table: Table,
    key: str,
    order: Sequence[str],
    event: Sequence[str],
    entity: Sequence[str] = (),
    time_format: str | None = None,
) -> Roles:
    """Assign the roles of the columns of a table of events.

    Parameters
    ----------
    table : Table
        The open table.
    key : str
        Column that names the sequence.
    order, event : sequence of str
        Columns that put events in order, and that say what happened; several make one event, in the table's order.
    entity : sequence of str
        Columns that name who acts, where sequences were formed from the events of each.
    time_format : str, optional
        Format of times that are text.

    Returns
    -------
    Roles
        What is in none of them is ignored.

    Raises
    ------
    SourceError
        When a column does not exist.
    ConfigError
        When the sequence and its events are in the same column.
    DataError
        When there are fewer than two sequences, or no event.
    """
    given = {Role.ENTITY: entity, Role.ORDER: order, Role.EVENT: event, Role.KEY: [key]}  # the last of several wins
    specified = {table.column(name).name: role for role, names in given.items() for name in names}
    columns = (c for c in table.columns if c.name in specified or not table.is_derived(c.name))
    roles = Roles(tuple(_assigned(table, column, specified.get(column.name), time_format) for column in columns))
    if not roles.is_sequential:
        raise ConfigError(f"{', '.join(event)} names the sequences: choose another column for the event")
    count_sequences(table, roles, None)
    if not table.count(" OR ".join(f"{c.expression} IS NOT NULL" for c in roles.of(Role.EVENT))):
        raise DataError(f"every event of {table.name} is null")
    return roles


def _assigned(table: Table, column: Column, role: Role | None, time_format: str | None) -> ColumnRole:
    reason = USER_SPECIFIED if role else "neither sequence, order nor event"
    written = find_moment(table, column.name, time_format, is_told=False) if role is Role.ORDER else None
    return ColumnRole(column.name, column.type, column.expression, role or Role.IGNORE, reason, written=written)


def count_sequences(table: Table, roles: Roles, where: str | None) -> int:
    """Count the sequences with an event for which the SQL condition holds.

    Raises
    ------
    DataError
        When there are fewer than two.
    """
    n_sequences = table.count_distinct([table.column(c.name) for c in roles.key], where)
    if n_sequences < 2:
        found = ("one" if n_sequences else "no") + " sequence" + (f" where {where}" if where else "")
        raise DataError(f"{table.name} has {found}; normal behaviour needs at least 2")
    return n_sequences


def read_sequences(table: Table, roles: Roles, where: str | None, size: int, seed: int = 0) -> "Iterator[pl.DataFrame]":
    """Stream whole sequences.

    Parameters
    ----------
    table : Table
        The open table.
    roles : Roles
        From `sequence_roles`.
    where : str or None
        SQL condition of the events. A sequence is read whole when one of its events meets it.
    size : int
        Events per frame, about; a longer sequence is never cut.
    seed : int
        Of the hash.

    Yields
    ------
    pl.DataFrame
        The key column, `EVENTS` (list of text), `GAPS` (list of numbers), and `HASH` of the key alone. Gaps are null
        when no order is a time.
    """
    key = [table.column(column.name) for column in roles.key]
    event = event_sql(roles.of(Role.EVENT))
    select = {EVENTS: event, GAPS: _seconds(roles), HASH: table.hashed({}, key, seed)}
    order = [*(c.expression for c in key), *(f"{_order_sql(c)} NULLS LAST" for c in roles.of(Role.ORDER)), event]
    known = named_sql(key)
    some = table.among(key, where)
    condition = f"({known}) AND {some}" if some else known
    batches = table.batches(select, key, condition, size, order)
    yield from _whole(batches, [column.name for column in key])


def _whole(batches: "Iterator[pl.DataFrame]", names: list[str]) -> "Iterator[pl.DataFrame]":
    """Group the events of batches into sequences; the last sequence of a batch may go on in the next."""
    import polars as pl

    rest: pl.DataFrame | None = None
    for batch in batches:
        frame = batch if rest is None else pl.concat([rest, batch])
        sequence = frame.select(pl.struct(names).rle_id()).to_series()
        is_last = sequence == sequence[-1]
        done, rest = frame.filter(~is_last), frame.filter(is_last)
        if done.height:
            yield _grouped(done, names)
    if rest is not None:
        yield _grouped(rest, names)


def _grouped(events: "pl.DataFrame", key: list[str]) -> "pl.DataFrame":
    import polars as pl

    return events.group_by(key, maintain_order=True).agg(EVENTS, pl.col(GAPS).diff(), pl.col(HASH).first())


def _seconds(roles: Roles) -> str:
    """Return SQL of the moment of an event in seconds, from the first order that is a time."""
    moments = (column for column in roles.of(Role.ORDER) if column.written or MOMENTS.match(column.type))
    column = next(moments, None)
    return f"CAST(epoch({(column.written or PLAIN).moment_sql(column)}) AS DOUBLE)" if column else "NULL::DOUBLE"


def _order_sql(column: ColumnRole) -> str:
    """Return SQL that events are ordered by; times in the order of time, however they are written."""
    return column.written.moment_sql(column) if column.written else column.expression


def event_sql(columns: Sequence[Column | ColumnRole]) -> str:
    """Return SQL of an event as one text: null for a null, `(missing)` when the event has several columns."""
    if len(columns) == 1:
        return f"CAST({columns[0].expression} AS VARCHAR)"
    parts = [f"coalesce(CAST({column.expression} AS VARCHAR), '(missing)')" for column in columns]
    return f" || {quote_text(BETWEEN)} || ".join(parts)


def sampled(table: Table, roles: Roles, where: str | None, most: int, seed: int) -> str | None:
    """Narrow a condition to about `most` sequences, chosen by their hash, and to what fits in memory."""
    n_sequences, n_events = count_sequences(table, roles, where), table.count(where)
    most = min(most, max(2, int(MOST_EVENTS * n_sequences / max(n_events, 1))))
    if n_sequences <= most:
        return where
    few = table.hashed_share([table.column(c.name) for c in roles.key], seed, most / n_sequences)
    return f"(\n{where}\n) AND {few}" if where else few


def form_sequences(
    table: Table,
    entity: Sequence[str],
    time: str,
    event: Sequence[str],
    *,
    session_gap: str | None = None,
    window: str | None = None,
    length: int | None = None,
    step: int | None = None,
    time_format: str | None = None,
) -> str:
    """Group the events of every entity into sequences, by time or by number.

    Parameters
    ----------
    table : Table
        The open table; a column is added that names the sequence: its entity and start.
    entity : sequence of str
        Columns that name who acts; when empty, all events are of one entity.
    time : str
        Column that says when.
    event : sequence of str
        Columns that say what happened; they order events at the same time.
    session_gap, window : str, optional
        Length of the pause that ends a session, or of a time window, such as ``30m``.
    length, step : int, optional
        Events per run, and from the start of one run to the next; runs overlap when `step` is less than `length`.
    time_format : str, optional
        Format of times that are text.

    Returns
    -------
    str
        Name of the new column.

    Raises
    ------
    ConfigError, SourceError
        When a duration cannot be read, or a column does not exist.
    """
    stream = _Stream.of(table, entity, time, event, time_format)
    if window is not None:
        start = f"time_bucket({_interval('window', window)}, {stream.moment})"
    elif session_gap is not None:
        start = _session_start(table, stream, _interval("session_gap", session_gap))
    else:
        start = _run_start(table, stream, length or 1, step or length or 1)
    return stream.name_sequences(table, start)


class _Stream(NamedTuple):
    """The events of an entity in order, as SQL."""

    entity: list[str]
    moment: str
    partition: str
    over: str
    """The window of all events of the entity up to this one."""

    @classmethod
    def of(cls, table: Table, entity: Sequence[str], time: str, event: Sequence[str], time_format: str | None) -> Self:
        when, actors = table.column(time), [table.column(name) for name in entity]
        who = [known_sql(column.expression, column.type) for column in actors]
        moment = (find_moment(table, time, time_format, is_told=True) or PLAIN).moment_sql(when)
        order = [moment, *(table.column(name).expression for name in event)]
        partition = f"PARTITION BY {', '.join(who)} " if who else ""
        return cls(who, moment, partition, f"OVER ({partition}ORDER BY {', '.join(order)})")

    def name_sequences(self, table: Table, start: str) -> str:
        """Add the name of each event's sequence, by SQL of its start; without an entity or a time there is none."""
        table.derive("sequence_start", start)
        name = " || ' ' || ".join([*self.entity, "CAST(sequence_start AS VARCHAR)"])  # null where one of them is
        table.derive(FORMED, f"CASE WHEN {self.moment} IS NOT NULL THEN {name} END")
        return FORMED


def _session_start(table: Table, stream: _Stream, gap: str) -> str:
    """Return SQL of the moment at which the session of an event began."""
    goes_on = f"{stream.moment} - lag({stream.moment}) {stream.over} <= {gap}"
    table.derive("session_start", f"CASE WHEN {goes_on} THEN NULL ELSE {stream.moment} END")
    return f"max(session_start) {stream.over}"


def _run_start(table: Table, stream: _Stream, length: int, step: int) -> str:
    """Return SQL of a row for every run of `length` events that an event is in: the number of the run's first event.

    Runs start every `step` events, until one of them holds the last event.
    """
    table.derive("event_number", f"row_number() {stream.over} - 1")
    table.derive("n_events", f"count({stream.moment}) OVER ({stream.partition})")
    first = f"greatest(0, (event_number - {length} + {step}) // {step} * {step})"
    last = f"(greatest(n_events - {length}, 0) + {step - 1}) // {step} * {step}"
    return f"unnest(range({first}, least(event_number, {last}) + 1, {step}))"


def _interval(setting: str, text: str) -> str:
    """Return SQL of a duration, such as ``90s``, ``5m``, ``1.5h`` or ``2d``."""
    found = re.fullmatch(r"(\d+(?:\.\d+)?)\s*([smhd])", text.strip())
    if not found or not float(found[1]):
        raise ConfigError(f"{setting} = {shown(text)} is not a duration; write it like 90s, 5m, 1h or 2d")
    if float(found[1]) > MOST_UNITS:
        raise ConfigError(f"{setting} = {shown(text)} is too long; write it like 90s, 5m, 1h or 2d")
    return f"to_microseconds(CAST({float(found[1])} * epoch(INTERVAL 1 {UNITS[found[2]]}) * 1e6 AS BIGINT))"
