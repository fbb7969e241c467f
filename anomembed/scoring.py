"""Score records: read them batch by batch, judge each batch, keep what may be flagged, explain what is."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import NamedTuple

import numpy as np
import polars as pl

from anomembed.explain import explain
from anomembed.explain.flags import Flags
from anomembed.fit.forming import ensure_sequences
from anomembed.model import Model
from anomembed.read.roles.assigned import match_roles
from anomembed.read.sequences import read_sequences
from anomembed.read.sharing import shared_values
from anomembed.read.table import VALUE, VALUES, Table, read_values
from anomembed.represent.batch import Batch
from anomembed.score.drift import Drift
from anomembed.score.flags import FlagKeeper, FlagRule

BATCH_SIZE, BATCH_VALUES = 131_072, 8_000_000  # records and values per batch, at most


Consumer = Callable[[Iterable[pl.DataFrame]], object]
"""Goes through all scored batches."""


class Flagged(NamedTuple):
    """The flags, the number of records scored, why alpha flags none, and which values are new and frequent."""

    flags: Flags
    n_scored: int
    why_nothing: str | None
    drift: tuple[str, ...]


def score_and_explain(model: Model, table: Table, where: str | None, rule: FlagRule, consume: Consumer) -> Flagged:
    """Score records, pass all scores to `consume`, and explain the flagged ones.

    Parameters
    ----------
    model, table, where
        See `score_batches`.
    rule : FlagRule
        How flags are chosen.
    consume : callable
        Consumes the scored batches; see `FlagKeeper.watch` for their columns.

    Raises
    ------
    DataError
        When there are no records.
    SourceError
        See `score_batches`.
    """
    drift = Drift(model.vocabulary)
    return explain_scored(model, score_batches(model, table, where, drift=drift), rule, consume, drift)


def explain_scored(
    model: Model, scored: Iterable[pl.DataFrame], rule: FlagRule, consume: Consumer, drift: Drift
) -> Flagged:
    """Pass all scores to `consume`, and explain the flagged records; see `score_and_explain`.

    Parameters
    ----------
    model : Model
        The model that scored them.
    scored : iterable of pl.DataFrame
        From `score_batches` or `score_frames`.
    rule, consume
        See `score_and_explain`.
    drift : Drift
        That which counts the values of `scored`.
    """
    keeper = FlagKeeper(rule, model.roles.key_names)
    consume(keeper.watch(scored))
    flags = explain(model, keeper.flagged())
    return Flagged(flags, keeper.n_scored, keeper.why_nothing(), tuple(drift.cautions()))


def score_batches(
    model: Model, table: Table, where: str | None, size: int | None = None, drift: Drift | None = None
) -> Iterator[pl.DataFrame]:
    """Score records batch by batch, in constant memory.

    Parameters
    ----------
    model : Model
        A fitted model.
    table : Table
        An open table with the columns the model was fitted to.
    where : str or None
        SQL condition of the records to score; None for all.
    size : int, optional
        Records per batch; it does not change the scores.
    drift : Drift, optional
        Counts the values of records that the reference does not have.

    Yields
    ------
    pl.DataFrame
        The key columns; ``raw_score`` (Float64, high = abnormal), ``tail_probability`` (Float64, low = abnormal),
        ``view`` (String, the view in which the record stands out most); and the judged columns, prefixed by `VALUE`.

    Raises
    ------
    SourceError
        When a column is missing, or its type does not fit its role any more.
    """
    yield from score_frames(model, read_frames(model, table, where, size), drift)


def score_frames(model: Model, frames: Iterable[pl.DataFrame], drift: Drift | None = None) -> Iterator[pl.DataFrame]:
    """Score records that were read, see `score_batches`; the table may be closed by now.

    Parameters
    ----------
    model : Model
        A fitted model.
    frames : iterable of pl.DataFrame
        From `read_frames`.
    drift : Drift, optional
        See `score_batches`.
    """
    names = np.array([calibrated.view.name for calibrated in model.views])
    for frame in frames:
        batch = model.encode(frame)
        raw, worst = model.score(batch)
        if drift and isinstance(batch, Batch):
            drift.watch(batch.tokens, read_values(frame))
        scores = pl.DataFrame(
            {"raw_score": raw, "tail_probability": model.calibration.tail_probability(raw), "view": names[worst]}
        )
        keys, values = frame.select(model.roles.key_names), frame.select(pl.col(VALUES))
        yield pl.concat([keys, scores, values], how="horizontal")


def read_frames(
    model: Model, table: Table, where: str | None, size: int | None = None, also: Mapping[str, str] | None = None
) -> Iterator[pl.DataFrame]:
    """Read records batch by batch for `score_frames`.

    Parameters
    ----------
    model, table, where, size
        See `score_batches`.
    also : mapping of str to str, optional
        SQL of more columns to read of records, by name; not of sequences.
    """
    roles = match_roles(model.roles, table) if not model.is_sequential else None
    if roles is None:
        ensure_sequences(table, model.config)
        yield from read_sequences(table, match_roles(model.roles, table), where, size or BATCH_SIZE)
        return
    derived = model.derive(table, roles) | shared_values(table, roles.select())
    select = {VALUE + name: sql for name, sql in (roles.select() | derived).items()}
    key = [table.column(column.name) for column in roles.key]
    n_values = roles.n_values + len(derived)
    yield from table.batches({**(also or {}), **select}, key, where, size or batch_size(n_values))


def batch_size(n_values: int) -> int:
    """Return the number of records per batch, given the number of values per record."""
    return min(BATCH_SIZE, max(1_000, BATCH_VALUES // n_values))
