import numpy as np
import polars as pl
import pytest

from anomembed import Config, fit_model, score_table
from anomembed.errors import DataError
from anomembed.fit.model import learn_model
from anomembed.read.table import Table
from anomembed.scoring import score_batches

N = 3000
SHOPS, CITIES = [f"shop{i}" for i in range(6)], ["Rome", "Oslo", "Bern"]


def payments(seed=0, n=N):
    """Shop decides city, kind and price; who pays is free. The first record has number 0."""
    rng = np.random.default_rng(seed)
    shop = rng.integers(0, 6, n)
    return pl.DataFrame(
        {
            "id": np.arange(n),
            "shop": np.array(SHOPS)[shop],
            "city": np.array(CITIES)[shop % 3],
            "kind": np.where(shop < 3, "food", "books"),
            "payer": [f"p{i}" for i in rng.integers(0, 20, n)],
            "price": np.exp(rng.normal(shop, 0.3)).round(2),
        }
    )


def plant(frame, n=10):
    """Give the first records the city of another shop, and the next ones a price of another shop."""
    other_city = pl.col("city").replace_strict(dict(zip(CITIES, [*CITIES[1:], CITIES[0]], strict=True)))
    return frame.with_columns(
        city=pl.when(pl.col("id") < n).then(other_city).otherwise("city"),
        price=pl.when(pl.col("id").is_between(n, 2 * n - 1)).then(pl.col("price") * 3000).otherwise("price"),
    )


def all_scores(model, frame, size=100_000):
    with Table(frame) as table:
        return (
            pl.concat(score_batches(model, table, None, size)).sort("id").select("id", "raw_score", "tail_probability")
        )


@pytest.fixture(scope="module")
def frame():
    return plant(payments())


@pytest.fixture(scope="module")
def model(frame):
    return fit_model(frame)


@pytest.fixture(scope="module")
def scores(model, frame):
    return all_scores(model, frame)


@pytest.mark.parametrize("clean", [False, True])
def test_planted_records_end_on_top(clean):
    model = fit_model(payments(1) if clean else plant(payments()), config=Config(reference={"clean": clean}))
    ranked = score_table(model, plant(payments())).frame
    assert (ranked["id"][:20] < 20).mean() >= 0.8
    assert ranked["raw_score"].is_sorted(descending=True)


def test_a_label_that_is_ignored_changes_nothing(frame, scores):
    labelled = frame.with_columns(is_fraud=pl.col("id") < 20)
    model = fit_model(labelled, config=Config(roles={"ignore": ["is_fraud"]}))
    assert all_scores(model, labelled).equals(scores)
    assert all_scores(model, labelled.with_columns(is_fraud=True)).equals(scores)


def test_the_order_of_rows_changes_nothing(frame, scores):
    shuffled = frame.sample(fraction=1, shuffle=True, seed=1)
    assert all_scores(fit_model(shuffled), shuffled).equals(scores)


@pytest.mark.parametrize("size", [1, 7, 1000])
def test_the_size_of_batches_changes_nothing(model, frame, scores, size):
    some = frame[: 10 * size]
    assert all_scores(model, some, size).equals(scores[: 10 * size])


def test_names_of_values_mean_nothing(frame, scores):
    renamed = frame.with_columns(
        pl.format("{}!", pl.col("shop").str.reverse()).alias("shop"), city=pl.col("city").str.reverse()
    )
    found = all_scores(fit_model(renamed), renamed)
    assert found["raw_score"].to_numpy() == pytest.approx(scores["raw_score"].to_numpy(), rel=1e-5, abs=1e-4)
    assert found.top_k(10, by="raw_score")["id"].to_list() == scores.top_k(10, by="raw_score")["id"].to_list()


def test_seeds(frame, scores):
    assert all_scores(fit_model(frame), frame).equals(scores)
    assert not all_scores(fit_model(frame, config=Config(seed=1)), frame).equals(scores)


def test_copies_have_the_same_score(model, frame):
    copies = pl.concat([frame[:50], frame[:50].with_columns(id=pl.col("id") + N)])
    found = all_scores(model, copies)["raw_score"]
    assert found[:50].equals(found[50:])


def test_a_record_that_most_records_repeat_is_normal():
    """Without a key all copies have the same hash, and must not be held out together."""
    most = pl.DataFrame({"a": ["x"] * 900 + ["y", "z"] * 50, "b": ["x"] * 900 + ["z", "y", "w", "v"] * 25})
    for seed in range(4):
        model = fit_model(most, config=Config(seed=seed))
        found = score_table(model, most).frame.sort("row_number")["raw_score"].to_numpy()
        assert found[:900].max() < found[900:].min()
        assert 100 < model.summary.n_held_out < 200
        assert (model.vocabulary.counts() == model.counts.single).all()


@pytest.mark.parametrize("clean", [False, True])
def test_tail_probabilities_of_new_normal_records_are_shares(clean):
    model = fit_model(payments(2, 20_000), config=Config(reference={"clean": clean}))
    tail = all_scores(model, payments(3, 20_000))["tail_probability"].to_numpy()
    for probability in (0.5, 0.1, 0.01):
        assert 1 / 3 < (tail < probability).mean() / probability < 3
    assert model.summary.n_held_out == 3000
    assert model.summary.n_learnt == 17_000


def test_what_is_held_out_is_not_learnt():
    model = fit_model(
        payments().with_columns(payer=pl.col("id").cast(pl.String)),
        config=Config(roles={"key": ["id"], "category": ["payer"]}),
    )
    payer = model.vocabulary.columns[model.vocabulary.names.index("payer")]
    assert len(payer.values) == payer.n_records == model.summary.n_learnt == N - model.summary.n_held_out
    assert model.counts.n_records == model.summary.n_learnt
    assert model.summary.n_held_out == 0.15 * N


def test_without_holding_out_all_is_learnt(frame):
    with Table(frame) as table:
        model = learn_model(table, Config(), is_own=True)
    assert (model.summary.n_learnt, model.summary.n_held_out) == (N, 0)
    assert model.calibration.n_reference == N
    tail = all_scores(model, frame)["tail_probability"].to_numpy()
    assert (tail < 0.1).mean() == pytest.approx(0.1, abs=0.01)


def test_the_reference_is_what_fit_where_says():
    both = pl.concat([payments(0), payments(1).with_columns(id=pl.col("id") + N, shop=pl.lit("new"))])
    model = fit_model(both, config=Config(source={"fit_where": f"id < {N}"}))
    found = all_scores(model, both)["raw_score"]
    assert found[N:].min() > found[:N].median()
    assert found[N:].median() > found[:N].quantile(0.99)
    assert model.summary.n_reference == N


def odd_tables():
    n = 60
    ids, ab = pl.int_range(n, eager=True), pl.Series(["a", "b", "b"] * (n // 3))
    yield "one column", pl.DataFrame({"id": ids, "a": ab}), {}
    yield "one column of many values", pl.DataFrame({"id": range(4000), "a": [f"v{i % 1500}" for i in range(4000)]}), {}
    yield "all constant", pl.DataFrame({"id": ids, "a": ["x"] * n}), {"category": ["a"]}
    yield "one number", pl.DataFrame({"id": ids, "x": ids * 1.5}), {}
    yield "no number is known", pl.DataFrame({"id": ids, "a": ab, "x": [np.nan] * n}), {"number": ["x"]}
    yield (
        "huge numbers",
        pl.DataFrame({"id": ids, "a": ab, "x": [1e308, -1e308, np.inf, np.nan, 5e-324, 1.0] * (n // 6)}),
        {},
    )
    yield "two records", pl.DataFrame({"id": [1, 2], "a": ["x", "y"], "x": [0.5, 2.0]}), {}
    yield "one distinct record", pl.DataFrame({"a": ["x"] * n}), {"category": ["a"]}
    yield (
        "names of special tokens",
        pl.DataFrame({"id": ids, "a": ["(missing)", "(rare)", "(unseen)", "", "null", None] * (n // 6)}),
        {},
    )
    yield (
        "moments with nulls",
        pl.DataFrame({"id": ids, "t": [None, 1, 5_000_000_000] * (n // 3)}).with_columns(
            pl.col("t").cast(pl.Datetime("us"))
        ),
        {},
    )
    yield "truth values", pl.DataFrame({"id": ids, "a": [True, False, None] * (n // 3)}), {}
    yield "a name with a line end", pl.DataFrame({"id": ids, "a\nb": ab}), {}


@pytest.mark.parametrize("clean", [False, True])
@pytest.mark.parametrize(("table", "roles"), [pytest.param(t, r, id=name) for name, t, r in odd_tables()])
def test_odd_tables(table, roles, clean):
    model = fit_model(table, config=Config(roles=roles, reference={"clean": clean}))
    found = score_table(model, table)
    assert found.frame.height == table.height
    assert found.frame["raw_score"].is_finite().all()
    assert found.frame["tail_probability"].is_between(0, 1, closed="right").all()
    assert (found.flags.frame["reason"] != "").all()


def test_numbers_far_beyond_a_tiny_reference_are_the_most_abnormal():
    rng = np.random.default_rng(0)
    model = fit_model(pl.DataFrame({"id": range(500), "x": rng.normal(size=500) * 1e-9}))
    odd = pl.DataFrame({"id": [1, 2, 3, 4], "x": [1e300, -np.inf, 1e-3, 0.0]})
    raw = all_scores(model, odd)["raw_score"]
    assert raw.is_finite().all()
    assert raw[0] > raw[2] > raw[3]


def test_a_rare_value_of_a_single_column_stands_out():
    frame = pl.DataFrame({"id": range(1000), "a": ["x"] * 990 + ["y"] * 10})
    assert set(score_table(fit_model(frame), frame).frame["id"][:10]) == set(range(990, 1000))


def test_no_records_to_score(model, frame):
    with pytest.raises(DataError, match="no records"):
        score_table(model, frame, where="false")
