"""The reason for a flag in words, such as ``country=BR is unusual with channel=chip; expected: DE, FR``."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from anomembed.represent.batch import Batch
from anomembed.represent.counts import Counts
from anomembed.represent.ranges import Ranges
from anomembed.represent.tokens.vocabulary import FIRST_VALUE, Kind, Special, Vocabulary
from anomembed.views.match import MatchView
from anomembed.views.vector import VectorView

RARE_SHARE = 0.001  # of the reference; a value below it is called rare
UNCOMMON_SHARE = 0.05  # the same, uncommon, where rarity is what was judged
RARE_MESSAGE_SHARE = 0.01  # the same of templates and their parameters, which are many, and of missing vectors
MOST_EXPECTED = 3  # values named as expected
SELDOM = 0.7  # log of how much less often than by chance two values meet to be called unusual together
AS_EXPECTED = 3.0  # nats by which an expected value may be less likely than the likeliest
MOST_TRIED = 5  # columns that a reason is looked for in
SHOWN_COMPONENTS = 4  # of a vector
LONGEST_VALUE = 80  # characters of a value that are shown
SHOWN_END = 30  # of them those at its end, in which templates often differ


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
class Wording:
    """Puts reasons into words.

    Parameters
    ----------
    vocabulary : Vocabulary
        Tokens and how frequent they are.
    counts : Counts
        How often they meet.
    ranges : Ranges
        Where numbers usually lie.
    sources : tuple of int
        For every token column, the place of its number, or -1.
    """

    vocabulary: Vocabulary
    counts: Counts
    ranges: Ranges
    sources: tuple[int, ...]

    def sentence(self, case: Case, columns: Sequence[int], *, of_rarity: bool = False) -> str:
        """Say what is unusual about a record.

        Parameters
        ----------
        case : Case
            The record.
        columns : sequence of int
            Columns that contribute, most first. The first for which there is something to show is spoken of.
        of_rarity : bool
            Whether a value that is only uncommon is something to show, too.

        Returns
        -------
        str
            One line without control characters.
        """
        for column in columns[:MOST_TRIED]:
            number = self.sources[column]
            said = self._number(case, column, number) if number >= 0 else None
            said = said or self._value(case, column) or (self._uncommon(case, column) if of_rarity else None)
            if said:
                return said
        named = ", ".join(self._counted(case, column) for column in columns[:2])
        return f"no single value stands out, but all together do: {named}, ..."

    def conflict(self, case: Case, column: int, other: int) -> str:
        """Say that the values of two columns hardly ever meet, with the counts."""
        a, b = int(case.tokens[column]), int(case.tokens[other])
        single = self.counts.single
        chance = single[a] * single[b] / self.counts.n_records
        seen = int(self.counts.together[a, b])
        records = "record" if seen == 1 else "records"
        evidence = f"{seen:,} {records} where chance would have {chance:,.0f}"
        both = f"{self._counted(case, column)} is unusual with {self._counted(case, other)}"
        return f"{both} ({evidence}){self._instead(case, column)}"

    def vector(self, case: Case, view: VectorView) -> str:
        """Say how far a vector is from its nearest reference records, and in which components (from 1, as in SQL)."""
        times, components = view.compare(case.record)
        name = clean_text(self.vocabulary.columns[view.column].name)
        if not len(components):
            return f"{self.named(case, view.column)} is unlike most reference records"
        far = f"is {times:.1f} times as far as usual from the nearest" if times > 1 else "is far from most"
        places = ", ".join(str(place + 1) for place in components)
        return f"{name} {far} reference records; largest in component{'s' * (len(components) > 1)} {places}"

    def mismatch(self, case: Case, view: MatchView) -> str:
        """Say which category does not go with a vector, and which value of it would."""
        column, token, times = view.compare(case.record)
        of = clean_text(self.vocabulary.columns[view.column].name)
        said = f"{self.named(case, column)} does not go with {of}"
        return f"{said}: records with {clean_text(self.vocabulary.label(token))} are {times:.1f} times nearer"

    def expected(self, case: Case, column: int) -> list[str]:
        """Return the values that were expected in a column, the likeliest first; the record's own is left out."""
        if self.vocabulary.columns[column].kind is Kind.VECTOR and self.vocabulary.special(case.tokens[column]) is None:
            return []
        scores = case.scores[column].copy()
        low = int(self.vocabulary.offsets[column])
        scores[[Special.RARE, Special.UNSEEN]] = -np.inf
        if scores[Special.MISSING] < scores.max() - AS_EXPECTED:  # what hardly anybody lacks, nobody expects to lack
            scores[Special.MISSING] = -np.inf
        scores[int(case.tokens[column]) - low] = -np.inf
        order = np.argsort(-scores, kind="stable")[:MOST_EXPECTED]
        near = [place for place in order if scores[place] > max(scores[order[0]] - AS_EXPECTED, -1e30)]
        return [self.vocabulary.columns[column].labels[place] for place in near]

    def _value(self, case: Case, column: int) -> str | None:
        """Say that a value is new, rare or in unusual company; None when it is none of these."""
        tokens, token = self.vocabulary.columns[column], int(case.tokens[column])
        special = self.vocabulary.special(token)
        if tokens.kind is Kind.VECTOR and special is None:
            return None  # that there is a vector is no news; its own views speak of it
        instead = self._instead(case, column)
        if special is Special.UNSEEN:
            return f"{self.named(case, column)} was never seen in the reference{instead}"
        times = int(self.vocabulary.counts()[token])
        is_vector = tokens.kind is Kind.VECTOR
        share = RARE_MESSAGE_SHARE if tokens.is_of_message or is_vector else RARE_SHARE
        # That nobody else has none says it all; of other columns, the company of a null does.
        if (special is not Special.MISSING or is_vector) and times < share * tokens.n_records:
            return f"{self.named(case, column)} is rare ({times:,} of {tokens.n_records:,} records){instead}"
        other = self._worst_company(case, column)
        return None if other is None else self.conflict(case, column, other)

    def _uncommon(self, case: Case, column: int) -> str | None:
        """Say that a value is uncommon; None when it is not."""
        tokens, times = self.vocabulary.columns[column], int(self.vocabulary.counts()[case.tokens[column]])
        if times >= UNCOMMON_SHARE * tokens.n_records:
            return None
        counted = f"{times:,} of {tokens.n_records:,} records"
        return f"{self._counted(case, column)} is uncommon ({counted}){self._instead(case, column)}"

    def _number(self, case: Case, column: int, number: int) -> str | None:
        """Say where the number usually lies, first among records like this one; None when it lies there."""
        value = case.numbers[number]
        context = int(self.ranges.context[number])
        places = [(self.ranges.overall[number], "")]
        if context >= 0:
            among = self.ranges.of_token[number][case.tokens[context] - self.vocabulary.offsets[context]]
            places.insert(0, (among, f" with {self.named(case, context)}"))
        for (low, high), where in places:
            if value < low or value > high:
                word = "low" if value < low else "high"
                usual = f"19 in 20 lie between {low:.6g} and {high:.6g}"
                return f"{self.named(case, column)} is unusually {word}{where} ({usual})"
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

    def _instead(self, case: Case, column: int) -> str:
        expected = self.expected(case, column)
        return f"; expected: {listed(expected)}" if expected else ""

    def _counted(self, case: Case, column: int) -> str:
        """Name a value, and its bin when that is what was counted."""
        token = int(case.tokens[column])
        if self.vocabulary.columns[column].kind is Kind.VECTOR and self.vocabulary.special(token) is None:
            return f"any {clean_text(self.vocabulary.columns[column].name)}"  # that there is one is what was counted
        label = clean_text(self.vocabulary.label(token))
        is_bin = self.sources[column] >= 0 and self.vocabulary.special(token) is None and label != case.shown[column]
        return f"{self.named(case, column)} ({label})" if is_bin else self.named(case, column)

    def named(self, case: Case, column: int) -> str:
        """Name the record's value of a column, such as ``country=BR``."""
        return f"{clean_text(self.vocabulary.columns[column].name)}={clean_text(case.shown[column])}"


def listed(values: Sequence[str]) -> str:
    """Name values one after the other, each in clean text."""
    return ", ".join(map(clean_text, values))


def clean_text(text: str) -> str:
    r"""Return `text` on one line, and of a long one both ends; what a terminal would obey becomes a question mark.

    Examples
    --------
    >>> clean_text("a\x1b[31mb\nc")
    'a?[31mb?c'
    """
    shown = text if len(text) <= LONGEST_VALUE else f"{text[: LONGEST_VALUE - SHOWN_END]}...{text[-SHOWN_END:]}"
    return "".join(letter if letter.isprintable() else "?" for letter in shown)


def show_tokens(vocabulary: Vocabulary, tokens: NDArray[np.int32], values: dict[str, object]) -> list[str]:
    """Return a record's values as text, by token column: what the source says, or the token's label for parts of time.

    Parameters
    ----------
    vocabulary : Vocabulary
        The columns.
    tokens : ndarray of shape (n_columns,)
        The record's token ids.
    values : dict
        Its values by source column, None where null.
    """
    shown = []
    for column, token, low in zip(vocabulary.columns, tokens, vocabulary.offsets, strict=False):
        value, label = values[column.source], column.labels[int(token) - int(low)]
        if value is None or int(token) - int(low) == Special.MISSING:
            shown.append("(missing)")
        elif column.kind in ("hour", "weekday") or (column.kind == "template" and int(token) - int(low) >= FIRST_VALUE):
            shown.append(label)
        elif isinstance(value, list):
            first = ", ".join(f"{component:.4g}" for component in value[:SHOWN_COMPONENTS])
            shown.append(f"[{first}, ...]" if len(value) > SHOWN_COMPONENTS else f"[{first}]")
        else:
            shown.append(f"{value:.10g}" if isinstance(value, float) else str(value))
    return shown
