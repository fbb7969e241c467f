"""What is known of every entity: moments of its numbers, and how often it used each value. Both add."""

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from anomembed.represent.arrays import Floats
from anomembed.represent.keys import Ascending
from anomembed.represent.past import Past

HOUR_SHARES = (0.05, 0.2, 0.5, 0.2, 0.05)  # what a record counts for the hours from two before to two after its own


@dataclass(frozen=True)
class Profiles:
    """Counts and moments of the numbers of every entity; they add.

    Parameters
    ----------
    column : int
        Token column that names the entity.
    first : int
        The column's first token id.
    times : ndarray of shape (n_entities, n_numbers)
        Known numbers of each entity; a row per token of the column.
    mean : ndarray of shape (n_entities, n_numbers)
        Their mean.
    squares : ndarray of shape (n_entities, n_numbers)
        Sum of their squared distances from the mean.
    """

    column: int
    first: int
    times: Floats
    mean: Floats
    squares: Floats

    def __add__(self, other: "Profiles") -> "Profiles":
        times = self.times + other.times
        share = np.divide(other.times, times, out=np.zeros_like(times), where=times > 0)
        apart = other.mean - self.mean
        squares = self.squares + other.squares + apart**2 * self.times * share
        return Profiles(self.column, self.first, times, self.mean + apart * share, squares)

    def some(self, numbers: slice) -> "Profiles":
        """Return the profiles of some of the numbers."""
        parts = (part[:, numbers] for part in (self.times, self.mean, self.squares))
        return Profiles(self.column, self.first, *parts)

    def total(self) -> tuple[Floats, Floats, Floats]:
        """Return count, mean and sum of squares over all entities, each of shape (n_numbers,)."""
        times = self.times.sum(axis=0)
        mean = (self.times * self.mean).sum(axis=0) / np.maximum(times, 1)
        squares = (self.squares + self.times * (self.mean - mean) ** 2).sum(axis=0)
        return times, mean, squares


@dataclass(frozen=True)
class Waits:
    """How long every entity has waited between its records.

    Parameters
    ----------
    column : int
        Token column that names the entity.
    first : int
        The column's first token id.
    times : ndarray of shape (n_entities,)
        Waits of each entity; a row per token of the column.
    longest, second : ndarray of shape (n_entities,)
        The longest of them, and the longest of the others, in seconds; 0 without one.
    """

    column: int
    first: int
    times: Floats
    longest: Floats
    second: Floats


@dataclass(frozen=True)
class Habits:
    """How often entities used values; they add, whatever the order of the parts in time.

    Parameters
    ----------
    column : int
        Token column that names the entity.
    first : int
        The column's first token id.
    times : ndarray of shape (n_entities,)
        Records of each entity; a row per token of the column.
    together : csr_array of shape (n_entities, n_tokens)
        Of these, the ones with each token of the other columns; smoothed over neighbours for hours.
    since, until : ndarray of shape (n_entities,)
        When the first and the last record of each entity was, in microseconds since 1970; NaN without a time.
    """

    column: int
    first: int
    times: Floats
    together: sparse.csr_array
    since: Floats
    until: Floats

    def __add__(self, other: "Habits") -> "Habits":
        together = sparse.csr_array(self.together + other.together)
        since, until = np.fmin(self.since, other.since), np.fmax(self.until, other.until)
        return Habits(self.column, self.first, self.times + other.times, together, since, until)

    @property
    def span(self) -> Floats:
        """Seconds from the first record of each entity to its last, shape (n_entities,); NaN without a time."""
        return (self.until - self.since) / 1e6

    @cached_property
    def keys(self) -> Ascending:
        """Entity and token of every entry as one number."""
        return Ascending(np.asarray(self.rows * self.together.shape[1] + self.together.indices, np.int64))

    @property
    def rows(self) -> NDArray[np.int64]:
        """Entity of every entry."""
        return np.repeat(np.arange(self.together.shape[0]), np.diff(self.together.indptr))


@dataclass(frozen=True)
class Entities:
    """What was summed up of the entities of a table.

    Parameters
    ----------
    columns : tuple of int
        Token columns that name an entity; none when nobody acts.
    profiles : tuple of Profiles
        Of the numbers, one for each of `columns`; empty without numbers.
    habits : tuple of Habits
        One for each of `columns`.
    past : Past or None
        Reads what the entity did before each record; None without an entity and a time.
    followed : int or None
        The one of `columns` whose past it is.
    paces, amounts : tuple of Profiles
        Of the followed entity's paces, which are square roots, and of what they are the roots of.
    waits : Waits or None
        Of the followed entity.
    """

    columns: tuple[int, ...] = ()
    profiles: tuple[Profiles, ...] = ()
    habits: tuple[Habits, ...] = ()
    past: Past[Any] | None = None
    followed: int | None = None
    paces: tuple[Profiles, ...] = ()
    amounts: tuple[Profiles, ...] = ()
    waits: Waits | None = None


def without(times: Floats, mean: Floats, squares: Floats, numbers: Floats) -> tuple[Floats, Floats, Floats]:
    """Take one number out of each count, mean and sum of squares."""
    rest = np.maximum(times - 1, 0)
    less = np.divide(times * mean - numbers, rest, out=np.zeros_like(mean), where=rest > 0)
    return rest, less, np.where(rest > 0, np.maximum(squares - (numbers - mean) * (numbers - less), 0), 0.0)


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


def unsmooth_hours(counts: Floats) -> Floats:
    """Return the counts of hours that `smooth_hours` shared with their neighbours, shape (n_entities, 24).

    Examples
    --------
    >>> counts = np.zeros((1, 24))
    >>> counts[0, [3, 4, 23]] = 2, 5, 1
    >>> bool(np.allclose(unsmooth_hours(smooth_hours(counts)), counts))
    True
    """
    shares = smooth_hours(np.eye(counts.shape[1]))
    return np.asarray(np.linalg.solve(shares.T, counts.T).T)
