from typing import NamedTuple

import numpy as np
import polars as pl
import pytest

from anomembed.demo import EVENT_KINDS, PAYMENT_KINDS, make_demo
from anomembed.demo.events import make_events

MANY_VALUES = ("customer", "merchant", "user")
HOUR = pl.col("paid_at").dt.hour()
IN_OFFICE = pl.col("network").str.starts_with("office")


class Table(NamedTuple):
    frame: pl.DataFrame
    truth: pl.DataFrame
    key: str
    time: str
    kinds: dict
    per_kind: int

    @property
    def labelled(self):
        return self.frame.join(self.truth, on=self.key, how="left")

    @property
    def judged(self):
        """The columns with values that a detector would look at."""
        return self.frame.select(pl.col(pl.String).exclude("session_id"))


@pytest.fixture(scope="session")
def demo():
    return make_demo(seed=0)


@pytest.fixture(scope="session")
def payments(demo):
    return Table(demo.payments, demo.payments_truth, "payment_id", "paid_at", PAYMENT_KINDS, 20)


@pytest.fixture(scope="session")
def events(demo):
    return Table(demo.events, demo.events_truth, "event_id", "at", EVENT_KINDS, 10)


@pytest.fixture(params=["payments", "events"])
def table(request):
    return request.getfixturevalue(request.param)


def test_sizes_are_those_promised(demo):
    assert demo.payments.height == 200_000
    assert demo.payments["customer"].n_unique() == 2_000
    assert 550 <= demo.payments["merchant"].n_unique() <= 600
    assert 55_000 < demo.events.height < 65_000


def test_same_seed_same_tables(demo):
    again = make_demo(seed=0)
    for name in ("payments", "payments_truth", "events", "events_truth"):
        assert getattr(again, name).equals(getattr(demo, name))


def test_other_random_numbers_other_tables(demo):
    frame, truth = make_events(np.random.default_rng(7))
    assert not frame.equals(demo.events)
    assert not truth.equals(demo.events_truth)


def test_each_kind_is_planted_equally_often_and_tells_its_story(table):
    assert dict(table.truth["kind"].value_counts().rows()) == dict.fromkeys(table.kinds, table.per_kind)
    assert table.truth[table.key].is_unique().all()
    assert table.truth[table.key].is_in(table.frame[table.key].to_list()).all()
    assert not table.truth["story"].str.contains(r"[{}]|None").any()


def test_keys_and_order_do_not_give_the_planted_away(table):
    assert table.frame[table.time].is_sorted()
    assert table.frame[table.key].is_unique().all()
    assert table.frame[table.key].is_sorted()
    share = table.truth[table.key] / table.frame.height
    assert 0.35 < share.mean() < 0.65
    assert share.std() > 0.2


def test_hidden_habits_are_not_in_the_table(table):
    assert "kind" not in table.frame.columns
    assert not [name for name in table.frame.columns if name.startswith("_")]


def test_every_planted_value_is_common(table):
    planted = table.frame[table.key].is_in(table.truth[table.key].to_list())
    for values in table.judged.with_columns(hour=table.frame[table.time].dt.hour()):
        count = values.to_frame().select(pl.len().over(values.name))["len"]
        least = count.median() * 0.98 if values.name in MANY_VALUES else table.frame.height * 0.005
        assert count.filter(planted).min() >= least, values.name


def test_planted_amounts_lie_within_the_usual_range(payments):
    low, high = np.quantile(payments.frame["amount"], (0.01, 0.99))
    assert payments.labelled.filter(pl.col("kind").is_not_null())["amount"].is_between(low, high).all()


def test_counting_rare_values_does_not_find_the_planted(table):
    shares = table.judged.select(pl.len().over(name).log().neg().alias(name) for name in table.judged.columns)
    rarest = table.frame.with_columns(rarity=shares.sum_horizontal()).top_k(len(table.truth), by="rarity")
    assert rarest[table.key].is_in(table.truth[table.key].to_list()).mean() < 0.2


ELSEWHERE = pl.col("country") != pl.col("country").mode().first().over("merchant")
PAYROLL_OF_DEVELOPERS = (pl.col("department") == "engineering") & (pl.col("application") == "payroll")
NOT_SERVICE = pl.col("department") != "service"


@pytest.mark.parametrize(
    ("kind", "combination", "most_by_accident"),
    [
        ("swipe_at_streaming", (pl.col("merchant_category") == "streaming") & (pl.col("channel") == "magstripe"), 0),
        ("merchant_abroad", ELSEWHERE, 0),
        ("night_groceries", (pl.col("merchant_category") == "groceries") & HOUR.is_between(2, 4), 20),
        ("coffee_fortune", (pl.col("merchant_category") == "coffee") & (pl.col("amount") > 150), 5),
        ("service_in_office", ~NOT_SERVICE & IN_OFFICE, 0),
        ("foreign_application", PAYROLL_OF_DEVELOPERS, 10),
        ("wrong_host", ~pl.col("host").str.contains(pl.col("application")), 0),
        ("deploy_in_crm", (pl.col("application") == "crm") & (pl.col("action") == "deploy"), 0),
        ("person_in_datacenter", NOT_SERVICE & (pl.col("network") == "datacenter"), 0),
    ],
)
def test_a_planted_combination_hardly_ever_happens_otherwise(payments, events, kind, combination, most_by_accident):
    table = payments if kind in PAYMENT_KINDS else events
    found = table.labelled.filter(combination)["kind"]
    assert (found == kind).sum() == table.per_kind
    assert found.null_count() <= most_by_accident


def test_a_borrowed_card_is_used_where_and_how_its_owner_hardly_ever_does(payments):
    others = payments.frame.filter(pl.col("channel") == "online").group_by("customer", "country", "device").len()
    borrowed = payments.labelled.filter(pl.col("kind") == "borrowed_card").join(
        others, on=["customer", "country", "device"]
    )
    assert len(borrowed) == 20
    assert borrowed["len"].max() <= 2


def test_normal_payments_have_noise_too(payments):
    normal = payments.labelled.filter(pl.col("kind").is_null())
    home = pl.col("country").mode().first().over("customer")
    assert 0.005 < normal.select((pl.col("country") != home).mean()).item() < 0.05
    assert normal.filter((pl.col("merchant_category") == "coffee") & HOUR.is_between(0, 4)).height > 0


def test_only_the_web_and_tapped_phones_have_a_device(demo):
    has_device = demo.payments.group_by("channel").agg(pl.col("device").is_not_null().mean())
    share = dict(has_device.rows())
    assert share["online"] == 1
    assert 0 < share["contactless"] < 1
    assert share["chip"] == share["atm"] == 0


def test_life_has_seasons(demo):
    busy = demo.payments.group_by("merchant_category").agg(
        night=HOUR.is_between(0, 1).mean(), weekend=(pl.col("paid_at").dt.weekday() > 5).mean()
    )
    night, weekend = (dict(busy.select("merchant_category", name).rows()) for name in ("night", "weekend"))
    assert night["bars"] > 0.1 > 0.01 > night["groceries"]
    assert weekend["bars"] > 2 / 7 > weekend["transport"]


def test_sessions_go_from_login_to_logout_in_one_place(demo):
    session = demo.events.sort("at", maintain_order=True).group_by("session_id", maintain_order=True)
    steps = session.agg(pl.col("action"), pl.col("user").n_unique())
    assert (steps["action"].list.first() == "login").all()
    assert (steps["action"].list.last() == "logout").all()
    assert (steps["user"] == 1).all()
    assert demo.events.group_by("session_id").agg(pl.col("at").is_sorted())["at"].all()
