"""Judge a record's numbers against its entity's own: what is usual in general can be unusual for this customer.

A number is far out when it lies many standard deviations from the mean of its entity's numbers, or from the mean of
all numbers, whichever is farther. For an entity with few records, mean and spread are shrunk toward those of all
entities (empirical Bayes), and the uncertainty of the mean is added to the spread: a single record proves little.

How surprising a distance is depends on the tail of the distances of normal records. A Weibull tail is drawn through
two of their quantiles, the 90 % and the 99 % one. Higher quantiles would be set by the abnormal records of a mixed
reference, which would then hide one another. Where the tail is long (a shape below 1, as of amounts), large numbers are
usual for many entities now and then, and each is weak evidence: beyond `EXCESS_FROM`, nats count by the shape.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple, Self

import numpy as np
from numpy.typing import NDArray

from anomembed.read.aggregates import BOUND
from anomembed.read.travel import of_places
from anomembed.represent.arrays import Floats
from anomembed.represent.batch import Batch
from anomembed.represent.entities import Profiles, without
from anomembed.views.cases import Case
from anomembed.views.facts import Facts
from anomembed.views.figures import Counted, count_moments, is_beyond, of_reference, others_of
from anomembed.views.reason import Among, Reason, ends, most_of
from anomembed.views.tails import MOST, NEVER, fit_tail, tail_nats
from anomembed.views.view import Basis, Counting, Looks, Vectors, ViewOfRecords

PRIOR = 3.0  # records that the spread within all entities counts as
LEAST_SPREAD = 1e-3  # of an entity's numbers, as a share of the usual spread; they may all be equal
TINY = 1e-30
ROUNDING = 1e-9  # of a mean, and of squares


class Usual(NamedTuple):
    """Count, mean and standard deviation of numbers."""

    times: Floats
    mean: Floats
    spread: Floats


class Outlier(NamedTuple):
    """The number of a record that is farthest out.

    `number` and `profiles` are indices; `of_all` says whether it is farther from the mean of all entities than from
    that of its own, and `is_high` on which side of it the number lies.
    """

    number: int
    profiles: int
    of_all: bool
    is_high: bool


@dataclass(frozen=True)
class EntityView(ViewOfRecords):
    """Records by how unlikely their farthest number is for its entity; high = abnormal.

    Parameters
    ----------
    profiles : tuple of Profiles
        One for every column that names an entity.
    is_own : bool
        Whether the records to be scored are in the profiles: each is then left out of its entity's profile.
    columns : ndarray of shape (n_numbers,)
        Token column to blame for each number.
    tails : ndarray of shape (n_numbers, 2)
        90 % quantile of the distances, and the shape of the Weibull tail beyond it.
    name : str
        What it is called in results.
    """

    profiles: tuple[Profiles, ...]
    is_own: bool
    columns: NDArray[np.int64]
    tails: Floats
    name: str = "entity"
    summary = "numbers far from the entity's own (`--entity`)"
    words = {
        "far from its own range": "{subject} is unusually {direction} for {entity} ({most} {lie})",
        "far from its own mean": "{subject} is unusually {direction} for {entity} ({figures})",
        "far from the mean": "{subject} is unusually {direction} ({figures}{own})",
    }
    looks_at = Looks.TOKENS | Looks.NUMBERS
    is_summed = True

    @classmethod
    def fit(cls, basis: Basis) -> Sequence[Self]:
        """Return the view of a table that has an entity and numbers."""
        if not basis.entities.profiles:
            return []
        columns, numbers = basis.vocabulary.columns, basis.number_columns
        view = cls.fitted(basis.entities.profiles, numbers, basis.records)
        # Where somebody is, is judged by `travel`, where it says something: a move is no number far out.
        places = of_places([column.source for column in columns])
        view.tails[[columns[at].source in places for at in numbers], 0] = NEVER
        return [view]

    @classmethod
    def fitted(cls, profiles: Sequence[Profiles], columns: NDArray[np.int64], batch: Batch) -> Self:
        """Learn how far from their entity's own the numbers of reference records usually lie.

        Parameters
        ----------
        profiles, columns
            See `EntityView`.
        batch : Batch
            Reference records, among those that the profiles were made from.

        Returns
        -------
        EntityView
            For the records that the profiles were made from.
        """
        plain = cls(tuple(profiles), True, columns, np.ones((len(columns), 2)))
        farthest, known = plain.farthest(batch), np.isfinite(plain.values(batch))
        tails = [fit_tail(column[is_known]) for column, is_known in zip(farthest.T, known.T, strict=True)]
        return replace(plain, tails=np.array(tails).reshape(-1, 2))

    def counting(self, *, clean: bool) -> Counting:  # noqa: ARG002
        """Count all nats beyond a chance of e^-4: the tails are fitted, so nats need no further calibration."""
        return Counting("evidence", 1.0)

    def for_others(self) -> Self:
        """Return the view that scores other records than those of the profiles."""
        return replace(self, is_own=False)

    def vectors(self, batch: Batch) -> Vectors:
        """Return -log of the chance of the farthest number, in nats, shape (n_records, 1); 0 where none is known."""
        return np.asarray(self.nats(batch).max(axis=1, initial=0.0)[:, None], np.float32)

    def culprit(self, batch: Batch) -> NDArray[np.intp]:
        """Return the column of the farthest number, shape (n_records,)."""
        return np.asarray(self.columns[self.nats(batch).argmax(axis=1)], np.intp)

    def reason(self, case: Case, shares: Floats, facts: Facts) -> Reason:  # noqa: ARG002
        """Say how far the number is from its entity's own, or from all numbers when it is farther from those."""
        found = self.outlier(case.record)
        column, number = self.profiles[found.profiles].column, found.number
        out_of_range = None if found.of_all else self._out_of_range(case, number, column, facts)
        own_mean = None if found.of_all else self._far_from_own(case, found, facts)
        return out_of_range or own_mean or self._far_from_all(case, found, facts)

    def reason_of_pair(self, case: Case, column: int, other: int, facts: Facts) -> Reason | None:
        """Say where a number usually lies for the entity that the other column names."""
        number = facts.number_of[column]
        is_own = other in (profiles.column for profiles in self.profiles)
        is_own_number = number >= 0 and column in self.columns
        return self._out_of_range(case, number, other, facts) if is_own and is_own_number else None

    def _out_of_range(self, case: Case, number: int, entity: int, facts: Facts) -> Reason | None:
        """Say that a number is out of the usual range of its entity; None when it is not, or that is not known."""
        low, high, times = facts.ranges.among(number, entity, case.tokens)
        value = case.numbers[number]
        if not np.isfinite(low) or low <= value <= high:
            return None
        evidence: dict[str, object] = {
            "direction": "low" if value < low else "high",
            "entity": facts.value(case, entity),
            "most": f"{most_of(times)} {self._its_records(times, facts)}",
        }
        evidence |= ends(low, high)
        return Reason("far from its own range", facts.value(case, int(self.columns[number])), evidence)

    def _far_from_own(self, case: Case, found: Outlier, facts: Facts) -> Reason | None:
        """Say how far a number is from the mean of its entity's own; None where that does not show it."""
        profiles, number = self.profiles[found.profiles], found.number
        own, _ = self.counted(profiles, case.record, number)
        value = float(self.values(case.record)[0, number])
        if not own.times or not is_beyond(value, own.mean, is_high=found.is_high):
            return None
        evidence = {
            "direction": "high" if found.is_high else "low",
            "entity": facts.value(case, profiles.column),
            "mean": own.mean,
            "spread": own.spread,
            "times": own.times,
            "figures": own.of_own(self.others, self.where),
        }
        return Reason("far from its own mean", facts.value(case, int(self.columns[number])), evidence)

    def _far_from_all(self, case: Case, found: Outlier, facts: Facts) -> Reason:
        """Say how far a number is from the mean of all."""
        profiles, number = self.profiles[found.profiles], found.number
        own, everybody = self.counted(profiles, case.record, number)
        value = float(self.values(case.record)[0, number])
        entity = facts.value(case, profiles.column)
        direction = "high" if value > everybody.mean else "low"
        contrast = "but " * is_beyond(value, own.mean, is_high=direction == "low")
        theirs = others_of(own.times, self.others)
        evidence = {
            "direction": direction,
            "entity": entity,
            "mean": everybody.mean,
            "spread": everybody.spread,
            "times": everybody.times,
            "figures": everybody.over(of_reference(everybody.times, facts.n_reference)),
            "own": f"; {contrast}{own.mean:.4g} over the {theirs} of {entity}{self.where}" if own.times else "",
        }
        return Reason("far from the mean", facts.value(case, int(self.columns[number])), evidence)

    def _its_records(self, times: float, facts: Facts) -> str:
        """Say which of its entity's records a range was read from."""
        if facts.is_sampled:
            return f"of {Among(int(times), is_sample=True, unit='of its records')}"
        return f"of its {Among(int(times))}{self.where}"

    @property
    def where(self) -> str:
        """Say that figures are of the reference, when the record judged is not among them; else nothing."""
        return "" if self.is_own else " in the reference"

    @property
    def others(self) -> str:
        """What to call the records of an entity besides the one judged, when that is one of them; else nothing."""
        return "other " if self.is_own else ""

    def outlier(self, record: Batch) -> Outlier:
        """Find the number of a single record that is farthest out."""
        number = int(self.nats(record)[0].argmax())
        distances = self.distances(record)[0, :, :, number]
        at, of_all = (int(found) for found in np.unravel_index(np.abs(distances).argmax(), distances.shape))
        return Outlier(number, at, bool(of_all), bool(distances[at, of_all] > 0))

    def counted(self, profiles: Profiles, record: Batch, number: int) -> tuple[Counted, Counted]:
        """Return mean and standard deviation of a number over its entity's records, and over those of all.

        A record that is in the profiles is left out of those of its entity.
        """
        entity = int(record.tokens[0, profiles.column]) - profiles.first
        times, mean, squares = (part[entity, [number]] for part in (profiles.times, profiles.mean, profiles.squares))
        value, with_it = self.values(record)[0, [number]], float(squares[0])
        if self.is_own and np.isfinite(value).all():
            times, mean, squares = without(times, mean, squares, value)
        is_lost = squares[0] < ROUNDING * with_it  # what is left of the squares is rounding errors
        own = count_moments(times[0], mean[0], np.nan if is_lost else squares[0])
        return own, count_moments(*(part[number] for part in profiles.total()))

    def nats(self, batch: Batch) -> Floats:
        """Return -log of the chance of a number as far out, shape (n_records, n_numbers); long tails count for less."""
        return tail_nats(self.farthest(batch), self.tails)

    def farthest(self, batch: Batch) -> Floats:
        """Return the largest distance of each number, in standard deviations, shape (n_records, n_numbers)."""
        most = np.zeros((len(batch), len(self.tails)))
        for _, _, distance in self._apart(batch):
            np.maximum(most, np.abs(distance, out=distance), out=most)
        return np.minimum(most, MOST)

    def values(self, batch: Batch) -> Floats:
        """Return the numbers that are compared, shape (n_records, n_numbers); NaN where missing."""
        return np.clip(batch.numbers, -BOUND, BOUND)

    def distances(self, batch: Batch) -> Floats:
        """Return the distance of each number from two means, its entity's and that of all, in standard deviations.

        Returns
        -------
        ndarray of shape (n_records, n_profiles, 2, n_numbers)
            Negative below the mean; 0 where the number is missing.
        """
        found = np.empty((len(batch), len(self.profiles), 2, len(self.tails)))
        for at, of_all, distance in self._apart(batch):
            found[:, at, of_all] = distance
        return found

    def _apart(self, batch: Batch) -> Iterator[tuple[int, int, Floats]]:
        """Yield the index of the profiles, 1 for the mean of all, and the distances; see `distances`."""
        numbers = self.values(batch)
        for at, profiles in enumerate(self.profiles):
            for of_all, (_, mean, spread) in enumerate(self.usual(profiles, batch)):
                # Where nothing varies, rounding errors of the mean must not count as distances.
                least = np.maximum(ROUNDING * np.abs(mean), TINY)
                yield at, of_all, np.nan_to_num((numbers - mean) / np.maximum(spread, least))

    def usual(self, profiles: Profiles, batch: Batch) -> tuple[Usual, Usual]:
        """Return what is usual for each record's entity, shape (n_records, n_numbers), and for all, (n_numbers,)."""
        entity = batch.tokens[:, profiles.column] - profiles.first
        times, mean, squares = (moment[entity] for moment in (profiles.times, profiles.mean, profiles.squares))
        if self.is_own:
            times, mean, squares = without(times, mean, squares, self.values(batch))
        n_all, mean_all, squares_all = profiles.total()
        freedom = np.maximum(n_all - (profiles.times > 0).sum(axis=0), 1)
        within = np.sqrt(np.maximum(profiles.squares.sum(axis=0) / freedom, TINY))
        rest = np.maximum(times - 1, 0)
        own = np.maximum(np.sqrt(squares / np.maximum(rest, 1)), LEAST_SPREAD * within)
        # Shrunk on a log scale: spreads of entities differ by orders of magnitude.
        spread = np.exp((rest * np.log(own) + PRIOR * np.log(within)) / (rest + PRIOR))
        # Posterior of the entity's mean: the precision of its own numbers, and that of the means of all entities.
        spread_all = np.sqrt(squares_all / np.maximum(n_all - 1, 1))
        of_own, of_all = times / spread**2, 1 / np.maximum(spread_all**2 - within**2, TINY)
        centre = (of_own * mean + of_all * mean_all) / (of_own + of_all)
        spread_own = np.sqrt(spread**2 + 1 / (of_own + of_all))
        return Usual(times, centre, spread_own), Usual(n_all, mean_all, spread_all)
