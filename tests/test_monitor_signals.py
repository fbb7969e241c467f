"""What a run tells programs: metrics in a file, pings to an address, and lines of JSON; none of them fails a run."""

import json
import re
import shutil
import threading
from datetime import datetime
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest
from databases import opened
from monitored import HOUR, REFERENCE, START, STEP, at, odd, open_shop, pay, payment

N = REFERENCE
METRICS = 'metrics = "shop.prom"\n'
SAMPLE = re.compile(r'([a-z_]+)(?:\{((?:[a-z]+="(?:[^"\\\n]|\\["\\n])*",?)*)\})? (-?[\d.]+)')


@pytest.fixture
def shop(begun_shop, tmp_path):
    for name in ("shop.duckdb", "shop.toml", "store.duckdb"):
        shutil.copy(begun_shop / name, tmp_path / name)
    return tmp_path


@pytest.fixture
def monitor(run):
    plain = {}

    def monitor(number, *options, settings=METRICS, code=0):
        plain.setdefault("text", Path("shop.toml").read_text())
        Path("shop.toml").write_text(plain["text"] + settings)
        outcome = run("monitor", "shop.toml", "--now", at(number), *options)
        assert outcome.code == code, outcome.err
        return outcome

    return monitor


def metrics(path="shop.prom"):
    """The samples of a file, which is read as OpenMetrics says: families whole, counters in _total, and an end."""
    *lines, end = Path(path).read_text().splitlines()
    assert end == "# EOF"
    kinds, samples, family = {}, {}, None
    for line in lines:
        if found := re.fullmatch(r"# (TYPE|UNIT|HELP) (\S+) (.+)", line):
            what, family, said = found.groups()
            assert what != "TYPE" or family not in kinds
            kinds.setdefault(family, said)
            assert what != "UNIT" or family.endswith(f"_{said}")
            continue
        name, labels, value = SAMPLE.fullmatch(line).groups()
        assert name == family + ("_total" if kinds[family] == "counter" else "")
        step = re.search(r'(?:step|column)="(\w+)"', labels)
        samples[f"{name} {step[1]}" if step else name] = float(value)
    return samples


def test_metrics_tell_what_was_judged_and_what_is_open(shop, monitor):
    pay(odd(N), payment(N + 1), payment(N + 100))
    monitor(N + HOUR)
    pay(payment(N + 50), payment(N + 2000, paid_at=None))
    monitor(N + HOUR)
    found = metrics()
    assert {name: value for name, value in found.items() if not re.search("seconds|unseen", name)} == {
        "anomembed_records_total": 5,
        "anomembed_flags_total": 1,
        "anomembed_late_records_total": 1,
        "anomembed_too_late_records_total": 0,
        "anomembed_quarantined_records_total": 1,
        "anomembed_open_findings": 1,
        "anomembed_pending_alerts": 0,
    }
    now = (START + (N + HOUR) * STEP - datetime(1970, 1, 1)).total_seconds()
    assert found["anomembed_last_success_timestamp_seconds"] == now
    assert found["anomembed_watermark_lag_seconds"] == 5 * 60
    assert {name for name in found if name.startswith("anomembed_step")} == {
        f"anomembed_step_seconds {step}" for step in ("look", "judge", "tell")
    }


def test_the_share_of_values_that_the_reference_does_not_have_is_told_by_column(shop, monitor):
    pay(*(payment(n, city="Atlantis") for n in range(N, N + 5)), *(payment(n) for n in range(N + 5, N + 20)))
    for _ in range(2):  # wholly, then quickly
        monitor(N + HOUR)
        unseen = {name.split()[1]: share for name, share in metrics().items() if "unseen" in name}
        assert unseen.pop("city") == 0.25
        assert set(unseen.values()) == {0}


def test_a_run_with_nothing_new_renews_them_and_one_that_fails_does_not(shop, monitor):
    for number in (N, N + HOUR):  # the first run checks the settings
        monitor(number)
    first = metrics()["anomembed_last_success_timestamp_seconds"]
    monitor(N + 2 * HOUR)
    assert metrics()["anomembed_last_success_timestamp_seconds"] == first + 3600
    with opened("shop.duckdb") as connection:
        connection.execute("ALTER TABLE payments RENAME city TO town")
    pay_again = payment(N + 2 * HOUR - 20)
    with opened("shop.duckdb") as connection:
        connection.execute("INSERT INTO payments VALUES (?, ?, ?, ?, ?, ?)", list(pay_again))
    monitor(N + 3 * HOUR, code=2)
    assert metrics()["anomembed_last_success_timestamp_seconds"] == first + 3600


def test_a_period_that_is_judged_again_leaves_them_as_they_are(shop, monitor):
    pay(*(payment(n) for n in range(N, N + 2 * HOUR)))
    monitor(N + 2 * HOUR)
    before = Path("shop.prom").read_text()
    assert "judged again" in monitor(N + 2 * HOUR, "--since", at(N), "--until", at(N + HOUR)).out
    assert Path("shop.prom").read_text() == before


def test_a_name_is_escaped_and_the_file_can_be_read_by_others(shop, run):
    config = Path("shop.toml").read_text()
    Path("shop.toml").write_text(config + METRICS + "name = 'it\"s \\\\ {odd}'\n")
    assert run("monitor", "shop.toml", "--now", at(N)).code == 0
    assert metrics()["anomembed_records_total"] == 0
    assert 'monitor="it\\"s \\\\\\\\ {odd}"' in Path("shop.prom").read_text()
    assert Path("shop.prom").stat().st_mode & 0o777 == 0o644
    assert [path.name for path in Path().iterdir() if "unfinished" in path.name] == []


def test_a_file_that_cannot_be_written_is_noted_and_one_that_is_read_is_refused(shop, monitor):
    for _ in range(2):  # wholly, then quickly
        outcome = monitor(N, settings='metrics = "nowhere/shop.prom"\n')
        assert outcome.out.endswith("no metrics written: No such file or directory\n")
    outcome = monitor(N, settings='metrics = "store.duckdb"\n', code=2)
    assert "the metrics cannot be written to store.duckdb: it is the store" in outcome.err
    outcome = monitor(N, "--check", settings='metrics = "nowhere/shop.prom"\n', code=2)
    assert "WRONG  metrics: No such file or directory" in outcome.out


@pytest.fixture
def pings():
    """A server on loopback that keeps which paths were posted to, and answers as it is told."""
    paths, answer = [], [200]

    class Hook(BaseHTTPRequestHandler):
        def do_POST(self):
            paths.append(self.path)
            self.send_response(answer[0])
            self.end_headers()

        def log_message(self, *_):
            pass

    server = HTTPServer(("127.0.0.1", 0), Hook)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/s3cret", paths, answer
    server.shutdown()


def test_pings_say_that_a_run_begins_and_how_it_ends(shop, monitor, pings):
    url, paths, _ = pings
    pay(odd(N))
    monitor(N + HOUR, "--ping", url + "/")
    assert paths == ["/s3cret/start", "/s3cret"]
    monitor(N + HOUR, "--ping", url, "--dry-run")
    assert len(paths) == 2  # a dry run sends nothing
    monitor(N + HOUR, "--ping", url, settings="lokback = 1\n", code=2)
    assert paths[2:] == ["/s3cret/start", "/s3cret/fail"]


def test_a_ping_that_nobody_takes_fails_no_run(shop, monitor, pings, monkeypatch):
    url, _, answer = pings
    answer[0] = 500
    outcome = monitor(N, "--ping", url)
    assert outcome.err.splitlines() == ["ping: the webhook answered 500"] * 2
    monkeypatch.setenv("PING_KEY", "s3cret")
    for wrong in ("http://127.0.0.1:9/${PING_KEY}", "${NO_SUCH_PING}", "gopher://x"):
        outcome = monitor(N, "--ping", wrong)
        assert "nothing new" in outcome.out
        assert outcome.err.startswith("ping: ")
        assert "s3cret" not in outcome.err
    assert monitor(N, "--ping", url, "--quiet").err == ""


def lines_of(outcome):
    return [json.loads(line) for line in outcome.err.splitlines()]


def test_a_log_in_json_has_the_fit_and_what_the_run_did(run):
    open_shop()
    outcome = run("monitor", "shop.toml", "--now", at(N), "--log-format", "json")
    lines = lines_of(outcome)
    assert {line["level"] for line in lines} == {"info"}
    assert {line["monitor"] for line in lines} == {"shop"}
    assert all(datetime.fromisoformat(line["time"]).tzinfo for line in lines)
    assert [line["message"] for line in lines if line["event"] == "key"] == ["id"]
    assert lines[-1]["event"] == "ended"
    assert (lines[-1]["n_scored"], lines[-1]["is_begun"]) == (0, True)
    assert set(lines[-1]["seconds"]) == {"fit", "look", "judge", "tell"}
    assert outcome.out.startswith("shop: nothing new")


def test_its_lines_name_the_monitor_as_the_store_does(shop, monitor):
    outcome = monitor(N, "--log-format", "json", settings='name = "payments of Ann"\n')
    assert {line["monitor"] for line in lines_of(outcome)} == {"payments of Ann"}


def test_an_error_is_a_line_of_json_too_with_the_same_exit_code(shop, monitor):
    outcome = monitor(N, "--log-format", "json", "--quiet", settings="lokback = 1\n", code=2)
    (line,) = lines_of(outcome)
    assert (line["level"], line["event"]) == ("error", "failed")
    assert "unknown setting monitor.lokback" in line["message"]
    assert monitor(N, "--log-format", "xml", code=2).err.endswith("'xml' is not plain or json.\n")
