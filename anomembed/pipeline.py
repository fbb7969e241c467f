"""The steps of a run: infer roles, fit a model, score records, flag, explain, write to the store.

`scan_into_store` runs them all, `fit_into_store` the first two and `score_into_store` the others. `anomembed.in_memory`
runs the same steps without a store.
"""

from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import polars as pl

from anomembed.config import Config
from anomembed.errors import DataError
from anomembed.explain import explain
from anomembed.explain.flags import Flags
from anomembed.fit.model import find_roles, learn_model
from anomembed.fit.sequences import ensure_sequences
from anomembed.model import Model
from anomembed.read.roles.assigned import Roles, match_roles
from anomembed.read.roles.keys import check_key
from anomembed.read.roles.suggestion import Suggestion, suggest_entity
from anomembed.read.sequences import read_sequences
from anomembed.read.table import VALUE, VALUES, Table, read_values
from anomembed.read.vectors import TokenVectors
from anomembed.represent.batch import Batch
from anomembed.represent.embeddings.epochs import Progress
from anomembed.score.drift import Drift
from anomembed.score.flags import FlagKeeper, FlagRule
from anomembed.write.models import save_model
from anomembed.write.store import Store

DEFAULT_BUDGET = 20
BATCH_SIZE, BATCH_VALUES = 131_072, 8_000_000  # records and values per batch, at most


class Watcher:
    """Callbacks during a fit; the defaults do nothing. The command line overrides them to print progress."""

    def roles(self, roles: Roles) -> None:
        """Receive the roles of the columns."""

    def suggestion(self, suggestion: Suggestion) -> None:
        """Receive a column that may name the entity, where none is given."""

    def learning(self) -> AbstractContextManager[Progress | None]:
        """Return a context that is open during the fit; its value, if any, is called after every epoch."""
        return nullcontext()

    def model(self, model: Model) -> None:
        """Receive the fitted model."""


@dataclass(frozen=True)
class Run:
    """A run and its results.

    Parameters
    ----------
    run_id, model_id : int
        Ids in the store.
    model, rule : Model, FlagRule
        What the records were scored by, and how flags were chosen.
    n_scored : int
        Number of records scored.
    flags : Flags
        The flagged records.
    cautions : tuple of str
        Warnings about the flag rule, and about values that are new and frequent.
    """

    run_id: int
    model_id: int
    model: Model
    rule: FlagRule
    n_scored: int
    flags: Flags
    cautions: tuple[str, ...]


def scan_into_store(
    table: Table, config: Config, store: Store, watcher: Watcher, vectors: TokenVectors | None = None
) -> Run:
    """Fit a model to a table, score its records, and store both.

    Parameters
    ----------
    table : Table
        An open table.
    config : Config
        Settings.
    store : Store
        An open store; the scores remain staged in it for `Store.copy_scores`.
    watcher : Watcher
        Callbacks.
    vectors : TokenVectors, optional
        The vectors that `config.embedding.vectors` names, if they have already been read.
    """
    model = fit_for_scan(table, config, watcher, vectors=vectors)
    return score_into_store(model, None, table, config, store)


def fit_for_scan(
    table: Table,
    config: Config,
    watcher: Watcher,
    *,
    roles: Roles | None = None,
    vectors: TokenVectors | None = None,
) -> Model:
    """Fit a model to a table that is scored with it next.

    Parameters
    ----------
    table, config, watcher
        See `scan_into_store`.
    roles : Roles, optional
        Roles of the columns; by default inferred, except for those in the configuration.
    vectors : TokenVectors, optional
        See `scan_into_store`.

    Raises
    ------
    DataError
        When no record meets `config.source.where`, or the key is not unique.
    """
    source = config.source
    if source.where and not table.count(source.where):
        raise DataError(f"no record of {table.name} meets the condition {source.where}")
    is_own = source.fit_where == source.where
    return _fit(table, config, watcher, source.where, is_own=is_own, roles=roles, vectors=vectors)


def fit_into_store(
    table: Table, config: Config, store: Store, watcher: Watcher, vectors: TokenVectors | None = None
) -> int:
    """Fit a model to a table, store it, and return its id; see `scan_into_store` for the parameters."""
    model = _fit(table, config, watcher, config.source.fit_where, is_own=False, vectors=vectors)
    with store.transaction():
        return save_model(model, store)


def _fit(
    table: Table,
    config: Config,
    watcher: Watcher,
    where: str | None,
    *,
    is_own: bool,
    roles: Roles | None = None,
    vectors: TokenVectors | None = None,
) -> Model:
    """Fit a model; the key must be unique among the records that meet `where`."""
    roles = roles or find_roles(table, config)
    watcher.roles(roles)
    suggestion = None if roles.is_sequential else suggest_entity(table, roles)
    if suggestion:
        watcher.suggestion(suggestion)
    check_key(roles, table, where)  # before the fit, which takes long
    with watcher.learning() as progress:
        model = learn_model(table, config, is_own=is_own, roles=roles, vectors=vectors, progress=progress)
    watcher.model(model)
    return model


def score_into_store(model: Model, model_id: int | None, table: Table, config: Config, store: Store) -> Run:
    """Score records and store the run; a model that is not stored yet is stored in the same transaction.

    Parameters
    ----------
    model : Model
        A fitted model.
    model_id : int or None
        Its id in the store; None when it is not stored yet.
    table : Table
        An open table with a unique key (see `anomembed.read.roles.keys.check_key`).
    config : Config
        Settings; `config.source.where` says which records to score, `config.flags` how to flag.
    store : Store
        An open store; the scores remain staged in it for `Store.copy_scores`.
    """
    where, rule = config.source.where, flag_rule(config)
    flags, n_scored, why_nothing, drift = score_and_explain(model, table, where, rule, store.stage)
    about = {"source": table.name, "condition": where, "rule": str(rule), "n_scored": n_scored}
    with store.transaction():
        kept_id = save_model(model, store) if model_id is None else model_id
        run_id = store.add_run(kept_id, about, model.roles.key_names, flags.frame, flags.contributions)
    tail, lowest = model.calibration, model.lowest_tail()
    caution = rule.caution(n_scored, tail.n_reference, can_extrapolate=tail.is_fitted, lowest=lowest) or why_nothing
    return Run(run_id, kept_id, model, rule, n_scored, flags, tuple(filter(None, (caution, *drift))))


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
    keeper, drift = FlagKeeper(rule, model.roles.key_names), Drift(model.vocabulary)
    consume(keeper.watch(score_batches(model, table, where, drift=drift)))
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
    names = np.array([calibrated.view.name for calibrated in model.views])
    for frame in (_read_sequences if model.is_sequential else _read_records)(model, table, where, size):
        batch = model.encode(frame)
        raw, worst = model.score(batch)
        if drift and isinstance(batch, Batch):
            drift.watch(batch.tokens, read_values(frame))
        scores = pl.DataFrame(
            {"raw_score": raw, "tail_probability": model.calibration.tail_probability(raw), "view": names[worst]}
        )
        keys, values = frame.select(model.roles.key_names), frame.select(pl.col(VALUES))
        yield pl.concat([keys, scores, values], how="horizontal")


def _read_records(model: Model, table: Table, where: str | None, size: int | None) -> Iterator[pl.DataFrame]:
    roles = match_roles(model.roles, table)
    derived = model.derive(table, roles)
    select = {VALUE + name: sql for name, sql in (roles.select() | derived).items()}
    key = [table.column(column.name) for column in roles.key]
    return table.batches(select, key, where, size or batch_size(roles.n_values + len(derived)))


def _read_sequences(model: Model, table: Table, where: str | None, size: int | None) -> Iterator[pl.DataFrame]:
    ensure_sequences(table, model.config)
    return read_sequences(table, match_roles(model.roles, table), where, size or BATCH_SIZE)


def batch_size(n_values: int) -> int:
    """Return the number of records per batch, given the number of values per record."""
    return min(BATCH_SIZE, max(1_000, BATCH_VALUES // n_values))


def flag_rule(config: Config) -> FlagRule:
    """Return the configured flag rule; by default, a budget of `DEFAULT_BUDGET`."""
    for name in ("alpha", "budget", "threshold"):
        value = getattr(config.flags, name)
        if value is not None:
            return FlagRule(name, value)
    return FlagRule("budget", DEFAULT_BUDGET)
