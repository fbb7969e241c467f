"""``nearest`` as a detector of PyOD, for arrays of numbers and PyOD's pipelines."""

import numpy as np
from numpy.typing import ArrayLike, NDArray
from pyod.models.base import BaseDetector
from sklearn.utils import check_array
from sklearn.utils.validation import check_is_fitted

from anomembed.score.nearest import Nearest


class NearestDetector(BaseDetector):  # type: ignore[misc]  # PyOD is untyped
    """Mean distance to the nearest of `n_references` records, over `n_draws` random draws.

    Parameters
    ----------
    n_references : int, default=64
        Records per draw. Few find repeated anomalies; many find smaller deviations, but let repeated anomalies hide
        one another.
    n_draws : int, default=50
        Number of draws; more give steadier scores.
    contamination : float, default=0.1
        PyOD's share of outliers, used only for its `labels_` and `threshold_`.
    random_state : int, default=0
        Seed of the draws.

    Attributes
    ----------
    nearest_ : anomembed.score.nearest.Nearest
        The drawn records.
    decision_scores_ : ndarray of shape (n_samples,)
        Raw scores of the records it was fitted to; high = abnormal.

    Examples
    --------
    >>> detector = NearestDetector(n_references=4, n_draws=20).fit(np.random.default_rng(0).normal(size=(200, 2)))
    >>> near, far = detector.decision_function(np.array([[0.0, 0.0], [9.0, 9.0]]))
    >>> bool(far > 5 * near)
    True
    """

    def __init__(
        self, n_references: int = 64, n_draws: int = 50, contamination: float = 0.1, random_state: int = 0
    ) -> None:
        super().__init__(contamination=contamination)
        self.n_references = n_references
        self.n_draws = n_draws
        self.random_state = random_state

    def fit(self, X: ArrayLike, y: object = None) -> "NearestDetector":  # noqa: N803
        """Draw the reference records.

        Parameters
        ----------
        X : array of shape (n_samples, n_features)
            Reference records.
        y : ignored
            For compatibility with scikit-learn.

        Raises
        ------
        ValueError
            When a value is missing or infinite.
        """
        self._set_n_classes(y)
        nearest = Nearest(self.n_references, self.n_draws, self.random_state)
        self.nearest_ = nearest.draw(check_array(X, dtype=np.float32))
        self.decision_scores_ = self.decision_function(X)
        self._process_decision_scores()
        return self

    def decision_function(self, X: ArrayLike) -> NDArray[np.float64]:  # noqa: N803
        """Score records.

        Parameters
        ----------
        X : array of shape (n_samples, n_features)
            Records.

        Returns
        -------
        ndarray of shape (n_samples,)
            Mean Euclidean distance; high = abnormal. A record's score does not depend on the rest of `X`.

        Raises
        ------
        ValueError
            When it is not fitted, or a value is missing or infinite.
        """
        check_is_fitted(self, "nearest_")
        return self.nearest_.decision_function(check_array(X, dtype=np.float32, ensure_min_samples=0))
