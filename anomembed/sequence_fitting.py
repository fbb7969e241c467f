"""Learn what is normal in whole sequences of events: which ones occur together, how often, and in which order."""

import numpy as np
import polars as pl

from anomembed.config import Config
from anomembed.errors import ConfigError, DataError
from anomembed.model import Model, Summary
from anomembed.read.roles import Role, Roles
from anomembed.read.sequences import (
    EVENTS,
    FORMED,
    count_sequences,
    form_sequences,
    read_sequences,
    sampled,
    sequence_roles,
)
from anomembed.read.table import HASH, Table
from anomembed.represent.embeddings.ppmi_svd import fit_ppmi_svd
from anomembed.represent.ranges import Ranges
from anomembed.represent.sequences import count_neighbours, count_ngrams, encode_sequences, usual_counts
from anomembed.represent.tokens import ColumnTokens, Vocabulary, category_tokens, count_values
from anomembed.represent.views.order import fit_order_view
from anomembed.represent.views.sequence import fit_sequence_view
from anomembed.score.calibration import fit_calibration
from anomembed.score.detectors import choose_detector
from anomembed.score.judging import judge_views

HELD_OUT_SHARE, MOST_HELD_OUT = 0.15, 20_000
EVENTS_AT_ONCE = 1_000_000


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
    return sequence_roles(table, ensure_sequences(table, config), order, config.sequence.event)


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
    if any(column.name == FORMED for column in table.columns):
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


def learn_sequences(table: Table, config: Config, *, hold_out: bool = True, roles: Roles | None = None) -> Model:
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
    is_split = hold_out or frame.height < n_reference
    n_held_out = int(min(MOST_HELD_OUT, max(HELD_OUT_SHARE * frame.height, 1))) if is_split else 0
    tokens = _event_tokens(frame[n_held_out:], roles, config)
    learnt = encode_sequences(frame[n_held_out:][EVENTS], tokens)
    held_out = encode_sequences(frame[:n_held_out][EVENTS], tokens) if is_split else learnt[:MOST_HELD_OUT]
    n_tokens = len(tokens.labels)
    rows, place = learnt.distinct()
    times = np.bincount(place)
    counts = count_neighbours(rows, times, n_tokens)
    embeddings = fit_ppmi_svd(counts, config.embedding.width, config.seed)
    order = fit_order_view(count_ngrams(rows, times, n_tokens), held_out, is_own=not is_split)
    views = (fit_sequence_view(embeddings, tokens.counts), order)
    choice = choose_detector(
        config.detector.name, clean=config.reference.clean, n_records=len(learnt), n_distinct=len(rows)
    )
    judged, notes = judge_views(views, choice, learnt, held_out, seed=config.seed, clean=config.reference.clean)
    calibration = fit_calibration(np.sum([view.term(raw) for view, raw in judged], axis=0))
    if learnt.lengths.max() == 1:
        notes.append("every sequence has one event: there is no order to learn from")
    summary = Summary(table.name, n_reference, len(learnt), len(rows), n_held_out, str(choice), tuple(notes))
    fitted = tuple(view for view, _ in judged)
    ranges = Ranges(usual_counts(rows, times, n_tokens), np.empty(0, np.int64), ())
    return Model(config, roles, Vocabulary((tokens,)), counts, embeddings, ranges, fitted, calibration, summary)


def _read_reference(table: Table, roles: Roles, config: Config) -> tuple[pl.DataFrame, int]:
    """Read reference sequences in the order of their hash, and say how many there are in all."""
    where, seed = config.source.fit_where, config.seed
    n_reference = count_sequences(table, roles, where)
    if n_reference < 2:
        text = f" where {where}" if where else ""
        raise DataError(f"{table.name} has {n_reference} sequences{text}; normal behaviour needs at least 2")
    some = sampled(table, roles, where, config.reference.max_records, seed)
    return pl.concat(list(read_sequences(table, roles, some, EVENTS_AT_ONCE, seed))).sort(HASH), n_reference


def _event_tokens(frame: pl.DataFrame, roles: Roles, config: Config) -> ColumnTokens:
    name = " | ".join(column.name for column in roles.of(Role.EVENT))
    counted = count_values(frame[EVENTS].explode(), config.tokens.max_values)
    return category_tokens(name, *counted, config.tokens.min_count)
