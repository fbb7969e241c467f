import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import sparse

from anomembed.represent import counts as module
from anomembed.represent.counts import count_pairs

N_VALUES, N_COLUMNS = 5, 3
SIZE = N_VALUES * N_COLUMNS


@st.composite
def records(draw):
    value = st.lists(st.integers(0, N_VALUES - 1), min_size=N_COLUMNS, max_size=N_COLUMNS)
    rows = np.array(draw(st.lists(value, min_size=1, max_size=12)), np.int32) + N_VALUES * np.arange(N_COLUMNS)
    times = draw(st.lists(st.integers(1, 1000), min_size=len(rows), max_size=len(rows)))
    return rows.astype(np.int32), np.array(times)


def counted_one_by_one(rows, times):
    together = np.zeros((SIZE, SIZE))
    for row, n in zip(rows, times, strict=True):
        for a in row:
            for b in row:
                together[a, b] += n
    return together


@given(records())
def test_both_ways_of_counting_equal_counting_one_by_one(drawn):
    expected = counted_one_by_one(*drawn)
    assert (module._sparse_product(*drawn, SIZE).toarray() == expected).all()
    assert (module._dense_product(*drawn, SIZE).toarray() == expected).all()
    assert (count_pairs(*drawn, SIZE).together.toarray() == expected).all()


@given(records(), records())
def test_counts_add(day_1, day_2):
    both = count_pairs(*(np.concatenate(parts) for parts in zip(day_1, day_2, strict=True)), SIZE)
    summed = count_pairs(*day_1, SIZE) + count_pairs(*day_2, SIZE)
    assert summed.n_records == both.n_records == day_1[1].sum() + day_2[1].sum()
    assert (summed.together != both.together).nnz == 0
    assert summed.together.has_sorted_indices
    assert (summed.single == both.single).all()


def test_an_example_by_hand():
    counts = count_pairs(np.array([[0, 2], [0, 3], [1, 3]], np.int32), np.array([5, 2, 1]), 4)
    assert counts.n_records == 8
    assert counts.single.tolist() == [7, 1, 5, 3]
    assert counts.together[[0]].toarray().tolist() == [[7, 0, 5, 2]]


@pytest.mark.parametrize("n_tokens", [40, 4000])  # dense, sparse
def test_blocks_do_not_change_the_counts(n_tokens, monkeypatch):
    rng = np.random.default_rng(0)
    rows = (rng.integers(0, n_tokens // 4, (300, 4)) + n_tokens // 4 * np.arange(4)).astype(np.int32)
    times = rng.integers(1, 9, 300)
    at_once = count_pairs(rows, times, n_tokens).together
    monkeypatch.setattr(module, "BLOCK", 7)
    assert (count_pairs(rows, times, n_tokens).together != at_once).nnz == 0
    assert (at_once != sparse.csr_array(at_once.T)).nnz == 0


def test_in_a_wide_table_columns_are_compared_with_those_they_depend_on():
    rng = np.random.default_rng(3)
    n_columns, n_values = 2 * module.WIDE, 4
    values = rng.integers(0, n_values, (500, n_columns))
    values[:, 1::2] = (values[:, ::2] + 1) % n_values  # every second column follows from the one before it
    rows = (values + n_values * np.arange(n_columns)).astype(np.int32)
    times = rng.integers(1, 5, 500)
    counts = count_pairs(rows, times, n_values * n_columns)
    even = np.arange(0, n_columns, 2)
    assert counts.compared[even, even + 1].all()
    assert (counts.compared == counts.compared.T).all()
    assert counts.compared.sum(axis=1).mean() < 2 * module.PARTNERS + 1
    counted = np.kron(counts.compared, np.ones((n_values, n_values)))
    everything = module._dense_product(rows, times, n_values * n_columns).toarray()
    assert (counts.together.toarray() == everything * counted).all()
    again = count_pairs(rows[:100], times[:100], n_values * n_columns, counts.compared)
    assert (counts + again).n_records == times.sum() + times[:100].sum()
    with pytest.raises(ValueError, match="different pairs of columns"):
        _ = counts + count_pairs(rows, times, n_values * n_columns, np.ones_like(counts.compared))


def test_records_that_bring_too_many_pairs_are_left_out(monkeypatch):
    n_columns, n_values = 5, 1000
    values = np.random.default_rng(4).integers(0, n_values, (2000, n_columns))
    rows = (values + n_values * np.arange(n_columns)).astype(np.int32)
    times = np.ones(2000, np.int64)
    assert count_pairs(rows, times, n_values * n_columns).n_records == 2000
    monkeypatch.setattr(module, "MOST_ENTRIES", 10_000)
    counts = count_pairs(rows, times, n_values * n_columns)
    assert 800 < counts.n_records <= 1000  # ten pairs of columns
    first = module._sparse_product(rows[: counts.n_records], times[: counts.n_records], n_values * n_columns)
    assert (counts.together != first).nnz == 0


def test_meetings_are_the_rows_of_the_pair_counts():
    rng = np.random.default_rng(0)
    rows = rng.integers(0, 6, (40, 3)).astype(np.int32) + np.array([0, 7, 14], np.int32)  # no record has the tokens 6
    counts = count_pairs(rows, np.ones(len(rows), np.int64), 21)
    dense = counts.together.toarray()
    for token in range(21):
        for others in (np.array([3, 9, 20]), np.arange(7, 14), rows[0]):
            assert np.array_equal(counts.meetings(token, others), dense[token, others])
