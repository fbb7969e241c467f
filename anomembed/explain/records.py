"""Explain flagged records: a reason each, and the contribution of every column to every view."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, cast

import numpy as np
import polars as pl
from numpy.typing import NDArray

from anomembed.explain.contributions import contributions, expect
from anomembed.explain.flags import CONTRIBUTIONS, Flags, make_flags
from anomembed.model import Model
from anomembed.read.roles.suggestion import actor_rank
from anomembed.read.sharing import HELD, PREFIX, are_shared
from anomembed.read.table import read_values
from anomembed.read.twins import WHICH
from anomembed.represent.batch import Batch
from anomembed.represent.tokens.vocabulary import Vocabulary
from anomembed.views.agreement import say_agreement
from anomembed.views.cases import Case
from anomembed.views.facts import Facts
from anomembed.views.shared import Held, name_shared

if TYPE_CHECKING:
    from anomembed.views.reason import Reason
    from anomembed.views.view import ViewOfRecords

EXPLAINED_AT_ONCE = 128  # records
UNCLEAR = ("uncommon", "all together")
"""Kinds of reasons that a view gives when it has nothing else to say."""
CLEARER = {"conflict": ("broken rule",)}
"""Kinds of reasons that give way to a clearer kind: a broken rule says which of two values is the wrong one."""


def explain_records(model: Model, flagged: pl.DataFrame) -> Flags:
    """Explain flagged records.

    Parameters
    ----------
    model : Model
        The model that scored them.
    flagged : pl.DataFrame
        Rows as `anomembed.scoring.score_batches` yields them, most abnormal first.
    """
    values = model.vocabulary.parse(read_values(flagged))
    batch = model.make_batch(values)
    views, facts = _views(model), know(model)
    worst = model.score(batch).worst.tolist()  # by index: two views of vectors share a name
    reasons: list[Reason] = []
    parts: list[tuple[object, ...]] = []
    cases = zip(take_cases(model, values, batch, facts), worst, _held(values), strict=True)
    for (case, shares), view, held in cases:
        clearest = _clearest(views, view, case, shares, facts)
        named = name_shared(say_agreement(clearest, case, facts), held, facts)
        reasons.append(replace(named, view=clearest.view))
        parts += _contributions(model, facts, case, shares, len(reasons))
    table = dict(zip(CONTRIBUTIONS, zip(*parts, strict=True), strict=True)) if parts else None
    return make_flags(model, flagged, reasons, pl.DataFrame(table, schema=CONTRIBUTIONS))


def _held(values: pl.DataFrame) -> list[dict[str, Held]]:
    """Return what each record shares with others, by the column of how many do."""
    counts = [name.removeprefix(HELD) for name in values.columns if name.startswith(HELD + PREFIX)]
    return [
        {name: Held(row[HELD + name], float(row[name])) for name in counts if row[HELD + name] is not None}
        for row in values.select(*counts, *(HELD + name for name in counts)).iter_rows(named=True)
    ] or [{}] * values.height


def _views(model: Model) -> "tuple[ViewOfRecords, ...]":
    return cast("tuple[ViewOfRecords, ...]", tuple(calibrated.view for calibrated in model.views))


def know(model: Model) -> Facts:
    """Return what a model knows of the values of records."""
    number_of = (model.numbers.index(c.source) if c.kind.traits.is_number else -1 for c in model.vocabulary.columns)
    summary = model.summary
    return Facts(
        model.vocabulary,
        model.counts,
        model.ranges,
        tuple(number_of),
        tuple(view.reason_of_pair for view in _views(model)),
        model.past,
        held_out=model.held_out,
        n_reference=summary.n_reference,
        entities=find_entities(model),
        is_sampled=summary.n_learnt + len(model.held_out) < summary.n_reference,
    )


def find_entities(model: Model) -> tuple[int, ...]:
    """Return the token columns that say who acts: those that the user named, and those that are called like one."""
    named, counts = {entity.name for entity in model.entities}, are_shared(model.vocabulary.names)
    is_entity = (
        column.name in named
        or (column.name not in counts and not column.kind.traits.is_presence and actor_rank(column.name) is not None)
        for column in model.vocabulary.columns
    )
    return tuple(at for at, found in enumerate(is_entity) if found)


def take_cases(
    model: Model, values: pl.DataFrame, batch: Batch, facts: Facts
) -> Iterator[tuple[Case, NDArray[np.float64]]]:
    """Yield every record with its contributions, shape (n_views, n_columns), in nats."""
    judged = {*model.vocabulary.written, *model.vocabulary.named}
    for start in range(0, len(batch), EXPLAINED_AT_ONCE):
        part = batch[start : start + EXPLAINED_AT_ONCE]
        expectations = expect(part.tokens, model.vocabulary, model.counts)
        shares = contributions(model.views, part, expectations, facts.number_of)
        for row, record in enumerate(values[start : start + EXPLAINED_AT_ONCE].iter_rows(named=True)):
            shown = show_tokens(model.vocabulary, part.tokens[row], record)
            texts = {at: record[model.vocabulary.columns[at].source] or "" for at in judged}
            scores = [score[row] for score in expectations.score]
            yield Case(shown, part[row : row + 1], scores, texts, record.get(WHICH) or ""), shares[row]


def _clearest(
    views: "Sequence[ViewOfRecords]", view: int, case: Case, shares: NDArray[np.float64], facts: Facts
) -> "Reason":
    """Return the reason of the view in which a record stands out, or a clearer one of a view that counts for more.

    A view with short tails may be the one in which a record is least likely, and yet hardly count.
    """
    reason = _reason(views[view], case, shares[view], facts)
    if reason.kind not in (*UNCLEAR, *CLEARER):
        return reason
    terms = shares.sum(axis=1)
    more = [other for other in np.argsort(-terms, kind="stable").tolist() if terms[other] > terms[view]]
    reasons = (_reason(views[other], case, shares[other], facts) for other in more)
    return next((other for other in reasons if _is_clearer(other.kind, reason.kind)), reason)


def _reason(view: "ViewOfRecords", case: Case, shares: NDArray[np.float64], facts: Facts) -> "Reason":
    return replace(view.reason(case, shares, facts), view=view.name)


def _is_clearer(kind: str, than: str) -> bool:
    return kind in CLEARER[than] if than in CLEARER else kind not in UNCLEAR


def _contributions(
    model: Model, facts: Facts, case: Case, shares: NDArray[np.float64], rank: int
) -> Iterator[tuple[object, ...]]:
    """Yield a row of `CONTRIBUTIONS` for every view and column with a contribution."""
    (views, columns), names = (indices.tolist() for indices in np.nonzero(shares)), model.vocabulary.names
    expected = {column: facts.expected(case, column) for column in set(columns)}
    for view, column in zip(views, columns, strict=True):
        share = float(shares[view, column])
        yield rank, model.views[view].view.name, names[column], case.shown[column], share, expected[column]


def show_tokens(vocabulary: Vocabulary, tokens: NDArray[np.int32], values: dict[str, object]) -> list[str]:
    """Return a record's values as text, by token column: the source's value; for parts of time, the token's label.

    Parameters
    ----------
    vocabulary : Vocabulary
        Tokens of the model.
    tokens : ndarray of shape (n_columns,)
        Token ids of the record.
    values : dict
        Values of the record by source column, None where null; nulls are shown as ``(missing)``.
    """
    codes = (tokens - vocabulary.offsets[:-1]).tolist()
    return [column.show(values[column.source], code) for column, code in zip(vocabulary.columns, codes, strict=True)]
