"""Alerts by the real apprise to a server on this machine: none is lost or waited for, and no address is told."""

import json
import shutil
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from monitored import HOUR, REFERENCE, at, odd, pay, read

pytest.importorskip("apprise", reason="the extra alerts is not installed")
N = REFERENCE
SECRETS = ("s3cret", "t0ken", "k3y")
CHANNEL = '[[monitor.channels]]\nkind = "apprise"\nto = "${CHAT}"\n'


class Service(ThreadingHTTPServer):
    """Takes JSON, and answers as it is told: `takes`, `fails`, `moved`, `late`, `hangs` or `trickles`."""

    daemon_threads = True

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Handler)
        self.does, self.got = "takes", []
        self.url = f"json://user:s3cret@127.0.0.1:{self.server_port}/t0ken/?+X-Key=k3y"
        threading.Thread(target=self.serve_forever, daemon=True).start()


class Handler(BaseHTTPRequestHandler):
    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        time.sleep({"late": 5, "hangs": 30}.get(self.server.does, 0))
        self.send_response({"fails": 500, "moved": 302}.get(self.server.does, 200))
        self.send_header("Location", "/elsewhere")
        self.end_headers()
        for _ in range(30 if self.server.does == "trickles" else 0):
            self.wfile.write(b".")
            time.sleep(0.5)
        self.server.got.append((self.path, self.headers["X-Key"], json.loads(body)))

    def do_GET(self):  # where a redirected POST ends
        self.send_response(200)
        self.end_headers()

    def log_message(self, *_):
        pass


@pytest.fixture
def service(monkeypatch):
    with Service() as service:
        monkeypatch.setenv("CHAT", service.url)
        yield service
        service.shutdown()


@pytest.fixture
def monitor(begun_shop, tmp_path, forker):
    """Run the monitor of a shop that has begun, in a process of its own, as cron does; its output and the seconds."""
    shutil.copytree(begun_shop, tmp_path, dirs_exist_ok=True)
    config = Path("shop.toml").read_text()

    def monitor(now, settings="", *options, timeout="3s"):
        Path("shop.toml").write_text(f'{config}{settings}\n{CHANNEL}timeout = "{timeout}"\n')
        done = forker.run("monitor", "shop.toml", "--now", at(now), *options)
        assert done.code == 0, done.err
        files = b"".join(path.read_bytes() for path in Path().rglob("*") if path.is_file()).decode("latin-1")
        assert not [secret for secret in SECRETS if secret in done.out + done.err + files]
        return done.out + done.err, done.seconds

    return monitor


def untold():
    return read("SELECT alert_id FROM deliveries WHERE told_at IS NULL")


@pytest.mark.parametrize(
    ("does", "why"),
    [("fails", "could not tell it"), ("moved", "could not tell it"), ("hangs", ""), ("trickles", "took longer than 3")],
)
def test_what_a_service_does_not_take_in_time_is_told_by_the_next_run(monitor, service, does, why):
    pay(odd(N))
    _, usual = monitor(N, "", "--dry-run")
    service.does = does
    told, seconds = monitor(N + HOUR)
    assert f"not told, to be tried again: apprise: apprise {why}" in told
    assert seconds < usual + 12
    assert len(untold()) == read("SELECT count(*) FROM alerts")[0][0] > 0
    service.does = "takes"
    service.got.clear()
    monitor(N + HOUR)
    assert untold() == []
    ((path, key, body),) = service.got
    assert (path.rstrip("/"), key) == ("/t0ken", "k3y")
    assert body["title"].startswith("[alert] shop: new: ")
    assert "look further: anomembed sql " in body["message"]


def test_a_service_may_take_as_long_as_the_channel_says(monitor, service):
    pay(odd(N))
    service.does = "late"
    assert "apprise was told 1" in monitor(N + HOUR, timeout="30s")[0]


def test_the_colour_of_a_message_is_its_level_and_green_when_it_is_over(monitor, service):
    pay(odd(N, shop="shop1"), odd(N + 1, shop="shop1"))
    monitor(N + HOUR)
    monitor(N + HOUR, "alert_at = 1e-300", "--since", at(N), "--until", at(N + 2))
    monitor(N + 50 * HOUR)
    types = [(body["title"].split(": ")[1], body["type"]) for _, _, body in service.got]
    assert types == [("new", "failure"), ("new, judged again", "warning"), ("over", "success")]


def test_many_alerts_in_one_message_have_the_level_of_the_worst(monitor, service):
    pay(*(odd(n, city=f"city{n}") for n in range(N, N + 4)))
    monitor(N + HOUR, "most_alerts = 1")
    assert [body["type"] for _, _, body in service.got] == ["failure", "failure"]


@pytest.mark.parametrize("address", ["nonsense", "pigeon://s3cret", "json://", "slack://t0ken"])
def test_an_address_that_apprise_does_not_know_is_told_by_check_but_not_shown(monitor, run, monkeypatch, address):
    monkeypatch.setenv("CHAT", address)
    Path("shop.toml").write_text(Path("shop.toml").read_text() + CHANNEL)
    outcome = run("monitor", "shop.toml", "--check")
    assert outcome.code == 2
    assert "apprise does not know such an address" in outcome.out + outcome.err
    assert not [secret for secret in SECRETS if secret in outcome.out + outcome.err]
