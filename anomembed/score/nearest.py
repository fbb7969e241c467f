"""``nearest``: mean distance to the nearest of a few reference records, over many random draws.

A record that resembles some normal records is near one of almost every draw; an abnormal one, even with a few copies
of itself in the reference, is far from most draws [1]_. There is no index, and scoring costs the same for every
record.

.. [1] Pang, Ting, Albrecht: LeSiNN: Detecting anomalies by identifying least similar nearest neighbours. ICDM
   workshops 2015.
"""

import numpy as np
from numba import njit
from numpy.typing import ArrayLike, NDArray
from pyod.models.base import BaseDetector
from sklearn.utils import check_array
from sklearn.utils.validation import check_is_fitted

from anomembed.represent.parallel import in_blocks

LANES = 256  # records that the kernel compares at once; a record's place among them does not change its score
UNROLL = 4  # references and features that the kernel takes at a time
BLOCK = 16 * LANES  # records that a thread takes at a time
HUGE = np.float32(3e38)
FARTHEST = np.float32(1e17)  # what lies farther out along a feature is set here: its square would overflow
ROUNDING = np.float32(2e-6)  # share of the squared lengths that a squared distance may be off by


class Nearest(BaseDetector):  # type: ignore[misc]  # PyOD is untyped
    """Mean distance to the nearest of `n_references` records, over `n_draws` random draws.

    Parameters
    ----------
    n_references : int, default=64
        Records per draw. Few make rare records stand out as a whole; many see smaller differences, but let anomalies
        that repeat themselves hide behind each other.
    n_draws : int, default=50
        Draws; more steady the scores.
    contamination : float, default=0.1
        PyOD's share of outliers, used for its `labels_` and `threshold_` only.
    random_state : int, default=0
        Seed of the draws.

    Attributes
    ----------
    references_ : ndarray of shape (n_draws, n_references, n_features)
        The drawn records, float32, less `center_`.
    center_ : ndarray of shape (n_features,)
        Mean of the drawn records.
    decision_scores_ : ndarray of shape (n_samples,)
        Scores of the records it was fitted on; high = abnormal.

    Examples
    --------
    >>> detector = Nearest(n_references=4, n_draws=20).fit(np.random.default_rng(0).normal(size=(200, 2)))
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

    def fit(self, X: ArrayLike, y: object = None) -> "Nearest":  # noqa: N803
        """Draw the reference records.

        Parameters
        ----------
        X : array of shape (n_samples, n_features)
            Reference records.
        y : ignored
            Present for the interface.
        """
        self._set_n_classes(y)
        self.draw(check_array(X, dtype=np.float32))
        self.decision_scores_ = self.decision_function(X)
        self._process_decision_scores()
        return self

    def draw(self, reference: NDArray[np.float32]) -> "Nearest":
        """Draw the reference records without scoring them, which is half of the cost of `fit`."""
        rng = np.random.default_rng(self.random_state)
        size = min(self.n_references, len(reference))
        drawn = reference[np.array([rng.choice(len(reference), size, replace=False) for _ in range(self.n_draws)])]
        self.center_ = drawn.mean(axis=(0, 1), dtype=np.float64).astype(np.float32)
        self.references_ = np.clip(drawn - self.center_, -FARTHEST, FARTHEST)
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
            Mean Euclidean distance; high = abnormal. A record's score does not depend on the others'.
        """
        check_is_fitted(self, "references_")
        records = check_array(X, dtype=np.float32, ensure_min_samples=0)
        references = _padded(self.references_)
        half_square = (references**2).sum(axis=2) / 2
        scores = np.empty(len(records))

        def score(block: slice) -> None:
            near = np.clip(records[block] - self.center_, -FARTHEST, FARTHEST)
            scores[block] = _score_block(near, references, half_square)

        in_blocks(score, len(records), BLOCK)
        return scores


def _padded(references: NDArray[np.float32]) -> NDArray[np.float32]:
    """Fill references and features up to what the kernel takes at a time: with copies of the first, and zeros."""
    _, size, width = references.shape
    copies = references[:, np.zeros(-size % UNROLL, np.intp)]
    filled = np.concatenate([references, copies], axis=1)
    return np.ascontiguousarray(np.pad(filled, ((0, 0), (0, 0), (0, -width % UNROLL))))


def _score_block(
    records: NDArray[np.float32], references: NDArray[np.float32], half_square: NDArray[np.float32]
) -> NDArray[np.float64]:
    n, width = records.shape
    lanes = np.zeros((references.shape[2], n + -n % LANES), np.float32)
    lanes[:width, :n] = records.T
    total = np.zeros(lanes.shape[1])
    _add_nearest(lanes, references, half_square, (lanes**2).sum(axis=0), total)
    return total[:n] / len(references)


@njit(nogil=True, cache=True, fastmath=True, error_model="numpy")
def _add_nearest(lanes, references, half_square, square, total):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202
    """Add every record's distance to the nearest reference of each draw to its total.

    |x - r|^2 = |x|^2 - 2 (x.r - |r|^2 / 2), so the nearest reference has the largest bracket. Four references and four
    features at a time keep the processor's multipliers busy; the loops over `b` become vector instructions.
    """
    n_features, n_records = lanes.shape
    n_draws, size, _ = references.shape
    x = np.empty((n_features, LANES), np.float32)
    sums = np.empty((UNROLL, LANES), np.float32)
    best = np.empty(LANES, np.float32)
    s0, s1, s2, s3 = sums[0], sums[1], sums[2], sums[3]
    for start in range(0, n_records, LANES):
        x[:, :] = lanes[:, start : start + LANES]
        for t in range(n_draws):
            best[:] = -HUGE
            for j in range(0, size, UNROLL):
                a, b_, c, d = references[t, j], references[t, j + 1], references[t, j + 2], references[t, j + 3]
                s0[:] = -half_square[t, j]
                s1[:] = -half_square[t, j + 1]
                s2[:] = -half_square[t, j + 2]
                s3[:] = -half_square[t, j + 3]
                for k in range(0, n_features, UNROLL):
                    a0, a1, a2, a3 = a[k], a[k + 1], a[k + 2], a[k + 3]
                    b0, b1, b2, b3 = b_[k], b_[k + 1], b_[k + 2], b_[k + 3]
                    c0, c1, c2, c3 = c[k], c[k + 1], c[k + 2], c[k + 3]
                    d0, d1, d2, d3 = d[k], d[k + 1], d[k + 2], d[k + 3]
                    x0, x1, x2, x3 = x[k], x[k + 1], x[k + 2], x[k + 3]
                    for b in range(LANES):
                        y0, y1, y2, y3 = x0[b], x1[b], x2[b], x3[b]
                        s0[b] += a0 * y0 + a1 * y1 + a2 * y2 + a3 * y3
                        s1[b] += b0 * y0 + b1 * y1 + b2 * y2 + b3 * y3
                        s2[b] += c0 * y0 + c1 * y1 + c2 * y2 + c3 * y3
                        s3[b] += d0 * y0 + d1 * y1 + d2 * y2 + d3 * y3
                for b in range(LANES):
                    best[b] = max(best[b], max(max(s0[b], s1[b]), max(s2[b], s3[b])))
            for b in range(LANES):
                length = square[start + b]
                away = length - np.float32(2.0) * best[b]
                total[start + b] += np.sqrt(away) if away > ROUNDING * length else np.float32(0.0)
