"""Run ``scan``, ``fit``, ``score`` and ``export``: call the library, print notes and results."""

from dataclasses import dataclass
from pathlib import Path

import typer

from anomembed.cli.console import Teller
from anomembed.cli.options import TABLE
from anomembed.cli.printing import print_flags
from anomembed.config import Config
from anomembed.errors import ConfigError, DataError
from anomembed.fit.records import check_embedding, find_roles, learn_model
from anomembed.model import Model
from anomembed.pipeline import check_key, flag_rule, key_names, score_into_store
from anomembed.read.table import Table
from anomembed.read.vectors import read_wanted_vectors
from anomembed.score.detectors import check_detector
from anomembed.write.export import check_export_path, export_vectors
from anomembed.write.models import choose_model, load_model, save_model
from anomembed.write.sinks import check_scores_path, write_scores
from anomembed.write.store import Store

FLAGS_FOUND = 1


@dataclass(frozen=True)
class Output:
    """Where results go.

    Parameters
    ----------
    scores_to : Path or None
        File for the scores of all records.
    form : str
        Format of printed flags.
    quiet : bool
        Print nothing.
    fail_on_flags : bool
        Exit with 1 when a record is flagged.
    """

    scores_to: Path | None
    form: str
    quiet: bool
    fail_on_flags: bool


def scan_table(config: Config, output: Output) -> None:
    """Learn what is normal from a table, and score it."""
    _check(config, output)
    check_embedding(config)
    teller = Teller(is_quiet=output.quiet)
    vectors = read_wanted_vectors(config.embedding.vectors)  # they may be in the store: before it is opened for writing
    with open_source(config) as table, Store(config.store.path) as store:
        teller.read(table.name, table.count(), table.notes)
        if config.source.where and not table.count(config.source.where):
            raise DataError(f"no record of {table.name} meets the condition {config.source.where}")
        # When the reference itself is scored, no record is held out, so that all are treated alike.
        hold_out = config.source.fit_where != config.source.where
        roles = find_roles(table, config)
        teller.roles(roles)
        check_key(roles, table, config.source.where)  # before the work, not after it
        with teller.learning() as progress:
            model = learn_model(table, config, hold_out=hold_out, roles=roles, vectors=vectors, progress=progress)
        teller.model(model)
        _score(model, None, table, config, store, output, teller)


def fit_table(config: Config, *, quiet: bool) -> None:
    """Learn what is normal and save the model."""
    check_detector(config.detector.name)
    check_embedding(config)
    teller = Teller(is_quiet=quiet)
    vectors = read_wanted_vectors(config.embedding.vectors)
    with open_source(config) as table, Store(config.store.path) as store:
        teller.read(table.name, table.count(), table.notes)
        roles = find_roles(table, config)
        teller.roles(roles)
        check_key(roles, table, config.source.fit_where)
        with teller.learning() as progress:
            model = learn_model(table, config, roles=roles, vectors=vectors, progress=progress)
        teller.model(model)
        with store.transaction():
            model_id = save_model(model, store)
    teller.say("saved", f"model {model_id} in {config.store.path}")


def export_model(store_path: str, model_id: int | None, path: Path, *, force: bool, quiet: bool) -> None:
    """Write a model's embeddings to a file."""
    check_export_path(path, store_path, force=force)
    with Store(store_path, must_exist=True) as store:
        chosen, n_vectors = export_vectors(store, model_id, path)
    Teller(is_quiet=quiet).say("wrote", f"{path}: {n_vectors:,} vectors of model {chosen} in {store_path}")


def score_table_by(config: Config, model_id: int | None, output: Output) -> None:
    """Score with a model of the store; by default the newest that was fitted with these settings."""
    _check(config, output)
    teller = Teller(is_quiet=output.quiet)
    with open_source(config) as table, Store(config.store.path, must_exist=True) as store:
        if config.source.where and not table.count(config.source.where):
            # Not an error: a cron job may meet an hour without records.
            teller.say("scored", f"nothing: no record of {table.name} meets the condition {config.source.where}")
            return
        chosen, note = choose_model(store, table.name, config) if model_id is None else (model_id, None)
        model = load_model(store, chosen)
        teller.say("model", f"{chosen}, fitted on {model.summary.n_reference:,} {model.unit} of {model.summary.source}")
        if note:
            teller.say("note", note)
        check_key(model.roles, table, config.source.where)
        _score(model, chosen, table, config, store, output, teller)


def _check(config: Config, output: Output) -> None:
    check_detector(config.detector.name)
    if output.scores_to:
        check_scores_path(output.scores_to, config.source.database, config.store.path)


def open_source(config: Config) -> Table:
    """Open the table that a configuration names."""
    source = config.source
    if source.database is None:
        raise ConfigError("the configuration names no database: set source.database")
    if Path(source.database).resolve() == Path(config.store.path).resolve():
        raise ConfigError(f"{source.database} is the source, which is never written: choose another file for --store")
    return Table(source.database, source.table, source.line_format)


def _score(
    model: Model, model_id: int | None, table: Table, config: Config, store: Store, output: Output, teller: Teller
) -> None:
    run = score_into_store(model, model_id, table, config, store)
    key = key_names(model.roles)
    if output.scores_to:
        write_scores(store, key, output.scores_to)
    teller.run(run, str(flag_rule(config)), model.unit)
    if not output.quiet and (run.flags.frame.height or output.form != TABLE):
        print_flags(run.flags.frame, output.form, len(key))
    teller.farewell(run, config.store.path)
    if output.fail_on_flags and run.flags.frame.height:
        raise typer.Exit(FLAGS_FOUND)
