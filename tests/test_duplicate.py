import datetime as dt

import numpy as np
import polars as pl
import pytest
from modes import START, invoices, terms_of

from anomembed import Config, fit_model, scan, score_table
from anomembed.read.roles.inference import infer_roles
from anomembed.read.roles.role import Role
from anomembed.read.table import Table
from anomembed.read.twins import BEFORE, SAME, SINCE, derive_twins, plan_twins

PLAIN = {"key": ["id"]}
WITH_ENTITY = {"key": ["id"], "entity": ["vendor"], "timestamp": ["posted"]}
DAY = 86400


def settings(roles=PLAIN, **flags):
    return Config(roles=roles, flags=flags or {"budget": 20})


def nats_of(frame, roles=PLAIN):
    return terms_of(frame, "duplicate", settings(roles))


def twins_of(frame, **roles):
    with Table(frame) as table:
        given = {Role(name): [column] for name, column in (PLAIN | roles).items() for column in np.atleast_1d(column)}
        assigned = infer_roles(table, given)
        twins = plan_twins(table, assigned, "vendor", "posted")
        derive_twins(table, assigned, twins)
        return twins, pl.concat(list(table.batches(twins.select(), [table.column("id")], None, 10_000))).sort("id")


def test_what_came_before_by_hand():
    rows = [
        ("a", 5.5, 0, "x", "p"), ("a", 5.5, 3, "x", "q"), ("b", 5.5, 4, "x", "q"), ("a", 7.25, 4, "x", "q"),
        ("a", 5.5, 10, "y", "q"), (None, 5.5, 11, "x", "q"), ("a", None, 11, "x", "q"), ("a", None, 12, "x", "q"),
    ]  # fmt: skip
    frame = pl.DataFrame(
        [
            (i, vendor, amount, START + dt.timedelta(days=day), site, clerk)
            for i, (vendor, amount, day, site, clerk) in enumerate(rows)
        ],
        schema=["id", "vendor", "amount", "posted", "site", "clerk"],
        orient="row",
    )
    twins, found = twins_of(frame, number="amount", category=["vendor", "site", "clerk"], timestamp="posted")
    assert (twins.amount, twins.compared, twins.resolution, twins.span) == ("amount", ("site", "clerk"), DAY, 12 * DAY)
    assert found[SINCE].to_list() == [None, 3 * DAY, None, None, 7 * DAY, None, None, None]
    assert found[BEFORE].to_list()[:5] == [0, 1, None, None, 2]
    assert [found[SAME].to_list()[at] for at in (1, 4)] == [1, 2]


def test_the_amount_is_the_number_that_is_seldom_repeated_and_a_balance_is_not():
    frame = invoices().with_columns(balance=pl.col("amount").cum_sum() + 0.001, items=pl.Series(range(2076)) % 40 + 0.5)
    twins, _ = twins_of(frame)
    assert twins.amount == "amount"


def test_what_each_has_for_itself_is_not_compared():
    frame = invoices()
    own = [f"REF-{at * 7919 % 99_991:05}" for at in range(frame.height)]
    assert twins_of(frame.with_columns(reference=pl.Series(own)))[0].compared == twins_of(frame)[0].compared


@pytest.mark.parametrize("roles", [PLAIN, WITH_ENTITY], ids=["plain", "entity"])
@pytest.mark.parametrize("doubled", [1, 4])
def test_repeats_come_first_and_are_put_into_words(roles, doubled):
    frame = invoices(doubled=doubled)
    planted = frame["id"].tail(doubled).to_list()
    flags = scan(frame, config=settings(roles)).flags.frame
    assert set(planted) <= set(flags["id"][: doubled + 6])
    row = flags.filter(id=planted[0]).row(0, named=True)
    record = frame.row(planted[0], named=True)
    assert row["view"] == "duplicate"
    same = pl.col("id") < planted[0], pl.col("vendor") == record["vendor"], pl.col("amount") == record["amount"]
    repeated = frame.filter(*same).sort("posted")["id"][-1]
    said = f"amount={record['amount']:g} of vendor={record['vendor']} repeats record {repeated} of "
    assert row["reason"].startswith(said)
    assert " before, with the same site, clerk (" in row["reason"]


def test_another_clerk_is_no_excuse_but_another_site_too_is():
    frame, n = invoices(), 2072
    for changed, is_found in ((["clerk"], True), (["clerk", "site"], False)):
        other = [pl.when(pl.col("id") >= n).then(pl.lit(f"{name}9")).otherwise(name).alias(name) for name in changed]
        nats = nats_of(frame.with_columns(other))
        assert all((nats[key] > 1) is is_found for key in range(n, n + 4)), changed


def test_rents_and_late_repeats_are_usual():
    frame = invoices(doubled=0, rents=40)
    assert sum(nat > 0 for nat in nats_of(frame).values()) == 0
    late = invoices(doubled=4).with_columns(
        posted=pl.when(pl.col("id") >= 2072).then(pl.col("posted") + pl.duration(days=60)).otherwise("posted")
    )
    nats = nats_of(late)
    assert [nats[key] for key in range(2072, 2076)] == [0] * 4


def test_where_the_same_is_bought_every_day_repeats_are_usual():
    """Tickets at two prices, and some invoices entered twice among them."""
    rng = np.random.default_rng(1)
    tickets = invoices(6000, doubled=0, rents=0, seed=1).with_columns(
        amount=pl.Series(rng.choice([2.8, 5.6], 6000)), id=pl.int_range(10_000, 16_000)
    )
    nats = nats_of(pl.concat([invoices(), tickets]))
    assert sum(nat > 0 for nat in nats.values()) == 0


def test_new_records_are_held_against_the_reference():
    model = fit_model(invoices(doubled=0), config=settings())
    new = invoices(300, doubled=2, rents=0, seed=8).with_columns(pl.col("posted") + pl.duration(days=180))
    scores = score_table(model, new)
    assert set(new["id"].tail(2)) <= set(scores.frame["id"][:4])
    assert set(scores.frame.filter(pl.col("id").is_in(new["id"].tail(2).implode()))["view"]) == {"duplicate"}


def test_later_records_change_no_score():
    frame = invoices()
    model = fit_model(frame, config=settings())
    early = frame.filter(pl.col("posted") < START.date() + dt.timedelta(days=90))
    some, whole = (score_table(model, f).frame.sort("id") for f in (early, frame))
    whole = whole.filter(pl.col("id").is_in(early["id"].implode()))
    assert some["raw_score"].to_list() == whole["raw_score"].to_list()
    assert (some["view"] == "duplicate").any()


def test_repeats_by_chance_are_held_against_those_that_come_late():
    """Two thousand prices: people pay the same again now and then, as often soon after as in proportion to the time."""
    rng = np.random.default_rng(2)
    frame = invoices(8000, doubled=0, rents=0).with_columns(amount=pl.Series(rng.integers(100, 2100, 8000) / 4))
    assert sum(nat > 0 for nat in nats_of(frame).values()) <= 2


def test_where_many_are_entered_twice_that_is_usual():
    assert sum(nat > 0 for nat in nats_of(invoices(doubled=150)).values()) == 0
