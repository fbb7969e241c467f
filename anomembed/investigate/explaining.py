"""Put together all that is known of a judged record: from the store, and from the source where it is still there."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import replace

import numpy as np
import polars as pl
from numpy.typing import NDArray

from anomembed.config import Config
from anomembed.errors import AnomembedError
from anomembed.explain.company import Expected, counted_as, expectations, odd_pairs
from anomembed.explain.counterfactual import NORMAL, find_change
from anomembed.explain.records import know, take_cases
from anomembed.investigate.case import Case, Earlier, Part, ViewTail
from anomembed.investigate.entity import read_past
from anomembed.investigate.neighbours import nearest_normal
from anomembed.investigate.sequence import add_sequence
from anomembed.investigate.source import SourceRecord, locate
from anomembed.model import Model
from anomembed.opening import open_source
from anomembed.read.table import Table, read_values
from anomembed.represent.batch import Batch
from anomembed.views.cases import Case as Found
from anomembed.views.facts import Facts
from anomembed.views.reason import clean_text
from anomembed.workers.compiled import compiler_spared
from anomembed.write.judgements import Judgement, earlier_flags, find_judgement, kept_parts
from anomembed.write.model_acts import PRUNED, unit_of
from anomembed.write.models import load_model
from anomembed.write.store import Store

ROUNDED = 0.02  # nats by which a raw score may differ without the compiled loops
AGAIN = "for more, score the record again by another one, and explain that run"


def explain_key(store: Store, key: str, run_id: int | None = None, config: Config | None = None) -> Case:
    """Return all that is known of a judged record.

    Parameters
    ----------
    store : Store
        An open store.
    key : str
        Key of the record, as the table ``scores`` has it.
    run_id : int, optional
        The run; by default the newest that judged it.
    config : Config, optional
        Says where the source is now; by default where the run read it.

    Raises
    ------
    StoreError
        When no run judged the key.
    """
    judged = find_judgement(store, key, run_id)
    case = _kept(store, judged).noted(*(_same_key(run, source) for run, source in judged.elsewhere))
    if judged.state == PRUNED:
        return case.noted(f"model {judged.model_id} was pruned: below is what the store has; {AGAIN}")
    settings = config or (Config.model_validate_json(judged.config) if judged.config else None)
    if settings is None or settings.source.database is None:
        return case.noted("the store does not say where the source is: below is what it has; name it by --config")
    try:
        table = open_source(settings)
    except AnomembedError as error:
        return case.noted(f"the source cannot be read ({error}): below is what the store has")
    with table:
        return _from_source(case, store, judged, table)


def _kept(store: Store, judged: Judgement) -> Case:
    """Return what the store has of a record."""
    parts = tuple(
        Part(name, value, contribution, None, None, tuple(Expected(text) for text in expected))
        for name, value, contribution, expected in kept_parts(store, judged).iter_rows()
    )
    carried = {name: str(value) for name, value in json.loads(judged.record or "{}").items()}
    return Case(
        key=judged.key,
        run_id=judged.run_id,
        model_id=judged.model_id,
        source=judged.source,
        database=judged.database,
        scored_at=judged.scored_at.isoformat(sep=" ", timespec="seconds"),
        rule=judged.rule,
        flagged=judged.flagged,
        rank=judged.rank,
        raw_score=judged.raw_score,
        tail_probability=judged.tail_probability,
        extrapolated=bool(judged.extrapolated),
        view=judged.view,
        reason=judged.reason,
        other_runs=judged.others,
        unit=unit_of(json.loads(judged.roles)),
        record=carried,
        parts=parts,
        earlier=_earlier(store, judged),
    )


def _same_key(run_id: int, source: str) -> str:
    return f"{clean_text(source)} has a record with this key, too: --run {run_id}"


def _earlier(store: Store, judged: Judgement) -> tuple[Earlier, ...]:
    return tuple(Earlier(*row) for row in earlier_flags(store, judged).iter_rows())


def _from_source(case: Case, store: Store, judged: Judgement, table: Table) -> Case:
    """Add what the source and the model say."""
    model = load_model(store, judged.model_id)
    try:
        at = locate(table, model, judged.key)
        rows = at.as_it_is()
        if not rows.height:
            return case.noted(f"{table.name} has no record {judged.key} any more: below is what the store has")
        if model.is_sequential:
            return add_sequence(case, at, rows)
        return _add_record(replace(case, record=rows.row(0, named=True)), at, store)
    except AnomembedError as error:
        return case.noted(f"the source has changed since run {judged.run_id} ({error})")


def _add_record(case: Case, at: SourceRecord, store: Store) -> Case:
    model = at.model
    plain = at.table.rows(at.roles.select(), at.is_it)[:1]
    own = plain.row(0, named=True)
    case = replace(case, normal=nearest_normal(at, plain, store, case.run_id))
    past = None if model.past else read_past(at, own, store, case.run_id)
    frame = at.frame()
    if model.past:  # the table then has little more than the records of its entity, and they are read at once
        past = read_past(at, own, store, case.run_id)
    if past:
        case = case.noted(*past.notes)
        case = replace(case, entity=past.entity, n_of_entity=past.n_others, habits=past.habits, events=past.events)
    return case if frame is None else _take_apart(case, model, frame)


def _take_apart(case: Case, model: Model, frame: pl.DataFrame) -> Case:
    """Add what the model says of the record: views, contributions, expected values, and what would be normal."""
    values = model.vocabulary.parse(read_values(frame))
    batch, facts = model.make_batch(values), know(model)
    (found, shares), *_ = take_cases(model, values, batch, facts)
    sums, raw = shares.sum(axis=0), _score_again(model, batch, case)
    kept = {part.column: part.contribution for part in case.parts} if case.is_scored(raw) else {}
    tail = case.tail_probability if case.is_scored(raw) else model.calibration.tail_probability(np.array([raw]))[0]
    return replace(
        case.checked(raw),
        views=_views(model, batch, shares),
        parts=tuple(_parts(model, facts, found, sums, kept)),
        pairs=tuple(odd_pairs(found, facts)),
        change=find_change(model, facts, found, sums) if tail < NORMAL else None,
    )


def _score_again(model: Model, batch: Batch, case: Case) -> float:
    """Return the raw score of a record as it is now; that of the run where no more than rounding makes it another."""
    if abs(model.score(batch).raw[0] - case.raw_score) <= ROUNDED:
        return case.raw_score
    with compiler_spared(is_spared=False):
        return float(model.score(batch).raw[0])


def _views(model: Model, batch: Batch, shares: NDArray[np.float64]) -> tuple[ViewTail, ...]:
    """Return how abnormal a record is in each view, most abnormal first."""
    tails = [float(np.exp(-view.calibration.minus_log_tail(view.raw(batch))[0])) for view in model.views]
    sums = shares.sum(axis=1).tolist()
    named = zip(model.views, tails, sums, strict=True)
    found = [ViewTail(view.view.name, tail, share) for view, tail, share in named]
    return tuple(sorted(found, key=lambda view: (view.tail_probability, view.view)))


def _parts(
    model: Model, facts: Facts, found: Found, shares: NDArray[np.float64], kept: Mapping[str, float]
) -> Iterable[Part]:
    """Return what each column adds, as the store has kept it where it has, largest first."""
    for column in np.argsort(-shares, kind="stable").tolist():
        own, expected = expectations(found, facts, column)
        counted = None if model.vocabulary.columns[column].kind.traits.is_presence else own
        name, value = model.vocabulary.names[column], found.shown[column]
        share = kept.get(name, float(shares[column]))
        yield Part(name, value, share, counted_as(found, facts, column), counted, tuple(expected))
