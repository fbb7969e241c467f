"""Judge single numbers that are far beyond all others of their column, in a record of many.

Among sixty numbers, one that is nine standard deviations off adds less to a distance than the others do by chance; and
a request of a minute is one of many records that take as long, but for those of its kind. So each number is also judged
alone: by how far it is from the median of all, and of those with the same value in the column that explains most of it.
What is far may only be in a long tail: it must be far by its logarithm, too. What the farthest of so many has by
chance is no evidence.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Self

import numpy as np
import polars as pl
from numpy.typing import NDArray

from anomembed.read.aggregates import BOUND
from anomembed.represent.arrays import Floats
from anomembed.represent.batch import Batch
from anomembed.represent.ranges import OUTER, explained_by
from anomembed.views.cases import Case
from anomembed.views.facts import Facts
from anomembed.views.magnitudes import signed_log
from anomembed.views.reason import Reason
from anomembed.views.tails import NEVER, TAIL, beyond_chance, fit_tail, tail_nats
from anomembed.views.view import Basis, Counting, Looks, Vectors, ViewOfRecords

MOST = 4.0  # nats
LEAST_EXPLAINED = 0.5  # share of the variance of the ranks of a number: each value of the column has its own range
LEAST_TIMES = 100  # numbers that a range is read from
EVERYBODY = -1  # in place of a column: all records


@dataclass(frozen=True)
class Spread:
    """The median of numbers and half the range that 19 in 20 lie in, and those of their logarithms; (n_tokens, 2)."""

    median: Floats
    half: Floats


@dataclass(frozen=True)
class Peers:
    """The numbers that one is held against.

    Parameters
    ----------
    number, column : int
        Index of the number, and its token column.
    context, first : int
        Token column whose value they share, and its first token; `EVERYBODY` and 0 for all records.
    usual : Spread
        For each token of the context; NaN where there are too few.
    unit : float
        Median size of the numbers other than 0, the unit of logarithms.
    tails : ndarray of shape (2, 2)
        Of the distances, and of those of logarithms; see `fit_tail`.
    """

    number: int
    column: int
    context: int
    first: int
    usual: Spread
    unit: float
    tails: Floats

    def nats(self, batch: Batch) -> Floats:
        """Return -log of the chance of a number as far off, shape (n_records,); 0 where that is not known."""
        return np.asarray(tail_nats(self.distances(batch), self.tails).min(axis=1), np.float64)

    def distances(self, batch: Batch) -> Floats:
        """Return how many half ranges each number is from the median, and its logarithm, shape (n_records, 2)."""
        token = _tokens(batch, self.context, self.first)
        away = np.abs(_scales(batch.numbers[:, self.number], self.unit) - self.usual.median[token])
        half = self.usual.half[token]
        return np.nan_to_num(np.divide(away, half, out=np.zeros(away.shape), where=half > 0))


@dataclass(frozen=True)
class ExtremeView(ViewOfRecords):
    """Records by the evidence that one of their numbers is beyond all others; high = abnormal.

    Parameters
    ----------
    peers : tuple of Peers
        What numbers are held against.
    looked_at : float
        Log of how many numbers the reference has: the farthest of so many is no evidence yet.
    """

    peers: tuple[Peers, ...]
    looked_at: float
    name: str = "extreme"
    summary = "one number far beyond all others of its column, or of its kind"
    looks_at = Looks.TOKENS | Looks.NUMBERS
    is_summed = True

    @classmethod
    def fit(cls, basis: Basis) -> Sequence[Self]:
        """Return the view of a table with numbers; of an entity's own, and of all, the view `entity` says so."""
        peers = tuple(_peers(basis))
        n_known = np.isfinite(basis.records.numbers).sum()
        return [cls(peers, float(np.log(n_known)))] if peers else []

    def counting(self, *, clean: bool) -> Counting:  # noqa: ARG002
        """Count all nats: what chance makes in the whole table is taken off."""
        return Counting("evidence", 1.0)

    def vectors(self, batch: Batch) -> Vectors:
        """Return the evidence of the number that is farthest out, above 4 nats, shape (n_records, 1); 0 = none."""
        nats = self._nats(batch).max(axis=1, keepdims=True)
        return beyond_chance(nats, self.looked_at, MOST).astype(np.float32)

    def culprit(self, batch: Batch) -> NDArray[np.intp]:
        """Return the column of the number that is farthest out, shape (n_records,)."""
        columns = np.array([each.column for each in self.peers], np.intp)
        return np.asarray(columns[self._nats(batch).argmax(axis=1)], np.intp)

    def reason(self, case: Case, shares: Floats, facts: Facts) -> Reason:
        """Say where the number usually lies."""
        return facts.notable(case, int(self.culprit(case.record)[0])) or super().reason(case, shares, facts)

    def _nats(self, batch: Batch) -> Floats:
        return np.column_stack([each.nats(batch) for each in self.peers])


def _peers(basis: Basis) -> Iterator[Peers]:
    """Yield what the numbers of a table are held against, those that vary."""
    records, offsets = basis.records, basis.vocabulary.offsets
    contexts, acting = _contexts(basis), {profiles.column for profiles in basis.entities.profiles}
    for number in basis.judged_numbers.tolist():
        numbers, context = records.numbers[:, number], int(contexts[number])
        is_known = np.isfinite(numbers)
        sizes = np.abs(numbers[is_known & (numbers != 0)])
        unit = float(np.median(sizes)) if len(sizes) else 1.0
        groups = [] if acting else [(EVERYBODY, 0, 1)]
        if context not in (EVERYBODY, *acting):
            groups.append((context, int(offsets[context]), int(np.diff(offsets)[context])))
        for column, first, n_tokens in groups:
            usual = _usual(_scales(numbers, unit)[is_known], _tokens(records, column, first)[is_known], n_tokens)
            at = int(basis.number_columns[number])
            plain = Peers(number, at, column, first, usual, unit, np.ones((2, 2)))
            tails = [_tail(distances[distances > 0]) for distances in plain.distances(records)[is_known].T]
            if max(near for near, _ in tails) < NEVER:
                yield replace(plain, tails=np.array(tails))


def _contexts(basis: Basis) -> list[int]:
    """Return the token column that explains each number, `EVERYBODY` where none explains half of its ranks.

    In a clean reference, what is new of its kind counts in `pair` and `joint` already: in NSL-KDD, normal records too.
    """
    texts = [at for at, column in enumerate(basis.vocabulary.columns) if column.kind.traits.is_text]
    if basis.clean or not texts:
        return [EVERYBODY] * basis.records.numbers.shape[1]
    shares = explained_by(basis.records, texts, basis.vocabulary)
    best = shares.argmax(axis=0)
    return [
        texts[at] if share >= LEAST_EXPLAINED else EVERYBODY for at, share in zip(best, shares.max(axis=0), strict=True)
    ]


def _tokens(batch: Batch, context: int, first: int) -> NDArray[np.int64]:
    """Return the token of each record within a column, 0 where all records are one."""
    return (np.zeros(len(batch)) if context == EVERYBODY else batch.tokens[:, context] - first).astype(np.int64)


def _scales(numbers: Floats, unit: float) -> Floats:
    """Return numbers and their logarithms, shape (n_records, 2)."""
    within = np.clip(numbers, -BOUND, BOUND)
    return np.column_stack([within, signed_log(within / unit)])


def _usual(scales: Floats, tokens: NDArray[np.int64], n_tokens: int) -> Spread:
    """Return what is usual of numbers and their logarithms, shape (n_records, 2), with each token."""
    usual = Spread(np.full((n_tokens, 2), np.nan), np.full((n_tokens, 2), np.nan))
    low, high = (pl.col("value").quantile(share) for share in (OUTER, 1 - OUTER))
    for at, values in enumerate(scales.T):
        grouped = pl.DataFrame({"token": tokens, "value": values}).group_by("token")
        found = grouped.agg(pl.len(), pl.col("value").median(), half=(high - low) / 2).filter(
            pl.col("len") >= LEAST_TIMES
        )
        token = found["token"].to_numpy()
        usual.median[token, at], usual.half[token, at] = found["value"].to_numpy(), found["half"].to_numpy()
    return usual


def _tail(distances: Floats) -> tuple[float, float]:
    """Return the tail of distances; none of few is beyond it."""
    return fit_tail(distances) if len(distances) > 1 / (1 - TAIL[1]) else (NEVER, 1.0)
