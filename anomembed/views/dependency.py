"""Does a value break a rule? It is another one than that which a second value of the record always comes with.

A vendor has one bank account, and one day a payment goes to another, which hardly anybody has. `pair` has nothing to
say of it, because chance would not have brought the two together once either; `novelty` sees one new account among
many. What is odd is that the vendor's other payments all went to one. Where both values are common, `pair` sees a
conflict, but no larger a one where they break what held for all others than where they merely seldom meet. So they
count where a rule is strict; one that is broken now and then by common values is that somebody travels.

One column tells another where nearly all other records with a value of the first have one value of the second [1]_.
How seldom the reference breaks that says what breaking it once more is worth. Pairs of columns in which it is broken
more often than counts are no rules, and are no tries that would have to be allowed for.

.. [1] An approximate functional dependency: Huhtala, Kärkkäinen, Porkka, Toivonen: TANE, an efficient algorithm for
   discovering functional and approximate dependencies. The Computer Journal, 1999.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple, Self

import numpy as np
from numpy.typing import NDArray

from anomembed.represent.arrays import Floats
from anomembed.represent.batch import Batch
from anomembed.represent.counts import Counts
from anomembed.represent.tokens.vocabulary import FIRST_VALUE, Special, Tokens
from anomembed.views.cases import Case
from anomembed.views.facts import Facts
from anomembed.views.reason import Listed, Reason, Text, Value
from anomembed.views.view import EXCESS_FROM, TWICE_FROM, Basis, Counting, Vectors, ViewOfRecords

LEAST_OTHERS = 3  # other records with a value, from which what they have is usual for it
LEAST_SHARE = 0.8  # of these, that have the same value in the other column
EXCEPTIONS, MOST_EXCEPTIONS = 2, 0.05  # others that have another one, or the share of them, at most
MOST_COMMON = 0.5  # share of all records, beyond which what is usual for a value is usual for everybody
BY_CHANCE = 1.0  # records in which two values meet by chance, from which both are common
STRICT = TWICE_FROM  # -log of the share of records that break a rule, from which those of common values count
MOST_RULES = 64
NO_RULE = -1


@dataclass(frozen=True)
class Rule:
    """What a column says of another.

    Parameters
    ----------
    given, told : int
        Token columns: the values of the first say what those of the second are.
    nats : float
        -log of the chance that a record breaks the rule, times the number of columns that rules tell.
    usual : ndarray of shape (n_codes,)
        For every token of `given`, the token that its records have in `told`, or `NO_RULE`.
    is_strict : bool
        Whether fewer than one record in a thousand breaks it: then common values do, too.
    """

    given: int
    told: int
    nats: float
    usual: NDArray[np.int32]
    is_strict: bool = False  # as in models of older versions


@dataclass(frozen=True)
class DependencyView(ViewOfRecords):
    """Records by how seldom the strictest rule is broken that they break; high = abnormal.

    Parameters
    ----------
    rules : tuple of Rule
        The strictest first.
    counts : Counts
        How often tokens occur.
    firsts : ndarray of shape (n_columns,)
        First token of every column.
    """

    rules: tuple[Rule, ...]
    counts: Counts
    firsts: NDArray[np.int32]
    name: str = "dependency"
    summary = "another value than the one that a second value always comes with"
    words = {"broken rule": "{subject} is unusual with {other}: {times:,} of the {of} with {other}{known} have {usual}"}
    is_summed = True

    @classmethod
    def fit(cls, basis: Basis) -> Sequence[Self]:
        """Return the view of a table in which a column tells another."""
        rules = tuple(find_rules(basis))
        return [cls(rules, basis.counts, basis.vocabulary.offsets[:-1])] if rules else []

    def counting(self, *, clean: bool) -> Counting:  # noqa: ARG002
        """Count all nats beyond a chance of e^-4; hardly any record has one (examples/notes/views.md)."""
        return Counting("evidence", 2.0)

    def vectors(self, batch: Batch) -> Vectors:
        """Return the nats of the strictest rule that each record breaks, shape (n_records, 1); 0 if it breaks none."""
        nats = np.array([rule.nats for rule in self.rules], np.float32)
        return np.asarray((self._broken(batch.tokens) * nats).max(axis=1, keepdims=True))

    def culprit(self, batch: Batch) -> NDArray[np.intp]:
        """Return the column whose value breaks most rules, shape (n_records,)."""
        told = np.array([rule.told for rule in self.rules], np.intp)
        return told[self._worst(batch.tokens)]

    def reason(self, case: Case, shares: Floats, facts: Facts) -> Reason:
        """Name the rule and the records that follow it; a value that is new to all is called new, whatever the rule."""
        tokens = case.tokens[None, :]
        if not self._broken(tokens).any():
            return super().reason(case, shares, facts)
        rule, census, vocabulary = self.rules[int(self._worst(tokens)[0])], facts.census, facts.vocabulary
        given, other = int(case.tokens[rule.given]), facts.counted(case, rule.given)
        usual = int(rule.usual[given - self.firsts[rule.given]])
        missing = int(self.firsts[rule.told]) + Special.MISSING
        times, n_missing = census.with_token(given, np.array([usual, missing]))
        name = vocabulary.columns[rule.told].name
        of = f"{census.n_with(given) - n_missing:,.0f}{' sampled' * census.among_pairs.is_sample} records"
        known = Text(f" and a value of {name}" if n_missing else "")
        new = facts.new(case, rule.told)
        if new:
            listed = Listed(f"of the {of} with {other}{known} usually", (vocabulary.label(usual),), (int(times),))
            return replace(new, evidence={**new.evidence, "expected": listed})
        named = Value(name, vocabulary.label(usual))
        evidence = {"other": other, "times": int(times), "of": of, "known": known, "usual": named}
        return Reason("broken rule", facts.counted(case, rule.told), evidence)

    def _worst(self, tokens: Tokens) -> NDArray[np.intp]:
        """Return, of the rules that each record breaks, the strictest that tells the column which most of them tell.

        What one wrong value breaks are rules that tell it, and those by which it tells others, one of each.
        """
        broken = self._broken(tokens)
        is_same = np.equal.outer([rule.told for rule in self.rules], [rule.told for rule in self.rules])
        return np.asarray((broken * (broken @ is_same.astype(np.int64))).argmax(axis=1), np.intp)

    def _broken(self, tokens: Tokens) -> NDArray[np.bool_]:
        """Tell which rules each record breaks, shape (n_records, n_rules)."""
        broken = np.zeros((len(tokens), len(self.rules)), bool)
        single, n_records = self.counts.single, self.counts.n_records
        for at, rule in enumerate(self.rules):
            given, told = tokens[:, rule.given], tokens[:, rule.told]
            usual, code = rule.usual[given - self.firsts[rule.given]], told - self.firsts[rule.told]
            breaks = np.flatnonzero((usual != NO_RULE) & (told != usual) & (code != Special.MISSING))
            by_chance = single[given[breaks]] * single[told[breaks]] / n_records
            # Values that are rare or new are many, but each of them meets nothing by chance.
            is_common = (by_chance >= BY_CHANCE) & (code[breaks] >= FIRST_VALUE)
            broken[breaks[~is_common | rule.is_strict], at] = True
        return broken


class Company(NamedTuple):
    """What records with a token have in another column, one row for each such pair.

    `given` is the token, `pair` the number of its column times that of columns, plus that of the other column; `n` are
    the records with both, and `usual` is the token that `most` of them have there.
    """

    given: NDArray[np.int64]
    pair: NDArray[np.int64]
    n: Floats
    usual: NDArray[np.int32]
    most: Floats


def find_rules(basis: Basis) -> Iterator[Rule]:
    """Find the columns whose values tell those of another.

    Parameters
    ----------
    basis : Basis
        The reference. Numbers, times, vectors and messages are not looked at: near ones are as good as equal ones.
        Nothing tells who acts; and what an entity always has tells nothing that the entity itself does not.

    Yields
    ------
    Rule
        Those that are broken by fewer than one record in e^4, the strictest first; at most `MOST_RULES`.
    """
    vocabulary, counts, n_columns = basis.vocabulary, basis.counts, len(basis.vocabulary.columns)
    company = _company(basis)
    is_rule = (company.n > LEAST_OTHERS) & (counts.single[company.usual] <= MOST_COMMON * counts.n_records)
    # Each record is held against the others: for one that follows the rule, the usual value is once less.
    least = _least(company.n - 1)
    is_kept, is_broken = is_rule & (company.most - 1 >= least), is_rule & (company.most >= least)
    # Those of a record that is not among them are all there are.
    is_usual = is_broken if basis.is_own else is_rule & (company.most >= _least(company.n))
    kept = np.bincount(company.pair, company.most * is_kept, n_columns**2)
    broken = np.bincount(company.pair, (company.n - company.most) * is_broken, n_columns**2)
    nats = np.where(kept > 0, -np.log((broken + 0.5) / (kept + broken + 1)), 0.0)
    strictest = np.argsort(-nats, kind="stable")[: min(MOST_RULES, np.count_nonzero(nats > EXCESS_FROM))]
    n_told = len(np.unique(strictest % n_columns))  # rules that tell the same column are mostly broken together
    for found in strictest.tolist():
        given, told = divmod(found, n_columns)
        usual = np.full(vocabulary.offsets[given + 1] - vocabulary.offsets[given], NO_RULE, np.int32)
        of_pair = (company.pair == found) & is_usual
        usual[company.given[of_pair] - vocabulary.offsets[given]] = company.usual[of_pair]
        yield Rule(given, told, float(nats[found] - np.log(n_told)), usual, bool(nats[found] >= STRICT))


def _least(others: Floats) -> Floats:
    """Return how many of the other records must have the same value: of many, nearly all."""
    return np.maximum(LEAST_SHARE * others, np.minimum(others - EXCEPTIONS, (1 - MOST_EXCEPTIONS) * others))


def _company(basis: Basis) -> Company:
    """Return what records with each value have in every other column of values, those without one left out."""
    vocabulary, together, entities = basis.vocabulary, basis.counts.together, basis.entities.columns
    n_columns, column_of = len(vocabulary.columns), vocabulary.column_of
    code = np.arange(vocabulary.size) - vocabulary.offsets[column_of]
    is_value = code >= FIRST_VALUE
    are_values = [column.kind.traits.is_text and not column.is_of_message for column in vocabulary.columns]
    tells = np.array([are_values[at] and (at in entities or at not in basis.attributes) for at in range(n_columns)])
    is_told = np.array([are_values[at] and at not in entities for at in range(n_columns)])
    given, other = np.repeat(np.arange(vocabulary.size), np.diff(together.indptr)), together.indices
    is_pair = (tells[column_of] & is_value)[given] & (is_told[column_of] & (code != Special.MISSING))[other]
    is_pair &= column_of[given] != column_of[other]
    given, other, times = given[is_pair], other[is_pair], together.data[is_pair]
    pair = column_of[given] * n_columns + column_of[other]
    if not len(pair):
        return Company(given, pair, times, other, times)
    starts = np.flatnonzero(np.diff(given * n_columns + column_of[other], prepend=-1))
    of_values = np.where(is_value[other], times, 0.0)  # the rare values are many
    most = np.maximum.reduceat(of_values, starts)
    as_many = np.flatnonzero(of_values == np.repeat(most, np.diff(starts, append=len(given))))
    usual = other[as_many[np.searchsorted(as_many, starts)]]
    return Company(given[starts], pair[starts], np.add.reduceat(times, starts), usual, most)
