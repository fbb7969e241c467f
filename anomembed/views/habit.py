"""Judge a record's values against its entity's own: a customer's first use of a country, or one at night.

The surprise of a value is how much less likely it is for this entity than for everybody. An entity that has used few
different values in many records hardly ever uses a new one; one that tries something new every day does so again:
the chance of a new value is the number of different ones over the number of records plus that [1]_. Young entities
surprise nobody. Hours of the day count for their neighbours, too.

Beside the surprises, summed over the columns, stands the distance of the record's vector from the mean vector of its
entity: a new shop that is like the usual ones is nearer than one of another kind.

.. [1] Bell, Cleary, Witten: Text compression. Prentice Hall, 1990 (method C).
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from anomembed.represent.arrays import Floats
from anomembed.represent.batch import Batch
from anomembed.represent.keys import look_up
from anomembed.represent.tokens.vocabulary import FIRST_VALUE, ColumnTokens, Kind, Vocabulary
from anomembed.views.base import Vectors
from anomembed.views.record import RecordView

HOUR_SHARES = (0.05, 0.2, 0.5, 0.2, 0.05)  # what a record counts for the hours from two before to two after its own
LEAST_KINDS = 0.5  # different values that an entity has used, at least
TINY = 1e-12
MEASURED = 20_000  # records that tell what is usual
PRIOR = 3.0  # records that the mean vector of all entities counts as


@dataclass(frozen=True)
class Habits:
    """How often entities used values; they add.

    Parameters
    ----------
    column : int
        Token column that names the entity.
    first : int
        The column's first token id.
    times : ndarray of shape (n_entities,)
        Records of each entity, by the place of its token in the column.
    together : csr_array of shape (n_entities, n_tokens)
        Of these, the ones with each token of the other columns; smoothed over neighbours for hours.
    span : ndarray of shape (n_entities,)
        Seconds from the first record of each entity to the last; NaN when nobody says when.
    """

    column: int
    first: int
    times: Floats
    together: sparse.csr_array
    span: Floats

    def __add__(self, other: "Habits") -> "Habits":
        together = sparse.csr_array(self.together + other.together)
        # Two days in a row; records between the two are not known of.
        return replace(self, times=self.times + other.times, together=together, span=self.span + other.span)

    @cached_property
    def keys(self) -> NDArray[np.int64]:
        """Entity and token of every entry as one number, ascending."""
        return np.asarray(self.rows * self.together.shape[1] + self.together.indices, np.int64)

    @property
    def rows(self) -> NDArray[np.int64]:
        """Entity of every entry."""
        return np.repeat(np.arange(self.together.shape[0]), np.diff(self.together.indptr))


@dataclass(frozen=True)
class HabitView:
    """Records by what is new or seldom for their entity; high = abnormal.

    Parameters
    ----------
    habits : tuple of Habits
        One for every column that names an entity.
    is_own : bool
        Whether the records to be judged are those that the habits were counted in; each is left out of its own then.
    columns : ndarray
        Token columns whose values are judged: categories and parts of time.
    offsets : ndarray of shape (n_columns + 1,)
        First token id of every column.
    own_share : ndarray of shape (n_columns,)
        What a record counts for its own value: 1, and less where neighbours have a share.
    share : ndarray of shape (n_tokens,)
        Share of the reference records with each token.
    record : RecordView
        Pools embeddings.
    usual : tuple of float
        Mean surprise and mean squared distance over the reference.
    """

    habits: tuple[Habits, ...]
    is_own: bool
    columns: NDArray[np.int64]
    offsets: NDArray[np.int32]
    own_share: Floats
    share: Floats
    record: RecordView
    usual: tuple[float, float] = (1.0, 1.0)
    name: str = "habit"

    def vectors(self, batch: Batch) -> Vectors:
        """Return surprise and distance, each relative to the usual one, shape (n_records, 2)."""
        surprise = self.surprise(batch).sum(axis=1)
        distance = np.sum([self._distance(place, batch) for place in range(len(self.habits))], axis=0)
        return np.column_stack([surprise / self.usual[0], distance / self.usual[1]]).astype(np.float32)

    def culprit(self, batch: Batch) -> NDArray[np.intp]:
        """Return the column of the most surprising value, shape (n_records,)."""
        return np.asarray(self.surprise(batch).argmax(axis=1), np.intp)

    def place_of(self, column: int) -> int | None:
        """Return which of the habits are those of a token column; None when it names no entity."""
        return next((place for place, habits in enumerate(self.habits) if habits.column == column), None)

    def surprise(self, batch: Batch) -> Floats:
        """Return how surprising each value is for its entity, in nats, shape (n_records, n_columns)."""
        return np.asarray(np.max([self.surprise_for(place, batch) for place in range(len(self.habits))], axis=0))

    def surprise_for(self, place: int, batch: Batch) -> Floats:
        """Return the surprises for one of the record's entities; 0 for a value that is as likely as for everybody."""
        habits = self.habits[place]
        entity = batch.tokens[:, habits.column].astype(np.int64) - habits.first
        records = np.maximum(habits.times[entity] - self.is_own, 0.0)
        kinds, n_kinds = self._different[place]
        surprise = np.zeros(batch.tokens.shape)
        for column in self.columns[self.columns != habits.column]:
            token = batch.tokens[:, column]
            seen = look_up(habits.keys, habits.together.data, entity * habits.together.shape[1] + token)
            seen = np.maximum(seen - self.own_share[column] * self.is_own, 0.0)
            others = look_up(kinds, n_kinds, entity * len(self.own_share) + column) - (self.is_own & (seen <= 0))
            others = np.maximum(others, LEAST_KINDS)
            share = np.maximum(self.share[token], TINY)
            chance = (seen + others * share) / (records + others)
            surprise[:, column] = np.maximum(np.log(share / chance), 0.0)
        return surprise

    @cached_property
    def _different(self) -> tuple[tuple[NDArray[np.int64], Floats], ...]:
        """For all habits: entity and column as one ascending number, and how many different values there are."""
        n_columns = len(self.own_share)
        column_of = np.repeat(np.arange(n_columns), np.diff(self.offsets))
        found = [np.unique(h.rows * n_columns + column_of[h.together.indices], return_counts=True) for h in self.habits]
        return tuple((keys, times.astype(np.float64)) for keys, times in found)

    @cached_property
    def _tables(self) -> tuple[tuple[Floats, Floats], ...]:
        """For all habits: what each token adds to a record's vector, with its weight, and the sums for each entity."""
        record = self.record
        table = np.column_stack([record.vectors_of * record.weights[:, None], record.weights]).astype(np.float64)
        tables = []
        for habits in self.habits:
            others = table.copy()
            others[habits.first : habits.first + len(habits.times)] = 0.0  # the entity is the same in all its records
            tables.append((others, habits.together @ others))
        return tuple(tables)

    def _distance(self, place: int, batch: Batch) -> Floats:
        """Squared distance of each record's vector from the mean vector of its entity."""
        table, sums = self._tables[place]
        record = np.zeros((len(batch), table.shape[1]))
        everybody = np.zeros(table.shape[1])
        for column in self.columns:
            record += table[batch.tokens[:, column]]
            tokens = slice(*self.offsets[column : column + 2])
            everybody += self.share[tokens] @ table[tokens]
        entity = batch.tokens[:, self.habits[place].column] - self.habits[place].first
        mean = sums[entity] - (record if self.is_own else 0.0) + PRIOR * everybody
        apart = record[:, :-1] / np.maximum(record[:, -1:], TINY) - mean[:, :-1] / np.maximum(mean[:, -1:], TINY)
        return np.asarray((apart**2).sum(axis=1), np.float64)


def fit_habit_view(habits: Sequence[Habits], vocabulary: Vocabulary, record: RecordView, batch: Batch) -> HabitView:
    """Learn how surprising records usually are for their entities.

    Parameters
    ----------
    habits : sequence of Habits
        One for every column that names an entity.
    vocabulary : Vocabulary
        The tokens.
    record : RecordView
        Pools embeddings.
    batch : Batch
        Reference records, among those that the habits were counted in.

    Returns
    -------
    HabitView
        For the records that the habits were counted in.
    """
    kinds = [column.kind for column in vocabulary.columns]
    columns = np.array([place for place, column in enumerate(vocabulary.columns) if is_habitual(column)], np.int64)
    own_share = np.array([HOUR_SHARES[len(HOUR_SHARES) // 2] if kind is Kind.HOUR else 1.0 for kind in kinds])
    n_records = np.repeat([max(column.n_records, 1) for column in vocabulary.columns], np.diff(vocabulary.offsets))
    share = vocabulary.counts() / n_records
    for place in columns[[kinds[place] is Kind.HOUR for place in columns]]:
        hours = slice(vocabulary.offsets[place] + FIRST_VALUE, vocabulary.offsets[place + 1])
        share[hours] = smooth_hours(share[None, hours])[0]
    plain = HabitView(tuple(habits), True, columns, vocabulary.offsets, own_share, share, record)
    mean = plain.vectors(batch[:MEASURED]).mean(axis=0, dtype=np.float64)
    return replace(plain, usual=(max(float(mean[0]), 1e-9), max(float(mean[1]), 1e-9)))


def is_habitual(column: ColumnTokens) -> bool:
    """Tell whether entities have habits in a column: not in numbers, nor in what is read out of messages."""
    return column.kind not in (Kind.BIN, Kind.VECTOR) and not column.is_of_message


def smooth_hours(counts: Floats) -> Floats:
    """Share the counts of hours with their neighbours; midnight is one of 23h.

    Parameters
    ----------
    counts : ndarray of shape (n_entities, 24)
        Records in every hour of the day.
    """
    middle = len(HOUR_SHARES) // 2
    parts = [share * np.roll(counts, at - middle, axis=1) for at, share in enumerate(HOUR_SHARES)]
    return np.asarray(np.sum(parts, axis=0))
