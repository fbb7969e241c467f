"""Figures as reasons state them: counted means and spreads, whatever a score makes of few records, and exact ranges."""

from typing import NamedTuple

import numpy as np

from anomembed.represent.arrays import Floats
from anomembed.represent.tokens.vocabulary import FIRST_VALUE, ColumnTokens
from anomembed.views.reason import MOST_EXPECTED, plain_number

LEAST_USUAL = 0.01  # of the records that have the most frequent value, so many have another one that is usual, too


class Counted(NamedTuple):
    """Count, mean and standard deviation of one number, as a reader would compute them; NaN where not known."""

    times: int
    mean: float
    spread: float

    def over(self, which: str) -> str:
        """Return mean and standard deviation in words, over the records that `which` names."""
        spread = f", standard deviation {self.spread:.3g}," if np.isfinite(self.spread) else ""
        return f"{self.mean:.4g} on average{spread} over {which}"

    def of_own(self, others: str, where: str) -> str:
        """Return mean and standard deviation over the records of an entity in words; `others` is "other " or empty."""
        if self.times == 1:
            return f"{self.mean:.4g} in its only {others}record{where}"
        return self.over(f"its {others_of(self.times, others)}{where}")


def others_of(times: int, others: str) -> str:
    """Return how many records, or other ones, in words."""
    return f"{times:,} {others}record{'s' * (times != 1)}"


def of_reference(times: int, n_reference: int) -> str:
    """Return how many records of the reference, in words; some have no such number, or nobody known to act."""
    if times == n_reference:
        return f"all {others_of(times, '')}"
    return others_of(times, "") if times > n_reference else f"{times:,} of {n_reference:,} records"


def usual_of(times: Floats) -> list[int]:
    """Return the indices of the most frequent values, the most frequent first, without those that hardly any have.

    Examples
    --------
    >>> usual_of(np.array([1.0, 0.0, 29.0, 628.0]))
    [3, 2]
    """
    least = max(times.max(initial=0.0) * LEAST_USUAL, 1.0)
    return [at for at in np.argsort(-times, kind="stable")[:MOST_EXPECTED].tolist() if times[at] >= least]


def is_beyond(number: float, mean: float, *, is_high: bool) -> bool:
    """Tell whether a number lies on one side of a mean, and not on it."""
    return number > mean if is_high else number < mean


def count_moments(times: float, mean: float, squares: float) -> Counted:
    """Return what a reader would compute of numbers, given their count, mean, and squared distances from it."""
    return Counted(int(times), float(mean), float(np.sqrt(squares / (times - 1))) if times > 1 else np.nan)


def bin_in_words(tokens: ColumnTokens, code: int) -> str:
    """Return the range of a bin to the last digit, as the label may be rounded; nothing for what is no bin."""
    edges, at = [float(edge) for edge in tokens.edges], code - FIRST_VALUE
    if at <= 0 or at >= len(edges):
        return tokens.labels[code] if at >= 0 else ""
    low, high = edges[at - 1], edges[at]
    if np.nextafter(low, np.inf) == high:
        return plain_number(low)
    is_open = at > 1 and np.nextafter(edges[at - 2], np.inf) == low  # the number below has a bin of its own
    start = f"more than {plain_number(edges[at - 2])}" if is_open else plain_number(low)
    is_last = at == len(edges) - 1
    return f"{start} to {plain_number(np.nextafter(high, 0)) if is_last else 'less than ' + plain_number(high)}"
