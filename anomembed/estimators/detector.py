"""All views as a detector, for PyOD and scikit-learn."""

from typing import Any, Self

import numpy as np
import polars as pl
from numpy.typing import NDArray
from pyod.models.base import BaseDetector
from scipy.optimize import brentq
from scipy.special import expit
from sklearn.utils.validation import check_is_fitted

from anomembed.errors import DataError
from anomembed.estimators.records import OfRecords, batches
from anomembed.explain import explain
from anomembed.read.table import Table
from anomembed.scoring import score_batches

EXPLAINED_AT_ONCE = 500  # records
FARTHEST = 100.0  # nats: beyond, a probability is 0 or 1


class AnomembedDetector(OfRecords, BaseDetector):  # type: ignore[misc]  # PyOD is untyped
    """All views of anomembed, combined, as a PyOD detector for frames with categorical columns.

    It is a `pyod.models.base.BaseDetector`. Where PyOD and scikit-learn differ, PyOD's conventions hold: labels are 1
    for outliers and 0 for others, a high `decision_function` is abnormal, and a wrong `contamination` is an error at
    once. For scikit-learn there are `score_samples` (low = abnormal) and `offset_`; its labels, -1 for outliers and 1
    for others, are ``1 - 2 * predict(X)``.

    Parameters
    ----------
    contamination : float, default=0.1
        The share of outliers, used only for `labels_`, `threshold_`, `predict` and `predict_proba`.
    clean : bool, default=False
        Whether the reference is known to be free of anomalies.
    width : int, default=16
        Dimensions of an embedding.
    detector : str, default="auto"
        ``auto``, ``nearest`` or the name of a PyOD detector.
    seed : int, default=0
        Seed of all random numbers.

    Attributes
    ----------
    model_ : Model
        The fitted model.
    decision_scores_ : ndarray of shape (n_samples,)
        Raw scores of the reference; high = abnormal.
    threshold_ : float
        Raw score above which a record is an outlier.
    labels_ : ndarray of shape (n_samples,)
        1 for the outliers in the reference, 0 for the others.
    offset_ : float
        ``-threshold_``: `score_samples` below it are outliers, as in scikit-learn.
    n_features_in_ : int
        Number of columns.
    feature_names_in_ : ndarray of str
        Names of the columns; only after a fit to a frame.

    Examples
    --------
    >>> frame = pl.DataFrame({"pet": ["cat", "dog"] * 100, "says": ["meow", "woof"] * 100})
    >>> detector = AnomembedDetector().fit(frame)
    >>> records = pl.DataFrame({"pet": ["cat", "cat"], "says": ["meow", "woof"]})
    >>> fits, odd = detector.decision_function(records)
    >>> bool(odd > fits)
    True
    >>> for part in detector.explain(records)["reason"][1].split("; "):
    ...     print(part)
    pet=cat is unusual with says=woof (0 records where chance would have 50)
    of the 100 records with says=woof usually: dog (100)
    """

    def __init__(
        self,
        contamination: float = 0.1,
        *,
        clean: bool = False,
        width: int = 16,
        detector: str = "auto",
        seed: int = 0,
    ) -> None:
        BaseDetector.__init__(self, contamination=contamination)
        self.clean = clean
        self.width = width
        self.detector = detector
        self.seed = seed

    def fit(self, X: Any, y: object = None) -> Self:  # noqa: ANN401, ARG002, N803
        """Fit a model to the reference.

        Parameters
        ----------
        X : frame, or array or rows of shape (n_samples, n_columns)
            Reference records, in any form that `anomembed.scan` takes. All columns are judged; leave keys out.
        y : ignored
            For compatibility with scikit-learn.
        """
        records = self._records(X, reset=True)
        settings = {
            "seed": self.seed,
            "embedding": {"width": self.width},
            "detector": {"name": self.detector},
            "reference": {"clean": self.clean},
        }
        self._set_n_classes(None)
        self.model_ = self._fit_model(records, settings)
        self.decision_scores_ = self._raw(records)
        self._process_decision_scores()
        self.offset_ = -self.threshold_
        return self

    def decision_function(self, X: Any) -> NDArray[np.float64]:  # noqa: ANN401, N803
        """Return the raw scores of records.

        Parameters
        ----------
        X : frame, or array or rows of shape (n_samples, n_columns)
            Records with the columns of the reference.

        Returns
        -------
        ndarray of shape (n_samples,)
            High = abnormal; a record's score does not depend on the rest of `X`.
        """
        check_is_fitted(self, "model_")
        return self._raw(self._records(X))

    def score_samples(self, X: Any) -> NDArray[np.float64]:  # noqa: ANN401, N803
        """Return ``-decision_function(X)``: low = abnormal, as in scikit-learn.

        Parameters
        ----------
        X : frame, or array or rows of shape (n_samples, n_columns)
            Records with the columns of the reference.
        """
        return -self.decision_function(X)

    def predict_tail(self, X: Any) -> NDArray[np.float64]:  # noqa: ANN401, N803
        """Return the tail probabilities of records: the share of normal records at least as abnormal.

        Parameters
        ----------
        X : frame, or array or rows of shape (n_samples, n_columns)
            Records with the columns of the reference.

        Returns
        -------
        ndarray of shape (n_samples,)
            In (0, 1]: low = abnormal; never saturates.
        """
        raw = self.decision_function(X)
        return self.model_.calibration.tail_probability(raw)

    def predict_proba(self, X: Any, method: str = "calibrated", return_confidence: bool = False) -> Any:  # noqa: ANN401, FBT001, FBT002, N803
        """Return the probabilities that records are normal and that they are outliers.

        Parameters
        ----------
        X : frame, or array or rows of shape (n_samples, n_columns)
            Records with the columns of the reference.
        method : {"calibrated", "linear", "unify"}, default="calibrated"
            ``calibrated``: the odds are in inverse proportion to the tail probability, and the mean over the reference
            is its share of outliers, `contamination`. The others are PyOD's, which know no such share.
        return_confidence : bool, default=False
            Whether to return PyOD's `predict_confidence` too.

        Returns
        -------
        probabilities : ndarray of shape (n_samples, 2)
        confidence : ndarray of shape (n_samples,)
            Only when asked for.
        """
        check_is_fitted(self, "model_")
        X = self._sized(X)  # noqa: N806
        if method != "calibrated":
            return super().predict_proba(X, method, return_confidence)
        outlier = expit(self._surprise(self.decision_function(X)) - self._even_odds())
        probabilities = np.column_stack([1 - outlier, outlier])
        return (probabilities, self.predict_confidence(X)) if return_confidence else probabilities

    def explain(self, X: Any) -> pl.DataFrame:  # noqa: ANN401, N803
        """Say why records do not fit, in the words of the command line.

        Explaining takes longer than scoring: pass the records of interest, such as ``X[detector.predict(X) == 1]``.

        Parameters
        ----------
        X : frame, or array or rows of shape (n_samples, n_columns)
            Records with the columns of the reference.

        Returns
        -------
        pl.DataFrame
            A row per record, in the order of `X`: ``raw_score`` (high = abnormal), ``tail_probability`` (low =
            abnormal), ``view`` (the one that gives the reason), ``reason``.
        """
        check_is_fitted(self, "model_")
        with Table(self._records(X)) as table:
            scored = score_batches(self.model_, table, None, EXPLAINED_AT_ONCE)
            explained = [explain(self.model_, batch).frame for batch in scored]
        columns = ["raw_score", "tail_probability", "view", "reason"]
        if not explained:
            raise DataError("no records to explain")
        return pl.concat(explained).sort("row_number").select(columns)

    def _raw(self, records: Any) -> NDArray[np.float64]:  # noqa: ANN401
        return np.concatenate([np.empty(0), *(self.model_.score(batch).raw for batch in batches(self.model_, records))])

    def _surprise(self, raw: NDArray[np.float64]) -> NDArray[np.float64]:
        return -np.log(self.model_.calibration.tail_probability(raw))

    def _even_odds(self) -> float:
        """Return the -log tail probability, in nats, of a record that is as probably an outlier as not."""
        surprise = self._surprise(self.decision_scores_)
        is_share = isinstance(self.contamination, int | float)  # otherwise it is something that chooses the threshold
        share = self.contamination if is_share else np.clip(self.labels_.mean(), 0.5 / len(surprise), 0.5)
        ends = surprise.min() - FARTHEST, surprise.max() + FARTHEST
        return float(brentq(lambda even: expit(surprise - even).mean() - share, *ends))
