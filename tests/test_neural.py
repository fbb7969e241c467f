"""Neural learners find what was planted, keep what they learnt, and say what they cannot do."""

import subprocess
import sys
from dataclasses import replace

import numpy as np
import polars as pl
import pytest
from databases import opened

from anomembed.config import Config, EmbeddingConfig
from anomembed.errors import ConfigError
from anomembed.in_memory import fit_model, score_table
from anomembed.read.vectors import TokenVectors
from anomembed.represent.counts import count_pairs
from anomembed.represent.embeddings.corpus import record_corpus, sequence_corpus
from anomembed.represent.embeddings.fitting import fit_embeddings
from anomembed.represent.embeddings.neural import next_event
from anomembed.represent.embeddings.neural.networks import make_classes
from anomembed.represent.embeddings.neural.pieces import OUTSIDE, READ_BEFORE, SCORED_AT_ONCE, Pieces
from anomembed.represent.embeddings.neural.training import _adam
from anomembed.represent.keys import distinct
from anomembed.represent.learners import LEARNERS
from anomembed.represent.sequences import Sequences, count_neighbours, count_ngrams, encode_sequences
from anomembed.represent.tokens.learning import category_tokens
from anomembed.represent.tokens.value_counts import count_values
from anomembed.represent.tokens.vocabulary import Vocabulary
from anomembed.write.models import load_model, save_model
from anomembed.write.schema import migrations
from anomembed.write.store import Store

try:
    import torch
except ImportError:
    torch = None

needs_torch = pytest.mark.skipif(torch is None, reason="the extra neural is not installed")
NEURAL = [name for name, method in LEARNERS.items() if method.is_network]
NEXT_EVENT = [name for name in NEURAL if LEARNERS[name].fits == ("sequences",)]
MIDDLE = [f"step{i}" for i in range(5)]
RIGHT = [["red", *MIDDLE, "rose"], ["blue", *MIDDLE, "sky"]]  # the first event decides the last, five events later
WRONG = ["red", *MIDDLE, "sky"]


class Events:
    """Sequences as a learner gets them."""

    def __init__(self, lists, min_count=1):
        self.tokens = category_tokens("event", count_values(pl.Series(lists).explode()), min_count)
        rows, place = self.encode(lists).distinct()
        self.rows, self.times = rows, np.bincount(place)
        size = len(self.tokens.labels)
        self.corpus = sequence_corpus(self.tokens, rows, self.times, count_neighbours(rows, self.times, size))

    def encode(self, lists):
        return encode_sequences(pl.Series(lists), pl.Series([None] * len(lists)), self.tokens)


def learn(corpus, method, seed=0, progress=None, **settings):
    return fit_embeddings(corpus, EmbeddingConfig(method=method, **{"width": 8, **settings}), seed, progress)


def parade(n=40):
    return Events(RIGHT * n)


@pytest.fixture(scope="module")
def trained():
    """Every next-event network, fitted to the same sequences once."""
    events = parade()
    return {method: learn(events.corpus, method) for method in NEXT_EVENT}


@needs_torch
@pytest.mark.parametrize("method", NEXT_EVENT)
def test_a_step_out_of_order_that_only_a_long_memory_sees_is_the_greatest_surprise(trained, method):
    events = parade()
    judged = events.encode([*RIGHT, WRONG])
    surprise, starts = trained[method].network.surprise(judged)
    assert surprise.argmax() == starts[2] + len(WRONG) - 1
    assert surprise[: starts[2]].max() < 1.0 < 3.0 < surprise.max()
    grams = count_ngrams(events.rows, events.times, events.corpus.size).surprise(judged, 0.0)[0]
    assert grams[starts[2] :].max() == pytest.approx(grams[: starts[2]].max())  # the last six events are usual


@needs_torch
@pytest.mark.parametrize("method", NEXT_EVENT)
def test_chances_are_those_of_the_surprise_and_sum_to_one(trained, method):
    judged = parade().encode([WRONG])
    network = trained[method].network
    for place, nats in enumerate(network.surprise(judged)[0]):
        before = judged.first(np.array([place]))
        [chances] = network.chances(before)
        many = network.chances(
            parade().encode([WRONG, *RIGHT, WRONG]).first(np.array([place, *map(len, RIGHT), place]))
        )
        assert (many[[0, -1]] == chances).all()  # whatever stands beside it
        seen = judged.events[place] if place < len(judged.events) else network.n_tokens + 1
        assert chances.sum() == pytest.approx(1.0)
        assert -np.log(chances[seen]) == pytest.approx(nats, rel=1e-5)


@needs_torch
@pytest.mark.parametrize("method", NEXT_EVENT)
def test_an_event_never_seen_surprises_more_than_any_other(trained, method):
    events = parade()
    lists = [["red", "comet", *MIDDLE[1:], "rose"], WRONG, ["comet"]]
    surprise, starts = trained[method].network.surprise(events.encode(lists))
    assert surprise.argmax() in (1, starts[2])
    assert np.isfinite(surprise).all()


@needs_torch
@pytest.mark.parametrize("method", NEXT_EVENT)
def test_a_surprise_does_not_depend_on_the_batch(trained, method):
    rng = np.random.default_rng(0)
    kinds = [*MIDDLE, "red", "blue", "rose"]
    judged = parade().encode([rng.choice(kinds, rng.integers(1, 40)).tolist() for _ in range(600)])
    network = trained[method].network
    together, starts = network.surprise(judged)
    for row in (0, 7, 300, 599):
        alone = network.surprise(judged[row : row + 1])[0]
        assert alone.tobytes() == together[starts[row] : starts[row + 1]].tobytes()


@needs_torch
@pytest.mark.parametrize("method", NEURAL)
def test_same_bytes_twice_and_others_with_another_seed(method, pets):
    corpus = pets[0] if method == "autoencoder" else parade(2).corpus
    state, n_threads = torch.random.get_rng_state(), torch.get_num_threads()
    first, again, other = (learn(corpus, method, seed, epochs=1) for seed in (0, 0, 1))
    assert first.vectors.tobytes() == again.vectors.tobytes() != other.vectors.tobytes()
    assert first.network.inputs.tobytes() == again.network.inputs.tobytes() != other.network.inputs.tobytes()
    assert first.losses == again.losses
    assert torch.equal(state, torch.random.get_rng_state())
    assert torch.get_num_threads() == n_threads


@needs_torch
@pytest.mark.parametrize("method", NEURAL)
def test_the_loss_is_told_and_falls_and_learning_stops(method, pets):
    corpus = pets[0] if method == "autoencoder" else parade().corpus
    told = []
    losses = learn(corpus, method, progress=lambda *epoch: told.append(epoch), epochs=4).losses
    assert told == [(i + 1, 4, loss) for i, loss in enumerate(losses)]
    assert losses[-1] < 0.8 * losses[0]
    assert len(learn(corpus, method, epochs=100, learning_rate=1e-30).losses) == 3  # nothing is learnt: it gives up


@needs_torch
@pytest.mark.parametrize("method", NEURAL)
def test_a_loss_beyond_all_bounds_names_the_epoch_and_the_setting(method, pets):
    corpus = pets[0] if method == "autoencoder" else parade(2).corpus
    with pytest.raises(ConfigError, match=r"epoch 1 of 20.*lower embedding.learning_rate, which is 1e\+30"):
        learn(corpus, method, learning_rate=1e30)


@needs_torch
@pytest.mark.parametrize("method", NEXT_EVENT)
@pytest.mark.parametrize("lists", [[["one"], ["one"]], [["one"] * 300, ["two"]], [[str(i)] for i in range(2500)]])
def test_odd_references_are_learnt_from(method, lists):
    """One kind of event, a sequence that goes on and on, and more kinds than a network tells apart."""
    events = Events(lists)
    learnt = learn(events.corpus, method, width=1024 if len(lists) == 2 else 4, epochs=1)
    assert 1 <= learnt.width <= max(events.corpus.n_used - 1, 1)
    assert len(learnt.network.output_bias) <= next_event.MOST_CLASSES
    surprise, starts = learnt.network.surprise(events.encode([lists[0], ["unheard of"]]))
    assert np.isfinite(surprise).all()
    assert surprise[starts[1]] > surprise[0]


def test_pieces_judge_every_place_once_and_bound_what_is_held():
    rng = np.random.default_rng(0)
    lengths = np.array([1, SCORED_AT_ONCE - 1, SCORED_AT_ONCE, 5, 20_000])
    starts = np.concatenate([[0], np.cumsum(lengths)])
    sequences = Sequences(rng.integers(0, 9, starts[-1]).astype(np.int32), starts)
    pieces = Pieces(sequences, 9)
    assert pieces.lengths.max() == SCORED_AT_ONCE + READ_BEFORE
    before, places = pieces.padded(np.arange(len(pieces)), reach=3)
    judged = places[places != OUTSIDE]
    assert sorted(judged.tolist()) == list(range(starts[-1] + len(lengths)))
    row, step = np.nonzero(places == pieces.starts[4] + 10_000)  # in the middle of the long one
    assert before[row[0], step[0] : step[0] + 3].tolist() == sequences.events[starts[4] + 9_997 :][:3].tolist()
    assert before[1, :4].tolist() == [10, 10, 9, sequences.events[starts[1]]]  # nothing, nothing, the start, an event


def test_a_piece_is_read_from_some_events_before_it():
    sequences = Sequences(np.arange(600, dtype=np.int32), np.array([0, 600]))
    pieces = Pieces(sequences, 600)
    before, places = pieces.padded(np.array([1]))
    assert before[0, :33].tolist() == list(range(223, 256))  # 32 are only read, as long a memory as was measured
    assert places[0, :34].tolist() == [OUTSIDE] * 32 + [256, 257]


@needs_torch
def test_one_steep_gradient_does_not_outweigh_those_after_it():
    weight = torch.zeros(1, 1, requires_grad=True)
    step = _adam(torch, [weight], weight, torch.zeros(1, 1))
    for slope in (-1e6, *[1.0] * 30):
        (weight * slope).sum().backward()
        step(0.01)
    assert weight.item() < 0


@needs_torch
@pytest.mark.parametrize("method", NEURAL)
def test_the_seed_says_where_a_network_begins(method, pets):
    corpus = parade().corpus if method in NEXT_EVENT else pets[0]
    begun = [learn(corpus, method, seed, epochs=1, learning_rate=1e-30).vectors for seed in (0, 0, 1)]
    assert np.array_equal(begun[0], begun[1])
    used = corpus.occurrences > 0
    assert abs(np.corrcoef(begun[0][used].ravel(), begun[2][used].ravel())[0, 1]) < 0.5


@needs_torch
@pytest.mark.parametrize("method", NEXT_EVENT)
def test_a_sequence_weighs_as_the_root_of_how_often_it_occurs(method):
    events = Events([["x", "often"]] * 81 + [["x", "seldom"]] * 9)
    surprise, starts = learn(events.corpus, method).network.surprise(events.rows)
    nats = sorted(surprise[starts[:2] + 1].tolist())
    assert nats == pytest.approx([-np.log(9 / 12), -np.log(3 / 12)], abs=0.1)


def test_rare_classes_share_the_last_one():
    classes = make_classes(np.array([0.0, 5, 1, 3, 1]), 3)
    assert classes.of_token.tolist() == [2, 0, 2, 1, 2]
    assert classes.share.tolist() == [0, 1, 0.5, 1, 0.5]
    nats = classes.nats(np.arange(5), np.full(5, np.log(3.0)))
    assert nats.argmax() == 0
    assert np.exp(-nats).sum() == pytest.approx(1.0)


def animals(n=300):
    """Records whose three columns say the same in different words."""
    kind = np.arange(n) % 3
    words = {"pet": ["cat", "dog", "cow"], "says": ["meow", "woof", "moo"], "eats": ["fish", "bone", "grass"]}
    return pl.DataFrame({name: np.array(values)[kind] for name, values in words.items()})


@pytest.fixture
def pets():
    frame = animals()
    vocabulary = Vocabulary(tuple(category_tokens(name, count_values(frame[name]), 1) for name in frame.columns))
    rows, _, times = distinct(vocabulary.encode(frame))
    return record_corpus(vocabulary, rows, times, count_pairs(rows, times, vocabulary.size)), vocabulary


@needs_torch
def test_the_autoencoder_blames_the_value_that_does_not_fit(pets):
    corpus, vocabulary = pets
    network = learn(corpus, "autoencoder").network
    odd = pl.DataFrame({"pet": ["cat", "cat", "cat"], "says": ["meow", "woof", "ribbit"], "eats": ["fish"] * 3})
    tokens = vocabulary.encode(odd)
    nats = network.nats(tokens)
    assert nats.argmax(axis=1)[1:].tolist() == [1, 1]
    assert nats[0].max() < 1.0 < 2.0 < nats[1, 1] < nats[2, 1]
    assert network.nats(np.repeat(tokens, 400, axis=0))[400].tobytes() == network.nats(tokens[1:2])[0].tobytes()


@needs_torch
def test_a_value_is_judged_with_itself_hidden(pets):
    """What it is told from are the others alone, so the chances of all that it might be sum to one."""
    corpus, vocabulary = pets
    network = learn(corpus, "autoencoder", epochs=3).network
    rows = np.repeat(vocabulary.encode(animals(1)), vocabulary.offsets[2] - vocabulary.offsets[1], axis=0)
    rows[:, 1] = np.arange(vocabulary.offsets[1], vocabulary.offsets[2])
    assert np.exp(-network.nats(rows)[:, 1]).sum() == pytest.approx(1.0)


@needs_torch
def test_values_that_keep_the_same_company_get_near_vectors_from_the_autoencoder():
    rng = np.random.default_rng(0)
    camp = rng.integers(2, size=1000)
    pick = {name: 3 * camp + rng.integers(3, size=1000) for name in ("drink", "vessel", "room")}
    frame = pl.DataFrame({name: np.char.add(name[0], values.astype(str)) for name, values in pick.items()})
    vocabulary = Vocabulary(tuple(category_tokens(name, count_values(frame[name]), 1) for name in frame.columns))
    rows, _, times = distinct(vocabulary.encode(frame))
    corpus = record_corpus(vocabulary, rows, times, count_pairs(rows, times, vocabulary.size))
    drinks = pl.DataFrame({"drink": [f"d{i}" for i in range(6)], "vessel": "v0", "room": "r0"})
    vectors = learn(corpus, "autoencoder").vectors[vocabulary.encode(drinks)[:, 0]]
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    cosine, mates = vectors @ vectors.T, np.equal.outer(np.arange(6) // 3, np.arange(6) // 3)
    assert cosine[mates].min() > 0.2 > cosine[~mates].max()


@needs_torch
def test_scan_by_the_autoencoder_finds_the_odd_record_and_says_why(run, database, tmp_path):
    frame = animals(600).with_row_index("id")
    frame = frame.with_columns(says=pl.when(pl.col("id") == 100).then(pl.lit("moo")).otherwise("says"))
    frame.write_parquet(tmp_path / "pets.parquet")
    outcome = run("scan", "pets.parquet", "--embedding", "autoencoder", "--budget", "1", "--format", "csv")
    assert outcome.code == 0, outcome.err
    assert "of the 201 records with says=moo usually: cow (200)" in outcome.out
    assert outcome.out.splitlines()[1].startswith("100,")
    with opened("anomembed.duckdb", read_only=True) as store:
        share = "SELECT sum(contribution) FROM contributions WHERE view = 'reconstruction' AND column_name = 'says'"
        assert store.sql(share).fetchall()[0][0] > 0
        losses = store.sql("SELECT epoch, loss FROM losses WHERE model_id = 1 ORDER BY epoch").fetchall()
    assert [epoch for epoch, _ in losses] == list(range(1, len(losses) + 1))
    assert losses[-1][1] < losses[0][1]


def parades(n):
    """A table of parades; the last one is out of order."""
    lists = [*RIGHT * (n // 2), WRONG]
    rows = [(i, place, event) for i, events in enumerate(lists) for place, event in enumerate(events)]
    return pl.DataFrame(rows, schema=["parade", "place", "event"], orient="row")


CONFIG = """
[source]
database = "parades.parquet"
fit_where = "parade < 60"
[sequence]
key = "parade"
order = ["place"]
event = ["event"]
[embedding]
method = "gru"
width = 4
"""


@needs_torch
def test_a_network_is_kept_and_scores_without_torch(run, tmp_path, monkeypatch):
    parades(80).write_parquet(tmp_path / "parades.parquet")
    (tmp_path / "p.toml").write_text(CONFIG)
    outcome = run("fit", "p.toml")
    assert outcome.code == 0, outcome.err
    expected = score_table(load_model("anomembed.duckdb"), "parades.parquet")
    monkeypatch.setitem(sys.modules, "torch", None)
    outcome = run("score", "p.toml", "--budget", "1", "--format", "csv", "--scores-to", "scores.parquet")
    assert outcome.code == 0, outcome.err
    flag = outcome.out.splitlines()[1]
    assert flag.startswith("80,1,")
    with opened("anomembed.duckdb", read_only=True) as store:
        part = store.sql("SELECT value, expected FROM contributions WHERE view = 'order'").fetchall()
    assert part[0][0] == "sky"
    assert part[0][1][0] == "rose"
    scores = pl.read_parquet("scores.parquet")
    assert scores["raw_score"].to_list() == expected.frame["raw_score"].to_list()
    assert run("scan", "parades.parquet", "--embedding", "autoencoder").code == 2


@needs_torch
@pytest.mark.parametrize("method", ["cnn", "autoencoder"])
def test_a_model_comes_back_from_the_store_as_it_was(tmp_path, method):
    sequence = {"key": "parade", "order": ["place"], "event": ["event"]} if method == "cnn" else {}
    frame = parades(20) if method == "cnn" else animals(90).with_row_index("id")
    config = Config(embedding={"method": method, "epochs": 1}, sequence=sequence)
    model = fit_model(frame, config=config)
    with Store(tmp_path / "s.duckdb") as store:
        with store.transaction():
            save_model(model, store)
        kept = load_model(store)
    assert kept.embeddings.losses == model.embeddings.losses != ()
    assert kept.embeddings.network.inputs.tobytes() == model.embeddings.network.inputs.tobytes()
    assert score_table(kept, frame).frame.equals(score_table(model, frame).frame)


@needs_torch
def test_columns_that_are_all_constant_are_refused_in_a_sentence(run, database):
    path = database("CREATE TABLE t AS SELECT range AS id, 'a' AS x, 'b' AS y FROM range(50)")
    outcome = run("scan", path, "--embedding", "autoencoder")
    assert outcome.code == 2
    assert outcome.err.count("\n") < 12
    assert "Traceback" not in outcome.err


@pytest.mark.parametrize("method", NEURAL)
@pytest.mark.parametrize("command", ["scan", "fit"])
def test_without_the_extra_it_is_named_before_anything_is_read(run, tmp_path, monkeypatch, method, command):
    monkeypatch.setitem(sys.modules, "torch", None)
    whole = ["--sequence", "s", "--order", "o", "--event", "e"] if method != "autoencoder" else []
    section = '[sequence]\nkey = "s"\norder = ["o"]\nevent = ["e"]\n' if whole else ""
    (tmp_path / "c.toml").write_text(f'[source]\ndatabase = "no.parquet"\n[embedding]\nmethod = "{method}"\n{section}')
    arguments = ["scan", "no.parquet", "--embedding", method, *whole] if command == "scan" else ["fit", "c.toml"]
    outcome = run(*arguments)
    assert (outcome.code, outcome.out) == (2, "")
    assert outcome.err == f"anomembed: embedding {method} needs an extra: pip install 'anomembed[neural]'\n"
    assert not (tmp_path / "anomembed.duckdb").exists()


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--embedding", "gru"], "embedding gru learns from whole sequences"),
        (["--embedding", "cnn", "--entity", "who", "--time", "at"], "embedding cnn learns from whole sequences"),
        (
            ["--embedding", "autoencoder", "--sequence", "s", "--order", "o", "--event", "e"],
            "embedding autoencoder learns from single records",
        ),
    ],
)
def test_what_a_network_cannot_learn_from_is_said(run, arguments, said):
    outcome = run("scan", "no.parquet", *arguments)
    assert outcome.code == 2
    assert outcome.err.startswith(f"anomembed: {said}")
    assert outcome.err.count("\n") == 1


def test_a_corpus_of_the_other_kind_is_refused(pets):
    with pytest.raises(ConfigError, match="embedding gru learns from whole sequences"):
        learn(pets[0], "gru")


def begin(corpus, method, names, **settings):
    """Learn with imported vectors."""
    vectors = TokenVectors("v", tuple(names), np.array(list(names.values()), np.float32))
    return fit_embeddings(corpus, EmbeddingConfig(method=method, vectors="v", **settings), 0, vectors=vectors)


@pytest.fixture(params=NEURAL)
def halves(request, pets):
    """A corpus, a learner, and vectors for some of the values, with the places of these."""
    corpus = pets[0] if request.param == "autoencoder" else parade().corpus
    spelled = [f"{column.name}={label}" for column in corpus.columns for label in column.labels]
    places = [token for token in np.flatnonzero(corpus.occurrences) if token % 2]
    drawn = np.random.default_rng(0).normal(0, 0.5, (len(places), 4)).astype(np.float32)
    return corpus, request.param, dict(zip([spelled[place] for place in places], drawn, strict=True)), places


def moved(learnt, names, places):
    return float(np.abs(learnt.vectors[places] - np.array(list(names.values()))).max())


@needs_torch
def test_frozen_vectors_keep_their_very_bytes_and_the_others_are_learnt(halves):
    corpus, method, names, places = halves
    learnt = begin(corpus, method, names, vectors_use="frozen", epochs=3)
    assert learnt.vectors[places].tobytes() == np.array(list(names.values())).tobytes()
    assert learnt.width == 4
    assert learnt.losses[-1] < learnt.losses[0]
    others = np.setdiff1d(np.flatnonzero(corpus.occurrences), places)
    before = begin(corpus, method, names, vectors_use="frozen", epochs=1, learning_rate=1e-30)
    assert (learnt.vectors[others] != before.vectors[others]).any(axis=1).all()
    assert f"{len(places)} of {corpus.n_used} values" in learnt.notes[0]


@needs_torch
def test_the_stronger_the_pull_the_nearer_imported_vectors_stay(halves):
    corpus, method, names, places = halves
    ways = [{"vectors_use": "start"}, *({"vectors_pull": pull} for pull in (10, 1_000, 1e9))]
    start, weak, strong, huge = (moved(begin(corpus, method, names, epochs=5, **way), names, places) for way in ways)
    assert start > weak > strong > huge
    assert huge < 1e-3 < 0.1 < start
    still = begin(corpus, method, names, vectors_use="start", epochs=1, learning_rate=1e-7)
    assert 0 < moved(still, names, places) < 1e-5


@needs_torch
def test_a_pull_weighs_as_much_as_so_many_records(halves):
    """Twice the records and twice the pull: the same embeddings; a sequence weighs by the root of its number."""
    corpus, method, names, _ = halves
    twice = replace(corpus, times=corpus.times * 2)
    once = begin(corpus, method, names, epochs=2, vectors_pull=50)
    again, weaker = (begin(twice, method, names, epochs=2, vectors_pull=pull) for pull in (100, 50))
    assert np.allclose(once.vectors, again.vectors, atol=1e-5)
    assert not np.allclose(once.vectors, weaker.vectors, atol=1e-5)


@needs_torch
def test_another_width_than_the_imported_vectors_have_is_refused(halves):
    corpus, method, names, _ = halves
    with pytest.raises(ConfigError, match=r"embedding.width is 8, but the vectors of v are 4 wide"):
        begin(corpus, method, names, width=8)


def test_the_losses_of_every_learner_with_epochs_are_kept(run, tmp_path):
    animals(120).with_row_index("id").write_parquet("pets.parquet")
    for method in ("skipgram", "glove", "ppmi-svd"):
        assert run("scan", "pets.parquet", "--embedding", method, "--quiet").code == 0
    with opened("anomembed.duckdb", read_only=True) as store:
        found = store.sql("SELECT model_id, count(*), min(loss) > 0 FROM losses GROUP BY ALL ORDER BY ALL").fetchall()
    assert [(model, good) for model, _, good in found] == [(1, True), (2, True)]
    assert all(count >= 3 for _, count, _ in found)


def test_a_store_from_before_the_losses_gets_their_table(run):
    animals(60).with_row_index("id").write_parquet("pets.parquet")
    with opened("anomembed.duckdb") as store:
        store.execute(migrations()[0])
        store.execute("INSERT INTO store_version VALUES (1)")
    assert run("scan", "pets.parquet", "--quiet").code == 0
    with opened("anomembed.duckdb", read_only=True) as store:
        assert store.sql("SELECT count(*) FROM losses").fetchall() == [(0,)]
        assert store.sql("SELECT count(*) FROM runs").fetchall() == [(1,)]
        assert store.sql("FROM store_version").fetchall() == [(len(migrations()),)]


def test_a_scan_by_another_learner_never_imports_torch(tmp_path):
    animals(60).with_row_index("id").write_parquet(tmp_path / "pets.parquet")
    code = (
        "import sys\nfrom anomembed.cli import main\n"
        "try:\n    main()\nexcept SystemExit as end:\n    print(end.code, 'torch' in sys.modules)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, "scan", "pets.parquet", "--quiet"], cwd=tmp_path, capture_output=True, text=True
    )
    assert done.stdout.split() == ["None", "False"] or done.stdout.split() == ["0", "False"], done.stderr
