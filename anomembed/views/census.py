"""How often values occur and meet in the reference, as reasons state it: to the record, or of a sample that they name.

What views are fitted to leaves out the records that are held out for calibration; a reader who counts does not.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.special import pdtr

from anomembed.represent.arrays import Floats
from anomembed.represent.counts import Counts
from anomembed.represent.tokens.vocabulary import Special, Tokens, Vocabulary
from anomembed.represent.usual_shares import usual_shares
from anomembed.views.figures import usual_of
from anomembed.views.reason import Among

BY_CHANCE = 0.01  # chance of so few meetings of independent values, from which that is no reason
FEW, FEW_SHARE = 5, 0.01  # records with two values, or the share of all, above which these are no reason for one record


class Company(NamedTuple):
    """How many records have a value with each of others, and how many would if the columns were independent.

    `usual` is the latter without the few values that have the other far more often (`usual_shares`).
    """

    seen: Floats
    chance: Floats
    usual: Floats
    n_records: int

    @property
    def less(self) -> Floats:
        """Log of how much less often than by chance they meet; 0 where as few may meet by chance, or many do."""
        less = np.log1p(self.usual) - np.log1p(self.seen)
        is_often = self.seen > max(FEW, FEW_SHARE * self.n_records)
        return np.asarray(np.where(is_often | (pdtr(self.seen, self.usual) > BY_CHANCE), 0.0, less))


@dataclass(frozen=True)
class Census:
    """Counts of tokens over all records that were read of the reference.

    Parameters
    ----------
    vocabulary : Vocabulary
        Tokens, and how often they occur in the records learnt from; of a sampled table, some columns in all records.
    counts : Counts
        How often they meet in the records learnt from.
    held_out : ndarray of shape (n_held_out, n_columns)
        Token ids of the records held out.
    n_reference : int
        Records of the reference in the source.
    """

    vocabulary: Vocabulary
    counts: Counts
    held_out: Tokens
    n_reference: int

    def among(self, column: int) -> Among:
        """Return the records that the values of a column were counted in."""
        n_records = self.vocabulary.columns[column].n_records + self._n_more[column]
        return Among(n_records, n_records < self.n_reference)

    def times(self, column: int, token: int) -> int:
        """Return how many of them have a token of the column."""
        return int(self._counts[token] + (self._single_held_out[token] if self._n_more[column] else 0))

    def unseen_in(self, column: int) -> str:
        """Return what a value that is UNSEEN was not seen in; records held out may have had it."""
        unseen = int(self.vocabulary.offsets[column]) + Special.UNSEEN
        may_have = self._n_more[column] and (self.held_out[:, column] == unseen).any()
        n_records = self.vocabulary.columns[column].n_records
        return str(Among(n_records, is_sample=True, unit="reference records")) if may_have else "the reference"

    @property
    def among_pairs(self) -> Among:
        """The records that pairs of values were counted in."""
        return Among(self._n_pairs, self._n_pairs < self.n_reference)

    def together(self, token: int, others: NDArray[np.integer]) -> Floats:
        """Return how many records have a token and each of others, one of each column, shape (n_columns,)."""
        return np.asarray(self.counts.meetings(token, others) + (self._held_out_with(token) == others).sum(axis=0))

    def with_token(self, token: int, others: NDArray[np.integer]) -> Floats:
        """Return how many records have a token and each of others, all of one column, shape (n_others,)."""
        held_out = np.bincount(self._held_out_with(token).ravel(), minlength=self.vocabulary.size)
        return np.asarray(self.counts.meetings(token, others) + held_out[others])

    def n_with(self, token: int) -> int:
        """Return how many records have a token, of those that pairs were counted in."""
        return int(self.with_token(token, np.array([token]))[0])

    def most_with(self, token: int, column: int, *, without: int) -> dict[int, int]:
        """Return the tokens of a column that most records with a token have, and how many; the most frequent first.

        Nothing when the one to be left out is as frequent.
        """
        low, high = (int(end) for end in self.vocabulary.offsets[column : column + 2])
        times = self.with_token(token, np.arange(low, high))
        n_without = times[without - low]
        times[[Special.RARE, Special.UNSEEN, without - low]] = 0
        return {low + at: int(times[at]) for at in usual_of(times)} if times.max() > n_without else {}

    def company(self, token: int, others: NDArray[np.integer]) -> Company:
        """Return how often a token meets each of others, one of each column, and how often it would by chance."""
        chance = self.chance(token, others)
        usual = np.fmin(chance, self._usual(token, others))
        return Company(self.together(token, others), chance, usual, self._n_pairs)

    def chance(self, token: int, others: NDArray[np.integer]) -> Floats:
        """Return how many records would have both if columns were independent, shape (n_columns,)."""
        single = self.counts.single[others] + self._single_held_out[others]
        alone = self.counts.single[token] + self._single_held_out[token]
        return np.asarray(alone * single / max(self._n_pairs, 1))

    def _usual(self, token: int, others: NDArray[np.integer]) -> Floats:
        """Return how many records would usually have a token and each of others; NaN where that is as by chance."""
        column_of = self.vocabulary.column_of
        shares = self._usual_shares([*others.tolist(), token])
        single = self.counts.single * (self._n_pairs / max(self.counts.n_records, 1))
        given_others, given_token = shares[-1, column_of[others]], shares[:-1, column_of[token]]
        return np.asarray(np.fmin(single[others] * given_others, single[token] * given_token))

    def _usual_shares(self, tokens: Sequence[int]) -> Floats:
        """Return `usual_shares` of some tokens, each of which is asked for with every other one of its record."""
        if unknown := [token for token in tokens if token not in self._known_shares]:
            found = usual_shares(self.counts, self.vocabulary.column_of, np.array(unknown))
            self._known_shares.update(zip(unknown, found, strict=True))
        return np.array([self._known_shares[token] for token in tokens])

    @cached_property
    def _known_shares(self) -> dict[int, Floats]:
        return {}

    def _held_out_with(self, token: int) -> Tokens:
        """Return the records held out that have a token."""
        return np.asarray(self.held_out[self.held_out[:, self.vocabulary.column_of[token]] == token])

    @cached_property
    def _single_held_out(self) -> NDArray[np.intp]:
        """Records held out with each token, shape (n_tokens,)."""
        return np.bincount(self.held_out.ravel(), minlength=self.vocabulary.size)

    @cached_property
    def _counts(self) -> Floats:
        return self.vocabulary.counts()

    @property
    def _n_pairs(self) -> int:
        return self.counts.n_records + len(self.held_out)

    @cached_property
    def _n_more(self) -> list[int]:
        """Records held out that are not among those that each column was counted in."""
        n_held_out = len(self.held_out)
        return [n_held_out * (c.n_records + n_held_out <= self.n_reference) for c in self.vocabulary.columns]
