"""Find who keeps just below a limit, or deals in round amounts, as others do not: split deposits, made-up invoices.

A limit is a round number, and "just below" is the last tenth before it. How many of somebody's amounts around a limit
lie there is held against the share of everybody else's: a binomial test, by Chernoff's bound [1]_, less the log of how
many were made. Amounts far from the limit do not count, so that one who deals in larger sums than others is no wonder,
and equal amounts count once, because a subscription of 9.99 is no habit. Amounts of one or two digits, but for zeros,
are round. Where many have such a habit, as shops that sell for 9.90 do, or all of a kind, as cash machines do, it
counts for nothing.

First digits are not compared: they follow from how much somebody spends.

.. [1] Chernoff: A measure of asymptotic efficiency for tests of a hypothesis based on the sum of observations. Annals
   of Mathematical Statistics 23, 1952.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cache
from typing import Self

import numpy as np
import polars as pl
from numpy.typing import NDArray

from anomembed.read.amounts import amounts
from anomembed.represent.arrays import Floats
from anomembed.represent.batch import Batch
from anomembed.represent.tokens.vocabulary import FIRST_VALUE
from anomembed.views.cases import Case
from anomembed.views.facts import Facts
from anomembed.views.reason import Among, Reason
from anomembed.views.view import EXCESS_FROM, Basis, Counting, Looks, Vectors, ViewOfRecords

LIMITS = np.array([1.0, 2.0, 2.5, 3.0, 5.0, 10.0])  # times a power of ten
JUST_BELOW, LEAST_AROUND, MOST_AROUND = 0.9, 0.5, 2.0  # times a limit: where the trait begins, and what could have it
LEAST_ROUND = 100.0  # amount that can be round
LEAST_OTHERS = 20  # different amounts of others that could have the trait, which somebody is held against
LEAST_AMOUNTS, LEAST_SHARE = 4, 0.5  # different ones of somebody that have the trait, of those that could
ROUND = 0.0  # in the place of a limit
Counts = NDArray[np.integer] | Floats
MOST_HABITS = 128  # that are kept
LEAST_COMPANY = 20  # amounts of others with the same value in another column, for its share to be known
USUAL, STEEP = 4.0, 8.0  # nats of rarity below which a habit is usual, and how many count for each beyond


@dataclass(frozen=True)
class HeapingView(ViewOfRecords):
    """Records by the evidence that somebody in them keeps just below a limit, or to round amounts; high = abnormal.

    Parameters
    ----------
    places : ndarray of shape (n_habits, 3)
        Token column, token id and number (of a batch) of each habit, those with the most evidence first.
    figures : ndarray of shape (n_habits, 5)
        Limit, or `ROUND`; evidence in nats; different amounts with the trait, and those that could have it; and the
        share of everybody else's that do.
    columns : ndarray of shape (n_numbers,)
        Token column of each number.
    n_records : int
        Reference records that were looked at.
    """

    places: NDArray[np.int64]
    figures: Floats
    columns: NDArray[np.int64]
    n_records: int
    name: str = "heaping"
    summary = "amounts of somebody who keeps just below a limit, or to round amounts"
    words = {
        "below a limit": "{subject} is just below {limit:,.6g}, as are {times:,} of the {of:,} different amounts from"
        " {low:,.6g} to {high:,.6g} of {who}{sample} ({share:.2g}% of all others)",
        "round": "{subject} is round, as are {times:,} of the {of:,} different amounts of {who}{sample}"
        " ({share:.2g}% of all others)",
    }
    looks_at = Looks.TOKENS | Looks.NUMBERS
    is_summed = True

    @classmethod
    def fit(cls, basis: Basis) -> Sequence[Self]:
        """Return the view of a mixed reference in which somebody has such a habit, and few have."""
        if basis.clean:  # what somebody does there is normal
            return []
        columns, numbers = basis.vocabulary.columns, basis.number_columns
        records = replace(basis.records, tokens=np.asfortranarray(basis.records.tokens))  # read column by column
        are_amounts = amounts([column.source for column in columns])
        categories = [at for at, column in enumerate(columns) if column.is_habitual and not column.kind.traits.period]
        found = [
            (column, token, number, *figures)
            for column in categories
            for number, at in enumerate(numbers)
            if columns[at].source in are_amounts
            for token, figures in _habits(
                records.tokens[:, column], records.numbers[:, number], basis.vocabulary.offsets[column] + FIRST_VALUE
            )
        ]
        most = np.array(sorted(found, key=lambda habit: -habit[4])[:MOST_HABITS]).reshape(-1, 8)
        view = cls(most[:, :3].astype(np.int64), most[:, 3:], numbers, len(records))
        view = view.unexplained(records, categories).unusual(records)
        return [view] if len(view.places) else []

    def unexplained(self, records: Batch, categories: Sequence[int]) -> Self:
        """Keep the habits that are none of somebody's company, as round amounts are of all cash machines."""
        around = cache(lambda number, limit: _around(records.numbers[:, number], limit))
        kept = [
            self._in_company(records, at, categories, around(int(number), float(limit))) > EXCESS_FROM
            for at, (number, limit) in enumerate(zip(self.places[:, 2], self.figures[:, 0], strict=True))
        ]
        return replace(self, places=self.places[kept], figures=self.figures[kept])

    def _in_company(
        self, records: Batch, at: int, categories: Sequence[int], around: tuple[NDArray[np.bool_], NDArray[np.bool_]]
    ) -> float:
        """Return the evidence for a habit against those with whom somebody shares the usual value of a column."""
        column, token, _ = self.places[at]
        _, nats, times, n_amounts, share = self.figures[at]
        own, (could, has) = records.tokens[:, column] == token, around
        could_others, shares = could & ~own, [share]
        for other in categories:
            if other != column:
                company = could_others & (records.tokens[:, other] == np.bincount(records.tokens[own, other]).argmax())
                n_company = np.count_nonzero(company)
                if n_company >= LEAST_COMPANY:
                    shares.append(np.count_nonzero(company & has) / n_company)
        return float(nats - _chernoff(times, n_amounts, share) + _chernoff(times, n_amounts, min(max(shares), 0.999)))

    def unusual(self, records: Batch) -> Self:
        """Keep the habits of the kinds that few reference records show; the fewer, the more their evidence counts."""
        kinds = np.column_stack([self.places[:, [0, 2]], self.figures[:, 0] == ROUND])
        shown = np.array([self.shows(records, at) for at in range(len(self.places))]).reshape(-1, len(records))
        times = np.array([shown[(kinds == kind).all(axis=1)].any(axis=0).sum() for kind in kinds])
        rarity = np.log(len(records)) - np.log(times + 0.5)
        figures = self.figures.copy()
        figures[:, 1] = np.minimum(figures[:, 1], USUAL + STEEP * (rarity - USUAL))
        kept = rarity > USUAL
        return replace(self, places=self.places[kept], figures=figures[kept])

    def counting(self, *, clean: bool) -> Counting:  # noqa: ARG002
        """Count all nats beyond e^-4, of which those that chance makes in so many tests are taken off."""
        return Counting("evidence", 1.0)

    def vectors(self, batch: Batch) -> Vectors:
        """Return the evidence for the strongest habit that a record shows, in nats, shape (n_records, 1); 0 = none."""
        return self.nats(batch)[:, None].astype(np.float32)

    def nats(self, batch: Batch) -> Floats:
        """Return the evidence for the strongest habit that each record shows, shape (n_records,)."""
        nats = np.zeros(len(batch))
        for at in range(len(self.places)):
            np.maximum(nats, np.where(self.shows(batch, at), self.figures[at, 1], 0.0), out=nats)
        return nats

    def shows(self, batch: Batch, at: int) -> NDArray[np.bool_]:
        """Tell which records show the habit at an index, shape (n_records,)."""
        column, token, number = self.places[at]
        is_of = batch.tokens[:, column] == token
        is_of[is_of] = _has_trait(batch.numbers[is_of, number], self.figures[at, 0])
        return np.asarray(is_of)

    def strongest(self, record: Batch) -> int | None:
        """Return the index of the strongest habit that a single record shows; None when it shows none."""
        shown = [at for at in range(len(self.places)) if self.shows(record, at)[0]]
        return max(shown, key=lambda at: float(self.figures[at, 1]), default=None)

    def culprit(self, batch: Batch) -> NDArray[np.intp]:
        """Return the column of the amount, shape (n_records,)."""
        best = [self.strongest(batch[row : row + 1]) for row in range(len(batch))]
        return np.array([self.columns[self.places[at or 0, 2]] for at in best], np.intp)

    def reason(self, case: Case, shares: Floats, facts: Facts) -> Reason:
        """Say which habit it is, and of whom."""
        at = self.strongest(case.record)
        if at is None:
            return super().reason(case, shares, facts)
        column, _, number = self.places[at].tolist()
        limit, _, times, n_amounts, share = self.figures[at].tolist()
        subject, who = facts.value(case, int(self.columns[number])), facts.value(case, column)
        cited = {"times": int(times), "of": int(n_amounts), "share": 100 * share, "who": who}
        cited |= {"sample": Among(self.n_records, self.n_records < facts.n_reference).if_sample("in")}
        if limit == ROUND:
            return Reason("round", subject, cited)
        around = {"limit": limit, "low": LEAST_AROUND * limit, "high": MOST_AROUND * limit}
        return Reason("below a limit", subject, cited | around)


def _habits(tokens: NDArray[np.int32], amounts: Floats, first: int) -> Iterator[tuple[int, tuple[float, ...]]]:
    """Yield the habits of the values of a column: their token, and the figures of `HeapingView`."""
    known = np.isfinite(amounts) & (amounts > 0) & (tokens >= first)
    different = pl.DataFrame({"token": tokens[known], "amount": amounts[known]}).unique().sort("token", "amount")
    who, of = np.unique(different["token"].to_numpy(), return_inverse=True)
    amount = different["amount"].to_numpy()
    tests = [(limit, *_around(amount, limit)) for limit in _limits(amount)]
    times = [np.bincount(of, has, minlength=len(who)) for _, _, has in tests]
    n_tests = sum(int((found > 0).sum()) for found in times)
    for (limit, could, _), has in zip(tests, times, strict=True):
        could_have = np.bincount(of, could, minlength=len(who))
        n_others = could_have.sum() - could_have
        others = (has.sum() - has + 0.5) / (n_others + 1)
        nats = _chernoff(has, could_have, others) - np.log(max(n_tests, 1))
        is_habit = (has >= LEAST_AMOUNTS) & (has >= LEAST_SHARE * could_have) & (n_others >= LEAST_OTHERS)
        for at in np.flatnonzero(is_habit & (nats > EXCESS_FROM)):
            yield int(who[at]), (limit, float(nats[at]), float(has[at]), float(could_have[at]), float(others[at]))


def _limits(amounts: Floats) -> list[float]:
    """Return the limits that some amounts are just below, and `ROUND`."""
    if not len(amounts):
        return []
    powers = 10.0 ** np.arange(np.floor(np.log10(amounts.min())), np.ceil(np.log10(amounts.max())) + 1)
    with np.errstate(over="ignore"):  # what is infinite is above all amounts
        limits = np.unique((powers[:, None] * LIMITS).round(12))
    return [ROUND, *(limit for limit in limits.tolist() if _has_trait(amounts, limit).any())]


def _around(amounts: Floats, limit: float) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Tell which amounts could have a trait, and which do."""
    has = _has_trait(amounts, limit)
    if limit == ROUND:
        return amounts >= LEAST_ROUND, has
    return (amounts >= LEAST_AROUND * limit) & (amounts <= MOST_AROUND * limit), has


def _has_trait(amounts: Floats, limit: float) -> NDArray[np.bool_]:
    """Tell which amounts are just below a limit, or round."""
    if limit != ROUND:
        return np.asarray((amounts >= JUST_BELOW * limit) & (amounts < limit))
    unit = 10.0 ** (np.floor(np.log10(np.maximum(amounts, LEAST_ROUND))) - 1)
    return np.asarray((amounts >= LEAST_ROUND) & (amounts % unit == 0))


def _chernoff(times: Counts | float, of: Counts | float, share: Floats | float) -> Floats:
    """Return the bound on -log of the chance of as many successes, in nats; 0 where there are fewer than expected."""
    rate = times / np.maximum(of, 1)
    rest = np.where(rate < 1, (1 - rate) * np.log(np.maximum(1 - rate, 1e-300) / (1 - share)), 0.0)
    apart = np.where(rate > 0, rate * np.log(np.maximum(rate, 1e-300) / share), 0.0) + rest
    return np.asarray(np.where(rate > share, of * apart, 0.0))
