"""Judge how a text is written: a made-up name, a command within a value, a path that leaves its folder.

Such a value is one of many that are seen once. The part of it in which characters follow one another most unusually
is held against that of all other values of its column (`anomembed.represent.tokens.characters`), and what the most
unusual of so many has by chance is no evidence. A value that many records have is usual, however it is written.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Self

import numpy as np
from numpy.typing import NDArray

from anomembed.represent.arrays import Floats
from anomembed.represent.batch import Batch
from anomembed.represent.tokens.vocabulary import Kind
from anomembed.views.cases import Case
from anomembed.views.facts import Facts
from anomembed.views.reason import Reason, Text
from anomembed.views.tails import beyond_chance, fit_tail, tail_nats
from anomembed.views.view import Basis, Counting, Looks, Vectors, ViewOfRecords

MOST = 12.0  # nats
TAILS = 0.97  # quantile that the tail is drawn through, beside 90 %: one value in a hundred may be made up
NEW = ("unseen", "unseen message", "rare")
"""Kinds of reasons that say more of a message, or of a parameter in it, than how it is written."""
ANY = "(not written as others)"


@dataclass(frozen=True)
class CharactersView(ViewOfRecords):
    """Records by the evidence that one of their texts is written like no other; high = abnormal.

    Parameters
    ----------
    columns : ndarray of shape (n_written,)
        Token columns of the texts.
    tails : ndarray of shape (n_written, 2)
        Of the excess of each; see `fit_tail`.
    looked_at : float
        Log of how many texts of all columns there are: the most unusual of so many is no evidence yet.
    seldom : ndarray of shape (n_tokens,)
        Surprise of every token that is a value, in nats: a text is no more unusual than it is seldom; else infinite.
    """

    columns: NDArray[np.int64]
    tails: Floats
    looked_at: float
    seldom: NDArray[np.float32]
    name: str = "characters"
    summary = "texts in which characters follow one another as in no others: made-up names, commands within a value"
    words = {"written": "{subject} is not written as others: '{part}' ({times:,} of {of:,} have a part as unusual)"}
    looks_at = Looks.TOKENS | Looks.CHARACTERS
    is_summed = True

    @classmethod
    def fit(cls, basis: Basis) -> Sequence[Self]:
        """Return the view of a table with texts of many values."""
        vocabulary = basis.vocabulary
        known = [column.characters.known for column in vocabulary.columns if column.characters]
        if not known:
            return []
        tails = np.array([fit_tail(np.maximum(excess, _by_chance(len(excess))), TAILS) for excess in known])
        looked_at = float(np.log(sum(map(len, known))))
        is_value = np.array([column.kind is Kind.VALUE for column in vocabulary.columns])[vocabulary.column_of]
        seldom = np.where(is_value, vocabulary.surprise(), np.float32(np.inf))
        return [cls(np.array(vocabulary.written, np.int64), tails, looked_at, seldom)]

    def counting(self, *, clean: bool) -> Counting:  # noqa: ARG002
        """Count all nats: what chance makes in the whole table is taken off."""
        return Counting("evidence", 1.0)

    def vectors(self, batch: Batch) -> Vectors:
        """Return the evidence of the text that is written most unusually, shape (n_records, 1); 0 = none."""
        return np.asarray(self._nats(batch).max(axis=1, keepdims=True), np.float32)

    def culprit(self, batch: Batch) -> NDArray[np.intp]:
        """Return the column of the text that is written most unusually, shape (n_records,)."""
        return np.asarray(self.columns[self._nats(batch).argmax(axis=1)], np.intp)

    def reason(self, case: Case, shares: Floats, facts: Facts) -> Reason:
        """Name the part that is written most unusually, and how many texts of the reference have one as unusual.

        Of a message like no other, that it is says more.
        """
        if not self._nats(case.record).any():
            return super().reason(case, shares, facts)
        column = int(self.culprit(case.record)[0])
        told = facts.notable(case, column) if facts.vocabulary.columns[column].is_of_message else None
        if told and told.kind in NEW:
            return told
        characters, excess = facts.vocabulary.columns[column].characters, self._excess(case.record, column)
        assert characters is not None  # noqa: S101  # those of the columns of this view are known
        times = len(characters.known) - int(np.searchsorted(characters.known, excess))
        cited = {"part": Text(characters.part(case.texts[column])), "times": times, "of": len(characters.known)}
        subject = replace(facts.value(case, column), like=ANY)  # what somebody tries out is one finding
        return Reason("written", subject, cited)

    def _excess(self, record: Batch, column: int) -> float:
        assert record.characters is not None  # noqa: S101  # there is evidence
        return float(record.characters[0, self.columns.tolist().index(column)])

    def _nats(self, batch: Batch) -> Floats:
        if batch.characters is None:
            return np.zeros((len(batch), len(self.columns)))
        nats = beyond_chance(tail_nats(batch.characters, self.tails), self.looked_at, MOST)
        return np.minimum(nats, self.seldom[batch.tokens[:, self.columns]])


def _by_chance(n_texts: int) -> Floats:
    """Return the excess that chance makes at least, ascending: an excess of x nats once in e^x texts.

    All identifiers of one form may have none; a digit more is no evidence yet.
    """
    return np.asarray(-np.log1p(-(np.arange(n_texts) + 0.5) / n_texts))
