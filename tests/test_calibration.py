import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from anomembed.score.calibration import count_in, fit_calibration

FINITE = st.floats(-1e18, 1e18)
RNG = np.random.default_rng(0)


@given(st.lists(FINITE | st.sampled_from([0.0, 1.0, 2.0]), min_size=1, max_size=300), st.lists(FINITE, max_size=20))
@example([0.0] * 5 + [1.0] * 3 + [-3.0, -3.0, -4.0], [-7.9e-87])  # a hair before a point, rounded to beyond it
def test_the_tail_never_rises_with_the_score_and_is_a_probability(reference, others):
    raw = np.sort(np.array([*reference, *others, -1e18, 1e18]))
    tail = fit_calibration(np.array(reference)).tail_probability(raw)
    assert (np.diff(tail) <= 0).all()
    assert tail.min() > 0
    assert tail.max() <= 1


@pytest.mark.parametrize("draw", [RNG.exponential, lambda size: RNG.normal(size=size)])
def test_the_share_of_new_records_below_a_tail_probability_is_that_probability(draw):
    tail = fit_calibration(draw(size=20_000)).tail_probability(draw(size=200_000))
    for probability in (0.5, 0.1, 0.01, 0.001):
        assert 0.5 < (tail < probability).mean() / probability < 2


def test_the_tail_goes_on_beyond_the_largest_score():
    reference = RNG.exponential(size=5000)
    calibration = fit_calibration(reference)
    assert calibration.largest == reference.max()
    tail = calibration.tail_probability(np.linspace(calibration.largest, calibration.largest * 100, 500))
    assert (np.diff(tail) < 0).all()
    assert 0 < tail[-1] < 1e-4
    assert 0.02 < tail[0] * 5001 < 10


def test_a_share_is_extrapolated_beyond_all_scores_or_where_it_is_lower_than_they_can_show():
    reference = np.sort(np.random.default_rng(5).exponential(size=5000))
    reference[-3:] = reference[-4] + [1.0, 1.8, 2.6]  # rarer, by the fitted tail, than one in 5,000
    held_out, own = fit_calibration(reference), fit_calibration(reference, is_own=True)
    assert not held_out.is_extrapolated(reference).any()
    assert held_out.is_extrapolated(reference[-1:] + 1e-9).all()
    assert np.flatnonzero(own.is_extrapolated(reference)).tolist() == [4999]


def test_what_was_taken_from_the_reference_is_counted_in():
    """Normal scores without the largest of them, as flags take them, calibrate as all of them do."""
    n, n_missing, rng = 20_000, 20, np.random.default_rng(1)
    reference = np.sort(rng.exponential(size=n).round(3))
    whole, truncated = fit_calibration(reference), fit_calibration(reference[:-n_missing])
    counted_in = count_in(truncated, rng.permutation(reference[-n_missing:]), n_missing / n)
    raw = np.sort(rng.exponential(size=400_000))
    tail, of_whole = counted_in.tail_probability(raw), whole.tail_probability(raw)
    assert (np.diff(tail) <= 0).all()
    assert tail == pytest.approx(of_whole, rel=0.03)
    assert (truncated.tail_probability(raw) < 0.001).sum() > 1.4 * (tail < 0.001).sum()
    assert counted_in.n_reference == n
    half = count_in(fit_calibration(reference[:-n_missing][::2]), reference[-n_missing:], n_missing / n)
    assert half.n_reference == n // 2
    assert half.tail_probability(raw)[of_whole > 3e-4] == pytest.approx(of_whole[of_whole > 3e-4], rel=0.3)
    assert count_in(truncated, reference[:10], 0.1) is truncated


def test_scores_below_all_of_the_reference_are_told_apart():
    tail = fit_calibration(RNG.normal(10, 1, 500)).tail_probability(np.linspace(5, 7, 20))
    assert (np.diff(tail) < 0).all()
    assert tail.min() > 0.99


def test_median_and_quantiles_are_counted():
    tail = fit_calibration(np.arange(1000.0)).tail_probability(np.array([500.0, 750, 900]))
    assert tail == pytest.approx([0.5, 0.25, 0.1], abs=0.002)


@pytest.mark.parametrize("n", [1, 2, 10])
def test_few_scores(n):
    calibration = fit_calibration(np.arange(n, dtype=float))
    assert not calibration.is_fitted
    tail = calibration.tail_probability(np.array([n - 1.0, n, n + 10, n + 1000]))
    assert (np.diff(tail) < 0).all()
    assert tail[0] > 1 / (n + 1) / 4


def test_scores_that_are_all_equal():
    calibration = fit_calibration(np.full(100, 3.0))
    below, same, above, far = calibration.tail_probability(np.array([2.0, 3.0, 3.1, 30.0]))
    assert same == pytest.approx(0.5, abs=0.01)
    assert below > same > 0.01 > above > far > 0


def test_half_of_the_ties_count_as_more_abnormal():
    tail = fit_calibration(np.repeat([0.0, 1.0], [300, 700])).tail_probability(np.array([0.0, 1.0]))
    assert tail == pytest.approx([0.85, 0.35], abs=0.01)


def test_a_tail_is_never_thinner_than_was_counted_unless_the_records_judge_themselves():
    """Of 5,000 scores 13 lie far out on their own: no smooth tail of the others could know of them."""
    rng = np.random.default_rng(7)
    reference = np.concatenate([rng.exponential(size=4987), rng.uniform(60, 100, 13)])
    fresh = np.linspace(55, 120, 200)
    counted = fit_calibration(reference).tail_probability(fresh)
    assert (counted[fresh < 60] > 13 / 5001).all()
    assert counted[-1] < 1 / 5001
    assert (np.diff(counted) < 0).all()
    assert (fit_calibration(reference, is_own=True).tail_probability(fresh) <= counted).all()


def test_the_most_abnormal_of_a_table_can_be_significant_in_its_own_scan():
    rng = np.random.default_rng(8)
    reference = np.concatenate([rng.exponential(size=5000), [40.0]])
    assert fit_calibration(reference, is_own=True).tail_probability(np.array([40.0]))[0] < 0.2 / 5001
