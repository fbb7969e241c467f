"""``nearest``: mean distance to the nearest of a few reference records, over many random draws.

A record that resembles some normal records is near one of almost every draw. An abnormal one is far from most draws,
even with a few copies of itself in the reference [1]_. There is no index; every record costs the same to score.

To judge records takes less time than to import PyOD, so this class does without it; as a detector of PyOD it is
`anomembed.estimators.NearestDetector`.

.. [1] Pang, Ting, Albrecht: LeSiNN: Detecting anomalies by identifying least similar nearest neighbours. ICDM
   workshops 2015.
"""

import numpy as np
from numpy.typing import NDArray

from anomembed.represent.distances import FARTHEST_FEATURE, mean_nearest


class Nearest:
    """Mean distance to the nearest of `n_references` records, over `n_draws` random draws.

    Parameters
    ----------
    n_references : int, default=64
        Records per draw. Few find repeated anomalies; many find smaller deviations, but let repeated anomalies hide
        one another.
    n_draws : int, default=50
        Number of draws; more give steadier scores.
    random_state : int, default=0
        Seed of the draws.

    Attributes
    ----------
    references_ : ndarray of shape (n_draws, n_references, n_features)
        The drawn records minus `center_`, float32.
    center_ : ndarray of shape (n_features,)
        Mean of the drawn records.
    """

    references_: NDArray[np.float32]
    center_: NDArray[np.float32]

    def __init__(self, n_references: int = 64, n_draws: int = 50, random_state: int = 0) -> None:
        self.n_references = n_references
        self.n_draws = n_draws
        self.random_state = random_state

    def draw(self, reference: NDArray[np.float32]) -> "Nearest":
        """Draw reference records from all, shape (n_records, n_features)."""
        rng = np.random.default_rng(self.random_state)
        size = min(self.n_references, len(reference))
        drawn = reference[np.array([rng.choice(len(reference), size, replace=False) for _ in range(self.n_draws)])]
        self.center_ = drawn.mean(axis=(0, 1), dtype=np.float64).astype(np.float32)
        self.references_ = np.clip(drawn - self.center_, -FARTHEST_FEATURE, FARTHEST_FEATURE)
        return self

    def decision_function(self, X: NDArray[np.float32]) -> NDArray[np.float64]:  # noqa: N803
        """Score records.

        Parameters
        ----------
        X : ndarray of shape (n_samples, n_features)
            Finite.

        Returns
        -------
        ndarray of shape (n_samples,)
            Mean Euclidean distance; high = abnormal. A record's score does not depend on the rest of `X`.
        """
        return mean_nearest(X, self.references_, self.center_)
