"""How often the values of a record meet in the reference, and how often they would by chance."""

from dataclasses import dataclass

import numpy as np

from anomembed.views.facts import Case, Facts
from anomembed.views.reason import Value

MOST = 5  # pairs


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
    tokens, low = facts.vocabulary.columns[column], int(facts.vocabulary.offsets[column])
    own = float(chances[int(case.tokens[column]) - low])
    codes = [tokens.labels.index(label) for label in facts.expected(case, column)]
    return own, [
        Expected(tokens.labels[code], float(chances[code]), facts.census.times(column, low + code)) for code in codes
    ]
