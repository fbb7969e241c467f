import numpy as np
import polars as pl
import pytest
from modes import deposits, terms_of

from anomembed import Config, fit_model, scan, score_table
from anomembed.views.heaping import ROUND, _chernoff, _has_trait

N = 3000  # deposits that `deposits` makes before those that it plants


def settings():
    return Config(roles={"key": ["id"]}, flags={"budget": 20})


def nats_of(frame):
    return terms_of(frame, "heaping", settings())


def found(frame):
    return {key for key, nats in nats_of(frame).items() if nats > 0}


def test_traits_by_hand():
    below = np.array([8999.99, 9000, 9999.99, 10000])
    assert _has_trait(below, 10000.0).tolist() == [False, True, True, False]
    assert _has_trait(np.array([90.0, 110, 120.5, 4300, 4310, 50_000]), ROUND).tolist() == [
        False, True, False, True, False, True,
    ]  # fmt: skip


def test_the_bound_holds_for_the_binomial_distribution():
    from scipy.stats import binom

    times, of, share = np.array([9.0, 6, 1, 5]), np.array([9.0, 10, 10, 100]), np.array([0.05, 0.1, 0.1, 0.2])
    nats = _chernoff(times, of, share)
    assert (nats <= -binom.logsf(times - 1, of, share) + 1e-9).all()
    assert nats[0] == pytest.approx(-9 * np.log(0.05))
    assert nats[2:].tolist() == [0, 0]  # as many as expected, and fewer


def test_split_deposits_come_first_and_are_put_into_words():
    frame = deposits()
    flags = scan(frame, config=settings()).flags.frame
    assert set(range(N, N + 9)) <= set(flags["id"])
    row = flags.filter(pl.col("view") == "heaping").row(0, named=True)
    around = frame.filter(pl.col("account") == "A011", pl.col("amount").is_between(5000, 20000))
    assert row["reason"].startswith(
        f"amount={frame.row(row['id'], named=True)['amount']:g} is just below 10,000, as are 9 of the"
        f" {around['amount'].n_unique()} different amounts from 5,000 to 20,000 of account=A011 ("
    )


def test_rents_and_larger_sums_than_others_are_no_habit():
    assert found(deposits(split=0, fixed=40)) == set()
    assert found(deposits(split=0, level=8.0)) == set()


def test_round_sums_are_told_where_few_deal_in_them():
    frame = deposits(split=0, round_for=(3,))
    assert found(frame) <= set(frame.filter(pl.col("account") == "A003")["id"])
    assert len(found(frame)) > 5
    assert found(deposits(split=0, round_for=tuple(range(40)))) == set()


def test_chance_makes_no_habits():
    assert [seed for seed in range(20) if found(deposits(split=0, seed=seed))] == []


def test_new_amounts_of_a_known_habit_are_told():
    model = fit_model(deposits(), config=settings())
    new = deposits(split=2, seed=3)
    scores = score_table(model, new).frame.sort("raw_score", descending=True)
    assert {N, N + 1} <= set(scores["id"][:4])


def test_without_others_there_is_nothing_to_be_held_against():
    """Twenty sums of one channel just below 5,000; the other channel has none of that size."""
    rng = np.random.default_rng(0)
    sums = np.concatenate([np.linspace(4_580, 4_990, 20).round(), rng.integers(1, 400, 1_500)])
    channel = ["online"] * 20 + rng.choice(["online", "agency"], 1_500).tolist()
    frame = pl.DataFrame({"id": range(len(sums)), "amount": sums, "channel": channel})
    frame = frame.with_columns(plan=pl.Series(rng.choice(["a", "b", "c"], len(sums))))
    assert "heaping" not in {judged.view.name for judged in fit_model(frame, config=settings()).views}
