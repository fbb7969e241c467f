"""Find the records that do not fit, and say why.

``scan`` fits a model to a table and flags the records that do not fit, each with its reason. ``fit_model`` learns once
what is normal, ``score_table`` judges records by it later, ``load_model`` takes a model from a store. They take files,
DuckDB databases, and records in memory in any common form, and return `Scores`.

``RecordEmbedder`` is a transformer of scikit-learn; ``AnomembedDetector`` and, for numbers alone, ``NearestDetector``
are detectors of PyOD. ``Config`` has the settings, also as a dict by section. What the user must change is an
`anomembed.errors.UserError`, a ValueError, in one sentence.

Names are imported when they are first used, because the libraries behind them take a second to load.

Examples
--------
>>> from anomembed import scan
>>> records = [{"pet": "cat", "says": "meow"}, {"pet": "dog", "says": "woof"}] * 200 + [{"pet": "cat", "says": "woof"}]
>>> scores = scan(records, config={"flags": {"budget": 1}})
>>> for part in scores.flags.frame["reason"][0].split("; "):
...     print(part)
pet=cat is unusual with says=woof (1 record where chance would have 101)
of the 201 records with says=woof usually: dog (200)
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from anomembed.config import Config
    from anomembed.estimators import AnomembedDetector, NearestDetector, RecordEmbedder
    from anomembed.in_memory import Scores, fit_model, scan, score_table
    from anomembed.model import Model
    from anomembed.write.models import load_model

__version__ = "0.1.0"
__all__ = [
    "AnomembedDetector",
    "Config",
    "Model",
    "NearestDetector",
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
    "NearestDetector": "estimators",
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
