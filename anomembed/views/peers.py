"""Compare how often entities have a value: find those whose rate is out of line with their peers'.

What is usual of the peers is in `anomembed.represent.rates`. Some of them may be out of line, too, and would hide one
another; so the few farthest are left out, and then taken in one after the other, the least unlikely first, in the
manner of an outward test [1]_: all beyond the first that is out of line are no peers.

Where entities have values of their own, as customers have a home, it is usual that one has what others lack: a rate
counts only where hardly anybody is half as far above the others in another value that is about as frequent. And those
with whom an entity shares its usual value in another column, such as the night shift, are its peers where their rate is
higher.

.. [1] Rosner: Percentage points for a generalized ESD many-outlier procedure. Technometrics 25, 1983.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from anomembed.represent.arrays import Floats
from anomembed.represent.entities import Habits
from anomembed.represent.rates import Rates
from anomembed.represent.tokens.vocabulary import Special
from anomembed.views.view import EXCESS_FROM, Basis

LEAST_RECORDS = 10  # of an entity, for its rates to be compared
LEAST_TIMES, LEAST_RATIO = 4, 1.5  # records of an entity with a value, and its rate over that of the others
LEAST_PEERS = 3  # with the value, and with the usual value of another column
MOST_APART, FEW, MOST_TRIED = 0.05, 2, 20  # share of the entities that can be out of line; of few ones; of many
USUALLY = 0.5  # share of an entity's records with a value from which it is its usual one
RARE = 0.1  # share of the others' records below which values are about as frequent
SURE = 2.0, 3.0  # standard deviations by which a rate surely is higher, and at least for it to be tried
HALF = 0.5  # of how far an entity is above others, from which another one is much like it
MOST_LIKE = 0.001  # share of the entities that can be like it in another value, but for few ones
MOST_VALUES = 32  # of a column that are looked at closely
MOST_SHOWN = 0.1  # share of the records that are out of line in a column, beyond which that is usual


class Found(NamedTuple):
    """An entity that has a value out of line.

    Parameters
    ----------
    pair : tuple
        Token columns of the entity and of the value.
    held : tuple
        Their token ids.
    figures : tuple
        Evidence in nats; records of the entity with the value, and all of it; the same of all other entities.
    """

    pair: tuple[int, int]
    held: tuple[int, int]
    figures: tuple[float, float, float, float, float]


class Entries(NamedTuple):
    """Entities and values that occur together, each of shape (n_entries,).

    Parameters
    ----------
    at, value : ndarray
        Their indices.
    above, apart, surely : ndarray
        By how much the entity's rate is above that of the others; the same in standard deviations; and by how much it
        surely is.
    may : ndarray
        Whether it may be out of line, as far as the rate itself says.
    is_rare : ndarray
        Whether few records of the others have the value.
    is_usual : ndarray
        Whether most records of the entity have the value.
    """

    at: NDArray[np.int64]
    value: NDArray[np.int64]
    above: Floats
    apart: Floats
    surely: Floats
    may: NDArray[np.bool_]
    is_rare: NDArray[np.bool_]
    is_usual: NDArray[np.bool_]

    def some(self, which: NDArray[np.integer] | NDArray[np.bool_]) -> "Entries":
        """Return some of the entries."""
        parts: list[Any] = [part[which] for part in self]
        return Entries(*parts)

    def tried(self, n_entities: int) -> "Entries":
        """Return those that may be out of line, where hardly anybody else is like it; the farthest apart first."""
        order = np.flatnonzero(self.may)
        tried = self.some(order[np.lexsort((self.at[order], self.value[order], -self.apart[order]))])
        farthest = np.sort(np.unique(tried.value, return_index=True)[1])[:MOST_VALUES]
        tried = tried.some(np.isin(tried.value, tried.value[farthest]))
        n_like = np.where(
            tried.is_rare & ~tried.is_usual,
            self.some(self.is_rare).n_like(tried, n_entities),
            self.n_like(tried, n_entities),
        )
        return tried.some(n_like < max(FEW, MOST_LIKE * n_entities))

    def n_like(self, tried: "Entries", n_entities: int) -> NDArray[np.int64]:
        """Return how many entities are half as far above the others in some other value, for each that is tried."""
        order = np.lexsort((self.value, -self.surely, self.at))
        at, value, surely = self.at[order], self.value[order], self.surely[order]
        first = np.flatnonzero(np.diff(at, prepend=-1))
        next_ = np.minimum(first + 1, len(at) - 1)
        farthest, second, of_value = np.zeros(n_entities), np.zeros(n_entities), np.full(n_entities, -1)
        farthest[at[first]], of_value[at[first]] = surely[first], value[first]
        second[at[first]] = np.where((at[next_] == at[first]) & (next_ > first), surely[next_], 0.0)
        n_like = np.zeros(len(tried.at), np.int64)
        for each in np.unique(tried.value):
            rows, others = tried.value == each, np.where(of_value == each, second, farthest)
            least = HALF * tried.above[rows]
            n_like[rows] = n_entities - np.searchsorted(np.sort(others), least) - (others[tried.at[rows]] >= least)
        return n_like


@dataclass(frozen=True)
class Peers:
    """How often entities with enough records have the values of a column.

    Parameters
    ----------
    habits : Habits
        Of these entities and others.
    who : ndarray of shape (n_peers,)
        Rows of those with enough records.
    column, first : int
        The token column, and its first token id.
    counts : csc_array of shape (n_peers, n_tokens of the column)
        Records with each value; 0 for rare ones, which are counted as one.
    usual : ndarray of shape (n_peers, n_columns)
        The token that at least half of an entity's records have, in every column; -1 where there is none.
    """

    habits: Habits
    who: NDArray[np.int64]
    column: int
    first: int
    counts: sparse.csc_array
    usual: NDArray[np.int64]

    @cached_property
    def of(self) -> Floats:
        """Records of each entity, shape (n_peers,)."""
        return np.asarray(self.habits.times[self.who])

    @cached_property
    def total(self) -> Floats:
        """Records of all of them with each value, shape (n_tokens,)."""
        return np.asarray(self.counts.sum(axis=0), np.float64)

    @property
    def n_tests(self) -> int:
        """Entities and values that occur together."""
        return int(self.counts.nnz)

    @property
    def n_apart(self) -> int:
        """How many entities can be out of line, so that the others still tell what is usual."""
        n_peers = len(self.who)
        return max(min(max(FEW, int(MOST_APART * n_peers)), MOST_TRIED, n_peers - LEAST_PEERS), 0)

    def found(self, log_tests: float) -> Iterator[Found]:
        """Yield which entities have which values out of line, by evidence beyond the log of the tests made."""
        tried = self.entries().tried(len(self.who))
        values = tried.value[np.sort(np.unique(tried.value, return_index=True)[1])]
        found = [(at, value, nats) for value in values.tolist() for at, nats in self.apart(value, tried, log_tests)]
        if sum(float(self.counts[at, value]) for at, value, _ in found) > MOST_SHOWN * self.of.sum():
            return
        everybody = self.habits.together.sum(axis=0)[self.first :], float(self.habits.times.sum())
        for at, value, nats in found:
            times, of = float(self.counts[at, value]), float(self.of[at])
            others = float(everybody[0][value]) - times, everybody[1] - of
            held = (self.habits.first + int(self.who[at]), self.first + value)
            yield Found((self.habits.column, self.column), held, (nats, times, of, *others))

    def entries(self) -> Entries:
        """Return which entities have which values, and how far above the others."""
        entries = sparse.coo_array(self.counts)
        at, value = (part.astype(np.int64) for part in entries.coords)
        times, of = entries.data, self.of[at]
        others = (self.total[value] - times + 0.5) / (self.of.sum() - of + 1)
        spread = np.sqrt(of * others * (1 - others))
        apart = (times - of * others) / np.maximum(spread, 1e-9)
        may = (times >= LEAST_TIMES) & (times >= LEAST_RATIO * of * others) & (apart >= SURE[1])
        above, surely = times / of - others, (apart - SURE[0]) * spread / of
        return Entries(at, value, above, apart, surely, may, others <= RARE, times >= USUALLY * of)

    def apart(self, value: int, tried: Entries, log_tests: float) -> list[tuple[int, float]]:
        """Return the entities that have a value out of line, and the evidence in nats."""
        times, suspects = self.counts[:, [value]].toarray().ravel(), tried.at[tried.value == value][: self.n_apart]
        is_peer = np.ones(len(times), bool)
        is_peer[suspects] = False
        n_having = np.count_nonzero(times[is_peer])
        if n_having < max(LEAST_PEERS, HALF * _n_expected(times[is_peer], self.of[is_peer])):
            return []  # a few have it, each in its own way
        rates = Rates.of(times[is_peer], self.of[is_peer])
        nats = np.array([rates.nats(times[at], self.of[at]) for at in suspects])
        for at in suspects[np.argsort(nats, kind="stable")]:
            if rates.nats(times[at], self.of[at]) - log_tests > EXCESS_FROM:
                break
            rates, is_peer[at] = rates.with_one(times[at], self.of[at]), True
        # That it usually has what most others never have is who it is, and not what it does.
        is_told = (n_having >= HALF * np.count_nonzero(is_peer)) | (times < USUALLY * self.of)
        outside = [int(at) for at in suspects if is_told[at] and not is_peer[at]]
        found = [(at, self._held_against(at, times, is_peer, rates) - log_tests) for at in outside]
        return [(at, nats) for at, nats in found if nats > EXCESS_FROM]

    def _held_against(self, at: int, times: Floats, is_peer: NDArray[np.bool_], rates: Rates) -> float:
        """Return the nats against all peers, or against those with the same usual value of a column if fewer.

        What is usual of these is the median: others of them may be out of line, too, as all of their kind may be.
        """
        nats = [rates.nats(times[at], self.of[at])]
        own, pooled = (times + 0.5) / (self.of + 1), times[is_peer].sum() / self.of[is_peer].sum()
        for column, usual in enumerate(self.usual[at]):
            company = self.usual[:, column] == usual
            company[at] = False
            if usual < 0 or column == self.column or np.count_nonzero(company) < LEAST_PEERS:
                continue
            mean = float(np.median(own[company]))
            if mean > pooled:
                nats.append(rates.around(mean).nats(times[at], self.of[at]))
        return min(nats)


def compared(basis: Basis) -> Iterator[Peers]:
    """Yield how often the entities of each column have the values of each other one."""
    columns, offsets = basis.vocabulary.columns, basis.vocabulary.offsets
    for habits in basis.entities.habits:
        who = np.flatnonzero(habits.times >= LEAST_RECORDS)
        if len(who) <= LEAST_PEERS:
            continue
        habitual = [at for at, each in enumerate(columns) if each.is_habitual and not each.kind.traits.period]
        parts = {
            at: sparse.csc_array(habits.together[who][:, offsets[at] : offsets[at + 1]])
            for at in habitual
            if at != habits.column
        }
        usual = _usual(parts, habits.times[who], len(columns))
        for at, counts in parts.items():
            if at in basis.judged:
                yield Peers(habits, who, at, int(offsets[at]), _known(counts), usual)


def _n_expected(times: Floats, of: Floats) -> float:
    """Return how many entities would have a value if all had it at the same rate."""
    return float((1 - (1 - times.sum() / of.sum()) ** of).sum())


def _usual(parts: dict[int, sparse.csc_array], of: Floats, n_columns: int) -> NDArray[np.int64]:
    """Return what at least half of each entity's records have, by column, shape (n_peers, n_columns); -1 = nothing."""
    usual = np.full((len(of), n_columns), -1, np.int64)
    for at, counts in parts.items():
        most = np.asarray(counts.argmax(axis=1)).ravel()
        is_usual = counts.max(axis=1).toarray().ravel() >= USUALLY * of
        usual[is_usual, at] = most[is_usual]
    return usual


def _known(counts: sparse.csc_array) -> sparse.csc_array:
    """Return the counts without those of rare and unseen values, each of which is counted as one."""
    is_known = np.ones(counts.shape[1])
    is_known[[Special.RARE, Special.UNSEEN]] = 0.0
    known = sparse.csc_array(counts * is_known[None, :])
    known.eliminate_zeros()
    return known
