"""Score records: read them batch by batch, judge each batch, keep what may be flagged, explain what is."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
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
from anomembed.represent.sequences import Sequences
from anomembed.score.drift import Drift, Tally, tally_values
from anomembed.score.flags import FlagKeeper, FlagRule
from anomembed.workers import Pool, in_order, open_workers

BATCH_SIZE, BATCH_VALUES = 65_536, 8_000_000  # records and values per batch, at most


Consumer = Callable[[Iterable[pl.DataFrame]], object]
"""Goes through all scored batches."""


class Flagged(NamedTuple):
    """The flags, the number of records scored, why alpha flags none, and which values are new and frequent."""

    flags: Flags
    n_scored: int
    why_nothing: str | None
    drift: tuple[str, ...]


class Part(NamedTuple):
    """What comes of a frame of records: the score of each, those that may be flagged, and what they have."""

    scores: pl.DataFrame
    kept: FlagKeeper
    tally: Tally | None


@dataclass(frozen=True)
class Scorer:
    """Scores frames, each for itself, wherever workers are.

    Parameters
    ----------
    model : Model
        A fitted model.
    rule : FlagRule
        How flags are chosen.
    """

    model: Model
    rule: FlagRule

    def __call__(self, frame: pl.DataFrame) -> Part:
        """Score the records of a frame from `read_frames`."""
        batch = self.model.encode(frame)
        keeper = FlagKeeper(self.rule, self.model.roles.key_names)
        (scores,) = keeper.watch([_score_batch(self.model, frame, batch)])
        if isinstance(batch, Sequences):
            return Part(scores, keeper, None)
        return Part(scores, keeper, tally_values(self.model.vocabulary, batch.tokens, read_values(frame)))


def score_and_explain(
    model: Model, table: Table, where: str | None, rule: FlagRule, consume: Consumer, workers: Pool | None = None
) -> Flagged:
    """Score records, pass all scores to `consume`, and explain the flagged ones.

    Parameters
    ----------
    model, table, where
        See `score_batches`.
    rule : FlagRule
        How flags are chosen.
    consume : callable
        Consumes the scored batches: the key columns, ``raw_score``, ``tail_probability`` and ``view``.
    workers : Pool, optional
        Who scores; threads of this process by default. The scores are the same, whoever does.

    Raises
    ------
    DataError
        When there are no records.
    SourceError
        See `score_batches`.
    WorkersError
        When workers cannot be reached, or are lost.
    """
    drift = Drift(model.vocabulary)
    return explain_frames(model, read_frames(model, table, where), rule, consume, drift, workers)


def explain_frames(
    model: Model,
    frames: Iterable[pl.DataFrame],
    rule: FlagRule,
    consume: Consumer,
    drift: Drift,
    workers: Pool | None = None,
) -> Flagged:
    """Score records that were read, and explain the flagged ones; see `score_and_explain`.

    Parameters
    ----------
    model : Model
        A fitted model.
    frames : iterable of pl.DataFrame
        From `read_frames`; the table may be closed by now.
    rule, consume
        See `score_and_explain`.
    drift : Drift
        Gets what the records have.
    workers : Pool, optional
        See `score_and_explain`.
    """
    keeper = FlagKeeper(rule, model.roles.key_names)

    def gathered() -> Iterator[pl.DataFrame]:
        nonlocal keeper
        for part in in_order(workers or open_workers(), Scorer(model, rule), frames):
            keeper += part.kept
            if part.tally:
                drift.add(part.tally)
            yield part.scores

    consume(gathered())
    flags = explain(model, keeper.flagged())
    return Flagged(flags, keeper.n_scored, keeper.why_nothing(), tuple(drift.cautions()))


def score_batches(model: Model, table: Table, where: str | None, size: int | None = None) -> Iterator[pl.DataFrame]:
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
    for frame in read_frames(model, table, where, size):
        yield _score_batch(model, frame, model.encode(frame))


def _score_batch(model: Model, frame: pl.DataFrame, batch: Batch | Sequences) -> pl.DataFrame:
    """Score a frame that is encoded as a batch; see `score_batches`."""
    names = np.array([calibrated.view.name for calibrated in model.views])
    raw, worst = model.score(batch)
    scores = {"raw_score": raw, "tail_probability": model.calibration.tail_probability(raw), "view": names[worst]}
    keys, values = frame.select(model.roles.key_names), frame.select(pl.col(VALUES))
    return pl.concat([keys, pl.DataFrame(scores), values], how="horizontal")


def read_frames(
    model: Model, table: Table, where: str | None, size: int | None = None, also: Mapping[str, str] | None = None
) -> Iterator[pl.DataFrame]:
    """Read records batch by batch for `explain_frames`.

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
    yield from table.batches({**(also or {}), **select}, key, where, batch_size(n_values) if size is None else size)


def batch_size(n_values: int) -> int:
    """Return the number of records per batch, given the number of values per record."""
    return min(BATCH_SIZE, max(1_000, BATCH_VALUES // n_values))
