import warnings

import numpy as np
import pytest
from skops.io import dumps

from anomembed.errors import ConfigError, StoreError
from anomembed.score.detectors import (
    OFFERS,
    Choice,
    Total,
    check_detector,
    choose_detector,
    detector_names,
    fit_detector,
    raw_scores,
)
from anomembed.score.keeping import dump_detector, load_detector

RNG = np.random.default_rng(0)
NORMAL = RNG.normal(size=(300, 6)).astype(np.float32)
NEW = np.vstack([RNG.normal(size=(40, 6)), np.full((1, 6), 9)]).astype(np.float32)


def fit(name, data=NORMAL, seed=0):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return fit_detector(choose_detector(name, clean=False, n_records=300, n_distinct=300), data, seed)


@pytest.mark.parametrize("name", OFFERS)
def test_contract(name):
    detector, note = fit(name)
    assert note is None
    scores = raw_scores(detector, NEW)
    assert np.isfinite(scores).all()
    assert scores[-1] > scores[:-1].max()
    assert raw_scores(detector, NEW[-1:]) == pytest.approx(scores[-1:], rel=1e-6)
    assert raw_scores(detector, NEW[:2]) == pytest.approx(scores[:2], rel=1e-6)
    assert raw_scores(fit(name)[0], NEW).tobytes() == scores.tobytes()
    assert raw_scores(load_detector(*dump_detector(detector)), NEW).tobytes() == scores.tobytes()


@pytest.mark.parametrize("n_records", [6, 20, 63, 64, 65, 100])
def test_a_record_of_a_small_mixed_reference_does_not_hide_behind_itself(n_records):
    data = np.vstack([NORMAL[: n_records - 1], np.full((1, 6), 9)]).astype(np.float32)
    choice = choose_detector("auto", clean=False, n_records=n_records, n_distinct=n_records)
    assert f"samples of {n_records // 2} of the" in choice.why
    scores = raw_scores(fit_detector(choice, data, 0)[0], data)
    assert scores[-1] > scores[:-1].max()


@pytest.mark.parametrize("name", OFFERS)
def test_features_without_variance_do_no_harm(name):
    flat = np.column_stack([NORMAL[:, :3], NORMAL[:, 0], np.zeros(300)]).astype(np.float32)
    detector, note = fit(name, flat)
    scores = raw_scores(detector, np.vstack([flat, flat[:1] + 20]))
    assert np.isfinite(scores).all()
    assert np.abs(scores).max() < 1e9
    assert scores[-1] > scores[:-1].max()
    assert note is None


@pytest.mark.parametrize("name", OFFERS)
def test_records_that_are_all_the_same(name):
    scores = raw_scores(fit(name, np.ones((60, 3), np.float32))[0], np.ones((5, 3), np.float32))
    assert np.isfinite(scores).all()
    assert np.ptp(scores) < 1e-6


def test_what_cannot_be_fitted_is_replaced_and_said():
    detector, note = fit("GMM", NORMAL[:5])
    assert type(detector).__name__ == "Nearest"
    assert note.startswith("GMM cannot be fitted to these records (")
    assert note.endswith("); nearest is used instead")


def test_a_numerically_unstable_detector_is_replaced():
    flat = np.column_stack([NORMAL, NORMAL[:, 0]])
    detector, note = fit_detector(
        Choice("PCA", {}, is_distinct=False, why=""), flat, 0
    )  # with the zero-variance component
    assert type(detector).__name__ == "Nearest"
    assert note.endswith("; nearest is used instead")


def test_other_seed_other_forest():
    assert not np.array_equal(raw_scores(fit("iforest", seed=0)[0], NEW), raw_scores(fit("iforest", seed=1)[0], NEW))


def test_totals_are_sums():
    assert raw_scores(Total(), np.array([[1, 2], [3, 4]], np.float32)).tolist() == [3, 7]
    assert raw_scores(load_detector(*dump_detector(Total())), np.ones((2, 3), np.float32)).tolist() == [3, 3]


@pytest.mark.parametrize(
    ("kind", "data"),
    [
        ("KNN", b"no zip"),
        ("Nearest", b"no zip"),
        ("Nearest", b""),
        ("PCA", dumps({"a": 1})),
        ("dict", dumps({"a": 1})),
        ("IForest", dumps(RNG)),
    ],
)
def test_foreign_content_is_refused(kind, data):
    with pytest.raises(StoreError, match="the detector in the store"):
        load_detector(kind, data)


def test_damaged_content_is_refused():
    kind, data = dump_detector(fit("nearest")[0])
    with pytest.raises(StoreError, match="damaged"):
        load_detector(kind, data[:-100])
    kind, data = dump_detector(fit("hbos")[0])
    with pytest.raises(StoreError, match="is a HBOS, not a KNN"):
        load_detector("KNN", data)


def test_names_in_any_case():
    assert choose_detector("iforest", clean=True, n_records=9, n_distinct=9).name == "IForest"
    assert {name.lower() for name in detector_names()} == {"auto", *OFFERS}


@pytest.mark.parametrize(("clean", "references", "shown"), [(False, 64, "64"), (True, 3072, "1,000")])
def test_the_choice_says_why(clean, references, shown):
    choice = choose_detector("auto", clean=clean, n_records=9000, n_distinct=1000)
    assert choice.settings["n_references"] == references
    assert choice.is_distinct is clean
    assert f"samples of {shown} of the" in choice.why
    assert str(choice).startswith("nearest: clean reference" if clean else "nearest: mixed reference")
    assert ("1,000 distinct" if clean else "9,000 records") in choice.why


def test_a_named_detector_needs_no_reason():
    assert str(choose_detector("knn", clean=False, n_records=9, n_distinct=9)) == "KNN"


@pytest.mark.parametrize(
    ("name", "message"), [("iforrest", "did you mean 'IForest'"), ("ECOD", "depends on the other records")]
)
def test_detectors_that_are_not_on_offer(name, message):
    with pytest.raises(ConfigError, match=message):
        check_detector(name)
