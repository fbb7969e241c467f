"""anomembed as components: a scikit-learn transformer and a PyOD detector."""

from collections.abc import Iterator
from typing import Any, Self

import numpy as np
import polars as pl
from numpy.typing import NDArray
from pyod.models.base import BaseDetector
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.utils.validation import check_is_fitted

from anomembed.config import Config, DetectorConfig, EmbeddingConfig, ReferenceConfig
from anomembed.fit.model import learn_model
from anomembed.model import Model
from anomembed.pipeline import batch_size
from anomembed.read.inference import infer_roles
from anomembed.read.roles import match_roles
from anomembed.read.table import Table
from anomembed.represent.batch import Batch, make_batch


class RecordEmbedder(TransformerMixin, BaseEstimator):  # type: ignore[misc]  # scikit-learn is untyped
    """Turn records into vectors: the mean of their values' embeddings, weighted by rarity.

    Parameters
    ----------
    width : int, default=16
        Dimensions of an embedding; record vectors have one more, for values that do not occur in the reference.
    seed : int, default=0
        Seed of all random numbers.

    Attributes
    ----------
    model_ : Model
        The fitted model.

    Examples
    --------
    >>> frame = pl.DataFrame({"pet": ["cat", "dog"] * 50, "says": ["meow", "woof"] * 50})
    >>> embedder = RecordEmbedder(width=2).fit(frame)
    >>> embedder.transform(frame).shape
    (100, 3)
    """

    def __init__(self, width: int = 16, seed: int = 0) -> None:
        self.width = width
        self.seed = seed

    def fit(self, X: Any, y: object = None) -> Self:  # noqa: ANN401, ARG002, N803
        """Learn embeddings of the values in `X`.

        Parameters
        ----------
        X : Polars or pandas frame, or array of shape (n_samples, n_columns)
            Reference records. All columns are judged; leave keys out.
        y : ignored
            For compatibility with scikit-learn.
        """
        config = Config(seed=self.seed, embedding=EmbeddingConfig(width=self.width))
        self.model_ = _fit(X, config)
        return self

    def transform(self, X: Any) -> NDArray[np.float32]:  # noqa: ANN401, N803
        """Return the vectors of records.

        Parameters
        ----------
        X : Polars or pandas frame, or array of shape (n_samples, n_columns)
            Records with the columns of the reference.

        Returns
        -------
        ndarray of shape (n_samples, width + 1)
            Float32.
        """
        check_is_fitted(self, "model_")
        none = np.empty((0, self.model_.embeddings.width + 1), np.float32)
        view = next(calibrated.view for calibrated in self.model_.views if calibrated.view.name == "record")
        return np.concatenate([none, *(view.vectors(batch) for batch in _batches(self.model_, X))])

    def get_feature_names_out(self, input_features: object = None) -> NDArray[np.object_]:  # noqa: ARG002
        """Return the names of the vectors' dimensions.

        Parameters
        ----------
        input_features : ignored
            For compatibility with scikit-learn.
        """
        check_is_fitted(self, "model_")
        width = self.model_.embeddings.width
        return np.array([*(f"embedding{i}" for i in range(width)), "unseen"], dtype=object)


class AnomembedDetector(BaseDetector):  # type: ignore[misc]  # PyOD is untyped
    """All views of anomembed, combined, as a PyOD detector for frames with categorical columns.

    Parameters
    ----------
    contamination : float, default=0.1
        PyOD's share of outliers, used only for its `labels_` and `threshold_`.
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

    Examples
    --------
    >>> frame = pl.DataFrame({"pet": ["cat", "dog"] * 100, "says": ["meow", "woof"] * 100})
    >>> detector = AnomembedDetector().fit(frame)
    >>> fits, odd = detector.decision_function(pl.DataFrame({"pet": ["cat", "cat"], "says": ["meow", "woof"]}))
    >>> bool(odd > fits)
    True
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
        super().__init__(contamination=contamination)
        self.clean = clean
        self.width = width
        self.detector = detector
        self.seed = seed

    def fit(self, X: Any, y: object = None) -> Self:  # noqa: ANN401, ARG002, N803
        """Fit a model to the reference.

        Parameters
        ----------
        X : Polars or pandas frame, or array of shape (n_samples, n_columns)
            Reference records. All columns are judged; leave keys out.
        y : ignored
            For compatibility with scikit-learn.
        """
        config = Config(
            seed=self.seed,
            embedding=EmbeddingConfig(width=self.width),
            detector=DetectorConfig(name=self.detector),
            reference=ReferenceConfig(clean=self.clean),
        )
        self._set_n_classes(None)
        self.model_ = _fit(X, config)
        self.decision_scores_ = self.decision_function(X)
        self._process_decision_scores()
        return self

    def decision_function(self, X: Any) -> NDArray[np.float64]:  # noqa: ANN401, N803
        """Return the raw scores of records.

        Parameters
        ----------
        X : Polars or pandas frame, or array of shape (n_samples, n_columns)
            Records with the columns of the reference.

        Returns
        -------
        ndarray of shape (n_samples,)
            High = abnormal; a record's score does not depend on the rest of `X`.
        """
        check_is_fitted(self, "model_")
        return np.concatenate([np.empty(0), *(self.model_.score(batch).raw for batch in _batches(self.model_, X))])

    def predict_tail(self, X: Any) -> NDArray[np.float64]:  # noqa: ANN401, N803
        """Return the tail probabilities of records: the share of normal records at least as abnormal.

        Parameters
        ----------
        X : Polars or pandas frame, or array of shape (n_samples, n_columns)
            Records with the columns of the reference.

        Returns
        -------
        ndarray of shape (n_samples,)
            In (0, 1]: low = abnormal; never saturates.
        """
        raw = self.decision_function(X)
        return self.model_.calibration.tail_probability(raw)


def _frame(records: Any) -> Any:  # noqa: ANN401
    """Return records as a frame that DuckDB reads; arrays get the column names x0, x1, ..."""
    if isinstance(records, pl.DataFrame) or hasattr(records, "columns"):
        return records
    array = np.atleast_2d(records if isinstance(records, np.ndarray) else np.array(records, dtype=object))
    return pl.DataFrame({f"x{index}": column.tolist() for index, column in enumerate(array.T)}, strict=False)


def _fit(records: Any, config: Config) -> Model:  # noqa: ANN401
    with Table(_frame(records)) as table:
        return learn_model(table, config, is_own=True, roles=infer_roles(table, find_key=False))


def _batches(model: Model, records: Any) -> Iterator[Batch]:  # noqa: ANN401
    with Table(_frame(records)) as table:
        roles = match_roles(model.roles, table)
        for frame in table.batches(roles.select(), (), None, batch_size(roles.n_values)):
            yield make_batch(frame, model.vocabulary, model.numbers)
