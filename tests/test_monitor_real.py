"""What a monitor promises, shown by its commands on public data; what is expected is put in, or asked of the source.

`test_monitor_real_drills` has what takes longer.
"""

import re
import shutil
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from databases import opened
from monitored import read, tables
from real_sources import (
    ALERTS,
    AWS,
    CALLS,
    CARDS,
    DAY,
    HOUR,
    NETWORK,
    PAYMENTS,
    alerts,
    asked,
    change,
    configure,
    hours,
    monitor_of,
    notices,
    of_monitor,
    source,
)


@pytest.fixture
def monitor(run):
    return monitor_of(run)


def test_in_quiet_nights_only_the_worst_is_told_and_all_the_rest_in_the_morning(monitor):
    source("ait_ads_alerts", ALERTS)
    begin, told = datetime(2022, 1, 23), {}
    configure(begin, NETWORK)
    monitor(begin)
    shutil.copy("store.duckdb", "begun.duckdb")
    for quiet in ("", 'quiet_hours = "22:00-07:00"\n'):
        configure(begin, NETWORK, f"{quiet}alert_at = 2e-4")
        shutil.copy("begun.duckdb", "store.duckdb")
        Path("watch.ndjson").unlink(missing_ok=True)
        told[quiet] = []
        for now in (begin + n * HOUR for n in (12, 28, 31, 47, 55)):  # the attack begins at 3 in the second night
            before = len(alerts())
            monitor(now)
            told[quiet] += [(now, alert) for alert in alerts()[before:]]
    loud, quiet = told.values()
    assert len(loud) == len(quiet) == len({alert["alert_id"] for _, alert in loud}) >= 10
    assert {alert["alert_id"]: alert for _, alert in loud} == {alert["alert_id"]: alert for _, alert in quiet}
    at_night = [
        Counter(alert["level"] for now, alert in some if now.hour >= 22 or now.hour < 7) for some in (loud, quiet)
    ]
    assert at_night[0]["warn"] and at_night[0]["alert"]
    assert at_night[1] == {"alert": at_night[0]["alert"]}
    assert {now.hour for now, alert in quiet if alert["level"] == "warn"} == {7, 12}


def test_a_real_host_that_falls_silent_is_told_once_and_once_when_it_is_back_and_no_other_one(monitor):
    source("ait_ads_alerts", ALERTS)
    begin = datetime(2022, 1, 24, 5)
    since, until = begin + 5 * HOUR, begin + 9 * HOUR
    change(f"DELETE FROM records WHERE host = 'davey_mail' AND time >= '{since}' AND time < '{until}'")
    configure(begin, NETWORK, 'expect = ["every host"]')
    monitor(begin, *hours(since + HOUR, until + 2 * HOUR))
    assert notices("overdue") == [("davey_mail", 1, 1)]
    told = [(alert["event"], alert["at"]) for alert in alerts() if alert.get("notice") == "overdue"]
    assert [event for event, _ in told] == ["opened", "closed"]
    ((back,),) = asked(f"SELECT min(time) FROM records WHERE host = 'davey_mail' AND time >= '{until}'")
    assert told[1][1] == back.isoformat() + "Z"
    assert since.isoformat() < told[0][1] < until.isoformat()


def test_a_real_feed_that_is_dead_for_twelve_hours_is_told_once_and_once_when_it_is_back(monitor):
    source("ait_ads_alerts", ALERTS)
    begin = datetime(2022, 1, 24, 5)
    since, until = begin + 3 * HOUR, begin + 15 * HOUR
    change(f"DELETE FROM records WHERE time >= '{since}' AND time < '{until}'")
    configure(begin, NETWORK)
    monitor(begin, *hours(since, since + 3 * HOUR), *hours(until - HOUR, until + 4 * HOUR))
    assert notices("silent") == [("", 1, 1)]
    told = [alert for alert in alerts() if alert.get("notice") == "silent"]
    assert [alert["event"] for alert in told] == ["opened", "closed"]
    assert since.isoformat() < told[0]["at"] < (since + 3 * HOUR).isoformat()
    ((back,),) = asked(f"SELECT min(time) FROM records WHERE time >= '{until}'")
    assert told[1]["at"] == back.isoformat() + "Z"


def test_a_real_feed_that_died_while_no_run_was_made_is_told_by_the_next_one(monitor):
    source("ait_ads_alerts", ALERTS)
    begin = datetime(2022, 1, 24, 5)
    change(f"DELETE FROM records WHERE time >= '{begin + 3 * HOUR}' AND time < '{begin + 15 * HOUR}'")
    configure(begin, NETWORK)
    monitor(begin, begin + 14 * HOUR)
    assert notices("silent") == [("", 1, 0)]
    monitor(begin + 16 * HOUR)
    assert notices("silent") == [("", 1, 1)]


def test_a_column_that_is_renamed_overnight_is_told_once_and_all_that_was_missed_is_judged_once(monitor):
    source("ait_ads_alerts", ALERTS)
    begin = datetime(2022, 1, 23, 6)
    configure(begin, NETWORK)
    monitor(begin, begin + 2 * HOUR)
    change("ALTER TABLE records RENAME COLUMN event TO rule")
    for said in monitor(*hours(begin + 3 * HOUR, begin + 6 * HOUR), code=2):
        assert re.fullmatch("anomembed: no such column in records: event[^\n]*\n", said), said
    change("ALTER TABLE records RENAME COLUMN rule TO event; ALTER TABLE records ADD COLUMN severity INTEGER DEFAULT 3")
    monitor(*hours(begin + 7 * HOUR, begin + 9 * HOUR))
    told = [(alert["event"], alert["notice"], alert["column"]) for alert in alerts() if "notice" in alert]
    assert told == [("opened", "failed", ""), ("opened", "column", "severity"), ("closed", "failed", "")]
    ((n, *_),) = asked(f"SELECT count(*) FROM records WHERE time >= '{begin}' AND time < '{begin + 9 * HOUR}'")
    judged = Counter(key for (key,) in read("SELECT key FROM scores"))
    assert (len(judged), set(judged.values())) == (n, {1})


SEASONS = {"spring": datetime(2026, 3, 29), "autumn": datetime(2026, 10, 25)}  # when clocks change in Berlin


@pytest.mark.parametrize("season", SEASONS)
def test_a_night_in_which_clocks_change_judges_every_payment_once_and_tells_nothing_of_it(season, monitor):
    """Payments of August 2018 are taken to that night, once in UTC and once as clocks on the wall showed it."""
    source("fraud_handbook", f"{PAYMENTS} AND TX_DATETIME >= '2018-08-13' AND TX_DATETIME < '2018-08-23'")
    night, begin = SEASONS[season], SEASONS[season] - 2 * HOUR
    change(f"UPDATE records SET time = time + (TIMESTAMP '{night}' - TIMESTAMP '2018-08-21')")
    shutil.copy("watch-source.duckdb", "wall-source.duckdb")
    change("UPDATE records SET time = timezone('Europe/Berlin', timezone('UTC', time))", "wall")
    since = asked(f"SELECT min(id) FROM records WHERE time >= '{begin}'")[0][0]
    due, flagged = asked(f"SELECT id FROM records WHERE id >= {since} AND time < '{night + DAY}' ORDER BY id"), {}
    for name, zone in (("watch", "UTC"), ("wall", "Europe/Berlin")):
        local = begin.replace(tzinfo=UTC).astimezone(ZoneInfo(zone)).replace(tzinfo=None)
        configure(local, CARDS, name=name, zone=zone, store=f"{name}.duckdb")
        for now in (begin, *hours(night, night + 2 * HOUR), night + DAY):
            monitor(now.replace(tzinfo=UTC), name=name)
        assert read("SELECT CAST(key AS BIGINT) FROM scores ORDER BY 1", f"{name}.duckdb") == due
        assert read("SELECT kind, reason FROM notices", f"{name}.duckdb") == []
        flagged[name] = read("SELECT key FROM flags ORDER BY 1", f"{name}.duckdb")
    assert flagged["wall"] == flagged["watch"] != []


def test_a_model_that_is_taken_back_gives_what_it_gave_before_byte_for_byte(monitor, run):
    source("fraud_handbook", f"{PAYMENTS} AND TX_DATETIME >= '2018-07-22' AND TX_DATETIME < '2018-08-12'")
    begin = datetime(2018, 8, 1)
    ((odd,),) = asked(f"SELECT min(id) FROM records WHERE time > '{begin + 9 * DAY}'")
    change(f"UPDATE records SET amount = 9999 WHERE id = {odd}")
    configure(begin, CARDS, 'refit = "weekly"\nclose_after = "7d"', threshold=0.005)

    def score(name):
        days = "time >= '2018-08-06' AND time < '2018-08-07'"
        assert run("score", "watch.toml", "-q", "--where", days, "--scores-to", f"{name}.parquet").code == 0
        return Path(f"{name}.parquet").read_bytes()

    monitor(begin, begin + 7 * DAY + HOUR)
    before = score("before")
    (said,) = monitor(begin + 10 * DAY)
    assert "model 2 takes over from 1 (after 7 days)" in said
    assert score("by_the_new_one") != before
    of_model = "SELECT DISTINCT finding_id FROM finding_flags JOIN runs USING (run_id) WHERE model_id = {}"
    only_new = set(read(of_model.format(2))) - set(read(of_model.format(1)))
    were_open = set(read("SELECT finding_id FROM findings WHERE is_open"))
    outcome = run("models", "revert", "1", "--withdraw-findings", "--store", "store.duckdb")
    withdrawn = were_open - set(read("SELECT finding_id FROM findings WHERE is_open"))
    assert withdrawn == only_new & were_open
    assert 0 < len(withdrawn) < len(were_open)
    assert re.match(f"withdrew model 2 and {len(withdrawn)} findings?; model 1 is chosen from now on", outcome.err)
    assert score("after") == before
    monitor(begin + 10 * DAY + HOUR)
    assert read("SELECT max_by(model_id, run_id) FROM runs") == [(1,)]


def test_two_real_sources_that_share_a_store_keep_what_each_has_in_a_store_of_its_own(monitor):
    source("ait_ads_alerts", f"{ALERTS} AND timestamp >= '2022-01-23'", "network")
    source("cloudtrail_invictus", CALLS, "trail")
    begins = {"network": (datetime(2022, 1, 24, 2), NETWORK), "trail": (datetime(2023, 7, 10, 12), AWS)}
    for store in ("network", "trail", "both"):
        names = begins if store == "both" else (store,)
        for name in names:
            begin, roles = begins[name]
            configure(begin, roles, name=name, store=f"{store}.duckdb", threshold=0.005)
        for n in range(3):
            for name in names:
                monitor(begins[name][0] + n * (2 * HOUR if name == "network" else HOUR / 4), name=name)
    for name in begins:
        own, shared = of_monitor(f"{name}.duckdb", name), of_monitor("both.duckdb", name)
        assert shared == own
        assert all(own[:2])


def test_real_payments_are_judged_by_a_store_of_an_older_version_as_by_a_new_one(monitor):
    source("fraud_handbook", f"{PAYMENTS} AND TX_DATETIME >= '2018-07-25' AND TX_DATETIME < '2018-08-05'")
    with opened("old.duckdb") as connection:
        connection.execute((Path(__file__).parent / "stores" / "version_1.sql").read_text())
    before, begin = tables("old.duckdb"), datetime(2018, 8, 1)
    for name in ("old", "new"):
        configure(begin, CARDS, store=f"{name}.duckdb", threshold=0.005)
        monitor(begin, begin + DAY, begin + 2 * DAY)
    assert of_monitor("old.duckdb", "watch") == of_monitor("new.duckdb", "watch")
    assert len(of_monitor("new.duckdb", "watch")[0]) > 1_000
    assert tables("old.duckdb.version-1") == before
    assert len(tables("old.duckdb")["watermarks"]) == 1
