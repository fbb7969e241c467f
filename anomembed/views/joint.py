"""Judge values and numbers in one vector: a number in the company of the record's categories, and the other way round.

Every value is its embedding, at length 1, turned by a random rotation of its column, and added up: so a record differs
from another by about as many units as it has other values, and more for values that are unlike [1]_. The magnitudes of
the numbers stand beside. Embeddings pooled by their mean would let the values of several columns cancel out.

.. [1] Johnson, Lindenstrauss: Extensions of Lipschitz mappings into a Hilbert space. Contemporary Mathematics, 1984.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

from anomembed.represent.batch import Batch
from anomembed.represent.pooling import Pooling, unit_vectors
from anomembed.views.magnitudes import Magnitudes, fit_magnitudes
from anomembed.views.view import Basis, Looks, Vectors, ViewOfRecords

WIDTH = 32  # of the sum; 16 and 64 are as good (examples/notes/views.md)


@dataclass(frozen=True)
class JointView(ViewOfRecords):
    """Records as the sum of their values' rotated embeddings beside the magnitudes of their numbers.

    Parameters
    ----------
    magnitudes : Magnitudes
        Of the numbers.
    values : Pooling
        Rotated embeddings of the tokens, times the number of `columns`: their mean is the sum of the embeddings.
    columns : ndarray
        Token columns that are no numbers.
    """

    magnitudes: Magnitudes
    values: Pooling
    columns: NDArray[np.int64]
    name: str = "joint"
    summary = "numbers in the company of the record's categories, in one vector"
    looks_at = Looks.TOKENS | Looks.NUMBERS
    is_whole = True
    draws = {"n_references": 64, "n_draws": 24}  # half as many: its vectors are wide, and more change nothing

    @classmethod
    def fit(cls, basis: Basis) -> Sequence[Self]:
        """Return the view of a table that has both numbers and categories."""
        kinds = [column.kind for column in basis.vocabulary.columns]
        columns = np.array([at for at in basis.judged if not kinds[at].traits.is_number], np.int64)
        if not len(basis.judged_numbers) or not len(columns):
            return []
        return [cls(fit_magnitudes(basis), _rotate(basis, columns), columns)]

    def vectors(self, batch: Batch) -> Vectors:
        """Return the vectors, shape (n_records, n_numbers + 1 + `WIDTH`)."""
        values = self.values.pool(batch.tokens[:, self.columns])
        return np.hstack([self.magnitudes(batch), values])


def _rotate(basis: Basis, columns: NDArray[np.int64]) -> Pooling:
    """Turn the embeddings of every column, at length 1, by a projection of its own."""
    units = unit_vectors(basis.embeddings.vectors.astype(np.float64), basis.vocabulary.counts())
    offsets = basis.vocabulary.offsets
    rotated = np.zeros((basis.vocabulary.size, WIDTH))
    rng = np.random.default_rng(basis.seed)
    for column in columns:
        projection = rng.normal(0, WIDTH**-0.5, (units.shape[1], WIDTH))
        tokens = slice(offsets[column], offsets[column + 1])
        rotated[tokens] = units[tokens] @ projection
    return Pooling((rotated * len(columns)).astype(np.float32), np.ones(basis.vocabulary.size, np.float32))
