"""Columns of vectors, from a file to flags: what is planted is found, said in words, and survives the store."""

from dataclasses import replace

import numpy as np
import polars as pl
import pytest
from databases import opened

from anomembed import AnomembedDetector, Config, fit_model, load_model, score_table
from anomembed.errors import SourceError
from anomembed.read.roles.inference import infer_roles
from anomembed.read.table import Table
from anomembed.represent.batch import Batch, make_batch
from anomembed.represent.entities import Entities
from anomembed.represent.tokens.learning import category_tokens, vector_tokens
from anomembed.represent.tokens.value_counts import count_values
from anomembed.represent.tokens.vocabulary import Vocabulary
from anomembed.scoring import BATCH_SIZE, BATCH_VALUES, batch_size, score_batches
from anomembed.views.match import MatchView
from anomembed.views.view import Basis
from anomembed.write.models import save_model
from anomembed.write.store import Store

N, WIDTH = 900, 8
FAR, WRONG, MISSING = 5, 6, 7  # keys of the planted records


def shapes(n=N, seed=0):
    """Three kinds of vectors."""
    rng = np.random.default_rng(seed)
    kind = rng.integers(0, 3, n)
    vectors = (4 * np.eye(3, WIDTH)[kind] + 0.3 * rng.normal(size=(n, WIDTH))).astype(np.float32)
    return kind, vectors


def planted():
    """One vector far off in its fifth component, one under another's label, one missing."""
    kind, vectors = shapes()
    vectors[FAR, 4] = 9
    label = np.array(["ant", "bee", "cow"])[kind]
    label[WRONG] = "bee" if kind[WRONG] != 1 else "cow"
    frame = pl.DataFrame({"id": np.arange(N), "label": label, "emb": as_arrays(vectors)})
    return frame.with_columns(emb=pl.when(pl.col("id") != MISSING).then("emb"))


def as_arrays(vectors):
    return pl.Series("emb", vectors, dtype=pl.Array(pl.Float32, vectors.shape[1]))


@pytest.fixture(scope="module")
def frame():
    return planted()


@pytest.fixture(scope="module", params=[False, True], ids=["mixed", "clean"])
def model(frame, request):
    """Mixed: fitted on what is scored; clean: on the rest."""
    where = f"id NOT IN ({FAR}, {WRONG}, {MISSING})" if request.param else None
    return fit_model(
        frame,
        config=Config(reference={"clean": request.param}, source={"fit_where": where}, flags={"budget": 3}),
    )


@pytest.fixture(scope="module")
def scores(model, frame):
    return score_table(model, frame)


def all_scores(model, frame, size=None):
    with Table(frame) as table:
        return pl.concat(score_batches(model, table, None, size)).sort("id")["raw_score"].to_numpy()


def test_the_planted_records_are_the_three_most_abnormal(scores):
    assert set(scores.flags.frame["id"]) == {FAR, WRONG, MISSING}


def test_the_reasons_are_true(scores, frame):
    reason = dict(scores.flags.frame.select("id", "reason").iter_rows())
    view = dict(scores.flags.frame.select("id", "view").iter_rows())
    assert (view[FAR], view[WRONG]) == ("vector", "match")
    assert (
        "times as far as usual from the 5 nearest of a sample of 512 reference records; largest in components 5, "
        in reason[FAR]
    )
    wrong = frame["label"][WRONG]
    right = ["ant", "bee", "cow"][int(frame["emb"][WRONG].to_numpy()[:3].argmax())]
    assert reason[WRONG].startswith(f"label={wrong} does not go with emb: of a sample of ")
    assert f"those with {right} are " in reason[WRONG]
    assert "emb=(missing) is rare (" in reason[MISSING]


def test_contributions_name_the_column_and_sum_to_the_raw_score(scores):
    parts = scores.flags.contributions
    sums = parts.group_by("rank").agg(pl.col("contribution").sum()).sort("rank")["contribution"]
    assert sums.to_numpy() == pytest.approx(scores.flags.frame["raw_score"].to_numpy())
    rank = dict(scores.flags.frame.select("id", "rank").iter_rows())
    for key, column in ((FAR, "emb"), (WRONG, "label"), (MISSING, "emb")):
        of_record = parts.filter(pl.col("rank") == rank[key]).group_by("column_name").agg(pl.col("contribution").sum())
        assert of_record.sort("contribution")["column_name"][-1] == column
    shown = parts.filter((pl.col("column_name") == "emb") & (pl.col("rank") == rank[FAR]))["value"][0]
    assert shown.startswith("[") and shown.endswith(", ...]")


def test_only_the_category_that_goes_with_the_vectors_is_held_against_them(frame):
    both = frame.with_columns(mood=pl.Series([f"m{i}" for i in np.random.default_rng(1).integers(0, 3, N)]))
    model = fit_model(both)
    (match,) = (judged.view for judged in model.views if judged.view.name == "match")
    assert [model.vocabulary.names[kin.column] for kin in match.kin] == ["label"]


def test_a_category_that_says_nothing_of_few_vectors_is_not_held_against_them():
    """That vectors are near to themselves is no skill of telling their values."""
    rng = np.random.default_rng(0)
    vectors = (rng.normal(size=(200, 30)).astype(np.float32),)
    image = pl.Series(vectors[0], dtype=pl.Array(pl.Float32, 30))
    frame = pl.DataFrame({"coin": np.where(np.arange(200) % 2, "head", "tail"), "image": image})
    coin = category_tokens("coin", count_values(frame["coin"]), 1)
    vocabulary = Vocabulary((coin, vector_tokens("image", image)))
    numbers = np.empty((200, 0))
    batch = Batch(vocabulary.encode(frame), numbers, vectors=vectors)
    basis = Basis(batch, vocabulary, None, None, None, Entities(), clean=False, is_own=True, seed=0)
    assert MatchView.fit(basis) == []
    told = replace(batch, vectors=(vectors[0] + 5 * (np.arange(200) % 2)[:, None],))
    (view,) = MatchView.fit(replace(basis, records=told))
    assert len(view.kin) == 1


def test_scores_survive_the_store_and_depend_on_neither_batches_nor_order(model, frame, tmp_path):
    with Store(str(tmp_path / "s.duckdb")) as store, store.transaction():
        save_model(model, store)
    expected = all_scores(model, frame)
    assert np.isfinite(expected).all()
    np.testing.assert_array_equal(all_scores(load_model(tmp_path / "s.duckdb"), frame, 257), expected)
    np.testing.assert_array_equal(all_scores(model, frame.reverse()), expected)


@pytest.mark.parametrize("bad", [[np.nan, 1], [np.inf, 1], [None, 1], [1e300, 1], [1], [], [1] * 9, None])
def test_a_vector_that_cannot_be_measured_is_missing(model, frame, bad):
    usual = frame.filter(pl.col("id") == MISSING).with_columns(emb=pl.lit(None, pl.List(pl.Float64)))
    if bad is not None:
        bad = bad if len(bad) != 2 else [*bad, *[0] * (WIDTH - 2)]
        usual = usual.with_columns(emb=pl.Series([bad], dtype=pl.List(pl.Float64)))
    good = frame.filter(pl.col("id") == FAR).with_columns(pl.col("emb").cast(pl.List(pl.Float64)))
    found = all_scores(model, pl.concat([good, usual]))
    np.testing.assert_array_equal(found, all_scores(model, frame)[[FAR, MISSING]])


def test_missing_vectors_are_usual_where_many_are():
    kind, vectors = shapes()
    frame = pl.DataFrame({"id": np.arange(N), "kind": kind.astype(str), "emb": as_arrays(vectors)})
    frame = frame.with_columns(emb=pl.when(pl.col("id") % 3 > 0).then("emb"))
    missing = score_table(fit_model(frame), frame).frame.join(frame, on="id").filter(pl.col("emb").is_null())
    assert missing["tail_probability"].min() > 0.01


KINDS = ["FLOAT[8]", "DOUBLE[8]", "FLOAT[]", "DOUBLE[]", "DECIMAL(9, 4)[]", "INTEGER[]", "SMALLINT[8]"]


@pytest.mark.parametrize("kind", KINDS)
def test_arrays_and_lists_of_any_number_are_vectors(database, kind):
    cells = ", ".join(f"(i * {step}) % 50" for step in range(3, 3 + WIDTH))
    query = f"CREATE TABLE t AS SELECT 'k' || i AS id, [{cells}]::{kind} AS emb FROM range(60) t(i)"
    with Table(database(query)) as table:
        emb = infer_roles(table).columns[1]
        values = next(table.batches(infer_roles(table).select(), (), None, 99))["emb"]
    assert (emb.role, emb.width) == ("vector", WIDTH)
    assert values.dtype == pl.Array(pl.Float32, WIDTH)
    assert values[7].to_list() == [7 * step % 50 for step in range(3, 3 + WIDTH)]


@pytest.mark.parametrize("ending", ["parquet", "ndjson"])
def test_a_file_of_vectors_alone_is_scanned(run, frame, tmp_path, ending):
    alone = frame.select("id", "emb").cast({"emb": pl.List(pl.Float64)}).filter(pl.col("id") != MISSING)
    getattr(alone, f"write_{ending}")(tmp_path / f"v.{ending}")
    outcome = run("scan", tmp_path / f"v.{ending}", "--budget", "1", "--format", "ndjson")
    assert outcome.code == 0, outcome.err
    assert "vector    emb" in outcome.err
    assert f'"id": {FAR},' in outcome.out
    assert '"view": "vector"' in outcome.out


def test_init_writes_the_vectors_and_fit_and_score_follow(run, frame, tmp_path):
    with opened(tmp_path / "v.duckdb") as connection:
        connection.register("frame", frame)
        connection.execute("CREATE TABLE t AS SELECT *, [1.5, id % 2] AS same FROM frame")
    assert run("init", "v.duckdb", "t", "-o", "c.toml", "--vector", "emb", "--ignore", "same").code == 0
    assert 'vector = [\n  "emb",  # user-specified\n]' in (tmp_path / "c.toml").read_text()
    assert run("fit", "c.toml").code == 0
    outcome = run("score", "c.toml", "--where", f"id < {MISSING}", "--budget", "2", "--format", "csv")
    assert outcome.code == 0, outcome.err
    assert {line.split(",")[1] for line in outcome.out.splitlines()[1:]} | {
        line.split(",")[0] for line in outcome.out.splitlines()[1:]
    } >= {str(FAR), str(WRONG)}


@pytest.mark.parametrize(
    ("column", "said"),
    [
        ("if(i = 7, [1.0, 2], [i, i, i])", "column v cannot be a vector: lists of 2 to 3 numbers; "),
        ("'[' || i || ']'", "column v (VARCHAR) holds no vectors, which are arrays or lists of numbers; in a query, "),
        ("NULL::FLOAT[4]", "column v cannot be a vector: every value is null"),
        ("[]::DOUBLE[]", "column v cannot be a vector: every list is null or empty"),
        ("i::DOUBLE", "column v (DOUBLE) holds no vectors"),
        ("[[i, i]]", "column v (BIGINT[][]) holds no vectors"),
    ],
)
def test_what_holds_no_vectors_is_refused_in_one_sentence(run, database, tmp_path, column, said):
    source = database(f"CREATE TABLE t AS SELECT 'p' || i % 3 AS plain, {column} AS v FROM range(60) t(i)")
    outcome = run("scan", source, "t", "--vector", "v")
    assert (outcome.code, outcome.out) == (2, "")
    assert outcome.err.splitlines()[-1].startswith(f"anomembed: {said}")
    assert not (tmp_path / "anomembed.duckdb").exists()


@pytest.mark.parametrize(
    ("column", "said"),
    [
        ("[i, i]::FLOAT[2]", "the vectors of column emb of t have 2 numbers, but the model was fitted on 8"),
        ("[i, i]", "the vectors of column emb of t have another number of numbers, but the model was fitted on 8"),
        ("'x'", r"column emb of t is VARCHAR, but the model was fitted on FLOAT\[8\]"),
    ],
)
def test_another_width_than_was_fitted_is_refused(model, database, column, said):
    source = database(f"CREATE TABLE t AS SELECT i AS id, 'bee' AS label, {column} AS emb FROM range(9) t(i)")
    with pytest.raises(SourceError, match=said):
        score_table(model, source, "t")


def test_the_reference_decides_whether_lists_have_one_length(database):
    source = database("CREATE TABLE t AS SELECT 'p' || i % 3 AS p, if(i < 9, [1], [i, i]) AS v, i FROM range(60) t(i)")
    with Table(source) as table:
        assert infer_roles(table).columns[1].role == "ignore"
        assert infer_roles(table, where="i > 8").columns[1].role == "vector"


def test_vectors_that_are_all_alike_or_of_one_number_can_be_judged():
    rng = np.random.default_rng(0)
    frame = pl.DataFrame({"id": range(200), "one": [[x] for x in rng.normal(size=200)], "same": [[1.0, 2.0]] * 200})
    model = fit_model(frame, config=Config(roles={"vector": ["one", "same"]}))
    odd = pl.DataFrame({"id": [1, 2, 3], "one": [[0.1], [0.1], [40.0]], "same": [[1.0, 2.0], [1.0, 2.5], [1.0, 2.0]]})
    usual, other, far = all_scores(model, odd)
    assert far > usual
    assert other > usual
    assert "same" in score_table(model, odd[1:2]).flags.frame["reason"][0]


def test_wide_vectors_are_judged_in_small_batches():
    rng = np.random.default_rng(0)
    vectors = rng.normal(size=(120, 1500)).astype(np.float32)
    vectors[3] += 3
    frame = pl.DataFrame({"id": range(120), "emb": as_arrays(vectors)})
    model = fit_model(frame.filter(pl.col("id") != 3))
    assert score_table(model, frame).frame["id"][0] == 3
    assert batch_size(model.roles.n_values) == BATCH_VALUES // 1500 < batch_size(3) == BATCH_SIZE


@pytest.mark.parametrize("kind", ["array", "list"])
def test_a_detector_takes_frames_with_vectors(frame, kind):
    records = frame.drop("id").drop_nulls()
    records = records if kind == "array" else records.cast({"emb": pl.List(pl.Float32)})
    detector = AnomembedDetector().fit(records)
    assert set(np.argsort(-detector.decision_scores_)[:2]) == {FAR, WRONG}


def test_a_batch_has_its_vectors_row_by_row(model, frame):
    batch = make_batch(frame, model.vocabulary, model.numbers)
    assert len(batch.vectors) == 1
    assert np.isnan(batch.vectors[0][MISSING]).all()
    np.testing.assert_array_equal(batch[FAR : FAR + 1].vectors[0][0], frame["emb"][FAR].to_numpy())
