import copy
import pickle

import joblib
import numpy as np
import pandas as pd
import polars as pl
import pytest
from pyod.models.base import BaseDetector
from pyod.models.hbos import HBOS
from scipy import sparse
from sklearn.base import clone
from sklearn.cluster import KMeans
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.utils.estimator_checks import parametrize_with_checks

from anomembed import AnomembedDetector, RecordEmbedder, scan
from anomembed.errors import ConfigError, UserError
from anomembed.read.roles.role import Role

PETS = {"pet": ["cat", "dog", "cow"] * 60, "says": ["meow", "woof", "moo"] * 60, "age": [3.0, 5.0, 8.0, 4.0] * 45}
FRAME = pl.DataFrame(PETS)
ODD = pl.DataFrame({"pet": ["cat"], "says": ["moo"], "age": [4.0]})
ALL = pl.concat([FRAME, ODD])
ARRAY = np.array(ALL.rows(), dtype=object)


# What a detector of PyOD does in another way than one of scikit-learn.
PYOD_DIFFERS = {
    "check_do_not_raise_errors_in_init_or_set_params": "PyOD refuses a wrong contamination at once",
    "check_outliers_fit_predict": "PyOD's labels are 0 and 1, not 1 and -1",
    "check_outliers_train": "PyOD's labels are 0 and 1, and a high decision function is abnormal",
}


@parametrize_with_checks(
    [RecordEmbedder(), AnomembedDetector()],
    expected_failed_checks=lambda estimator: PYOD_DIFFERS if isinstance(estimator, BaseDetector) else {},
)
def test_scikit_learn_checks(estimator, check):
    check(estimator)


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


def test_scores_for_scikit_learn_have_its_direction(detector):
    samples = detector.score_samples(ALL)
    assert (samples == -detector.decision_scores_).all()
    assert ((samples < detector.offset_) == (detector.predict(ALL) == 1)).all()


@pytest.mark.parametrize("contamination", [0.02, 0.1, 0.3])
def test_probabilities_are_right_on_average(contamination):
    n, n_odd = 1000, 20
    numbers = np.random.default_rng(0).normal(size=(n, 4))
    numbers[:n_odd] += 3
    detector = AnomembedDetector(contamination=contamination).fit(numbers)
    probability = detector.predict_proba(numbers)
    assert probability.sum(axis=1) == pytest.approx(np.ones(n))
    assert probability[:, 1].mean() == pytest.approx(contamination, abs=1e-6)
    assert (np.argsort(probability[:, 1], kind="stable") == np.argsort(detector.decision_scores_, kind="stable")).all()
    assert probability[:n_odd, 1].mean() > 3 * probability[n_odd:, 1].mean()
    if contamination == n_odd / n:  # the truth: then they are better than the same probability for all
        truth = np.arange(n) < n_odd
        assert ((probability[:, 1] - truth) ** 2).mean() < 0.8 * truth.mean() * (1 - truth.mean())


def test_probabilities_of_pyod_and_its_confidence_are_there_for_rows_too(detector):
    for method in ("linear", "unify"):
        assert detector.predict_proba(ALL.rows()[-3:], method).shape == (3, 2)
    probability, confidence = detector.predict_proba(ALL.rows()[-3:], return_confidence=True)
    assert (probability == detector.predict_proba(ALL)[-3:]).all()
    assert (confidence == detector.predict_confidence(ALL)[-3:]).all()
    with pytest.raises(ValueError, match="not a valid probability conversion method"):
        detector.predict_proba(ALL, "other")


def test_reasons_are_those_of_a_scan_and_come_in_the_order_of_the_records(detector):
    explained = detector.explain(ALL)
    flags = scan(ALL, config={"flags": {"budget": 3}}).flags.frame
    assert explained.columns == ["raw_score", "tail_probability", "view", "reason"]
    assert (explained["raw_score"].to_numpy() == detector.decision_scores_).all()
    rows = explained[(flags["row_number"] - 1).to_list()]
    assert rows["reason"].to_list() == flags["reason"].to_list()
    assert "moo" in detector.explain(ODD)["reason"][0]
    assert detector.explain(ODD).equals(explained[-1:])
    with pytest.raises(UserError, match="no records to explain"):
        detector.explain(ODD[:0])


def test_more_records_are_explained_than_are_at_once(detector):
    many = pl.concat([FRAME] * 3 + [ODD])
    reasons = detector.explain(many)["reason"]
    assert len(reasons) == len(many)
    assert reasons[-1] == detector.explain(ODD)["reason"][0]
    assert not reasons.str.contains("flags, of which").any()


def test_fractions_are_numbers_however_few_they_are_and_frames_are_inferred():
    few = np.random.default_rng(0).integers(0, 3, (100, 2))
    roles = AnomembedDetector().fit(few.astype(float)).model_.roles
    assert [column.role for column in roles.columns] == [Role.NUMBER] * 2
    roles = AnomembedDetector().fit(pd.DataFrame(few)).model_.roles
    assert [column.role for column in roles.columns] == [Role.CATEGORY] * 2


def test_columns_are_known_by_name_and_refused_when_they_are_others(detector):
    assert (detector.n_features_in_, list(detector.feature_names_in_)) == (3, ["pet", "says", "age"])
    for wrong in (ALL.select("says", "pet", "age"), ALL.drop("age"), ALL.rename({"age": "years"})):
        with pytest.raises(ValueError, match="feature names should match"):
            detector.predict(wrong)
    with pytest.raises(ValueError, match="2 features, but AnomembedDetector is expecting 3"):
        detector.predict(ALL.drop("age").rows())


def test_an_unset_value_in_a_single_record_is_missing(detector):
    for alone in ([{"pet": "cat", "says": "moo", "age": None}], [["cat", "moo", None]]):
        assert np.isfinite(detector.decision_function(alone)).all()


def test_vectors_come_out_as_frames_when_asked(embedder):
    for kind, frame in (("pandas", FRAME.to_pandas()), ("polars", FRAME)):
        out = clone(embedder).set_output(transform=kind).fit_transform(frame)
        assert type(out).__module__.startswith(kind)
        assert list(out.columns) == list(embedder.get_feature_names_out())
    indexed = FRAME.to_pandas().set_index(pd.Index(range(500, 680), name="id"))
    fitted = clone(embedder).set_output(transform="pandas").fit(indexed)
    assert "id" not in fitted.feature_names_in_
    assert (fitted.transform(indexed).index == indexed.index).all()


def test_embedding_is_before_a_classifier():
    farm = FRAME.with_columns(food=pl.col("pet").replace({"cat": "fish", "dog": "bone", "cow": "grass"}))
    pipeline = make_pipeline(RecordEmbedder(width=8), LogisticRegression(C=100))
    assert pipeline.fit(farm, farm["pet"]).score(farm, farm["pet"]) == 1
    assert list(pipeline.predict([{"pet": "cow", "says": "moo", "age": None, "food": "grass"}])) == ["cow"]


def test_it_stands_in_a_loop_beside_a_detector_of_pyod():
    numbers = np.random.default_rng(0).normal(size=(300, 3))
    numbers[17] = 9
    for each in (HBOS(), AnomembedDetector()):
        each.fit(numbers)
        assert each.decision_scores_.argmax() == each.decision_function(numbers).argmax() == 17
        assert 0 < each.labels_.sum() <= 30
        assert each.predict(numbers)[17] == each.labels_[17] == 1


COPIES = {
    "pickle": lambda fitted, path: pickle.loads(pickle.dumps(fitted)),
    "joblib": lambda fitted, path: joblib.load(joblib.dump(fitted, path / "fitted.joblib")[0]),
    "deepcopy": lambda fitted, path: copy.deepcopy(fitted),
    "copy": lambda fitted, path: copy.copy(fitted),
}


@pytest.mark.parametrize("way", COPIES.values(), ids=COPIES)
def test_copies_of_what_is_fitted_do_the_same(way, detector, embedder, tmp_path):
    kept = way(detector, tmp_path)
    assert kept.decision_function(ALL).tobytes() == detector.decision_scores_.tobytes()
    assert kept.explain(ODD).equals(detector.explain(ODD))
    assert way(detector.model_, tmp_path).config == detector.model_.config
    assert way(embedder, tmp_path).transform(FRAME).tobytes() == embedder.transform(FRAME).tobytes()


def test_a_wrong_setting_is_an_error_of_ours():
    with pytest.raises(ConfigError, match=r"^RecordEmbedder: embedding\.width = 0: it must be at least 1"):
        RecordEmbedder(width=0).fit(FRAME)
    with pytest.raises(ConfigError, match=r"^AnomembedDetector: seed = -1: it must be"):
        AnomembedDetector(seed=-1).fit(FRAME)
    with pytest.raises(ValueError, match="contamination"):
        AnomembedDetector(contamination=0.7)


@pytest.mark.parametrize("form", ["csr", "dok", "lil"])
def test_sparse_records_are_refused(form):
    with pytest.raises(TypeError, match="dense data is required"):
        AnomembedDetector().fit(sparse.csr_array(np.eye(20)).asformat(form))
