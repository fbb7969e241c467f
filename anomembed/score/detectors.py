"""Detectors by name: PyOD's, and ``nearest``; a high score is abnormal for all of them.

Importing PyOD takes longer than scoring a thousand records, so it is imported when a detector is made and not before.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from importlib import import_module
from io import BytesIO
from typing import Any, Protocol
from zipfile import BadZipFile

import numpy as np
from numpy.typing import NDArray

from anomembed.errors import ConfigError, StoreError, nearest_name

Vectors = NDArray[np.float32]
CHUNK = 65_536
LARGEST = 1e12  # raw scores of reference records beyond this are rounding errors over rounding errors


class Detector(Protocol):
    """What is used of PyOD's ``BaseDetector``."""

    def decision_function(self, X: Vectors) -> NDArray[np.float64]:  # noqa: N803
        """Return the raw scores; high = abnormal."""


@dataclass(frozen=True)
class Offer:
    """A detector on offer.

    Parameters
    ----------
    module, name : str
        Where PyOD has it.
    most : int
        Reference records that it can learn from in reasonable time.
    settings : mapping
        What differs from PyOD's defaults.
    is_seeded : bool
        Whether it takes a `random_state`.
    """

    module: str
    name: str
    most: int
    settings: Mapping[str, Any]
    is_seeded: bool = False


OFFERS = {
    offer.name.lower(): offer
    for offer in (
        Offer("anomembed.score.nearest", "Nearest", 200_000, {}, is_seeded=True),
        Offer("pyod.models.knn", "KNN", 10_000, {"method": "mean"}),
        Offer("pyod.models.lof", "LOF", 10_000, {"n_neighbors": 35}),
        Offer("pyod.models.iforest", "IForest", 100_000, {"n_estimators": 200}, is_seeded=True),
        Offer("pyod.models.hbos", "HBOS", 200_000, {}),
        Offer("pyod.models.gmm", "GMM", 100_000, {"n_components": 8, "reg_covar": 1e-4}, is_seeded=True),
        Offer("pyod.models.inne", "INNE", 50_000, {"max_samples": 64}, is_seeded=True),
        Offer("pyod.models.loda", "LODA", 100_000, {}, is_seeded=True),
        Offer("pyod.models.mcd", "MCD", 50_000, {}, is_seeded=True),
        Offer("pyod.models.ocsvm", "OCSVM", 5_000, {}),
        Offer("pyod.models.pca", "PCA", 100_000, {"n_components": 1 - 1e-6}, is_seeded=True),  # not the void
        Offer("pyod.models.kde", "KDE", 5_000, {}),
        Offer("pyod.models.sampling", "Sampling", 100_000, {"subset_size": 64}, is_seeded=True),
    )
}
DEPENDS_ON_BATCH = {"ecod": "ECOD", "copod": "COPOD"}
NAMES = ("auto", *(offer.name if offer.name != "Nearest" else "nearest" for offer in OFFERS.values()))

# By experiment: few references find anomalies that repeat themselves in a mixed reference; many find the ones that hide
# inside the normal range of a clean one, but not among numbers. examples/notes/views.md has the figures.
FEW_REFERENCES = {"n_references": 64, "n_draws": 50}
MANY_REFERENCES = {"n_references": 512, "n_draws": 12}
NUMBER_DRAWS = {"n_references": 64, "n_draws": 24}


@dataclass(frozen=True)
class Choice:
    """A detector and why it was chosen.

    Parameters
    ----------
    name : str
        Its name.
    settings : mapping
        Its settings.
    is_distinct : bool
        Whether it learns from the distinct reference records instead of all.
    why : str
        One sentence.
    """

    name: str
    settings: Mapping[str, Any]
    is_distinct: bool
    why: str

    def __str__(self) -> str:
        return self.name if self.why == "as told" else f"{self.name}: {self.why}"


def choose_detector(name: str, *, clean: bool, n_records: int, n_distinct: int) -> Choice:
    """Choose the detector.

    Parameters
    ----------
    name : str
        What the user asks for; ``auto`` leaves the choice to us.
    clean : bool
        Whether the reference is free of anomalies.
    n_records, n_distinct : int
        Reference records, and how many of them are distinct.

    Returns
    -------
    Choice

    Raises
    ------
    ConfigError
        When there is no such detector, or its scores would depend on the batch.
    """
    folded = name.casefold()
    if folded in DEPENDS_ON_BATCH:
        raise ConfigError(
            f"{DEPENDS_ON_BATCH[folded]} is not offered: its score of a record depends on the other records scored "
            "with it; HBOS is the nearest in kind"
        )
    if folded not in ("auto", *OFFERS):
        raise ConfigError(f"no such detector: {name}{nearest_name(name, NAMES)}")
    if folded not in ("auto", "nearest"):
        return Choice(OFFERS[folded].name, OFFERS[folded].settings, clean, "as told")
    draws = MANY_REFERENCES if clean else FEW_REFERENCES
    size = min(draws["n_references"], n_distinct if clean else n_records)
    of = f"nearest of {size:,} references, {draws['n_draws']} draws,"
    if clean:
        return Choice("nearest", draws, clean, f"clean reference: {of} from {n_distinct:,} distinct records")
    why = f"mixed reference: {of} from {n_records:,} records; few, lest repeated anomalies vouch for each other"
    return Choice("nearest", draws, clean, why)


def fit_detector(choice: Choice, reference: Vectors, seed: int) -> tuple[Detector, str | None]:
    """Fit a detector, or `nearest` in its place when it cannot be fitted.

    Parameters
    ----------
    choice : Choice
        Name and settings.
    reference : ndarray of shape (n_records, n_features)
        Vectors of reference records, in an order that is random.
    seed : int
        Seed of what is random in the detector.

    Returns
    -------
    detector : Detector
    note : str or None
        Why another detector was fitted, if so.
    """
    offer = OFFERS[choice.name.casefold()]
    few = reference[: offer.most]
    settings = {**choice.settings, **({"random_state": seed} if offer.is_seeded else {})}
    detector = getattr(import_module(offer.module), offer.name)(**settings)
    if offer.name == "Nearest":
        return detector.draw(few), None
    try:
        with np.errstate(all="ignore"):
            detector.fit(few)
            probe = raw_scores(detector, few[:100])
    except (ValueError, ArithmeticError, np.linalg.LinAlgError) as error:
        problem = str(error).splitlines()[0] if str(error) else type(error).__name__
        return _instead(few, seed), f"{offer.name} cannot learn from these records ({problem}); nearest is used instead"
    if len(probe) > 1 and np.ptp(probe) == 0 and len(np.unique(few[:100], axis=0)) > 1:
        return _instead(few, seed), f"{offer.name} gives all records the same score; nearest is used instead"
    if np.abs(probe).max(initial=0.0) > LARGEST:
        return _instead(few, seed), f"{offer.name} divides by nothing on these records; nearest is used instead"
    return detector, None


def _instead(reference: Vectors, seed: int) -> Detector:
    nearest = import_module(OFFERS["nearest"].module).Nearest(**FEW_REFERENCES, random_state=seed)
    return nearest.draw(reference)  # type: ignore[no-any-return]


def raw_scores(detector: Detector, vectors: Vectors) -> NDArray[np.float64]:
    """Score vectors in parts of constant size.

    Parameters
    ----------
    detector : Detector
        A fitted detector.
    vectors : ndarray of shape (n_records, n_features)

    Returns
    -------
    ndarray of shape (n_records,)
        Finite; high = abnormal.
    """
    scores = np.empty(len(vectors))
    for start in range(0, len(vectors), CHUNK):
        part = detector.decision_function(vectors[start : start + CHUNK])
        scores[start : start + CHUNK] = np.asarray(part, np.float64).ravel()
    return np.nan_to_num(scores, nan=0.0, posinf=1e18, neginf=-1e18)


@dataclass(frozen=True)
class Total:
    """The sum of a vector's features, for views whose features are rarities already."""

    def decision_function(self, X: Vectors) -> NDArray[np.float64]:  # noqa: N803
        """Return the sums; high = abnormal."""
        total = np.zeros(len(X))
        for feature in X.T:  # one after the other: the sum of a record does not depend on its batch
            total += feature
        return total


# What skops may build besides numpy's and scikit-learn's plain types when it loads a detector; all else is refused.
TRUSTED = (
    *(f"{offer.module}.{offer.name}" for offer in OFFERS.values()),
    "sklearn.metrics._dist_metrics.EuclideanDistance64",
    "sklearn.neighbors._kd_tree.KDTree",
    "sklearn.tree._tree.Tree",
)


def dump_detector(detector: Detector) -> tuple[str, bytes]:
    """Return the kind of a fitted detector and its data, in a format that runs no code when it is loaded."""
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
    """Return the detector that `dump_detector` packed.

    Raises
    ------
    StoreError
        When the data hold anything but a detector on offer.
    """
    if kind == "Total":
        return Total()
    try:
        return _load_nearest(data) if kind == "Nearest" else _load_trusted(kind, data)
    except (
        ArithmeticError,
        AttributeError,
        BadZipFile,
        EOFError,
        LookupError,
        OSError,
        TypeError,
        ValueError,
    ) as error:
        raise StoreError(f"the detector in the store is damaged: {error}") from error


def _load_nearest(data: bytes) -> Detector:
    with np.load(BytesIO(data), allow_pickle=False) as arrays:
        nearest = import_module(OFFERS["nearest"].module).Nearest()
        nearest.references_, nearest.center_ = arrays["references"], arrays["center"]
    return nearest  # type: ignore[no-any-return]


def _load_trusted(kind: str, data: bytes) -> Detector:
    from skops.io import get_untrusted_types, loads

    foreign = sorted(set(get_untrusted_types(data=data)) - set(TRUSTED))
    if foreign:
        raise StoreError(f"the detector in the store holds {', '.join(foreign)}, which is not trusted")
    detector = loads(data, trusted=list(TRUSTED))
    if type(detector).__name__ != kind or kind.lower() not in OFFERS:
        raise StoreError(f"the detector in the store is a {type(detector).__name__}, not a {kind}")
    return detector  # type: ignore[no-any-return]


def check_detector(name: str) -> None:
    """Refuse a detector that is not on offer before any work is done.

    Raises
    ------
    ConfigError
        When there is no such detector, or its scores would depend on the batch.
    """
    choose_detector(name, clean=False, n_records=1, n_distinct=1)
