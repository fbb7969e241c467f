"""The steps of a run: infer roles, fit a model, score records, flag, explain, write to the store.

`scan_into_store` runs them all, `fit_into_store` the first two and `score_into_store` the others. `anomembed.in_memory`
runs the same steps without a store.
"""

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from anomembed.config import Config
from anomembed.errors import DataError
from anomembed.explain.flags import Flags
from anomembed.model import Model
from anomembed.read.roles.assigned import Roles
from anomembed.read.roles.keys import check_key
from anomembed.read.roles.suggestion import Suggestion, suggest_entity
from anomembed.read.table import Table
from anomembed.score.flags import FlagRule
from anomembed.scoring import score_and_explain
from anomembed.workers import open_workers
from anomembed.workers.compiled import load_compiler
from anomembed.write.feedback import Reference, correct_reference
from anomembed.write.ledger import keep_fitted_to
from anomembed.write.models import save_model
from anomembed.write.store import Store

if TYPE_CHECKING:
    from anomembed.read.vectors import TokenVectors
    from anomembed.represent.embeddings.epochs import Progress

DEFAULT_BUDGET = 20
FindLast = Callable[[Roles], tuple[str, int] | None]
"""Returns the column and the position of the last record, by the roles of the columns."""


class Watcher:
    """Callbacks during a fit; the defaults do nothing. The command line overrides them to print progress."""

    def roles(self, roles: Roles) -> None:
        """Receive the roles of the columns."""

    def suggestion(self, suggestion: Suggestion) -> None:
        """Receive a column that may name the entity, where none is given."""

    def reference(self, reference: Reference) -> None:
        """Receive what feedback changes about the reference."""

    def learning(self) -> "AbstractContextManager[Progress | None]":
        """Return a context that is open during the fit; its value, if any, is called after every epoch."""
        return nullcontext()

    def model(self, model: Model) -> None:
        """Receive the fitted model."""

    def caution(self, text: str) -> None:
        """Receive a warning about what the model can flag."""


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
    table: Table, config: Config, store: Store, watcher: Watcher, vectors: "TokenVectors | None" = None
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
    open_workers(config.workers).check()  # before the fit, which takes long
    model = fit_for_scan(table, config, watcher, vectors=vectors)
    return score_into_store(model, None, table, config, store)


def fit_for_scan(
    table: Table,
    config: Config,
    watcher: Watcher,
    *,
    roles: Roles | None = None,
    vectors: "TokenVectors | None" = None,
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
    table: Table,
    config: Config,
    store: Store,
    watcher: Watcher,
    vectors: "TokenVectors | None" = None,
    find_last: FindLast | None = None,
) -> int:
    """Fit a model to a table, store it, and return its id.

    Parameters
    ----------
    table, config, store, watcher, vectors
        See `scan_into_store`.
    find_last : callable, optional
        Returns the column and the position of the last record, which is kept with the model. It is asked before the
        records are read, so that what comes meanwhile is after it.
    """
    from anomembed.fit.model import find_roles

    roles = find_roles(table, config)
    last = find_last(roles) if find_last else None
    model = fit_corrected(table, config, store, watcher, roles, vectors)
    if caution := model.caution(flag_rule(config)):
        watcher.caution(caution)
    with store.transaction():
        model_id = save_model(model, store)
        if last:
            keep_fitted_to(store, model_id, *last)
    return model_id


def fit_corrected(
    table: Table, config: Config, store: Store, watcher: Watcher, roles: Roles, vectors: "TokenVectors | None"
) -> Model:
    """Fit a model to the reference, with what people called normal and without what was flagged."""
    reference = correct_reference(store, table, roles, config.source.fit_where)
    watcher.reference(reference)
    corrected = learnt_where(config, reference.where)
    model = _fit(table, corrected, watcher, reference.where, is_own=False, roles=roles, vectors=vectors)
    return replace(model, config=learnt_where(model.config, config.source.fit_where))


def learnt_where(config: Config, fit_where: str | None) -> Config:
    """Return the same settings with another condition for the reference."""
    return config.model_copy(update={"source": config.source.model_copy(update={"fit_where": fit_where})})


def _fit(
    table: Table,
    config: Config,
    watcher: Watcher,
    where: str | None,
    *,
    is_own: bool,
    roles: Roles | None = None,
    vectors: "TokenVectors | None" = None,
) -> Model:
    """Fit a model; the key must be unique among the records that meet `where`."""
    from anomembed.fit.model import find_roles, learn_model  # what only scores or explains does without the learners

    roles = roles or find_roles(table, config)
    load_compiler()
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
    workers = open_workers(config.workers)
    flags, n_scored, why_nothing, drift = score_and_explain(model, table, where, rule, store.stage, workers)
    about = {"source": table.name, "condition": where, "rule": str(rule), "n_scored": n_scored}
    about |= {"database": config.source.database, "config": config.model_dump_json()}
    with store.transaction():
        kept_id = save_model(model, store) if model_id is None else model_id
        run_id = store.add_run(kept_id, about, model.roles.key_names, flags.frame, flags.contributions)
    caution = model.caution(rule, n_scored) or why_nothing
    return Run(run_id, kept_id, model, rule, n_scored, flags, tuple(filter(None, (caution, *drift))))


def flag_rule(config: Config) -> FlagRule:
    """Return the configured flag rule; by default, a budget of `DEFAULT_BUDGET`."""
    for name in ("alpha", "budget", "threshold"):
        value = getattr(config.flags, name)
        if value is not None:
            return FlagRule(name, value)
    return FlagRule("budget", DEFAULT_BUDGET)
