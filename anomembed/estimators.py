"""Parts of anomembed for people who want only those: a scikit-learn transformer and a PyOD detector."""

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
        Numbers per embedding; a record's vector has one more, for values that the reference does not have.
    seed : int, default=0
        Seed of what is random.

    Attributes
    ----------
    model_ : Model
        What was learnt.

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
        """Learn the embeddings of the values in `X`.

        Parameters
        ----------
        X : Polars or pandas frame, or array of shape (n_samples, n_columns)
            Reference records. All columns are judged: none is taken for a key.
        y : ignored
            Present for the interface.
        """
        config = Config(seed=self.seed, embedding=EmbeddingConfig(width=self.width))
        self.model_ = _learn(X, config)
        return self

    def transform(self, X: Any) -> NDArray[np.float32]:  # noqa: ANN401, N803
        """Return the vectors of records, shape (n_samples, width + 1), float32.

        Parameters
        ----------
        X : Polars or pandas frame, or array of shape (n_samples, n_columns)
            Records with the columns that were fitted.
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
            Present for the interface.
        """
        check_is_fitted(self, "model_")
        width = self.model_.embeddings.width
        return np.array([*(f"embedding{i}" for i in range(width)), "unseen"], dtype=object)


class AnomembedDetector(BaseDetector):  # type: ignore[misc]  # PyOD is untyped
    """All of anomembed's views and their combination, as a PyOD detector for frames with categories.

    Parameters
    ----------
    contamination : float, default=0.1
        PyOD's share of outliers, used for its `labels_` and `threshold_` only.
    clean : bool, default=False
        Whether the records it is fitted on are known to hold no anomalies.
    width : int, default=16
        Numbers per embedding.
    detector : str, default="auto"
        ``auto``, ``nearest`` or the name of a PyOD detector.
    seed : int, default=0
        Seed of what is random.

    Attributes
    ----------
    model_ : Model
        What was learnt.
    decision_scores_ : ndarray of shape (n_samples,)
        Raw scores of the records it was fitted on; high = abnormal.

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
        """Learn what is normal.

        Parameters
        ----------
        X : Polars or pandas frame, or array of shape (n_samples, n_columns)
            Reference records. All columns are judged: none is taken for a key.
        y : ignored
            Present for the interface.
        """
        config = Config(
            seed=self.seed,
            embedding=EmbeddingConfig(width=self.width),
            detector=DetectorConfig(name=self.detector),
            reference=ReferenceConfig(clean=self.clean),
        )
        self._set_n_classes(None)
        self.model_ = _learn(X, config)
        self.decision_scores_ = self.decision_function(X)
        self._process_decision_scores()
        return self

    def decision_function(self, X: Any) -> NDArray[np.float64]:  # noqa: ANN401, N803
        """Return the raw scores of records, shape (n_samples,); high = abnormal.

        Parameters
        ----------
        X : Polars or pandas frame, or array of shape (n_samples, n_columns)
            Records with the columns that were fitted.
        """
        check_is_fitted(self, "model_")
        return np.concatenate([np.empty(0), *(self.model_.score(batch).raw for batch in _batches(self.model_, X))])

    def predict_tail(self, X: Any) -> NDArray[np.float64]:  # noqa: ANN401, N803
        """Return the tail probabilities of records, shape (n_samples,); low = abnormal, and never saturated.

        Parameters
        ----------
        X : Polars or pandas frame, or array of shape (n_samples, n_columns)
            Records with the columns that were fitted.
        """
        raw = self.decision_function(X)
        return self.model_.calibration.tail_probability(raw)


def _frame(records: Any) -> Any:  # noqa: ANN401
    """Return records as a frame that DuckDB reads; arrays get the column names x0, x1, ..."""
    if isinstance(records, pl.DataFrame) or hasattr(records, "columns"):
        return records
    array = np.atleast_2d(records if isinstance(records, np.ndarray) else np.array(records, dtype=object))
    return pl.DataFrame({f"x{place}": column.tolist() for place, column in enumerate(array.T)}, strict=False)


def _learn(records: Any, config: Config) -> Model:  # noqa: ANN401
    with Table(_frame(records)) as table:
        return learn_model(table, config, is_own=True, roles=infer_roles(table, find_key=False))


def _batches(model: Model, records: Any) -> Iterator[Batch]:  # noqa: ANN401
    with Table(_frame(records)) as table:
        roles = match_roles(model.roles, table)
        for frame in table.batches(roles.select(), (), None, batch_size(roles.n_values)):
            yield make_batch(frame, model.vocabulary, model.numbers)
