"""Where numbers lie among others, and sums of what tokens stand for: by compiled loops and without."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from anomembed.represent.keys import Ascending, look_up, sum_rows
from anomembed.workers.compiled import compiler_spared

POINTS = st.lists(
    st.floats(-1e6, 1e6) | st.sampled_from([0.0, 5e-324, 1e-300, 1.0, 1 + 2**-52, 1e15, -1e200]),
    min_size=1,
    max_size=40,
)


@pytest.fixture(params=["compiled", "spared"])
def mode(request):
    with compiler_spared(is_spared=request.param == "spared"):
        yield


def about(points):
    """Return the points, their neighbours, and what lies between them."""
    near = np.concatenate([points, np.nextafter(points, np.inf), np.nextafter(points, -np.inf)])
    between = (points[1:] + points[:-1]) / 2
    return np.clip(np.concatenate([near, between]), points[0], points[-1])


@pytest.mark.parametrize("spared", [False, True])
@given(points=POINTS)
def test_the_step_is_that_of_a_search(spared, points):
    points = np.sort(np.array(points))
    wanted = about(points)
    with compiler_spared(is_spared=spared):
        found = Ascending(points).before(wanted)
    assert found.tolist() == (np.searchsorted(points, wanted, "right") - 1).tolist()


@pytest.mark.parametrize("shape", [0.2, 1.0, 30.0])
def test_the_step_is_found_however_the_points_lie(shape):
    points = np.unique(np.random.default_rng(0).gamma(shape, 1, 4000) ** 5)
    wanted = about(points)
    assert (Ascending(points).before(wanted) == np.searchsorted(points, wanted, "right") - 1).all()


def test_what_is_no_number_is_at_no_place_out_of_bounds():
    assert Ascending(np.array([1.0, 2.0, 3.0])).before(np.array([np.nan, 2.5])).tolist() == [0, 1]


@pytest.mark.parametrize("kind", [np.float32, np.float64])
def test_rows_are_summed_up_column_by_column(mode, kind):
    rng = np.random.default_rng(1)
    table, tokens = rng.normal(size=(50, 7)).astype(kind), rng.integers(0, 50, (300, 4)).astype(np.int32)
    wanted = np.zeros((300, 7), kind)
    for column in tokens.T:
        wanted += table[column]
    assert sum_rows(table, tokens).tobytes() == wanted.tobytes()
    assert sum_rows(table, tokens[:, ::2])[:5].tobytes() == sum_rows(table, tokens[:5, ::2]).tobytes()
    assert sum_rows(table, tokens[:0]).shape == (0, 7)


def test_keys_are_looked_up_and_others_have_nothing(mode):
    rng = np.random.default_rng(2)
    keys = np.unique(rng.integers(-(2**60), 2**60, 500))
    values = rng.normal(size=len(keys))
    found = dict(zip(keys.tolist(), values.tolist(), strict=True))
    wanted = np.concatenate([keys, keys + 1, keys - 1, [-(2**62), 2**62]])
    assert look_up(Ascending(keys), values, wanted).tolist() == [found.get(key, 0.0) for key in wanted.tolist()]
    assert look_up(Ascending(keys[:0]), values[:0], wanted).tolist() == [0.0] * len(wanted)
