"""Whole numbers are kept in few bytes, and come back bit for bit."""

import io

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from anomembed.write.checking import DamagedError, load_arrays
from anomembed.write.narrow import narrowed, widened

KINDS = st.sampled_from(["<f8", "<f4", "<i8", "<i4", "<u2", "|u1", "|b1"])


@given(KINDS.flatmap(lambda kind: arrays.arrays(kind, arrays.array_shapes(max_dims=2, min_side=0, max_side=5))))
def test_any_array_comes_back_bit_for_bit(array):
    back = widened(narrowed(array), array.dtype)
    assert back.dtype == array.dtype
    assert back.tobytes() == array.tobytes()


@pytest.mark.parametrize(
    ("highest", "size"), [(255, 1), (256, 2), (65_535, 2), (65_536, 4), (2**32 - 1, 4), (2**32, 8)]
)
def test_counts_take_as_few_bytes_as_the_largest_needs(highest, size):
    for kind in ("<f8", "<i8"):
        assert narrowed(np.array([0, highest, 1], kind)).itemsize == size


@pytest.mark.parametrize("odd", [-1.0, -0.0, 0.5, np.nan, np.inf, -np.inf, 1e300])
def test_what_is_no_count_is_left_as_it_is(odd):
    array = np.array([1.0, odd, 2.0])
    assert narrowed(array) is array


def test_the_order_in_memory_is_kept():
    array = np.asfortranarray(np.arange(12.0).reshape(3, 4))
    back = widened(narrowed(array), np.dtype("<f8"))
    assert back.flags.f_contiguous
    assert back.strides == array.strides


@pytest.mark.parametrize("kind", ["|O", "<M8[s]", "<U3", "<c16"])
def test_a_type_that_no_model_has_is_refused(kind):
    with pytest.raises(ValueError, match="no type of numbers"):
        widened(np.zeros(3, np.uint8), np.dtype(kind))


def test_what_is_kept_small_may_not_grow_beyond_the_bound(monkeypatch):
    file = io.BytesIO()
    np.savez(file, a0=np.zeros(500, np.uint8))
    monkeypatch.setattr("anomembed.write.checking.LARGEST_PART", 3_999)
    assert load_arrays(file.getvalue(), {})["a0"].dtype == np.uint8
    with pytest.raises(DamagedError, match="too large"):
        load_arrays(file.getvalue(), {"a0": "<f8"})
    monkeypatch.setattr("anomembed.write.checking.LARGEST_PART", 4_000)
    assert load_arrays(file.getvalue(), {"a0": "<f8"})["a0"].dtype == np.float64
