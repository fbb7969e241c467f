"""Numbers with a unit in messages: a request that took a minute where others take milliseconds."""

from datetime import datetime, timedelta

import duckdb
import numpy as np
import polars as pl
import pytest

from anomembed import Config, fit_model, scan, score_table
from anomembed.read.measures import measure_sql
from anomembed.read.roles.inference import infer_roles
from anomembed.read.roles.role import Role
from anomembed.read.table import Table

START = datetime(2026, 3, 2)
SECONDS = "seconds in message"
SLOW = [1_500, 2_400]


def lines(n=3_000, seed=0, slow=SLOW):
    """Requests that take about 35 ms, orders that take some seconds, and logins; two requests take a minute."""
    rng = np.random.default_rng(seed)
    messages = []
    for number in range(n):
        kind = rng.random()
        if number in slow:
            messages.append(f"request GET /api/item/{rng.integers(900)} took {60_000 + number} ms")
        elif kind < 0.5:
            messages.append(f"request GET /api/item/{rng.integers(900)} took {int(rng.lognormal(3.5, 0.4))} ms")
        elif kind < 0.8:
            messages.append(f"order {rng.integers(10**6)} paid in {int(rng.lognormal(2, 0.5))} s")
        else:
            messages.append(f"login of user{rng.integers(30)} from 10.0.{rng.integers(4)}.{rng.integers(1, 50)}")
    at = [START + timedelta(seconds=20 * number) for number in range(n)]
    return pl.DataFrame({"id": range(n), "at": at, "message": messages})


@pytest.mark.parametrize(
    ("text", "seconds", "size"),
    [
        ("took 829 ms", 0.829, None),
        ("took 95ms, sent 1.5 MB", 0.095, 1.5e6),
        ("latency:95ms", 0.095, None),
        ("latency=1,250ms", 1.25, None),
        ("(3.5 s)", 3.5, None),
        ("in 2 min", 120, None),
        ("7µs", 7e-6, None),
        ("wrote 512 bytes", None, 512),
        ("heap 2GiB of 4GiB", None, 2 * 2**30),
        ("read 10 KiB/s", None, 10_240),
        ("at 12:30:45 s", None, None),
        ("version 1.2.3 s", None, None),
        ("10.0.0.5 s", None, None),
        ("user7s a5ms x-5 ms", None, None),
        ("5 seconds2", None, None),
        ("item 95", None, None),
        ("", None, None),
        (None, None, None),
    ],
)
def test_the_first_measure_in_a_text(text, seconds, size):
    with duckdb.connect() as connection:
        asked = f"SELECT {measure_sql('t', 'seconds')}, {measure_sql('t', 'bytes')} FROM (SELECT ?::VARCHAR AS t)"
        found = connection.execute(asked, [text]).fetchone()
    assert found == (seconds, size)


@pytest.mark.parametrize(
    ("text", "percent"),
    [("disk /var at 97.5%", 97.5), ("usage=41 percent, 5%", 41), ("GET /a?q=%20b%41", None), ("90%used 5%", 5)],
)
def test_the_first_percentage_in_a_text(text, percent):
    with duckdb.connect() as connection:
        found = connection.execute(f"SELECT {measure_sql('t', 'percent')} FROM (SELECT ?::VARCHAR AS t)", [text])
        assert found.fetchone() == (percent,)


def test_a_log_of_one_line_with_a_percentage():
    rng = np.random.default_rng(0)
    usage = rng.normal(40, 3, 2_000).round(1)
    usage[700] = 99.7
    frame = pl.DataFrame({"id": range(2_000), "message": [f"checked the disk /var, usage {at}%" for at in usage]})
    flags = scan(frame, config={"roles": {"key": ["id"]}, "flags": {"budget": 1}}).flags.frame
    assert flags["id"].to_list() == [700]
    assert flags["reason"][0].startswith("percent in message=99.7 is unusually high")


@pytest.mark.parametrize("roles", [{}, {"timestamp": ["at"]}], ids=["plain", "time"])
def test_a_request_that_takes_a_minute_comes_first(roles):
    flags = scan(lines(), config={"roles": {"key": ["id"]} | roles, "flags": {"budget": 2}}).flags.frame
    assert set(flags["id"]) == set(SLOW)
    assert all(SECONDS in reason for reason in flags["reason"])


def test_in_later_lines_of_a_file_too(run, tmp_path):
    lines().select(pl.format("{} INFO app: {}", pl.col("at").dt.strftime("%Y-%m-%d %H:%M:%S"), "message")).write_csv(
        "app.log", include_header=False, quote_style="never"
    )
    assert run("init", "app.log", "-o", "app.toml").code == 0
    assert SECONDS in (tmp_path / "app.toml").read_text()
    for clean in (False, True):
        config = Config(roles={"key": ["id"]}, reference={"clean": clean}, flags={"budget": 2})
        later = score_table(fit_model(lines(slow=[]), config=config), lines(seed=1)).flags.frame
        assert set(later["id"]) == set(SLOW)


def test_few_measures_tell_nothing_and_what_is_ignored_is_not_read():
    def derived(frame, given=None):
        with Table(frame) as table:
            infer_roles(table, given)
            return {column.name for column in table.columns if table.is_derived(column.name)}

    assert derived(lines()) == {SECONDS}
    assert derived(lines(), {Role.IGNORE: ["message"]}) == set()
    seldom = pl.when(pl.col("id") % 100 == 1).then("message").otherwise(pl.format("job {} is done by worker a", "id"))
    assert derived(lines().with_columns(message=seldom)) == set()
    assert derived(lines().with_columns(message=seldom), {Role.NUMBER: ["bytes in message"]}) == {"bytes in message"}
