"""Fit a model of whole sequences: which events occur together, how often, in which order and at which pace."""

from dataclasses import dataclass

import numpy as np
import polars as pl

from anomembed.config import Config, TokensConfig
from anomembed.errors import ConfigError
from anomembed.fit.forming import ensure_sequences
from anomembed.fit.learnt import HELD_OUT_SHARE, MOST_HELD_OUT, FitSettings, Learnt
from anomembed.fit.messages import event_tokens
from anomembed.fit.unknown import note_moments, note_unsequenced
from anomembed.read.roles.assigned import Roles
from anomembed.read.roles.role import Role
from anomembed.read.sequences import (
    EVENTS,
    GAPS,
    count_sequences,
    read_sequences,
    sampled,
    sequence_roles,
)
from anomembed.read.table import HASH, Table
from anomembed.represent.arrays import Floats, Ints
from anomembed.represent.counts import Counts
from anomembed.represent.embeddings.corpus import SplitCorpus, sequence_corpus
from anomembed.represent.embeddings.fitting import fit_embeddings
from anomembed.represent.learners import LEARNERS
from anomembed.represent.ranges import Ranges
from anomembed.represent.sequences import Sequences, count_neighbours, count_ngrams, encode_sequences, usual_counts
from anomembed.represent.tokens.learning import category_tokens
from anomembed.represent.tokens.value_counts import count_values
from anomembed.represent.tokens.vocabulary import ColumnTokens, Vocabulary
from anomembed.score.calibration import fit_calibration
from anomembed.score.combine import Calibrated, calibrate_views
from anomembed.score.detectors import Choice, choose_detector
from anomembed.views import fit_sequence_views
from anomembed.views.view import SequenceBasis

FOLDS, MOST_CROSSED = 5, 50_000  # folds of the cross-validation, and sequences up to which it is used
SLOW_FOLDS = 2  # for neural networks, which take minutes to train
EVENTS_AT_ONCE = 1_000_000  # events per batch


def find_sequence_roles(table: Table, config: Config) -> Roles:
    """Return the roles of the columns that the configuration names; form the sequences when no key is named.

    Raises
    ------
    ConfigError
        When neither an order nor a time is named.
    """
    order = config.sequence.order or config.roles.timestamp
    if not order:
        raise ConfigError("sequences need an order: use --order or --time, sequence.order or roles.timestamp")
    key = ensure_sequences(table, config)
    entity = config.roles.entity if table.is_derived(key) else ()
    return sequence_roles(table, key, order, config.sequence.event, entity, config.source.time_format)


@dataclass(frozen=True)
class SequenceReference:
    """Everything a model of sequences is fitted to.

    Parameters
    ----------
    name : str
        Name of the events.
    frame : pl.DataFrame
        Reference sequences, in the order of their hash.
    n_sequences : int
        Reference sequences in the table; more than in `frame` when that is a sample.
    tokens : TokensConfig
        How values become tokens.
    has_messages : bool
        Whether the user gave the events the role text.
    notes : tuple of str
        What the user should know, one sentence each.
    """

    name: str
    frame: pl.DataFrame
    n_sequences: int
    tokens: TokensConfig
    has_messages: bool
    notes: tuple[str, ...]


def read_sequence_reference(table: Table, roles: Roles, config: Config) -> SequenceReference:
    """Read reference sequences.

    Parameters
    ----------
    table : Table
        An open table with a row per event.
    roles : Roles
        From `find_sequence_roles`.
    config : Config
        Settings; `config.source.fit_where` says which sequences are the reference.
    """
    where, seed, events = config.source.fit_where, config.seed, roles.of(Role.EVENT)
    n_sequences = count_sequences(table, roles, where)
    sample = sampled(table, roles, where, config.reference.max_records, seed)
    return SequenceReference(
        name=" | ".join(column.name for column in events),
        frame=pl.concat(list(read_sequences(table, roles, sample, EVENTS_AT_ONCE, seed))).sort(HASH),
        n_sequences=n_sequences,
        tokens=config.tokens,
        has_messages=any(column.name in config.roles.text for column in events),
        notes=(*note_moments(table, roles, where), *note_unsequenced(table, roles, where)),
    )


def learn_sequences(reference: SequenceReference, learning: FitSettings) -> Learnt:
    """Fit the parts of a model to reference sequences.

    Parameters
    ----------
    reference : SequenceReference
        From `read_sequence_reference`.
    learning : FitSettings
        Settings of the fit.
    """
    frame = reference.frame
    is_own = learning.is_own and frame.height == reference.n_sequences
    part, calibrated = (_calibrate_own if is_own else _calibrate_held_out)(reference, learning)
    n_learnt, n_tokens = len(part.basis.sequences), len(part.basis.tokens.labels)
    notes = [*calibrated.notes, *reference.notes, *part.basis.embeddings.notes]
    if part.basis.sequences.lengths.max() == 1:
        notes.append("every sequence has one event: there is no order to learn from")
    return Learnt(
        vocabulary=Vocabulary((part.basis.tokens,)),
        counts=part.counts,
        embeddings=part.basis.embeddings,
        ranges=Ranges(usual_counts(part.rows, part.times, n_tokens), np.empty(0, np.int64), ()),
        views=calibrated.views,
        calibration=fit_calibration(calibrated.total(), is_own=learning.is_own),
        detector=part.detector,
        n_learnt=n_learnt,
        n_distinct=len(part.rows),
        n_held_out=frame.height - n_learnt,
        notes=tuple(notes),
    )


@dataclass(frozen=True)
class _Part:
    """The parts that are fitted before calibration, to some of the sequences.

    Parameters
    ----------
    basis : SequenceBasis
        What views are fitted to.
    rows, times : Sequences, ndarray
        Distinct sequences, and the number of times each occurs.
    counts : Counts
        Counts of neighbouring events.
    detector : Choice
        The detector.
    """

    basis: SequenceBasis
    rows: Sequences
    times: Ints
    counts: Counts
    detector: Choice


def _fit(frame: pl.DataFrame, reference: SequenceReference, learning: FitSettings, *, is_own: bool = False) -> _Part:
    tokens = _event_tokens(frame, reference)
    n_tokens = len(tokens.labels)
    sequences = _encode(frame, tokens)
    rows, index = sequences.distinct()
    times = np.bincount(index)
    counts = count_neighbours(rows, times, n_tokens)
    corpus = sequence_corpus(tokens, rows, times, counts)
    embeddings = fit_embeddings(corpus, learning.embedding, learning.seed, learning.progress, learning.vectors)
    basis = SequenceBasis(sequences, tokens, embeddings, count_ngrams(rows, times, n_tokens), is_own)
    detector = choose_detector(learning.detector, clean=learning.clean, n_records=len(sequences), n_distinct=len(rows))
    return _Part(basis, rows, times, counts, detector)


def _calibrate(part: _Part, sequences: Sequences, learning: FitSettings) -> Calibrated:
    views, learnt = fit_sequence_views(part.basis), part.basis.sequences
    return calibrate_views(views, part.detector, learnt, sequences, seed=learning.seed, clean=learning.clean)


def _calibrate_own(reference: SequenceReference, learning: FitSettings) -> tuple[_Part, Calibrated]:
    """Calibrate on the sequences fitted to, because they will be scored."""
    part = _fit(reference.frame, reference, learning, is_own=True)
    return part, _calibrate(part, part.basis.sequences[:MOST_HELD_OUT], learning)


def _calibrate_held_out(reference: SequenceReference, learning: FitSettings) -> tuple[_Part, Calibrated]:
    """Calibrate on sequences not fitted to: by cross-validation, or on one part when there are many."""
    frame = reference.frame
    if frame.height <= MOST_CROSSED:
        return _cross_calibrate(reference, learning)
    n_held_out = int(min(MOST_HELD_OUT, HELD_OUT_SHARE * frame.height))
    part = _fit(frame[n_held_out:], reference, learning)
    return part, _calibrate(part, _encode(frame[:n_held_out], part.basis.tokens), learning)


def _cross_calibrate(reference: SequenceReference, learning: FitSettings) -> tuple[_Part, Calibrated]:
    frame, n = reference.frame, reference.frame.height
    folds, n_folds = [], min(SLOW_FOLDS if LEARNERS[learning.embedding.method].is_network else FOLDS, n)
    for fold in range(n_folds):
        is_held = np.arange(n) % n_folds == fold
        part = _fit(frame.filter(~is_held), reference, learning)
        held_out = _encode(frame.filter(is_held), part.basis.tokens)
        folds.append(_calibrate(part, held_out, learning))
    part = _fit(frame, reference, learning)
    calibrated = _calibrate(part, part.basis.sequences[:1], learning)
    raws = [_raws_by_name(fold) for fold in folds]
    # Of few sequences, some folds may lack what a view needs.
    views = [view for view in calibrated.views if all(view.view.name in of_fold for of_fold in raws)]
    together = tuple(np.concatenate([of_fold[view.view.name] for of_fold in raws]) for view in views)
    note = f"calibrated on all reference sequences, by {n_folds}-fold cross-validation"
    by_fold = tuple(view.calibrated(raw) for view, raw in zip(views, together, strict=True))
    return part, Calibrated(by_fold, together, [*calibrated.notes, note])


def _raws_by_name(calibrated: Calibrated) -> dict[str, Floats]:
    return {view.view.name: raw for view, raw in zip(calibrated.views, calibrated.raws, strict=True)}


def split_sequences(table: Table, roles: Roles, config: Config) -> SplitCorpus:
    """Read the corpus that embeddings of events are learnt from, and hold sequences out to evaluate them."""
    reference = read_sequence_reference(table, roles, config)
    frame = reference.frame
    n_held_out = int(min(MOST_HELD_OUT, max(HELD_OUT_SHARE * frame.height, 1)))
    learnt, held_out = frame[n_held_out:], frame[:n_held_out]
    tokens = _event_tokens(learnt, reference)
    rows, index = _encode(learnt, tokens).distinct()
    times = np.bincount(index)
    corpus = sequence_corpus(tokens, rows, times, count_neighbours(rows, times, len(tokens.labels)))
    return SplitCorpus(corpus, _encode(held_out, tokens))


def _event_tokens(frame: pl.DataFrame, reference: SequenceReference) -> ColumnTokens:
    events = frame[EVENTS].explode()
    templates = event_tokens(reference.name, events, reference.tokens, is_text=reference.has_messages)
    if templates is not None:
        return templates
    counted = count_values(events).cut(reference.tokens.max_values)
    return category_tokens(reference.name, counted, reference.tokens.min_count)


def _encode(frame: pl.DataFrame, tokens: ColumnTokens) -> Sequences:
    return encode_sequences(frame[EVENTS], frame[GAPS], tokens)
