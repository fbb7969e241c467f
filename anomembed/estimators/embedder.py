"""Records as vectors, for scikit-learn."""

from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from sklearn.base import TransformerMixin
from sklearn.utils.validation import _check_feature_names_in, check_is_fitted

from anomembed.estimators.records import OfRecords, batches


class RecordEmbedder(TransformerMixin, OfRecords):  # type: ignore[misc]  # scikit-learn is untyped
    """Turn records into vectors: the mean of their values' embeddings, weighted by rarity.

    A transformer of scikit-learn that passes all its checks. Text, categories and missing values (None and NaN) need no
    preparation. Columns of fractions are numbers; whole numbers are categories when they are few.

    Parameters
    ----------
    width : int, default=16
        Dimensions of an embedding, fewer when the vocabulary is small; record vectors have one more, for values that do
        not occur in the reference.
    seed : int, default=0
        Seed of all random numbers.

    Attributes
    ----------
    model_ : Model
        The fitted model.
    n_features_in_ : int
        Number of columns.
    feature_names_in_ : ndarray of str
        Names of the columns; only after a fit to a frame.

    Examples
    --------
    >>> import polars as pl
    >>> frame = pl.DataFrame({"pet": ["cat", "dog"] * 50, "says": ["meow", "woof"] * 50})
    >>> embedder = RecordEmbedder(width=2).fit(frame)
    >>> embedder.transform(frame).shape
    (100, 3)
    """

    def __init__(self, width: int = 16, seed: int = 0) -> None:
        self.width = width
        self.seed = seed

    def __sklearn_tags__(self) -> Any:  # noqa: ANN401
        tags = super().__sklearn_tags__()
        tags.transformer_tags.preserves_dtype = ["float32"]  # whatever goes in, float32 comes out
        return tags

    def fit(self, X: Any, y: object = None) -> Self:  # noqa: ANN401, ARG002, N803
        """Learn embeddings of the values in `X`.

        Parameters
        ----------
        X : frame, or array or rows of shape (n_samples, n_columns)
            Reference records, in any form that `anomembed.scan` takes. All columns are judged; leave keys out.
        y : ignored
            For compatibility with scikit-learn.
        """
        records = self._records(X, reset=True)
        self.model_ = self._fit_model(records, {"seed": self.seed, "embedding": {"width": self.width}})
        return self

    def transform(self, X: Any) -> NDArray[np.float32]:  # noqa: ANN401, N803
        """Return the vectors of records.

        Parameters
        ----------
        X : frame, or array or rows of shape (n_samples, n_columns)
            Records with the columns of the reference.

        Returns
        -------
        ndarray of shape (n_samples, width + 1)
            Float32.
        """
        check_is_fitted(self, "model_")
        none = np.empty((0, self.model_.embeddings.width + 1), np.float32)
        view = next(calibrated.view for calibrated in self.model_.views if calibrated.view.name == "record")
        return np.concatenate([none, *(view.vectors(batch) for batch in batches(self.model_, self._records(X)))])

    def get_feature_names_out(self, input_features: object = None) -> NDArray[np.object_]:
        """Return the names of the vectors' dimensions.

        Parameters
        ----------
        input_features : array-like of str, optional
            Names of the columns; when given, those of the fit.
        """
        check_is_fitted(self, "model_")
        _check_feature_names_in(self, input_features)
        width = self.model_.embeddings.width
        return np.array([*(f"embedding{i}" for i in range(width)), "unseen"], dtype=object)
