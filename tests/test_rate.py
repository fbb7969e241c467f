import datetime as dt
from dataclasses import replace

import duckdb
import numpy as np
import polars as pl
import pytest
from modes import START, fitted, terms_of, tills
from scipy.stats import betabinom, binom

from anomembed import Config, fit_model, scan, score_table
from anomembed.represent.batch import Batch
from anomembed.represent.rates import Rates
from anomembed.views.rate import MOST_TOLD, RateView


def settings(entity="cashier", time="at"):
    return Config(roles={"key": ["id"], "entity": [entity], "timestamp": [time] if time else []}, flags={"budget": 20})


def found(frame, entity="cashier", time="at"):
    """What the view tells of a table: records by entity and value."""
    terms = terms_of(frame, "rate", settings(entity, time))
    told = frame.filter(pl.Series([terms[key] > 0 for key in frame["id"]]))
    return {values: set(part["id"]) for values, part in told.drop("at", strict=False).group_by(entity)}


def of_entities(rates, n=6000, *, seed=0, values=("no", "yes"), name="who", records=None):
    """Entities that have the second value at rates of their own; `records` of each, or at random."""
    rng = np.random.default_rng(seed)
    who = rng.integers(0, len(rates), n) if records is None else np.repeat(np.arange(len(rates)), records)
    is_second = rng.random(len(who)) < np.asarray(rates)[who]
    frame = {"id": np.arange(len(who)), name: [f"e{i}" for i in who]}
    return pl.DataFrame({**frame, "value": np.array(values)[is_second.astype(int)]})


def first_of(frame, run, entity, time=None):
    """Keys, reasons and findings of the first twenty flags, by the command line."""
    with duckdb.connect("t.duckdb") as connection:
        connection.execute("CREATE TABLE t AS FROM frame")
    roles = ["--key", "id", "--entity", entity, *(["--time", time] if time else [])]
    assert run("scan", "t.duckdb", "t", *roles, "--store", "s.duckdb", "--budget", 20).code == 0
    with duckdb.connect("s.duckdb", read_only=True) as connection:
        flags = connection.execute("SELECT key, reason, finding FROM flags ORDER BY rank").fetchall()
    return [int(key) for key, _, _ in flags], *({flag[part] for flag in flags} for part in (1, 2))


def test_the_chance_of_a_rate_is_that_of_the_beta_binomial_distributions():
    rng = np.random.default_rng(0)
    of = np.full(40, 200.0)
    rates = Rates.of(rng.binomial(200, rng.beta(2, 48, 40)).astype(float), of)
    weights = np.exp(rates.log_weights - rates.log_weights.max())
    for times, n in ((20, 200), (50, 200), (150, 200), (40, 50)):
        exact = -np.log(weights @ betabinom.sf(times - 1, n, rates.a, rates.b) / weights.sum())
        assert rates.nats(times, n) == pytest.approx(exact, rel=1e-4)


def test_of_many_peers_some_stand_for_all():
    rng = np.random.default_rng(0)
    of = rng.integers(20, 400, 3000).astype(float)
    times = rng.binomial(of.astype(int), rng.beta(2, 48, 3000)).astype(float)
    some = Rates.of(times, of)
    all_ = replace(some, log_weights=some.log_likelihood(times, of).sum(axis=0))
    for k, n in ((20, 200), (50, 200), (40, 50)):
        assert some.nats(k, n) == pytest.approx(all_.nats(k, n), rel=0.1)


def test_the_strongest_finding_of_a_record_counts_and_not_without_bounds():
    columns, held = np.array([[0, 1], [0, 2]]), np.array([[3, 13], [3, 23]])
    all_told = np.full(2, np.iinfo(np.uint64).max)
    view = RateView(columns, held, np.array([[40.0, 50, 100, 9, 900], [6.0, 30, 100, 9, 900]]), all_told)
    tokens = np.array([[3, 13, 23], [3, 14, 23], [3, 13, 24], [4, 13, 23], [3, 14, 24]], np.int32)
    batch = Batch(tokens, np.empty((5, 0)))
    assert view.vectors(batch).ravel().tolist() == [8, 6, 8, 0, 0]
    assert view.strongest(batch).tolist() == [0, 1, 0, -1, -1]
    assert view.culprit(batch).tolist()[:3] == [1, 2, 1]


def test_peers_that_are_alike_tell_more_than_peers_that_are_not_and_many_more_than_few():
    of = np.full(40, 200.0)
    alike, unlike = Rates.of(np.full(40, 6.0), of), Rates.of(np.array([0.0, 12] * 20), of)
    few = Rates.of(np.full(3, 6.0), of[:3])
    assert alike.nats(30, 200) > unlike.nats(30, 200) + 5
    assert alike.nats(30, 200) > few.nats(30, 200) + 5
    assert alike.nats(30, 200) < -binom.logsf(29, 200, 0.03)


def test_a_cashier_with_many_voids_comes_first_as_one_finding(run):
    frame = tills()
    voids = frame.filter(cashier="C7", action="void")
    keys, reasons, findings = first_of(frame, run, "cashier", "at")
    assert set(keys[:MOST_TOLD]) <= set(voids["id"])
    own = frame.filter(cashier="C7").height
    share = frame.filter(pl.col("cashier") != "C7").select(100 * (pl.col("action") == "void").mean()).item()
    figures = f"{voids.height} of its {own} records ({100 * voids.height / own:.3g}%); others in {share:.3g}%"
    assert {reason for reason in reasons if "void" in reason} == {f"cashier=C7 has action=void in {figures}"}
    assert len(findings) == len(reasons)


def test_the_dearest_code_of_a_provider_comes_first_without_a_time(run):
    rng = np.random.default_rng(0)
    provider = rng.integers(0, 20, 3000)
    shares = rng.dirichlet(60 * np.array([0.1, 0.25, 0.3, 0.2, 0.15]), 20)
    shares[4] = (0.05, 0.1, 0.15, 0.1, 0.6)
    code = np.array([rng.choice(5, p=shares[i]) for i in provider])
    frame = pl.DataFrame(
        {
            "id": range(3000),
            "provider": [f"P{i}" for i in provider],
            "code": [f"9921{i}" for i in code + 1],
            "paid": (np.array([40, 70, 110, 160, 220])[code] * rng.lognormal(0, 0.05, 3000)).round(2),
        }
    )
    upcoded = set(frame.filter(provider="P4", code="99215")["id"])
    assert set(first_of(frame, run, "provider")[0][:MOST_TOLD]) <= upcoded


def test_logins_tried_slowly_come_first(run):
    """Forty or so of fifty in two weeks, where others fail in two of fifty."""
    rng = np.random.default_rng(1)
    rates = rng.beta(3, 72, 200)
    rates[33] = 0.8
    frame = of_entities(rates, 10_000, values=("ok", "failed"), name="user")
    at = [START + dt.timedelta(seconds=int(s)) for s in np.sort(rng.uniform(0, 14 * 86400, 10_000))]
    frame = frame.with_columns(at=pl.Series(at), host=pl.Series([f"h{i}" for i in rng.integers(0, 25, 10_000)]))
    failed = set(frame.filter(user="e33", value="failed")["id"])
    assert set(first_of(frame, run, "user", "at")[0][:MOST_TOLD]) <= failed


def assert_told(found, of):
    """A few records stand for each finding."""
    assert set(found) == set(of)
    assert all(told <= of[name] for name, told in found.items())
    assert all(is_few(len(told)) for told in found.values())


def is_few(n_told):
    """Records held out to calibrate may stand for a finding as well."""
    return MOST_TOLD <= n_told <= 2 * MOST_TOLD


def test_a_finding_of_many_records_leaves_the_others_their_places():
    frame = tills()
    rows = [111, 2222]
    odd = pl.when(pl.col("id") == rows[0]).then(-9_000.0).when(pl.col("id") == rows[1]).then(50_000.0)
    frame = frame.with_columns(amount=odd.otherwise("amount"))
    flags = scan(frame, config=settings()).flags.frame
    assert set(rows) < set(flags["id"])
    assert is_few(flags["reason"].str.starts_with("cashier=C7 has action=void in").sum())


@pytest.mark.parametrize("rates", [{2: 0.25, 9: 0.25}, {2: 0.3, 9: 0.2, 11: 0.25}])
def test_those_out_of_line_do_not_hide_one_another(rates):
    frame = tills(rates, 6000, cashiers=60)
    voids = {(f"C{i}",): set(frame.filter(cashier=f"C{i}", action="void")["id"]) for i in rates}
    assert_told(found(frame), voids)


def silent(tables):
    """How many tables have nothing to tell."""
    return sum(found(table, "who", None) == {} for table in tables)


@pytest.mark.parametrize("mean", [0.03, 0.2])
@pytest.mark.parametrize("concentration", [3.0, 30.0, 1000.0])
def test_honest_entities_differ_and_are_silent(mean, concentration):
    """One table in e^4 may have a false alarm: of ten, more than two are worse than one chance in a thousand."""
    tables = []
    for seed in range(10):
        rates = np.random.default_rng(seed).beta(mean * concentration, (1 - mean) * concentration, 60)
        tables.append(of_entities(rates, 4000, seed=seed))
    assert binom.sf(2, 10, np.exp(-4)) < 1e-3
    assert silent(tables) >= 8


def test_two_kinds_of_entities_are_silent():
    """A third have the night shift, in which refunds are ten times as frequent; no column tells it."""
    tables = [
        of_entities(np.random.default_rng(seed).permutation([0.02] * 40 + [0.2] * 20), 6000, seed=seed)
        for seed in range(8)
    ]
    assert silent(tables) >= 7


def test_who_does_what_all_of_its_group_do_is_silent():
    """Of 60 hosts five are databases, which time out; one of them in 30 % of its records, all in a fifth at least."""
    frame = of_entities([0.02] * 55 + [0.3, 0.26, 0.24, 0.22, 0.2], 12_000)
    role = pl.when(pl.col("who").is_in([f"e{i}" for i in range(55, 60)])).then(pl.lit("database"))
    noise = pl.Series(np.random.default_rng(0).choice(["a", "b"], 12_000))
    assert found(frame.with_columns(role=role.otherwise(pl.lit("web")), noise=noise), "who", None) == {}
    few = of_entities([0.02] * 58 + [0.3, 0.3], 12_000)
    assert set(found(few, "who", None)) == {("e58",), ("e59",)}


def test_a_home_is_no_rate():
    """Customers pay at home, but for one payment in a hundred; some countries are home to one or two of them."""
    tables = []
    for seed in range(6):
        rng = np.random.default_rng(seed)
        home = rng.choice(12, 100, p=rng.dirichlet(np.ones(12)))
        who = rng.integers(0, 100, 8000)
        country = np.where(rng.random(8000) < 0.02, rng.integers(0, 12, 8000), home[who])
        tables.append(
            pl.DataFrame(
                {
                    "id": range(8000),
                    "who": [f"e{i}" for i in who],
                    "country": [f"c{i}" for i in country],
                    "card": rng.choice(["debit", "credit"], 8000),
                }
            )
        )
    assert silent(tables) == 6


def test_customers_with_favourites_hide_one_that_has_another_one():
    """Each has a shop that it goes to in half of its records; one of a small shop is as usual as those of others."""
    rng = np.random.default_rng(0)
    who = rng.integers(0, 80, 8000)
    favourite = rng.integers(0, 30, 80)
    shop = np.where(rng.random(8000) < 0.5, favourite[who], rng.integers(0, 30, 8000))
    frame = pl.DataFrame({"id": range(8000), "who": [f"e{i}" for i in who], "shop": [f"s{i}" for i in shop]})
    assert found(frame, "who", None) == {}


def test_a_value_of_ones_own_is_told_but_where_others_have_theirs():
    """Everybody has each of ten codes in a record of ten; one or two have one in four of ten, or four one each."""

    def codes(*favourites):
        rng = np.random.default_rng(0)
        who, code = rng.integers(0, 100, 10_000), rng.integers(0, 10, 10_000)
        for at, favourite in enumerate(favourites):
            code[(who == at) & (rng.random(10_000) < 0.4)] = favourite
        return pl.DataFrame({"id": range(10_000), "who": [f"e{i}" for i in who], "code": [f"c{i}" for i in code]})

    assert set(found(codes(3, 3), "who", None)) == {("e0",), ("e1",)}
    assert found(codes(1, 2, 3, 4), "who", None) == {}


def test_a_value_is_of_the_entity_itself_that_it_usually_has_and_most_others_never_do():
    def table(share):
        frame = of_entities([share, *[0.0] * 60], 6100, values=("home", "away"))
        once = pl.col("id").is_in(
            frame.filter(pl.col("who") != "e0").unique("who").sort("who")["id"].head(12).to_list()
        )
        return frame.with_columns(value=pl.when(once).then(pl.lit("away")).otherwise("value"))

    assert set(found(table(0.4), "who", None)) == {("e0",)}
    assert found(table(0.95), "who", None) == {}


def test_what_hardly_anybody_else_has_is_no_rate():
    frame = of_entities([0.3, *[0.0] * 40], 4000)
    two = frame.filter(pl.col("who").is_in(["e5", "e6"])).unique("who")["id"].to_list()
    assert (
        found(
            frame.with_columns(value=pl.when(pl.col("id").is_in(two)).then(pl.lit("yes")).otherwise("value")),
            "who",
            None,
        )
        == {}
    )


def test_that_a_value_is_lacking_is_no_excess():
    """Others leave their names out in three records of ten, and one in one of fifty."""
    frame = of_entities([0.3] * 40 + [0.02], records=[100] * 40 + [400], values=("named", "unnamed"))
    assert found(frame, "who", None) == {}


@pytest.mark.parametrize(("records", "is_told"), [(9, False), (12, True)])
def test_a_few_records_tell_no_rate(records, is_told):
    frame = of_entities([0.02] * 40 + [1.0], records=[100] * 40 + [records])
    assert bool(found(frame, "who", None)) is is_told


def test_what_is_in_a_tenth_of_the_records_is_usual():
    """One of eight, with four records in ten, and with as many as there are."""
    told = [set(found(of_entities([rate, *[0.02] * 7], records=[300] * 8, seed=1), "who", None)) for rate in (0.4, 0.9)]
    assert told == [{("e0",)}, set()]


def test_a_value_that_an_entity_has_once_is_no_rate():
    rng = np.random.default_rng(0)
    frame = of_entities([0.02] * 40 + [0.0], records=[100] * 40 + [11])
    once = frame["id"] == frame["id"].max()
    frame = frame.with_columns(value=pl.when(once).then(pl.lit("yes")).otherwise("value"))
    assert found(frame.with_columns(other=pl.Series(rng.choice(["a", "b"], frame.height))), "who", None) == {}


def test_missing_values_are_a_value_and_missing_entities_nobody():
    frame = tills()
    void_missing = frame.with_columns(action=pl.when(pl.col("action") != "void").then("action"))
    voids = set(frame.filter(cashier="C7", action="void")["id"])
    assert_told(found(void_missing), {("C7",): voids})
    nobody = frame.with_columns(cashier=pl.when(pl.col("cashier") != "C7").then("cashier"))
    assert found(nobody) == {}


@pytest.mark.parametrize("n", [1, 2, 3])
def test_with_hardly_any_peers_nothing_is_told(n):
    assert found(of_entities([0.5, *[0.02] * (n - 1)], records=[300] * n), "who", None) == {}


def test_few_peers_tell_what_is_blatant_alone():
    names = [set(found(of_entities([r, *[0.02] * 5], records=[300] * 6, seed=2), "who", None)) for r in (0.06, 0.5)]
    assert names == [set(), {("e0",)}]


def test_new_records_are_of_who_was_out_of_line():
    model = fit_model(tills(), config=settings())
    new = tills(seed=5).with_columns(pl.col("id") + 10_000)
    flags = score_table(model, new).flags.frame
    told = flags.filter(pl.col("reason").str.starts_with("cashier=C7 has action=void in"))
    assert told.height
    assert set(told["id"]) <= set(new.filter(cashier="C7", action="void")["id"])
    assert "rate" not in {judged.view.name for judged in fitted("tills", clean=True).views}


def test_the_order_of_the_rows_does_not_change_what_is_found():
    frame = tills()
    shuffled = frame.sample(fraction=1, shuffle=True, seed=3)
    assert terms_of(shuffled, "rate", settings()) == terms_of(frame, "rate", settings())
