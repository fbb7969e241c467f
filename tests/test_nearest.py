import numpy as np
import pytest
from sklearn.base import clone

from anomembed import NearestDetector
from anomembed.represent.distances import BLOCK
from anomembed.score.nearest import Nearest
from anomembed.workers.compiled import compiler_spared
from anomembed.workers.lanes import WIDE

RNG = np.random.default_rng(0)


def by_brute_force(detector, records):
    references = detector.references_.astype(np.float64) + detector.center_
    gaps = np.linalg.norm(records[:, None, None, :] - references[None], axis=3)
    return gaps.min(axis=2).mean(axis=1)


@pytest.fixture(params=["compiled", "spared"])
def mode(request):
    """Compute distances by the compiled loop, and as those of few records are where none is loaded."""
    with compiler_spared(is_spared=request.param == "spared"):
        yield request.param


@pytest.mark.parametrize("width", [1, 3, 4, 17])
@pytest.mark.parametrize("n_references", [1, 2, 3, 4, 6, 64])
def test_scores_equal_brute_force(n_references, width, mode):
    data = RNG.normal(5, 2, (100, width)).astype(np.float32)
    detector = Nearest(n_references, n_draws=3).draw(data)
    records = RNG.normal(5, 4, (WIDE + 5, width)).astype(np.float32)
    found, expected = detector.decision_function(records), by_brute_force(detector, records)
    off = np.abs(found - expected) / np.linalg.norm(records - detector.center_, axis=1)
    assert np.median(off) < 1e-6
    assert off.max() < 1.5e-3  # distances that are lost in rounding are 0


def test_a_draw_holds_different_records():
    detector = Nearest(n_references=50, n_draws=4).draw(np.arange(50, dtype=np.float32)[:, None])
    drawn = np.sort(detector.references_ + detector.center_, axis=1)
    assert np.allclose(drawn[:, :, 0], np.arange(50), atol=1e-4)


def test_fewer_records_than_references():
    detector = Nearest(n_references=64, n_draws=5).draw(np.array([[0.0, 0], [3, 4]], np.float32))
    assert detector.decision_function(np.array([[3.0, 4], [6, 8]], np.float32)) == pytest.approx([0, 5], abs=1e-5)


@pytest.mark.parametrize("width", [1, 17, 128])
def test_copies_of_a_reference_have_distance_zero(width, mode):
    data = np.repeat(RNG.normal(1000, 1, (3, width)), 30, axis=0).astype(np.float32)
    assert Nearest(n_references=90, n_draws=4).draw(data).decision_function(data).max() == 0


def test_a_record_does_not_depend_on_its_batch():
    detector = Nearest(n_references=8, n_draws=5).draw(RNG.normal(size=(50, 7)).astype(np.float32))
    records = RNG.normal(size=(2 * BLOCK + 3, 7)).astype(np.float32)
    together = detector.decision_function(records)
    for size in (1, 7, 300):
        part = records[-size:]
        assert detector.decision_function(part).tobytes() == together[-size:].tobytes()
    assert detector.decision_function(records[:0]).shape == (0,)


def test_far_records_have_finite_scores_in_their_order(mode):
    detector = Nearest(n_draws=5).draw(RNG.normal(size=(100, 3)).astype(np.float32))
    far = np.array([[0, 0, 0], [1e3, 0, 0], [1e12, 0, 0], [1e16, 0, 0], [1e38, 0, 0]])
    scores = detector.decision_function(far)
    assert np.isfinite(scores).all()
    assert (np.diff(scores) > 0).all()


def test_seeds():
    data = RNG.normal(size=(300, 4))
    scores = [NearestDetector(random_state=seed).fit(data).decision_scores_ for seed in (0, 0, 1)]
    assert scores[0].tobytes() == scores[1].tobytes()
    assert not np.array_equal(scores[0], scores[2])


def test_pyod_contract():
    data = np.vstack([RNG.normal(size=(199, 3)), [[30.0, 30, 30]]])
    detector = NearestDetector(contamination=0.01).fit(data)
    assert detector.decision_scores_.argmax() == 199
    assert detector.labels_.tolist() == (detector.decision_scores_ > detector.threshold_).astype(int).tolist()
    assert detector.predict(data[-2:]).tolist() == [0, 1]
    assert detector.predict_proba(data[-2:]).shape == (2, 2)
    assert np.allclose(detector.decision_function(data), detector.decision_scores_)


def test_scikit_learn_contract():
    detector = NearestDetector(n_references=5, contamination=0.2).set_params(n_draws=7)
    copy = clone(detector)
    assert copy.get_params() == detector.get_params()
    assert (copy.n_references, copy.n_draws, copy.contamination) == (5, 7, 0.2)
    with pytest.raises(ValueError, match="fit"):
        copy.decision_function(np.zeros((1, 2)))
    with pytest.raises(ValueError, match="NaN"):
        copy.fit([[np.nan], [1.0]])
