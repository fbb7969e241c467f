"""How often the values of a record meet in the reference, and how often they would by chance."""

from dataclasses import dataclass

import numpy as np

from anomembed.views.facts import Case, Facts

LEAST = 0.5  # log of how much less often than by chance two values meet to be listed
MOST = 5  # pairs


@dataclass(frozen=True)
class Pair:
    """Two values of a record.

    Parameters
    ----------
    column, value, other_column, other_value : str
        The values.
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
    """Return the pairs of values that meet more seldom than by chance, the oddest first."""
    tokens, columns = case.tokens, facts.vocabulary.columns
    shown = [at for at, column in enumerate(columns) if not column.kind.traits.is_presence]
    found = []
    for at in shown:
        token = int(tokens[at])
        seen, chance = facts.census.together(token, tokens), facts.census.chance(token, tokens)
        less = np.log1p(chance) - np.log1p(seen)
        for other in (other for other in shown if other > at and facts.counts.compared[at, other]):
            if less[other] > LEAST:
                names = (columns[at].name, case.shown[at], columns[other].name, case.shown[other])
                found.append((-less[other], Pair(*names, float(seen[other]), round(float(chance[other]), 1))))
    return [pair for _, pair in sorted(found, key=lambda pair: pair[0])[:MOST]]


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
