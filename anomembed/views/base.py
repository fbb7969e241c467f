"""What every view has: it turns a batch of records into vectors, shape (n_records, n_features), float32."""

from typing import Any, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from anomembed.represent.batch import Batch

Vectors = NDArray[np.float32]


class View(Protocol):
    """A way to look at records, or at sequences."""

    @property
    def name(self) -> str:
        """What it is called in results."""

    def vectors(self, batch: Any) -> Vectors:  # noqa: ANN401
        """Return the vector of every record; depends on nothing but the record."""


@runtime_checkable
class PointingView(View, Protocol):
    """A view that knows which column makes a record abnormal in it."""

    def culprit(self, batch: Batch) -> NDArray[np.intp]:
        """Return the token column that is to blame, shape (n_records,)."""
