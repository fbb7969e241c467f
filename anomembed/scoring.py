"""Judge records by a `Model`, batch by batch in constant memory, keep the few that are flagged, and say why."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

from anomembed.errors import DataError
from anomembed.explain.contributions import contributions, expect
from anomembed.explain.entity_wording import EntityWording
from anomembed.explain.sequence_reasons import SequenceReasons
from anomembed.explain.wording import Case, show_tokens
from anomembed.fit.sequences import ensure_sequences
from anomembed.model import Model
from anomembed.read.history import derive_history
from anomembed.read.roles import Role, match_roles
from anomembed.read.sequences import EVENTS, GAPS, read_sequences
from anomembed.read.table import HASH, Table
from anomembed.represent.batch import Batch, make_batch
from anomembed.represent.sequences import Sequences, encode_sequences, name_events
from anomembed.represent.tokens.vocabulary import Kind
from anomembed.score.flags import FlagRule
from anomembed.views.entity import EntityView
from anomembed.views.gap import GapView
from anomembed.views.habit import HabitView
from anomembed.views.link import LinkView
from anomembed.views.match import MatchView
from anomembed.views.number import NumberView
from anomembed.views.order import StepView
from anomembed.views.pair import PairView
from anomembed.views.rarity import RarityView
from anomembed.views.vector import VectorView

BATCH_SIZE, BATCH_VALUES = 131_072, 8_000_000  # records and values judged at once, at most
EXPLAINED_AT_ONCE = 128
MOST_EXPLAINED = 2_000
OF_ENTITY = (EntityView, HabitView, StepView)  # views that look at what was before
OF_NUMBERS = (NumberView, EntityView, StepView, GapView, VectorView, MatchView)  # views that look at more than tokens
VALUE = "value:"  # prefix of a judged column beside the scores
VALUES = f"^(?s:{VALUE}.*)$"  # names may hold line ends

PART_NAMES = ("view", "column_name", "value", "contribution", "expected")
_NO_CONTRIBUTIONS = pl.DataFrame(
    schema={
        "rank": pl.Int64,
        "view": pl.String,
        "column_name": pl.String,
        "value": pl.String,
        "contribution": pl.Float64,
        "expected": pl.List(pl.String),
    }
)


def score_batches(model: Model, table: Table, where: str | None, size: int | None = None) -> Iterator[pl.DataFrame]:
    """Judge records, batch by batch.

    Parameters
    ----------
    model : Model
        What is normal.
    table : Table
        An open table with the columns that the model was fitted on.
    where : str or None
        SQL condition of the records to judge; all by default.
    size : int, optional
        Records per batch; it does not change the result.

    Yields
    ------
    pl.DataFrame
        The key columns; ``raw_score`` (Float64, high = abnormal), ``tail_probability`` (Float64, low = abnormal),
        ``view`` (String, the view in which the record is most abnormal); and the judged columns, prefixed by `VALUE`.

    Raises
    ------
    SourceError
        When a column is missing or has become another kind of thing.
    """
    if model.is_sequential:
        ensure_sequences(table, model.config)
    roles = match_roles(model.roles, table)
    if model.past:
        derive_history(table, roles, model.past.history)
    key = [table.column(column.name) for column in roles.key]
    derived = model.past.history.select() if model.past else {}
    select = {VALUE + name: sql for name, sql in (roles.select() | derived).items()}
    names = np.array([judged.view.name for judged in model.views])
    if model.is_sequential:
        frames = read_sequences(table, roles, where, size or BATCH_SIZE)
        select = {EVENTS: "", GAPS: "", HASH: ""}
    else:
        size = size or batch_size(roles.n_values + len(derived))
        frames = table.batches(select, key, where, size)
    for frame in frames:
        raw, worst = judge(model, _encode(model, frame))
        scores = pl.DataFrame(
            {"raw_score": raw, "tail_probability": model.calibration.tail_probability(raw), "view": names[worst]}
        )
        n_keys = frame.width - len(select)
        yield pl.concat([frame[:, :n_keys], scores, frame.select(pl.col(VALUES))], how="horizontal")


def batch_size(n_values: int) -> int:
    """Return how many records of so many values each are judged at once."""
    return min(BATCH_SIZE, max(1_000, BATCH_VALUES // n_values))


def _encode(model: Model, frame: pl.DataFrame) -> Batch | Sequences:
    if model.is_sequential:
        return encode_sequences(frame[EVENTS], frame[GAPS], model.vocabulary.columns[0])
    return make_batch(_values(frame), model.vocabulary, model.numbers, model.past)


def _values(frame: pl.DataFrame) -> pl.DataFrame:
    return frame.select(pl.col(VALUES).name.map(lambda name: name.removeprefix(VALUE)))


def judge(model: Model, batch: Batch | Sequences) -> tuple[NDArray[np.float64], NDArray[np.intp]]:
    """Return the raw score of every record (high = abnormal), and the place of the view in which it stands out most.

    A record stands out where it is rarest, a sequence where most of its score comes from: the pace, which weighs little
    there, has the longer tail.
    """
    total = np.zeros(len(batch))
    stands_out = np.empty((len(batch), len(model.views)))
    # Records with the same tokens have the same numbers only as far as the bins tell: those views are not shared.
    shared, place = batch.distinct()
    for column, judged in enumerate(model.views):
        raw = judged.raw(batch) if isinstance(judged.view, OF_NUMBERS) else judged.raw(shared)[place]
        term = judged.term(raw)
        total += term
        stands_out[:, column] = term if model.is_sequential else judged.calibration.minus_log_tail(raw)
    return total, stands_out.argmax(axis=1)


class FlagKeeper:
    """Watches scored batches go by and keeps the records that may be flagged.

    Parameters
    ----------
    rule : FlagRule
        How flags are chosen.
    key : sequence of str
        Key columns, which break ties.
    """

    def __init__(self, rule: FlagRule, key: Sequence[str]) -> None:
        self._rule, self._key = rule, tuple(key)
        self._kept: pl.DataFrame | None = None
        self.n_scored = 0

    def watch(self, batches: Iterable[pl.DataFrame]) -> Iterator[pl.DataFrame]:
        """Yield the scores of every batch, without the judged columns."""
        for batch in batches:
            self.n_scored += batch.height
            both = batch if self._kept is None else pl.concat([self._kept, batch])
            self._kept = self._rule.keep(both, self._key)
            yield batch.select(pl.exclude(VALUES))

    def flagged(self) -> pl.DataFrame:
        """Return the flagged records, most abnormal first; call it when all batches have gone by.

        Raises
        ------
        DataError
            When there was no batch.
        """
        if self._kept is None:
            raise DataError("no records to score")
        return self._rule.decide(self._kept, self.n_scored)


@dataclass(frozen=True)
class Flags:
    """Flagged records and their reasons.

    Parameters
    ----------
    frame : pl.DataFrame
        Key columns, ``rank`` (from 1), ``raw_score``, ``tail_probability``, ``extrapolated``, ``view``, ``reason``.
    contributions : pl.DataFrame
        ``rank``, ``view``, ``column_name``, ``value``, ``contribution`` (nats; a record's sum to its raw score),
        ``expected``. Columns that contribute nothing to a view are left out.
    """

    frame: pl.DataFrame
    contributions: pl.DataFrame


def explain(model: Model, flagged: pl.DataFrame) -> Flags:
    """Say why records were flagged.

    Parameters
    ----------
    model : Model
        The model that scored them.
    flagged : pl.DataFrame
        Records as `score_batches` yields them.

    Returns
    -------
    Flags
    """
    if flagged.height > MOST_EXPLAINED:
        return _explain_most(model, flagged)
    if model.is_sequential:
        return _explain_sequences(model, flagged)
    values = model.vocabulary.parse(_values(flagged))
    batch = make_batch(values, model.vocabulary, model.numbers, model.past)
    sources = tuple(
        model.numbers.index(column.source) if column.kind is Kind.BIN else -1 for column in model.vocabulary.columns
    )
    habit = next((judged.view for judged in model.views if isinstance(judged.view, HabitView)), None)
    worst = judge(model, batch)[1]
    wording = EntityWording(model.vocabulary, model.counts, model.ranges, sources, habit, model.past)
    sentences: list[str] = []
    tables: list[pl.DataFrame] = []
    for start in range(0, len(batch), EXPLAINED_AT_ONCE):
        part = slice(start, start + EXPLAINED_AT_ONCE)
        expectations = expect(batch.tokens[part], model.vocabulary, model.counts)
        parts = contributions(model.views, batch[part], expectations, sources)
        for row, record in enumerate(values[part].iter_rows(named=True)):
            shown = show_tokens(model.vocabulary, batch.tokens[start + row], record)
            case = Case(shown, batch[start + row : start + row + 1], [score[row] for score in expectations.score])
            sentences.append(_sentence(model, wording, case, parts[row], int(worst[start + row])))
            tables.append(_contribution_table(model, wording, case, parts[row], start + row + 1))
    return _flags(model, flagged, sentences, pl.concat([_NO_CONTRIBUTIONS, *tables]))


def _explain_most(model: Model, flagged: pl.DataFrame) -> Flags:
    """Explain the most abnormal of very many flags; an outbreak floods a log, and nobody reads a million reasons."""
    first, rest = explain(model, flagged[:MOST_EXPLAINED]), flagged[MOST_EXPLAINED:]
    reason = f"one of {flagged.height:,} flags, of which the {MOST_EXPLAINED:,} most abnormal are explained"
    others = _flags(model, rest, [reason] * rest.height, first.contributions)
    ranked = others.frame.with_columns(pl.col("rank") + MOST_EXPLAINED)
    return Flags(pl.concat([first.frame, ranked]), first.contributions)


def _explain_sequences(model: Model, flagged: pl.DataFrame) -> Flags:
    reasons = SequenceReasons(model.views, model.vocabulary.columns[0], model.ranges)
    sentences: list[str] = []
    rows: list[dict[str, object]] = []
    for part in flagged.select("view", EVENTS, GAPS).iter_slices(EXPLAINED_AT_ONCE):
        sequences = encode_sequences(part[EVENTS], part[GAPS], model.vocabulary.columns[0])
        shown = name_events(part[EVENTS], model.vocabulary.columns[0])
        for view, contributing in zip(part["view"], reasons.explain(sequences, shown), strict=True):
            # A sequence as usual as can be has views to which nothing contributes.
            sentences.append(
                next((part.sentence for part in contributing if part.view == view), contributing[0].sentence)
            )
            rank = len(sentences)
            rows += [{"rank": rank, **{name: getattr(found, name) for name in PART_NAMES}} for found in contributing]
    return _flags(model, flagged, sentences, pl.DataFrame(rows, schema=_NO_CONTRIBUTIONS.schema))


def _flags(model: Model, flagged: pl.DataFrame, sentences: list[str], contributions: pl.DataFrame) -> Flags:
    keys = flagged.select(pl.exclude(VALUES, "raw_score", "tail_probability", "view"))
    scores = flagged.select(
        rank=pl.int_range(1, pl.len() + 1, dtype=pl.Int64),
        raw_score="raw_score",
        tail_probability="tail_probability",
        extrapolated=pl.col("raw_score") > model.calibration.largest,
        view="view",
        reason=pl.Series(sentences, dtype=pl.String),
    )
    return Flags(pl.concat([keys, scores], how="horizontal"), contributions)


def _sentence(model: Model, wording: EntityWording, case: Case, parts: NDArray[np.float64], place: int) -> str:
    view = model.views[place].view
    # A column with few values makes the better subject: what was expected of it can be named. Of a pair, the column
    # that contributes more comes first, as in the contributions.
    sizes = np.log1p([len(column.labels) for column in model.vocabulary.columns])
    if isinstance(view, OF_ENTITY):
        return wording.of_entity(case, view)
    if isinstance(view, VectorView):
        return wording.vector(case, view)
    if isinstance(view, MatchView):
        return wording.mismatch(case, view)
    if isinstance(view, LinkView):
        return wording.conflict(case, int(view.culprit(case.record)[0]), int(view.entity(case.record)[0]))
    if isinstance(view, PairView):
        pair = view.worst(case.tokens[None, :])[0]
        first, second = sorted(pair.tolist(), key=lambda column: (-float(parts[place][column]), float(sizes[column])))
        return wording.conflict(case, first, second)
    is_of_rarity = isinstance(view, RarityView)  # whose first column is the one that contributes most, as in `why`
    columns = np.argsort(-parts[place] / (1 if is_of_rarity else sizes), kind="stable").tolist()
    return wording.sentence(case, columns, of_rarity=is_of_rarity)


def _contribution_table(
    model: Model, wording: EntityWording, case: Case, parts: NDArray[np.float64], rank: int
) -> pl.DataFrame:
    """Return a row for every view and column that contributes."""
    views, columns = (places.tolist() for places in np.nonzero(parts))
    names = model.vocabulary.names
    expected = {column: wording.expected(case, column) for column in set(columns)}
    entities = {names.index(entity.name) for entity in model.roles.of(Role.ENTITY) if entity.name in names}
    past = {place for place, judged in enumerate(model.views) if isinstance(judged.view, OF_ENTITY)}
    return pl.DataFrame(
        {
            "rank": [rank] * len(views),
            "view": [model.views[view].view.name for view in views],
            "column_name": [names[column] for column in columns],
            "value": [str(case.shown[column]) for column in columns],
            "contribution": parts[views, columns],
            # What an entity did says nothing of which other entity it should have been.
            "expected": [
                [] if view in past and column in entities else expected[column]
                for view, column in zip(views, columns, strict=True)
            ],
        },
        schema=_NO_CONTRIBUTIONS.schema,
    )
