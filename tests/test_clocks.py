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
