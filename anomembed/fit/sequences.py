"""Learn what is normal in whole sequences of events: which ones occur together, how often, and in which order."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import numpy as np
import polars as pl

from anomembed.config import Config
from anomembed.errors import ConfigError
from anomembed.fit.messages import event_tokens
from anomembed.model import Model, Summary
from anomembed.read.roles import Role, Roles
from anomembed.read.sequences import (
    EVENTS,
    FORMED,
    GAPS,
    count_sequences,
    form_sequences,
    read_sequences,
    sampled,
    sequence_roles,
)
from anomembed.read.table import HASH, Table
from anomembed.read.vectors import TokenVectors
from anomembed.represent.arrays import Floats
from anomembed.represent.counts import Counts
from anomembed.represent.embeddings import Embeddings
from anomembed.represent.embeddings.corpus import SplitCorpus, sequence_corpus
from anomembed.represent.embeddings.epochs import Progress
from anomembed.represent.embeddings.fitting import fit_embeddings
from anomembed.represent.embeddings.neural.networks import NextEvent
from anomembed.represent.learners import LEARNERS
from anomembed.represent.ranges import Ranges
from anomembed.represent.sequences import Sequences, count_neighbours, count_ngrams, encode_sequences, usual_counts
from anomembed.represent.tokens.learning import category_tokens, count_values
from anomembed.represent.tokens.vocabulary import ColumnTokens, Vocabulary
from anomembed.score.calibration import fit_calibration
from anomembed.score.combine import JudgedView, judge_view
from anomembed.score.detectors import Choice, choose_detector
from anomembed.score.judging import judge_views
from anomembed.views.base import View
from anomembed.views.gap import fit_gap_view
from anomembed.views.order import fit_order_view
from anomembed.views.sequence import fit_sequence_view

HELD_OUT_SHARE, MOST_HELD_OUT = 0.15, 20_000
FOLDS, MOST_CROSSED = 5, 50_000  # with no more reference sequences than this all are held out in turn
SLOW_FOLDS = 2  # of neural networks, which take minutes to learn
EVENTS_AT_ONCE = 1_000_000

Judged = list[tuple[JudgedView, Floats]]
"""Every view with its detector, and its raw scores of reference sequences."""


def find_sequence_roles(table: Table, config: Config) -> Roles:
    """Find the columns that a configuration of sequences names; form the sequences when none is named.

    Raises
    ------
    ConfigError
        When it is not said what puts the events in order.
    """
    order = config.sequence.order or config.roles.timestamp
    if not order:
        raise ConfigError("say what puts the events in order: --order or --time, sequence.order or roles.timestamp")
    key = ensure_sequences(table, config)
    entity = config.roles.entity if table.is_derived(key) else ()
    return sequence_roles(table, key, order, config.sequence.event, entity)


def ensure_sequences(table: Table, config: Config) -> str:
    """Return the column that names the sequence; it is made when the configuration names none and it is not there yet.

    Raises
    ------
    ConfigError
        When there is no time to cut sequences by.
    """
    said, time = config.sequence, config.roles.timestamp
    if said.key is not None:
        return said.key
    if not time:
        raise ConfigError("sequences by a gap, a window or a number of events need --time, or roles.timestamp")
    if table.is_derived(FORMED):
        return FORMED
    return form_sequences(
        table,
        config.roles.entity,
        time[0],
        said.event,
        session_gap=said.session_gap,
        window=said.window,
        length=said.length,
        step=said.step,
    )


def learn_sequences(
    table: Table,
    config: Config,
    *,
    hold_out: bool = True,
    roles: Roles | None = None,
    vectors: TokenVectors | None = None,
    progress: Progress | None = None,
) -> Model:
    """Learn what is normal from the sequences of `table`.

    Parameters
    ----------
    table : Table
        An open table with one row per event.
    config : Config
        Settings; `config.sequence` says what a sequence is.
    hold_out : bool, default=True
        Keep some sequences out of all learning, to calibrate on.
    roles : Roles, optional
        From `find_sequence_roles`.
    vectors : TokenVectors, optional
        Imported vectors of events.
    progress : callable, optional
        Told of every epoch of a learner that has epochs.

    Returns
    -------
    Model

    Raises
    ------
    SourceError, ConfigError, DataError
        When the sequences cannot be found, or there are fewer than two.
    """
    roles = roles or find_sequence_roles(table, config)
    frame, n_reference = _read_reference(table, roles, config)
    is_own = not hold_out and frame.height == n_reference
    learn = partial(_learn, roles=roles, config=config, vectors=vectors, progress=progress)
    learnt, judged, notes = _judge_own(frame, learn, config) if is_own else _judge_held_out(frame, learn, config)
    calibration = fit_calibration(np.sum([view.term(raw) for view, raw in judged], axis=0), is_own=is_own)
    summary = _summarise(table, learnt, n_reference, frame.height - len(learnt.sequences), notes)
    ranges = Ranges(learnt.usual, np.empty(0, np.int64), ())
    vocabulary, views = Vocabulary((learnt.tokens,)), tuple(view for view, _ in judged)
    return Model(config, roles, vocabulary, learnt.counts, learnt.embeddings, ranges, views, calibration, summary)


@dataclass(frozen=True)
class Learnt:
    """What was learnt from some sequences, before any of them was judged."""

    tokens: ColumnTokens
    sequences: Sequences
    n_distinct: int
    counts: Counts
    embeddings: Embeddings
    usual: Floats
    views: tuple[View, ...]
    choice: Choice


def _learn(
    frame: pl.DataFrame,
    roles: Roles,
    config: Config,
    vectors: TokenVectors | None,
    progress: Progress | None,
    *,
    is_own: bool = False,
) -> Learnt:
    tokens = _event_tokens(frame, roles, config)
    n_tokens = len(tokens.labels)
    sequences = _encode(frame, tokens)
    rows, place = sequences.distinct()
    times = np.bincount(place)
    counts = count_neighbours(rows, times, n_tokens)
    corpus = sequence_corpus(tokens, rows, times, counts)
    embeddings = fit_embeddings(corpus, config.embedding, config.seed, progress, vectors)
    network = embeddings.network if isinstance(embeddings.network, NextEvent) else None
    views: list[View] = [
        fit_sequence_view(embeddings, tokens.counts),
        fit_order_view(count_ngrams(rows, times, n_tokens), sequences, network, is_own=is_own),
    ]
    if sequences.gaps is not None:
        gaps = fit_gap_view(sequences, n_tokens)
        views.append(gaps if is_own else gaps.for_others())
    return Learnt(
        tokens=tokens,
        sequences=sequences,
        n_distinct=len(rows),
        counts=counts,
        embeddings=embeddings,
        usual=usual_counts(rows, times, n_tokens),
        views=tuple(views),
        choice=choose_detector(
            config.detector.name, clean=config.reference.clean, n_records=len(sequences), n_distinct=len(rows)
        ),
    )


def _summarise(table: Table, learnt: Learnt, n_reference: int, n_held_out: int, notes: list[str]) -> Summary:
    notes += learnt.embeddings.notes
    if learnt.sequences.lengths.max() == 1:
        notes.append("every sequence has one event: there is no order to learn from")
    return Summary(
        source=table.name,
        n_reference=n_reference,
        n_learnt=len(learnt.sequences),
        n_distinct=learnt.n_distinct,
        n_held_out=n_held_out,
        detector=str(learnt.choice),
        notes=tuple(notes),
    )


def _judge(learnt: Learnt, sequences: Sequences, config: Config) -> tuple[Judged, list[str]]:
    clean = config.reference.clean
    return judge_views(learnt.views, learnt.choice, learnt.sequences, sequences, seed=config.seed, clean=clean)


def _judge_own(frame: pl.DataFrame, learn: Callable[..., Learnt], config: Config) -> tuple[Learnt, Judged, list[str]]:
    """Calibrate on the sequences learnt from: those that are to be judged."""
    learnt = learn(frame, is_own=True)
    return learnt, *_judge(learnt, learnt.sequences[:MOST_HELD_OUT], config)


def _judge_held_out(
    frame: pl.DataFrame, learn: Callable[..., Learnt], config: Config
) -> tuple[Learnt, Judged, list[str]]:
    """Calibrate on sequences that were not learnt from: on all in turn, or on one part when there are many."""
    n, is_crossed = frame.height, frame.height <= MOST_CROSSED
    if not is_crossed:
        n_held_out = int(min(MOST_HELD_OUT, HELD_OUT_SHARE * n))
        learnt = learn(frame[n_held_out:])
        return learnt, *_judge(learnt, _encode(frame[:n_held_out], learnt.tokens), config)
    raws, n_folds = [], min(SLOW_FOLDS if LEARNERS[config.embedding.method].is_network else FOLDS, n)
    for fold in range(n_folds):
        is_held = np.arange(n) % n_folds == fold
        part = learn(frame.filter(~is_held))
        found, _ = _judge(part, _encode(frame.filter(is_held), part.tokens), config)
        raws.append([raw for _, raw in found])
    learnt = learn(frame)
    judged, notes = _judge(learnt, learnt.sequences[:1], config)
    together = [np.concatenate(parts) for parts in zip(*raws, strict=True)]
    notes.append(f"calibrated on all reference sequences, each held out in turn ({n_folds} folds)")
    return (
        learnt,
        [
            (judge_view(v.view, v.detector, v.rule, v.weight, raw), raw)
            for (v, _), raw in zip(judged, together, strict=True)
        ],
        notes,
    )


def split_sequences(table: Table, roles: Roles, config: Config) -> SplitCorpus:
    """Read what embeddings of events are learnt from, and hold some sequences out to measure them on.

    Parameters
    ----------
    table : Table
        An open table with one row per event.
    roles : Roles
        From `find_sequence_roles`.
    config : Config
        Settings; `config.sequence` says what a sequence is.
    """
    frame, _ = _read_reference(table, roles, config)
    n_held_out = int(min(MOST_HELD_OUT, max(HELD_OUT_SHARE * frame.height, 1)))
    learnt, held_out = frame[n_held_out:], frame[:n_held_out]
    tokens = _event_tokens(learnt, roles, config)
    rows, place = _encode(learnt, tokens).distinct()
    times = np.bincount(place)
    corpus = sequence_corpus(tokens, rows, times, count_neighbours(rows, times, len(tokens.labels)))
    return SplitCorpus(corpus, _encode(held_out, tokens))


def _read_reference(table: Table, roles: Roles, config: Config) -> tuple[pl.DataFrame, int]:
    """Read reference sequences in the order of their hash, and say how many there are in all."""
    where, seed = config.source.fit_where, config.seed
    n_reference = count_sequences(table, roles, where)
    some = sampled(table, roles, where, config.reference.max_records, seed)
    return pl.concat(list(read_sequences(table, roles, some, EVENTS_AT_ONCE, seed))).sort(HASH), n_reference


def _event_tokens(frame: pl.DataFrame, roles: Roles, config: Config) -> ColumnTokens:
    name = " | ".join(column.name for column in roles.of(Role.EVENT))
    events = frame[EVENTS].explode()
    is_told = any(column.name in config.roles.text for column in roles.of(Role.EVENT))
    templates = event_tokens(name, events, config.tokens, is_told=is_told)
    if templates is not None:
        return templates
    counted = count_values(events, config.tokens.max_values)
    return category_tokens(name, *counted, config.tokens.min_count)


def _encode(frame: pl.DataFrame, tokens: ColumnTokens) -> Sequences:
    return encode_sequences(frame[EVENTS], frame[GAPS], tokens)
