"""Learn what is normal: from a table to a `Model`. Read, represent, and calibrate on records held out."""

from dataclasses import replace

import numpy as np

from anomembed.config import Config
from anomembed.fit.entities import Sources, derive_past, fit_entity_views, fit_past, note_event, note_single
from anomembed.fit.messages import text_notes
from anomembed.fit.reference import fit_vocabulary, read_reference
from anomembed.fit.sequences import find_sequence_roles, learn_sequences, split_sequences
from anomembed.model import Model, Summary
from anomembed.read.roles import Role, Roles, infer_roles
from anomembed.read.table import Table
from anomembed.read.vectors import TokenVectors, read_wanted_vectors
from anomembed.represent.batch import Batch, make_batch
from anomembed.represent.counts import Counts, count_pairs
from anomembed.represent.embeddings.corpus import Corpus, SplitCorpus, record_corpus, record_sequences
from anomembed.represent.embeddings.epochs import Progress
from anomembed.represent.embeddings.fitting import fit_embeddings
from anomembed.represent.embeddings.neural.networks import Autoencoder
from anomembed.represent.keys import distinct
from anomembed.represent.learners import check_method
from anomembed.represent.ranges import fit_ranges
from anomembed.represent.tokens.vocabulary import Kind, Tokens, Vocabulary
from anomembed.score.calibration import fit_calibration
from anomembed.score.combine import JudgedView
from anomembed.score.detectors import choose_detector
from anomembed.score.judging import judge_views
from anomembed.views.base import View
from anomembed.views.entity import EntityView
from anomembed.views.habit import HabitView
from anomembed.views.link import fit_link_view
from anomembed.views.match import fit_match_view
from anomembed.views.message import fit_message_view
from anomembed.views.number import fit_number_view
from anomembed.views.order import StepView
from anomembed.views.pair import fit_pair_view
from anomembed.views.rarity import fit_rarity_view
from anomembed.views.reconstruction import ReconstructionView
from anomembed.views.record import RecordView, fit_record_view
from anomembed.views.vector import fit_vector_view


def learn_model(
    table: Table,
    config: Config,
    *,
    hold_out: bool = True,
    roles: Roles | None = None,
    vectors: TokenVectors | None = None,
    progress: Progress | None = None,
) -> Model:
    """Learn what is normal from the records of `table`.

    Parameters
    ----------
    table : Table
        An open table.
    config : Config
        Settings; `config.source.fit_where` says which records are the reference.
    hold_out : bool, default=True
        Keep some reference records out of all learning, to calibrate on. False is right when the records to be scored
        are the reference itself: all of them are then treated alike, and tail probabilities say how far out each of
        them is among the others.
        Records are held out all the same when the reference is so large that only a sample of it is learnt from.
    roles : Roles, optional
        The part of every column; inferred, with what the configuration says, by default.
    vectors : TokenVectors, optional
        What `config.embedding.vectors` names, when it has been read already.
    progress : callable, optional
        Told of every epoch of a learner that has epochs: its number from 1, how many there will be at most, the loss.

    Returns
    -------
    Model

    Raises
    ------
    SourceError, DataError
        When a named column does not exist, or there is nothing to learn from.
    ConfigError
        When the method of the embeddings cannot learn this.
    """
    vectors = vectors or read_wanted_vectors(config.embedding.vectors)
    if config.sequence.is_whole:
        return learn_sequences(table, config, hold_out=hold_out, roles=roles, vectors=vectors, progress=progress)
    roles = roles or find_roles(table, config)
    return _learn_records(table, roles, config, vectors, progress, hold_out=hold_out)


def _learn_records(
    table: Table,
    roles: Roles,
    config: Config,
    vectors: TokenVectors | None,
    progress: Progress | None,
    *,
    hold_out: bool,
) -> Model:
    clean, seed = config.reference.clean, config.seed
    history = derive_past(table, roles, config)
    reference = read_reference(table, roles, history, config, hold_out=hold_out)
    vocabulary = fit_vocabulary(table, roles, reference, config)
    past = fit_past(history, reference.learnt, config) if history else None
    numbers = tuple(column.name for column in roles.of(Role.NUMBER))
    learnt, held_out = (
        make_batch(frame, vocabulary, numbers, past) for frame in (reference.learnt, reference.held_out)
    )
    corpus = _count(vocabulary, learnt.tokens)
    embeddings = fit_embeddings(corpus, config.embedding, seed, progress, vectors)
    record = fit_record_view(vocabulary, embeddings, by_rarity=not clean)
    sources = Sources(table, roles, vocabulary, config.source.fit_where)
    views = _fit_views(vocabulary, corpus.counts, record, learnt, clean=clean, seed=seed)
    if isinstance(embeddings.network, Autoencoder):
        views.append(ReconstructionView(embeddings.network))
    views += fit_link_view(embeddings, [column for column, _ in sources.entities()], len(vocabulary.columns))
    views += fit_entity_views(sources, past, record, learnt, is_own=not reference.is_split)
    n_distinct = _count_distinct(learnt) if learnt.vectors else len(corpus.times)
    choice = choose_detector(config.detector.name, clean=clean, n_records=len(learnt), n_distinct=n_distinct)
    judged, notes = judge_views(views, choice, learnt, held_out, seed=seed, clean=clean)
    calibration = fit_calibration(
        np.sum([view.term(raw) for view, raw in judged], axis=0), is_own=not reference.is_split
    )
    notes += [*_note_counts(corpus.counts, len(learnt)), *note_event(history, config), *note_single(roles, vocabulary)]
    notes += [*text_notes(roles, vocabulary.names), *embeddings.notes]
    summary = Summary(
        source=table.name,
        n_reference=reference.n_records,
        n_learnt=len(learnt),
        n_distinct=n_distinct,
        n_held_out=reference.held_out.height if reference.is_split else 0,
        detector=str(choice),
        notes=tuple(notes),
    )
    ranges = fit_ranges(learnt, vocabulary, [column for column, _ in sources.entities()])
    fitted = tuple(_for_others(view) if hold_out else view for view, _ in judged)
    return Model(config, roles, vocabulary, corpus.counts, embeddings, ranges, fitted, calibration, summary, past)


def check_embedding(config: Config) -> None:
    """Refuse embeddings that cannot be learnt as a configuration says, before anything is read.

    Raises
    ------
    ConfigError
        As `check_method` says.
    """
    settings, is_ordered = config.embedding, config.sequence.is_whole
    check_method(settings.method, is_ordered=is_ordered, has_vectors=settings.vectors is not None)


def split_corpus(table: Table, roles: Roles, config: Config) -> SplitCorpus:
    """Read what embeddings are learnt from, and hold some of it out to measure them on.

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
        The same tokens and counts as `learn_model` learns from when it holds records out.

    Raises
    ------
    DataError
        When there is nothing to learn from.
    """
    if config.sequence.is_whole:
        return split_sequences(table, roles, config)
    reference = read_reference(table, roles, None, config, hold_out=True)
    vocabulary = fit_vocabulary(table, roles, reference, config)
    held_out = record_sequences(vocabulary.encode(reference.held_out))
    return SplitCorpus(_count(vocabulary, vocabulary.encode(reference.learnt)), held_out)


def _count(vocabulary: Vocabulary, tokens: Tokens) -> Corpus:
    rows, _, times = distinct(tokens)
    return record_corpus(vocabulary, rows, times, count_pairs(rows, times, vocabulary.size))


def _count_distinct(records: Batch) -> int:
    """Count the records that differ in their tokens or their vectors."""
    return len(distinct(np.hstack([records.tokens, *(vectors.view(np.int32) for vectors in records.vectors)]))[0])


def _note_counts(counts: Counts, n_learnt: int) -> list[str]:
    notes = []
    if not counts.compared.all():
        notes.append(f"{len(counts.compared):,} columns: each is compared with the few that it depends on most")
    if counts.n_records < n_learnt:
        notes.append(
            f"pairs of values were counted in {counts.n_records:,} records: all would have too many different ones"
        )
    return notes


def find_roles(table: Table, config: Config) -> Roles:
    """Give every column the role that the configuration says, or that is inferred."""
    if config.sequence.is_whole:
        return find_sequence_roles(table, config)
    said = {Role(name): names for name, names in config.roles.model_dump().items() if names}
    return infer_roles(table, said, where=config.source.fit_where)


def _for_others(judged: JudgedView) -> JudgedView:
    """Make a view that judges other records than those that it was learnt from."""
    if isinstance(judged.view, EntityView | HabitView | StepView):
        return replace(judged, view=replace(judged.view, is_own=False))
    return judged


def _fit_views(
    vocabulary: Vocabulary, counts: Counts, record: RecordView, learnt: Batch, *, clean: bool, seed: int
) -> list[View]:
    views: list[View] = [record, fit_rarity_view(vocabulary, counts, coupled=not clean)]
    if learnt.numbers.shape[1]:
        context = [place for place, column in enumerate(vocabulary.columns) if column.kind is not Kind.BIN]
        views.append(fit_number_view(learnt, record, np.array(context, np.int64)))
    of_vectors = [column for column, tokens in enumerate(vocabulary.columns) if tokens.kind is Kind.VECTOR]
    for place, column in enumerate(of_vectors):
        match = fit_match_view(learnt, place, column, vocabulary, seed)
        views += [fit_vector_view(learnt, place, column), *([match] if match.kin else [])]
    messages = fit_message_view(vocabulary)
    if len(messages.columns) and not clean:  # in a clean reference the rarity of every value is its own
        views.append(messages)
    pair = fit_pair_view(vocabulary, counts)
    return [*views, pair] if len(pair.pairs) else views
