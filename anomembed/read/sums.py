"""Whether a number of a record is what others of it come to: columns such as ``same gross and net + tax``.

An invoice whose total is not the sum of its parts, or not its quantity times its price, may have three usual numbers.
What holds in nearly all records is found in a sample: sums and differences of two or three numbers, sums of columns
that stand side by side, and products of two, also of a percentage. As with other columns that agree, the answer is
'yes' or 'no', and null where a number is missing.
"""

import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from itertools import combinations, islice
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from anomembed.read.added_column import AddedColumn
from anomembed.read.agreement import NAME, NO, PREFIX, YES
from anomembed.read.column_types import INTEGERS
from anomembed.read.roles.role import Role

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from anomembed.read.roles.assigned import ColumnRole
    from anomembed.read.table import Table

    Floats = NDArray[np.float64]

MOST = 8  # columns of a table
LEAST_COLUMNS = 3  # numbers, of which one may be what the others come to
MOST_COLUMNS, MOST_IN_PAIRS, MOST_IN_THREES = 48, 24, 12  # numbers that are tried
LONGEST = 16  # columns side by side that are added up
SAMPLED, FIRST = 4_000, 64  # records that decide, and those that come first, to leave out most of what is tried
LEAST_RECORDS, LEAST_VALUES = 30, 10  # known records, and different numbers of what the others come to
LEAST_TELLING = 20  # records in which a part makes a difference
MOST_OTHER, MOST_OTHER_TELLING, MOST_OTHER_FIRST = 0.01, 0.05, 0.1  # share of these that are otherwise, or one
EXACT = 1e-9  # of the numbers: two fractions that are written alike are not the same in binary
BOUND = 1e100  # of numbers that come to something: their products are finite
LARGEST = 1e15  # number whose decimals a double has
MOST_DECIMALS = 4  # of a number that is rounded
OPERATOR = re.compile(r" [+*/-] | within ")
PERCENT, WITHIN = " / 100", " within "


class Rule(NamedTuple):
    """What a number comes to; `signs` is empty for a product."""

    whole: str
    parts: tuple[str, ...]
    signs: tuple[int, ...] = ()
    is_percent: bool = False
    within: float = 0.0

    @property
    def text(self) -> str:
        """Return what the parts come to, in words; see `read_rule`."""
        if not self.signs:
            return " * ".join(self.parts) + PERCENT * self.is_percent + self._tolerance
        return self._signed(self.parts).removeprefix("+ ") + self._tolerance

    def _signed(self, parts: Iterable[str]) -> str:
        return " ".join(f"{'+' if sign > 0 else '-'} {part}" for sign, part in zip(self.signs, parts, strict=True))

    @property
    def _tolerance(self) -> str:
        return f"{WITHIN}{self.within:g}" if self.within else ""

    @property
    def name(self) -> str:
        """Return what the column is called."""
        return NAME.format(self.whole, self.text)

    def come_to(self, numbers: Mapping[str, "Floats"]) -> "Floats":
        """Return what the parts come to, of numbers by name."""
        parts = [numbers[part] for part in self.parts]
        if self.signs:
            parts = [sign * part for sign, part in zip(self.signs, parts, strict=True)]
        value = np.sum(parts, axis=0) if self.signs else np.prod(parts, axis=0)
        return np.asarray(value / (100 if self.is_percent else 1), np.float64)

    def sql(self, held: Mapping[str, str]) -> str:
        """Return the answer, of the SQL of the numbers by name."""
        whole, parts = held[self.whole], [held[part] for part in self.parts]
        product = f"{' * '.join(parts)} / {100 if self.is_percent else 1}"
        value = self._signed(parts) if self.signs else product
        off = f"abs({whole} - ({value}))"
        most = f"{self.within * (1 + EXACT)!r} + {EXACT!r} * (abs({whole}) + abs({value}))"
        return f"CASE WHEN {off} <= {most} THEN '{YES}' WHEN {off} IS NOT NULL THEN '{NO}' END"


def find_sums(
    table: "Table", columns: "Iterable[ColumnRole]", named: Collection[str] = (), *, find: bool = True
) -> Iterator[AddedColumn]:
    """Return whether a number is what others come to, of those that nearly always are.

    Parameters
    ----------
    table : Table
        The open table.
    columns : iterable of ColumnRole
        Its columns of numbers; whole numbers that are few count, too.
    named : collection of str
        Such columns that are wanted besides: their names in small letters.
    find : bool, default=True
        Also look for what holds in the table.
    """
    held = {c.name: f"TRY_CAST({c.plain_sql} AS DOUBLE)" for c in columns if _is_number(c)}
    wanted = [rule for name in sorted(named) if (rule := read_rule(name, held))]
    told = _found(table, held) if find and len(held) >= LEAST_COLUMNS else ()
    for rule in dict.fromkeys([*told, *wanted]):
        yield AddedColumn(rule.name, rule.sql(held))


def read_rule(name: str, names: Iterable[str]) -> Rule | None:
    """Return what a column says by its name, of the columns with some names; None for another kind of column.

    Examples
    --------
    >>> rule = read_rule("same Gross and net + tax within 0.01", ["gross", "net", "tax"])
    >>> rule.whole, rule.parts, rule.signs, rule.within
    ('gross', ('net', 'tax'), (1, 1), 0.01)
    >>> read_rule("same total and price * rate / 100", ["total", "price", "rate"]).text
    'price * rate / 100'
    >>> read_rule("same asked and approved", ["asked", "approved"])
    """
    known = {each.casefold(): each for each in names}
    folded = name.casefold()
    for whole in known:
        start = NAME.format(whole, "")
        if folded.startswith(PREFIX) and folded.startswith(start):
            text, _, within = folded[len(start) :].partition(WITHIN)
            is_percent = text.endswith(PERCENT)
            pieces = re.split(r" ([+*-]) ", text.removesuffix(PERCENT))
            parts, operators = pieces[::2], pieces[1::2]
            if operators and all(part in known for part in parts):
                signs = () if "*" in operators else (1, *(1 if sign == "+" else -1 for sign in operators))
                spelled = tuple(known[part] for part in parts)
                return Rule(known[whole], spelled, signs, is_percent, float(within or 0))
    return None


def _is_number(column: "ColumnRole") -> bool:
    is_few = column.role is Role.CATEGORY and INTEGERS.match(column.type) is not None
    return (column.role is Role.NUMBER or is_few) and not OPERATOR.search(column.name)


def _found(table: "Table", held: Mapping[str, str]) -> Iterator[Rule]:
    """Yield what nearly always holds, and is no consequence of what was yielded before."""
    some = dict(islice(held.items(), MOST_COLUMNS))
    sampled = {c.name: c.to_numpy().astype(np.float64) for c in table.some_rows(some, SAMPLED)}
    numbers = _different({name: np.where(np.abs(values) < BOUND, values, np.nan) for name, values in sampled.items()})
    units = {name: unit_of(values) for name, values in numbers.items()}
    kept = list[Rule]()
    for rule in _likely(numbers, units):
        if _is_new(rule, kept, list(numbers)):
            holding = (each for each in (rule, rule._replace(within=units[rule.whole])) if holds(each, numbers))
            if found := next(holding, None):
                kept.append(found)
                yield found


def _likely(numbers: Mapping[str, "Floats"], units: Mapping[str, float]) -> Iterator[Rule]:
    """Yield what holds in most of the first records, the simplest first."""
    names = list(numbers)
    first = {name: values[:FIRST] for name, values in numbers.items()}
    wholes = np.array(list(first.values())).reshape(len(names), -1)
    within = np.array([units[name] for name in names])[:, None]
    for rule in _tried(names):
        value = rule.come_to(first)
        off = np.abs(wholes - value) > within + EXACT * np.abs(value)
        known = np.isfinite(value) & np.isfinite(wholes)
        likely = (off & known).sum(axis=1) <= MOST_OTHER_FIRST * known.sum(axis=1)
        yield from (rule._replace(whole=names[at]) for at in np.flatnonzero(likely) if names[at] not in rule.parts)


def _different(numbers: dict[str, "Floats"]) -> dict[str, "Floats"]:
    """Return columns without those that are nearly always the same as one before them."""
    kept: dict[str, Floats] = {}
    for name, values in numbers.items():
        if not any(np.mean(values == other) >= 1 - MOST_OTHER_TELLING for other in kept.values()):
            kept[name] = values
    return kept


def unit_of(values: "Floats") -> float:
    """Return the last decimal that numbers are rounded to; 0 where they are not."""
    known = values[np.abs(values) < LARGEST]
    rounded = (at for at in range(MOST_DECIMALS + 1) if np.allclose(known, known.round(at), rtol=EXACT, atol=0))
    at = next(rounded, None)
    return 0.0 if at is None else 10.0**-at


def _tried(names: Sequence[str]) -> Iterator[Rule]:
    """Yield what numbers may come to, without saying which number does; the simplest first."""
    for parts in combinations(names[:MOST_IN_PAIRS], 2):
        yield from (Rule("", parts, (1, 1)), Rule("", parts), Rule("", parts, is_percent=True))
    for first, second, third in combinations(names[:MOST_IN_THREES], 3):
        yield Rule("", (first, second, third), (1, 1, 1))
        yield Rule("", (first, second, third), (1, 1, -1))
        yield Rule("", (first, third, second), (1, 1, -1))
        yield Rule("", (second, third, first), (1, 1, -1))
    for length in range(3, LONGEST + 1):
        for start in range(len(names) - length + 1):
            yield Rule("", tuple(names[start : start + length]), (1,) * length)


def holds(rule: Rule, numbers: Mapping[str, "Floats"]) -> bool:
    """Tell whether a number nearly always is what others come to, also where each of them makes a difference.

    Examples
    --------
    >>> of = np.random.default_rng(0).integers(1, 100, (2, 1000)) + 0.0
    >>> numbers = {"total": of[0] + of[1], "net": of[0], "tax": of[1], "none": of[1] * 0}
    >>> bool(holds(Rule("total", ("net", "tax"), (1, 1)), numbers)), bool(holds(Rule("total", ("net", "tax")), numbers))
    (True, False)
    >>> bool(holds(Rule("net", ("net", "none"), (1, 1)), numbers))
    False
    """
    off = _off(rule, numbers)
    is_known = np.isfinite(off)
    whole = numbers[rule.whole][is_known]
    if len(whole) < LEAST_RECORDS or len(np.unique(whole)) < LEAST_VALUES:
        return False
    is_off = off[is_known] > 0
    if is_off.sum() > max(MOST_OTHER * len(whole), 1):
        return False
    for part in rule.parts:
        values = numbers[part][is_known]
        telling = (values != 0) & ((values != 1) | bool(rule.signs))
        if telling.sum() < LEAST_TELLING or is_off[telling].mean() > MOST_OTHER_TELLING:
            return False
    return True


def _off(rule: Rule, numbers: Mapping[str, "Floats"]) -> "Floats":
    """Return by how much numbers are not what others come to, 0 where they are, and NaN where one is missing."""
    whole, value = numbers[rule.whole], rule.come_to(numbers)
    sizes = np.abs(value) + np.abs(whole)
    off = np.abs(whole - value)
    return np.where(off <= rule.within * (1 + EXACT) + EXACT * sizes, 0.0, off)


def _is_new(rule: Rule, kept: Sequence[Rule], names: Sequence[str]) -> bool:
    """Tell whether sums do not follow from others, and a product is not of the same numbers as another."""
    if len(kept) >= MOST:
        return False
    if not rule.signs:
        return {rule.whole, *rule.parts} not in [{each.whole, *each.parts} for each in kept]
    rows = np.zeros((len(kept) + 1, len(names)))
    for row, each in zip(rows, [rule, *(each for each in kept if each.signs)], strict=False):
        row[names.index(each.whole)] = -1
        row[[names.index(part) for part in each.parts]] = each.signs
    n_sums = 1 + sum(bool(each.signs) for each in kept)
    return int(np.linalg.matrix_rank(rows)) == n_sums
