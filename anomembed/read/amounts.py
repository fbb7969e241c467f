"""The numbers that are amounts, so that a sum, a limit or a repeated one says something."""

from collections.abc import Sequence

from anomembed.read.added import are_added
from anomembed.read.travel import of_places


def amounts(names: Sequence[str]) -> list[str]:
    """Return the columns that are amounts, of those of numbers: not places, times between moments, or counts.

    Examples
    --------
    >>> amounts(["price", "lat", "lon", "days from ordered to sent"])
    ['price']
    """
    others = of_places(names) | are_added(names)
    return [name for name in names if name not in others]
