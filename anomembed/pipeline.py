"""The whole flow in a few functions: a table becomes a model, scores and explained flags, in memory or in a store."""

from dataclasses import dataclass
from typing import Any

import polars as pl

from anomembed.config import Config
from anomembed.errors import DataError
from anomembed.fit.records import learn_model
from anomembed.model import Model
from anomembed.read.roles import Role, Roles
from anomembed.read.table import ROW_NUMBER, Table
from anomembed.score.flags import FlagRule
from anomembed.scoring import VALUE, FlagKeeper, Flags, explain, score_batches
from anomembed.write.models import save_model
from anomembed.write.store import Store

DEFAULT_BUDGET = 20


def fit_model(source: Any, table: str | None = None, *, config: Config | None = None) -> Model:  # noqa: ANN401
    """Learn what is normal.

    Parameters
    ----------
    source : str, Path or frame
        A DuckDB file, a data file or glob, or a Polars or pandas frame.
    table : str, optional
        A table, a view or a query; not needed when there is only one.
    config : Config, optional
        Settings; `config.source.fit_where` says which records are the reference.

    Returns
    -------
    Model
        Calibrated on records that nothing else was learnt from.

    Examples
    --------
    >>> import polars as pl
    >>> frame = pl.DataFrame({"id": range(400), "pet": ["cat", "dog"] * 200, "says": ["meow", "woof"] * 200})
    >>> model = fit_model(frame)
    >>> odd = pl.DataFrame({"id": [1, 2], "pet": ["cat", "cat"], "says": ["woof", "meow"]})
    >>> score_table(model, odd).flags.frame["reason"][0]
    'pet=cat is unusual with says=woof (0 records where chance would have 85); expected: dog'
    """
    config = config or Config()
    with Table(source, table, config.source.line_format) as opened:
        return learn_model(opened, config)


@dataclass(frozen=True)
class Scores:
    """The scores of all records, and the flags among them.

    Parameters
    ----------
    frame : pl.DataFrame
        Key columns, ``raw_score`` (high = abnormal), ``tail_probability`` (low = abnormal), ``flagged``, ``view``,
        ``reason`` (empty unless flagged); most abnormal first.
    flags : Flags
        The flagged records, with the contribution of every column.
    """

    frame: pl.DataFrame
    flags: Flags


def score_table(model: Model, source: Any, table: str | None = None, *, where: str | None = None) -> Scores:  # noqa: ANN401
    """Judge records and keep all scores in memory.

    Parameters
    ----------
    model : Model
        What is normal.
    source : str, Path or frame
        A DuckDB file, a data file or glob, or a Polars or pandas frame.
    table : str, optional
        A table, a view or a query.
    where : str, optional
        SQL condition of the records to judge; all by default.

    Returns
    -------
    Scores
    """
    with Table(source, table, model.config.source.line_format) as opened:
        check_key(model.roles, opened, where)
        key = key_names(model.roles)
        keeper = FlagKeeper(flag_rule(model.config), key)
        scored = pl.concat(list(keeper.watch(score_batches(model, opened, where))) or [pl.DataFrame()])
    flags = explain(model, keeper.flagged())
    reasons = flags.frame.select(*key, "reason", flagged=pl.lit(value=True))
    frame = scored.join(reasons, on=key, how="left").with_columns(
        pl.col("flagged").fill_null(value=False), pl.col("reason").fill_null("")
    )
    columns = [*key, "raw_score", "tail_probability", "flagged", "view", "reason"]
    frame = frame.select(columns).sort("raw_score", *key, descending=[True] + [False] * len(key))
    return Scores(frame, flags)


def key_names(roles: Roles) -> tuple[str, ...]:
    """Return the names of the key columns; that of the row number without any."""
    return tuple(column.name for column in roles.key) or (ROW_NUMBER,)


def check_key(roles: Roles, table: Table, where: str | None) -> None:
    """See whether the key does name the records.

    Raises
    ------
    DataError
        When two records share a key, or one has none.
    """
    key = tuple(column.name for column in roles.key)
    ours = {"raw_score", "tail_probability", "flagged", "view", "reason", "rank", "extrapolated"}
    taken = {name for name in key if name.casefold() in ours or name.startswith(VALUE)}
    if taken:
        raise DataError(
            f"a key column cannot be called {', '.join(sorted(taken))}: the scores have a column of that name"
        )
    is_sequential = bool(roles.of(Role.EVENT))  # then the key names a sequence, not a row
    if key and not is_sequential and not table.is_unique([table.column(name) for name in key], where):
        raise DataError(f"{', '.join(key)} does not name the records of {table.name}: a value is null or occurs twice")


def flag_rule(config: Config) -> FlagRule:
    """Return the rule that the configuration asks for."""
    for name in ("alpha", "budget", "threshold"):
        value = getattr(config.flags, name)
        if value is not None:
            return FlagRule(name, value)
    return FlagRule("budget", DEFAULT_BUDGET)


@dataclass(frozen=True)
class Run:
    """What one run did.

    Parameters
    ----------
    run_id, model_id : int
        Their numbers in the store.
    n_scored : int
        Records scored.
    flags : Flags
        The flagged ones.
    caution : str or None
        Why the flag rule cannot work, if so.
    """

    run_id: int
    model_id: int
    n_scored: int
    flags: Flags
    caution: str | None


def score_into_store(model: Model, model_id: int | None, table: Table, config: Config, store: Store) -> Run:
    """Judge records and keep the result; a model that is not in the store yet is kept in the same transaction.

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

    Returns
    -------
    Run
    """
    where, rule = config.source.where, flag_rule(config)
    key = key_names(model.roles)
    keeper = FlagKeeper(rule, key)
    store.stage(keeper.watch(score_batches(model, table, where)))
    flags = explain(model, keeper.flagged())
    about = {"source": table.name, "condition": where, "rule": str(rule), "n_scored": keeper.n_scored}
    with store.transaction():
        kept_id = save_model(model, store) if model_id is None else model_id
        run_id = store.add_run(kept_id, about, key, flags.frame, flags.contributions)
    can_extrapolate = model.calibration.is_fitted
    caution = rule.caution(keeper.n_scored, model.calibration.n_reference, can_extrapolate=can_extrapolate)
    return Run(run_id, kept_id, keeper.n_scored, flags, caution)
