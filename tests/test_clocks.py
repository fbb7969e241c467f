"""What only tells the time again is not judged: to a model of last week, all of today would be unusual."""

from datetime import datetime, timedelta
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from late_records import flags_of_later

from anomembed.read.roles.inference import infer_roles
from anomembed.read.roles.role import Role
from anomembed.read.table import Table

START = datetime(2026, 3, 2, 7, 30)


def payments(n=3_000, seed=0):
    """Payments of three weeks (3,000), ten minutes apart, with all kinds of columns that move on with the time."""
    rng = np.random.default_rng(seed)
    at = np.arange(n)
    jitter = rng.integers(0, 12, n)
    return pl.DataFrame(
        {
            "payment": [f"P{number:05}" for number in rng.permutation(n)],
            "paid_at": [START + timedelta(minutes=10 * int(step)) for step in at],
            "shop": rng.choice(["Acme", "Bolt", "Crux", "Dune"], n),
            "amount": rng.gamma(4, 20, n).round(2),
            "seconds": at * 600,
            "day": at // 144,
            "batch": 1_000 + (at + jitter) // 20,
            "written_on": [f"{START + timedelta(minutes=10 * int(step)):%G-W%V}" for step in at],
            "firmware": (at > n // 2).astype(int),
            "hour": at // 6 % 24,
            "left": n - at,
            "price": (50 + 3 * rng.normal(size=n).cumsum() / 10).round(2),
            "drift": (at / n + rng.normal(0, 0.2, n)).round(3),
        }
    )


CLOCKS = {"seconds", "day", "batch", "written_on", "left"}


def clocks(frame, given=None):
    with Table(frame) as table:
        roles = infer_roles(table, given)
        return {column.name for column in roles.columns if "a clock or a counter" in column.reason}


@pytest.mark.parametrize("seed", range(3))
def test_what_only_rises_or_falls_with_the_time_is_a_clock_and_nothing_else_is(seed):
    assert clocks(payments(seed=seed)) == CLOCKS
    assert clocks(payments(seed=seed).sample(fraction=1, shuffle=True, seed=1)) == CLOCKS, "in whatever order"


def test_a_few_values_that_are_missing_or_wrong_hide_no_clock():
    wrong = pl.int_range(pl.len()) % 300 == 7
    missing = pl.int_range(pl.len()) % 4 == 0
    frame = payments().with_columns(
        day=pl.when(wrong).then(0).otherwise(pl.col("day")), seconds=pl.when(missing).then(None).otherwise("seconds")
    )
    assert clocks(frame) == CLOCKS


def test_without_a_time_of_day_the_user_must_name_the_time():
    born = payments().with_columns(
        paid_at=pl.col("paid_at").dt.date(), age=40 - pl.col("day"), born=1980 + pl.col("day")
    )
    assert clocks(born) == set()
    assert clocks(born, {Role.TIMESTAMP: ["paid_at"]}) == {*CLOCKS, "age", "born"}


@pytest.mark.parametrize("n", [2_000, 20_000])
def test_few_days_are_enough_however_many_records_each_has(n):
    rng = np.random.default_rng(0)
    day = np.sort(rng.integers(0, 60, n))
    frame = pl.DataFrame(
        {
            "day": [START.date() + timedelta(days=int(number)) for number in day],
            "day_no": day,
            "shop": rng.choice(list("ABC"), n),
            "amount": rng.gamma(4, 20, n).round(2),
        }
    )
    assert clocks(frame, {Role.TIMESTAMP: ["day"]}) == {"day_no"}


def test_numbers_within_texts_are_numbers():
    frame = payments().select("paid_at", "shop", "amount", "batch", number=pl.int_range(pl.len()) // 150)
    named = frame.with_columns(
        release=pl.format("v1.{}", "number"),
        batch=pl.when(pl.int_range(pl.len()) % 100 == 50)
        .then(pl.lit("err"))
        .otherwise(pl.col("batch").cast(pl.String)),
    )
    assert clocks(named) == {"number", "release", "batch"}


def test_what_mostly_rises_is_no_clock():
    rng = np.random.default_rng(0)
    at = np.arange(3_000)
    rising = (
        payments()
        .select("paid_at", "shop", "amount")
        .with_columns(
            load=at + rng.normal(0, 150, 3_000),  # 94 of 100 pairs rise
            queue=np.where(at < 2_900, 0, at),  # mostly equal
            week=at // 1_008 * 100 + rng.integers(0, 101, 3_000),  # rises over a quarter of the time, not within
        )
    )
    assert clocks(rising) == set()


def test_the_noon_of_a_birthday_and_midnight_elsewhere_are_no_times_of_events():
    rng = np.random.default_rng(0)
    born = rng.integers(0, 18_000, 3_000)
    frame = payments().select("shop", "amount").with_columns(age=80 - born // 365)
    for noon in (12, 22):
        moments = [
            datetime(1945, 1, 1, noon) + timedelta(days=int(day), hours=int(day % 2 and noon > 12)) for day in born
        ]
        assert clocks(frame.with_columns(born=pl.Series(moments))) == set()


def test_what_the_user_names_is_used():
    given = {Role.NUMBER: ["seconds"], Role.CATEGORY: ["day"]}
    assert clocks(payments(), given) == CLOCKS - {"seconds", "day"}


def test_without_a_time_or_with_few_records_there_is_no_clock():
    assert clocks(payments().drop("paid_at")) == set()
    assert clocks(payments(40)) == set()


def test_it_is_told_and_records_that_come_later_are_not_all_unusual(run):
    frame = payments(4_000).drop("price", "drift", "firmware")
    frame.write_parquet("payments.parquet")
    assert run("init", "payments.parquet", "-o", "shop.toml").code == 0
    assert '"day",' in Path("shop.toml").read_text().split("ignore = [")[1].split("]")[0]
    assert flags_of_later(run, frame).height < 20, "of a thousand"
    asked = " ".join(run("scan", "payments.parquet", "--number", "seconds").err.split())
    assert "not used day, batch, written_on: only rises with paid_at: a clock or a counter" in asked
    assert "left: only falls with paid_at: a clock or a counter" in asked
