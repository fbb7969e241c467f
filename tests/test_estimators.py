import numpy as np
import pandas as pd
import polars as pl
import pytest
from sklearn.base import clone
from sklearn.cluster import KMeans
from sklearn.exceptions import NotFittedError
from sklearn.pipeline import make_pipeline

from anomembed import AnomembedDetector, RecordEmbedder

PETS = {"pet": ["cat", "dog", "cow"] * 60, "says": ["meow", "woof", "moo"] * 60, "age": [3.0, 5.0, 8.0, 4.0] * 45}
FRAME = pl.DataFrame(PETS)
ODD = pl.DataFrame({"pet": ["cat"], "says": ["moo"], "age": [4.0]})
ALL = pl.concat([FRAME, ODD])
ARRAY = np.array(ALL.rows(), dtype=object)


@pytest.fixture(scope="module")
def detector():
    return AnomembedDetector(contamination=1 / len(ALL)).fit(ALL)


@pytest.fixture(scope="module")
def embedder():
    return RecordEmbedder(width=4).fit(FRAME)


@pytest.mark.parametrize("estimator", [RecordEmbedder(width=3, seed=7), AnomembedDetector(width=3, clean=True, seed=7)])
def test_clones_have_the_same_settings_and_are_not_fitted(estimator):
    copy = clone(estimator.fit(FRAME))
    assert copy.get_params() == estimator.get_params()
    assert copy.set_params(seed=8).seed == 8
    assert not hasattr(copy, "model_")


def test_using_before_fitting_is_an_error():
    with pytest.raises(NotFittedError):
        RecordEmbedder().transform(FRAME)
    for method in ("decision_function", "predict", "predict_tail"):
        with pytest.raises(NotFittedError):
            getattr(AnomembedDetector(), method)(FRAME)


def test_vectors_are_small_finite_and_the_same_for_the_same_record(embedder):
    vectors = embedder.transform(FRAME)
    assert vectors.shape == (180, len(embedder.get_feature_names_out()))
    assert vectors.dtype == np.float32
    assert np.isfinite(vectors).all()
    assert (vectors[:12] == vectors[12:24]).all()
    assert embedder.transform(FRAME[:0]).shape == (0, vectors.shape[1])


def test_vectors_of_a_record_do_not_depend_on_the_others(embedder):
    together = embedder.transform(FRAME)
    alone = np.concatenate([embedder.transform(FRAME[place : place + 1]) for place in range(12)])
    assert alone.tobytes() == together[:12].tobytes()


def test_embedding_is_a_step_of_a_pipeline():
    pipeline = make_pipeline(RecordEmbedder(width=4), KMeans(3, n_init=5, random_state=0))
    clusters = pipeline.fit_predict(FRAME.drop("age"))
    assert len(set(zip(FRAME["pet"], clusters, strict=True))) == 3


@pytest.mark.parametrize("form", [lambda f: f, lambda f: f.to_pandas(), lambda f: f.to_arrow()], ids=["pl", "pd", "pa"])
def test_frames_of_all_kinds_give_the_same(detector, form):
    assert (detector.decision_function(form(ALL)) == detector.decision_scores_).all()
    fitted = AnomembedDetector().fit(form(ALL))
    assert (fitted.decision_scores_ == detector.decision_scores_).all()


def test_arrays_and_lists_give_what_frames_give(detector):
    for records in (ARRAY, ALL.rows()):
        fitted = AnomembedDetector().fit(records)
        assert fitted.decision_scores_ == pytest.approx(detector.decision_scores_)
        assert fitted.decision_function(ARRAY[-1:])[0] == pytest.approx(detector.decision_scores_[-1])


def test_an_array_of_numbers_finds_the_number_far_away():
    numbers = np.random.default_rng(0).normal(size=(300, 3))
    numbers[17] = 9
    assert AnomembedDetector().fit(numbers).decision_scores_.argmax() == 17


def test_the_planted_outlier_is_on_top(detector):
    assert detector.decision_scores_.argmax() == len(ALL) - 1
    assert detector.predict_tail(ALL).argmin() == len(ALL) - 1
    assert 0 < detector.predict_tail(ODD)[0] < 0.05


def test_it_has_what_a_detector_of_pyod_has(detector):
    assert detector.decision_scores_.shape == detector.labels_.shape == (len(ALL),)
    assert detector.labels_.sum() == detector.labels_[-1] == 1
    assert np.sort(detector.decision_scores_)[-2] <= detector.threshold_ <= detector.decision_scores_[-1]
    assert (detector.predict(ALL) == detector.labels_).all()
    assert detector.predict_proba(ALL).shape == (len(ALL), 2)
    assert detector.fit(ALL) is detector


def test_a_column_of_its_own_per_record_is_not_taken_for_a_key():
    frame = ALL.with_columns(name=pl.int_range(len(ALL)) * 37 % 181)
    assert not AnomembedDetector().fit(frame).model_.roles.key


def test_values_that_were_never_seen_and_missing_ones_have_scores(detector):
    strange = pl.DataFrame({"pet": ["fox", None], "says": ["?", None], "age": [None, 1e9]})
    scores = detector.decision_function(strange)
    assert np.isfinite(scores).all()
    assert scores[0] > np.median(detector.decision_scores_)


def test_pandas_categories_and_missing_values_are_read():
    frame = pd.DataFrame(PETS).astype({"pet": "category"})
    frame.loc[3, "says"] = None
    assert np.isfinite(AnomembedDetector().fit(frame).decision_scores_).all()
    assert RecordEmbedder().fit_transform(frame).shape[0] == 180


def test_the_same_seed_gives_the_same_bytes():
    first, second = (AnomembedDetector(seed=3).fit(ALL).decision_scores_.tobytes() for _ in range(2))
    assert first == second
    assert AnomembedDetector(seed=4).fit(ALL).decision_scores_.tobytes() != first
