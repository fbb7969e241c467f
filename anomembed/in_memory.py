"""Scan, fit and score from Python, with results in memory."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import polars as pl

from anomembed.config import Config, make_config
from anomembed.errors import UserError
from anomembed.explain.flags import Flags
from anomembed.fit.model import learn_model
from anomembed.model import Model
from anomembed.pipeline import Watcher, fit_for_scan, flag_rule
from anomembed.read.roles.keys import check_key
from anomembed.read.table import Table
from anomembed.scoring import score_and_explain
from anomembed.workers import open_workers


@dataclass(frozen=True)
class Scores:
    """Scores of all records, and the flags among them.

    Parameters
    ----------
    frame : pl.DataFrame
        Key columns, ``raw_score`` (high = abnormal), ``tail_probability`` (low = abnormal), ``flagged``, ``view`` (in
        which the record stands out most; of a flag, the one that gives its reason), ``reason`` (empty unless flagged);
        most abnormal first, ties by key.
    flags : Flags
        The flagged records, with their reasons and the contribution of every column.
    """

    frame: pl.DataFrame
    flags: Flags


def scan(source: Any, table: str | None = None, *, config: Config | Mapping[str, Any] | None = None) -> Scores:  # noqa: ANN401
    """Fit a model to a table and score its records, as ``anomembed scan`` does.

    Parameters
    ----------
    source : str, Path or records
        A DuckDB file, a data file or glob; or records in memory: a Polars or pandas frame (the named levels of an index
        are columns), an Arrow table or stream, a DuckDB relation, a dict of columns, a list of dicts, an array or rows.
    table : str, optional
        A table, a view or a query; not needed when there is only one.
    config : Config or dict, optional
        Settings, or a dict of them by section; defaults for all that is not set.

    Returns
    -------
    Scores

    Raises
    ------
    anomembed.errors.UserError
        When the source, the table or the settings cannot be used; the message says what to change.

    Examples
    --------
    >>> import polars as pl
    >>> pets = [("cat", "meow"), ("dog", "woof")] * 200 + [("cat", "woof")]
    >>> frame = pl.DataFrame(pets, schema=["pet", "says"], orient="row").with_row_index("id")
    >>> for part in scan(frame, config={"flags": {"budget": 1}}).flags.frame["reason"][0].split("; "):
    ...     print(part)
    pet=cat is unusual with says=woof (1 record where chance would have 101)
    of the 201 records with says=woof usually: dog (200)
    """
    config = make_config(config, "config")
    open_workers(config.workers).check()  # before the fit, which takes long
    with Table(source, table, config.source.line_format, config.source.read) as opened:
        model = fit_for_scan(opened, config, Watcher())
        return _score_in_memory(model, opened, config.source.where, config.workers)


def fit_model(source: Any, table: str | None = None, *, config: Config | Mapping[str, Any] | None = None) -> Model:  # noqa: ANN401
    """Fit a model to the reference records of a table.

    Parameters
    ----------
    source : str, Path or records
        A DuckDB file, a data file or glob; or records in memory: a Polars or pandas frame (the named levels of an index
        are columns), an Arrow table or stream, a DuckDB relation, a dict of columns, a list of dicts, an array or rows.
    table : str, optional
        A table, a view or a query; not needed when there is only one.
    config : Config or dict, optional
        Settings, or a dict of them by section; `config.source.fit_where` says which records are the reference.

    Returns
    -------
    Model
        Calibrated on records held out of the fit.

    Raises
    ------
    anomembed.errors.UserError
        When the source, the table or the settings cannot be used; the message says what to change.

    Examples
    --------
    >>> import polars as pl
    >>> frame = pl.DataFrame({"id": range(400), "pet": ["cat", "dog"] * 200, "says": ["meow", "woof"] * 200})
    >>> model = fit_model(frame)
    >>> odd = pl.DataFrame({"id": [1, 2], "pet": ["cat", "cat"], "says": ["woof", "meow"]})
    >>> for part in score_table(model, odd).flags.frame["reason"][0].split("; "):
    ...     print(part)
    pet=cat is unusual with says=woof (0 records where chance would have 100)
    of the 200 records with says=woof usually: dog (200)
    """
    config = make_config(config, "config")
    with Table(source, table, config.source.line_format, config.source.read) as opened:
        return learn_model(opened, config)


def score_table(
    model: Model,
    source: Any,  # noqa: ANN401
    table: str | None = None,
    *,
    where: str | None = None,
    workers: str | int | None = None,
) -> Scores:
    """Score the records of a table.

    Parameters
    ----------
    model : Model
        A fitted model.
    source : str, Path or records
        A DuckDB file, a data file or glob; or records in memory: a Polars or pandas frame (the named levels of an index
        are columns), an Arrow table or stream, a DuckDB relation, a dict of columns, a list of dicts, an array or rows.
    table : str, optional
        A table, a view or a query; not needed when there is only one. It has the columns the model was fitted to.
    where : str, optional
        SQL condition of the records to score; all by default.
    workers : str or int, optional
        Who scores, which does not change the scores: a number of threads, a Dask scheduler such as
        ``tcp://scheduler:8786``, or ``ray`` for the Ray cluster that the machine is part of; by default a thread for
        every processor.

    Returns
    -------
    Scores

    Raises
    ------
    anomembed.errors.UserError
        When a column is missing, the key is not unique, or there are no records; the message says what to change.
    anomembed.errors.WorkersError
        When the workers cannot be reached, or are lost.
    """
    if not isinstance(model, Model):
        raise UserError(f"score_table needs a model, from fit_model or load_model, not {type(model).__name__}")
    with Table(source, table, model.config.source.line_format, model.config.source.read) as opened:
        check_key(model.roles, opened, where)
        return _score_in_memory(model, opened, where, workers)


def _score_in_memory(model: Model, table: Table, where: str | None, workers: str | int | None) -> Scores:
    scored: list[pl.DataFrame] = []
    pool = open_workers(workers)
    flags = score_and_explain(model, table, where, flag_rule(model.config), scored.extend, pool).flags
    key = model.roles.key_names
    flagged = flags.frame.select(*key, "reason", told_by="view", flagged=pl.lit(value=True))
    frame = (
        pl.concat(scored)
        .join(flagged, on=key, how="left")
        .with_columns(
            pl.col("flagged").fill_null(value=False),
            pl.coalesce("told_by", "view").alias("view"),
            pl.col("reason").fill_null(""),
        )
    )
    columns = [*key, "raw_score", "tail_probability", "flagged", "view", "reason"]
    frame = frame.select(columns).sort("raw_score", *key, descending=[True] + [False] * len(key))
    return Scores(frame, flags)
