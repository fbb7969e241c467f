"""A number that is out of all proportion comes first, whatever else the record has."""

import numpy as np
import polars as pl
import pytest
from modes import terms_of

from anomembed import Config, fit_model, scan, score_table
from anomembed.views.extreme import MOST

ODD = 5_000


def requests(n=6_000, seed=0):
    """Requests that take 2 to 89 milliseconds, and one that takes a minute; its other values are the most usual."""
    rng = np.random.default_rng(seed)
    failed = (np.arange(n) >= 4_000) & (np.arange(n) < 4_040)
    level = np.where(failed, "WARN", rng.choice(["INFO", "DEBUG"], n, p=[0.9, 0.1]))
    latency = rng.integers(2, 90, n)
    latency[ODD] = 60_000
    level[ODD] = "INFO"
    tags = rng.choice(["a", "a,b"], n, p=[0.15, 0.85])
    tags[ODD] = "a,b"
    return pl.DataFrame(
        {
            "id": np.arange(n),
            "level": level,
            "path": np.where(failed, "/login", rng.choice(["/login", "/pay", "/cart"], n)),
            "status": np.where(failed, "401", "200"),
            "tags": tags,
            "n_tags": np.where(tags == "a", 1, 2),
            "latency_ms": latency,
        }
    )


@pytest.mark.parametrize(
    "columns", [["latency_ms", "level"], ["latency_ms", "level", "path", "status", "tags", "n_tags"]]
)
def test_a_minute_among_milliseconds_comes_first(columns):
    """It shares a bin with the slowest of the others, which are as usual as can be."""
    flags = scan(requests().select("id", *columns), config={"roles": {"key": ["id"]}, "flags": {"budget": 1}}).flags
    assert flags.frame["id"].to_list() == [ODD]
    assert "latency_ms=60000 is unusually high" in flags.frame["reason"][0]


@pytest.mark.parametrize("clean", [False, True])
def test_in_later_records_too_and_beyond_the_threshold(clean):
    frame = requests()
    config = Config(roles={"key": ["id"]}, reference={"clean": clean}, flags={"threshold": 0.001})
    model = fit_model(frame.filter(pl.col("id") < 4_000), config=config)
    flags = score_table(model, frame.filter(pl.col("id") >= 4_100)).flags.frame
    assert flags["id"][0] == ODD


def test_what_is_twice_as_much_is_no_more_than_that():
    rng = np.random.default_rng(1)
    amounts = rng.lognormal(4, 1, 6_000).round(2)
    frame = pl.DataFrame({"id": range(6_000), "amount": amounts, "kind": rng.choice(["a", "b", "c"], 6_000)})
    scores = scan(frame, config={"roles": {"key": ["id"]}}).frame
    assert scores["tail_probability"].min() > 1e-6, "amounts have long tails: the largest of 6,000 is no wonder"


KEY = {"roles": {"key": ["id"]}}


def measured(n=3_000, k=60, seed=0):
    rng = np.random.default_rng(seed)
    frame = pl.DataFrame({f"x{at}": rng.normal(0, 1, n).round(4) for at in range(k)})
    return frame.insert_column(0, pl.Series("id", range(n)))


@pytest.mark.parametrize("value", [9.0, -9.0])
def test_one_of_sixty_numbers_is_not_lost_among_the_others(value):
    """Its distance from the others is about as large as theirs from one another."""
    odd = pl.col("id").is_in([77, 1234, 2900])
    frame = measured().with_columns(x41=pl.when(odd).then(value).otherwise("x41"))
    flags = scan(frame, config=KEY | {"flags": {"budget": 3}}).flags.frame
    assert set(flags["id"]) == {77, 1234, 2900}
    assert all(
        reason.startswith(f"x41={value:g} is unusually {'high' if value > 0 else 'low'}") for reason in flags["reason"]
    )


def test_what_chance_makes_is_no_evidence():
    for seed in range(3):
        terms = terms_of(measured(seed=seed), "extreme", Config(**KEY))
        assert np.count_nonzero(np.array(list(terms.values())) > 0.5) <= 1
    rng = np.random.default_rng(1)
    n = 6_000
    long_tailed = pl.DataFrame(
        {
            "id": range(n),
            "amount": rng.lognormal(4, 1.5, n).round(2),
            "bytes": rng.pareto(1.2, n).round(3),
            "errors": rng.poisson(0.05, n),
            "refund": np.where(rng.random(n) < 0.08, rng.lognormal(3, 1, n), 0).round(2),
            "load": np.where(rng.random(n) < 0.3, rng.normal(80, 3, n), rng.normal(20, 3, n)).round(1),
        }
    )
    terms = np.array(list(terms_of(long_tailed, "extreme", Config(**KEY)).values()))
    assert np.count_nonzero(terms > 0.5) <= 2


def test_numbers_that_are_missing_or_mostly_the_same_are_not_extreme_and_infinity_is():
    frame = measured(400, 3).with_columns(
        x0=pl.when(pl.col("id") % 2 == 0).then(None).otherwise("x0"),
        x1=pl.when(pl.col("id") == 7).then(float("inf")).otherwise("x1"),
        x2=pl.lit(1.0),
        x3=pl.when(pl.col("id") < 20).then(5.0).otherwise(0.0),
    )
    terms = terms_of(frame, "extreme", Config(roles={"key": ["id"], "number": ["x0", "x1", "x2", "x3"]}))
    assert terms[7] == max(terms.values()) == MOST
    assert sum(term > 0.5 for term in terms.values()) <= 2


def test_what_another_column_tells_of_a_number_holds_whoever_acts():
    """Thirty times what a supplier usually takes is found, whichever clerk books it, and told of the supplier."""
    rng, n = np.random.default_rng(2), 6_000
    supplier, clerk = rng.integers(0, 20, n), rng.integers(0, 6, n)
    usual = np.geomspace(20, 2_000, 20)
    amount = (usual[supplier] * rng.lognormal(0, 0.35, n)).round(2)
    supplier[ODD], amount[ODD] = 3, (30 * usual[3]).round(2)  # as others take each day
    names = {"supplier": [f"s{number}" for number in supplier], "clerk": [f"c{number}" for number in clerk]}
    frame = pl.DataFrame({"id": range(n), **names, "amount": amount})
    by_clerk = Config(roles={"key": ["id"], "entity": ["clerk"]}, flags={"budget": 1})
    flags = scan(frame, config=by_clerk).flags.frame
    assert flags["id"].to_list() == [ODD]
    assert "unusually high with supplier=s3" in flags["reason"][0]
    model = fit_model(frame, config=by_clerk)
    (extreme,) = [judged.view for judged in model.views if judged.view.name == "extreme"]
    assert [model.vocabulary.names[each.context] for each in extreme.peers] == ["supplier"]
    by_supplier = fit_model(frame, config=Config(roles={"key": ["id"], "entity": ["supplier"]}))
    assert "extreme" not in {judged.view.name for judged in by_supplier.views}, "that is its own"


def test_an_entity_has_its_own_measure():
    """What is far out for everybody is told by the view of its entity."""
    frame = measured(600, 3).with_columns(who=pl.format("u{}", pl.col("id") % 20))
    model = fit_model(frame, config=Config(roles={"key": ["id"], "entity": ["who"]}))
    assert {"entity"} == {judged.view.name for judged in model.views} & {"entity", "extreme"}


def test_it_is_kept_in_the_store(run):
    requests().write_parquet("requests.parquet")
    assert run("scan", "requests.parquet", "--budget", 1, "--quiet").code == 0
    told = run("explain", str(ODD))
    assert told.code == 0, told.err
    assert "extreme" in told.out.partition("VIEWS")[2].partition("COLUMNS")[0]
