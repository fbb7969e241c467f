"""The compiled kernels take the same steps as their twins in plain NumPy."""

import numpy as np
import polars as pl
import pytest
import twins
from test_learners import make_corpus, make_event_corpus

from anomembed.represent.embeddings.epochs import pull_back, start_vectors
from anomembed.represent.embeddings.fasttext import find_parts
from anomembed.represent.embeddings.imported import Imported
from anomembed.represent.embeddings.kernels.cbow import train_cbow
from anomembed.represent.embeddings.kernels.copies import merge_copies
from anomembed.represent.embeddings.kernels.glove import train_glove
from anomembed.represent.embeddings.kernels.skipgram import train_skipgram
from anomembed.represent.embeddings.sampling import make_samples

WIDTH = 11  # padded to 16
RATES = 0.3, 0.1
KERNELS = {"skipgram": (train_skipgram, twins.train_skipgram), "cbow": (train_cbow, twins.train_cbow)}


def make_records(n_columns):
    rng = np.random.default_rng(0)
    return make_corpus(pl.DataFrame(rng.integers(0, 3, (12, n_columns)).astype(str)))


def make_events():
    rng = np.random.default_rng(1)
    return make_event_corpus([[f"{event}" for event in rng.integers(0, 4, n)] for n in rng.integers(2, 12, 15)])


CORPORA = {"records": make_records(4), "wide records": make_records(20), "events": make_events()}


def import_some(corpus, use):
    """Imported vectors for every third token."""
    if use is None:
        return None
    rng = np.random.default_rng(2)
    known = np.arange(corpus.size) % 3 == 0
    return Imported((0.1 * rng.normal(size=(corpus.size, WIDTH))).astype(np.float32), known, use, 3.0, ())


@pytest.mark.parametrize("use", [None, "frozen", "fine-tune"])
@pytest.mark.parametrize("name", CORPORA)
@pytest.mark.parametrize("kernel", KERNELS)
def test_a_pass_through_the_sequences_equals_its_twin(kernel, name, use):
    compare(*KERNELS[kernel], CORPORA[name], import_some(CORPORA[name], use), None)


def test_skipgram_of_subwords_equals_its_twin():
    corpus = make_corpus(pl.DataFrame({"a": ["shop 1", "store 1", "shop 2", "store 2"] * 3, "b": list("xxyy") * 3}))
    hashes, *parts = find_parts(corpus)
    assert len(hashes)
    compare(*KERNELS["skipgram"], corpus, None, parts, len(hashes))


def compare(kernel, twin, corpus, imported, parts, n_pieces=0):
    vectors = start_vectors(corpus.size + n_pieces, WIDTH, 0, imported) * np.float32(5)
    contexts = start_vectors(corpus.size, WIDTH, 1) * np.float32(5)
    samples, _ = make_samples(corpus, 2, 3, pull_back(vectors, imported, corpus.occurrences), parts)
    order = np.repeat(np.arange(len(samples.starts) - 1), 3)
    ours = [vectors.copy(), contexts.copy()]
    theirs = [vectors.astype(np.float64), contexts.astype(np.float64)]
    loss, n = kernel(*ours, order, *RATES, np.uint64(7), *samples.arguments())
    expected, n_expected = twin(*theirs, order, RATES, 7, samples)
    assert n == n_expected
    assert loss == pytest.approx(expected, rel=1e-3)
    for before, mine, twins_own in zip((vectors, contexts), ours, theirs, strict=True):
        assert np.abs(mine - before).max() > 0.01
        assert np.allclose(mine, twins_own, atol=2e-4)


@pytest.mark.parametrize("use", [None, "frozen", "fine-tune"])
def test_a_pass_of_glove_equals_its_twin(use):
    corpus = CORPORA["records"]
    imported, rng = import_some(corpus, use), np.random.default_rng(3)
    first, second = np.nonzero(~np.eye(corpus.size, dtype=bool))
    pairs = first, second, rng.random(len(first), np.float32), rng.random(len(first), np.float32)
    vectors, contexts = start_vectors(corpus.size, WIDTH, 0, imported), start_vectors(corpus.size, WIDTH, 1)
    pulls, anchors = pull_back(vectors, imported, corpus.occurrences)
    biases = np.zeros((2, corpus.size), np.float32)
    state = [vectors, contexts, biases, *(np.ones_like(array) for array in (vectors, contexts, biases))]
    order = rng.permutation(np.repeat(np.arange(len(first)), 4))
    (v, c, b, of_v, of_c, of_b), theirs = [array.copy() for array in state], [array.astype(float) for array in state]
    loss = train_glove(v, c, of_v, of_c, b, of_b, *pairs, order, np.float32(0.1), pulls, anchors)
    expected = twins.train_glove(theirs[0], theirs[1], theirs[3:], theirs[2], pairs, order, 0.1, pulls, anchors)
    assert loss == pytest.approx(expected, rel=1e-4)
    for mine, twins_own in zip((v, c, b, of_v, of_c, of_b), theirs, strict=True):
        assert np.allclose(mine, twins_own, atol=1e-4)


def test_copies_merge_to_the_mean_change_of_those_that_changed():
    base = np.array([[1, 2], [3, 4], [5, 6]], np.float32)
    copies = np.stack([base, base])
    copies[0, 0] += 1
    copies[:, 1] += [[2, 0], [4, 2]]
    merge_copies(base, copies)
    assert base.tolist() == [[2, 3], [6, 5], [5, 6]]
