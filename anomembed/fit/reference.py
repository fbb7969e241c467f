"""Read the reference and everything else a model of records is fitted to, so that fitting needs no table."""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import NamedTuple

import numpy as np
import polars as pl
from numpy.typing import NDArray

from anomembed.config import Config
from anomembed.errors import DataError
from anomembed.fit.entities import event_time, find_derived, fit_past, note_event, note_single, plan_past, sum_entities
from anomembed.fit.learnt import HELD_OUT_SHARE, MOST_HELD_OUT
from anomembed.fit.messages import count_messages, learn_messages, subtract_messages, text_notes
from anomembed.fit.unknown import note_moments, note_nobody
from anomembed.read.derived import Derived
from anomembed.read.history import History, derive_history
from anomembed.read.roles.assigned import ColumnRole, Roles
from anomembed.read.roles.role import Content
from anomembed.read.table import HASH, Table
from anomembed.represent.batch import Batch, make_batch
from anomembed.represent.counts import count_pairs
from anomembed.represent.embeddings.corpus import Corpus, SplitCorpus, record_corpus, record_sequences
from anomembed.represent.entities import Entities
from anomembed.represent.keys import distinct
from anomembed.represent.tokens.arrivals import find_new, note_arriving, with_arrivals
from anomembed.represent.tokens.learning import (
    category_tokens,
    identifier_tokens,
    number_tokens,
    time_tokens,
    vector_tokens,
    with_usual_spellings,
)
from anomembed.represent.tokens.lifetimes import find_absent
from anomembed.represent.tokens.value_counts import ValueCounts, count_values
from anomembed.represent.tokens.vocabulary import ColumnTokens, Tokens, Vocabulary

GOLDEN = np.uint64(0x9E3779B97F4A7C15)  # 2**64 over the golden ratio: its multiples spread evenly
MOST_CELLS = 16_000_000  # values in memory; of wider tables, fewer records are sampled


@dataclass(frozen=True)
class Reference:
    """Everything a model of records is fitted to.

    Parameters
    ----------
    vocabulary : Vocabulary
        Tokens, counted over all reference records.
    learnt, held_out : Batch
        Records to fit to, and records to calibrate on.
    is_split : bool
        Whether the two are disjoint; otherwise `held_out` is a part of `learnt`.
    n_records : int
        Number of reference records in the table.
    entities : Entities
        Sums over all reference records of each entity.
    notes : tuple of str
        What the user should know, one sentence each.
    derived : Derived
        Which other columns were computed for the views.
    new : ndarray of shape (n_held_out, n_columns), optional
        Values of the records held out that were new when they came, in the columns where many come and go; None when
        the reference itself is scored.
    """

    vocabulary: Vocabulary
    learnt: Batch
    held_out: Batch
    is_split: bool
    n_records: int
    entities: Entities
    notes: tuple[str, ...]
    derived: Derived = field(default_factory=Derived)
    new: NDArray[np.bool_] | None = None


def read_reference(table: Table, roles: Roles, config: Config, *, is_own: bool, is_alone: bool = False) -> Reference:
    """Read reference records, turn their values into tokens, and sum up their entities.

    Parameters
    ----------
    table : Table
        An open table.
    roles : Roles
        Roles of its columns.
    config : Config
        Settings; `config.source.fit_where` says which records are the reference.
    is_own : bool
        Whether the reference itself will be scored; then records are held out only when it is sampled.
    is_alone : bool, default=False
        Whether a record will be scored without the others of its table; then nothing is compared with them.

    Raises
    ------
    ConfigError
        When events are named without a time.
    DataError
        When no column is informative.
    """
    history = plan_past(table, roles, config)
    derived = Derived() if is_alone else find_derived(table, roles, config)
    if history:
        derive_history(table, roles, history)
    computed = (history.select() if history else {}) | derived.derive(table, roles)
    frames = _read_frames(table, roles, computed, config, is_own=is_own)
    vocabulary = _fit_vocabulary(table, roles, frames, config)
    past = fit_past(history, frames.learnt, config) if history else None
    numbers = tuple(column.name for column in roles.holding(Content.NUMBER))
    learnt, held_out = (
        make_batch(frame, vocabulary, numbers, past, **derived.columns) for frame in (frames.learnt, frames.held_out)
    )
    time = event_time(table, roles, config)
    vocabulary, new = _place_in_time(vocabulary, frames, learnt.tokens, held_out.tokens, time, config.seed)
    return Reference(
        vocabulary=vocabulary,
        learnt=learnt,
        held_out=held_out,
        is_split=frames.is_split,
        n_records=frames.n_records,
        entities=sum_entities(table, roles, vocabulary, past, config.source.fit_where),
        notes=tuple(_notes(table, roles, vocabulary, history, config)),
        derived=derived,
        new=new,
    )


def _notes(
    table: Table, roles: Roles, vocabulary: Vocabulary, history: History | None, config: Config
) -> Iterator[str]:
    where = config.source.fit_where
    yield from (*note_moments(table, roles, where), *note_nobody(table, roles, where), *note_event(history, config))
    yield from (*note_single(roles, vocabulary), *text_notes(roles, vocabulary.names), *note_arriving(vocabulary))


class _InTime(NamedTuple):
    """A vocabulary that knows when its values were there, and which records held out had a value that was new then."""

    vocabulary: Vocabulary
    new: NDArray[np.bool_] | None


def _place_in_time(
    vocabulary: Vocabulary, frames: "_Frames", learnt: Tokens, held_out: Tokens, time: str | None, seed: int
) -> _InTime:
    """Find out when values were there; nothing is new when the reference itself is scored: no record comes later."""
    if time is None:
        return _InTime(vocabulary, None)
    vocabulary = replace(vocabulary, absent=find_absent(vocabulary, learnt, frames.learnt[time]))
    if frames.is_own:
        return _InTime(vocabulary, None)
    tokens, frame = np.concatenate([held_out, learnt]), pl.concat([frames.held_out, frames.learnt])
    new = find_new(vocabulary, tokens, frame, time, seed)
    return _InTime(with_arrivals(vocabulary, new), new[: len(held_out)])


def split_records(table: Table, roles: Roles, config: Config) -> SplitCorpus:
    """Read the corpus that embeddings of records are learnt from, and hold some of it out to evaluate them."""
    frames = _read_frames(table, roles, {}, config, is_own=False)
    vocabulary = _fit_vocabulary(table, roles, frames, config)
    held_out = record_sequences(vocabulary.encode(frames.held_out))
    return SplitCorpus(count_corpus(vocabulary, vocabulary.encode(frames.learnt)), held_out)


def count_corpus(vocabulary: Vocabulary, tokens: Tokens) -> Corpus:
    """Count distinct records and pairs of tokens."""
    rows, _, times = distinct(tokens)
    return record_corpus(vocabulary, rows, times, count_pairs(rows, times, vocabulary.size))


@dataclass(frozen=True)
class _Frames:
    """The records that define normal, split by hash.

    Parameters
    ----------
    learnt, held_out : pl.DataFrame
        The records to learn from, and those to calibrate on.
    is_split : bool
        Whether they are different ones.
    is_whole : bool
        Whether they are all that there are, and not a sample.
    is_own : bool
        Whether all that there are will be scored. What is counted over all of them then includes those held out: they
        are no newer than the others.
    n_records : int
        How many there are in all.
    """

    learnt: pl.DataFrame
    held_out: pl.DataFrame
    is_split: bool
    is_whole: bool
    is_own: bool
    n_records: int


def _read_frames(table: Table, roles: Roles, derived: dict[str, str], config: Config, *, is_own: bool) -> _Frames:
    judged, where = roles.select(), config.source.fit_where
    select = judged | derived
    hashed = table.hashed(judged, [table.column(c.name) for c in roles.key], config.seed)
    n_values = roles.n_values + len(select) - len(judged)
    most = min(config.reference.max_records, max(1_000, MOST_CELLS // n_values))
    sample, n_records = table.sample(select, hashed, where, most)
    frame = _spread(sample)
    is_whole = frame.height == n_records
    if is_own and is_whole:
        return _Frames(
            frame, frame.head(MOST_HELD_OUT), is_split=False, is_whole=True, is_own=True, n_records=n_records
        )
    n_held_out = int(min(MOST_HELD_OUT, max(HELD_OUT_SHARE * frame.height, 1)))
    learnt, held_out = frame[n_held_out:], frame[:n_held_out]
    return _Frames(learnt, held_out, is_split=True, is_whole=is_whole, is_own=is_own, n_records=n_records)


def _spread(frame: pl.DataFrame) -> pl.DataFrame:
    """Order records by their hash, with the copies of repeated records spread evenly instead of adjacent."""
    copy = frame.select(pl.int_range(pl.len()).over(HASH)).to_series().to_numpy().astype(np.uint64)
    return frame[np.argsort(frame[HASH].to_numpy() + copy * GOLDEN, kind="stable")].drop(HASH)


def _fit_vocabulary(table: Table, roles: Roles, frames: _Frames, config: Config) -> Vocabulary:
    """Make the tokens of every judged column."""
    columns = [tokens for column in roles.judged for tokens in _fit_column(column, table, roles, frames, config)]
    if not columns:
        raise DataError(
            f"nothing to learn from in {table.name}: none of {', '.join(roles.select())} is informative; add columns"
        )
    return Vocabulary(tuple(columns))


def _fit_column(column: ColumnRole, table: Table, roles: Roles, frames: _Frames, config: Config) -> list[ColumnTokens]:
    name, values = column.name, frames.learnt[column.name]
    match column.role.content:
        case Content.NUMBER:
            return [number_tokens(name, values.to_numpy().astype(np.float64), config.tokens.bins)]
        case Content.IDENTIFIER:
            return identifier_tokens(name, values)
        case Content.VECTOR:
            return [vector_tokens(name, values)]
        case Content.MOMENT:
            return time_tokens(name, values)
        case Content.MESSAGE:
            return _fit_messages(table, name, roles, frames, config)
        case _:
            counts = _count_values(column, table, frames, config)
            tokens = category_tokens(name, counts, config.tokens.min_count)
            return [_as_spelled(tokens, column, table, config) if column.spellings else tokens]


def _as_spelled(tokens: ColumnTokens, column: ColumnRole, table: Table, config: Config) -> ColumnTokens:
    """Show values as they are usually spelled."""
    written = column.role.plain_sql(column)
    return with_usual_spellings(tokens, table.usual_spellings(written, column.plain_sql, config.source.fit_where))


def _count_values(column: ColumnRole, table: Table, frames: _Frames, config: Config) -> ValueCounts:
    """Count the values of the records to learn from; when they are a sample, in the table itself."""
    most = config.tokens.max_values
    if frames.is_whole:
        return count_values(frames.learnt[column.name]).cut(most)
    counts = ValueCounts.of(table.value_counts(column.plain_sql, config.source.fit_where)).cut(most)
    return counts if frames.is_own else counts.without(frames.held_out[column.name])


def _fit_messages(table: Table, name: str, roles: Roles, frames: _Frames, config: Config) -> list[ColumnTokens]:
    messages, taken = frames.learnt[name], [column.name for column in roles.columns]
    if frames.is_whole:
        return learn_messages(name, messages, config.tokens, taken=taken)
    counts, n_missing = count_messages(table, roles.select()[name], roles, config.source.fit_where)
    if not frames.is_own:
        held_out = frames.held_out[name]
        counts, n_missing = subtract_messages(counts, held_out), max(n_missing - held_out.null_count(), 0)
    return learn_messages(name, messages, config.tokens, counts=counts, n_missing=n_missing, taken=taken)
