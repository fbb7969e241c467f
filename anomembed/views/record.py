"""The values of a record together: the mean of its tokens' embeddings.

In a mixed reference the mean is weighted by rarity: a rare value says more about a record than a common one. In a clean
reference rare values are normal as well, and all weigh the same; examples/notes/views.md has the figures for both.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

from anomembed.represent.batch import Batch
from anomembed.represent.pooling import Pooling
from anomembed.views.view import Basis, Vectors, ViewOfRecords


@dataclass(frozen=True)
class RecordView(ViewOfRecords):
    """Records as the weighted mean of their tokens' embeddings.

    Parameters
    ----------
    pooling : Pooling
        Embeddings and weights of the tokens.
    """

    pooling: Pooling
    name: str = "record"
    summary = "values that do not go together, by the mean of their embeddings"
    is_whole = True

    @classmethod
    def fit(cls, basis: Basis) -> Sequence[Self]:
        """Return the view; it always applies."""
        return [cls(basis.pooling)]

    def vectors(self, batch: Batch) -> Vectors:
        """Return the record vectors, shape (n_records, width + 1)."""
        return self.pooling.pool(batch.tokens)
