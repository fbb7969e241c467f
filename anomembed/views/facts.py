"""What reasons may cite: the flagged record, what is known of its values, and the kinds of reason that views share."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from anomembed.read.history import History
from anomembed.represent.arrays import Floats
from anomembed.represent.batch import Batch
from anomembed.represent.counts import Counts
from anomembed.represent.past import Past
from anomembed.represent.ranges import Ranges
from anomembed.represent.sequences import Sequences
from anomembed.represent.tokens.vocabulary import ColumnTokens, Special, Vocabulary
from anomembed.views.reason import Count, Listed, Reason, Text, Value

RARE_SHARE = 0.001  # of the reference; a value below it is called rare
RARE_MESSAGE_SHARE = 0.01  # the same of templates and their parameters, which are many, and of missing vectors
MOST_EXPECTED = 3  # values named as expected
SELDOM = 0.7  # log of how much less often than by chance two values meet to be called unusual together
AS_EXPECTED = 3.0  # nats by which an expected value may be less likely than the likeliest
LEAST_CHANCE = 0.01  # of an event that is named as expected
MOST_TRIED = 5  # columns that a reason is looked for in

WORDS = {
    "unseen": "{subject} was never seen in the reference{expected}",
    "rare": "{subject} is rare ({times:,} of {of:,} records){expected}",
    "conflict": "{subject} is unusual with {other} ({seen} where chance would have {chance:,.0f}){expected}",
    "number": "{subject} is unusually {direction} (19 in 20 lie between {low:.6g} and {high:.6g})",
    "number in context": "{subject} is unusually {direction} with {context}"
    " (19 in 20 lie between {low:.6g} and {high:.6g})",
    "all together": "no single value stands out, but all together do: {values}, ...",
}


@dataclass(frozen=True)
class Case:
    """One flagged record, as far as its reason needs it.

    Parameters
    ----------
    shown : sequence of str
        Its values as text, by token column.
    record : Batch
        The record alone.
    scores : sequence of ndarray
        For every column, how much each of its tokens was expected (log scale).
    """

    shown: Sequence[str]
    record: Batch
    scores: Sequence[NDArray[np.float32]]

    @property
    def tokens(self) -> NDArray[np.int32]:
        """Its token ids, shape (n_columns,)."""
        return np.asarray(self.record.tokens[0])

    @property
    def numbers(self) -> NDArray[np.float64]:
        """Its numbers, shape (n_numbers,)."""
        return np.asarray(self.record.numbers[0])


@dataclass(frozen=True)
class Facts:
    """What is known of the values of records.

    Parameters
    ----------
    vocabulary : Vocabulary
        Tokens and how frequent they are.
    counts : Counts
        How often they meet.
    ranges : Ranges
        Where numbers usually lie.
    number_of : tuple of int
        For every token column, the index of its number, or -1.
    pair_reasons : tuple of callable
        `reason_of_pair` of all views, which may know more of a pair of values than its counts.
    past : Past or None
        Reads what was before the records.
    """

    vocabulary: Vocabulary
    counts: Counts
    ranges: Ranges
    number_of: tuple[int, ...]
    pair_reasons: "tuple[PairReason, ...]" = ()
    past: Past[History] | None = None

    @cached_property
    def sizes(self) -> Floats:
        """Log of one more than the number of tokens of each column, shape (n_columns,)."""
        return np.log1p([len(column.labels) for column in self.vocabulary.columns])

    def most_notable(self, case: Case, columns: Sequence[int]) -> Reason:
        """Say what is unusual about the first column for which there is something to show.

        Parameters
        ----------
        case : Case
            The record.
        columns : sequence of int
            Columns that contribute, most first.
        """
        found = (self.notable(case, column) for column in columns[:MOST_TRIED])
        return next(filter(None, found), None) or self.all_together(case, columns)

    def notable(self, case: Case, column: int) -> Reason | None:
        """Say that a value is out of its range, new, rare or in unusual company; None when it is none of these."""
        number = self.number_of[column]
        return (self._number(case, column, number) if number >= 0 else None) or self._value(case, column)

    def all_together(self, case: Case, columns: Sequence[int]) -> Reason:
        """Say that it is no single value; name those of the first two columns."""
        named = ", ".join(str(self.counted(case, column)) for column in columns[:2])
        return Reason("all together", None, {"values": named})

    def conflict(self, case: Case, column: int, other: int) -> Reason:
        """Say that the values of two columns hardly ever meet, with the counts, or what a view knows beyond these."""
        for reason_of_pair in self.pair_reasons:
            reason = reason_of_pair(case, column, other, self) or reason_of_pair(case, other, column, self)
            if reason:
                return reason
        a, b = int(case.tokens[column]), int(case.tokens[other])
        single = self.counts.single
        evidence = {
            "other": self.counted(case, other),
            "seen": Count(int(self.counts.together[a, b])),
            "chance": float(single[a] * single[b] / self.counts.n_records),
            "expected": self.instead(case, column),
        }
        return Reason("conflict", self.counted(case, column), evidence)

    def expected(self, case: Case, column: int) -> list[str]:
        """Return the values that were expected in a column, the likeliest first; the record's own is left out."""
        if (
            self.vocabulary.columns[column].kind.traits.is_presence
            and self.vocabulary.special(case.tokens[column]) is None
        ):
            return []
        scores = case.scores[column].copy()
        low = int(self.vocabulary.offsets[column])
        scores[[Special.RARE, Special.UNSEEN]] = -np.inf
        if scores[Special.MISSING] < scores.max() - AS_EXPECTED:  # what is hardly ever missing is not expected to be
            scores[Special.MISSING] = -np.inf
        scores[int(case.tokens[column]) - low] = -np.inf
        order = np.argsort(-scores, kind="stable")[:MOST_EXPECTED]
        near = [token for token in order if scores[token] > max(scores[order[0]] - AS_EXPECTED, -1e30)]
        return [self.vocabulary.columns[column].labels[token] for token in near]

    def instead(self, case: Case, column: int) -> Listed:
        """List the values that were expected in a column."""
        return Listed("expected", tuple(self.expected(case, column)))

    def counted(self, case: Case, column: int) -> Value | Text:
        """Return a value, with its bin when that is what was counted."""
        token = int(case.tokens[column])
        if self._is_presence(column, token):
            # That there is one is what was counted.
            return Text(f"any {self.vocabulary.columns[column].name}")
        value, label = self.value(case, column), self.vocabulary.label(token)
        is_bin = self.number_of[column] >= 0 and self.vocabulary.special(token) is None and label != case.shown[column]
        return replace(value, bin=label) if is_bin else value

    def _is_presence(self, column: int, token: int) -> bool:
        """Tell whether a token only says that a vector is there."""
        return self.vocabulary.columns[column].kind.traits.is_presence and self.vocabulary.special(token) is None

    def value(self, case: Case, column: int) -> Value:
        """Return the record's value of a column."""
        return Value(self.vocabulary.columns[column].name, case.shown[column])

    def _value(self, case: Case, column: int) -> Reason | None:
        """Say that a value is new, rare or in unusual company; None when it is none of these."""
        tokens, token = self.vocabulary.columns[column], int(case.tokens[column])
        special, is_vector = self.vocabulary.special(token), tokens.kind.traits.is_presence
        if is_vector and special is None:
            return None  # its own views speak of it
        if special is Special.UNSEEN:
            return Reason("unseen", self.value(case, column), {"expected": self.instead(case, column)})
        times = int(self.vocabulary.counts()[token])
        share = RARE_MESSAGE_SHARE if tokens.is_of_message or is_vector else RARE_SHARE
        # A missing vector is rare by itself; a null in other columns is judged by the values that it occurs with.
        if (special is not Special.MISSING or is_vector) and times < share * tokens.n_records:
            evidence = {"times": times, "of": tokens.n_records, "expected": self.instead(case, column)}
            return Reason("rare", self.value(case, column), evidence)
        other = self._worst_company(case, column)
        return None if other is None else self.conflict(case, column, other)

    def _number(self, case: Case, column: int, number: int) -> Reason | None:
        """Say where the number usually lies, first among records like this one; None when it lies there."""
        context = int(self.ranges.context[number])
        ranges: list[tuple[str, Floats, dict[str, object]]] = [("number", self.ranges.overall[number], {})]
        if context >= 0:
            among = self.ranges.of_token[number][case.tokens[context] - self.vocabulary.offsets[context]]
            ranges.insert(0, ("number in context", among, {"context": self.value(case, context)}))
        value = case.numbers[number]
        for kind, (low, high), cited in ranges:
            if value < low or value > high:
                cited |= {"direction": "low" if value < low else "high", "low": low, "high": high}
                return Reason(kind, self.value(case, column), cited)
        return None

    def _worst_company(self, case: Case, column: int) -> int | None:
        """Return the column whose value most seldom meets this one's, against chance; None when no value does."""
        single, token = self.counts.single, int(case.tokens[column])
        chance = single[token] * single[case.tokens] / self.counts.n_records
        seen = self.counts.together[[token]].toarray()[0, case.tokens]
        less = np.log1p(chance) - np.log1p(seen)
        less[~self.counts.compared[column]] = 0
        less[column] = 0
        worst = int(less.argmax())
        return worst if less[worst] > SELDOM else None


PairReason = Callable[[Case, int, int, Facts], Reason | None]


@dataclass(frozen=True)
class SequenceCases:
    """Flagged sequences, as far as their reasons need them.

    Parameters
    ----------
    sequences : Sequences
        The sequences.
    shown : sequence of sequence of str
        Their events as the source has them.
    tokens : ColumnTokens
        Kinds of events.
    ranges : Ranges
        How often each of them usually occurs.
    """

    sequences: Sequences
    shown: Sequence[Sequence[str]]
    tokens: ColumnTokens
    ranges: Ranges

    def event(self, text: str) -> Value:
        """Return an event as a value, such as ``action=login``."""
        return Value(self.tokens.name, text)


@dataclass(frozen=True)
class Part:
    """What contributes to a sequence's score: how often an event occurs, the event at a position, or a time.

    Parameters
    ----------
    column_name, value : str
        What it is, such as ``number of login`` and ``12``.
    contribution : float
        In nats, high = abnormal.
    expected : list of str
        What would have been usual.
    reason : Reason
        The same, for a flag whose greatest part it is.
    """

    column_name: str
    value: str
    contribution: float
    expected: list[str]
    reason: Reason


def likely_events(chances: Floats, tokens: ColumnTokens, seen: int) -> tuple[str, ...]:
    """Name the likeliest events, but for the one that is there.

    Parameters
    ----------
    chances : ndarray of shape (n_tokens + 2,)
        Chance of every event, of the start, and of the end of a sequence.
    tokens : ColumnTokens
        The events.
    seen : int
        The event that is there.
    """
    chances = chances.copy()
    chances[[Special.RARE, Special.UNSEEN, seen]] = 0.0
    labels = (*tokens.labels, "(start)", "(end)")
    likely = np.argsort(-chances, kind="stable")[:MOST_EXPECTED]
    return tuple(labels[token] for token in likely if chances[token] > LEAST_CHANCE)
