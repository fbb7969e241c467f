"""Choose and fit a detector by name: one of PyOD's, or `nearest`. High raw score = abnormal for all of them.

To offer another detector, add a row to `OFFERS`. PyOD takes longer to import than a thousand records take to score,
so it is imported when a detector is made.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
from numpy.typing import NDArray

from anomembed.errors import ConfigError, nearest_name

if TYPE_CHECKING:
    from anomembed.score.nearest import Nearest

Vectors = NDArray[np.float32]
CHUNK = 65_536  # records scored at once
PROBED = 100  # records that a fitted detector is tried on
LARGEST = 1e12  # raw scores of reference records beyond this are rounding errors divided by rounding errors


class Detector(Protocol):
    """The part of PyOD's ``BaseDetector`` that is used."""

    def decision_function(self, X: Vectors) -> NDArray[np.float64]:  # noqa: N803
        """Return the raw scores, shape (n_records,); high = abnormal."""


@dataclass(frozen=True)
class Offer:
    """A detector on offer.

    Parameters
    ----------
    module, name : str
        Where to import its class from. A model stores the class by this name.
    max_records : int
        Reference records it can be fitted to in reasonable time; of more, the first are used.
    settings : mapping
        Keyword arguments that differ from PyOD's defaults.
    is_seeded : bool
        Whether it takes a `random_state`.
    """

    module: str
    name: str
    max_records: int
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
        # Drops zero-variance components.
        Offer("pyod.models.pca", "PCA", 100_000, {"n_components": 1 - 1e-6}, is_seeded=True),
        Offer("pyod.models.kde", "KDE", 5_000, {}),
        Offer("pyod.models.sampling", "Sampling", 100_000, {"subset_size": 64}, is_seeded=True),
    )
}
"""Detectors by their lower-case name."""
DEPENDS_ON_BATCH = {"ecod": "ECOD", "copod": "COPOD"}

# Small samples find anomalies that repeat in a mixed reference; large samples find anomalies inside the normal range of
# a clean one. Measured in examples/notes/views.md.
FEW_REFERENCES = {"n_references": 64, "n_draws": 50}
MANY_REFERENCES = {"n_references": 3072, "n_draws": 2}


@dataclass(frozen=True)
class Choice:
    """A detector to fit.

    Parameters
    ----------
    name : str
        Name of the detector.
    settings : mapping
        Keyword arguments of its class.
    is_distinct : bool
        Whether it is fitted to the distinct reference records instead of all.
    why : str
        Why it was chosen; empty when the user named it.
    """

    name: str
    settings: Mapping[str, Any]
    is_distinct: bool
    why: str

    def __str__(self) -> str:
        return f"{self.name}: {self.why}" if self.why else self.name


def detector_names() -> list[str]:
    """Return the names a user can choose from."""
    return ["auto", *(offer.name if offer.name != "Nearest" else "nearest" for offer in OFFERS.values())]


def check_detector(name: str) -> None:
    """Refuse a detector that is not on offer, before any work is done.

    Raises
    ------
    ConfigError
        When there is no detector of that name, or its score of a record depends on the rest of the batch.
    """
    folded = name.casefold()
    if folded in DEPENDS_ON_BATCH:
        raise ConfigError(
            f"{DEPENDS_ON_BATCH[folded]} is not offered: its score of a record depends on the other records in the "
            "batch; use HBOS, which is the most similar"
        )
    if folded not in ("auto", *OFFERS):
        names = detector_names()
        near = nearest_name(name, names)
        choices = near if near.endswith("?") else f"; choose from {', '.join(names)}"
        raise ConfigError(f"no such detector: {name}{choices}")


def choose_detector(name: str, *, clean: bool, n_records: int, n_distinct: int) -> Choice:
    """Choose the detector and its settings.

    Parameters
    ----------
    name : str
        Name of a detector, in any case; ``auto`` is ``nearest`` with settings that suit the reference.
    clean : bool
        Whether the reference is free of anomalies.
    n_records, n_distinct : int
        Reference records, and how many of them are distinct.

    Raises
    ------
    ConfigError
        See `check_detector`.
    """
    check_detector(name)
    folded = name.casefold()
    if folded not in ("auto", "nearest"):
        return Choice(OFFERS[folded].name, OFFERS[folded].settings, clean, "")
    draws = MANY_REFERENCES if clean else FEW_REFERENCES
    size = min(draws["n_references"], n_distinct) if clean else _few(draws["n_references"], n_records)
    samples = f"{draws['n_draws']} samples of {size:,} of the"
    if clean:
        return Choice("nearest", draws, clean, f"clean reference, {samples} {n_distinct:,} distinct records")
    why = f"mixed reference, {samples} {n_records:,} records: small samples, so that repeated anomalies cannot hide one"
    return Choice("nearest", draws, clean, f"{why} another")


def fit_detector(choice: Choice, reference: Vectors, seed: int) -> tuple[Detector, str | None]:
    """Fit a detector; when it cannot be fitted, `nearest`.

    Parameters
    ----------
    choice : Choice
        Name and settings.
    reference : ndarray of shape (n_records, n_features)
        Vectors of the reference records, in random order.
    seed : int
        Random state of the detector.

    Returns
    -------
    detector : Detector
    note : str or None
        Why `nearest` was fitted instead, if so.
    """
    offer = OFFERS[choice.name.casefold()]
    sample = reference[: offer.max_records]
    settings = {**choice.settings, **({"random_state": seed} if offer.is_seeded else {})}
    detector = getattr(import_module(offer.module), offer.name)(**settings)
    if offer.name == "Nearest":
        return _draw(detector, choice, sample), None
    problem = _fit(detector, sample)
    if problem is None:
        return detector, None
    nearest = import_module(OFFERS["nearest"].module).Nearest(**FEW_REFERENCES, random_state=seed)
    return _draw(nearest, choice, sample), f"{offer.name} {problem}; nearest is used instead"


def _draw(nearest: "Nearest", choice: Choice, sample: Vectors) -> "Nearest":
    if not choice.is_distinct:
        nearest.n_references = _few(nearest.n_references, len(sample))
    return nearest.draw(sample)


def _few(n_references: int, n_records: int) -> int:
    """Return how many records to draw at a time: at most half, as a record that is always drawn is never far."""
    return min(n_references, max(n_records // 2, 1))


def _fit(detector: Any, sample: Vectors) -> str | None:  # noqa: ANN401  # PyOD is untyped
    """Fit a detector, and return what is wrong with it, if anything."""
    probed = sample[:PROBED]
    try:
        with np.errstate(all="ignore"):
            detector.fit(sample)
            probe = raw_scores(detector, probed)
    except (ValueError, ArithmeticError, np.linalg.LinAlgError) as error:
        message = str(error).splitlines()[0] if str(error) else type(error).__name__
        return f"cannot be fitted to these records ({message})"
    if len(probe) > 1 and np.ptp(probe) == 0 and len(np.unique(probed, axis=0)) > 1:
        return "gives all records the same score"
    if np.abs(probe).max(initial=0.0) > LARGEST:
        return f"is numerically unstable on these records (raw scores above {LARGEST:g})"
    return None


def raw_scores(detector: Detector, vectors: Vectors) -> NDArray[np.float64]:
    """Score vectors in chunks, so that memory does not grow with their number.

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
    """The sum of a vector's features, for views whose features are already rarities."""

    def decision_function(self, X: Vectors) -> NDArray[np.float64]:  # noqa: N803
        """Return the sums, shape (n_records,); high = abnormal."""
        total = np.zeros(len(X))
        for feature in X.T:  # feature by feature: the rounding of a record's sum must not depend on its batch
            total += feature
        return total
