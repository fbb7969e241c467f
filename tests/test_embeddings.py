import numpy as np
import pytest

from anomembed.represent.counts import count_pairs
from anomembed.represent.embeddings import ppmi_svd
from anomembed.represent.embeddings.ppmi_svd import fit_ppmi_svd, positive_pmi

N_COLUMNS, N_VALUES = 4, 6
SIZE = N_COLUMNS * N_VALUES


def count(values):
    rows = (values + N_VALUES * np.arange(values.shape[1])).astype(np.int32)
    return count_pairs(rows, np.ones(len(rows), np.int64), N_VALUES * values.shape[1])


@pytest.fixture(scope="module")
def communities():
    """Each record takes all its values from one of two communities: values 0-2 or 3-5 of every column."""
    rng = np.random.default_rng(0)
    return count(rng.integers(0, 3, (2000, N_COLUMNS)) + 3 * rng.integers(0, 2, (2000, 1)))


def cosines(vectors):
    unit = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    return unit @ unit.T


def test_tokens_of_a_community_are_nearer_than_others(communities):
    near = cosines(fit_ppmi_svd(communities, 4, 0).vectors[:, :2])
    community = np.arange(SIZE) % N_VALUES // 3
    same = community[:, None] == community
    assert near[same].min() > 0.9 > 0.5 > near[~same].max()


def test_synonyms_are_nearest_to_each_other():
    rng = np.random.default_rng(1)
    topic = rng.integers(0, 3, 3000)
    synonym = 2 * topic + rng.integers(0, 2, 3000)  # 0 and 1 mean topic 0, though they never meet
    values = np.column_stack([synonym, topic, (topic + rng.integers(0, 2, 3000)) % 3])
    near = cosines(fit_ppmi_svd(count(values), 3, 0).vectors[:N_VALUES])
    np.fill_diagonal(near, -1)
    assert near.argmax(axis=1).tolist() == [1, 0, 3, 2, 5, 4]


def test_products_of_vectors_and_contexts_are_the_ppmi(communities):
    """The associations of two communities are two blocks; all others are noise that a full width keeps, too."""
    ppmi = positive_pmi(communities).toarray()
    full = fit_ppmi_svd(communities, SIZE, 0)
    assert np.abs(full.vectors @ full.contexts.T - ppmi).max() < 0.05
    narrow = fit_ppmi_svd(communities, 8, 0)
    assert np.corrcoef((narrow.vectors @ narrow.contexts.T).ravel(), ppmi.ravel())[0, 1] > 0.95
    assert narrow.explained < full.explained <= 1
    left = np.square(narrow.vectors @ narrow.contexts.T - ppmi).sum()
    assert narrow.explained == pytest.approx(1 - left / np.square(ppmi).sum(), abs=1e-4)


def test_vectors_and_contexts_differ_where_a_dimension_repels():
    """Values 0 and 1 of two columns meet only crosswise: the second dimension attracts opposites."""
    rng = np.random.default_rng(0)
    coin = rng.integers(0, 2, 500)
    learnt = fit_ppmi_svd(count(np.column_stack([coin, 1 - coin])), 4, 0)
    products = learnt.vectors @ learnt.contexts.T
    assert products[0, N_VALUES + 1] > 0.5
    assert products[0, 0] == pytest.approx(0, abs=1e-5)
    assert (learnt.vectors @ learnt.vectors.T)[0, 0] > 0.5


def test_pmi_by_hand():
    ppmi = positive_pmi(count(np.repeat([[0, 0], [0, 1], [1, 1]], [5, 2, 1], axis=0))).toarray()
    assert ppmi[0, N_VALUES] == pytest.approx(np.log((5 + 1) / (7 * 5 / 8 + 1)))
    assert ppmi[0, N_VALUES + 1] == 0  # 2 records where chance would have 2.6
    assert (ppmi == ppmi.T).all()
    assert (np.diag(ppmi) == 0).all()


def test_the_largest_component_of_every_dimension_is_positive(communities):
    vectors = fit_ppmi_svd(communities, 6, 0).vectors
    assert (vectors[np.abs(vectors).argmax(axis=0), np.arange(6)] > 0).all()


def test_dense_and_sparse_decompositions_agree(communities, monkeypatch):
    dense = fit_ppmi_svd(communities, 5, 0)
    monkeypatch.setattr(ppmi_svd, "DENSE_TOKENS", 0)
    iterated, again = (fit_ppmi_svd(communities, 5, 3) for _ in range(2))
    assert iterated.vectors.tobytes() == again.vectors.tobytes()
    assert np.allclose(iterated.vectors @ iterated.contexts.T, dense.vectors @ dense.contexts.T, atol=1e-3)
    assert iterated.explained == pytest.approx(dense.explained)


def test_same_counts_same_bytes(communities):
    first, second = (fit_ppmi_svd(communities, 8, 0) for _ in range(2))
    assert first.vectors.tobytes() == second.vectors.tobytes()
    assert first.vectors.dtype == first.contexts.dtype == np.float32


def test_a_token_that_never_occurred_has_no_direction():
    learnt = fit_ppmi_svd(count(np.array([[0, 0], [1, 1], [2, 2]] * 20)), 4, 0)
    never = np.r_[3:6, 9:12]
    assert np.abs(learnt.vectors[never]).max() < 1e-6 < np.abs(learnt.vectors[0]).max()


@pytest.mark.parametrize("dense_tokens", [0, 1024])
@pytest.mark.parametrize("values", [np.arange(6)[:, None], np.zeros((9, 2), int)], ids=["one column", "constant"])
def test_nothing_meets_by_more_than_chance(values, dense_tokens, monkeypatch):
    monkeypatch.setattr(ppmi_svd, "DENSE_TOKENS", dense_tokens)
    learnt = fit_ppmi_svd(count(values), 2, 0)
    assert learnt.vectors.shape == learnt.contexts.shape
    assert not learnt.vectors.any()
    assert learnt.explained == 1


def test_width_is_what_the_vocabulary_allows():
    assert fit_ppmi_svd(count(np.array([[0, 0], [1, 1]] * 5)), 16, 0).width == 3
