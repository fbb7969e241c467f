"""What is measured of embeddings is what was planted, and labels do not reach what is learnt."""

import json
import re
import xml.etree.ElementTree as ET

import numpy as np
import polars as pl
import pytest
from databases import opened

from anomembed.config import Config, EmbeddingConfig
from anomembed.errors import ConfigError, DataError, SourceError
from anomembed.evaluate import points as map_of_tokens
from anomembed.evaluate.embeddings import Quality, learn_twice, measure_quality
from anomembed.evaluate.grouping import find_grouped, read_grouping
from anomembed.evaluate.labels import IS_ABNORMAL, hide_column, rank, read_labels
from anomembed.evaluate.points import map_points
from anomembed.fit.model import find_roles, split_corpus
from anomembed.read.table import Table
from anomembed.represent.counts import count_pairs
from anomembed.represent.embeddings.fitting import fit_embeddings
from anomembed.represent.keys import distinct
from anomembed.represent.quality import clusters, neighbours, prediction
from anomembed.represent.quality.projection import project
from anomembed.write.map import Points, draw_map

N = 2000
EVIL = "<script>alert('$x$')</script>&\x1b[31m\u202eevil"


@pytest.fixture(scope="module")
def planted(tmp_path_factory):
    """Records and events whose values keep to one of two communities, and labels for the records that do not.

    `copy` is told by `a`, `alone` by nothing; `kind` is the community of `a`.
    """
    rng = np.random.default_rng(0)
    strays = rng.random((N, 4)) < 0.06
    values = rng.integers(0, 4, (N, 4)) + 4 * (rng.integers(0, 2, (N, 1)) ^ strays)
    records = pl.DataFrame([[f"{v}" for v in column] for column in values.T], schema=list("abcd")).with_columns(
        id=pl.int_range(N),
        copy="c" + pl.col("a"),
        alone=pl.Series([f"n{i}" for i in rng.integers(0, 5, N)]),
        kind=pl.Series([f"k{v // 4}" for v in values[:, 0]]),
        truth=pl.Series(strays.any(axis=1).astype(int)),
    )
    community = rng.integers(0, 2, 150)
    events = pl.DataFrame(
        [
            {"session": s, "place": i, "event": f"e{rng.integers(0, 4) + 4 * community[s]}", "kind": f"k{community[s]}"}
            for s in range(150)
            for i in range(10)
        ]
    )
    path = tmp_path_factory.mktemp("planted") / "source.duckdb"
    with opened(path) as connection:
        connection.register("records_frame", records)
        connection.register("events_frame", events)
        connection.execute("CREATE TABLE records AS FROM records_frame; CREATE TABLE events AS FROM events_frame")
    return path


SEQUENTIAL = ["--sequence", "session", "--order", "place", "--event", "event"]


def split(path, *, sequential=False):
    """Return the corpus of a planted table, and its grouping."""
    sequence = {"key": "session", "order": ["place"], "event": ["event"]} if sequential else {}
    config = Config(sequence=sequence, roles={} if sequential else {"ignore": ["kind", "truth"]})
    with Table(path, "events" if sequential else "records") as table:
        roles = find_roles(table, config)
        found = split_corpus(table, roles, config)
        return found, read_grouping(table, roles, found.corpus, ("event" if sequential else "a", "kind"), None)


def learn(found, method, *, seed=0, width):
    return fit_embeddings(found.corpus, EmbeddingConfig(method=method, width=width), seed)


def measure(path, method, *, sequential=False):
    found, grouping = split(path, sequential=sequential)
    learnt, again = (learn(found, method, seed=seed, width=32) for seed in range(2))
    return measure_quality(learnt, again, found, grouping)


@pytest.fixture(scope="module")
def qualities(planted):
    return {method: measure(planted, method) for method in ("ppmi-svd", "random")}


def by_column(quality):
    return {p.column: p for p in quality.predictions}


def test_a_column_that_another_tells_is_predicted_and_one_that_none_tells_is_not(qualities):
    found = by_column(qualities["ppmi-svd"])
    assert found["copy"].top_1 > 0.95
    assert found["copy"].log_loss < 0.1 < 1.9 < found["copy"].marginal_log_loss
    alone = found["alone"]
    assert abs(alone.log_loss - alone.marginal_log_loss) < 0.03
    assert abs(alone.marginal_log_loss - np.log(5)) < 0.03
    # Of two communities of four values, the company tells which, but for strays: at best one bit of the three.
    assert np.log(4) < found["b"].log_loss < np.log(8) - 0.3
    assert (found["b"].n_values, found["b"].n_predicted, found["b"].coverage) == (8, 300, 1)


def test_a_value_that_nothing_tells_is_as_likely_as_it_is_frequent(database):
    config = Config(roles={"key": ["id"]})
    query = (
        "SELECT i AS id, 'p' || floor(1.2 ** (hash(i) % 12)) AS a, 'q' || hash(i + 9999) % 4 AS b FROM range(2000) r(i)"
    )
    with Table(database(f"CREATE TABLE t AS {query}")) as table:
        found = split_corpus(table, find_roles(table, config), config)
    learnt = [learn(found, "random", seed=seed, width=4) for seed in range(2)]
    told = by_column(measure_quality(*learnt, found, None))["a"]
    assert told.marginal_log_loss < np.log(told.n_values) - 0.05
    assert abs(told.log_loss - told.marginal_log_loss) < 0.03


@pytest.mark.parametrize("sequential", [False, True], ids=["records", "sequences"])
def test_communities_are_grouped_by_a_learner_and_by_chance_alone_they_are_not(planted, sequential):
    found, grouping = split(planted, sequential=sequential)

    def measured(method, seed):
        vectors = learn(found, method, seed=seed, width=2).vectors
        return neighbours.compare_groups(vectors[grouping.tokens], grouping.groups)

    learnt, drawn = measured("ppmi-svd", 0), [measured("random", seed).share for seed in range(20)]
    assert learnt.share == 1
    assert learnt.chance == pytest.approx(3 / 7)
    assert abs(np.mean(drawn) - learnt.chance) < 0.1


def test_events_are_predicted_by_those_around_them(planted):
    (found,) = measure(planted, "ppmi-svd", sequential=True).predictions
    assert np.log(4) - 0.1 < found.log_loss < np.log(4) + 0.1
    assert found.marginal_log_loss > np.log(8) - 0.1
    assert found.n_predicted == 220


def test_the_second_fit_begins_with_another_seed(planted):
    found, _ = split(planted)
    first, again = learn_twice(found, Config(seed=3, embedding={"method": "random"}))
    assert first.vectors.tobytes() == learn(found, "random", seed=3, width="auto").vectors.tobytes()
    assert first.vectors.tobytes() != again.vectors.tobytes()


def test_the_mean_is_that_of_the_columns_that_could_be_predicted():
    told = prediction.Prediction("a", 3, 10, 1.0, 0.5, 1.0, 0.7, 0.9, 0.3, 1.1)
    untold = prediction.Prediction("b", 3, 0, 0.0, *[float("nan")] * 6)
    quality = Quality((told, untold, told), neighbours.Agreement(1, 9, 1.0, 0.1), None)
    assert quality.means()["top_1"] == 0.5
    assert quality.means()["log_loss"] == pytest.approx(0.9)


GROUPED = """CREATE TABLE t AS SELECT i AS id, 'p' || i % 4 AS a, 'q' || i % 3 AS b,
    if(i < 40, 'k' || i % 2, 'm' || i % 4 // 2) AS y FROM range(60) r(i)"""


@pytest.mark.parametrize(
    ("where", "groups"), [(None, ["k0", "k1", "k0", "k1"]), ("id >= 40", ["m0", "m0", "m1", "m1"])]
)
def test_values_are_grouped_by_what_they_mostly_go_with_in_the_records_asked_for(database, where, groups):
    config = Config(roles={"key": ["id"], "ignore": ["y"]})
    with Table(database(GROUPED)) as table:
        roles = find_roles(table, config)
        corpus = split_corpus(table, roles, config).corpus
        found = read_grouping(table, roles, corpus, ("a", "y"), where)
    labels = [corpus.columns[0].labels[token] for token in found.tokens]
    assert dict(zip(labels, found.groups, strict=True)) == {f"p{i}": found.names.index(g) for i, g in enumerate(groups)}


def test_a_map_shows_the_most_frequent_tokens(database, monkeypatch):
    monkeypatch.setattr(map_of_tokens, "MOST_DRAWN", 3)
    config = Config(roles={"key": ["id"]})
    query = "SELECT i AS id, ['p', 'p', 'p', 'q', 'q', 'r'][1 + i % 6] AS a, 'k' || i % 7 AS b FROM range(210) r(i)"
    with Table(database(f"CREATE TABLE t AS {query}")) as table:
        found = split_corpus(table, find_roles(table, config), config)
    points, what, _ = map_points(learn(found, "ppmi-svd", width=4), found.corpus, None, "pca", 0)
    assert points.names[:2] == ("a=p", "a=q")
    assert points.weights == tuple(sorted(found.corpus.occurrences.astype(int), reverse=True)[:3])
    assert what == "3 of 10, the most frequent tokens"


def test_the_same_embeddings_again_are_stable_and_random_ones_are_not(qualities):
    assert qualities["ppmi-svd"].stability.share == 1
    random = qualities["random"].stability
    assert abs(random.share - random.chance) < 0.15


def test_a_learner_that_knows_nothing_measures_as_nothing(planted):
    """Constant vectors: groups at chance, no prediction beyond the marginal, no cluster."""
    same = np.ones((40, 4), np.float32)
    found = neighbours.compare_groups(same, np.repeat([0, 1], [10, 30]))
    assert found.share == pytest.approx(found.chance)
    scores = np.zeros((6, 5))
    top_1, top_5, reciprocal = prediction.rank_figures(scores, np.arange(6) % 5)
    assert (top_1, top_5) == (pytest.approx(0.2), 1)
    assert reciprocal == pytest.approx(np.mean(1 / np.arange(1, 6)))


def test_ranks_by_hand():
    scores = np.array([[3.0, 2, 1, 0, -1, -2], [3.0, 2, 1, 0, -1, -2], [0.0, 0, 9, 9, 9, 9]])
    top_1, top_5, reciprocal = prediction.rank_figures(scores, np.array([0, 5, 1]))
    assert top_1 == pytest.approx(1 / 3)
    assert top_5 == pytest.approx((1 + 0 + 0.5) / 3)
    assert reciprocal == pytest.approx((1 + 1 / 6 + (1 / 5 + 1 / 6) / 2) / 3)


def test_company_is_all_others_of_a_record_and_the_near_events_of_a_sequence():
    from anomembed.represent.sequences import Sequences

    vectors = 10.0 ** np.arange(9)[:, None].astype(np.float32)
    sequences = Sequences(np.arange(8, dtype=np.int32), np.array([0, 5, 8]))
    of_record = prediction.sum_context(vectors, sequences, is_ordered=False)[:, 0]
    of_sequence = prediction.sum_context(vectors, sequences, is_ordered=True)[:, 0]
    assert of_record.tolist() == [11110, 11101, 11011, 10111, 1111, 11000000, 10100000, 1100000]
    assert of_sequence.tolist() == [1110, 11101, 11011, 10111, 1110, 11000000, 10100000, 1100000]


def test_neighbours_that_two_sets_of_vectors_share():
    angle = np.linspace(0, 3, 50)
    first = np.column_stack([np.cos(angle), np.sin(angle)]).astype(np.float32)
    assert neighbours.compare_neighbours(first, 7 * first).share == 1
    shuffled = first[np.random.default_rng(0).permutation(50)]
    found = neighbours.compare_neighbours(first, shuffled)
    assert (found.n_neighbours, found.n_tokens) == (10, 50)
    assert abs(found.share - found.chance) < 0.1


def test_tokens_without_a_direction_agree_with_nobody():
    rng = np.random.default_rng(0)
    first, second = rng.standard_normal((2, 100, 4)).astype(np.float32)
    alone = neighbours.compare_neighbours(first[:20], second[:20])
    first[20:60], second[60:] = 0, 0
    assert neighbours.compare_neighbours(first, second) == alone
    assert np.isnan(neighbours.compare_neighbours(0 * first, second).share)


def test_the_nearest_are_those_of_a_full_sort():
    vectors = np.random.default_rng(0).integers(-2, 3, (300, 3)).astype(np.float32)  # with many ties
    unit = neighbours.unit_vectors(vectors)
    cosines = unit @ unit.T
    np.fill_diagonal(cosines, -np.inf)
    found = neighbours.find_nearest(vectors, np.arange(300), 10)
    assert np.array_equal(found, np.argsort(-cosines, axis=1, kind="stable")[:, :10])


def test_the_mean_coverage_is_of_all_columns():
    known, unknown = (
        prediction.Prediction(name, 3, n, share, 1.0, 1.0, 1.0, 0.0, 1.0, 0.0)
        for name, n, share in (("a", 10, 1.0), ("b", 0, 0.0))
    )
    nothing = neighbours.Agreement(1, 0, np.nan, np.nan)
    means = Quality((known, unknown), nothing, None).means()
    assert (means["coverage"], means["top_1"]) == (0.5, 1.0)


def test_clusters_are_those_that_were_planted():
    rng = np.random.default_rng(0)
    centre = np.repeat(np.eye(3), [20, 12, 8], axis=0)
    vectors = np.vstack([centre + 0.03 * rng.standard_normal((40, 3)), np.zeros((5, 3))]).astype(np.float32)
    found = clusters.find_clusters(vectors, np.ones(45))
    assert [set(some.tolist()) for some in found.members] == [set(range(20)), set(range(20, 32)), set(range(32, 40))]
    assert found.alone.tolist() == [40, 41, 42, 43, 44]


def test_a_cluster_is_told_by_what_it_goes_with():
    """Customers 0-2 pay in tokens 6, 3-5 in 7; 8 goes with everybody, 9 with one of the first three."""
    customer = np.random.default_rng(0).integers(0, 6, 600)
    channel = np.where((customer == 0) & (np.arange(600) % 2 == 0), 9, 8)
    rows, _, times = distinct(np.column_stack([customer, 6 + customer // 3, channel]).astype(np.int32))
    counts = count_pairs(rows, times, 10)
    assert clusters.find_company(np.arange(3), counts).tolist() == [6, 9]
    assert clusters.find_company(np.arange(3, 6), counts).tolist() == [7]  # 8 no more often than it may by chance
    assert set(clusters.find_company(np.array([6]), counts).tolist()) == {0, 1, 2}  # 9 is the fourth
    assert clusters.find_company(np.arange(10), counts).tolist() == []


def test_compare_ranks_a_learner_above_random_vectors(run, planted):
    names = "random,ppmi-svd"
    outcome = run("evaluate", planted, "records", "--compare", names, "--label", "truth", "--ignore", "kind",
                  "--format", "json")  # fmt: skip
    assert outcome.code == 0, outcome.err
    random, ppmi = json.loads(outcome.out)["learners"]
    assert (random["learner"], ppmi["learner"]) == ("random", "ppmi-svd")
    assert ppmi["roc_auc"] > max(0.9, random["roc_auc"])
    assert ppmi["average_precision"] > random["average_precision"] > 0.2
    assert ppmi["log_loss"] < random["log_loss"] - 0.05
    assert (ppmi["stability"], random["agreement"], ppmi["coverage"]) == (1, 1, 1)
    assert random["stability"] < 0.5
    assert ppmi["agreement"] < 0.5
    assert ppmi["fit_seconds"] > 0
    assert 0.01 < ppmi["fit_peak_mib"] < 100
    assert re.search(r"labels +2,000 records, 4\d\d of them abnormal", outcome.err)


@pytest.mark.parametrize("which", [[], ["--fit-where", "id < 1000", "--where", "id >= 1000"]], ids=["all", "others"])
def test_compare_judges_the_scores_that_a_scan_makes(run, planted, tmp_path, which):
    common = [planted, "records", *which]
    compared = run("evaluate", *common, "--compare", "ppmi-svd", "--label", "truth", "--format", "json")
    scores = tmp_path / "scores.parquet"
    scan = run("scan", *common, "--ignore", "truth", "--scores-to", scores, "--store", tmp_path / "store.duckdb")
    assert (compared.code, scan.code) == (0, 0), compared.err + scan.err
    with Table(planted, "records") as table:
        labels = read_labels(table, find_roles(table, Config()), "truth", None, None)
    found = json.loads(compared.out)["learners"][0]
    assert found["roc_auc"] == pytest.approx(rank(pl.read_parquet(scores), labels).roc_auc, abs=1e-12)


def test_a_label_takes_no_part_in_any_fit(run, planted, database):
    """A label that tells everything changes no figure but those that it is held against."""
    plain = run("evaluate", planted, "records", "--ignore", "truth", "--ignore", "kind", "--format", "csv")
    hidden = ["--ignore", "truth", "--ignore", "kind"]
    asked = ["--compare", "ppmi-svd", "--label", "told", "--format", "json"]
    labelled = run("evaluate", planted, "SELECT *, truth AS told FROM records", *asked, *hidden)
    assert labelled.code == 0, labelled.err
    assert re.search(r"^not used .*\btold\b.*: user-specified", labelled.err, re.MULTILINE)
    (learner,) = json.loads(labelled.out)["learners"]
    mean = next(line for line in plain.out.splitlines() if "(mean)" in line)
    assert f"{learner['log_loss']}" in mean
    assert 0.9 < learner["roc_auc"] <= 1


def test_the_fields_of_a_label_take_no_part_either(run, planted):
    query = "SELECT * EXCLUDE (truth, kind), {'told': truth, 'other': kind} AS label FROM records"
    positive = "{'told': true, 'other': }"
    said = run("evaluate", planted, query, "--compare", "ppmi-svd", "--label", "label", "--positive", positive)
    assert "label.told" in " ".join(line for line in said.err.splitlines() if line.startswith("not used"))


def test_scores_are_the_same_with_and_without_a_label_column(planted):
    from anomembed.fit.model import learn_model
    from anomembed.scoring import score_batches

    found = []
    for query in ("SELECT * EXCLUDE (truth, kind) FROM records", "SELECT * EXCLUDE (kind) FROM records"):
        with Table(planted, query) as table:
            config = Config(roles={"category": ["truth"]} if "truth," not in query else {})
            config = hide_column(config, table, "TRUTH", "--label") if "truth," not in query else config
            roles = find_roles(table, config)
            model = learn_model(table, config, is_own=True, roles=roles)
            found.append(pl.concat(score_batches(model, table, None)).sort("id")["raw_score"].to_list())
    assert found[0] == found[1]


@pytest.mark.parametrize("form", ["table", "ndjson", "csv", "json"])
def test_all_that_is_measured_is_printed_in_every_form(run, planted, form):
    outcome = run("evaluate", planted, "events", *SEQUENTIAL, "--group", "event=kind", "--format", form, "--embeddings")
    assert outcome.code == 0, outcome.err
    if form == "json":
        tables = json.loads(outcome.out)
        assert list(tables) == ["prediction", "neighbours", "clusters"]
        assert tables["neighbours"][1]["share"] == 1
        assert tables["clusters"][0]["typical"][0].startswith("event=e")
        assert set(tables["clusters"][0]) == {"cluster", "n_tokens", "typical", "goes_with"}
    elif form == "ndjson":
        rows = [json.loads(line) for line in outcome.out.splitlines()]
        assert {row["table"] for row in rows} == {"prediction", "neighbours", "clusters"}
    else:
        assert {"neighbours of the same kind, among event", "log_loss"} <= set(
            re.split(r"\s{2,}|,(?! )|\n|\"", outcome.out)
        )


def test_the_order_of_the_rows_does_not_matter(run, planted):
    there, back = (f"SELECT * EXCLUDE (truth) FROM records ORDER BY id {way}" for way in ("", "DESC"))
    both = [run("evaluate", planted, query, "--group", "a=kind", "--format", "csv").out for query in (there, back)]
    assert both[0] == both[1] != ""


def test_a_configuration_is_evaluated_like_a_table(run, planted, tmp_path):
    text = f"[source]\ndatabase = '{planted}'\ntable = 'events'\n[sequence]\nkey = 'session'\norder = ['place']\n"
    (tmp_path / "events.toml").write_text(text + "event = ['event']\n")
    both = [run("evaluate", *what, "--format", "csv") for what in (["events.toml"], [planted, "events", *SEQUENTIAL])]
    assert both[0].out == both[1].out
    assert both[0].code == both[1].code == 0


@pytest.fixture
def points():
    rng = np.random.default_rng(0)
    names = (EVIL, "$\\frac{1}{2", "x" * 5000, "漢字", *(f"value {i}" for i in range(36)))
    return Points(rng.random((40, 2)), names, (EVIL, *("$k$", "other") * 18, "a", "b", "c"), tuple(range(40, 0, -1)))


@pytest.mark.parametrize("suffix", [".svg", ".png"])
def test_a_map_of_hostile_values_is_a_harmless_picture_and_always_the_same(tmp_path, points, suffix):
    files = [tmp_path / f"{i}{suffix}" for i in range(2)]
    for file in files:
        draw_map(file, points, EVIL, "by hand")
    first, again = (file.read_bytes() for file in files)
    assert first == again
    assert len(list(tmp_path.iterdir())) == 2
    if suffix == ".png":
        assert first.startswith(b"\x89PNG")
        return
    tags = {element.tag.rpartition("}")[2] for element in ET.fromstring(first).iter() if isinstance(element.tag, str)}
    assert not tags & {"script", "a", "image", "foreignObject", "text"}
    assert b"<script" not in first
    assert b"\x1b" not in first
    assert b"xxxxx" * 20 not in first


def test_every_kind_is_in_the_legend():
    """Also names that matplotlib hides, and names that begin alike."""
    from matplotlib.figure import Figure

    from anomembed.write.map import _draw_points

    kinds = ("_hidden", f"{'x' * 40}a", f"{'x' * 40}b", *(f"k{i}" for i in range(30)))
    places = np.random.default_rng(0).random((len(kinds), 2))
    axes = Figure().add_subplot()
    _draw_points(axes, Points(places, kinds, kinds, (1.0,) * len(kinds)))
    shown = [text.get_text() for text in axes.get_legend().get_texts()]
    assert shown[0] == "_hidden"
    assert len(set(shown)) == 25
    assert shown[-1] == "9 others"
    assert sum(len(part.get_offsets()) for part in axes.collections if len(part.get_offsets()) > 0) >= len(kinds)


def test_a_map_is_drawn_by_the_command(run, planted, tmp_path):
    outcome = run("evaluate", planted, "events", *SEQUENTIAL, "--map", "map.svg", "--quiet")
    assert (outcome.code, outcome.err) == (0, "")
    assert (tmp_path / "map.svg").read_text().startswith("<?xml")
    assert "log_loss" in outcome.out


def test_the_map_has_the_same_sides_whatever_the_sign_of_the_components():
    """The decomposition leaves the signs open: the token farthest out is put on the positive side of both axes."""
    vectors = np.random.default_rng(0).standard_normal((40, 5)).astype(np.float32)
    for turned in (vectors, -vectors, vectors * [1, -1, 1, -1, 1], vectors[::-1]):
        places = project(turned.astype(np.float32), "pca", 0).places
        assert (places[np.abs(places).argmax(axis=0), [0, 1]] > 0).all()


def test_umap_places_neighbours_together():
    pytest.importorskip("umap", reason="umap-learn is not installed: pip install 'anomembed[map]'")
    rng = np.random.default_rng(0)
    vectors = np.repeat(np.eye(3), 20, axis=0) + 0.05 * rng.standard_normal((60, 3))
    places = project(vectors.astype(np.float32), "umap", 0).places
    centres = places.reshape(3, 20, 2).mean(axis=1)
    nearest = np.linalg.norm(places[:, None] - centres, axis=2).argmin(axis=1)
    assert nearest.tolist() == np.repeat([0, 1, 2], 20).tolist()


RECORDS = "CREATE TABLE t AS SELECT i AS id, 'p' || i % 3 AS a, 'q' || i % 4 AS b, {} FROM range(60) r(i)"


@pytest.mark.parametrize(
    ("extra", "arguments", "said"),
    [
        ("1 AS y", ["--compare", "skipgran"], "no such embedding method: 'skipgran'; did you mean 'skipgram'?"),
        ("1 AS y", ["--compare", "word3vec,x"], "there are: autoencoder, cbow, cnn, fasttext"),
        ("1 AS y", ["--compare", "glove,glove"], "--compare names a learner twice: name different ones"),
        ("1 AS y", ["--compare", ""], "no such embedding method: ''"),
        ("1 AS y", ["--compare", "glove", "--map", "m.svg"], "--map cannot be combined with --compare or --label"),
        ("1 AS y", ["--label", "y"], "every label in y is '1': labels must distinguish"),
        ("NULL::INT AS y", ["--label", "y"], "every label in y is null"),
        ("i % 3 AS y", ["--label", "y"], "y has the values '0', '1', '2': name the abnormal one with --positive"),
        ("'ok' || i % 2 AS y", ["--label", "y", "--positive", "bad"], "no record has y = 'bad'; it has the values"),
        ("i % 2 AS y", ["--label", "Z"], "no such column in t: Z"),
        ("i % 2 AS y", ["--positive", "1"], "name the column by --label"),
        ("1 AS y", ["--group", "a"], "--group needs two columns"),
        ("1 AS y", ["--group", "a=c"], "no such column in t: c"),
        ("'k' AS y", ["--group", "a=y"], "the values of a form one group"),
        ("'k' || i % 3 AS y", ["--group", "a=y"], "the values of a form no group with two values"),
        ("i * 1.5 AS y", ["--group", "y=a"], "y is not judged as a category"),
        ("1 AS y", ["--map", "map.pdf"], "map.pdf: the map can only be written to files that end in .png, .svg"),
        ("1 AS y", ["--map", "no/map.png"], "no such folder for the map: no"),
        ("1 AS y", ["--projection", "tsne"], "no such projection: tsne; there are: pca, umap"),
        ("1 AS y", ["--compare", "ppmi-svd,gru"], "embedding gru learns from whole sequences"),
        ("1 AS y", ["--ignore", "b"], "a is the only column judged: embeddings need at least two"),
    ],
)
def test_what_cannot_be_evaluated_says_why(run, database, tmp_path, extra, arguments, said):
    source = database(RECORDS.format(extra))
    outcome = run("evaluate", source, *arguments)
    *_, sentence = outcome.err.splitlines()
    assert (outcome.code, outcome.out) == (2, "")
    assert said in sentence
    assert [path.name for path in tmp_path.iterdir()] == ["source.duckdb"]


@pytest.mark.parametrize(
    ("query", "arguments", "said"),
    [
        ("SELECT i AS id, 'same' AS a, 'too' AS b FROM range(60) r(i)", [], "no column of t can be scored"),
        ("SELECT i AS id, if(i = 9, 'y', 'x') AS a FROM range(60) r(i)", [], "a is the only column judged"),
        ("SELECT i // 3 AS s, i AS p, 'x' AS e FROM range(60) r(i)", ["s", "p", "e"], "there is only one value"),
        (
            "SELECT i AS s, i AS p, 'x' || i % 3 AS e FROM range(60) r(i)",
            ["s", "p", "e"],
            "every sequence has one event",
        ),
    ],
)
def test_a_table_in_which_nothing_keeps_company(run, database, query, arguments, said):
    parts = zip(["--sequence", "--order", "--event"], arguments, strict=False)
    outcome = run("evaluate", database(f"CREATE TABLE t AS {query}"), *(word for part in parts for word in part))
    assert (outcome.code, outcome.out) == (2, "")
    assert said in outcome.err.splitlines()[-1]


def test_labels_without_a_value_count_for_neither_side(database):
    source = database(RECORDS.format("if(i % 3 = 0, NULL, if(i % 3 = 1, 'bad', 'fine')) AS y"))
    with Table(source, "t") as table:
        config = hide_column(Config(), table, "y", "--label")
        labels = read_labels(table, find_roles(table, config), "y", "bad", None)
    assert labels[IS_ABNORMAL].null_count() == 20
    scores = labels.select("id", raw_score=pl.when(IS_ABNORMAL).then(2.0).otherwise(1.0))
    ranking = rank(scores, labels)
    assert (ranking.n_records, ranking.n_abnormal, ranking.roc_auc, ranking.average_precision) == (40, 20, 1, 1)
    backwards = rank(scores.with_columns(-pl.col("raw_score")), labels)
    assert (backwards.roc_auc, backwards.average_precision) == (0, 0.5)
    with pytest.raises(DataError, match="20 of the 20 scored records with a label are abnormal"):
        rank(scores, labels.filter(pl.col(IS_ABNORMAL)))


def test_a_sequence_is_abnormal_when_one_of_its_events_is(planted):
    query = "SELECT *, session % 5 = 0 AND place = 3 AS bad FROM events"
    with Table(planted, query) as table:
        config = Config(sequence={"key": "session", "order": ["place"], "event": ["event"]})
        labels = read_labels(table, find_roles(table, config), "bad", None, None).sort("session")
    assert labels[IS_ABNORMAL].to_list() == [session % 5 == 0 for session in range(150)]


def test_what_sequences_are_cut_from_cannot_be_hidden(run, database, tmp_path):
    moment = "TIMESTAMP '2026-01-01' + INTERVAL (i) MINUTE AS moment"
    visits = f"SELECT i AS id, 'u' || i % 5 AS who, {moment}, 'e' || i % 3 AS did"
    path = database(f"CREATE TABLE t AS {visits} FROM range(300) r(i)")
    (tmp_path / "c.toml").write_text(
        f'[source]\ndatabase = "{path}"\ntable = "t"\n[roles]\nentity = ["who"]\ntimestamp = ["moment"]\n'
        '[sequence]\nsession_gap = "30m"\nevent = ["did"]\n'
    )
    outcome = run("evaluate", tmp_path / "c.toml", "--group", "did=who")
    assert outcome.code == 2
    assert "--group: who is used as entity, so it cannot be hidden from the fit" in outcome.err


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--label", "y", "--key", "Y"], "--label: y is used as key, so it cannot be hidden from the fit"),
        (["--label", "y", "--category", "y"], "--label: y is used as category"),
        (["--group", "a=b", "--entity", "b"], "--group: b is used as entity"),
        (["--group", "a=b", "--sequence", "b", "--order", "id", "--event", "a"], "--group: b is used as sequence"),
        (["--label", "id", "--sequence", "b", "--order", "id", "--event", "a"], "--label: id is used as order"),
        (["--label", "a", "--sequence", "b", "--order", "id", "--event", "a"], "--label: a is used as event"),
        (["--group", "a=b=c"], "no such column in t: b=c"),
        (["--group", "a=b", "--map", "folder.svg"], "the map cannot be written to folder.svg: it is a folder"),
        (["--map", f"{'x' * 250}.svg"], "file name too long"),
        (["--embedding", "random", "--vectors", "v"], "embedding random cannot start from imported vectors"),
        (["--embedding", "gru"], "embedding gru learns from whole sequences"),
    ],
)
def test_what_is_said_twice_or_cannot_be_written_is_refused(run, database, tmp_path, arguments, said):
    source = database(RECORDS.format("i % 2 AS y"))
    (tmp_path / "folder.svg").mkdir()
    outcome = run("evaluate", source, "t", *arguments)
    assert (outcome.code, outcome.out) == (2, "")
    assert said in outcome.err.splitlines()[-1]
    assert {path.name for path in tmp_path.iterdir()} == {"source.duckdb", "folder.svg"}


def test_the_columns_of_a_grouping_may_hold_equals_signs(database):
    source = database(
        'CREATE TABLE t AS SELECT \'p\' || i % 4 AS "a=b", \'k\' || i % 2 AS "c=d", 1 AS x, 2 AS "x=y", 3 AS "y=z", '
        "4 AS z FROM range(60) r(i)"
    )
    with Table(source, "t") as table:
        assert find_grouped(table, "A=B=c=d") == ("a=b", "c=d")
        with pytest.raises(SourceError, match="no such column in t: c=e; did you mean 'c=d'"):
            find_grouped(table, "a=b=c=e")
        with pytest.raises(ConfigError, match="--group x=y=z is ambiguous: 'x' by 'y=z' or 'x=y' by 'z'"):
            find_grouped(table, "x=y=z")


def test_long_values_of_a_label_are_shown_short(run, database):
    source = database(RECORDS.format("repeat('long', 500) || i % 3 AS y"))
    for more in ([], ["--positive", "z" * 9_000]):
        outcome = run("evaluate", source, "--label", "y", *more)
        assert outcome.code == 2
        assert len(outcome.err.splitlines()[-1]) < 300


def test_a_comparison_gives_vectors_to_those_that_take_them(run, database, tmp_path):
    path = database(RECORDS.format("i % 2 AS y"))
    (tmp_path / "v.vec").write_text("".join(f"a=p{i} {i + 1} 0 1\n" for i in range(3)))
    options = ["--compare", "random,ppmi-svd,graph", "--format", "csv", "--quiet"]
    with_vectors, without = (
        pl.read_csv(run("evaluate", path, *more, *options).out.encode())
        for more in (["--vectors", tmp_path / "v.vec"], [])
    )
    assert with_vectors["width"][0] == without["width"][0]
    assert with_vectors["width"][1:].to_list() == [3, 3] != without["width"][1:].to_list()
    assert with_vectors["explained"].n_unique() == 3  # each by its own method


def test_spellings_of_the_same_label_are_one(database):
    path = database(
        "CREATE TABLE t AS SELECT i AS id, ['TRUE', 'True', 'false', 'False'][i % 4 + 1] AS bad FROM range(40) r(i)"
    )
    with Table(path) as table:
        labels = read_labels(table, find_roles(table, Config()), "bad", None, None)
        assert labels[IS_ABNORMAL].sum() == 20
        assert read_labels(table, find_roles(table, Config()), "bad", "True", None)[IS_ABNORMAL].sum() == 10


def test_events_without_a_sequence_have_no_label(run, database):
    path = database(
        "CREATE TABLE log AS SELECT if(i % 5 = 0, NULL, i // 4) AS case_id, i AS n, 'e' || i % 3 AS what, "
        "i % 40 = 1 OR case_id IS NULL AS bad FROM range(480) r(i)"
    )
    found = run(
        "evaluate",
        path,
        "--sequence",
        "case_id",
        "--order",
        "n",
        "--event",
        "what",
        "--label",
        "bad",
        "--compare",
        "ppmi-svd",
    )
    assert found.code == 0, found.err
    assert re.search(r"labels +120 sequences, 12 of them abnormal", found.err)
