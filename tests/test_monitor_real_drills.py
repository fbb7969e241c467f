"""Drills of a monitor on public data: `python -m pytest -m drill -n 0 -s tests/test_monitor_real_drills.py`.

They print how often real hosts are wrongly said to be overdue, and how often a lasting change is told.
"""

import os
import random
import re
import shutil
import subprocess
import time
from collections import Counter
from contextlib import chdir
from datetime import datetime
from pathlib import Path

import duckdb
import pytest
from monitored import read, tables
from real_sources import (
    ALERTS,
    CARDS,
    DAY,
    HOUR,
    NETWORK,
    PAYMENTS,
    PLACES,
    alerts,
    asked,
    change,
    configure,
    hours,
    monitor_of,
    notices,
    source,
)
from test_full_disk import mounted


@pytest.fixture
def monitor(run):
    return monitor_of(run)


@pytest.mark.drill
@pytest.mark.parametrize("network", ["fox", "russellmitchell", "wardbeck", "wheeler"])
def test_of_all_hosts_of_four_real_networks_hardly_any_is_wrongly_said_to_be_overdue(network, monitor):
    source("ait_ads_alerts", ALERTS.replace("russellmitchell", network))
    ((first, last),) = asked("SELECT min(time), max(time) FROM records")
    begin = datetime(first.year, first.month, first.day) + 2 * DAY
    configure(begin, NETWORK, 'expect = ["every host"]', threshold=1e-4)
    monitor(*hours(begin, last))
    silent, overdue = (sum(n for _, n, _ in notices(kind)) for kind in ("silent", "overdue"))
    n_days, n_hosts = (last - begin) / DAY - 1, asked("SELECT count(DISTINCT host) FROM records")[0][0]
    print(  # noqa: T201
        f"\n{network}: in {n_days:.1f} days with a rhythm {silent} false silences, and of {n_hosts} hosts {overdue} "
        f"false notices that one is overdue: {notices('overdue')}"
    )
    assert silent == 0
    assert overdue <= 1


@pytest.mark.drill
@pytest.mark.parametrize("refit", ["never", "weekly", "stale"])
def test_a_real_value_that_is_renamed_for_good_is_told_at_once_and_then_once_a_day(refit, monitor, run):
    source("sparkov_100", f"{PLACES} WHERE timestamp >= '2019-07-15' AND timestamp < '2019-09-16'")
    begin = datetime(2019, 9, 1)
    change(f"UPDATE records SET state = 'California' WHERE state = 'CA' AND time >= '{begin + 2 * DAY}'")
    configure(begin, 'entity = ["customer"]\ncategory = ["state"]\nnumber = ["amount"]', f'refit = "{refit}"')
    said = monitor(*hours(begin, begin + 10 * DAY, DAY / 2))
    about = [alert for alert in alerts() if "California" in alert["reason"]]
    told, a_day = [alert for alert in about if "notice" not in alert], Counter(alert["at"][:10] for alert in about)
    n_models, n_all = sum("takes over" in line for line in said), len(alerts())
    assert (about[0]["event"], about[0]["at"] <= f"{begin + 2.5 * DAY:%FT%T}Z") == ("opened", True)
    assert len({alert["dedup_key"] for alert in told}) == 1
    assert max(a_day.values()) <= 2
    assert len(about) <= 10
    assert run("acknowledge", told[0]["dedup_key"], "--store", "store.duckdb").code == 0
    monitor(*hours(begin + 10.5 * DAY, begin + 13 * DAY, DAY / 2))
    later = [alert for alert in alerts() if "California" in alert["reason"]][len(about) :]
    assert all("notice" in alert for alert in later)
    print(f"\nrefit {refit}: messages a day {dict(a_day)}, {n_models} new models, {n_all} messages in all")  # noqa: T201


@pytest.fixture
def disk(tmp_path):
    """A disk of its own for the store."""
    mounted(tmp_path / "disk", "size=16m")
    yield tmp_path / "disk"
    subprocess.run(["umount", "-l", str(tmp_path / "disk")], check=True)


@pytest.mark.drill
def test_a_full_disk_loses_no_real_payment_and_no_flag(disk, monitor):
    source("fraud_handbook", f"{PAYMENTS} AND TX_DATETIME >= '2018-07-25' AND TX_DATETIME < '2018-08-05'")
    begin, stored = datetime(2018, 8, 1), {}
    for name in ("calm", "disk/full"):
        configure(begin, CARDS, threshold=0.005, store=f"{name}.duckdb")
        monitor(begin)
        if name != "calm":
            with (disk / "filler").open("wb", buffering=0) as filler, pytest.raises(OSError, match="No space left"):
                while True:
                    filler.write(b"x" * 4096)
            for said in monitor(begin + DAY, begin + 2 * DAY, code=2):
                assert re.search("^anomembed: .*[^.]$", said.splitlines()[-1])
                assert "Traceback" not in said
            (disk / "filler").unlink()
        monitor(begin + 3 * DAY)
        stored[name] = tables(f"{name}.duckdb")
    calm, full = stored.values()
    days = f"time > '{begin}' AND time < '{begin + 3 * DAY}'"
    assert [(len(calm["scores"]),)] == asked(f"SELECT count(*) FROM records WHERE {days}")
    for table in ("scores", "flags", "findings", "alerts", "watermarks"):
        assert (table, len(calm[table]), full[table]) == (table, len(full[table]), calm[table])


@pytest.mark.drill
def test_runs_over_a_real_network_that_are_killed_leave_what_undisturbed_ones_would(monitor, forker):
    source("ait_ads_alerts", ALERTS)
    begin, rng = datetime(2022, 1, 24), random.Random(0)
    configure(begin, NETWORK, 'expect = ["every host"]')
    monitor(begin)
    kept, n_killed, seconds = {}, 0, 1.0
    for folder in ("calm", "wild"):
        shutil.copytree(".", folder, ignore=shutil.ignore_patterns("calm", ".*"))
        with chdir(folder):
            for n, now in enumerate(hours(begin + HOUR, begin + DAY), 1):
                command = ("monitor", "watch.toml", "--now", now.isoformat())
                while folder == "wild" and n_killed < 10 * n / 24:
                    once = rng.choice([None, "store.duckdb.wal", "store.duckdb.wal"])  # which is there while it writes
                    after = rng.uniform(0, 0.1 if once else seconds)
                    n_killed += forker.run(*command, kill_after=after, once=once).code == -9
                ended = forker.run(*command)
                assert ended.code == 0, ended.err
                seconds = max(seconds, ended.seconds)
            kept[folder] = tables("store.duckdb"), {alert["alert_id"] for alert in alerts()}
    ((calm, told), (wild, told_wild)) = kept.values()
    assert n_killed == 10
    assert {name for name in calm if calm[name] != wild[name]} <= {"deliveries"}
    assert told_wild == told
    assert len(told) >= 5
    scores = f"{len(calm['scores']):,} scores"
    print(f"\n10 of {len(calm['runs']) + 10} runs killed: {scores} and {len(told)} alerts as without")  # noqa: T201


@pytest.fixture
def crontab():
    """Set the crontab of whoever runs this, and run a cron of our own, for the time of a test."""
    if not (shutil.which("cron") and shutil.which("crontab")):
        pytest.skip("there is no cron here")
    before = subprocess.run(["crontab", "-l"], capture_output=True, text=True, check=False)
    started = []

    def start(lines):
        subprocess.run(["crontab", "-"], input=lines, text=True, check=True)
        started.append(subprocess.Popen(["cron", "-f"]))

    yield start
    for process in started:
        process.terminate()
        process.wait()
    if before.returncode == 0:
        subprocess.run(["crontab", "-"], input=before.stdout, text=True, check=True)
    else:
        subprocess.run(["crontab", "-r"], check=False)


@pytest.mark.drill
def test_the_line_for_cron_is_run_by_cron(crontab, run):
    source("fraud_handbook", f"{PAYMENTS} AND TX_DATETIME >= '2018-09-20'")
    configure(datetime(2018, 9, 28), CARDS, threshold=0.005)
    line = run("monitor", "watch.toml", "--print-unit", "cron").out
    assert line.startswith("*/5 * * * *  ")
    path = "".join(f"{name}={os.environ[name]}\n" for name in ("PYTHONPATH",) if name in os.environ)
    crontab(path + line.replace("*/5", "*", 1))
    deadline = time.monotonic() + 130
    while not (Path("store.duckdb").exists() and n_runs()) and time.monotonic() < deadline:
        time.sleep(1)
    due = asked("SELECT count(*) FROM records WHERE time >= '2018-09-28'")
    assert read("SELECT count(DISTINCT key) FROM scores") == due


def n_runs():
    """How many runs a store has, as far as nobody writes to it."""
    try:
        return read("SELECT count(*) FROM runs")[0][0]
    except duckdb.Error:
        return 0
