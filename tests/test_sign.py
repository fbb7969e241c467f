"""Numbers on the wrong side of zero: one below it where all others are above is found, where it is usual it is not."""

import math

import numpy as np
import polars as pl
import pytest
from modes import terms_of

from anomembed import Config, fit_model, scan, score_table

N = 3000
ROLES = {"key": ["id"]}
CONFIG = Config(roles=ROLES)


def drawn(few=(50,), *, upside_down=False, name="gap"):
    """Gaps of 5 give or take 4, that are cut off at 0; `few` are a little below it."""
    rng = np.random.default_rng(0)
    gap = np.abs(rng.normal(5, 4, N)).round(2)
    gap[list(few)] = -0.5
    return pl.DataFrame(
        {"id": np.arange(N), "kind": [f"k{i}" for i in rng.integers(0, 5, N)], name: -gap if upside_down else gap}
    )


def told(frame, config=CONFIG):
    return {key for key, term in terms_of(frame, "sign", config).items() if term > 0}


@pytest.mark.parametrize(("upside_down", "way"), [(False, "low"), (True, "high")])
def test_a_number_on_the_wrong_side_comes_first(upside_down, way):
    frame = drawn(upside_down=upside_down)
    first = scan(frame, config={"roles": ROLES, "flags": {"budget": 1}}).flags.frame.row(0, named=True)
    assert (first["id"], first["view"]) == (50, "sign")
    assert f" is unusually {way} " in first["reason"]


def test_what_it_is_worth_is_how_few_are_there():
    model = fit_model(drawn((50, 51, 52)), config=CONFIG)
    (view,) = (judged.view for judged in model.views if judged.view.name == "sign")
    n = model.summary.n_learnt
    worth = [-math.log((k + 0.5) / (n + 1)) for k in range(4)]
    assert min(abs(view.nats[0] - nats) for nats in worth) < 1e-9
    assert view.nats[0] > worth[3] - 1e-9
    balance = pl.col("id") % 10 - 0.5  # where a tenth are below zero, that is no try
    two = drawn((50, 51, 52)).with_columns(other=pl.col("gap") + 1, balance=balance)
    (view,) = (judged.view for judged in fit_model(two, config=CONFIG).views if judged.view.name == "sign")
    assert min(abs(view.nats[0] + math.log(2) - nats) for nats in worth) < 1e-9  # as many tries


def test_nothing_is_told_where_either_side_is_usual():
    assert told(drawn(())) == set()
    assert told(drawn(range(0, N, 40))) == set()
    assert told(drawn(range(0, N, 300))) == set(range(0, N, 300))


def test_where_nearly_all_are_zero_neither_side_is_the_wrong_one():
    few = pl.when(pl.col("id") % 333 == 0).then(pl.col("id") % 2 - 0.5).otherwise(0.0)
    assert told(drawn(()).with_columns(gap=few)) == set()
    assert told(drawn(()).with_columns(gap=few.abs())) == set()
    paid_back = pl.when(pl.col("id") % 20 == 0).then(1.0).otherwise(0.0)
    assert told(drawn(()).with_columns(gap=pl.when(pl.col("id") == 50).then(-1.0).otherwise(paid_back))) == {50}


def test_a_new_record_below_zero_is_told_although_the_reference_has_none():
    model = fit_model(drawn(()), config=Config(roles=ROLES, reference={"clean": True}))
    (judged,) = (judged for judged in model.views if judged.view.name == "sign")
    new = pl.DataFrame({"id": [0, 1, 2, 3], "kind": ["k1"] * 4, "gap": [-0.5, 0.0, 0.5, None]})
    assert (judged.raw(model.make_batch(new.select("kind", "gap"))) > 0).tolist() == [True, False, False, False]
    assert score_table(model, new).flags.frame["id"][0] == 0


def test_a_coordinate_is_no_number_on_the_wrong_side():
    frame = drawn(name="lat").with_columns(lon=pl.lit(5.0) + pl.col("id") % 7)
    assert told(frame) == set()


def test_what_an_entity_always_has_is_not_its_records_fault():
    frame = drawn(()).with_columns(who=pl.format("w{}", pl.col("id") % 150))
    frame = frame.with_columns(level=pl.when(pl.col("who") == "w3").then(-1.0).otherwise(pl.col("id") % 150 + 1.0))
    assert told(frame) == set(range(3, N, 150))
    assert told(frame, Config(roles=ROLES | {"entity": ["who"]})) == set()
