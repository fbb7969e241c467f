import re
from datetime import datetime, timedelta

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from anomembed import Config, fit_model, load_model, scan, score_table
from anomembed.read.table import Table
from anomembed.represent.batch import Batch
from anomembed.represent.entities import Profiles, without
from anomembed.views.entity import EntityView
from anomembed.views.figures import is_beyond
from anomembed.write.models import save_model
from anomembed.write.store import Store

SETTINGS = {"roles": {"entity": ["who"], "key": ["id"]}}


def make_payments(n=6000, seed=2):
    """Spenders of 10, 100 and 1000: what is usual for one is unusual for the others."""
    rng = np.random.default_rng(seed)
    person = rng.integers(0, 30, n)
    level = 10.0 ** (1 + person % 3)
    return pl.DataFrame(
        {
            "id": np.arange(n),
            "who": [f"p{i}" for i in person],
            "kind": [f"k{i}" for i in rng.integers(0, 4, n)],
            "amount": level * (1 + 0.1 * rng.normal(size=n)),
        }
    )


def profiles_of(frame):
    """Sum up by hand: 30 people, one number."""
    by = {f"p{i}": frame.filter(who=f"p{i}")["amount"].to_numpy() for i in range(30)}
    moments = [
        np.array([[len(x)] for x in by.values()], float),
        np.array([[x.mean() if len(x) else 0] for x in by.values()]),
        np.array([[((x - x.mean()) ** 2).sum() if len(x) else 0] for x in by.values()]),
    ]
    return Profiles(0, 0, *moments)


def test_profiles_of_two_days_add():
    frame = make_payments(900)
    both, summed = profiles_of(frame), profiles_of(frame[:400]) + profiles_of(frame[400:])
    for name in ("times", "mean", "squares"):
        assert getattr(summed, name) == pytest.approx(getattr(both, name))


@given(st.lists(st.floats(-1e6, 1e6), min_size=2, max_size=20))
def test_a_number_taken_off_leaves_the_moments_of_the_others(numbers):
    x, rest = np.array(numbers), np.array(numbers[1:])
    moments = (np.array([[len(x)]], float), np.array([[x.mean()]]), np.array([[((x - x.mean()) ** 2).sum()]]))
    times, mean, squares = without(*moments, x[:1, None])
    scale = np.abs(x).max() + 1
    assert times[0, 0] == len(rest)
    assert mean[0, 0] == pytest.approx(rest.mean(), abs=1e-7 * scale)
    assert squares[0, 0] == pytest.approx(((rest - rest.mean()) ** 2).sum(), abs=1e-6 * scale**2, rel=1e-6)


def test_the_source_sums_up_the_same(database):
    frame = make_payments(500)
    with Table(frame) as table:
        found = table.moments('CAST("who" AS VARCHAR)', ['CAST("amount" AS DOUBLE)'], None).sort("entity")
    expected = profiles_of(frame)
    order = [int(name[1:]) for name in found["entity"]]
    for name in ("times", "mean", "squares"):
        assert found[f"{name}_0"].to_numpy() == pytest.approx(getattr(expected, name)[order, 0])


@pytest.mark.parametrize("where", [None, "id < 4000"])
def test_what_is_usual_for_others_is_unusual_for_this_one(where):
    model = fit_model(make_payments(), config=Config(**SETTINGS, source={"fit_where": where}))
    odd = pl.DataFrame(
        {"id": [1, 2, 3], "who": ["p0", "p2", "p2"], "kind": ["k1"] * 3, "amount": [100.0, 100.0, 1000.0]}
    )
    scores = score_table(model, odd)
    assert scores.frame["id"].to_list()[-1] == 3
    reasons = dict(zip(scores.flags.frame["id"], scores.flags.frame["reason"], strict=True))
    assert reasons[1].startswith("amount=100 is unusually high for who=p0 (")
    assert reasons[2].startswith("amount=100 ")
    assert "who=p2" in reasons[2]
    assert re.search(r"19 in 20 of its \d+ records in the reference lie between [78]\.", reasons[1])


def test_what_is_unusual_for_all_is_so_for_an_entity_that_is_new():
    model = fit_model(make_payments(), config=Config(**SETTINGS))
    new = pl.DataFrame({"id": [1, 2], "who": ["nobody", "nobody"], "kind": ["k1", "k1"], "amount": [1e5, 400.0]})
    flags = score_table(model, new).flags.frame
    assert flags["id"][0] == 1
    reason = flags["reason"][0]
    assert reason.startswith("amount=100000 is unusually high")
    assert flags["view"].to_list() == ["entity", "rarity"]  # of nobody nothing is known


def test_a_record_does_not_vouch_for_itself():
    frame = make_payments(3000)
    wild = frame.with_columns(amount=pl.when(pl.col("id") == 7).then(1e6).otherwise("amount"))
    plain = {"columns": np.array([0]), "tails": np.ones((1, 2))}
    view = EntityView((profiles_of(wild),), is_own=True, **plain)
    batch = Batch(np.array([[int(who[1:])] for who in wild["who"]], np.int32), wild["amount"].to_numpy()[:, None])
    others = EntityView((profiles_of(frame.filter(pl.col("id") != 7)),), is_own=False, **plain)
    row = slice(7, 8)
    own_of = [v.usual(v.profiles[0], batch[row])[0] for v in (view, others)]
    assert own_of[0][1][0, 0] == pytest.approx(own_of[1][1][0, 0], rel=0.2)  # everybody's mean still has it
    assert view.vectors(batch).argmax() == 7


def test_the_spread_of_an_entity_counts_three_records_of_the_usual_one():
    """Two records say as much of a spread as one: the other three parts of the logarithm are those of all entities."""
    rng = np.random.default_rng(0)
    numbers = {0: np.array([9.0, 11.0]), **{i: rng.normal(10 * i, 4, 200) for i in range(1, 6)}}
    moments = [(len(x), x.mean(), ((x - x.mean()) ** 2).sum()) for x in numbers.values()]
    profiles = Profiles(0, 0, *(np.array(column, float)[:, None] for column in zip(*moments, strict=True)))
    view = EntityView((profiles,), is_own=False, columns=np.array([0]), tails=np.ones((1, 2)))
    batch = Batch(np.zeros((1, 1), np.int32), np.array([[10.0]]))
    (times, centre, spread), (n_all, _, spread_all) = view.usual(profiles, batch)
    within = np.sqrt(sum(squares for _, _, squares in moments) / (n_all[0] - 6))
    own = np.exp((np.log(np.sqrt(2.0)) + 3 * np.log(within)) / 4)
    known = 1 / (spread_all[0] ** 2 - within**2)
    mean_all = sum(n * mean for n, mean, _ in moments) / n_all[0]
    assert times[0, 0] == 2
    assert centre[0, 0] == pytest.approx((2 / own**2 * 10 + known * mean_all) / (2 / own**2 + known))
    assert spread[0, 0] == pytest.approx(np.sqrt(own**2 + 1 / (2 / own**2 + known)))


def test_missing_numbers_and_infinities_are_no_error():
    frame = make_payments(2000)
    model = fit_model(frame, config=Config(**SETTINGS))
    odd = pl.DataFrame(
        {
            "id": [1, 2, 3, 4],
            "who": ["p1", None, "p1", "p1"],
            "kind": ["k1"] * 4,
            "amount": [None, 90.0, np.inf, np.nan],
        },
        schema=frame.schema,
    )
    scores = score_table(model, odd).frame
    assert scores["raw_score"].is_finite().all()
    assert scores["id"][0] == 3


def test_all_numbers_the_same():
    frame = make_payments(500).with_columns(amount=pl.when(pl.col("id") < 3).then(6.0).otherwise(5.0))
    scores = score_table(fit_model(frame, config=Config(**SETTINGS)), frame).frame
    assert scores["raw_score"].is_finite().all()


def test_contributions_sum_to_the_raw_score_with_an_entity():
    model = fit_model(make_payments(), config=Config(**SETTINGS))
    flags = score_table(model, make_payments(300, seed=3)).flags
    sums = flags.contributions.group_by("rank").agg(pl.col("contribution").sum()).sort("rank")["contribution"]
    assert sums.to_numpy() == pytest.approx(flags.frame["raw_score"].to_numpy())


def test_a_kept_model_with_profiles_scores_the_same(tmp_path):
    frame = make_payments(2000)
    model = fit_model(frame, config=Config(**SETTINGS))
    with Store(tmp_path / "s.duckdb") as store, store.transaction():
        save_model(model, store)
    assert score_table(load_model(tmp_path / "s.duckdb"), frame).frame.equals(score_table(model, frame).frame)


def test_a_scan_of_the_reference_itself_finds_the_stranger_among_them(run, database):
    path = database(
        "CREATE TABLE pay AS SELECT i AS id, 'p' || i % 30 AS who, 'k' || hash(i) % 4 AS kind, "
        "pow(10, 1 + i % 3) * (1 + (hash(i * 7) % 1000) / 10000) * if(i = 1500, 10, 1) AS amount FROM range(6000) r(i)"
    )
    outcome = run("scan", path, "--entity", "who", "--budget", "1", "--format", "csv")
    assert outcome.code == 0, outcome.err
    assert outcome.out.splitlines()[1].startswith("1500,1,")
    assert "is unusually high for who=p0" in outcome.out


def test_numbers_that_never_vary_are_not_far_from_themselves():
    """A mean of equal numbers is off by a rounding, which must not count as thousands of a tiny spread."""
    gap = np.timedelta64(5_460_000_000, "us")
    start = np.datetime64("2026-03-02", "us") + np.arange(7) * np.timedelta64(13, "m")
    at = np.concatenate([begin + gap * np.arange(86) for begin in start])
    who = np.repeat([f"u{i}" for i in range(7)], 86)
    frame = pl.DataFrame({"id": range(len(at)), "at": at, "who": who, "act": ["a", "b"] * 301})
    config = Config(roles={"key": ["id"], "entity": ["who"], "timestamp": ["at"]}, sequence={"event": ["act"]})
    assert not (score_table(fit_model(frame, config=config), frame).frame["tail_probability"] < 1e-4).any()


def new_customer(amounts):
    """Payments of 20 to 60 by others at any time of 50 days, and those of one customer, one every ten days."""
    rng, n = np.random.default_rng(0), 4000
    days = np.append(rng.uniform(0, 50, n), np.arange(len(amounts)) * 10.0)
    return pl.DataFrame(
        {
            "who": [f"p{i % 200}" for i in range(n)] + ["new"] * len(amounts),
            "amount": np.append(rng.uniform(20, 60, n).round(2), amounts),
            "at": [datetime(2026, 3, 1) + timedelta(days=day) for day in days],
        }
    ).with_row_index("id")


def test_what_is_high_for_all_but_low_for_its_entity_says_both():
    config = Config(roles={"key": ["id"], "entity": ["who"]}, flags={"budget": 4})
    flags = scan(new_customer([93, 158, 321, 505, 738]), config=config).flags.frame
    reasons = {reason.split(" ")[0]: reason for reason in flags["reason"]}
    assert reasons["amount=158"].endswith("over all 4,005 records; but 414.2 over the 4 other records of who=new)")
    assert "; 269.2 over the 4 other records of who=new)" in reasons["amount=738"]


@pytest.mark.parametrize("is_high", [True, False])
def test_a_number_that_is_the_mean_lies_on_neither_side_of_it(is_high):
    """So that nobody's 1 is unusually low where 1 is the average."""
    assert not is_beyond(1.0, 1.0, is_high=is_high)
    assert is_beyond(1.0, 1.5, is_high=is_high) != is_high
