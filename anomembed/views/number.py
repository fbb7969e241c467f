"""Judge how large or small the numbers of a record are, all of them together.

Without the record's categories: beside them, a number that is far out among many values is as near to its like as any
other (`joint` looks at both). examples/notes/views.md compares the two.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

from anomembed.represent.batch import Batch
from anomembed.views.magnitudes import Magnitude, fit_magnitude, magnitudes
from anomembed.views.view import Basis, Looks, Vectors, ViewOfRecords


@dataclass(frozen=True)
class NumberView(ViewOfRecords):
    """Records as the magnitudes of their numbers, and how many are missing.

    Parameters
    ----------
    numbers : ndarray
        Indices of the numbers that are judged.
    scales : tuple of Magnitude
        One for each of them.
    """

    numbers: NDArray[np.int64]
    scales: tuple[Magnitude, ...]
    name: str = "number"
    summary = "large and small numbers, all of a record together"
    looks_at = Looks.NUMBERS
    is_whole = True
    draws = {"n_references": 64, "n_draws": 24}  # half the default: more change nothing

    @classmethod
    def fit(cls, basis: Basis) -> Sequence[Self]:
        """Return the view of a table that has numbers, other than those that an entity always has."""
        numbers = basis.judged_numbers
        return (
            [cls(numbers, tuple(fit_magnitude(basis.records.numbers[:, at]) for at in numbers))] if len(numbers) else []
        )

    def vectors(self, batch: Batch) -> Vectors:
        """Return the vectors, shape (n_records, n_numbers + 1)."""
        return magnitudes(self.scales, batch.numbers[:, self.numbers])
