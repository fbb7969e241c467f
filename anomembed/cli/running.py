"""Run ``scan``, ``fit``, ``score`` and ``export``: call the library, print notes and results."""

from dataclasses import dataclass
from functools import partial
from pathlib import Path

import typer

from anomembed.cli.console import Teller
from anomembed.cli.ends import FLAGS_FOUND
from anomembed.cli.options import TABLE
from anomembed.cli.printing import print_flags
from anomembed.config import Config
from anomembed.fit.model import check_embedding
from anomembed.model import Model
from anomembed.monitor.beginning import find_last
from anomembed.opening import open_source
from anomembed.pipeline import Run, fit_into_store, scan_into_store, score_into_store
from anomembed.read.roles.keys import check_key
from anomembed.read.table import Table
from anomembed.read.vectors import read_wanted_vectors
from anomembed.report.page import check_report_path, write_report
from anomembed.score.detectors import check_detector
from anomembed.write.export import check_export_path, export_vectors
from anomembed.write.files import check_not_read
from anomembed.write.models import choose_model, load_model
from anomembed.write.nothing import score_nothing
from anomembed.write.reading import open_to_read
from anomembed.write.sinks import check_scores_path, write_scores
from anomembed.write.store import Store


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
    force : bool
        Replace an existing file, whatever it holds.
    flat : bool
        Print a row for every flag, also where several have one reason.
    report : Path or None
        File for a page about the run.
    """

    scores_to: Path | None
    form: str
    quiet: bool
    fail_on_flags: bool
    force: bool = False
    flat: bool = False
    report: Path | None = None


def scan_table(config: Config, output: Output) -> None:
    """Learn what is normal from a table, and score it."""
    _check(config, output)
    check_embedding(config)
    teller = Teller(is_quiet=output.quiet)
    vectors = read_wanted_vectors(config.embedding.vectors)  # they may be in the store: before it is opened for writing
    with open_source(config) as table, Store(config.store.path) as store:
        _check_reads(table, output)
        teller.read(table.name, table.count(), table.notes)
        run = scan_into_store(table, config, store, teller, vectors)
        _finish(run, config, store, output, teller)


def fit_table(config: Config, *, quiet: bool) -> None:
    """Learn what is normal and save the model."""
    check_detector(config.detector.name)
    check_embedding(config)
    teller = Teller(is_quiet=quiet)
    vectors = read_wanted_vectors(config.embedding.vectors)
    with open_source(config) as table, Store(config.store.path) as store:
        teller.read(table.name, table.count(), table.notes)
        last = partial(find_last, table, config)
        model_id = fit_into_store(table, config, store, teller, vectors, last)
    teller.say("saved", f"model {model_id} in {config.store.path}")


def export_model(store_path: str, model_id: int | None, path: Path, *, force: bool, quiet: bool) -> None:
    """Write a model's embeddings to a file."""
    check_export_path(path, store_path, force=force)
    with open_to_read(store_path) as store:
        chosen, n_vectors = export_vectors(store, model_id, path)
    Teller(is_quiet=quiet).say("wrote", f"{path}: {n_vectors:,} vectors of model {chosen} in {store_path}")


def score_table_by(config: Config, model_id: int | None, output: Output) -> None:
    """Score with a model of the store; by default the newest that was fitted with these settings."""
    _check(config, output)
    teller = Teller(is_quiet=output.quiet)
    with open_source(config) as table, Store(config.store.path, must_exist=True) as store:
        _check_reads(table, output)
        chosen, note = choose_model(store, table.name, config) if model_id is None else (model_id, None)
        model = load_model(store, chosen)
        if config.source.where and not table.count(config.source.where):
            # Not an error: a cron job may meet an hour without records.
            teller.say("scored", f"nothing: no record of {table.name} meets the condition {config.source.where}")
            _finish_nothing(model, table, store, output)
            return
        teller.say("model", f"{chosen}, fitted on {model.summary.n_reference:,} {model.unit} of {model.summary.source}")
        if note:
            teller.say("note", note)
        check_key(model.roles, table, config.source.where)
        run = score_into_store(model, chosen, table, config, store)
        _finish(run, config, store, output, teller)


def _finish_nothing(model: Model, table: Table, store: Store, output: Output) -> None:
    """Write an empty result: the one of an earlier run must not be taken for that of this one."""
    flags, key = score_nothing(model, table, store), model.roles.key_names
    if output.scores_to:
        write_scores(store, key, output.scores_to)
    if not output.quiet and output.form != TABLE:
        print_flags(flags, output.form, len(key))


def _check(config: Config, output: Output) -> None:
    check_detector(config.detector.name)
    if output.scores_to:
        source, vectors = config.source.database, config.embedding.vectors
        check_scores_path(output.scores_to, source, config.store.path, vectors, force=output.force)
    if output.report:
        check_report_path(output.report, config.store.path, config.source.database, force=output.force)


def _check_reads(table: Table, output: Output) -> None:
    """Refuse to write to a file that a query or a view reads."""
    if output.scores_to:
        check_not_read(output.scores_to, "scores", {"a file that the records are read from": table.files})
    if output.report:
        check_not_read(output.report, "report", {"a file that the records are read from": table.files})


def _finish(run: Run, config: Config, store: Store, output: Output, teller: Teller) -> None:
    key = run.model.roles.key_names
    if output.scores_to:
        write_scores(store, key, output.scores_to)
    if output.report:
        write_report(store, output.report, run.run_id)
    teller.run(run, str(run.rule))
    if not output.quiet and (run.flags.frame.height or output.form != TABLE):
        print_flags(run.flags.frame, output.form, len(key), flat=output.flat)
    teller.farewell(run, config.store.path)
    if output.fail_on_flags and run.flags.frame.height:
        raise typer.Exit(FLAGS_FOUND)
