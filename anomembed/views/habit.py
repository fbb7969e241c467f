"""Judge a record's values against its entity's own: a customer's first payment from a country, or at night.

The surprise of a value is how much less likely it is for this entity than for all records. The chance of a new value
is the number of different values over the sum of that and the number of records [1]_: an entity that used few values
in many records seldom uses a new one, one that tries something new every day will do so again, and an entity with few
records surprises nobody. Hours of the day also count for their neighbours; who was seen for less than a week has no
habit of weekdays, and none of hours before a day has passed.

The second feature is the distance of the record's vector from the mean vector of its entity: a new shop that is like
the usual ones is nearer than one of another kind.

.. [1] Bell, Cleary, Witten: Text compression. Prentice Hall, 1990 (method C).
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Self

import numpy as np
from numpy.typing import NDArray

from anomembed.read.agreement import are_agreements
from anomembed.represent.arrays import Floats
from anomembed.represent.batch import Batch
from anomembed.represent.entities import HOUR_SHARES, Habits, smooth_hours, unsmooth_hours
from anomembed.represent.keys import Ascending, look_up, sum_rows
from anomembed.represent.pooling import Pooling
from anomembed.represent.tokens.vocabulary import FIRST_VALUE, Special
from anomembed.views.cases import Case
from anomembed.views.facts import Facts
from anomembed.views.figures import usual_of
from anomembed.views.reason import Count, Listed, Reason, duration
from anomembed.views.view import Basis, Counting, Vectors, ViewOfRecords

LEAST_KINDS = 0.5  # least number of different values that an entity has used
TINY = 1e-12
MEASURED = 20_000  # records that the usual surprise and distance are measured on
PRIOR = 3.0  # records that the mean vector of all entities counts as
OFTEN = 0.2  # a value in at least this share of an entity's records is not called seldom


@dataclass(frozen=True)
class HabitView(ViewOfRecords):
    """Records by what is new or seldom for their entity; high = abnormal.

    Parameters
    ----------
    habits : tuple of Habits
        One for every column that names an entity.
    is_own : bool
        Whether the records to be scored are in the habits: each is then left out of its entity's habits.
    columns : ndarray
        Token columns that entities have habits in: categories and parts of time.
    offsets : ndarray of shape (n_columns + 1,)
        First token id of every column.
    own_share : ndarray of shape (n_columns,)
        What a record counts for its own value: 1, or less for hours, which share with their neighbours.
    periods : ndarray of shape (n_columns,)
        Seconds that an entity must have been seen for to have a habit in each column; 0 unless it is a part of time.
    share : ndarray of shape (n_tokens,)
        Share of the reference records with each token.
    pooling : Pooling
        Of the embeddings of a record.
    usual : tuple of float
        Mean surprise and mean squared distance over the reference.
    """

    habits: tuple[Habits, ...]
    is_own: bool
    columns: NDArray[np.int64]
    offsets: NDArray[np.int32]
    own_share: Floats
    periods: Floats
    share: Floats
    pooling: Pooling
    usual: tuple[float, float] = (1.0, 1.0)
    name: str = "habit"
    summary = "values that are new to the entity or rare for it (`--entity`)"
    words = {
        "nothing new": "nothing in it is new for {entity}, but all together is unusual ({records}{span})",
        "never seen": "{subject} was never seen in {reference}{usually}",
        "first use": "first use of {subject} by {entity} ({records}{span}){usually}",
        "only use": "the only use of {subject} by {entity} ({records}{span}){usually}",
        "seldom": "{subject} is seldom with {entity}"
        " ({times:,} of its {records}; {share:.2%} of {all} have it){usually}",
        "more than others": "{subject} is unusual with {entity}"
        " ({times:,} of its {records}; {share:.2%} of {all} have it){usually}",
    }
    is_summed = True

    @classmethod
    def fit(cls, basis: Basis) -> Sequence[Self]:
        """Return the view of a table that has an entity."""
        return [cls.fitted(basis)] if basis.entities.habits else []

    @classmethod
    def fitted(cls, basis: Basis) -> Self:
        """Learn how surprising reference records usually are for their entities."""
        vocabulary = basis.vocabulary
        kinds = [column.kind for column in vocabulary.columns]
        others = are_agreements(vocabulary.names)  # an entity may have a habit in each of the two that agree
        habitual = [at for at, column in enumerate(vocabulary.columns) if column.is_habitual]
        columns = np.array([at for at in habitual if vocabulary.names[at] not in others], np.int64)
        own_share = np.array([HOUR_SHARES[len(HOUR_SHARES) // 2] if kind.traits.is_circular else 1.0 for kind in kinds])
        periods = np.array([kind.traits.period.total_seconds() if kind.traits.period else 0.0 for kind in kinds])
        share = vocabulary.shares()
        for column in columns[[kinds[column].traits.is_circular for column in columns]]:
            hours = slice(vocabulary.offsets[column] + FIRST_VALUE, vocabulary.offsets[column + 1])
            share[hours] = smooth_hours(share[None, hours])[0]
        plain = cls(basis.entities.habits, True, columns, vocabulary.offsets, own_share, periods, share, basis.pooling)
        mean = plain.vectors(basis.records[:MEASURED]).mean(axis=0, dtype=np.float64)
        return replace(plain, usual=(max(float(mean[0]), 1e-9), max(float(mean[1]), 1e-9)))

    def counting(self, *, clean: bool) -> Counting:  # noqa: ARG002
        """Count a quarter of what lies beyond e^-4: what is new for an entity is often so for good reasons.

        Measured on the card payments of the Fraud Detection Handbook (examples/notes/views.md).
        """
        return Counting("excess", 0.25)

    def for_others(self) -> Self:
        """Return the view that scores other records than those that were counted."""
        return replace(self, is_own=False)

    def vectors(self, batch: Batch) -> Vectors:
        """Return surprise and distance, each relative to the usual one, shape (n_records, 2)."""
        surprise = self.surprise(batch).sum(axis=1)
        distance = np.sum([self._distance(at, batch) for at in range(len(self.habits))], axis=0)
        return np.column_stack([surprise / self.usual[0], distance / self.usual[1]]).astype(np.float32)

    def culprit(self, batch: Batch) -> NDArray[np.intp]:
        """Return the column of the most surprising value, shape (n_records,)."""
        return np.asarray(self.surprise(batch).argmax(axis=1), np.intp)

    def reason(self, case: Case, shares: Floats, facts: Facts) -> Reason:
        """Say which value the entity never used before, or seldom; of who has no records, what else is unusual."""
        surprises = [self.surprise_for(at, case.record)[0] for at in range(len(self.habits))]
        at, column = (int(found) for found in np.unravel_index(np.argmax(surprises), np.shape(surprises)))
        if surprises[at][column] > 0:
            return self._use(case, at, column, facts)
        habits = self.habits[at]
        entity = int(case.tokens[habits.column]) - habits.first
        if not habits.times[entity]:
            return super().reason(case, shares, facts)
        whose = facts.value(case, habits.column)
        return Reason(
            "nothing new",
            whose,
            {"entity": whose, "records": Count(habits.times[entity]), "span": _over(habits.span[entity])},
        )

    def reason_of_pair(self, case: Case, column: int, other: int, facts: Facts) -> Reason | None:
        """Say how often an entity used a value before, when the other column names one that has records."""
        at = next((at for at, habits in enumerate(self.habits) if habits.column == other), None)
        if at is None or column not in self.columns:
            return None
        habits = self.habits[at]
        has_records = habits.times[int(case.tokens[other]) - habits.first] > 0
        return self._use(case, at, column, facts) if has_records else None

    def _use(self, case: Case, at: int, column: int, facts: Facts) -> Reason:
        """Say how often the entity of the habits at `at` used the value of a token column before."""
        habits, token = self.habits[at], int(case.tokens[column])
        subject, counts = facts.value(case, column), self._counts(case, at, column)
        entity = int(case.tokens[habits.column]) - habits.first
        times, seen = int(habits.times[entity]), int(counts[token - self.offsets[column]])
        evidence = {
            "entity": facts.value(case, habits.column),
            "records": Count(times),
            "usually": self._favourites(counts, column, token, facts),
        }
        if facts.vocabulary.special(token) is Special.UNSEEN:
            return Reason("never seen", subject, {**evidence, "reference": facts.census.unseen_in(column)})
        if seen - self.is_own <= 0:
            evidence["span"] = _over(habits.span[entity])
            return Reason("only use" if self.is_own else "first use", subject, evidence)
        among = facts.census.among(column)
        share = facts.census.times(column, token) / max(among.n_records, 1)
        evidence |= {"times": seen, "share": share, "all": among if among.is_sample else "all records"}
        # With two records, one use in two is not seldom.
        return Reason("seldom" if seen < OFTEN * times else "more than others", subject, evidence)

    def _counts(self, case: Case, at: int, column: int) -> Floats:
        """Return how many records of the entity have each value of a token column, shape (n_tokens of the column,)."""
        habits = self.habits[at]
        low, high = (int(end) for end in self.offsets[column : column + 2])
        entity = int(case.tokens[habits.column]) - habits.first
        counts = habits.together[[entity]].toarray()[0, low:high]
        if self.own_share[column] != 1.0:
            counts[FIRST_VALUE:] = unsmooth_hours(counts[None, FIRST_VALUE:])[0]
        return np.asarray(np.round(counts))

    def _favourites(self, counts: Floats, column: int, token: int, facts: Facts) -> Listed:
        """Name the values that an entity uses most, but for `token`, and in how many records."""
        times, labels = counts.copy(), facts.vocabulary.columns[column].labels
        times[token - int(self.offsets[column])] = 0
        most = usual_of(times)
        return Listed("usually", tuple(labels[token] for token in most), tuple(int(times[token]) for token in most))

    def surprise(self, batch: Batch) -> Floats:
        """Return the surprise of each value for its entity, in nats, shape (n_records, n_columns); high = abnormal."""
        return np.asarray(np.max([self.surprise_for(at, batch) for at in range(len(self.habits))], axis=0))

    def surprise_for(self, at: int, batch: Batch) -> Floats:
        """Return the surprises for one of the record's entities; 0 for a value as likely as in all records."""
        habits = self.habits[at]
        entity = batch.tokens[:, habits.column].astype(np.int64) - habits.first
        records = np.maximum(habits.times[entity] - self.is_own, 0.0)
        kinds, n_kinds = self._different[at]
        surprise = np.zeros(batch.tokens.shape)
        for column in self.columns[self.columns != habits.column]:
            token = batch.tokens[:, column]
            seen = look_up(habits.keys, habits.together.data, entity * habits.together.shape[1] + token)
            seen = np.maximum(seen - self.own_share[column] * self.is_own, 0.0)
            others = look_up(kinds, n_kinds, entity * len(self.own_share) + column) - (self.is_own & (seen <= 0))
            others = np.maximum(others, LEAST_KINDS)
            share = np.maximum(self.share[token], TINY)
            chance = (seen + others * share) / (records + others)
            # A span that is not known is 0.
            is_habit = np.nan_to_num(habits.span[entity]) >= self.periods[column]
            surprise[:, column] = np.where(is_habit, np.maximum(np.log(share / chance), 0.0), 0.0)
        return surprise

    @cached_property
    def _different(self) -> tuple[tuple[Ascending, Floats], ...]:
        """For all habits: entity and column as one number, and the number of different values."""
        n_columns = len(self.own_share)
        column_of = np.repeat(np.arange(n_columns), np.diff(self.offsets))
        found = [np.unique(h.rows * n_columns + column_of[h.together.indices], return_counts=True) for h in self.habits]
        return tuple((Ascending(keys), times.astype(np.float64)) for keys, times in found)

    @cached_property
    def _tables(self) -> tuple[tuple[Floats, Floats, Floats], ...]:
        """For all habits: what each token adds to a record's vector and weight, and the sums over each entity and all.

        The last one counts as `PRIOR` records.
        """
        pooling = self.pooling
        table = np.column_stack([pooling.vectors_of * pooling.weights[:, None], pooling.weights]).astype(np.float64)
        tables = []
        for habits in self.habits:
            others = table.copy()
            others[habits.first : habits.first + len(habits.times)] = 0.0  # the entity is the same in all its records
            tables.append((others, habits.together @ others, PRIOR * self._everybody(others)))
        return tuple(tables)

    def _everybody(self, table: Floats) -> Floats:
        """Return the mean of what all records add."""
        total = np.zeros(table.shape[1])
        for column in self.columns:
            tokens = slice(*self.offsets[column : column + 2])
            total += self.share[tokens] @ table[tokens]
        return total

    def _distance(self, at: int, batch: Batch) -> Floats:
        """Squared distance of each record's vector from the mean vector of its entity."""
        table, sums, everybody = self._tables[at]
        record = sum_rows(table, batch.tokens[:, self.columns])
        entity = batch.tokens[:, self.habits[at].column] - self.habits[at].first
        mean = sums[entity] - (record if self.is_own else 0.0) + everybody
        apart = record[:, :-1] / np.maximum(record[:, -1:], TINY) - mean[:, :-1] / np.maximum(mean[:, -1:], TINY)
        return np.asarray((apart**2).sum(axis=1), np.float64)


def _over(seconds: float) -> str:
    """Return " over" and a length of time; nothing where it is not known or less than a second."""
    return f" over {duration(seconds)}" if np.isfinite(seconds) and seconds >= 1 else ""
