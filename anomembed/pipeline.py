"""The way of a record, told once: roles, what is normal, scores, flags, reasons, and into the store.

`scan_into_store` is all of it; `fit_into_store` and `score_into_store` are its halves. `anomembed.in_memory` does the
same for Python.
"""

from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import NamedTuple, Protocol

import numpy as np
import polars as pl

from anomembed.config import Config
from anomembed.errors import DataError
from anomembed.explain import explain
from anomembed.explain.flags import Flags
from anomembed.fit.model import find_roles, learn_model
from anomembed.fit.sequences import ensure_sequences
from anomembed.model import Model
from anomembed.read.history import derive_history
from anomembed.read.keys import check_key
from anomembed.read.roles import Roles, match_roles
from anomembed.read.sequences import read_sequences
from anomembed.read.suggestion import Suggestion, suggest_entity
from anomembed.read.table import VALUE, VALUES, Table
from anomembed.read.vectors import TokenVectors
from anomembed.represent.embeddings.epochs import Progress
from anomembed.score.flags import FlagKeeper, FlagRule
from anomembed.write.models import save_model
from anomembed.write.store import Store

DEFAULT_BUDGET = 20
BATCH_SIZE, BATCH_VALUES = 131_072, 8_000_000  # records and values scored at once, at most


class Watcher:
    """Is told how learning goes, and does nothing; the command line has one that prints."""

    def roles(self, roles: Roles) -> None:
        """Take note of the role of every column."""

    def suggestion(self, suggestion: Suggestion) -> None:
        """Take note of a column that looks like who acts, where none is named."""

    def learning(self) -> AbstractContextManager[Progress | None]:
        """Return a context for the time of learning; its value, if any, is called after every epoch."""
        return nullcontext()

    def model(self, model: Model) -> None:
        """Take note of what was learnt."""


@dataclass(frozen=True)
class Run:
    """What one run did.

    Parameters
    ----------
    run_id, model_id : int
        Their numbers in the store.
    model : Model
        The model that scored.
    rule : FlagRule
        How flags were chosen.
    n_scored : int
        Records scored.
    flags : Flags
        The flagged ones.
    caution : str or None
        Why the flag rule cannot work, if so.
    """

    run_id: int
    model_id: int
    model: Model
    rule: FlagRule
    n_scored: int
    flags: Flags
    caution: str | None


def scan_into_store(
    table: Table, config: Config, store: Store, watcher: Watcher, vectors: TokenVectors | None = None
) -> Run:
    """Learn what is normal in a table, score its records, and keep both.

    Parameters
    ----------
    table : Table
        An open table.
    config : Config
        Settings.
    store : Store
        An open store; the scores remain staged in it for `Store.copy_scores`.
    watcher : Watcher
        Is told how it goes.
    vectors : TokenVectors, optional
        What `config.embedding.vectors` names, when it has been read already.
    """
    return score_into_store(learn_from(table, config, watcher, vectors=vectors), None, table, config, store)


def learn_from(
    table: Table,
    config: Config,
    watcher: Watcher,
    *,
    roles: Roles | None = None,
    vectors: TokenVectors | None = None,
) -> Model:
    """Learn what is normal in the table whose records are scored next.

    Parameters
    ----------
    table, config, watcher
        See `scan_into_store`.
    roles : Roles, optional
        The part of every column; inferred, with what the configuration says, by default.
    vectors : TokenVectors, optional
        See `scan_into_store`.

    Raises
    ------
    DataError
        When no record meets the condition, or the key does not name the records.
    """
    source = config.source
    if source.where and not table.count(source.where):
        raise DataError(f"no record of {table.name} meets the condition {source.where}")
    roles = roles or find_roles(table, config)
    watcher.roles(roles)
    suggestion = None if roles.is_sequential else suggest_entity(table, roles)
    if suggestion:
        watcher.suggestion(suggestion)
    check_key(roles, table, source.where)  # before the work, not after it
    with watcher.learning() as progress:
        is_own = source.fit_where == source.where
        model = learn_model(table, config, is_own=is_own, roles=roles, vectors=vectors, progress=progress)
    watcher.model(model)
    return model


def fit_into_store(
    table: Table, config: Config, store: Store, watcher: Watcher, vectors: TokenVectors | None = None
) -> int:
    """Learn what is normal in a table and keep the model; return its number in the store.

    Parameters
    ----------
    table, config, store, watcher, vectors
        See `scan_into_store`.
    """
    roles = find_roles(table, config)
    watcher.roles(roles)
    check_key(roles, table, config.source.fit_where)
    with watcher.learning() as progress:
        model = learn_model(table, config, roles=roles, vectors=vectors, progress=progress)
    watcher.model(model)
    with store.transaction():
        return save_model(model, store)


def score_into_store(model: Model, model_id: int | None, table: Table, config: Config, store: Store) -> Run:
    """Score records and keep the result; a model that is not in the store yet is kept in the same transaction.

    Parameters
    ----------
    model : Model
        What is normal.
    model_id : int or None
        Its number in the store; None when it is not there yet.
    table : Table
        The records; `config.source.where` says which. See to their key by `check_key` first.
    config : Config
        Settings, of which the flag rule counts.
    store : Store
        An open store; the scores remain staged in it for `Store.copy_scores`.
    """
    where, rule = config.source.where, flag_rule(config)
    flags, n_scored = score(model, table, where, rule, store.stage)
    about = {"source": table.name, "condition": where, "rule": str(rule), "n_scored": n_scored}
    with store.transaction():
        kept_id = save_model(model, store) if model_id is None else model_id
        run_id = store.add_run(kept_id, about, model.roles.key_names, flags.frame, flags.contributions)
    calibration = model.calibration
    caution = rule.caution(n_scored, calibration.n_reference, can_extrapolate=calibration.is_fitted)
    return Run(run_id, kept_id, model, rule, n_scored, flags, caution)


class Keep(Protocol):
    """Takes in scored batches, one after the other."""

    def __call__(self, batches: Iterable[pl.DataFrame], /) -> object:
        """Go through all batches."""


class Scored(NamedTuple):
    """What scoring a table comes to: the flags, and how many records were scored."""

    flags: Flags
    n_scored: int


def score(model: Model, table: Table, where: str | None, rule: FlagRule, keep: Keep) -> Scored:
    """Score records, give all scores to `keep`, and explain those that are flagged.

    Parameters
    ----------
    model : Model
        What is normal.
    table : Table
        An open table with the columns that the model was fitted on.
    where : str or None
        SQL condition of the records to score; all by default.
    rule : FlagRule
        How flags are chosen.
    keep : callable
        Takes in the scored batches.
    """
    keeper = FlagKeeper(rule, model.roles.key_names)
    keep(keeper.watch(score_batches(model, table, where)))
    return Scored(explain(model, keeper.flagged()), keeper.n_scored)


def score_batches(model: Model, table: Table, where: str | None, size: int | None = None) -> Iterator[pl.DataFrame]:
    """Score records, batch by batch in constant memory.

    Parameters
    ----------
    model : Model
        What is normal.
    table : Table
        An open table with the columns that the model was fitted on.
    where : str or None
        SQL condition of the records to score; all by default.
    size : int, optional
        Records per batch; it does not change the result.

    Yields
    ------
    pl.DataFrame
        The key columns; ``raw_score`` (Float64, high = abnormal), ``tail_probability`` (Float64, low = abnormal),
        ``view`` (String, the view in which the record is most abnormal); and the judged columns, prefixed by `VALUE`.

    Raises
    ------
    SourceError
        When a column is missing or has become another kind of thing.
    """
    names = np.array([calibrated.view.name for calibrated in model.views])
    for frame in (_read_sequences if model.is_sequential else _read_records)(model, table, where, size):
        raw, worst = model.score(model.encode(frame))
        scores = pl.DataFrame(
            {"raw_score": raw, "tail_probability": model.calibration.tail_probability(raw), "view": names[worst]}
        )
        keys, values = frame.select(model.roles.key_names), frame.select(pl.col(VALUES))
        yield pl.concat([keys, scores, values], how="horizontal")


def _read_records(model: Model, table: Table, where: str | None, size: int | None) -> Iterator[pl.DataFrame]:
    roles = match_roles(model.roles, table)
    derived = {}
    if model.past:
        derive_history(table, roles, model.past.history)
        derived = model.past.history.select()
    select = {VALUE + name: sql for name, sql in (roles.select() | derived).items()}
    key = [table.column(column.name) for column in roles.key]
    return table.batches(select, key, where, size or batch_size(roles.n_values + len(derived)))


def _read_sequences(model: Model, table: Table, where: str | None, size: int | None) -> Iterator[pl.DataFrame]:
    ensure_sequences(table, model.config)
    return read_sequences(table, match_roles(model.roles, table), where, size or BATCH_SIZE)


def batch_size(n_values: int) -> int:
    """Return how many records of so many values each are scored at once."""
    return min(BATCH_SIZE, max(1_000, BATCH_VALUES // n_values))


def flag_rule(config: Config) -> FlagRule:
    """Return the rule that the configuration asks for."""
    for name in ("alpha", "budget", "threshold"):
        value = getattr(config.flags, name)
        if value is not None:
            return FlagRule(name, value)
    return FlagRule("budget", DEFAULT_BUDGET)
