"""A run that finds nothing new, as most runs of cron do: it costs no more than it must, and says the same."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import duckdb
import pytest
from databases import opened
from monitored import HOUR, REFERENCE, at, odd, pay, payment, read

from anomembed.monitor import arriving, handing, quick

N = REFERENCE
HEAVY = {
    "pyod",
    "numba",
    "sklearn",
    "scipy",
    "matplotlib",
    "torch",
    "polars",
    "pyarrow",
    "pydantic",
    "typer",
    "rich",
    "zoneinfo",
}
FILE = '[[monitor.channels]]\nkind = "file"\nto = "alerts.ndjson"\n'


@pytest.fixture
def shop(begun_shop, tmp_path):
    for name in ("shop.duckdb", "shop.toml", "store.duckdb"):
        shutil.copy(begun_shop / name, tmp_path / name)
    return tmp_path


@pytest.fixture
def monitor(run, monkeypatch):
    """Runs the monitor, and says whether it ended quickly."""
    looks = []

    def noted(*arguments):
        looks.append(find_nothing(*arguments))
        return looks[-1]

    find_nothing = quick.find_nothing
    monkeypatch.setattr(quick, "find_nothing", noted)

    def monitor(number, *options):
        looks.clear()
        outcome = run("monitor", "shop.toml", "--now", at(number), *options)
        return outcome, bool(looks and looks[-1])

    return monitor


def test_nothing_new_imports_nothing_heavy_and_leaves_the_store_as_it_is(shop):
    before = Path("store.duckdb").read_bytes()
    code = (
        "import sys\nfrom anomembed.cli import main\n"
        "try:\n    main()\n"
        "finally:\n    print('modules', *{name.partition('.')[0] for name in sys.modules})\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, "monitor", "shop.toml", "--now", at(N)], capture_output=True, text=True
    )
    said, modules = done.stdout.splitlines()
    assert (done.returncode, said) == (0, "shop: nothing new before 2026-05-01 13:19:30"), done.stderr
    assert not HEAVY & set(modules.split())
    assert Path("store.duckdb").read_bytes() == before
    assert not Path("store.duckdb.wal").exists()


def test_what_a_look_had_open_is_not_opened_again_by_the_run_that_follows(shop, run, monkeypatch):
    connect, paths = duckdb.connect, []
    monkeypatch.setattr(duckdb, "connect", lambda path, **how: paths.append(Path(path).name) or connect(path, **how))
    pay(odd(N))
    outcome = run("monitor", "shop.toml", "--now", at(N + HOUR))
    assert "1 record judged" in outcome.out, outcome.err
    assert paths.count("store.duckdb") == 1
    assert not handing._kept


def test_a_run_that_fails_after_a_look_closes_what_that_had_open(shop, run, monkeypatch):
    pay(odd(N))
    monkeypatch.setattr("anomembed.monitor.run.check_files", lambda _: 1 / 0)
    assert run("monitor", "shop.toml", "--now", at(N + HOUR)).code == 70
    assert not handing._kept
    monkeypatch.undo()
    hold = "import sys, duckdb; duckdb.connect(sys.argv[1]).execute('FROM runs')"
    subprocess.run([sys.executable, "-c", hold, shop / "store.duckdb"], check=True)  # the lock is let go of


def test_a_quick_run_says_what_a_whole_one_says(shop, monitor):
    for options in ((), ("--format", "json"), ("--quiet", "--fail-on-flags", "--wait", "60s")):
        quickly, is_quick = monitor(N, *options)
        wholly, is_not = monitor(N, *options, "--store", "store.duckdb")
        assert (is_quick, is_not) == (True, False)
        assert quickly == wholly


def test_what_has_come_is_judged_by_a_whole_run_and_then_nothing_is_new_again(shop, monitor):
    pay(payment(N), odd(N + 1))
    outcome, is_quick = monitor(N + HOUR)
    assert ("2 records judged" in outcome.out, is_quick) == (True, False)
    outcome, is_quick = monitor(N + HOUR)
    assert ("nothing new" in outcome.out, is_quick) == (True, True)


def test_late_and_odd_records_and_findings_that_rest_are_seen_quickly_too(shop, monitor):
    pay(payment(N + 50))
    monitor(N + HOUR)
    pay(payment(N + 20), payment(N + 9, paid_at=None))
    outcome, is_quick = monitor(N + HOUR)
    assert ("1 of them late" in outcome.out, is_quick) == (True, False)
    pay(odd(N + HOUR))
    monitor(N + 2 * HOUR)
    assert monitor(N + 3 * HOUR)[1]
    assert not monitor(N + 40 * HOUR)[1]
    assert read("SELECT state FROM findings") == [("closed",)]


def test_an_alert_that_is_pending_is_told_though_nothing_is_new(shop, monitor):
    config = Path("shop.toml").read_text() + FILE
    Path("shop.toml").write_text(config.replace("alerts.ndjson", "missing/alerts.ndjson"))
    pay(odd(N))
    monitor(N + HOUR)
    Path("missing").mkdir()
    assert "nothing new" in monitor(N + HOUR)[0].out
    assert len(Path("missing/alerts.ndjson").read_text().splitlines()) == 1
    assert monitor(N + HOUR)[1]


def test_a_configuration_that_has_changed_is_checked_again(shop, monitor):
    config = Path("shop.toml").read_text()
    Path("shop.toml").write_text(config.replace("[monitor]", "[monitor]\nlokback = '1h'"))
    outcome, is_quick = monitor(N)
    assert (outcome.code, is_quick) == (2, False)
    assert "unknown setting monitor.lokback; did you mean 'lookback'?" in outcome.err
    Path("shop.toml").write_text(config.replace("[monitor]", "[monitor]\nlookback = '1h'"))
    assert [monitor(N)[1] for _ in range(2)] == [False, True]


def test_the_store_may_be_the_usual_one(shop, monitor):
    config = Path("shop.toml").read_text()
    Path("shop.toml").write_text(config.replace('[store]\npath = "store.duckdb"\n', ""))
    Path("store.duckdb").rename("anomembed.duckdb")
    assert [monitor(N)[1] for _ in range(2)] == [False, True]


def test_an_option_or_a_store_beside_the_file_is_no_quick_run(shop, monitor, monkeypatch):
    assert not monitor(N, "--store", "store.duckdb")[1]
    monkeypatch.setenv("ANOMEMBED_STORE", "other.duckdb")
    outcome, is_quick = monitor(N)
    assert not is_quick
    assert "nothing new" in outcome.out
    assert Path("other.duckdb").exists()


UNKNOWN = [["--nwo", "x"], ["--format", "xml"], ["other.toml"], ["--now"], ["--wait", "x"], ["--help"]]


@pytest.mark.parametrize("options", UNKNOWN)
def test_what_is_not_understood_is_left_to_the_whole_command(shop, run, options):
    outcome = run("monitor", "shop.toml", *options)
    assert outcome.code == (0 if options == ["--help"] else 2)
    assert any(word in outcome.out + outcome.err for word in ("Usage", "Error:", "anomembed:"))


def test_settings_that_are_kept_hold_no_address(shop, monitor):
    channel = '[[monitor.channels]]\nkind = "webhook"\nto = "https://hook.example/s3cret"\n'
    Path("shop.toml").write_text(Path("shop.toml").read_text() + channel)
    monitor(N)
    ((kept,),) = read("SELECT settings FROM checked_settings")
    assert "s3cret" not in kept
    assert json.loads(kept)["monitor"]["channels"] == [{"title": "webhook"}]
    assert "database" not in json.loads(kept)["source"]


def test_a_source_that_is_locked_is_waited_for_by_the_whole_run_alone(shop, monitor, monkeypatch):
    monkeypatch.setattr("anomembed.monitor.source.PATIENCE", 0.5)
    hold = "import duckdb, time; c = duckdb.connect('shop.duckdb'); print('held', flush=True); time.sleep(60)"
    with subprocess.Popen([sys.executable, "-c", hold], stdout=subprocess.PIPE, text=True) as other:
        assert other.stdout.readline() == "held\n"
        outcome, is_quick = monitor(N)
        other.kill()
    assert (outcome.code, is_quick) == (3, False)


def test_a_source_that_has_lost_a_column_is_told_by_the_whole_run(shop, monitor):
    with opened("shop.duckdb") as connection:
        connection.execute("ALTER TABLE payments RENAME paid_at TO payed_at")
    outcome, is_quick = monitor(N)
    assert (outcome.code, is_quick) == (2, False)
    assert "no such column in payments: paid_at" in outcome.err


def test_what_is_expected_no_more_or_never_came_keeps_no_run_from_being_quick(shop, monitor, monkeypatch):
    config = Path("shop.toml").read_text()
    Path("shop.toml").write_text(config.replace("[monitor]", '[monitor]\nexpect = ["shop=shop1", "shop=none"]'))
    assert not monitor(N)[1]
    learnt = []
    monkeypatch.setattr(arriving, "read_came", lambda *given: learnt.append(given) or {})
    assert monitor(N)[1]
    assert not learnt
    with opened("store.duckdb") as connection:  # the shop alone is overdue, and not told yet
        connection.execute("UPDATE rhythms SET due = if(value = 'shop1', last_seen, NULL), usual = 1.0")
    assert not monitor(N)[1]
    with opened("store.duckdb") as connection:
        connection.execute("DELETE FROM notices; DELETE FROM deliveries")
    Path("shop.toml").write_text(config)
    assert [monitor(N)[1] for _ in range(2)] == [False, True]
