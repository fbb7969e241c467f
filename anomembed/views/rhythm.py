"""Judge how even the intervals between an entity's records with one target are: beacons, polls, retries.

Chance makes uneven intervals, so even ones are evidence: against the exponential distribution that -log of the relative
difference of two intervals has by chance (mean 1, see `anomembed.read.rhythm`), one of mean `EVEN` is held. In many
tables that is usual: everybody polls the time server, and a monitor polls everybody. So the evidence counts up to how
rare even series are in the reference, one series being all records of an entity with one target; the share of even
ones is estimated by counting those that are likely even, given that share [1]_. Targets and entities for which even
series are usual are left out.

A series is told once for some contacts, not with every one, so that one beacon does not fill a list of flags.

.. [1] Celeux, Govaert: A classification EM algorithm for clustering and two stochastic versions. Computational
   Statistics & Data Analysis 14, 1992.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple, Self

import numpy as np
from numpy.typing import NDArray

from anomembed.represent.arrays import Floats
from anomembed.represent.batch import Batch
from anomembed.represent.tokens.vocabulary import Special, Vocabulary
from anomembed.views.cases import Case
from anomembed.views.facts import Facts
from anomembed.views.reason import Reason, duration
from anomembed.views.view import Basis, Counting, Looks, Vectors, ViewOfRecords

EVEN = 4.0  # mean of -log of the relative difference of even intervals, whose largest value is 4.6
USUAL = 4.0  # rarity of even series, in nats, below which they are usual
STEEP = 8.0  # nats that count for each of the rarity beyond that: a beacon has nothing else that is unusual
TOLD_EVERY, TOLD_EARLY = 32, (8, 16)  # contacts after which a series is told: after every 32, and the first time sooner
LEAST_OTHERS = 3  # even series of a target or an entity from which they may be usual for it
USUAL_OF_TARGET, USUAL_OF_ENTITY = 0.1, 0.5  # share of all entities with a target, and of an entity's series
ROUNDS = 20  # of the estimate of the share


class Sums(NamedTuple):
    """The series of the reference.

    Attributes
    ----------
    pairs : ndarray of shape (n_series, 2)
        Token ids of entity and target.
    evidence : ndarray of shape (n_series,)
        For even intervals, in nats.
    """

    pairs: NDArray[np.int64]
    evidence: Floats


@dataclass(frozen=True)
class RhythmView(ViewOfRecords):
    """Records by how unusually even the last intervals between their entity and its target are; high = abnormal.

    Parameters
    ----------
    columns : ndarray of shape (2,)
        Token columns of the entity and its target.
    looked_at : float
        Log of the number of reference records: the best of so many is no evidence yet.
    rarity : float
        -log of the share of even series in the reference, in nats.
    usual : ndarray of shape (n_tokens,)
        Whether even intervals are usual for an entity or a target.
    """

    columns: NDArray[np.int64]
    looked_at: float
    rarity: float
    usual: NDArray[np.bool_]
    name: str = "rhythm"
    summary = "records of an entity with one target that come too evenly, as beacons do (`--entity` and `--time`)"
    words = {
        "even intervals": "{entity}{target} every {interval}, more evenly than by chance (one of the last"
        " {compared} intervals differs from the next by {difference:.3g}% or less, in the geometric mean;"
        " an estimated {share:.2g}% of such series are as even)"
    }
    looks_at = Looks.TOKENS | Looks.PAST
    is_summed = True

    @classmethod
    def fit(cls, basis: Basis) -> Sequence[Self]:
        """Return the view of a table with an entity, a time and a target, in which even intervals are rare."""
        past, entity, names = basis.entities.past, basis.entities.followed, basis.vocabulary.names
        if past is None or entity is None or basis.records.rhythm is None or past.history.target not in names:
            return []
        columns = np.array([entity, names.index(past.history.target)], np.int64)
        series = sum_series(basis.records, columns, basis.vocabulary)
        usual, share = find_usual(series, basis.vocabulary.size)
        rarity = -float(np.log(share))
        return [cls(columns, float(np.log(len(basis.records))), rarity, usual)] if rarity > USUAL else []

    def counting(self, *, clean: bool) -> Counting:  # noqa: ARG002
        """Count all nats beyond e^-4, of which as many are taken off as come about in so many records."""
        return Counting("evidence", 1.0)

    def vectors(self, batch: Batch) -> Vectors:
        """Return the evidence for even intervals, in nats, as far as they are rare, shape (n_records, 1); 0 = none."""
        assert batch.rhythm is not None  # noqa: S101  # the model that has this view reads it
        most = USUAL + STEEP * (self.rarity - USUAL)
        found = np.clip(evidence(batch.rhythm) - self.looked_at, 0.0, most)
        is_usual = self.usual[batch.tokens[:, self.columns]].any(axis=1)
        return np.where(is_told(batch.rhythm[:, 3]) & ~is_usual, found, 0.0)[:, None].astype(np.float32)

    def culprit(self, batch: Batch) -> NDArray[np.intp]:
        """Return the column of the target, shape (n_records,)."""
        return np.full(len(batch), self.columns[1], np.intp)

    def reason(self, case: Case, shares: Floats, facts: Facts) -> Reason:
        """Say how even which intervals are."""
        assert case.record.rhythm is not None  # noqa: S101  # the model that has this view reads it
        if not self.vectors(case.record)[0, 0]:
            return super().reason(case, shares, facts)
        evenness, compared, interval, _ = case.record.rhythm[0].tolist()
        entity, target = (facts.value(case, int(column)) for column in self.columns)
        cited = {
            "entity": entity,
            "target": "" if target == entity else f" with {target}",
            "interval": duration(interval),
            "compared": round(compared) + 1,
            # Each is at least `anomembed.read.rhythm.LEAST_DIFFERENCE`, so the mean is an upper bound.
            "difference": np.ceil(1000 * np.exp(-evenness) - 1e-4) / 10,
            "share": 100 * np.exp(-self.rarity),
        }
        return Reason("even intervals", target, cited)


def is_told(place: Floats) -> NDArray[np.bool_]:
    """Tell after which records of a series it is judged, by the place of each in it; NaN is in none."""
    place = np.nan_to_num(place)
    return np.asarray((place > 0) & (place % TOLD_EVERY == 0) | np.isin(place, TOLD_EARLY))


def evidence(rhythm: Floats) -> Floats:
    """Return the log likelihood ratio of even intervals and chance, in nats, shape (n_records,); high = even.

    Two differences in a row share an interval. Yet by chance the ratio is below 1 on average (measured with
    exponential, log-normal and Weibull intervals; examples/notes/views.md), so one above x has a chance below 1 / x.

    Parameters
    ----------
    rhythm : ndarray of shape (n_records, 4)
        Of a batch; the mean of -log of the relative differences, and how many there are, come first.
    """
    mean, compared = np.nan_to_num(rhythm[:, 0]), np.nan_to_num(rhythm[:, 1])
    return np.asarray(compared * ((1 - 1 / EVEN) * mean - np.log(EVEN)))


def sum_series(records: Batch, columns: NDArray[np.int64], vocabulary: Vocabulary) -> Sums:
    """Sum up the series of the reference that have two intervals or more.

    Parameters
    ----------
    records : Batch
        Reference records.
    columns : ndarray of shape (2,)
        Token columns of the entity and its target.
    vocabulary : Vocabulary
        Their tokens.
    """
    assert records.rhythm is not None  # noqa: S101  # the caller has looked
    tokens, rhythm = records.tokens[:, columns].astype(np.int64), records.rhythm
    is_value = (tokens - vocabulary.offsets[columns] >= len(Special)).all(axis=1) & (rhythm[:, 1] > 0)
    pairs, index, times = np.unique(tokens[is_value], axis=0, return_inverse=True, return_counts=True)
    compared = np.zeros(len(pairs))
    np.maximum.at(compared, index.ravel(), rhythm[is_value, 1])
    mean = np.bincount(index.ravel(), rhythm[is_value, 0], minlength=len(pairs)) / np.maximum(times, 1)
    return Sums(pairs, evidence(np.column_stack([mean, compared])))


def find_usual(series: Sums, n_tokens: int) -> tuple[NDArray[np.bool_], float]:
    """Find the entities and targets for which even intervals are usual, and how rare they are for the others.

    Parameters
    ----------
    series : Sums
        Of the reference.
    n_tokens : int
        Of the vocabulary.

    Returns
    -------
    usual : ndarray of shape (n_tokens,)
        For which tokens they are usual.
    share : float
        Of the other series, those with even intervals.
    """
    share = even_share(series.evidence)
    is_even = series.evidence + np.log(share / (1 - share)) > 0
    (_, of_entity), (_, of_target) = (np.unique(part, return_inverse=True) for part in series.pairs.T)
    n_all, n_even = np.bincount(of_entity), np.bincount(of_entity, is_even)
    by_entity = (n_even >= LEAST_OTHERS) & (n_even >= USUAL_OF_ENTITY * n_all)
    of_all = np.bincount(of_target, is_even)
    by_target = (of_all >= LEAST_OTHERS) & (of_all >= USUAL_OF_TARGET * len(n_all))
    usual = np.zeros(n_tokens, bool)
    usual[series.pairs[by_entity[of_entity], 0]] = True
    usual[series.pairs[by_target[of_target], 1]] = True
    return usual, even_share(series.evidence[~usual[series.pairs].any(axis=1)])


def even_share(evidence: Floats) -> float:
    """Return the share of even series, given the evidence for each in nats; those that can be told are counted.

    Examples
    --------
    >>> round(even_share(np.repeat([30.0, -30.0, -0.5], [1, 99, 50])), 3)
    0.01
    """
    share = 0.5
    for _ in range(ROUNDS):
        share = (float((evidence + np.log(share / (1 - share)) > 0).sum()) + 0.5) / (len(evidence) + 1)
    return share
