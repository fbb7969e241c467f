"""Drills of `anomembed monitor` that print their figures: `pytest -m drill -n 0 -s tests/test_monitor_drills.py`."""

import json
import math
import shutil
import time
from datetime import datetime, timedelta
from pathlib import Path

import duckdb
import numpy as np
import polars as pl
import pytest
from databases import opened
from monitored import HOUR as HOUR_OF_PAYMENTS
from monitored import REFERENCE, at, read
from real_sources import DATA, DAY, HOUR

CONFIG = """
[source]
database = "source.duckdb"
table = "records"
time_zone = "UTC"
fit_where = "{time} < TIMESTAMP '{fit_until}'"
[roles]
key = ["id"]
{roles}
[flags]
{threshold}
[store]
path = "store.duckdb"
[monitor]
watermark = "{time}"
{monitor}
[[monitor.channels]]
kind = "file"
to = "alerts.ndjson"
"""


def needs(name):
    path = DATA / name
    return pytest.param(path, marks=pytest.mark.skipif(not path.exists(), reason=f"no {path}"))


def replay(run, fit_until, until, step=HOUR):
    """Run the monitor at every hour of a replay, and return the seconds and the records of each run."""
    found, now = [], fit_until
    while now <= until:
        started = time.monotonic()
        outcome = run("monitor", "source.toml", "--now", now.isoformat(), "--format", "json")
        assert outcome.code == 0, outcome.err
        found.append((time.monotonic() - started, json.loads(outcome.out)["n_scored"]))
        now += step
    return found[1:]  # the first one fits


def configure(**parts):
    defaults = {"time": "timestamp", "threshold": "", "monitor": 'delay = "0s"'}
    Path("source.toml").write_text(CONFIG.format(**{**defaults, **parts}))


def opening(since, until):
    """What was told to be new between two moments: findings and notices, by when their first record was."""
    path = Path("alerts.ndjson")
    rows = [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []
    new = [row for row in rows if row["event"] == "opened"]
    return [row for row in new if since <= datetime.fromisoformat(row["at"][:-1]) < until]


def known_so_far(since, until):
    """When events come that were never seen before, by the baseline: a list of the events known so far."""
    query = (
        "SELECT event, min(timestamp) AS first FROM records GROUP BY event HAVING first >= ? AND first < ? ORDER BY 2"
    )
    with opened("source.duckdb", read_only=True) as connection:
        return [first for _, first in connection.execute(query, [since, until]).fetchall()]


def per_thousand(runs):
    """Seconds of a run with about 1,000 records, in the middle of those that had 300 to 3,000."""
    some = [seconds for seconds, n in runs if 300 <= n <= 3000]
    return float(np.median(some)) if some else float("nan")


def delay(first, attack):
    return "never" if first is None else f"{(first - attack) / HOUR:.1f} h"


@pytest.mark.drill
@pytest.mark.parametrize("path", [needs("ait_ads_alerts.parquet")])
@pytest.mark.parametrize("network", ["fox", "russellmitchell", "wardbeck", "wheeler"])
def test_alerts_of_a_network_are_replayed_hour_by_hour(path, network, run):
    """At most a finding a quiet day, and the attack found no later than by a list of known events."""
    number = "row_number() OVER (ORDER BY timestamp, file_row_number) AS id"
    query = (
        f"CREATE TABLE records AS SELECT {number}, timestamp, host, event, label_time "
        "FROM read_parquet(?, file_row_number = true) WHERE scenario = ?"
    )
    with opened("source.duckdb") as connection:
        connection.execute(query, [str(path), network])
        start, attack, end = connection.execute(
            "SELECT min(timestamp), min(timestamp) FILTER (label_time = 1), max(timestamp) FROM records"
        ).fetchall()[0]
    fit_until = (start + (attack - start) / 2).replace(minute=0, second=0, microsecond=0)
    roles = 'timestamp = ["timestamp"]\ncategory = ["host", "event"]\nignore = ["label_time"]'
    configure(fit_until=fit_until, roles=roles)
    until = min(end, attack + 30 * HOUR)
    runs = replay(run, fit_until, until + HOUR)
    quiet = {row["dedup_key"]: row for row in opening(fit_until, attack)}.values()
    days = (attack - fit_until) / DAY
    at = min((datetime.fromisoformat(row["at"][:-1]) for row in opening(attack, until + HOUR)), default=None)
    new = next(iter(known_so_far(attack, end)), None)
    print(  # noqa: T201
        f"\n{network}: {len(quiet) / days:.1f} a quiet day (a list of known events: "
        f"{len(known_so_far(fit_until, attack)) / days:.1f}); attack found after {delay(at, attack)} "
        f"(list: {delay(new, attack)}); a run with 1,000 records takes {per_thousand(runs):.2f} s"
    )
    for row in quiet:
        print("  quiet:", row["at"], row.get("notice", row.get("view")), row["n_flags"], row["reason"][:150])  # noqa: T201
    assert at is not None
    assert new is None or at <= new + HOUR
    assert len(quiet) <= math.ceil(days)


@pytest.mark.drill
@pytest.mark.parametrize("path", [needs("cloudtrail_invictus.parquet")])
def test_an_audit_log_is_replayed_five_minutes_by_five(path, run):
    """It is an hour long: the first third is the reference, and what an attack tool did then is in it as well."""
    columns = (
        "event_time AS timestamp, event_source, event_name AS event, user_type, error_code, aws_region, label_name"
    )
    query = f"CREATE TABLE records AS SELECT event_id AS id, {columns}, label FROM read_parquet(?) ORDER BY event_time"
    with opened("source.duckdb") as connection:
        connection.execute(query, [str(path)])
        start, end = connection.execute("SELECT min(timestamp), max(timestamp) FROM records").fetchall()[0]
        fit_until = (start + (end - start) / 3).replace(second=0, microsecond=0)
        query = "SELECT min(timestamp) FROM records WHERE label = 1 AND timestamp >= ?"
        (attack,) = connection.execute(query, [fit_until]).fetchall()[0]
    category = '["event_source", "event", "user_type", "error_code", "aws_region"]'
    roles = f'category = {category}\nignore = ["timestamp", "label"]'
    configure(fit_until=fit_until, roles=roles)
    runs = replay(run, fit_until, end + timedelta(minutes=6), timedelta(minutes=5))
    found, known = opening(attack, end + HOUR), known_so_far(attack, end)
    first = min((datetime.fromisoformat(row["at"][:-1]) for row in found), default=None)
    before = opening(fit_until, attack)
    print(  # noqa: T201
        f"\naudit log: {len(before)} findings in {(attack - fit_until) / timedelta(minutes=1):.0f} quiet minutes, "
        f"{len(found)} afterwards (a list of known events: {len(known)}); the first after {delay(first, attack)} "
        f"(list: {delay(next(iter(known), None), attack)}); the slowest run takes {max(s for s, _ in runs):.1f} s"
    )
    assert first is not None
    assert first <= known[0] + timedelta(minutes=5)


REPLAYED, WAVE, DEAD, MISSING = (
    30,
    5,
    12,
    20,
)  # days of payments; when new merchants come, all is dead, a job is missing
BEGIN = datetime(2025, 5, 2)


def drifting(payments):
    """Every eighth payment of the demo, with new merchants, growing amounts, a dead feed and a job that did not run."""
    rng = np.random.default_rng(0)
    day = (pl.col("paid_at") - BEGIN).dt.total_seconds() / 86_400
    some = payments.filter(pl.col("payment_id") % 8 == 0).with_columns(day=day)
    is_new = pl.Series(rng.random(some.height) < 0.3) & (some["day"] >= WAVE)
    names = pl.Series([f"Fresh {n} Market" for n in rng.integers(0, 25, some.height)])
    grown = 1.03 ** pl.max_horizontal(pl.col("day"), 0.0)
    some = some.with_columns(
        merchant=pl.when(is_new).then(names).otherwise(pl.col("merchant")), amount=(pl.col("amount") * grown).round(2)
    )
    is_dead = (pl.col("day") >= DEAD + 10 / 24) & (pl.col("day") < DEAD + 20 / 24)
    return pl.concat([some.filter(~is_dead), jobs(some)]).drop("day").sort("paid_at")


def jobs(like):
    """A batch job of every night; one is missing."""
    first = like["paid_at"].min().replace(hour=1, minute=30, second=0)
    moments = [first + n * DAY for n in range(92) if (first + n * DAY).date() != (BEGIN + MISSING * DAY).date()]
    row = like.filter(pl.col("channel") == "chip").head(1)
    return pl.concat([row] * len(moments)).with_columns(
        payment_id=pl.Series(range(1_000_000, 1_000_000 + len(moments))),
        paid_at=pl.Series(moments).cast(pl.Datetime("us")),
        channel=pl.lit("batch"),
    )


@pytest.mark.drill
@pytest.mark.parametrize("refit", ["never", "stale"])
def test_thirty_days_of_payments_that_drift(refit, run):
    from anomembed.demo import make_demo

    with opened("source.duckdb") as connection:
        connection.register("frame", drifting(make_demo(0).payments).to_arrow())
        connection.execute("CREATE TABLE records AS SELECT payment_id AS id, * EXCLUDE (payment_id) FROM frame")
    monitor = f'delay = "0s"\nrefit = "{refit}"\nexpect = ["channel=batch"]'
    configure(fit_until=BEGIN, time="paid_at", roles='timestamp = ["paid_at"]\nentity = ["customer"]', monitor=monitor)
    replay(run, BEGIN, BEGIN + REPLAYED * DAY, 6 * HOUR)
    told = opening(BEGIN, BEGIN + (REPLAYED + 1) * DAY)
    findings = [row for row in told if "notice" not in row]
    notices = [(row["notice"], row["column"], row["at"][5:16]) for row in told if "notice" in row]
    n_flags, n_held = read("SELECT (SELECT count(*) FROM flags), (SELECT sum(n_flags) FROM notices)")[0]
    models = read("SELECT count(*) FROM models")[0][0]
    print(  # noqa: T201
        f"\nrefit {refit}: {len(findings) / REPLAYED:.1f} findings a day, {n_flags / REPLAYED:.1f} flags a day "
        f"({n_held or 0} held back in all), {models} models; notices: {notices}"
    )
    kinds = [kind for kind, *_ in notices]
    assert kinds.count("silent") == 1
    assert kinds.count("overdue") == 1
    over = [json.loads(line) for line in Path("alerts.ndjson").read_text().splitlines()]
    ended = [row["notice"] for row in over if row["event"] == "closed" and row.get("notice")]
    assert ended.count("silent") == ended.count("overdue") == 1
    assert (models > 1) == (refit == "stale")
    assert kinds.count("unseen") == 1
    assert ("unseen" in ended) == (refit == "stale")  # the new merchants are known, then


def steady(n, rng, seconds=1):
    """Payments without drift, one in some seconds: customers have shops of their own, and amounts of their own."""
    customer = rng.integers(0, 400, n)
    shop = np.where(rng.random(n) < 0.7, customer % 30, rng.integers(0, 30, n))
    start = datetime(2026, 1, 1)
    return pl.DataFrame(
        {
            "id": np.arange(n),
            "paid_at": pl.Series(np.arange(n) * seconds * 1_000_000).cast(pl.Duration("us")) + start,
            "customer": [f"customer{c}" for c in customer],
            "shop": [f"shop{s}" for s in shop],
            "city": [f"city{s % 7}" for s in shop],
            "amount": np.round(np.exp(rng.normal(2 + customer % 5 / 5, 0.5)), 2),
        }
    )


@pytest.mark.drill
@pytest.mark.parametrize("roles", ['category = ["customer", "shop", "city"]', 'entity = ["customer"]'])
def test_without_drift_as_many_are_flagged_as_the_threshold_says(roles, run):
    """A hundred runs of a thousand records; the threshold itself is only known from 20,000 records."""
    n_reference, n_runs, n, share = 140_000, 100, 1_000, 0.001
    with opened("source.duckdb") as connection:
        connection.register("frame", steady(n_reference + n_runs * n, np.random.default_rng(1)).to_arrow())
        connection.execute("CREATE TABLE records AS FROM frame")
    fit_until = datetime(2026, 1, 1) + timedelta(seconds=n_reference)
    monitor = f'delay = "0s"\nwindow = "{n}s"\nbatch = {n}'
    roles = f'timestamp = ["paid_at"]\n{roles}'
    configure(fit_until=fit_until, time="paid_at", roles=roles, monitor=monitor, threshold=f"threshold = {share}")
    replay(run, fit_until, fit_until + timedelta(seconds=n_runs * n), timedelta(seconds=n_runs * n))
    counts = np.array(read("SELECT n_flagged FROM runs WHERE n_scored > 500 ORDER BY run_id"))[:, 0]
    expected = n_runs * n * share
    spread = np.sqrt(expected + expected**2 / (20_000 * share))
    dispersion = counts.var(ddof=1) / counts.mean()
    print(  # noqa: T201
        f"\n{len(counts)} runs, {counts.sum()} flagged where {expected:.0f} are expected (three standard deviations: "
        f"{3 * spread:.0f}), variance over mean {dispersion:.2f}"
    )
    assert len(counts) >= n_runs - 1
    assert abs(counts.sum() - expected) <= 3 * spread
    assert abs(dispersion - 1) <= 3 * np.sqrt(2 / (len(counts) - 1))
    assert read("SELECT count(*) FROM notices") == [(0,)]


YEAR = """
INSERT INTO runs (run_id, model_id, source, rule, n_scored, n_flagged, scored_at, monitor, part, since, until)
    SELECT 10 + n, 1, 'payments', 'threshold', 100, 2, start + INTERVAL 1 HOUR, 'shop', 'new', start::VARCHAR,
        (start + INTERVAL 1 HOUR)::VARCHAR
    FROM (SELECT n, TIMESTAMP '2025-04-30' + to_hours(n) AS start FROM range(8760) t(n));
INSERT INTO scores SELECT 10 + n, (100 * n + k)::VARCHAR, random(), random(), k < 2, 'pair'
    FROM range(8760) t(n), range(100) u(k) WHERE n >= 8040 OR k < 2;
INSERT INTO flags SELECT run_id, key, 1, raw_score, tail_probability, false, view, 'shop=shop1 is unusual', 'payments',
        '{}', md5((run_id % 500)::VARCHAR)[:16] FROM scores WHERE flagged AND run_id >= 10;
INSERT INTO contributions SELECT run_id, key, 'pair', 'column' || c, 'value', c, ['other']
    FROM flags, range(8) t(c) WHERE run_id >= 10;
INSERT INTO finding_flags SELECT md5((run_id % 500)::VARCHAR)[:16], run_id, key FROM flags WHERE run_id >= 10;
INSERT INTO findings SELECT 'shop', md5(n::VARCHAR)[:16], n < 20, 'pair', 'conflict', ['shop'],
    ['shop1'], 'a reason', '1', 10, 1e-5, 35, TIMESTAMP '2025-05-01', TIMESTAMP '2026-04-01' + to_hours(n), 1, 1,
    TIMESTAMP '2026-04-01', INTERVAL 4 HOUR, NULL, false, NULL, 0 FROM range(500) t(n);
INSERT INTO drift SELECT 10 + n, 'column' || c, 100, 0, 0, 0, 0.5, 0.01 FROM range(8760) t(n), range(6) u(c);
"""
QUERIES = {
    "latest flags": "FROM flags JOIN runs USING (run_id) ORDER BY run_id DESC, rank LIMIT 20",
    "findings": "FROM findings WHERE state = 'open' ORDER BY last_seen DESC",
    "why": "FROM why('875901')",
    "flags of a finding": "FROM finding_flags JOIN flags USING (run_id, key) WHERE finding_id = md5('7')[:16]",
    "drift": "FROM drift JOIN runs USING (run_id) WHERE column_name = 'column1' ORDER BY run_id DESC LIMIT 24",
}


@pytest.mark.drill
def test_a_store_of_a_year_of_hourly_runs_answers_in_milliseconds(begun_shop, tmp_path, run):
    shutil.copytree(begun_shop, tmp_path, dirs_exist_ok=True)
    with duckdb.connect("store.duckdb") as connection:
        connection.execute(YEAR)
    size = Path("store.duckdb").stat().st_size / 1e6
    with duckdb.connect("store.duckdb", read_only=True) as connection:
        taken = {name: fastest(connection, query) for name, query in QUERIES.items()}
    started = time.monotonic()
    assert run("monitor", "shop.toml", "--now", at(REFERENCE + HOUR_OF_PAYMENTS)).code == 0
    seconds = time.monotonic() - started
    shown = ", ".join(f"{name} {1000 * each:.0f} ms" for name, each in taken.items())
    print(f"\na year of runs, {size:.0f} MB: {shown}; a run with nothing new {seconds:.2f} s")  # noqa: T201
    assert max(taken.values()) < 0.1


def fastest(connection, query):
    """Seconds of the fastest of five tries."""

    def once():
        started = time.monotonic()
        assert connection.execute(query).fetchall()
        return time.monotonic() - started

    return min(once() for _ in range(5))
