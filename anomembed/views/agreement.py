"""Judge whether two columns agree that nearly never do, or differ where they nearly always agree.

Both values may be usual, and are together as seldom as most pairs of values. Within rarity, one of two answers is held
against values that are rare in other columns: of a hundred users each is seldom. But nobody must approve his own
request, as no rule must be broken, so how seldom it happens is evidence, as in `anomembed.views.dependency`.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

from anomembed.read.agreement import NO, YES, are_agreements, compared
from anomembed.read.sums import read_rule
from anomembed.represent.arrays import Floats
from anomembed.represent.batch import Batch
from anomembed.represent.tokens.vocabulary import FIRST_VALUE, Special
from anomembed.views.cases import Case
from anomembed.views.facts import Facts
from anomembed.views.reason import Reason, Text, Value
from anomembed.views.view import EXCESS_FROM, Basis, Counting, Vectors, ViewOfRecords

RARE = ("rare", "uncommon", "unseen")
"""Kinds of reasons that say no more of an answer than how rare it is."""


@dataclass(frozen=True)
class Agreement:
    """What is usual of two columns.

    Parameters
    ----------
    column : int
        Token column that says whether they agree.
    missing, usual : int
        Its tokens: that of what is not known, and that of nearly all records.
    nats : float
        -log of the share of records that are otherwise, times the number of such columns.
    """

    column: int
    missing: int
    usual: int
    nats: float


@dataclass(frozen=True)
class AgreementView(ViewOfRecords):
    """Records by how seldom two columns agree, or differ, as they do in them; high = abnormal.

    Parameters
    ----------
    rules : tuple of Agreement
        One for each two columns.
    """

    rules: tuple[Agreement, ...]
    name: str = "agreement"
    summary = "two columns that agree where they nearly never do, such as who asks and who approves; or the reverse"
    words = {
        "agree": "{subject} is the same as {other} ({times:,} of {of})",
        "differ": "{subject} is not the same as {other} ({times:,} of {of})",
        "sum": "{subject} is not {other} ({times:,} of {of})",
        "answer": "{subject} ({times:,} of {of})",
    }
    is_summed = True

    @classmethod
    def fit(cls, basis: Basis) -> Sequence[Self]:
        """Return the view of a table with such columns."""
        rules = tuple(_rules(basis))
        return [cls(rules)] if rules else []

    def counting(self, *, clean: bool) -> Counting:  # noqa: ARG002
        """Count all nats beyond a chance of e^-4, as of a rule that is broken (examples/notes/views.md)."""
        return Counting("evidence", 2.0)

    def vectors(self, batch: Batch) -> Vectors:
        """Return the nats of the rule that is broken most seldom, shape (n_records, 1); 0 where none is."""
        return np.asarray(self._broken(batch).max(axis=1)[:, None], np.float32)

    def culprit(self, batch: Batch) -> NDArray[np.intp]:
        """Return the column that says whether the two agree, shape (n_records,)."""
        columns = np.array([rule.column for rule in self.rules], np.intp)
        return np.asarray(columns[self._broken(batch).argmax(axis=1)], np.intp)

    def reason(self, case: Case, shares: Floats, facts: Facts) -> Reason:
        """Name the two columns, and in how many records of the reference they do the same."""
        broken = self._broken(case.record)[0]
        if not broken.any():
            return super().reason(case, shares, facts)
        return told(case, facts, self.rules[int(broken.argmax())].column)

    def _broken(self, batch: Batch) -> Vectors:
        """Return the nats of each rule that a record breaks, shape (n_records, n_rules); 0 where it does not."""
        tokens = batch.tokens[:, [rule.column for rule in self.rules]]
        usual = np.array([rule.usual for rule in self.rules], np.int32)
        missing = np.array([rule.missing for rule in self.rules], np.int32)
        nats = np.array([rule.nats for rule in self.rules], np.float32)
        return np.where((tokens != usual) & (tokens != missing), nats, np.float32(0))


def told(case: Case, facts: Facts, column: int) -> Reason:
    """Say that two columns agree, or that they do not, and in how many records of the reference they do the same.

    Parameters
    ----------
    case : Case
        The record.
    facts : Facts
        What is known of its values.
    column : int
        Token column that says whether they agree.
    """
    names = facts.vocabulary.names
    times = {"times": facts.census.times(column, int(case.tokens[column])), "of": facts.census.among(column)}
    two, rule = compared(names[column], names), read_rule(names[column], names)
    if two:
        first, second = (facts.value(case, names.index(name)) for name in two)
        return Reason("agree" if case.shown[column] == YES else "differ", second, {"other": first} | times)
    if rule and case.shown[column] == NO:
        return Reason("sum", facts.value(case, names.index(rule.whole)), {"other": Text(rule.text)} | times)
    return Reason("answer", facts.value(case, column), times)  # they are not used themselves


def say_agreement(reason: Reason, case: Case, facts: Facts) -> Reason:
    """Return a reason that is about the two columns, in place of one about how rare it is that they agree."""
    names, subject = facts.vocabulary.names, reason.subject
    is_rare = reason.kind in RARE and isinstance(subject, Value) and subject.column in are_agreements(names)
    return told(case, facts, names.index(subject.column)) if is_rare and isinstance(subject, Value) else reason


def _rules(basis: Basis) -> Iterator[Agreement]:
    """Yield what is usual of two columns each, where fewer than one record in e^4 is otherwise."""
    vocabulary = basis.vocabulary
    told = [at for at, name in enumerate(vocabulary.names) if name in are_agreements(vocabulary.names)]
    for column in told:
        first, size = int(vocabulary.offsets[column]), len(vocabulary.columns[column].labels)
        if not set(vocabulary.columns[column].labels[FIRST_VALUE:]) <= {YES, NO}:
            continue
        counts = np.bincount(basis.records.tokens[:, column] - first, minlength=size)
        n_known = int(counts.sum() - counts[Special.MISSING])
        n_other = n_known - int(counts[FIRST_VALUE:].max(initial=0))
        nats = -np.log((n_other + 0.5) / (n_known + 1)) - np.log(len(told))
        if nats > EXCESS_FROM:
            usual = first + FIRST_VALUE + int(counts[FIRST_VALUE:].argmax())
            yield Agreement(column, first + Special.MISSING, usual, float(nats))
