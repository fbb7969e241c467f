"""What the entity of a record did before it, as tokens and numbers."""

from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

from anomembed.read.history import BEFORE, EVENT, PLACE, PREFIX, History
from anomembed.represent.tokens.vocabulary import ColumnTokens


@dataclass(frozen=True)
class Past:
    """Reads the derived columns of records.

    Parameters
    ----------
    history : History
        Which columns are derived.
    events : ColumnTokens or None
        The events of the reference; None when the order of events is not looked at.
    """

    history: History
    events: ColumnTokens | None

    @property
    def start(self) -> int:
        """Token id of what was before the first event of an entity."""
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
        columns = [self.events.encode(frame.select(pl.col(name).alias(EVENT))) for name in (EVENT, *BEFORE)]
        steps = np.column_stack(columns).astype(np.int64)
        place = frame[PLACE].to_numpy()
        for back in range(1, steps.shape[1]):
            steps[place <= back, back] = self.start
        return steps

    def paces(self, frame: pl.DataFrame) -> NDArray[np.float64]:
        """Return how fast the entity goes, shape (n_records, n_paces), as signed square roots; NaN without a past."""
        names = self.history.paces
        values = np.empty((frame.height, len(names)))
        for place, name in enumerate(names):
            values[:, place] = frame[name].cast(pl.Float64).to_numpy()
        return values

    @property
    def names(self) -> tuple[str, ...]:
        """What the paces are called in reasons."""
        return tuple(name.removeprefix(PREFIX) for name in self.history.paces)
