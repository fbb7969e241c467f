"""Events in order: a table with one row per event is read as one row per sequence.

Events of a sequence that stand at the same place are ordered by their text, so that the order of rows never matters; a
place that is null comes last. Rows without a sequence belong to none.
"""

import re
from collections.abc import Iterator, Sequence

import polars as pl

from anomembed.errors import ConfigError, DataError
from anomembed.read.column_types import MOMENTS
from anomembed.read.columns import Column
from anomembed.read.roles import ColumnRole, Role, Roles
from anomembed.read.source import quote_text
from anomembed.read.table import HASH, Table

EVENTS = "value:events"  # the column that holds the events of a sequence, a list of texts
GAPS = "value:gaps"  # the seconds before each event, a list; null before the first
FORMED = "sequence"  # names a sequence that no column of the table names
BETWEEN = " | "  # between the columns of an event
UNITS = {"s": "SECOND", "m": "MINUTE", "h": "HOUR", "d": "DAY"}
MOST_EVENTS = 20_000_000  # events learnt from, about


def sequence_roles(
    table: Table, key: str, order: Sequence[str], event: Sequence[str], entity: Sequence[str] = ()
) -> Roles:
    """Give the columns of a table of events their roles.

    Parameters
    ----------
    table : Table
        The open table.
    key : str
        Column that names the sequence.
    order, event : sequence of str
        Columns that put events in order, and that say what happened; several make one event, in the table's order.
    entity : sequence of str
        Columns that say whose events make a sequence, where sequences were formed.

    Returns
    -------
    Roles
        What is in none of them is ignored.

    Raises
    ------
    SourceError
        When a column does not exist.
    DataError
        When there are fewer than two sequences, or no event.
    """
    told = {table.column(name).name: Role.ENTITY for name in entity}
    told |= {table.column(name).name: Role.ORDER for name in order}
    told |= {table.column(name).name: Role.EVENT for name in event}
    told[table.column(key).name] = Role.KEY
    roles = Roles(
        tuple(
            ColumnRole(
                c.name,
                c.type,
                c.expression,
                told.get(c.name, Role.IGNORE),
                "as told" if c.name in told else "neither sequence, order nor event",
            )
            for c in table.columns
            if c.name in told or not table.is_derived(c.name)
        )
    )
    count_sequences(table, roles, None)
    if not table.count(" OR ".join(f"{c.expression} IS NOT NULL" for c in roles.of(Role.EVENT))):
        raise DataError(f"every event of {table.name} is null")
    return roles


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


def read_sequences(table: Table, roles: Roles, where: str | None, size: int, seed: int = 0) -> Iterator[pl.DataFrame]:
    """Stream whole sequences.

    Parameters
    ----------
    table : Table
        The open table.
    roles : Roles
        From `sequence_roles`.
    where : str or None
        SQL condition of the events. A sequence is read as a whole when one of its events meets it.
    size : int
        Events per frame, about; a longer sequence is never cut.
    seed : int
        Of the hash.

    Yields
    ------
    pl.DataFrame
        The key column, `EVENTS` (list of text), `GAPS` (list of numbers), and `HASH`, which depends on nothing but the
        key. Gaps are null when no order is a time.
    """
    key = [table.column(column.name) for column in roles.key]
    names = [column.name for column in key]
    event = event_sql(roles.of(Role.EVENT))
    select = {EVENTS: event, GAPS: _seconds(roles), HASH: table.hashed({}, key, seed)}
    order = [*(c.expression for c in key), *(f"{c.expression} NULLS LAST" for c in roles.of(Role.ORDER)), event]
    known = " AND ".join(f"{column.expression} IS NOT NULL" for column in key)
    some = table.among(key, where)
    condition = f"({known}) AND {some}" if some else known
    rest: pl.DataFrame | None = None
    for batch in table.batches(select, key, condition, size, order):
        frame = batch if rest is None else pl.concat([rest, batch])
        is_last = pl.all_horizontal(pl.col(name).eq_missing(pl.lit(frame[name][-1])) for name in names)
        done, rest = frame.filter(~is_last), frame.filter(is_last)
        if done.height:
            yield _grouped(done, names)
    if rest is not None:
        yield _grouped(rest, names)


def _grouped(events: pl.DataFrame, key: list[str]) -> pl.DataFrame:
    return events.group_by(key, maintain_order=True).agg(EVENTS, pl.col(GAPS).diff(), pl.col(HASH).first())


def _seconds(roles: Roles) -> str:
    """Return SQL of the moment of an event in seconds, from the first order that is a time."""
    moments = (column for column in roles.of(Role.ORDER) if MOMENTS.match(column.type))
    column = next(moments, None)
    return f"CAST(epoch({column.expression}) AS DOUBLE)" if column else "NULL::DOUBLE"


def event_sql(columns: Sequence[Column | ColumnRole]) -> str:
    """Return SQL of an event as one text: null for a null, but `(missing)` beside other columns."""
    if len(columns) == 1:
        return f"CAST({columns[0].expression} AS VARCHAR)"
    parts = [f"coalesce(CAST({column.expression} AS VARCHAR), '(missing)')" for column in columns]
    return f" || {quote_text(BETWEEN)} || ".join(parts)


def sampled(table: Table, roles: Roles, where: str | None, most: int, seed: int) -> str | None:
    """Narrow a condition to about `most` sequences, chosen by their hash, and to what can be held in memory."""
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
) -> str:
    """Cut the events of every entity into sequences, by time or by number.

    Parameters
    ----------
    table : Table
        The open table; it gets a column that names the sequence: the entity and where it starts.
    entity : sequence of str
        Columns that name who acts; none means that all events are of one.
    time : str
        Column that says when.
    event : sequence of str
        Columns that say what happened; they put events of the same time in order.
    session_gap, window : str, optional
        A length of time such as ``30m``: of the pause that ends a session, or of a window.
    length, step : int, optional
        Events in a row, and from one start to the next; sequences overlap when `step` is less than `length`.

    Returns
    -------
    str
        Name of the new column.

    Raises
    ------
    ConfigError
        When a length of time cannot be read.
    SourceError
        When a column does not exist.
    """
    who = [f"CAST({table.column(name).expression} AS VARCHAR)" for name in entity]
    moment = f"CAST({table.column(time).expression} AS TIMESTAMP)"
    what = [table.column(name).expression for name in event]
    partition = f"PARTITION BY {', '.join(who)} " if who else ""
    over = f"OVER ({partition}ORDER BY {', '.join([moment, *what])})"
    if window is not None:
        start = f"time_bucket({_interval('window', window)}, {moment})"
    elif session_gap is not None:
        goes_on = f"{moment} - lag({moment}) {over} <= {_interval('session_gap', session_gap)}"
        table.derive("session_start", f"CASE WHEN {goes_on} THEN NULL ELSE {moment} END")
        start = f"max(session_start) {over}"
    else:
        table.derive("event_number", f"row_number() {over} - 1")
        table.derive("n_events", f"count(*) OVER ({partition})")
        start = _starts(length or 1, step or length or 1)
    table.derive("sequence_start", start)
    table.derive(FORMED, f"concat_ws(' ', {', '.join([*who, 'CAST(sequence_start AS VARCHAR)'])})")
    return FORMED


def _starts(length: int, step: int) -> str:
    """Return SQL of a row for every sequence of some length that an event is in: the number of its first event.

    Sequences start every `step` events, until one of them holds the last event.
    """
    first = f"greatest(0, (event_number - {length} + {step}) // {step} * {step})"
    last = f"(greatest(n_events - {length}, 0) + {step - 1}) // {step} * {step}"
    return f"unnest(range({first}, least(event_number, {last}) + 1, {step}))"


def _interval(setting: str, text: str) -> str:
    """Return SQL of a length of time that a setting holds, such as ``90s``, ``5m``, ``1.5h`` or ``2d``."""
    found = re.fullmatch(r"(\d+(?:\.\d+)?)\s*([smhd])", text.strip())
    if not found or not float(found[1]):
        raise ConfigError(f"{setting} = {text!r} is no length of time; say it like 90s, 5m, 1h or 2d")
    return f"to_microseconds(CAST({float(found[1])} * epoch(INTERVAL 1 {UNITS[found[2]]}) * 1e6 AS BIGINT))"
