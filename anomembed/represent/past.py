"""What the entity of a record did before it, as tokens and numbers."""

from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar

import numpy as np
import polars as pl
from numpy.typing import NDArray

from anomembed.represent.tokens.vocabulary import ColumnTokens


class Derivation(Protocol):
    """Names of the columns that were derived from the past."""

    @property
    def paces(self) -> tuple[str, ...]:
        """Columns of how much an entity does in a time, as signed square roots."""

    @property
    def pace_names(self) -> tuple[str, ...]:
        """Their names in reasons."""

    @property
    def rhythm(self) -> tuple[str, ...]:
        """Columns of how even the last intervals were, how many were compared, their mean, and which contact it is."""

    @property
    def target(self) -> str:
        """Column of what the intervals are with."""

    @property
    def place(self) -> tuple[str, ...]:
        """Columns of latitude and longitude; empty without any."""

    @property
    def travel(self) -> tuple[str, ...]:
        """Columns of the km and the seconds since the record before; empty without a place."""

    @property
    def varying(self) -> tuple[str, ...]:
        """Columns of numbers that mostly change from one record of the entity to the next."""

    @property
    def runs(self) -> tuple[str, ...]:
        """Columns of how often each of these has been the same in a row."""

    @property
    def steps(self) -> tuple[str, ...]:
        """Columns of the event, of its position among the events of its entity, and of the events before it."""


History = TypeVar("History", bound=Derivation, covariant=True)


@dataclass(frozen=True)
class Past(Generic[History]):
    """Reads the derived columns of records.

    Parameters
    ----------
    history : Derivation
        Which columns are derived.
    events : ColumnTokens or None
        The events of the reference; None when the order of events is not used.
    """

    history: History
    events: ColumnTokens | None

    @property
    def start(self) -> int:
        """Token id that stands before the first event of an entity."""
        return len(self.events.labels) if self.events else 0

    def steps(self, frame: pl.DataFrame) -> NDArray[np.int64] | None:
        """Return the event of every record and those before it, the nearest first.

        Returns
        -------
        ndarray of shape (n_records, 1 + n_before) or None
            Token ids, `start` where there was no event before.
        """
        if self.events is None:
            return None
        event, position, *before = self.history.steps
        columns = [self.events.encode(frame.select(pl.col(name).alias(event))) for name in (event, *before)]
        steps = np.column_stack(columns).astype(np.int64)
        positions = frame[position].to_numpy()
        for back in range(1, steps.shape[1]):
            steps[positions <= back, back] = self.start
        return steps

    def paces(self, frame: pl.DataFrame) -> NDArray[np.float64]:
        """Return the paces, shape (n_records, n_paces), as signed square roots; NaN without a past."""
        return read_numbers(frame, self.history.paces)

    def rhythm(self, frame: pl.DataFrame) -> NDArray[np.float64]:
        """Return the intervals, shape (n_records, 4) as in `Derivation.rhythm`; NaN where unknown."""
        return read_numbers(frame, self.history.rhythm)

    def travel(self, frame: pl.DataFrame) -> NDArray[np.float64] | None:
        """Return km and seconds since the record before, shape (n_records, 2); None without a place."""
        return read_numbers(frame, self.history.travel) if self.history.travel else None

    def runs(self, frame: pl.DataFrame) -> NDArray[np.float64] | None:
        """Return how often each varying number has been the same in a row; None without any."""
        return read_numbers(frame, self.history.runs) if self.history.runs else None

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the paces in reasons."""
        return self.history.pace_names


def read_numbers(frame: pl.DataFrame, names: tuple[str, ...]) -> NDArray[np.float64]:
    """Read columns as numbers, shape (n_records, n_names); NaN where null."""
    values = np.empty((frame.height, len(names)))
    for column, name in enumerate(names):
        values[:, column] = frame[name].cast(pl.Float64).to_numpy()
    return values
