"""Find records that repeat an earlier one: the same amount of the same entity, soon after, and nearly all else alike.

Such a record has nothing unusual in itself; what is unusual is the coincidence. Repeats are ordered by how seldom their
values agree by chance: the records of the entity, times the share of the amount and of every other value that agrees.
How many repeats chance makes is counted and not computed, because columns depend on each other: those that come long
after are taken for chance, which would make as many soon after in proportion to the time. With the repeats that there
are soon after, this is a false discovery rate [1]_. It counts as far as repeats are rare in the reference: where people
buy the same every day, it does not.

.. [1] Benjamini, Hochberg: Controlling the false discovery rate. J. R. Stat. Soc. B 57, 1995.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Self

import numpy as np
from numpy.typing import NDArray

from anomembed.read.sharing import are_shared
from anomembed.represent.arrays import Floats
from anomembed.represent.batch import Batch
from anomembed.represent.keys import Ascending, look_up
from anomembed.represent.tokens.vocabulary import Kind, Vocabulary
from anomembed.views.cases import Case
from anomembed.views.facts import Facts
from anomembed.views.reason import Among, Reason, Text, duration, listed
from anomembed.views.view import EXCESS_FROM, Basis, Counting, Looks, Vectors, ViewOfRecords

MOST_DAYS, MOST_SHARE = 14, 0.05  # a repeat is soon within so many days, and so much of the reference's time
LEAST_ALIKE = 0.7  # share of the compared columns that agree, entity and amount among them
USUAL, STEEP = 4.0, 8.0  # nats of rarity below which repeats are usual, and how many count for each beyond
LEAST_TIMES = 3  # records with an amount for its share to be kept


@dataclass(frozen=True)
class DuplicateView(ViewOfRecords):
    """Records by how unlikely it is that they repeat an earlier one by chance; high = abnormal.

    Parameters
    ----------
    columns : ndarray of shape (2,)
        Token columns of entity and amount.
    number : int
        The amount among the numbers of a batch.
    names : tuple of str
        The other columns that are compared, in the order of the bits that say whether they agree.
    context : ndarray of shape (n_names,)
        Token columns of these; -1 for numbers and messages, whose agreement is no further evidence.
    share : ndarray of shape (n_tokens,)
        Share of the reference with each token.
    amounts, times : ndarray of shape (n_amounts,)
        Amounts that several records of the reference have, ascending, and how many do.
    recurring, recurs : ndarray of shape (n_recurring,)
        Entity and amount as one number, ascending, where several records have both, and how many do.
    n_records, span, resolution : float
        Records of the reference, seconds from the first to the last, and those that times are multiples of.
    late : ndarray of shape (n_late,)
        Log of how often the values of every late repeat in the reference agree by chance, ascending.
    soon : ndarray of shape (n_soon,)
        Log of how many repeats like it chance would make, for every one that is soon, ascending.
    """

    columns: NDArray[np.int64]
    number: int
    names: tuple[str, ...]
    context: NDArray[np.int64]
    share: Floats
    amounts: Floats
    times: Floats
    recurring: NDArray[np.int64]
    recurs: Floats
    n_records: float
    span: float
    resolution: float
    late: Floats
    soon: Floats
    name: str = "duplicate"
    summary = "records that repeat an earlier one of the same entity but for their key (with a time)"
    words = {
        "repeat": "{subject} of {entity} repeats {which} of {ago} before{same}"
        " ({seen} of {of} repeat one as unlikely by chance, which would make about {chance:.2g} such)"
    }
    looks_at = Looks.TOKENS | Looks.NUMBERS | Looks.TWINS
    is_summed = True

    @classmethod
    def fit(cls, basis: Basis) -> Sequence[Self]:
        """Return the view of a table with a time and an amount that entities seldom repeat soon after."""
        twins, names, records = basis.derived.twins, basis.vocabulary.names, basis.records
        if twins is None or records.twins is None or twins.entity not in names or twins.amount not in names:
            return []
        number = [c.name for c in basis.vocabulary.columns if c.kind.traits.is_number].index(twins.amount)
        amounts, times = np.unique(records.numbers[:, number], return_counts=True)
        plain = cls(
            columns=np.array([names.index(twins.entity), names.index(twins.amount)], np.int64),
            number=number,
            names=twins.compared,
            context=_context(basis.vocabulary, twins.compared),
            share=basis.vocabulary.shares(),
            amounts=amounts[times >= LEAST_TIMES],
            times=times[times >= LEAST_TIMES].astype(np.float64),
            recurring=np.empty(0, np.int64),
            recurs=np.empty(0),
            n_records=float(len(records)),
            span=max(twins.span, 1.0),
            resolution=max(twins.resolution, 1.0),
            late=np.empty(0),
            soon=np.empty(0),
        )
        fitted = plain.counted(records)
        return [fitted] if fitted.rarity > USUAL else []

    def counted(self, records: Batch) -> Self:
        """Count the amounts that recur in the reference, its late repeats, and then those that are soon."""
        pairs, recurs = np.unique(self.pair(records), return_counts=True)
        often = (recurs >= LEAST_TIMES) & (pairs >= 0)
        known = replace(self, recurring=pairs[often], recurs=recurs[often].astype(np.float64))
        is_twin, is_soon = self.is_twin(records), self.is_soon(records)
        counted = replace(known, late=np.sort(known.coincidence(records[np.flatnonzero(is_twin & ~is_soon)])))
        return replace(counted, soon=np.sort(counted.chance(records[np.flatnonzero(is_twin & is_soon)])))

    @property
    def rarity(self) -> float:
        """-log of the share of the reference that repeats a record soon after, in nats."""
        return float(np.log(self.n_records) - np.log(len(self.soon) + 0.5))

    def counting(self, *, clean: bool) -> Counting:  # noqa: ARG002
        """Count the nats twice: they are of the whole table, in which chance makes none in one of so many."""
        return Counting("evidence", 2.0)

    def vectors(self, batch: Batch) -> Vectors:
        """Return -log of the false discovery rate, as far as repeats are rare, above 4; shape (n_records, 1)."""
        found = np.zeros((len(batch), 1), np.float32)
        repeats = np.flatnonzero(self.is_twin(batch) & self.is_soon(batch))
        chance = self.chance(batch[repeats])
        nats = np.log(np.maximum(np.searchsorted(self.soon, chance, side="right"), 1)) - chance
        found[repeats, 0] = EXCESS_FROM + np.clip(nats, 0.0, STEEP * (self.rarity - USUAL))
        return found

    def culprit(self, batch: Batch) -> NDArray[np.intp]:
        """Return the column of the amount, shape (n_records,)."""
        return np.full(len(batch), self.columns[1], np.intp)

    def reason(self, case: Case, shares: Floats, facts: Facts) -> Reason:
        """Say how long before the same amount was there, and what else is the same."""
        record = case.record
        if record.twins is None or not (self.is_twin(record) & self.is_soon(record))[0]:
            return super().reason(case, shares, facts)
        counts = are_shared(self.names)  # that each has a value of its own is nothing the two share
        agreeing = zip(self.names, self.agreeing(record)[0], strict=True)
        same = [name for name, agrees in agreeing if agrees and name not in counts]
        chance = self.chance(record)
        cited = {
            "entity": facts.value(case, int(self.columns[0])),
            "which": Text(f"record {case.repeated}" if case.repeated else "a record"),
            "ago": duration(float(record.twins[0, 0])),
            "same": f", with the same {listed(same)}" if same else "",
            "seen": f"{int(np.searchsorted(self.soon, chance, side='right')[0]):,}",
            "of": Among(int(self.n_records), self.n_records < facts.n_reference),
            "chance": float(np.exp(chance[0])),
        }
        return Reason("repeat", facts.value(case, int(self.columns[1])), cited)

    def agreeing(self, batch: Batch) -> NDArray[np.bool_]:
        """Tell which other columns agree with the last record of that amount and entity, (n_records, n_names)."""
        assert batch.twins is not None  # noqa: S101  # the model that has this view reads them
        bits = np.nan_to_num(batch.twins[:, 2]).astype(np.int64)
        return np.asarray(bits[:, None] >> np.arange(len(self.names)) & 1, bool)

    def is_twin(self, batch: Batch) -> NDArray[np.bool_]:
        """Tell which records are nearly the same as an earlier one, shape (n_records,)."""
        assert batch.twins is not None  # noqa: S101  # the model that has this view reads them
        alike = (self.agreeing(batch).sum(axis=1) + 2) / (len(self.names) + 2)
        return np.asarray(np.isfinite(batch.twins[:, 0]) & (alike >= LEAST_ALIKE))

    def is_soon(self, batch: Batch) -> NDArray[np.bool_]:
        """Tell which records come soon after the last one with their amount and entity, shape (n_records,).

        After several such records, the next one comes soon by chance: it must be sooner than after one.
        """
        assert batch.twins is not None  # noqa: S101  # the model that has this view reads them
        since, before = batch.twins[:, 0], np.maximum(batch.twins[:, 1], 1)
        return np.asarray((since <= MOST_DAYS * 86400) & ((since + self.resolution) * before <= MOST_SHARE * self.span))

    @cached_property
    def _recurring(self) -> Ascending:
        return Ascending(self.recurring)

    def coincidence(self, batch: Batch) -> Floats:
        """Return the log of how many records would agree by chance if columns were independent, (n_records,)."""
        assert batch.twins is not None  # noqa: S101  # the model that has this view reads them
        logs = np.log(np.maximum(self.share, 0.5 / self.n_records))
        known = self.context >= 0
        others = np.where(self.agreeing(batch)[:, known], logs[batch.tokens[:, self.context[known]]], 0.0).sum(axis=1)
        entity = np.log(self.n_records) + logs[batch.tokens[:, self.columns[0]]]
        # But for the record itself and the one that it repeats, the entity has the amount so often.
        recurs = np.maximum(look_up(self._recurring, self.recurs, self.pair(batch)) - 2, batch.twins[:, 1] - 1)
        own = np.log(np.maximum(recurs, 0.1)) - entity
        return np.asarray(entity + np.maximum(self.amount_share(batch), own) + others)

    def amount_share(self, batch: Batch) -> Floats:
        """Return the log of the share of the reference that has the amount, shape (n_records,)."""
        times = np.append(self.times - 1, 1.0)[self.place(batch)]  # but for the record itself
        return np.asarray(np.log(times / self.n_records))

    def place(self, batch: Batch) -> NDArray[np.intp]:
        """Return the index of the amount among those that are kept, or -1, shape (n_records,)."""
        wanted = batch.numbers[:, self.number]
        place = np.searchsorted(self.amounts, wanted)
        return np.where(np.append(self.amounts, np.nan)[place] == wanted, place, -1)

    def pair(self, batch: Batch) -> NDArray[np.int64]:
        """Return entity and amount as one number, or -1 where the amount is not kept, shape (n_records,)."""
        place = self.place(batch)
        entity = batch.tokens[:, self.columns[0]].astype(np.int64)
        return np.where(place >= 0, entity * max(len(self.amounts), 1) + place, -1)

    def chance(self, batch: Batch) -> Floats:
        """Return the log of how many repeats like these chance would make in the reference, shape (n_records,).

        Of two records at random times, the later one comes within a share x of the time with a chance of about 2 x.
        Repeats are like these when the product of their rank among the late ones and of the time is no larger; of the
        ranks 1 to n, each is so for a time over its rank, and the sum of these is about 1 + log(n) times the first.
        """
        assert batch.twins is not None  # noqa: S101  # the model that has this view reads them
        n_late = np.searchsorted(self.late, self.coincidence(batch), side="right") + 1.0
        since = np.minimum(batch.twins[:, 0] + self.resolution, self.span)
        is_late = (1 - min(MOST_SHARE, MOST_DAYS * 86400 / self.span)) ** 2
        ranks = 1 + np.log1p(len(self.late))
        return np.asarray(np.log(n_late * ranks * 2 * since / self.span / is_late))


def _context(vocabulary: Vocabulary, names: Sequence[str]) -> NDArray[np.int64]:
    """Return the token column of each name; -1 where it is no value."""
    known = {column.name: at for at, column in enumerate(vocabulary.columns) if column.kind is Kind.VALUE}
    return np.array([known.get(name, -1) for name in names], np.int64)
