"""What the entity of a record usually does, and what it did around that time."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import polars as pl

from anomembed.explain.records import find_entities
from anomembed.investigate.case import Event, Habit
from anomembed.investigate.source import KEY, SourceRecord
from anomembed.read.quoting import quote_text
from anomembed.read.roles.role import Content
from anomembed.write.judgements import scores_of
from anomembed.write.store import Store

MOST_RECORDS = 100_000  # of an entity that are read, those nearest in time
AROUND = 5  # records before, and as many after
MOST_USUAL = 3  # values of a habit
MOMENT, NUMBER = "moment:", "number:"  # prefixes of columns in their plain types


@dataclass(frozen=True)
class Past:
    """An entity's records beside one.

    Parameters
    ----------
    entity : str
        Who, as ``column=value``.
    n_others : int
        Its other records.
    habits : tuple of Habit
        What it has in each column.
    events : tuple of Event
        Its records around that time, the record itself among them; none without a time.
    notes : tuple of str
        What the reader should know.
    """

    entity: str
    n_others: int
    habits: tuple[Habit, ...]
    events: tuple[Event, ...]
    notes: tuple[str, ...]


def read_past(at: SourceRecord, own: Mapping[str, Any], store: Store, run_id: int) -> Past | None:
    """Read what an entity usually does; None without an entity, or where the record names none.

    Parameters
    ----------
    at : SourceRecord
        Where the record is.
    own : mapping
        Its judged values in their plain types.
    store : Store
        The open store.
    run_id : int
        The run whose scores are shown.
    """
    actor = _find_actor(at, own)
    if actor is None:
        return None
    moments = [column.name for column in at.roles.holding(Content.MOMENT)]
    times = [name for name in moments if own.get(name) is not None]
    when = at.model.past.history.time if at.model.past else next(iter(times or moments), None)
    is_timed = when in times
    is_its = f"{at.roles.select()[actor]} = {quote_text(str(own[actor]))}"
    records = _records(at, is_its, own, when if is_timed else None)
    others = records.filter(pl.col(KEY) != at.key)
    n_others, notes = others.height, []
    if records.height == MOST_RECORDS:
        n_others = at.table.aggregate(["count(*)"], is_its)[0] - 1
        which = ", those nearest in time" * is_timed
        notes.append(f"the habits are those of {others.height:,} of {n_others:,} records{which}")
    if when is not None and not is_timed:
        notes.append(f"the record has no {when}: nothing can be shown of what was around it")
    habits = tuple(_habits(at, others, own, [actor, *times]))
    events = _events(at, records, store, run_id, when, [actor])
    return Past(f"{actor}={own[actor]}", n_others, habits, events, tuple(notes))


def _find_actor(at: SourceRecord, own: Mapping[str, Any]) -> str | None:
    """Return the column that says who acts: that whose past is judged, else the first that names somebody here."""
    if at.model.past:
        followed = at.model.past.history.entity
        return None if own.get(followed) is None else followed
    columns = (at.model.vocabulary.columns[column].source for column in find_entities(at.model))
    return next((name for name in columns if own.get(name) is not None), None)


def _records(at: SourceRecord, is_its: str, own: Mapping[str, Any], when: str | None) -> pl.DataFrame:
    select, names = at.roles.select(), [c.name for c in at.roles.judged if c.role.content is not Content.VECTOR]
    numbers = [c.name for c in at.roles.holding(Content.NUMBER)]
    reading = {KEY: at.key_sql} | at.shown(names) | {NUMBER + name: select[name] for name in numbers}
    order = [at.key_sql]
    if when is not None:
        reading[MOMENT + when] = select[when]
        order = [f"abs(epoch({select[when]}) - epoch(TIMESTAMP {quote_text(str(own[when]))}))", *order]
    return at.table.rows(reading, is_its, order, MOST_RECORDS)


def _habits(at: SourceRecord, others: pl.DataFrame, own: Mapping[str, Any], left_out: Sequence[str]) -> list[Habit]:
    found = []
    for column in at.roles.judged:
        if column.name in left_out or column.name not in others.columns:
            continue
        value = None if own[column.name] is None else str(own[column.name])
        if column.role.content is Content.NUMBER:
            found.append(_range(column.name, value, others[NUMBER + column.name]))
        elif column.role.content is Content.VALUE:
            found.append(_usual(column.name, value, others[column.name]))
    return found


def _range(name: str, value: str | None, numbers: pl.Series) -> Habit:
    known = numbers.drop_nulls().drop_nans()
    lowest, median, highest = known.min(), known.median(), known.max()
    ends = [None if end is None else float(str(end)) for end in (lowest, median, highest)]
    return Habit(name, value, (), len(known), *ends)


def _usual(name: str, value: str | None, texts: pl.Series) -> Habit:
    counts = texts.rename("value").value_counts().sort("count", "value", descending=[True, False], nulls_last=True)
    times = dict(counts.iter_rows())
    return Habit(name, value, tuple(counts[:MOST_USUAL].iter_rows()), times.get(value, 0))


def _events(
    at: SourceRecord, records: pl.DataFrame, store: Store, run_id: int, when: str | None, left_out: Sequence[str]
) -> tuple[Event, ...]:
    """Return the records next to one in time, with their scores."""
    if when is None or MOMENT + when not in records.columns:
        return ()
    ordered = records.sort(MOMENT + when, KEY, nulls_last=True)
    place = int((ordered[KEY] == at.key).arg_max() or 0)
    near = ordered[max(0, place - AROUND) : place + AROUND + 1]
    scores = scores_of(store, run_id, near[KEY])
    names = [c.name for c in at.roles.judged if c.name in near.columns and c.name not in (when, *left_out)]
    return tuple(_event(row, when, names, scores, at.key) for row in near.iter_rows(named=True))


def _event(
    row: Mapping[str, Any], when: str, names: Sequence[str], scores: Mapping[str, tuple[float, bool]], own: str
) -> Event:
    tail, flagged = scores.get(row[KEY], (None, False))
    return Event(row[KEY], row[when], {name: row[name] for name in names}, tail, flagged, row[KEY] == own)
