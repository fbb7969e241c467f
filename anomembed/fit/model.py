"""Fit a `Model`: read the reference, then fit without the table.

The steps: roles, reference, tokens and counts, embeddings, views, calibration.
"""

from collections.abc import Callable
from dataclasses import replace

from anomembed.config import Config, MonitorConfig
from anomembed.fit.learnt import FitSettings, Learnt
from anomembed.fit.records import learn_records
from anomembed.fit.reference import read_reference, split_records
from anomembed.fit.sequences import find_sequence_roles, learn_sequences, read_sequence_reference, split_sequences
from anomembed.model import Model, Summary
from anomembed.read.derived import Derived
from anomembed.read.history import History
from anomembed.read.roles.assigned import Roles
from anomembed.read.roles.inference import infer_roles
from anomembed.read.roles.role import Role
from anomembed.read.table import Table
from anomembed.read.vectors import TokenVectors, read_wanted_vectors
from anomembed.represent.arrays import Matrix
from anomembed.represent.embeddings.corpus import SplitCorpus
from anomembed.represent.embeddings.epochs import Progress
from anomembed.represent.learners import check_method
from anomembed.represent.past import Past
from anomembed.views.view import Looks


def learn_model(
    table: Table,
    config: Config,
    *,
    is_own: bool = False,
    roles: Roles | None = None,
    vectors: TokenVectors | None = None,
    progress: Progress | None = None,
    is_alone: bool = False,
    before: Model | None = None,
    when_read: Callable[[], object] = lambda: None,
) -> Model:
    """Fit a model to the reference records of a table.

    Parameters
    ----------
    table : Table
        An open table.
    config : Config
        Settings; `config.source.fit_where` says which records are the reference.
    is_own : bool, default=False
        Whether the reference itself will be scored; otherwise, or when it is sampled, some is held out to calibrate on.
    roles : Roles, optional
        Roles of the columns; by default inferred, except for those in the configuration.
    vectors : TokenVectors, optional
        The vectors that `config.embedding.vectors` names, if they have already been read.
    progress : callable, optional
        Called after every epoch of a learner, with its number (from 1), the largest number of epochs, and the loss.
    is_alone : bool, default=False
        Whether records will be scored without the others of their table, as scikit-learn's estimators do.
    before : Model, optional
        The model before, as whose embeddings the new ones are to lie.
    when_read : callable
        Called when the table is not needed any more, before what takes long.

    Raises
    ------
    SourceError, DataError, ConfigError
        When a named column or anything to learn from is not there, or the embedding method cannot be used on it.
    """
    roles = roles or find_roles(table, config)
    learning = replace(_settings(config, vectors, progress, is_own=is_own), before=_vectors_of(before))
    if roles.is_sequential:
        return _learn_of_sequences(table, roles, config, learning, when_read)
    reference = read_reference(table, roles, config, is_own=is_own, is_alone=is_alone)
    when_read()
    learnt = learn_records(reference, learning)
    model = _model(config, roles, table.name, reference.n_records, learnt, reference.entities.past)
    return replace(model, derived=_looked_at(reference.derived, learnt))


def _learn_of_sequences(
    table: Table, roles: Roles, config: Config, learning: FitSettings, when_read: Callable[[], object]
) -> Model:
    sequences = read_sequence_reference(table, roles, config)
    when_read()
    return _model(config, roles, table.name, sequences.n_sequences, learn_sequences(sequences, learning), None)


def _vectors_of(model: Model | None) -> dict[tuple[str, str], Matrix]:
    return dict(zip(model.vocabulary.token_names, model.embeddings.vectors, strict=True)) if model else {}


def _looked_at(derived: Derived, learnt: Learnt) -> Derived:
    """Return what is derived for the views that were fitted."""
    looks = [judged.view.looks_at for judged in learnt.views]
    return Derived(
        twins=derived.twins if any(Looks.TWINS in look for look in looks) else None,
        bursts=derived.bursts if any(Looks.BURSTS in look for look in looks) else None,
    )


def _settings(config: Config, vectors: TokenVectors | None, progress: Progress | None, *, is_own: bool) -> FitSettings:
    return FitSettings(
        embedding=config.embedding,
        detector=config.detector.name,
        clean=config.reference.clean,
        seed=config.seed,
        is_own=is_own,
        vectors=vectors or read_wanted_vectors(config.embedding.vectors),
        progress=progress,
    )


def _model(
    config: Config, roles: Roles, source: str, n_reference: int, learnt: Learnt, past: Past[History] | None
) -> Model:
    summary = Summary(
        source=source,
        n_reference=n_reference,
        n_learnt=learnt.n_learnt,
        n_distinct=learnt.n_distinct,
        n_held_out=learnt.n_held_out,
        detector=str(learnt.detector),
        notes=learnt.notes,
    )
    return Model(
        config=config.model_copy(update={"monitor": MonitorConfig()}),  # which may name secrets, and changes no score
        roles=roles,
        vocabulary=learnt.vocabulary,
        counts=learnt.counts,
        embeddings=learnt.embeddings,
        ranges=learnt.ranges,
        views=learnt.views,
        calibration=learnt.calibration,
        summary=summary,
        past=past,
        held_out=learnt.held_out,
    )


def find_roles(table: Table, config: Config) -> Roles:
    """Return the roles of the columns: those in the configuration; the rest inferred from the reference."""
    if config.sequence.is_whole:
        return find_sequence_roles(table, config)
    given = {Role(name): names for name, names in config.roles.model_dump().items() if names}
    return infer_roles(table, given, where=config.source.fit_where, time_format=config.source.time_format)


def check_embedding(config: Config) -> None:
    """Refuse settings of embeddings that do not work together, before anything is read.

    Raises
    ------
    ConfigError
        See `anomembed.represent.learners.check_method`.
    """
    settings, is_ordered = config.embedding, config.sequence.is_whole
    check_method(settings.method, is_ordered=is_ordered, has_vectors=settings.vectors is not None)


def split_corpus(table: Table, roles: Roles, config: Config) -> SplitCorpus:
    """Read the corpus that embeddings are learnt from, and hold some of it out to evaluate them.

    Parameters
    ----------
    table : Table
        An open table.
    roles : Roles
        From `find_roles`.
    config : Config
        Settings; `config.source.fit_where` says which records are the reference.

    Returns
    -------
    SplitCorpus
        The same tokens and counts as those of `learn_model` when it holds records out.

    Raises
    ------
    DataError
        When there is nothing to learn from.
    """
    return (split_sequences if roles.is_sequential else split_records)(table, roles, config)
