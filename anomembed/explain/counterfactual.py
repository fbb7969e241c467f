"""The smallest change that makes a record normal: other values in one column, else in two, each tried by scoring it.

Everything else stays as it is. What was derived from the record's past follows the change where it can: sums of a day,
the event, what a record repeats, what came at once with it. A change of who acts or when is no answer, and not tried;
nor is a change of where, which would change how far one came from the place before: that place is not known here.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations, product

import numpy as np
from numpy.typing import NDArray

from anomembed.model import Model
from anomembed.read.column_types import INTEGERS
from anomembed.represent.batch import Batch
from anomembed.represent.tokens.vocabulary import FIRST_VALUE, ColumnTokens, Kind
from anomembed.views.cases import Case
from anomembed.views.facts import Facts

NORMAL = 0.05  # tail probability from which a record is called normal
MOST_VALUES = 8  # that are tried in a column
OWN_VALUES = 3  # the most frequent ones of the entity, among these
PAIRED_COLUMNS, PAIRED_VALUES = 6, 4  # tried two by two
DIGITS = 4  # of a number in place of another


@dataclass(frozen=True)
class Edit:
    """Another value in a column.

    Parameters
    ----------
    column : int
        The token column.
    token : int
        Token id of the value.
    text : str
        The value as text.
    number : float
        The value, where it is a number; else NaN.
    """

    column: int
    token: int
    text: str
    number: float = np.nan


@dataclass(frozen=True)
class Change:
    """The smallest change that was found.

    Parameters
    ----------
    columns, values, instead : tuple of str
        Names, values of the record, and those in their place.
    tail_probability : float
        Of the changed record.
    is_enough : bool
        Whether the changed record is normal; else none was found, and this is the nearest to it.
    kept : tuple of str
        Columns in which no change was tried, such as who acts, when and where.
    """

    columns: tuple[str, ...]
    values: tuple[str, ...]
    instead: tuple[str, ...]
    tail_probability: float
    is_enough: bool
    kept: tuple[str, ...] = ()


def find_change(model: Model, facts: Facts, case: Case, shares: NDArray[np.float64]) -> Change | None:
    """Find the smallest change that makes a record normal.

    Parameters
    ----------
    model : Model
        The model that scored it.
    facts : Facts
        Of the model.
    case : Case
        The record.
    shares : ndarray of shape (n_columns,)
        Contribution of each column to its score.

    Returns
    -------
    Change or None
        None when no column can be changed.
    """
    order = np.argsort(-shares, kind="stable")
    columns = [column for column in order.tolist() if _can_change(model, facts, column)]
    edits = {column: _edits(model, facts, case, column) for column in columns}
    singles: list[tuple[Edit, ...]] = [(edit,) for tried in edits.values() for edit in tried]
    if not singles:
        return None
    tails = _tails(model, facts, case.record, singles)
    enough = _first_enough(tails)
    if enough is None:
        best = _best_of_each(singles, tails)
        chosen = combinations(best[:PAIRED_COLUMNS], 2)
        pairs: list[tuple[Edit, ...]] = [pair for one, other in chosen for pair in product(one, other)]
        singles, tails = singles + pairs, np.append(tails, _tails(model, facts, case.record, pairs))
    at = int(tails.argmax()) if enough is None else enough
    kept = sorted(set(order.tolist()) - set(columns))
    return _change(model, case, singles[at], float(tails[at]), kept)


def _change(model: Model, case: Case, edits: Sequence[Edit], tail: float, kept: Sequence[int]) -> Change:
    names, columns = model.vocabulary.names, [edit.column for edit in edits]
    return Change(
        tuple(names[column] for column in columns),
        tuple(case.shown[column] for column in columns),
        tuple(edit.text for edit in edits),
        tail,
        tail >= NORMAL,
        tuple(dict.fromkeys(model.vocabulary.columns[column].source for column in kept)),
    )


def _first_enough(tails: NDArray[np.float64]) -> int | None:
    """Return the index of the first change that is enough: the column that contributes most, the likeliest value."""
    enough = np.flatnonzero(tails >= NORMAL)
    return int(enough[0]) if len(enough) else None


def _best_of_each(edits: Sequence[tuple[Edit, ...]], tails: NDArray[np.float64]) -> list[list[Edit]]:
    """Return the values that help most in each column, the columns that help most first."""
    found: dict[int, list[tuple[float, Edit]]] = {}
    for (edit,), tail in zip(edits, tails.tolist(), strict=True):
        found.setdefault(edit.column, []).append((-tail, edit))
    ordered = sorted((sorted(tried, key=lambda one: one[0]) for tried in found.values()), key=lambda tried: tried[0][0])
    return [[edit for _, edit in tried[:PAIRED_VALUES]] for tried in ordered]


def _can_change(model: Model, facts: Facts, column: int) -> bool:
    """Tell whether another value in a column is an answer."""
    tokens = model.vocabulary.columns[column]
    is_moment = tokens.kind in (Kind.HOUR, Kind.WEEKDAY, Kind.MONTH_PART)
    places = model.past.history.place if model.past else ()
    is_fixed = column in facts.entities or tokens.source in places
    return not is_fixed and not tokens.kind.traits.is_presence and not (is_moment and model.past)


def _edits(model: Model, facts: Facts, case: Case, column: int) -> list[Edit]:
    tokens, low = model.vocabulary.columns[column], int(model.vocabulary.offsets[column])
    own = int(case.tokens[column]) - low
    if tokens.kind.traits.is_number:
        return list(_numbers(model, tokens, column, float(case.numbers[facts.number_of[column]])))
    likely = np.argsort(-case.scores[column], kind="stable")[:MOST_VALUES].tolist()
    codes = dict.fromkeys([*_usual(model, facts, case, column), *likely])
    return [Edit(column, low + code, tokens.labels[code]) for code in codes if code >= FIRST_VALUE and code != own]


def _usual(model: Model, facts: Facts, case: Case, column: int) -> list[int]:
    """Return the codes of the values that the record's entity has most."""
    low, high = (int(end) for end in model.vocabulary.offsets[column : column + 2])
    found: list[int] = []
    for at in facts.entities:
        times = facts.census.with_token(int(case.tokens[at]), np.arange(low, high))
        found += [code for code in np.argsort(-times, kind="stable")[:OWN_VALUES].tolist() if times[code]]
    return found


def _numbers(model: Model, tokens: ColumnTokens, column: int, number: float) -> Iterator[Edit]:
    """Yield the middle of every bin, that nearest to the number first."""
    middles = (tokens.edges[1:] + tokens.edges[:-1]) / 2
    kind = next(c.type for c in model.roles.columns if c.name == tokens.source)
    is_whole = INTEGERS.match(kind) is not None
    rounded = {float(round(middle) if is_whole else f"{middle:.{DIGITS}g}") for middle in middles.tolist()}
    nearest = sorted(rounded, key=lambda middle: (abs(middle - number) if np.isfinite(number) else 0, middle))
    codes = FIRST_VALUE + np.searchsorted(tokens.edges, nearest, side="right")
    for middle, code in zip(nearest, codes.tolist(), strict=True):
        if middle != number:
            yield Edit(column, int(model.vocabulary.offsets[column]) + code, f"{middle:.10g}", middle)


def _tails(model: Model, facts: Facts, record: Batch, changes: Sequence[tuple[Edit, ...]]) -> NDArray[np.float64]:
    """Return the tail probabilities of a record with each of some changes."""
    if not changes:
        return np.zeros(0)
    batch = record[np.zeros(len(changes), np.int64)]
    for row, edits in enumerate(changes):
        for edit in edits:
            batch.tokens[row, edit.column] = edit.token
            _follow(model, batch, row, edit, facts.number_of[edit.column])
    return np.asarray(model.calibration.tail_probability(model.score(batch).raw))


def _follow(model: Model, batch: Batch, row: int, edit: Edit, number: int) -> None:
    """Change what follows from the value of a column: its number, and what was derived from it."""
    name = model.vocabulary.columns[edit.column].source
    if number >= 0:
        _follow_sum(model, batch, row, name, edit.number - float(batch.numbers[row, number]))
        batch.numbers[row, number] = edit.number
    _follow_twins(model, batch, row, name)
    _follow_text(model, batch, row, edit.column)
    if model.derived.bursts and batch.bursts is not None and name in model.derived.bursts.watched:
        first = 3 * model.derived.bursts.watched.index(name)
        batch.bursts[row, first : first + 3] = np.nan  # what is new did not come at once with others
    if model.past is None:
        return
    if batch.rhythm is not None and name == model.past.history.target:
        batch.rhythm[row] = np.nan
    if batch.runs is not None and name in model.past.history.varying:
        batch.runs[row, model.past.history.varying.index(name)] = 1  # another value begins a run
    if batch.steps is not None and model.past.events and model.past.history.event == (name,):
        values = model.past.events.labels[FIRST_VALUE:]  # a value may be spelled as a special token is
        if edit.text in values:
            batch.steps[row, 0] = FIRST_VALUE + values.index(edit.text)


def _follow_sum(model: Model, batch: Batch, row: int, name: str, more: float) -> None:
    """Add the difference to the sum over a day, which is kept as a signed square root."""
    if model.past is None or batch.paces is None or name not in model.past.history.sums or not np.isfinite(more):
        return
    at = len(model.past.history.paces) - 1 - len(model.past.history.sums) + model.past.history.sums.index(name)
    root = float(batch.paces[row, at])
    total = root * abs(root) + more
    batch.paces[row, at] = np.sign(total) * np.sqrt(abs(total))


def _follow_text(model: Model, batch: Batch, row: int, column: int) -> None:
    """Take a value that others have to be written as others are."""
    if batch.characters is not None and column in model.vocabulary.written:
        batch.characters[row, model.vocabulary.written.index(column)] = 0
    if batch.confusables is not None and column in model.vocabulary.named:
        batch.confusables[row, model.vocabulary.named.index(column)] = 0


def _follow_twins(model: Model, batch: Batch, row: int, name: str) -> None:
    twins = model.derived.twins
    if twins is None or batch.twins is None:
        return
    if name == twins.amount:  # with another amount, nothing is repeated
        batch.twins[row] = np.nan
    elif name in twins.compared and np.isfinite(batch.twins[row, 2]):
        batch.twins[row, 2] = int(batch.twins[row, 2]) & ~(1 << twins.compared.index(name))
