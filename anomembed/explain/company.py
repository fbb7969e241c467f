"""How often the values of a record meet in the reference, and how often they would by chance."""

from dataclasses import dataclass

import numpy as np

from anomembed.represent.tokens.vocabulary import FIRST_VALUE, Special
from anomembed.views.cases import Case
from anomembed.views.facts import Facts
from anomembed.views.figures import bin_in_words
from anomembed.views.reason import Value

MOST = 5  # pairs
ALL_RARE = "any rare value"  # what a value is counted as that has no token of its own


@dataclass(frozen=True)
class Pair:
    """Two values of a record.

    Parameters
    ----------
    column, value, other_column, other_value : str
        The values, of a number with its range.
    seen, chance : float
        Reference records with both, and how many would have both if the columns were independent.
    """

    column: str
    value: str
    other_column: str
    other_value: str
    seen: float
    chance: float


def odd_pairs(case: Case, facts: Facts) -> list[Pair]:
    """Return the pairs of values that meet so seldom that it is a reason, the oddest first."""
    columns = facts.vocabulary.columns
    found = []
    for at, column in enumerate(columns):
        less = facts.seldom(case, at)
        company = facts.census.company(int(case.tokens[at]), case.tokens)
        for other in np.flatnonzero(less).tolist():
            if other > at and not (column.kind.traits.is_presence or columns[other].kind.traits.is_presence):
                names = (column.name, _named(case, facts, at), columns[other].name, _named(case, facts, other))
                counts = float(company.seen[other]), round(float(company.chance[other]), 1)
                found.append((-less[other], Pair(*names, *counts)))
    return [pair for _, pair in sorted(found, key=lambda pair: pair[0])[:MOST]]


def _named(case: Case, facts: Facts, column: int) -> str:
    """Return a value, with the range that was counted in its place."""
    counted = facts.counted(case, column)
    return f"{counted.text} ({counted.bin})" if isinstance(counted, Value) and counted.bin else counted.text


@dataclass(frozen=True)
class Expected:
    """A value that was expected in a column.

    Parameters
    ----------
    value : str
        The value.
    probability : float or None
        How likely it is by the other values of the record; None where only the store is there to ask.
    n_records : int or None
        Reference records with it; None likewise.
    """

    value: str
    probability: float | None = None
    n_records: int | None = None


def expectations(case: Case, facts: Facts, column: int) -> tuple[float, list[Expected]]:
    """Return how likely the value in a column is by the others, and the values that were expected, with the same."""
    scores = case.scores[column].astype(np.float64)
    chances = np.exp(scores - scores.max())
    chances /= chances.sum()
    low = int(facts.vocabulary.offsets[column])
    own = float(chances[int(case.tokens[column]) - low])
    return own, [
        Expected(_label(facts, column, code), float(chances[code]), facts.census.times(column, low + code))
        for code in facts.expected_codes(case, column)
    ]


def counted_as(case: Case, facts: Facts, column: int) -> str | None:
    """Return what the value in a column was counted as: its range, or with others; None when as itself."""
    code = int(case.tokens[column]) - int(facts.vocabulary.offsets[column])
    if code == Special.RARE:
        return ALL_RARE
    label = _label(facts, column, code)
    return None if code < FIRST_VALUE or label == case.shown[column] else label


def _label(facts: Facts, column: int, code: int) -> str:
    """Return the label of a token; of a range of numbers, to the last digit."""
    tokens = facts.vocabulary.columns[column]
    is_range = facts.number_of[column] >= 0 and code >= FIRST_VALUE
    return bin_in_words(tokens, code) if is_range else tokens.labels[code]
