"""What reasons may cite: the flagged record, what is known of its values, and the kinds of reason that views share."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property

import numpy as np

from anomembed.read.history import History
from anomembed.represent.arrays import Floats
from anomembed.represent.counts import Counts
from anomembed.represent.past import Past
from anomembed.represent.ranges import Ranges
from anomembed.represent.tokens.vocabulary import Special, Tokens, Vocabulary
from anomembed.views.cases import Case
from anomembed.views.census import Census
from anomembed.views.figures import bin_in_words
from anomembed.views.reason import MOST_EXPECTED, Among, Count, Listed, Reason, Text, Value, ends, most_of

RARE_SHARE = 0.001  # of the reference; a value below it is called rare
RARE_MESSAGE_SHARE = 0.01  # the same of templates and their parameters, which are many, and of missing vectors
SELDOM = 0.7  # log of how much less often than by chance two values meet to be called unusual together
AS_EXPECTED = 3.0  # nats by which an expected value may be less likely than the likeliest
USUAL_SHARE = 0.5  # of the records with a value, from which the values that they have in another column are usual
MOST_TRIED = 5  # columns that a reason is looked for in

WORDS = {
    "unseen": "{subject} was never seen in {reference}{expected}",
    "unseen message": "{subject}: no message like `{like}` was seen in {reference}{expected}",
    "rare": "{subject} is rare ({times:,} of {of}){expected}",
    "conflict": "{subject} is unusual with {other} ({seen} where chance would have {chance:,.0f}{among}){expected}",
    "number": "{subject} is unusually {direction} ({most}{among} {lie})",
    "number in context": "{subject} is unusually {direction} with {context} ({most}{among} {lie})",
    "all together": "no single value stands out, but all together do: {values}, ...",
}


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
    held_out : ndarray of shape (n_held_out, n_columns)
        Token ids of the reference records that are not in the counts; none by default.
    n_reference : int
        Reference records in the source; 0 when that is not known.
    entities : tuple of int
        Token columns that say who acts; no other is expected in place of one.
    is_sampled : bool
        Whether only some records of the reference were read.
    """

    vocabulary: Vocabulary
    counts: Counts
    ranges: Ranges
    number_of: tuple[int, ...]
    pair_reasons: "tuple[PairReason, ...]" = ()
    past: Past[History] | None = None
    held_out: Tokens = field(default_factory=lambda: np.empty((0, 0), np.int32))
    n_reference: int = 0
    entities: tuple[int, ...] = ()
    is_sampled: bool = False

    @cached_property
    def census(self) -> Census:
        """How often values occur and meet in the reference."""
        held_out = self.held_out if len(self.held_out) else np.empty((0, len(self.vocabulary.columns)), np.int32)
        return Census(self.vocabulary, self.counts, held_out, self.n_reference)

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
        """Say that a value is out of its range, new, rare or in unusual company; None when that is not, or usual."""
        if self.vocabulary.is_usual_news(column, int(case.tokens[column])):
            return None
        number = self.number_of[column]
        far_out = self._number(case, column, number) if number >= 0 else None
        return far_out or self.new(case, column) or self._value(case, column)

    def all_together(self, case: Case, columns: Sequence[int]) -> Reason:
        """Say that it is no single value; name those of the first two columns."""
        evidence = {f"value {at}": self.counted(case, column) for at, column in enumerate(columns[:2], 1)}
        return Reason("all together", None, {"values": ", ".join(map(str, evidence.values())), **evidence})

    def conflict(self, case: Case, column: int, other: int) -> Reason | None:
        """Say that the values of two columns hardly ever meet, with the counts, or what a view knows beyond these.

        None when they meet as seldom by chance. It is about the value that the other one says most of, and never about
        an entity: no other was expected.
        """
        for reason_of_pair in self.pair_reasons:
            reason = reason_of_pair(case, column, other, self) or reason_of_pair(case, other, column, self)
            if reason:
                return reason
        acts = self._acts(case, column), self._acts(case, other)
        is_told_less = not any(acts) and self._said(case, other, column) > self._said(case, column, other)
        if acts == (True, False) or is_told_less:
            column, other = other, column
        company = self.census.company(int(case.tokens[column]), case.tokens)
        if company.less[other] == 0:
            return None
        evidence = {
            "other": self.counted(case, other),
            "seen": Count(float(company.seen[other])),
            "chance": float(company.chance[other]),
            "among": self.census.among_pairs.if_sample("in"),
            "expected": self._usual_with(case, column, other),
        }
        return Reason("conflict", self.counted(case, column), evidence)

    def _acts(self, case: Case, column: int) -> bool:
        """Tell whether the value of a column says who acts; a missing one names nobody."""
        return column in self.entities and self.vocabulary.special(int(case.tokens[column])) is None

    def _usual(self, case: Case, column: int, other: int) -> dict[int, int]:
        """Return the tokens that most records with another value have in a column, and how many."""
        token, given = int(case.tokens[column]), int(case.tokens[other])
        usual = self.census.most_with(given, column, without=token)
        return {} if self._is_presence(column, token) else usual

    def _said(self, case: Case, column: int, other: int) -> float:
        """Return how much a value says of another column: the share of the values that records with it usually have."""
        return sum(self._usual(case, column, other).values()) / max(self.census.n_with(int(case.tokens[other])), 1)

    def _usual_with(self, case: Case, column: int, other: int) -> Listed:
        """List what records with another value usually have in a column; where no value is usual, what is expected."""
        usual, given = self._usual(case, column, other), int(case.tokens[other])
        if not usual or (not self._acts(case, other) and self._said(case, column, other) < USUAL_SHARE):
            return self.instead(case, column)
        of = f"{self.census.n_with(given):,}{' sampled' * self.census.among_pairs.is_sample} records"
        which = f"its {of}" if self._acts(case, other) else f"the {of} with {self.counted(case, other)}"
        names = (self._bin(column, token) or self.vocabulary.label(token) for token in usual)
        return Listed(f"of {which} usually", tuple(names), tuple(usual.values()))

    def _bin(self, column: int, token: int) -> str:
        """Return the range that a token of a number stands for; nothing for what is no number."""
        tokens, code = self.vocabulary.columns[column], token - int(self.vocabulary.offsets[column])
        return bin_in_words(tokens, code) if self.number_of[column] >= 0 else ""

    def conflict_or_notable(self, case: Case, columns: tuple[int, int], shares: Floats) -> Reason:
        """Say that two values hardly ever meet; when they do not, what else is unusual, by what columns contribute."""
        found = self.conflict(case, *columns)
        return found or self.most_notable(case, np.argsort(-shares / self.sizes, kind="stable").tolist())

    def expected(self, case: Case, column: int) -> list[str]:
        """Return the values that were expected in a column, the likeliest first."""
        return [self.vocabulary.columns[column].labels[code] for code in self.expected_codes(case, column)]

    def expected_codes(self, case: Case, column: int) -> list[int]:
        """Return the codes of the tokens that were expected in a column; the record's own is left out.

        None are expected in place of an entity, of a vector, or of a parameter that most messages lack.
        """
        if column in self.entities or self._is_presence(column, int(case.tokens[column])):
            return []
        scores, low = case.scores[column].copy(), int(self.vocabulary.offsets[column])
        scores[[Special.RARE, Special.UNSEEN]] = -np.inf
        if scores.argmax() == Special.MISSING and self.vocabulary.columns[column].is_parameter:
            return []
        if scores[Special.MISSING] < scores.max() - AS_EXPECTED:  # what is hardly ever missing is not expected to be
            scores[Special.MISSING] = -np.inf
        scores[int(case.tokens[column]) - low] = -np.inf
        order = np.argsort(-scores, kind="stable")[:MOST_EXPECTED]
        return [int(code) for code in order if scores[code] > max(scores[order[0]] - AS_EXPECTED, -1e30)]

    def instead(self, case: Case, column: int) -> Listed:
        """List the values that were expected in a column."""
        return Listed("expected", tuple(self.expected(case, column)))

    def counted(self, case: Case, column: int) -> Value | Text:
        """Return a value, with its bin when that is what was counted."""
        token = int(case.tokens[column])
        if self._is_presence(column, token):  # that there is one is what was counted
            return Text(f"any {self.vocabulary.columns[column].name}")
        shown, value = self._bin(column, token), self.value(case, column)
        return value if shown == value.text else replace(value, bin=value.bin or shown)

    def _is_presence(self, column: int, token: int) -> bool:
        """Tell whether a token only says that a vector is there."""
        return self.vocabulary.columns[column].kind.traits.is_presence and self.vocabulary.special(token) is None

    def value(self, case: Case, column: int) -> Value:
        """Return the record's value of a column; one that is counted with all as rare says so."""
        tokens, special = self.vocabulary.columns[column], self.vocabulary.special(int(case.tokens[column]))
        text, bin_ = case.shown[column], "and all as rare" if special is Special.RARE else ""
        is_new = tokens.templates is not None and special in (Special.UNSEEN, Special.RARE)
        return Value(tokens.name, text, bin_, tokens.templates.like(text) if is_new and tokens.templates else "")

    def new(self, case: Case, column: int) -> Reason | None:
        """Say that a value was never seen; None when it was."""
        if self.vocabulary.special(int(case.tokens[column])) is not Special.UNSEEN:
            return None
        value = self.value(case, column)
        like = {"like": Text(value.like)} if value.same != value.text else {}
        evidence = like | {"reference": self.census.unseen_in(column), "expected": self.instead(case, column)}
        return Reason("unseen message" if like else "unseen", value, evidence)

    def _value(self, case: Case, column: int) -> Reason | None:
        """Say that a value is rare or in unusual company; None when it is neither."""
        tokens, token = self.vocabulary.columns[column], int(case.tokens[column])
        special, is_vector = self.vocabulary.special(token), tokens.kind.traits.is_presence
        if is_vector and special is None:
            return None  # its own views speak of it
        times, among = self.census.times(column, token), self.census.among(column)
        least = (RARE_MESSAGE_SHARE if tokens.is_of_message or is_vector else RARE_SHARE) * among.n_records
        # A missing vector is rare by itself; a null in other columns is judged by the values that it occurs with.
        if (special is not Special.MISSING or is_vector) and times < max(least, 2 * tokens.is_single_news):
            evidence = {"times": times, "of": among, "expected": self.instead(case, column)}
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
        for kind, (low, high, n_counted), cited in ranges:
            if value < low or value > high:
                cited |= {"direction": "low" if value < low else "high", "most": most_of(n_counted)}
                cited |= {"among": Among(int(n_counted), self.is_sampled).if_sample("of")}
                cited |= ends(low, high)
                return Reason(kind, self.value(case, column), cited)
        return None

    def seldom(self, case: Case, column: int) -> Floats:
        """Return how much more seldom than by chance a value meets the others, log scale; 0 where that is no reason."""
        less = self.census.company(int(case.tokens[column]), case.tokens).less
        is_told = self.counts.compared[column] & ~self.vocabulary.never_met(case.tokens)[column]
        return np.where(is_told & (np.arange(len(less)) != column) & (less > SELDOM), less, 0)

    def _worst_company(self, case: Case, column: int) -> int | None:
        """Return the column whose value most seldom meets this one's, against chance; None when no value does."""
        less = self.seldom(case, column)
        return int(less.argmax()) if less.any() else None


PairReason = Callable[[Case, int, int, Facts], Reason | None]
