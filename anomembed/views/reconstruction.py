"""Judge a record by how well an autoencoder tells each of its values from the others."""

from dataclasses import dataclass

import numpy as np

from anomembed.represent.batch import Batch
from anomembed.represent.embeddings.neural.networks import Autoencoder
from anomembed.views.base import Vectors


@dataclass(frozen=True)
class ReconstructionView:
    """Records as the reconstruction error of every column, in nats; high = abnormal.

    Parameters
    ----------
    network : Autoencoder
        Fitted to the reference.
    """

    network: Autoencoder
    name: str = "reconstruction"

    def vectors(self, batch: Batch) -> Vectors:
        """Return -log of the chance of every value, shape (n_records, n_columns)."""
        return self.network.nats(batch.tokens).astype(np.float32)
