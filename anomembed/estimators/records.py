"""What estimators do with `X`: check it as scikit-learn does, and read it as the command line does."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import polars as pl
from scipy.sparse import issparse
from sklearn.base import BaseEstimator
from sklearn.utils.validation import check_array, validate_data

from anomembed.config import make_config
from anomembed.fit.model import learn_model
from anomembed.model import Model
from anomembed.read.frames import as_frame
from anomembed.read.roles.assigned import match_roles
from anomembed.read.roles.inference import infer_roles
from anomembed.read.table import Table
from anomembed.represent.batch import Batch, make_batch
from anomembed.scoring import batch_size


class OfRecords(BaseEstimator):  # type: ignore[misc]  # scikit-learn is untyped
    """Base of estimators whose `X` is records: frames, or arrays with text, categories and missing values."""

    def __sklearn_tags__(self) -> Any:  # noqa: ANN401
        tags = super().__sklearn_tags__()
        tags.input_tags.string = tags.input_tags.categorical = tags.input_tags.allow_nan = True
        return tags

    def _records(self, X: Any, *, reset: bool = False) -> Any:  # noqa: ANN401, N803
        """Return records as a frame; the columns of arrays have the names of the fitted ones, by place."""
        if _is_frame(X):
            X = as_frame(X, with_index=False)  # noqa: N806
            frame = X if isinstance(X, pl.DataFrame) else pl.DataFrame(pl.from_arrow(X))
            validate_data(self, frame, reset=reset, skip_check_array=True)
            return X
        X = _checked(X, 2 if reset else 0)  # noqa: N806
        validate_data(self, X, reset=reset, skip_check_array=True)
        names = getattr(self, "feature_names_in_", [f"x{at}" for at in range(X.shape[1])])
        return as_frame({name: X[:, at] for at, name in enumerate(names)})

    def _sized(self, X: Any) -> Any:  # noqa: ANN401, N803
        """Return records as something that has a shape, as PyOD needs it."""
        if hasattr(X, "shape"):
            return X
        return as_frame(X, with_index=False) if _is_frame(X) else _checked(X, 0)

    def _fit_model(self, records: Any, settings: dict[str, Any]) -> Model:  # noqa: ANN401
        config = make_config(settings, type(self).__name__)
        with Table(records) as table:
            return learn_model(table, config, is_own=True, roles=infer_roles(table, find_key=False), is_alone=True)


def _is_frame(records: Any) -> bool:  # noqa: ANN401
    """Tell whether records have named columns."""
    if issparse(records):  # some are dictionaries too
        return False
    if any(hasattr(records, name) for name in ("columns", "__arrow_c_stream__")):
        return True
    if isinstance(records, np.ndarray):
        return bool(records.dtype.names)
    is_dicts = isinstance(records, list) and bool(records) and all(isinstance(row, dict) for row in records)
    return is_dicts or isinstance(records, dict)


def _checked(rows: Any, least: int) -> Any:  # noqa: ANN401
    """Return rows as an array of two dimensions that scikit-learn accepts; missing and infinite values may be in it."""
    if isinstance(rows, list | tuple):
        rows = np.array(rows, dtype=object)
    return check_array(rows, dtype=None, ensure_all_finite=False, ensure_min_samples=least)


def batches(model: Model, records: Any) -> Iterator[Batch]:  # noqa: ANN401
    """Yield records as the views of a model take them."""
    with Table(records) as table:
        roles = match_roles(model.roles, table)
        for frame in table.batches(roles.select(), (), None, batch_size(roles.n_values)):
            yield make_batch(frame, model.vocabulary, model.numbers)
