"""Find the records that do not fit.

``fit_model`` learns what is normal in a table, ``score_table`` judges records by it, ``load_model`` takes a model
from a store. ``RecordEmbedder`` and ``AnomembedDetector`` are the same for scikit-learn and PyOD.

Names are imported when they are first used, because the libraries behind them take a second to load.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from anomembed.config import Config
    from anomembed.estimators import AnomembedDetector, RecordEmbedder
    from anomembed.in_memory import Scores, fit_model, scan, score_table
    from anomembed.model import Model
    from anomembed.write.models import load_model

__version__ = "0.1.0"
__all__ = [
    "AnomembedDetector",
    "Config",
    "Model",
    "RecordEmbedder",
    "Scores",
    "fit_model",
    "load_model",
    "scan",
    "score_table",
]

_HOMES = {
    "AnomembedDetector": "estimators",
    "Config": "config",
    "Model": "model",
    "RecordEmbedder": "estimators",
    "Scores": "in_memory",
    "fit_model": "in_memory",
    "load_model": "write.models",
    "scan": "in_memory",
    "score_table": "in_memory",
}


def __getattr__(name: str) -> Any:  # noqa: ANN401
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)


def __dir__() -> list[str]:
    return sorted([*__all__, "__version__"])
