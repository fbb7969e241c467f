"""The ratio of two numbers of a record that go together: columns such as ``ratio of tax to net``.

A tax of 31 % of a usual amount may be a usual number, and so may the amount. Where two numbers are large together and
small together, what one is of the other tells more than either: a rate, a price, an exchange rate, a yield. What lies
between 0 and 1 is taken for a share, which is relative to something already, and is not compared. Nor are numbers of
which some are a few cents, or a few pieces: what one cent is of six says how they were rounded.
"""

import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from itertools import combinations, islice
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from anomembed.read.added_column import AddedColumn
from anomembed.read.roles.role import Role
from anomembed.read.sums import unit_of

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from anomembed.read.roles.assigned import ColumnRole
    from anomembed.read.table import Table

    Floats = NDArray[np.float64]

MOST, MOST_COLUMNS = 4, 24  # ratios of a table, numbers that are compared
SAMPLED, LEAST_RECORDS = 4_000, 100  # records that decide, and those of them in which both numbers are above 0
LEAST_ABOVE = 0.9  # share of the records with one of the numbers, in which both are above 0
MOST_TRIED = 64  # pairs of numbers that go together
LEAST_UNITS, MOST_COARSE = 50, 0.001  # of the last decimal, below which a number is coarse; share of such numbers
MIDDLE = (0.1, 0.9)  # quantiles between which numbers are compared
LEAST_SPREAD = np.log(2.0)  # between these: what hardly varies goes with everything
NARROWER = 0.5  # how far ratios lie apart, at most, in what each of the two numbers does; in logarithms
DIGITS = 4  # of a ratio: those beyond would make values of their own of what is one rate
SAME = 0.85  # correlation of the ranks of two numbers, from which they say the same
NAME = re.compile(r"ratio of (.+?) to (.+)", re.DOTALL | re.IGNORECASE)


class Ratio(NamedTuple):
    """Two numbers, the smaller one first."""

    part: str
    whole: str

    @property
    def name(self) -> str:
        """What the column is called."""
        return f"ratio of {self.part} to {self.whole}"

    def of(self, numbers: Mapping[str, "Floats"]) -> "Floats":
        """Return the ratios, of numbers by name; not finite where there is none."""
        with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
            return numbers[self.part] / numbers[self.whole]

    def sql(self, held: Mapping[str, str]) -> str:
        """Return SQL of the ratio, null where one of the numbers is missing or 0; of the SQL of the numbers by name."""
        ratio = f"({held[self.part]} / nullif({held[self.whole]}, 0))"
        decimals = f"TRY_CAST({DIGITS - 1} - floor(log10(abs(nullif({ratio}, 0)))) AS INTEGER)"
        return f"coalesce(round({ratio}, {decimals}), {ratio})"


def find_ratios(
    table: "Table", columns: "Iterable[ColumnRole]", named: Collection[str] = (), *, find: bool = True
) -> Iterator[AddedColumn]:
    """Return the ratios of numbers that go together.

    Parameters
    ----------
    table : Table
        The open table.
    columns : iterable of ColumnRole
        Its scored columns, of which the numbers are compared.
    named : collection of str
        Ratios that are wanted besides, of whichever numbers: their names in small letters.
    find : bool, default=True
        Also look for numbers that go together.
    """
    held = {c.name: f"TRY_CAST({c.plain_sql} AS DOUBLE)" for c in columns if c.role is Role.NUMBER}
    some = {name: sql for name, sql in islice(held.items(), MOST_COLUMNS) if not are_ratios([name])}
    wanted = (Ratio(*pair) for pair in _pairs(held)) if named else ()
    told = islice(_found(table, some), MOST) if find and len(some) > 1 else ()
    for ratio in dict.fromkeys([*told, *(ratio for ratio in wanted if ratio.name.casefold() in named)]):
        yield AddedColumn(ratio.name, ratio.sql(held))


def are_ratios(names: Iterable[str]) -> set[str]:
    """Return the columns that are ratios of two others, by their names."""
    return {name for name in names if NAME.fullmatch(name)}


def _pairs(names: Iterable[str]) -> Iterator[tuple[str, str]]:
    for first, second in combinations(names, 2):
        yield from ((first, second), (second, first))


def _found(table: "Table", held: Mapping[str, str]) -> list[Ratio]:
    """Return the ratios that vary least for what the numbers do, and say nothing that a number or another ratio says.

    Of those that say the same, such as that of net to gross and that of tax to net, it is the one that varies most.
    """
    sampled = {column.name: column.to_numpy().astype(np.float64) for column in table.some_rows(held, SAMPLED)}
    spreads = {pair: ratio_spread(sampled[pair[0]], sampled[pair[1]]) for pair in combinations(held, 2)}
    group = {name: name for name in held}
    found: list[Ratio] = []
    together = [pair for pair in sorted(spreads, key=lambda pair: spreads[pair]) if spreads[pair] <= NARROWER]
    for pair in together[:MOST_TRIED]:
        part, whole = sorted(pair, key=lambda name: float(np.nanmedian(sampled[name])))
        ratio = Ratio(part, whole)
        values = ratio.of(sampled)
        same = [at for at, other in enumerate(found) if _say_the_same(values, other.of(sampled))]
        is_new = not same and group[part] != group[whole]
        others = (sampled[name] for name in held if name not in pair)
        if not (same or is_new) or any(_say_the_same(values, other) for other in others):
            continue
        if same:
            found[same[0]] = ratio
        else:
            group = {name: group[part] if of == group[whole] else of for name, of in group.items()}
            found.append(ratio)
    return found


def _say_the_same(first: "Floats", second: "Floats") -> bool:
    """Tell whether one of two numbers rises or falls with the other, by the correlation of their ranks."""
    known = np.isfinite(first) & np.isfinite(second)
    a, b = (_ranks(values[known]) for values in (first, second))
    size = float(np.sqrt((a @ a) * (b @ b)))
    return size > 0 and bool(abs(a @ b) >= SAME * size)


def _ranks(values: "Floats") -> "Floats":
    """Return the ranks of numbers, those of equal ones in the middle of these, and the mean rank taken off."""
    sizes = np.where(values == 0, 1.0, np.abs(values))
    unit = 10.0 ** (np.floor(np.log10(sizes)) + 1 - DIGITS)
    _, index, times = np.unique(np.round(values / unit) * unit, return_inverse=True, return_counts=True)
    return np.asarray((np.cumsum(times) - times / 2)[index] - len(values) / 2)


def ratio_spread(first: "Floats", second: "Floats") -> float:
    """Return how far the ratios of two numbers lie apart, in what the numbers do; infinite where there are none.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> net, other = rng.lognormal(5, 1, (2, 1000))
    >>> tax = net * rng.choice([0.07, 0.19], 1000)
    >>> [round(float(ratio_spread(net, of)), 1) for of in (tax, other, -tax)]
    [0.4, 1.4, inf]
    """
    of_each = [np.isfinite(values) for values in (first, second)]
    is_above = np.logical_and(*of_each) & (first > 0) & (second > 0)
    if is_above.sum() < max(LEAST_RECORDS, LEAST_ABOVE * max(known.sum() for known in of_each)):
        return np.inf
    numbers = np.array([first[is_above], second[is_above]])
    if (numbers.max(axis=1) <= 1).any() or any(map(_is_coarse, numbers)):
        return np.inf
    logs = np.log(numbers)
    low, high = np.quantile([*logs, logs[0] - logs[1]], MIDDLE, axis=1)
    *of_numbers, of_ratio = high - low
    return float(of_ratio / least) if (least := min(of_numbers)) >= LEAST_SPREAD else np.inf


def _is_coarse(values: "Floats") -> bool:
    """Tell whether numbers are rounded so that some of their ratios are those of rounding."""
    return bool(np.mean(values < LEAST_UNITS * unit_of(values)) > MOST_COARSE)
