"""Judge how large or small the numbers of a record are, all of them together.

Without the record's categories: beside them, a number that is far out among many values is as near to its like as any
other (`joint` looks at both). examples/notes/views.md compares the two.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

from anomembed.represent.batch import Batch
from anomembed.views.magnitudes import Magnitudes, fit_magnitudes
from anomembed.views.view import Basis, Looks, Vectors, ViewOfRecords


@dataclass(frozen=True)
class NumberView(ViewOfRecords):
    """Records as the magnitudes of their numbers, and how many are missing.

    Parameters
    ----------
    magnitudes : Magnitudes
        Of the numbers.
    """

    magnitudes: Magnitudes
    name: str = "number"
    summary = "large and small numbers, all of a record together"
    looks_at = Looks.NUMBERS
    is_whole = True
    draws = {"n_references": 64, "n_draws": 24}  # half the default: more change nothing

    @classmethod
    def fit(cls, basis: Basis) -> Sequence[Self]:
        """Return the view of a table that has numbers, other than those that an entity always has."""
        return [cls(fit_magnitudes(basis))] if len(basis.judged_numbers) else []

    def vectors(self, batch: Batch) -> Vectors:
        """Return the vectors, shape (n_records, n_numbers + 1)."""
        return self.magnitudes(batch)
