"""Judge a record by how well an autoencoder predicts each of its values from the others."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np

from anomembed.represent.batch import Batch
from anomembed.represent.embeddings.neural.networks import Autoencoder
from anomembed.views.view import Basis, Vectors, ViewOfRecords


@dataclass(frozen=True)
class ReconstructionView(ViewOfRecords):
    """Records as the reconstruction error of every column, in nats; high = abnormal.

    Parameters
    ----------
    network : Autoencoder
        Fitted to the reference.
    """

    network: Autoencoder
    name: str = "reconstruction"
    summary = "values that an autoencoder does not expect from the others (`--embedding autoencoder`)"
    is_summed = True

    @classmethod
    def fit(cls, basis: Basis) -> Sequence[Self]:
        """Return the view of embeddings that an autoencoder learnt."""
        network = basis.embeddings.network
        return [cls(network)] if isinstance(network, Autoencoder) else []

    def vectors(self, batch: Batch) -> Vectors:
        """Return -log of the chance of every value, shape (n_records, n_columns)."""
        return self.network.nats(batch.tokens).astype(np.float32)
