"""Every learner finds a structure that was planted, and random vectors do not."""

import numpy as np
import polars as pl
import pytest

from anomembed.cli import options
from anomembed.config import Config, EmbeddingConfig
from anomembed.config.section import descriptions
from anomembed.errors import ConfigError
from anomembed.fit.model import learn_model
from anomembed.read.table import Table
from anomembed.represent.counts import count_pairs
from anomembed.represent.embeddings import rounds, sampling
from anomembed.represent.embeddings.corpus import record_corpus, sequence_corpus
from anomembed.represent.embeddings.fitting import choose_width, fit_embeddings
from anomembed.represent.embeddings.kernels import negative_sampling
from anomembed.represent.embeddings.subwords import hash_pieces
from anomembed.represent.keys import distinct
from anomembed.represent.learners import LEARNERS
from anomembed.represent.sequences import count_neighbours, encode_sequences
from anomembed.represent.tokens.learning import category_tokens
from anomembed.represent.tokens.value_counts import count_values
from anomembed.represent.tokens.vocabulary import FIRST_VALUE, Vocabulary
from anomembed.workers.compiled import compiled
from anomembed.workers.lanes import aligned
from anomembed.write.models import load_model, save_model
from anomembed.write.store import Store

BASELINES = {"onehot", "random"}
REAL = sorted(name for name in set(LEARNERS) - BASELINES if not LEARNERS[name].is_network)  # test_neural.py has those
SAMPLED = ["skipgram", "cbow", "fasttext"]
WITH_EPOCHS = [*SAMPLED, "glove"]
NO_PULL = np.zeros(0, np.float32), np.zeros((1, 16), np.float32)


def make_corpus(frame):
    columns = tuple(category_tokens(name, count_values(frame[name]), 1) for name in frame.columns)
    vocabulary = Vocabulary(columns)
    rows, _, times = distinct(vocabulary.encode(frame))
    return record_corpus(vocabulary, rows, times, count_pairs(rows, times, vocabulary.size))


def make_event_corpus(lists):
    events = pl.Series(lists)
    tokens = category_tokens("event", count_values(events.explode()), 1)
    rows, place = encode_sequences(events, pl.Series([None] * len(events)), tokens).distinct()
    times = np.bincount(place)
    return sequence_corpus(tokens, rows, times, count_neighbours(rows, times, len(tokens.labels)))


def learn(corpus, method, seed=0, progress=None, **settings):
    settings = {"width": 8, "epochs": 40, **settings}
    return fit_embeddings(corpus, EmbeddingConfig(method=method, **settings), seed, progress)


def cosines(vectors):
    unit = vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-9)
    return unit @ unit.T


def tokens_of(corpus, column):
    """Token ids of the values of a column, by value."""
    place = [tokens.name for tokens in corpus.columns].index(column)
    labels = corpus.columns[place].labels[FIRST_VALUE:]
    return {label: int(corpus.offsets[place]) + FIRST_VALUE + i for i, label in enumerate(labels)}


@pytest.fixture(scope="module")
def communities():
    """Each record takes nine in ten values from one of two communities: values 0-2 or 3-5 of every column."""
    rng = np.random.default_rng(0)
    values = rng.integers(0, 3, (2000, 4)) + 3 * (rng.integers(0, 2, (2000, 1)) ^ (rng.random((2000, 4)) < 0.1))
    return make_corpus(pl.DataFrame(values.astype(str), schema=list("abcd")))


@pytest.fixture(scope="module")
def merchants():
    """Merchants with two spellings each, which never meet: what goes with one goes with the other."""
    rng = np.random.default_rng(1)
    shop = rng.integers(0, 6, 3000)
    spelling = np.where(rng.random(3000) < 0.5, "shop", "store")
    frame = {"merchant": [f"{kind}{i}" for kind, i in zip(spelling, shop, strict=True)]}
    for column in "abcd":
        own = (shop + rng.integers(0, 2, 3000)) % 6
        frame[column] = np.where(rng.random(3000) < 0.9, own, rng.integers(0, 6, 3000)).astype(str)
    return make_corpus(pl.DataFrame(frame))


def separation(corpus, learnt):
    """How much nearer tokens of the same community are, on average, than those of different ones; 0 to 2."""
    used = np.flatnonzero(corpus.occurrences)
    labels = [label for tokens in corpus.columns for label in tokens.labels]
    community = np.array([int(labels[token]) // 3 for token in used])
    near = cosines(learnt.vectors[used])
    same = (community[:, None] == community) & ~np.eye(len(used), dtype=bool)
    return near[same].mean() - near[community[:, None] != community].mean()


def share_of_synonyms(corpus, learnt):
    """Share of spellings whose nearest merchant is their other spelling."""
    tokens = tokens_of(corpus, "merchant")
    names = list(tokens)
    near = cosines(learnt.vectors[list(tokens.values())])
    np.fill_diagonal(near, -2)
    return np.mean([names[i][-1] == names[j][-1] for i, j in enumerate(near.argmax(axis=1))])


@pytest.mark.parametrize("method", REAL)
def test_communities_are_found(communities, method):
    assert separation(communities, learn(communities, method, width=4)) > 0.5


@pytest.mark.parametrize("method", REAL)
def test_two_spellings_of_a_merchant_are_nearest_to_each_other(merchants, method):
    assert share_of_synonyms(merchants, learn(merchants, method)) > 0.9


@pytest.mark.parametrize("method", sorted(BASELINES))
def test_baselines_know_neither(communities, merchants, method):
    """What the two tests above measure is not there by itself."""
    assert separation(communities, learn(communities, method, width=4)) < 0.2
    assert share_of_synonyms(merchants, learn(merchants, method)) < 0.6


@pytest.mark.parametrize("method", REAL)
def test_products_of_vectors_and_contexts_rank_pairs(communities, method):
    """Pairs that attract have larger products than pairs that repel, in at least 97 of 100 comparisons."""
    learnt = learn(communities, method)
    used = np.flatnonzero(communities.occurrences)
    column = np.searchsorted(communities.offsets, used, side="right")
    products = (learnt.vectors @ learnt.contexts.T)[np.ix_(used, used)]
    counts = communities.counts
    by_chance = np.outer(counts.single, counts.single) / counts.n_records
    meets = (counts.together.toarray() > by_chance)[np.ix_(used, used)]
    apart = column[:, None] != column
    yes, no = products[meets & apart], products[~meets & apart]
    assert (yes[:, None] > no).mean() > 0.97


@pytest.mark.parametrize("method", REAL)
def test_events_that_stand_together_are_near(method):
    rng = np.random.default_rng(2)
    kinds = rng.integers(0, 2, (600, 1)) ^ (rng.random((600, 12)) < 0.1)
    lists = [[f"{'xy'[kind]}{rng.integers(4)}" for kind in row] for row in kinds]
    corpus = make_event_corpus(lists)
    tokens = tokens_of(corpus, "event")
    near = cosines(learn(corpus, method, width=3).vectors[list(tokens.values())])
    kind = np.array([name[0] for name in tokens])
    same = (kind[:, None] == kind) & ~np.eye(len(kind), dtype=bool)
    assert near[same].mean() - near[kind[:, None] != kind].mean() > 0.5


@pytest.mark.parametrize("method", sorted({*REAL, *BASELINES}))
def test_same_seed_same_bytes(merchants, method):
    first, again = (learn(merchants, method, epochs=2) for _ in range(2))
    assert first.vectors.tobytes() == again.vectors.tobytes()
    assert first.contexts.tobytes() == again.contexts.tobytes()
    assert first.vectors.dtype == first.contexts.dtype == np.float32
    assert first.losses == again.losses
    assert 0 <= first.explained <= 1


@pytest.mark.parametrize("method", [*WITH_EPOCHS, "random"])
def test_another_seed_gives_others(merchants, method):
    assert (
        learn(merchants, method, epochs=1).vectors.tobytes() != learn(merchants, method, 1, epochs=1).vectors.tobytes()
    )


@pytest.mark.parametrize("method", WITH_EPOCHS)
def test_the_seed_says_where_vectors_begin(merchants, method):
    begun = [learn(merchants, method, seed, epochs=1, learning_rate=1e-30).vectors for seed in (0, 0, 1)]
    assert np.array_equal(begun[0], begun[1])
    used = merchants.occurrences > 0
    assert abs(np.corrcoef(begun[0][used].ravel(), begun[2][used].ravel())[0, 1]) < 0.3


@pytest.mark.parametrize("method", REAL)
def test_a_record_teaches_as_often_as_it_occurs(method):
    """The same four records in two tables, frequent in one where they are rare in the other."""
    often, seldom = ([["x", "u"], ["y", "v"]], [["x", "v"], ["y", "u"]])
    for many, few in ((often, seldom), (seldom, often)):
        rows = many * 90 + few * 10
        corpus = make_corpus(pl.DataFrame(rows, schema=["a", "b"], orient="row"))
        learnt, a, b = learn(corpus, method, width=2), tokens_of(corpus, "a"), tokens_of(corpus, "b")
        products = learnt.vectors @ learnt.contexts.T
        assert all(products[a[i], b[k]] > products[a[i], b[j]] + 0.1 for i, k in many for j in "uv" if j != k)


def test_pairs_that_never_meet_although_they_could_are_taught_to_glove():
    """Values 0-5 of a go with the same of b, but 5 with all: only what never happens tells it from the others."""
    rows = [(f"{i}", f"{i}") for i in range(6) for _ in range(50)] + [
        ("5", f"{i}") for i in range(6) for _ in range(50)
    ]
    corpus = make_corpus(pl.DataFrame(rows, schema=["a", "b"], orient="row"))
    learnt, a, b = learn(corpus, "glove"), tokens_of(corpus, "a"), tokens_of(corpus, "b")
    products = learnt.vectors @ learnt.contexts.T
    apart = [products[a[f"{i}"], b[f"{j}"]] for i in range(5) for j in range(5) if i != j]
    together = [products[a[f"{i}"], b[f"{i}"]] for i in range(5)]
    assert min(together) > max(apart) + 0.5


def test_the_graph_puts_linked_values_of_two_columns_near_each_other():
    """A chain: each value of a goes with two neighbouring ones of b. Without the filter a and b are at right angles."""
    rows = [(f"{i:02}", f"{i + step:02}") for i in range(12) for step in range(2) for _ in range(20)]
    corpus = make_corpus(pl.DataFrame(rows, schema=["a", "b"], orient="row"))
    ends = [list(tokens_of(corpus, column).values())[:12] for column in "ab"]
    plain, smooth = (
        cosines(learn(corpus, method, width=16).vectors)[np.ix_(*ends)] for method in ("ppmi-svd", "graph")
    )
    assert np.diag(smooth).mean() > np.diag(smooth, 3).mean() + 0.4
    assert abs(np.diag(plain)).max() < 0.01


@pytest.mark.parametrize("method", SAMPLED)
def test_parts_of_the_work_do_not_depend_on_the_processors(communities, method, monkeypatch):
    monkeypatch.setattr(rounds, "ROUND", 200)
    found = []
    for n in (1, 2):
        monkeypatch.setattr(rounds, "n_processors", lambda n=n: n)
        found.append(learn(communities, method, epochs=20))
    assert found[0].vectors.tobytes() == found[1].vectors.tobytes()
    assert separation(communities, found[0]) > 0.5


@pytest.mark.parametrize("method", WITH_EPOCHS)
def test_the_loss_falls_and_is_told(communities, method):
    told = []
    learnt = learn(communities, method, epochs=6, progress=lambda *epoch: told.append(epoch))
    assert learnt.losses[-1] < learnt.losses[0]
    assert told == [(i, 6, loss) for i, loss in enumerate(learnt.losses, 1)]


@pytest.mark.parametrize("method", WITH_EPOCHS)
def test_learning_ends_when_the_loss_no_longer_falls(communities, method):
    learnt = learn(communities, method, epochs=1000, learning_rate=1e-30)
    assert 6 <= len(learnt.losses) < 100
    assert f"learning ended after {len(learnt.losses)} of 1,000 epochs: the loss no longer fell" in learnt.notes
    assert learn(communities, method, epochs=1).notes == ()


@pytest.mark.parametrize("method", WITH_EPOCHS)
def test_a_loss_that_is_no_number_ends_in_a_sentence(communities, method):
    with pytest.raises(ConfigError, match=r"epoch \d+ of 40.*lower embedding.learning_rate, which is 1e\+20"):
        learn(communities, method, learning_rate=1e20)


@pytest.mark.parametrize("method", sorted({*REAL, *BASELINES}))
@pytest.mark.parametrize(
    "frame",
    [
        {"a": ["x"] * 20},
        {"a": ["x"] * 20, "b": ["y"] * 20},
        {"a": [str(i) for i in range(20)]},
        {"a": [None] * 20, "b": ["y", "z"] * 10},
        {"a": ["x", "y"] * 10, "b": ["x", "y"] * 10},
    ],
    ids=["one token", "constant", "one column", "null", "tiny"],
)
def test_what_has_nothing_to_teach_teaches_nothing(frame, method):
    corpus = make_corpus(pl.DataFrame(frame, schema_overrides=dict.fromkeys(frame, pl.String)))
    learnt = learn(corpus, method, width=1024, epochs=3)
    assert learnt.vectors.shape == learnt.contexts.shape == (corpus.size, max(corpus.n_used - 1, 1))
    assert np.isfinite(learnt.vectors).all()
    assert np.isfinite(learnt.contexts).all()
    assert not learnt.vectors[corpus.occurrences == 0].any()


def test_an_unseen_misspelling_is_nearest_to_its_original():
    rng = np.random.default_rng(3)
    names = ["Scarlet Lantern Fuel", "Pebble Fox Market", "Olive Sparrow Bakery", "Birch Canyon Garage"]
    shop = rng.integers(0, 4, 2000)
    goods = np.array(["fuel", "food", "bread", "parts"])[shop]
    corpus = make_corpus(pl.DataFrame({"merchant": np.array(names)[shop], "goods": goods}))
    learnt = learn(corpus, "fasttext")
    seen = learnt.vectors[[tokens_of(corpus, "merchant")[name] for name in names]]
    misspelt = ["Scarlett Lantern Fuel", "PEBBLE FOX MRKET", "Olive Sparow Bakery", "Birch Canyon Garage #2"]
    composed = learnt.subwords.compose("merchant", misspelt)
    near = cosines(np.vstack([seen, composed]))[4:, :4]
    assert near.argmax(axis=1).tolist() == [0, 1, 2, 3]
    assert not learnt.subwords.compose("merchant", ["zzz", ""]).any()
    assert not learnt.subwords.compose("goods of another table", ["fuel"]).any()


def test_onehot_has_a_place_for_every_value_unless_a_width_was_asked_for():
    corpus = make_corpus(
        pl.DataFrame({"a": [f"x{i % 40}" for i in range(400)], "b": [f"y{i % 7}" for i in range(400)]})
    )
    used = corpus.occurrences > 0
    vectors = fit_embeddings(corpus, EmbeddingConfig(method="onehot"), 0).vectors[used]
    assert np.array_equal(vectors @ vectors.T, np.eye(47))
    assert len(np.unique(learn(corpus, "onehot", width=8).vectors[used], axis=0)) == 8


def test_pieces_of_a_long_value_are_bounded_and_shared():
    long = "connection from 10.0.0.1 refused by policy " * 20
    pieces = hash_pieces("event", long)
    assert len(pieces) == 64
    assert len(np.intersect1d(pieces, hash_pieces("event", long + "today"))) > 50
    assert not len(np.intersect1d(pieces, hash_pieces("other", long)))


def test_names_in_the_configuration_are_those_of_the_learners():
    names = EmbeddingConfig.model_json_schema()["properties"]["method"]["enum"]
    assert names == list(LEARNERS)
    assert f": {', '.join(names[:-1])} or {names[-1]}." in options.METHODS
    meanings = descriptions(EmbeddingConfig)
    assert all(meanings[name].endswith(f" {', '.join(SAMPLED[:])}.") for name in ("negatives", "window"))


def test_a_name_that_there_is_not(communities):
    with pytest.raises(ConfigError, match="did you mean 'skipgram'"):
        fit_embeddings(communities, EmbeddingConfig().model_copy(update={"method": "skipgran"}), 0)


def test_automatic_widths():
    assert [choose_width("auto", "cbow", n) for n in (1, 10, 100, 1_000, 10_000, 10**6)] == [1, 9, 16, 24, 48, 64]
    assert [choose_width("auto", "onehot", n) for n in (1, 100, 10_000)] == [1, 100, 256]


def test_draws_follow_the_counts_of_a_column():
    frame = pl.DataFrame({"a": ["x"] * 70 + ["y"] * 20 + ["z"] * 10, "b": ["u", "v"] * 50})
    corpus = make_corpus(frame)
    noise = sampling.make_samples(corpus, 3, 5, NO_PULL)[0].noise
    state, drawn = np.uint64(1), []
    low, high = corpus.offsets[:2]
    for _ in range(5000):
        token, state = negative_sampling.draw(state, int(low), int(high), noise)
        state = np.uint64(state)
        drawn.append(int(token))
    share = np.bincount(drawn, minlength=int(high)) / len(drawn)
    assert np.allclose(share[FIRST_VALUE:], [0.7, 0.2, 0.1], atol=0.03)


def test_steps_and_loss_follow_the_formula():
    rng = np.random.default_rng(0)
    width, rate, outputs, used = 32, np.float32(0.1), np.array([5, 2, 0, 7]), [1, 2, 4]
    inputs, contexts = aligned((6, width)), aligned((8, width))
    inputs[:], contexts[:] = rng.normal(size=inputs.shape) * 0.5, rng.normal(size=contexts.shape) * 0.5
    inputs[4], contexts[2], contexts[5] = 1, 0.4, 0.4  # products of 12.8, right and wrong: the function is cut off at 8
    at = inputs[used].astype(float) @ contexts[outputs].astype(float).T
    truth, weight = np.array([1, 0, 0, 0]), np.array([1, 1 / 3, 1 / 3, 1 / 3])
    far = (truth - 1 / (1 + np.exp(-np.clip(at, -8, 8)))) * weight * rate
    expected = np.zeros((7, width))
    expected[[2, 3, 5]] = far @ contexts[outputs]  # a row further on than the inputs
    moved = contexts.astype(float)
    moved[outputs] += far.T @ inputs[used]
    loss = float((np.logaddexp(0, np.where(truth, -at, at)) * weight).sum())
    for parts in ([(0, 4)], [(0, 1), (1, 2), (2, 3), (3, 4)]):  # as CBOW does, and as skip-gram
        found, ours = aligned((7, width)), contexts.copy()
        told, so_far = negative_sampling.make_room(12), negative_sampling.start_loss()
        for low, high in parts:
            negative_sampling.fit_outputs(inputs, found, 1, 1, 3, 3, ours, outputs, low, high, rate, told, so_far)
        assert np.allclose(found, expected, atol=1e-5)
        assert np.allclose(ours, moved, atol=1e-5)
        assert negative_sampling.total_loss(so_far, 3) == pytest.approx(loss, abs=0.01)


def test_what_runs_away_is_no_progress():
    """Vectors that are far too long are right without end: the loss must not fall below nothing for it."""
    values = [f"{i}" for i in range(40)] * 10
    corpus = make_corpus(pl.DataFrame({"a": values, "b": values}))
    for method in ("skipgram", "cbow"):
        try:
            assert min(learn(corpus, method, learning_rate=2.0).losses) >= 0
        except ConfigError as error:
            assert "lower embedding.learning_rate" in str(error)


def test_a_loop_is_compiled_where_nothing_can_be_kept():
    found = {}
    exec(compile("def twice(x):\n    return 2 * x", "<nowhere>", "exec"), found)
    assert compiled()(found["twice"])(21) == 42


def test_the_loss_outlasts_any_number_of_chances():
    told, loss = negative_sampling.make_room(1_000), negative_sampling.start_loss()
    told[negative_sampling.CHANCE] = 0.001
    negative_sampling.multiply(loss, negative_sampling.DRAWN, np.float32(0.25), told, 0, 1_000)
    assert negative_sampling.total_loss(loss, 4) == pytest.approx(1_000 * np.log(1_000) / 4, rel=1e-5)


@pytest.mark.parametrize("method", sorted({*REAL, *BASELINES}))
def test_a_model_by_any_method_is_kept_whole(database, tmp_path, method):
    path = database(
        "CREATE TABLE pets AS SELECT i AS id, 'p' || i % 3 AS pet, 's' || i % 3 AS says FROM range(300) t(i)"
    )
    config = Config(embedding={"method": method, "epochs": 2}, roles={"key": ["id"]})
    with Table(path, "pets") as table, Store(tmp_path / "store.duckdb") as store:
        model = learn_model(table, config)
        kept = load_model(store, save_model(model, store))
    assert kept.embeddings.method == method
    assert kept.embeddings.vectors.tobytes() == model.embeddings.vectors.tobytes()
    assert kept.embeddings.losses == model.embeddings.losses
    assert (kept.embeddings.subwords is None) == (method != "fasttext")


@pytest.mark.parametrize("method", SAMPLED)
def test_long_sequences_are_cut_and_learnt_from(method):
    """One sequence of 2,000 events in which x and y take turns, ten at a time."""
    events = [f"{'xy'[i // 10 % 2]}{i % 7 % 3}" for i in range(2000)]
    corpus = make_event_corpus([events])
    samples, times = sampling.make_samples(corpus, 3, 5, NO_PULL)
    assert np.diff(samples.starts).tolist() == [32] * 62 + [16]
    assert times.tolist() == [1] * 63
    just_too_long = make_event_corpus([[str(i) for i in range(33)], ["a", "b"]])
    cut = sampling.make_samples(just_too_long, 3, 5, NO_PULL)[0]
    assert sorted(np.diff(cut.starts)) == [2, 16, 17]  # no event alone, which would keep no company
    tokens = tokens_of(corpus, "event")
    learnt = learn(corpus, method, width=2, epochs=100)
    kind = np.array([name[0] for name in tokens])
    place = list(tokens.values())
    products = (learnt.vectors @ learnt.contexts.T)[np.ix_(place, place)]
    same = kind[:, None] == kind
    assert products[same].mean() > products[~same].mean() + 0.5
