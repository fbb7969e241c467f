"""Whether two columns of a record hold the same: columns such as ``same requested_by and approved_by``.

Who approves what he has asked for, or has something sent elsewhere than it is paid for, may have two values that are
both usual, and are together as seldom as most. What is unusual is that they agree, or that they do not.
"""

from collections.abc import Collection, Iterable, Iterator
from itertools import chain, combinations, islice, permutations
from typing import TYPE_CHECKING

import numpy as np

from anomembed.read.added_column import AddedColumn
from anomembed.read.quoting import quote_identifier
from anomembed.read.sharing import value_sql

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from anomembed.read.roles.assigned import ColumnRole
    from anomembed.read.table import Table

NAME, PREFIX, BETWEEN = "same {} and {}", "same ", " and "
YES, NO = "yes", "no"
MOST, MOST_COLUMNS = 8, 32  # pairs of columns that are told, columns that are compared
SAMPLED = 20_000  # records that say how often columns agree
LEAST_SHARED = 10  # values that both columns hold; what two flags or grades have in common says little
LEAST_VALUES = 5  # of these, in which they would agree by chance
LEAST_COMMON = 0.5  # share of the records of one column whose values the other has as well: codes may be of two kinds
MOST_OTHER, LEAST_CHANCE = 0.02, 20  # share of records that are otherwise, and as how many chance would make
TIMES = 4  # how much seldomer than by chance that is


def find_agreements(
    table: "Table",
    columns: "Iterable[ColumnRole]",
    named: Collection[str] = (),
    numbers: "Iterable[ColumnRole]" = (),
) -> Iterator[AddedColumn]:
    """Return whether two columns agree, of those that hold the same values and nearly never do, or nearly always.

    It is 'yes' or 'no', and null where one of the two is missing.

    Parameters
    ----------
    table : Table
        The open table.
    columns : iterable of ColumnRole
        Its columns of names and codes.
    named : collection of str
        Pairs that are wanted besides, of whichever columns: their names in small letters.
    numbers : iterable of ColumnRole
        Its columns of numbers, of which only those tell something that nearly always agree.
    """
    held = {column.name: column.expression for column in table.columns}
    tried, counted = (
        [c.name for c in some if held.get(c.name) == c.expression == quote_identifier(c.name)][:MOST_COLUMNS]
        for some in (columns, numbers)
    )
    wanted = [pair for pair in permutations(held, 2) if NAME.format(*pair).casefold() in named] if named else []
    told = islice(chain(_telling(table, tried), _telling(table, counted, both=False)), MOST)
    for first, second in dict.fromkeys([*told, *wanted]):
        yield AddedColumn(NAME.format(first, second), _sql(held[first], held[second]))


def are_agreements(names: Iterable[str]) -> set[str]:
    """Return the columns that say whether two others agree, by their names."""
    return {name for name in names if name.casefold().startswith(PREFIX) and BETWEEN in name.casefold()}


def compared(name: str, names: Iterable[str]) -> tuple[str, str] | None:
    """Return the two of `names` of which a column says whether they agree; None when they are not among them."""
    return next((two for two in permutations(names, 2) if NAME.format(*two) == name), None)


def _sql(first: str, second: str) -> str:
    first, second = value_sql(first), value_sql(second)
    agree = f"lower({first}) = lower({second})"
    return f"CASE WHEN {agree} THEN '{YES}' WHEN {agree} IS NOT NULL THEN '{NO}' END"


def _telling(table: "Table", names: list[str], *, both: bool = True) -> Iterator[tuple[str, str]]:
    """Yield the pairs of columns of which it tells something whether they agree; without `both`, that they do not."""
    import polars as pl

    if len(names) < 2:
        return
    texts = {name: f"lower({value_sql(table.column(name).expression)})" for name in names}
    hashed = {name: f"CASE WHEN {text} IS NOT NULL THEN hash({text}) END" for name, text in texts.items()}
    hashes = table.some_rows(hashed, SAMPLED)
    ranks = pl.concat([column.alias("value") for column in hashes]).rank("dense").fill_null(0).cast(pl.Int64)
    codes = ranks.to_numpy().reshape(len(names), -1)
    for (first, of_first), (second, of_second) in combinations(zip(names, codes, strict=True), 2):
        if tells(of_first, of_second, both=both):
            yield first, second


def tells(first: "NDArray[np.int64]", second: "NDArray[np.int64]", *, both: bool = True) -> bool:
    """Tell whether two columns agree far more seldom than by chance, or far more often; 0 is missing.

    Without `both`, only the latter counts: one number is often larger than another.

    Examples
    --------
    >>> asks, at_random = np.random.default_rng(0).integers(1, 21, (2, 5_000))
    >>> other = asks % 20 + 1
    >>> bool(tells(asks, other)), bool(tells(asks, asks)), bool(tells(asks, at_random)), bool(tells(asks, asks + 20))
    (True, True, False, False)
    """
    known = (first > 0) & (second > 0)
    first, second = first[known], second[known]
    n_codes = max(first.max(initial=0), second.max(initial=0)) + 1
    of_first, of_second = np.bincount(first, minlength=n_codes), np.bincount(second, minlength=n_codes)
    n_common = max(of_first[of_second > 0].sum(), of_second[of_first > 0].sum())
    by_chance = of_first * (of_second / max(1, len(first)))
    # Of values that are not equally frequent, as many count as equally frequent ones would come to the same.
    if np.count_nonzero(by_chance) < LEAST_SHARED or n_common < LEAST_COMMON * len(first):
        return False
    if by_chance.sum() ** 2 < LEAST_VALUES * (by_chance**2).sum():
        return False
    n_agree, chance = float(np.count_nonzero(first == second)), float(by_chance.sum())
    sides = ((len(first) - n_agree, len(first) - chance), (n_agree, chance))[: 1 + both]
    most = MOST_OTHER * len(first)
    return any(chance >= LEAST_CHANCE and seen <= min(chance / TIMES, most) for seen, chance in sides)
