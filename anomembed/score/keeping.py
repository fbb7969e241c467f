"""Dump fitted detectors to bytes and load them. Loading runs no code: only detectors on offer are accepted."""

from importlib import import_module
from io import BytesIO
from zipfile import BadZipFile

import numpy as np

from anomembed.errors import StoreError
from anomembed.score.detectors import OFFERS, Detector, Total

DAMAGED = (ArithmeticError, AttributeError, BadZipFile, EOFError, LookupError, OSError, TypeError, ValueError)
"""What numpy and skops raise when the data are damaged."""


def trusted_types() -> list[str]:
    """Return the types skops may build when it loads a detector, besides plain ones of numpy and scikit-learn."""
    return [
        *(f"{offer.module}.{offer.name}" for offer in OFFERS.values()),
        "sklearn.metrics._dist_metrics.EuclideanDistance64",
        "sklearn.neighbors._kd_tree.KDTree",
        "sklearn.tree._tree.Tree",
    ]


def dump_detector(detector: Detector) -> tuple[str, bytes]:
    """Return the class name of a fitted detector and its data."""
    kind = type(detector).__name__
    if isinstance(detector, Total):
        return kind, b""
    if kind == "Nearest":
        buffer = BytesIO()
        np.savez(buffer, references=detector.references_, center=detector.center_)  # type: ignore[attr-defined]
        return kind, buffer.getvalue()
    from skops.io import dumps

    return kind, dumps(detector)


def load_detector(kind: str, data: bytes) -> Detector:
    """Return the detector that `dump_detector` dumped.

    Parameters
    ----------
    kind : str
        Class name of the detector.
    data : bytes
        Its data.

    Raises
    ------
    StoreError
        When the data are damaged, or hold anything but a detector on offer.
    """
    if kind == "Total":
        return Total()
    try:
        return _load_nearest(data) if kind == "Nearest" else _load_trusted(kind, data)
    except DAMAGED as error:
        raise StoreError(f"the detector in the store is damaged: {error}") from error


def _load_nearest(data: bytes) -> Detector:
    with np.load(BytesIO(data), allow_pickle=False) as arrays:
        nearest = import_module(OFFERS["nearest"].module).Nearest()
        nearest.references_, nearest.center_ = arrays["references"], arrays["center"]
    return nearest  # type: ignore[no-any-return]


def _load_trusted(kind: str, data: bytes) -> Detector:
    from skops.io import get_untrusted_types, loads

    trusted = trusted_types()
    untrusted = sorted(set(get_untrusted_types(data=data)) - set(trusted))
    if untrusted:
        raise StoreError(f"the detector in the store contains untrusted types: {', '.join(untrusted)}")
    detector = loads(data, trusted=trusted)
    if type(detector).__name__ != kind or kind.lower() not in OFFERS:
        raise StoreError(f"the detector in the store is a {type(detector).__name__}, not a {kind}")
    return detector  # type: ignore[no-any-return]
