"""`anomembed monitor`: every record is judged once, whenever it comes and whatever happens to the runs."""

import json
import shutil
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from databases import opened
from monitored import HOUR, REFERENCE, START, STEP, at, judged_keys, odd, open_shop, pay, payment, read, tables

N = REFERENCE
HOLD = """
import duckdb, sys, time
connection = duckdb.connect(sys.argv[1])
print("held", flush=True)
time.sleep(float(sys.argv[2]))
"""


@pytest.fixture
def shop(begun_shop, tmp_path):
    """A copy of that shop in the current folder."""
    for name in ("shop.duckdb", "shop.toml", "store.duckdb"):
        shutil.copy(begun_shop / name, tmp_path / name)
    return tmp_path


@pytest.fixture
def monitor(run):
    def monitor(now, *options, code=0):
        outcome = run("monitor", "shop.toml", "--now", at(now) if isinstance(now, int) else now, *options)
        assert outcome.code == code, outcome.err
        return outcome

    return monitor


def said(outcome):
    return json.loads(outcome.out)


def test_the_first_run_learns_and_begins_after_its_reference(shop):
    assert read("SELECT count(*) FROM models") == [(1,)]
    assert read("SELECT monitor, source, column_name, until FROM watermarks") == [
        ("shop", "shop.duckdb payments", "paid_at", "2026-05-01 13:19:30.000001")
    ]
    assert judged_keys() == []
    assert read("SELECT count(*) FROM judged") == [(N,)]


def test_a_record_is_judged_once_in_a_whole_window_after_the_delay(shop, monitor):
    pay(*(payment(n) for n in range(N, N + HOUR)))
    assert "nothing new" in monitor(N + 19).out  # the window of five minutes ends at payment 1610, the delay at 1620
    outcome = monitor(N + 21, "--format", "json")
    assert (said(outcome)["n_scored"], said(outcome)["until"]) == (10, "2026-05-01T13:25:00Z")
    assert judged_keys() == list(range(N, N + 10))
    monitor(N + HOUR + 25)
    assert judged_keys() == list(range(N, N + HOUR))
    assert read("SELECT part, since, until, n_scored FROM runs ORDER BY run_id") == [
        ("new", "2026-05-01 13:19:30.000001", "2026-05-01 13:25:00", 10),
        ("new", "2026-05-01 13:25:00", "2026-05-01 14:25:00", HOUR - 10),
    ]


def test_a_record_at_the_end_of_a_window_is_in_the_next(shop, monitor):
    edge = START + timedelta(hours=14)
    pay(payment(N, paid_at=edge), payment(N + 1, paid_at=edge - timedelta(microseconds=1)))
    monitor("2026-05-01T14:05")
    assert judged_keys() == [N + 1]
    monitor("2026-05-01T14:10")
    assert judged_keys() == [N, N + 1]


def test_missed_runs_are_caught_up_the_oldest_first_in_whole_windows(shop, monitor):
    config = Path("shop.toml").read_text()
    Path("shop.toml").write_text(config + "batch = 25\n")
    pay(*(payment(n) for n in range(N, N + HOUR)))
    monitor(N + 2 * HOUR)
    assert judged_keys() == list(range(N, N + HOUR))
    parts = read("SELECT since, until, n_scored FROM runs ORDER BY run_id")
    assert [n for _, _, n in parts] == [20] * 6
    assert [since for since, _, _ in parts[1:]] == [until for _, until, _ in parts[:-1]]
    assert all(until.endswith((":00", ":30")) for _, until, _ in parts)


def test_late_records_are_found_and_those_too_late_are_counted_and_told_once(shop, monitor):
    pay(*(payment(n) for n in range(N, N + HOUR) if n % 10))
    monitor(N + 2 * HOUR)
    pay(*(odd(n) for n in range(N, N + HOUR) if n % 10 == 0))
    long_ago = START - timedelta(days=3)
    pay(payment(-1, paid_at=long_ago), payment(-2, paid_at=long_ago))
    outcome = monitor(N + 2 * HOUR)
    assert "12 records judged" in outcome.out
    assert "12 flagged, 12 of them late, 2 not judged that came later than the lookback" in outcome.out
    assert judged_keys() == list(range(N, N + HOUR))
    assert read("SELECT part, n_scored, n_flagged, n_too_late FROM runs ORDER BY run_id DESC LIMIT 1") == [
        ("late", 12, 12, 2)
    ]
    assert "nothing new" in monitor(N + 2 * HOUR).out


def test_only_records_too_late_are_told_as_well(shop, monitor):
    pay(payment(-1, paid_at=START - timedelta(days=3)))
    assert (
        monitor(N).out
        == "shop: nothing new before 2026-05-01 13:19:30, 1 not judged that came later than the lookback\n"
    )
    assert read("SELECT part, n_scored, n_too_late FROM runs") == [("late", 0, 1)]
    assert "lookback" not in monitor(N).out


def test_doubled_keys_are_judged_once_wherever_the_second_row_lies(shop, monitor):
    pay(payment(N), payment(N), payment(N, paid_at=START + (N + 3) * STEP), payment(N + 1))
    assert "2 left out whose key was judged before" in monitor(N + HOUR).out
    pay(payment(N, paid_at=START + (N + HOUR) * STEP), payment(N + 1), payment(5), payment(N + HOUR))
    monitor(N + 2 * HOUR)
    assert judged_keys() == [N, N + 1, N + HOUR]
    for later in (
        N + 26 * HOUR,
        N + 50 * HOUR,
        N + 74 * HOUR,
    ):  # when the first row leaves the lookback before the second
        monitor(later)
    assert judged_keys() == [N, N + 1, N + HOUR]


def test_a_row_of_a_judged_key_that_comes_late_outlives_its_first_in_the_lookback(shop, monitor):
    pay(payment(N), *(payment(n) for n in range(N + 1, N + HOUR)))
    monitor(N + 2 * HOUR)
    pay(payment(N, paid_at=START + (N + HOUR) * STEP))  # late: the second row lies an hour after the first
    monitor(N + 2 * HOUR)
    pay(payment(N + 24 * HOUR + 70))
    monitor(N + 25 * HOUR)  # the lookback begins between the two rows
    assert judged_keys() == [*range(N, N + HOUR), N + 24 * HOUR + 70]


def test_records_without_a_place_are_judged_and_listed_and_move_no_watermark(shop, monitor):
    pay(odd(N, paid_at=None), payment(N + 1, paid_at=None))
    outcome = monitor(N, "--format", "json")
    assert (said(outcome)["n_scored"], said(outcome)["n_quarantined"], said(outcome)["n_flagged"]) == (2, 2, 1)
    assert read("SELECT until FROM watermarks") == [("2026-05-01 13:19:30.000001",)]
    assert read("SELECT key FROM scores JOIN runs USING (run_id) WHERE part = 'quarantined' ORDER BY 1") == [
        (str(N),),
        (str(N + 1),),
    ]
    assert "nothing new" in monitor(N).out


def test_records_of_the_future_are_quarantined_and_not_judged_again_when_it_comes(shop, run):
    pay(payment(N, paid_at=START.replace(year=2090)))
    assert "1 of them without a place" in run("monitor", "shop.toml").out  # now, by the clock
    assert run("monitor", "shop.toml").out.startswith("shop: nothing new")
    assert read("SELECT part, n_scored FROM runs") == [("quarantined", 1)]
    run("monitor", "shop.toml", "--now", "2090-06-01")
    assert judged_keys() == [N]


def test_a_run_with_nothing_new_changes_no_byte(shop, monitor):
    monitor(N + HOUR)
    before = Path("store.duckdb").read_bytes()
    assert "nothing new" in monitor(N + 3 * HOUR).out
    assert Path("store.duckdb").read_bytes() == before


def test_a_run_with_nothing_new_imports_nothing_that_scores(shop):
    code = (
        "import sys\nfrom anomembed.cli import main\n"
        f"sys.argv = ['anomembed', 'monitor', 'shop.toml', '--now', '{at(N)}']\n"
        "try:\n    main()\nexcept SystemExit as end:\n    print(end.code, *sys.modules)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    said, modules = done.stdout.splitlines()
    assert said == "shop: nothing new before 2026-05-01 13:19:30"
    heavy = {"pyod", "numba", "sklearn", "scipy", "pyarrow", "numpy", "rich", "anomembed.model"}
    assert not heavy & set(modules.split())


def test_a_dry_run_judges_and_keeps_nothing(shop, monitor):
    pay(*(payment(n) for n in range(N, N + HOUR)), odd(N + HOUR))
    before = Path("store.duckdb").read_bytes()
    outcome = monitor(N + 2 * HOUR, "--dry-run")
    assert "dry run, nothing kept or sent: 121 records judged" in outcome.out
    assert Path("store.duckdb").read_bytes() == before
    assert "121 records judged" in monitor(N + 2 * HOUR).out


def test_a_dry_first_run_leaves_no_store(run):
    open_shop()
    pay(*(payment(n) for n in range(N, N + HOUR)))
    outcome = run("monitor", "shop.toml", "--now", at(N + 2 * HOUR), "--dry-run")
    assert outcome.code == 0
    assert "120 records judged" in outcome.out
    assert not Path("store.duckdb").exists()


def test_a_period_is_judged_again_beside_the_first_run(shop, monitor):
    pay(*(payment(n) for n in range(N, N + HOUR)))
    monitor(N + 2 * HOUR)
    first = read("SELECT * EXCLUDE (run_id) FROM scores ORDER BY ALL")
    state = read("FROM watermarks"), read("SELECT count(*) FROM judged")
    outcome = monitor(N + 2 * HOUR, "--since", at(N), "--until", at(N + HOUR))
    assert "120 records judged again from 2026-05-01 13:20 to 2026-05-01 14:20" in outcome.out
    assert read("SELECT part, n_scored FROM runs ORDER BY run_id") == [("new", 120), ("again", 120)]
    assert read("SELECT * EXCLUDE (run_id) FROM scores WHERE run_id = 2 ORDER BY ALL") == first
    assert (read("FROM watermarks"), read("SELECT count(*) FROM judged")) == state


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (["--since", "2026-05-01"], "give both --since and --until"),
        (["--since", "2026-05-02", "--until", "2026-05-01"], "--since must be before --until"),
        (["--since", "yesterday", "--until", "2026-05-01"], "--since 'yesterday' is not a time"),
        (["--wait", "soon"], "--wait 'soon': this is not a length of time"),
    ],
)
def test_what_cannot_be_asked_for_is_said(shop, monitor, options, sentence):
    outcome = monitor(N, *options, code=2)
    assert sentence in outcome.err
    assert outcome.err.count("\n") == 1


def test_a_store_that_another_run_has_ends_with_3_at_once_or_is_waited_for(shop, monitor):
    for seconds, options, code in (("30", [], 3), ("1.5", ["--wait", "30s"], 0)):
        with subprocess.Popen(
            [sys.executable, "-c", HOLD, "store.duckdb", seconds], stdout=subprocess.PIPE, text=True
        ) as other:
            assert other.stdout.readline() == "held\n"
            outcome = monitor(N, *options, code=code)
            assert ("is locked by another process" in outcome.err) is (code == 3)
            other.kill()


def test_a_writer_of_the_source_is_waited_for_but_not_for_ever(shop, monitor, monkeypatch):
    monkeypatch.setattr("anomembed.monitor.source.PATIENCE", 3.0)
    pay(payment(N))
    for seconds, code in (("60", 3), ("1", 0)):
        with subprocess.Popen(
            [sys.executable, "-c", HOLD, "shop.duckdb", seconds], stdout=subprocess.PIPE, text=True
        ) as other:
            assert other.stdout.readline() == "held\n"
            outcome = monitor(N + HOUR, code=code)
            other.kill()
        assert ("shop.duckdb is locked by another process" in outcome.err) is (code == 3)
    failures = read("SELECT failure, n_scored, since FROM runs WHERE failure IS NOT NULL")
    assert len(failures) == 1
    assert "shop.duckdb is locked" in failures[0][0]
    assert failures[0][1:] == (0, "2026-05-01 13:19:30.000001")
    assert judged_keys() == [N]


def test_a_run_that_failed_is_kept_with_why_and_what_it_leaves_open(shop, monitor):
    pay(payment(N))
    with opened("shop.duckdb") as connection:
        connection.execute("ALTER TABLE payments RENAME city TO town")
    for _ in range(2):  # the second time in the same words: one row
        assert "no such column in payments: city" in monitor(N + HOUR, code=2).err
    rows = read("SELECT run_id, part, n_scored, since, failure FROM runs")
    assert [row[:4] for row in rows] == [(1, None, 0, "2026-05-01 13:19:30.000001")]
    assert "no such column" in rows[0][4]
    with opened("shop.duckdb") as connection:
        connection.execute("ALTER TABLE payments RENAME town TO city")
    monitor(N + HOUR)
    assert judged_keys() == [N]
    assert read("SELECT run_id, n_scored FROM runs WHERE failure IS NULL") == [(2, 1)]


def test_another_source_or_watermark_under_the_same_name_is_refused(shop, monitor):
    config = Path("shop.toml").read_text()
    Path("shop.toml").write_text(config.replace("[monitor]", '[monitor]\nwatermark = "id"'))
    assert "shop has judged by paid_at, not by id" in monitor(N, code=2).err
    shutil.copy("shop.duckdb", "other.duckdb")
    Path("shop.toml").write_text(config.replace('"shop.duckdb"', '"other.duckdb"'))
    assert "knows shop as the monitor of shop.duckdb payments, not of other.duckdb" in monitor(N, code=2).err
    Path("shop.toml").write_text(config.replace('"shop.duckdb"', '"other.duckdb"') + 'name = "other"\n')
    monitor(N)
    assert read("SELECT monitor FROM watermarks ORDER BY 1") == [("other",), ("shop",)]


def test_without_a_model_or_a_condition_for_one_the_first_run_says_what_to_do(run):
    open_shop()
    config = Path("shop.toml").read_text()
    Path("shop.toml").write_text(config.replace("fit_where", "# fit_where"))
    outcome = run("monitor", "shop.toml")
    assert outcome.code == 2
    assert "run `anomembed fit` first, or say by fit_where in [monitor]" in outcome.err
    assert not Path("store.duckdb").exists()


@pytest.fixture
def fitted_shop(run):
    """A shop whose model was fitted to all that was there, payments up to `N` - 1, without fit_where."""
    open_shop()
    Path("shop.toml").write_text(Path("shop.toml").read_text().replace("fit_where", "# fit_where"))
    assert run("fit", "shop.toml", "-q").code == 0


def test_a_monitor_after_a_fit_begins_after_the_last_record_that_the_model_was_fitted_to(fitted_shop, monitor):
    """Whatever the clock says: the payments are of a time long before the fit."""
    pay(*(payment(n) for n in range(N, N + HOUR)))
    out = monitor(N + 2 * HOUR).out
    assert "120 records judged from 2026-05-01 13:19:30 to 2026-05-01 15:15" in out
    assert out.endswith(" flagged, begun after its reference\n")
    assert judged_keys() == list(range(N, N + HOUR))
    assert "begun" not in monitor(N + 3 * HOUR).out


def test_a_monitor_after_a_fit_says_where_it_begins_when_nothing_is_new(fitted_shop, monitor):
    assert monitor(N + HOUR).out == (
        "shop: nothing new before 2026-05-01 14:15, begun after 2026-05-01 13:19:30: what came before counts as known\n"
    )


def test_a_monitor_after_a_fit_begins_there_though_the_source_was_emptied(fitted_shop, monitor):
    with opened("shop.duckdb") as connection:
        connection.execute("DELETE FROM payments")
    assert "begun after 2026-05-01 13:19:30" in monitor(N + HOUR).out
    pay(payment(N))
    monitor(N + HOUR)
    assert judged_keys() == [N]


def test_a_monitor_with_a_model_that_does_not_know_its_last_record_begins_at_the_fit(fitted_shop, monitor):
    pay(*(payment(n) for n in range(N, N + 10)))
    with opened("store.duckdb") as connection:  # as an older version kept it, when payment 1600 was made
        connection.execute('UPDATE models SET fitted_at = ?, column_name = NULL, "position" = NULL', [START + N * STEP])
    monitor(N + HOUR)
    assert set(range(N, N + 10)) <= set(judged_keys())
    assert len(judged_keys()) == len(set(judged_keys())) <= 20 + 1  # and the ten within the delay before the fit


def test_a_monitor_begins_now_where_nothing_was_before(fitted_shop, monitor):
    with opened("store.duckdb") as connection:
        connection.execute('UPDATE models SET column_name = NULL, "position" = NULL')
    assert "nothing new before 2026-04-30 23:54:59" in monitor("2026-04-30T23:59:59").out
    monitor(HOUR)
    assert sorted(judged_keys()) == list(range(HOUR - 10))


def test_a_number_that_grows_is_a_watermark_too(run):
    open_shop(monitor='watermark = "id"\nlookback = 200')
    pay(*(payment(n) for n in range(N, N + 50) if n % 10))
    outcome = run("monitor", "shop.toml")
    assert "45 records judged from 1600 to 1650" in outcome.out
    pay(*(payment(n) for n in (N + 10, N + 60, 5, -5)))
    outcome = run("monitor", "shop.toml")
    assert "2 records judged from 1650 to 1661, 0 flagged, 1 of them late" in outcome.out
    assert judged_keys() == [n for n in range(N, N + 50) if n % 10 or n == N + 10] + [N + 60]


def test_a_length_of_time_is_none_of_a_number(run):
    open_shop(monitor='watermark = "id"\nlookback = "1h"')
    assert "monitor.lookback = '1h': the watermark id holds numbers" in run("monitor", "shop.toml").err


@pytest.mark.parametrize("zone", ["America/New_York", "Asia/Kolkata"])
def test_times_without_a_zone_are_in_that_of_the_source(shop, run, zone):

    config = Path("shop.toml").read_text()
    condition = "paid_at >= now() - INTERVAL 30 MINUTE"
    Path("shop.toml").write_text(
        config.replace('time_zone = "UTC"', f'time_zone = "{zone}"\nwhere = "{condition}"')
        + 'delay = "0s"\nwindow = "1s"\n'
    )
    local = datetime.now(UTC).astimezone(ZoneInfo(zone)).replace(tzinfo=None)
    ages = {N: 10, N + 1: 29, N + 2: 31, N + 3: 300}  # minutes
    pay(*(payment(n, paid_at=local - timedelta(minutes=age)) for n, age in ages.items()))
    outcome = run("monitor", "shop.toml")
    assert "2 records judged" in outcome.out, outcome
    assert judged_keys() == [N, N + 1]
    assert local.strftime("%Y-%m-%d %H:%M")[:15] in outcome.out


def test_hours_of_a_change_of_the_clock_lose_nothing(run):
    """In New York 01:30 comes twice on 2026-11-01: 05:30 and 06:30 in UTC."""
    open_shop()
    config = Path("shop.toml").read_text()
    Path("shop.toml").write_text(config.replace('"UTC"', '"America/New_York"'))
    night = START.replace(month=11, day=1)
    pay(payment(N, paid_at=night.replace(hour=0, minute=30)))
    run("monitor", "shop.toml", "--now", "2026-11-01T05:00Z")
    pay(payment(N + 1, paid_at=night.replace(hour=1, minute=30)))
    run("monitor", "shop.toml", "--now", "2026-11-01T06:00Z")
    pay(payment(N + 2, paid_at=night.replace(hour=1, minute=31)))  # an hour later
    run("monitor", "shop.toml", "--now", "2026-11-01T07:00Z")
    pay(payment(N + 3, paid_at=night.replace(hour=2, minute=30)))
    run("monitor", "shop.toml", "--now", "2026-11-01T08:00Z")
    assert judged_keys() == [N, N + 1, N + 2, N + 3]
    assert len(tables()["scores"]) == 4


def test_without_a_rule_a_monitor_flags_by_a_threshold_and_not_so_many_a_run(shop, monitor):
    config = Path("shop.toml").read_text()
    Path("shop.toml").write_text(config.replace("threshold = 0.002", ""))
    pay(*(payment(n) for n in range(N, N + 30)), odd(N + 30))
    assert "31 records judged" in monitor(N + HOUR).out
    assert read("SELECT rule, n_flagged FROM runs") == [(f"threshold {1 / 240:g}", 1)]


def test_what_the_model_cannot_flag_is_said_in_the_first_run_with_it_and_with_another_rule(shop, monitor):
    config = Path("shop.toml").read_text()
    for number, (threshold, caution) in enumerate([("1e-9", 1), ("1e-9", 0), ("0.9", 0), ("2e-9", 1)]):
        Path("shop.toml").write_text(config.replace("threshold = 0.002", f"threshold = {threshold}"))
        pay(payment(N + number * HOUR))
        outcome = monitor(N + number * HOUR + 30, "--format", "json")
        assert outcome.err.count(f"caution   threshold {threshold.replace('-', '-0')} may flag nothing: ") == caution
        assert len(said(outcome)["cautions"]) == caution
        assert said(outcome)["n_scored"] == 1


def test_a_first_run_with_nothing_new_says_what_its_model_cannot_flag(run):
    open_shop()
    Path("shop.toml").write_text(Path("shop.toml").read_text().replace("threshold = 0.002", "threshold = 1e-9"))
    for is_first in (True, False):
        outcome = run("monitor", "shop.toml", "--now", at(N))
        assert "nothing new" in outcome.out
        assert outcome.err.count("caution ") == is_first
    assert run("monitor", "shop.toml", "--now", at(N), "--quiet").err == ""


def test_a_monitor_cautions_of_new_values_as_score_does(shop, monitor):
    pay(*(payment(n, city="Atlantis" if n % 10 == 0 else "city1") for n in range(N, N + HOUR)))
    outcome = monitor(N + 2 * HOUR, "--format", "json")
    sentence = "city=Atlantis, which the reference does not have, is in 12 of 120 records (10%): renamed or new?"
    assert f"caution   {sentence}" in outcome.err
    assert said(outcome)["cautions"][-1].startswith(sentence)
    pay(*(payment(n) for n in range(N + HOUR, N + 2 * HOUR)))
    assert "caution" not in monitor(N + 3 * HOUR).err
