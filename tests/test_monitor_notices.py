"""Notices of `anomembed monitor`: nothing came, or not what was expected, or a column changed; once, and once over."""

import json
import re
import shutil
from contextlib import chdir
from datetime import datetime, timedelta
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from databases import opened
from monitored import drawn, read

from anomembed.cli import main
from anomembed.monitor.rhythm import HOUR, Hours, next_due

BEGIN, DAY = datetime(2026, 3, 2), timedelta(days=1)  # a Monday
N_DAYS = 28  # that are there before the monitor begins
CONFIG = """
[source]
database = "yard.duckdb"
table = "jobs"
time_zone = "UTC"
fit_where = "begun < TIMESTAMP '2026-03-30'"
[roles]
key = ["id"]
timestamp = ["begun"]
category = ["job", "host", "state"]
[flags]
threshold = 0.004
[store]
path = "store.duckdb"
[monitor]
expect = ["job=backup", "every host"]
[[monitor.channels]]
kind = "file"
to = "alerts.ndjson"
"""


def job(begun, host=None, **changes):
    """One job, as a row; its values only depend on its time."""
    number = round((begun - BEGIN) / timedelta(seconds=1))
    usual = {
        "id": number,
        "begun": begun,
        "job": ("copy", "index", "mail", "report")[int(4 * drawn(number, "job"))],
        "host": host or f"host{int(3 * drawn(number, 'host'))}",
        "state": "done" if drawn(number, "state") < 0.95 else "failed",
    }
    return tuple((usual | changes).values())


def of_day(day):
    """Jobs of a day: the backup about ten past two, and one about every eleven minutes from six to twenty-two."""
    midnight = BEGIN + day * DAY
    jitter = timedelta(seconds=int(600 * drawn(day, "jitter")))
    backup = job(midnight + timedelta(hours=2, minutes=10) + jitter, job="backup", host="host0")
    steps = [timedelta(hours=6, minutes=11 * n, seconds=int(300 * drawn(day, n))) for n in range(87)]
    return [backup, *(job(midnight + step) for step in steps)]


def come(rows):
    with opened("yard.duckdb") as connection:
        connection.execute(
            "CREATE TABLE IF NOT EXISTS jobs (id BIGINT, begun TIMESTAMP, job VARCHAR, host VARCHAR, state VARCHAR)"
        )
        schema = {"id": pl.Int64, "begun": pl.Datetime("us")} | dict.fromkeys(("job", "host", "state"), pl.String)
        connection.register("new_jobs", pl.DataFrame(rows, schema=schema, orient="row"))
        connection.execute("INSERT INTO jobs FROM new_jobs")


def hour(day, of_the_day):
    return BEGIN + day * DAY + timedelta(hours=of_the_day)


@pytest.fixture(scope="module")
def begun_yard(tmp_path_factory):
    folder = tmp_path_factory.mktemp("yard")
    with chdir(folder), pytest.MonkeyPatch.context() as patch:
        come([row for day in range(N_DAYS) for row in of_day(day)])
        Path("yard.toml").write_text(CONFIG)
        now = hour(N_DAYS, 0.1).isoformat()
        patch.setattr("sys.argv", ["anomembed", "monitor", "yard.toml", "--now", now, "--quiet"])
        with pytest.raises(SystemExit) as end:
            main()
        assert not end.value.code
    return folder


@pytest.fixture
def monitor(begun_yard, tmp_path, run):
    """Run the monitor of a yard at some hours of some days, and return what it said and which alerts it sent."""
    for name in ("yard.duckdb", "yard.toml", "store.duckdb"):
        shutil.copy(begun_yard / name, tmp_path / name)

    def monitor(*moments):
        before, said = len(alerts()), []
        for moment in moments:
            outcome = run("monitor", "yard.toml", "--now", moment.isoformat())
            assert outcome.code == 0, outcome.err
            said.append(outcome.out)
        return said, alerts()[before:]

    return monitor


def alerts():
    path = Path("alerts.ndjson")
    return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []


def told(sent):
    return [(a["event"], a.get("notice"), a.get("column"), a.get("value"), a["at"][5:16]) for a in sent]


def test_a_feed_that_died_is_told_once_and_once_when_it_is_back(monitor):
    rows = of_day(N_DAYS)
    come([row for row in rows if not hour(N_DAYS, 10) <= row[1] < hour(N_DAYS, 15)])
    _, sent = monitor(hour(N_DAYS, 6.2), hour(N_DAYS, 10.2))
    assert not sent  # the night is always quiet
    said, sent = monitor(*(hour(N_DAYS, at) for at in (11.1, 12.1, 13.1, 14.1)))
    (first,) = [alert for alert in sent if alert["notice"] == "silent"]
    assert (first["event"], first["level"]) == ("opened", "alert")
    assert "no new records since 2026-03-30 09:" in said[0]
    assert sum("no new records" in line for line in said) == 1
    said, sent = monitor(*(hour(N_DAYS, at) for at in (15.4, 17, 23)))
    (second,) = [alert for alert in sent if alert["notice"] == "silent"]
    assert (second["event"], second["dedup_key"]) == ("closed", first["dedup_key"])
    assert second["alert_id"] != first["alert_id"]
    assert second["at"].startswith("2026-03-30T15:")
    assert "over: no new records" in said[0]
    assert read("SELECT state, kind, begun_at < ended_at FROM notices WHERE kind = 'silent'") == [
        ("closed", "silent", True)
    ]
    come(of_day(N_DAYS + 1))
    assert not monitor(*(hour(N_DAYS + 1, at) for at in (5, 9, 12, 20)))[1]


def test_a_feed_that_dies_again_is_told_again_however_long_it_was_dead_before(monitor):
    for day in (N_DAYS, N_DAYS + 1):
        come([row for row in of_day(day) if not hour(day, 10) <= row[1] < hour(day, 15)])
        _, sent = monitor(*(hour(day, at) for at in (9, 12.1, 16, 23)))
        assert [kind for event, kind, *_ in told(sent) if event == "opened"].count("silent") == 1
    assert read("SELECT occurrence, state FROM notices WHERE kind = 'silent' ORDER BY ALL") == [
        (1, "closed"),
        (2, "closed"),
    ]


def test_a_job_that_did_not_run_and_a_host_that_fell_silent_are_told_once_and_once_when_back(monitor):
    days = range(N_DAYS, N_DAYS + 3)
    for day in days:
        is_missing = day == N_DAYS + 1
        rows = [row for row in of_day(day) if not (is_missing and (row[2] == "backup" or row[3] == "host2"))]
        come(rows)
    moments = [hour(day, at) for day in days for at in (3, 5, 7, 11, 23)]
    sent = [alert for alert in monitor(*moments)[1] if alert["value"] in ("backup", "host2")]
    assert [(event, value) for event, _, _, value, _ in told(sent)] == [
        ("opened", "backup"),
        ("opened", "host2"),
        ("closed", "backup"),
        ("closed", "host2"),
    ]
    assert {alert["notice"] for alert in sent} == {"overdue"}
    at = {(event, value): moment for event, _, _, value, moment in told(sent)}
    assert "03-31T02:30" < at["opened", "backup"] <= "03-31T04:00"
    assert "03-31T06:30" < at["opened", "host2"] <= "03-31T10:00"
    assert at["closed", "backup"].startswith("04-01T02:1")
    assert at["closed", "host2"].startswith("04-01T06:")


def test_what_was_never_there_is_not_expected_and_a_column_that_is_not_there_is_refused(monitor, run):
    config = Path("yard.toml")
    config.write_text(CONFIG.replace("job=backup", "job=restore"))
    come(of_day(N_DAYS))
    assert not [a for a in monitor(hour(N_DAYS, 12), hour(N_DAYS, 23))[1] if a["notice"] == "overdue"]
    config.write_text(CONFIG.replace("every host", "every hots"))
    outcome = run("monitor", "yard.toml", "--now", hour(N_DAYS + 1, 1).isoformat())
    assert outcome.code == 2
    assert "no such column in jobs: hots; did you mean 'host'?" in outcome.err
    config.write_text(CONFIG.replace("every host", "host"))
    outcome = run("monitor", "yard.toml")
    assert (outcome.code, "this names no value" in outcome.err) == (2, True)


def test_what_is_expected_no_more_is_overdue_no_more(monitor):
    come([row for row in of_day(N_DAYS) if row[2] != "backup"])
    assert [alert["value"] for alert in monitor(hour(N_DAYS, 12))[1]] == ["backup"]
    config = Path("yard.toml")
    config.write_text(config.read_text().replace('"job=backup", ', ""))
    come([row for row in of_day(N_DAYS + 1) if row[2] != "backup"])
    assert [(alert["event"], alert["value"]) for alert in monitor(hour(N_DAYS + 1, 9))[1]] == [("closed", "backup")]


def rhythm(moments, until, told=()):
    """When the record after some is overdue, in hours after the last."""
    positions = np.sort(np.asarray(moments, np.int64))
    hours = [(h, positions[positions // HOUR == h]) for h in np.unique(positions // HOUR)]
    rows = np.array([(h, p[0], p[-1], np.diff(p).max(initial=0)) for h, p in hours], np.int64)
    usual = next_due(Hours(*rows.T), until, told, "UTC")
    return None if usual is None else (usual.due - positions[-1]) / HOUR


def test_a_rhythm_is_that_of_the_week_the_day_or_none():
    monday = 4 * 24 * HOUR  # the first of 1970 was a Thursday
    days = [monday + day * 24 * HOUR for day in range(35)]
    nightly = [day + 2 * HOUR for day in days]
    assert 24 < rhythm(nightly, nightly[-1] + 1) < 25.5
    office = [day + 8 * HOUR + n * HOUR // 6 for at, day in enumerate(days) if at % 7 < 5 for n in range(60)]
    assert 48 + 14 < rhythm(office, days[-1] + 24 * HOUR) < 48 + 17  # on Monday morning, not at the weekend
    assert rhythm(office[:660], days[14] + 18 * HOUR) > 13  # from one evening to the next morning
    assert rhythm(nightly[:2], nightly[1] + 1) is None
    rng = np.random.default_rng(0)
    by_chance = monday + np.cumsum(rng.exponential(2 * HOUR, 400)).astype(np.int64)
    assert 10 < rhythm(by_chance, int(by_chance[-1]) + 1) < 40


def test_silences_that_were_told_are_not_usual():
    days = [day * 24 * HOUR for day in range(35)]
    dead = [days[day] for day in (13, 20, 27)]  # on the same day of the week
    steady = [day + n * HOUR // 6 for day in days for n in range(144) if not (day in dead and 60 < n < 120)]
    told = [(day + 10 * HOUR, day + 20 * HOUR) for day in dead]
    on_that_day = [position for position in steady if position < days[34] + 11 * HOUR]
    assert rhythm(on_that_day, days[34] + 11 * HOUR, told) < 2 < 10 < rhythm(on_that_day, days[34] + 11 * HOUR)


def odd_day(day, since, until, change):
    """Jobs of a day, of which those between two hours are changed."""
    rows = of_day(day)
    return [change(row) if hour(day, since) <= row[1] < hour(day, until) else row for row in rows]


def changed(position, value):
    return lambda row: (*row[:position], value(row) if callable(value) else value, *row[position + 1 :])


UNSEEN, NULL = changed(3, lambda row: f"new{row[0] % 5}"), changed(4, None)


@pytest.mark.parametrize(
    ("change", "kind", "said"),
    [
        (UNSEEN, "unseen", "host is new to the reference in 9[0-9]% of [0-9]+ records [(]usually 0.0%[)], such as new"),
        (NULL, "missing", "state is missing in 9[0-9]% of [0-9]+ records [(]usually 0.0%[)]"),
        (changed(3, lambda row: str(row[0] % 5)), "kind", "host holds numbers, not as the reference does"),
    ],
    ids=["unseen", "missing", "kind"],
)
def test_a_column_that_changed_is_one_notice_and_its_flags_are_held_back(monitor, change, kind, said):
    come(odd_day(N_DAYS, 6, 18, change))
    said_first, sent = monitor(hour(N_DAYS, 12.1))
    (alert,) = [alert for alert in sent if alert.get("notice") not in ("overdue", None)]
    assert (alert["event"], alert["notice"], alert["level"]) == ("opened", kind, "alert")
    assert re.match(said, alert["reason"]), alert["reason"]
    assert alert["reason"] in said_first[0]
    assert alert["look_further"].startswith(f"anomembed sql --store {Path('store.duckdb').absolute()} ")
    assert "finding_id" not in alert
    n_held = alert["n_flags"]
    assert n_held >= 20
    assert f"; {n_held} flags are held back" in alert["reason"]
    assert f"{n_held:,} flagged ({n_held:,} of them held back)" in said_first[0]
    assert not [alert for alert in sent if "notice" not in alert]  # none of the flags is told
    assert read(
        "SELECT count(*) FROM flags JOIN finding_flags USING (run_id, key) JOIN notices ON notice_id = finding_id"
    ) == [(n_held,)]
    assert read("SELECT count(*) FROM findings") == [(0,)]
    said_next, sent = monitor(hour(N_DAYS, 18.1))
    assert not [a for a in sent if a["notice"] == kind]
    assert alert["reason"] not in said_next[0]  # that more flags are held back is no news
    assert re.search(r" ([0-9]+) flagged [(]\1 of them held back[)]", said_next[0])
    assert read(f"SELECT n_flags > {n_held} FROM notices WHERE kind = '{kind}'") == [(True,)]
    (over,) = [a for a in monitor(hour(N_DAYS, 21.1), hour(N_DAYS, 23))[1] if a["notice"] == kind]
    assert (over["event"], over["dedup_key"]) == ("closed", alert["dedup_key"])
    assert read(f"SELECT state FROM notices WHERE kind = '{kind}'") == [("closed",)]


def test_new_hosts_that_rest_are_new_hosts_still_until_they_stay_away_for_a_day(monitor):
    renamed = {"host0": "new0", "host1": "new1"}
    day = [changed(3, renamed.get(row[3], row[3]))(row) for row in of_day(N_DAYS)]
    come([row for row in day if row[3] == "host2" or not hour(N_DAYS, 12) <= row[1] < hour(N_DAYS, 18)])
    come([row for n in (1, 2) for row in of_day(N_DAYS + n) if row[3] == "host2"])
    for now, event in (
        (hour(N_DAYS, 12.1), "opened"),
        (hour(N_DAYS, 18.1), None),  # they rest: that is not over
        (hour(N_DAYS + 1, 0.1), None),  # nor news again
        (hour(N_DAYS + 1, 18.1), None),
        (hour(N_DAYS + 2, 12.1), "closed"),
    ):
        _, sent = monitor(now)
        assert [alert["event"] for alert in sent if alert.get("notice") == "unseen"] == [event] * (event is not None)


def test_an_odd_record_among_those_held_back_is_told_all_the_same_and_alone_left_out_of_the_next_fit(monitor, run):
    rows = odd_day(N_DAYS, 6, 18, NULL)
    come([*rows, job(hour(N_DAYS, 8), id=1, job="copy", host="host0", state="exploded")])
    _, sent = monitor(hour(N_DAYS, 12.1))
    assert [alert["reason"].split()[0] for alert in sent if "notice" not in alert] == ["state=exploded"]
    period = ("--since", hour(N_DAYS, 0).isoformat(), "--until", hour(N_DAYS, 12).isoformat())
    said = run("monitor", "yard.toml", "--now", hour(N_DAYS, 12.1).isoformat(), *period)
    assert " judged again" in said.out
    (again,) = alerts()[len(sent) :]
    assert again["reason"].startswith("state=exploded")
    assert read("SELECT count(*) > 40 FROM flags") == [(True,)]
    config = Path("yard.toml")
    config.write_text(config.read_text().replace("2026-03-30", "2026-04-30"))
    assert "feedback  left out of the reference as flagged: 1\n" in run("fit", "yard.toml").err


def test_a_column_that_has_but_one_value_is_told_and_one_whose_values_are_few_is_not(monitor):
    come(odd_day(N_DAYS, 0, 24, changed(2, "copy")) + odd_day(N_DAYS + 1, 0, 24, changed(2, "copy")))
    _, sent = monitor(hour(N_DAYS + 2, 1))
    assert [a["reason"] for a in sent if a.get("notice") == "constant"] == [
        "job is copy in all of 176 records (usually in 25.4%)"
    ]


def test_a_few_new_values_are_flags_as_ever(monitor):
    come([changed(3, "intruder")(row) if row[0] % 29 == 0 else row for row in of_day(N_DAYS)])
    _, sent = monitor(hour(N_DAYS, 23))
    assert [alert["reason"].split()[0] for alert in sent if "notice" not in alert] == ["host=intruder"]
    assert not [alert for alert in sent if alert.get("notice") not in ("overdue", "silent", None)]


def test_drift_of_each_run_is_a_table(monitor):
    come(odd_day(N_DAYS, 6, 18, UNSEEN))
    monitor(hour(N_DAYS, 6.1), hour(N_DAYS, 14.1), hour(N_DAYS, 23.9))
    rows = read(
        "SELECT column_name, run_id, n_records, unseen, shift FROM drift WHERE column_name <> 'state' ORDER BY ALL"
    )
    by_run = {(column, run): rest for column, run, *rest in rows}
    n, unseen, shift = by_run["host", 2]
    assert n == read("SELECT n_scored FROM runs WHERE run_id = 2")[0][0]
    assert (unseen == 1.0, shift > 0.9) == (True, True)
    assert by_run["job", 2][1] == 0 and by_run["job", 2][2] < 0.1
    assert by_run["host", 3][1] < 0.6
    come([changed(4, "failed")(row) for day in range(N_DAYS + 1, N_DAYS + 4) for row in of_day(day)])
    said, _ = monitor(hour(N_DAYS + 4, 0.1))
    assert re.search(
        "state moved by 0[.][5-9]. from the reference, the model is out of date: [0-9]+% more of", said[0]
    ), said
    assert "moved" not in monitor(hour(N_DAYS + 4, 1))[0][0]


def test_a_new_column_and_a_lost_one_are_told_once_and_when_they_are_back(monitor, run):
    come(of_day(N_DAYS))
    with opened("yard.duckdb") as connection:
        connection.execute("ALTER TABLE jobs ADD COLUMN zone VARCHAR")
    said, sent = monitor(hour(N_DAYS, 12), hour(N_DAYS, 14))
    assert told(sent) == [("opened", "column", "zone", "", "03-30T11:55")]
    assert "zone is a new column of the source; to have it judged, fit again" in said[0]
    with opened("yard.duckdb") as connection:
        connection.execute("ALTER TABLE jobs DROP COLUMN zone; ALTER TABLE jobs RENAME COLUMN state TO status")
    for at in (15, 16):
        outcome = run("monitor", "yard.toml", "--now", hour(N_DAYS, at).isoformat())
        assert outcome.code == 2
        assert "no such column in jobs: state" in outcome.err
    (failed,) = alerts()[1:]
    assert (failed["notice"], failed["event"]) == ("failed", "opened")
    assert "nothing can be judged: no such column in jobs: state" in failed["reason"]
    with opened("yard.duckdb") as connection:
        connection.execute("ALTER TABLE jobs RENAME COLUMN status TO state")
    assert [row[:2] for row in told(monitor(hour(N_DAYS, 17))[1])] == [("closed", "column"), ("closed", "failed")]


def test_without_a_rule_the_threshold_is_one_that_can_be_reached(monitor):
    Path("yard.toml").write_text(CONFIG.replace("threshold = 0.004", ""))
    come([job(hour(N_DAYS, 13.5), id=1, job="bitcoin", host="nobody", state="odd")])
    _, sent = monitor(hour(N_DAYS, 15))
    assert [alert["reason"].split("=")[0] for alert in sent if "notice" not in alert]
