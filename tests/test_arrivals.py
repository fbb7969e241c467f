"""Sessions, customers and releases come and go: that a later record has a new one is no news, where it never was."""

from datetime import timedelta
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from databases import opened
from late_records import CONFIG, NEXT, at_random, flags_of_later

from anomembed.represent.tokens.arrivals import as_new, find_new
from anomembed.represent.tokens.learning import category_tokens, time_tokens
from anomembed.represent.tokens.value_counts import count_values
from anomembed.represent.tokens.vocabulary import Special, Vocabulary

ROLES = """
[roles]
timestamp = ["paid_at"]
category = ["customer", "shop", "card"]
"""


def payments(n=16_000, seed=0):
    """Four weeks of payments; the shop is always one of a few."""
    rng = np.random.default_rng(seed)
    days, moments = at_random(n, rng)
    frame = pl.DataFrame(
        {
            "payment": np.arange(n),
            "paid_at": moments,
            "customer": rng.choice([f"C{number}" for number in range(200)], n),
            "shop": rng.choice(["Acme", "Bolt", "Crux", "Dune"], n),
            "card": rng.choice(["visa", "amex"], n),
        }
    )
    return frame, days, rng


def sessions(seed=0):
    frame, _, _ = payments(seed=seed)
    return frame.with_columns(customer=pl.format("S{}", pl.int_range(pl.len()) // 9))


def arrivals(seed=0):
    frame, days, rng = payments(seed=seed)
    new = pl.Series([f"N{int(2 * day)}" for day in days])
    return frame.with_columns(customer=pl.when(pl.Series(rng.random(len(days)) < 0.1)).then(new).otherwise("customer"))


@pytest.mark.parametrize("make", [sessions, arrivals])
def test_new_values_are_no_news_where_they_always_come(run, make):
    frame = make()
    late = frame.filter(pl.col("paid_at") >= NEXT + timedelta(days=1))
    odd = int(late["payment"][700])
    frame = frame.with_columns(shop=pl.when(pl.col("payment") == odd).then(pl.lit("Elan")).otherwise("shop"))
    flags = flags_of_later(run, frame, ROLES)
    assert flags.height < 25, "of 4,000"
    assert flags["payment"][0] == odd, "of a column in which nothing ever was new, a new value is news"
    assert "shop=Elan was never seen" in flags["reason"][0]


def found(frame, seed=0):
    columns = (
        *time_tokens("paid_at", frame["paid_at"]),
        *(category_tokens(name, count_values(frame[name]), 1) for name in ("customer", "shop")),
    )
    vocabulary = Vocabulary(columns)
    tokens = vocabulary.encode(frame)
    return vocabulary, tokens, find_new(vocabulary, tokens, frame, "paid_at", seed)


def test_late_records_are_new_by_what_no_earlier_one_has():
    frame = sessions()
    vocabulary, tokens, new = found(frame)
    at = vocabulary.names.index("customer")
    late = frame["paid_at"].rank("ordinal").to_numpy() > 0.75 * frame.height
    begun = frame.select(pl.col("paid_at").min().over("customer")).to_series().to_numpy()
    cut = np.sort(frame["paid_at"].to_numpy())[int(0.75 * frame.height)]
    assert (new[:, at] == (late & (begun >= cut))).mean() > 0.9999
    assert not np.delete(new, at, axis=1).any()
    seen = as_new(vocabulary, tokens, new)
    assert (seen[new] == vocabulary.offsets[at] + Special.UNSEEN).all()
    assert (seen[~new] == tokens[~new]).all()


def test_values_that_nearly_every_record_has_for_itself_are_left_to_chance():
    frame, _, rng = payments()
    own = frame.with_columns(customer=pl.Series([f"U{number}" for number in rng.integers(0, 40_000, frame.height)]))
    assert not found(own)[2].any()


def test_few_new_values_may_be_what_is_looked_for():
    frame, days, rng = payments()
    stolen = pl.Series((days > 23) & (rng.random(len(days)) < 0.03))
    assert not found(frame.with_columns(customer=pl.when(stolen).then(pl.lit("X")).otherwise("customer")))[2].any()


def test_when_a_customer_came_is_not_when_a_payment_was(run):
    """Each customer has one moment since when there is one; to take that for the time, all of them came late."""
    frame, _, rng = payments()
    since = {f"C{number}": NEXT - timedelta(days=float(rng.uniform(1, 700))) for number in range(200)}
    frame = frame.with_columns(since=pl.col("customer").replace_strict(since, return_dtype=pl.Datetime))
    strangers = frame.filter(pl.col("paid_at") >= NEXT)["payment"].sample(12, seed=1).to_list()
    odd = pl.col("payment").is_in(strangers)
    frame = frame.with_columns(customer=pl.when(odd).then(pl.format("X{}", "payment")).otherwise("customer"))
    for columns in (["payment", "since", "paid_at"], ["payment", "paid_at", "since"]):
        flags = flags_of_later(run, frame.select(*columns, "customer", "shop", "card"), ROLES)
        assert set(strangers) <= set(flags["payment"][:16]), columns


def test_a_reference_of_hours_and_values_too_rare_for_a_token_have_arrivals_too(run):
    """A session has nine records; twelve are needed for a token of its own."""
    frame = sessions()
    last = frame.filter(pl.col("paid_at") < NEXT)["paid_at"].max()
    hours = frame.with_columns(paid_at=last - (last - pl.col("paid_at")) / 30)
    hours = hours.with_columns(
        pl.when(pl.col("paid_at") > last)
        .then(pl.col("paid_at") + timedelta(days=1))
        .otherwise("paid_at")
        .alias("paid_at")
    )
    assert flags_of_later(run, hours, ROLES).height < 25
    assert flags_of_later(run, frame, ROLES + "[tokens]\nmin_count = 12\n").height < 25


def test_what_is_always_new_is_no_value_of_the_reference(run):
    """In the store, in what was expected, and in what two models learnt, there are the values that were there."""
    flags_of_later(run, arrivals(), ROLES)
    with opened("anomembed.duckdb", read_only=True) as store:
        counts = dict(store.execute("SELECT token, n_records FROM tokens WHERE column_name = 'customer'").fetchall())
    assert counts["(unseen)"] == 0
    assert sum(counts.values()) <= 12_000
    told = run("fit", "later.toml", "--store", "other.duckdb")
    assert "% of the last reference records have a customer that none before had: a new one is usual" in told.err


def test_a_monitor_knows_that_customers_are_new(run):
    frame = sessions()
    late = frame.filter(pl.col("paid_at") >= NEXT + timedelta(hours=12))
    odd = int(late["payment"][50])
    frame = frame.with_columns(shop=pl.when(pl.col("payment") == odd).then(pl.lit("Elan")).otherwise("shop"))
    frame.write_parquet("payments.parquet")
    key = ROLES.replace("[roles]", '[roles]\nkey = ["payment"]')
    settings = CONFIG.replace("where = \"paid_at >= '2026-03-23'\"\n", "") + key
    Path("m.toml").write_text(settings + '[monitor]\nwatermark = "paid_at"\nwindow = "1h"\ndelay = "0s"\n')
    assert run("monitor", "m.toml", "--now", "2026-03-23T00:30").code == 0
    said = run("monitor", "m.toml", "--now", "2026-03-24T00:30")
    assert "new to the reference" not in said.out + said.err
    assert "renamed or new" not in said.err
    assert "held back" not in said.out + said.err
    assert "shop=Elan was never seen" in run("findings").out


def test_without_a_time_of_day_nothing_is_new():
    assert not found(sessions().with_columns(pl.col("paid_at").dt.truncate("1d")))[2].any()


def test_records_without_a_time_count_as_the_first():
    frame = sessions()
    begun = frame.with_columns(paid_at=pl.when(pl.col("payment") % 400 == 0).then(None).otherwise("paid_at"))
    new = found(begun)[2]
    of_these = (frame["customer"].is_in(begun.filter(pl.col("paid_at").is_null())["customer"].implode())).to_numpy()
    assert new.any()
    assert not new[of_these].any()
