"""`anomembed monitor --check`: what a monitor needs is tested, and nothing is scored, written or sent."""

import hashlib
import json
import shutil
import socket
import sys
from pathlib import Path

import pytest
from databases import opened
from monitored import open_shop

from anomembed.write.schema import migrations

CHANNEL = '[[monitor.channels]]\nkind = "{}"\nto = {}\n'


@pytest.fixture
def shop(begun_shop, tmp_path):
    for name in ("shop.duckdb", "shop.toml", "store.duckdb"):
        shutil.copy(begun_shop / name, tmp_path / name)
    return tmp_path


@pytest.fixture
def check(run):
    def check(code):
        outcome = run("monitor", "shop.toml", "--check")
        assert outcome.code == code, outcome
        return outcome.out.splitlines()

    return check


def change(old, new):
    path = Path("shop.toml")
    assert old in path.read_text()
    path.write_text(path.read_text().replace(old, new))


def add_channel(kind, to):
    with Path("shop.toml").open("a") as file:
        file.write(CHANNEL.format(kind, json.dumps(to)))


def files():
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in Path().iterdir()}


@pytest.fixture
def server():
    """Something that listens, and says nothing."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server


@pytest.fixture
def port(server):
    return server.getsockname()[1]


def test_all_is_right_and_stays_as_it_was(shop, check, monkeypatch, server, port):
    monkeypatch.setenv("HOOK_HOST", "127.0.0.1")
    add_channel("webhook", f"http://${{HOOK_HOST}}:{port}/a?b=c")
    add_channel("command", f"{sys.executable} -c pass")
    add_channel("file", "alerts.ndjson")
    before = files()
    assert check(0) == [
        "right  configuration: shop.toml",
        "right  source: payments: 6 columns, 1,600 records, 1,600 to learn from",
        f"right  store: store.duckdb, version {len(migrations())}",
        "right  model: 1, fitted on 1,600 records; all before 2026-05-01 13:19:30 has been judged, by paid_at",
        "right  channel webhook: its host answers, from level warn",
        "right  channel command: its command is there, from level warn",
        "right  channel file: its file can be written, from level warn",
    ]
    assert files() == before
    connection, _ = server.accept()
    with connection:
        assert connection.recv(100) == b"", "the webhook was sent something"


def test_before_the_first_run_the_model_is_still_to_be_learnt(check):
    open_shop()
    lines = check(0)
    assert "right  store: store.duckdb will be made" in lines
    assert "right  model: the first run learns it, where paid_at < TIMESTAMP '2026-05-01 13:20:00'" in lines
    assert not Path("store.duckdb").exists()
    change("[monitor]", '[monitor]\nwatermark = "id"\nrefit = "stale"')
    assert any('WRONG  model: monitor.refit = "stale" is for records with times' in line for line in check(2))
    change("fit_where", "# fit_where")
    assert "WRONG  model: there is none: run `anomembed fit` first, or set fit_where in [monitor]" in check(2)


@pytest.mark.parametrize(
    ("kind", "to", "said"),
    [
        ("webhook", "ftp://hook.example/s3cret", "a webhook needs an address that begins with https:// or http://"),
        ("webhook", "https:///s3cret", "the address is not well-formed: it has no host, a wrong port or blanks"),
        ("webhook", "https://hook.example:99999/s3cret", "the address is not well-formed"),
        ("webhook", "https://hook.example/s3cret now", "the address is not well-formed"),
        ("webhook", "https://${NO_SUCH_HOST}/s3cret", "the environment has no NO_SUCH_HOST"),
        ("webhook", "http://127.0.0.1:1/s3cret", "the webhook cannot be reached (ConnectionRefusedError)"),
        ("webhook", "https://no-such-host.invalid/s3cret", "the host of the webhook is not known"),
        ("command", "no-such-command --token s3cret", "there is no command no-such-command"),
        ("command", "'open", "the command cannot be read: no closing quotation"),
        ("file", "missing/alerts.ndjson", "No such file or directory"),
        ("file", "/proc/alerts.ndjson", "/proc"),
        ("file", "store.duckdb", "the alerts cannot be written to store.duckdb: it is the store"),
    ],
)
def test_a_channel_that_cannot_work_is_told_without_its_secrets(shop, check, kind, to, said):
    add_channel(kind, to)
    *right, wrong = check(2)
    assert wrong.startswith(f"WRONG  channel {kind}: ")
    assert said in wrong
    assert "s3cret" not in wrong
    assert all(line.startswith("right") for line in right)


def test_the_proxy_of_the_environment_is_asked_instead(shop, check, monkeypatch, port):
    add_channel("webhook", "https://no-such-host.invalid/s3cret")
    monkeypatch.setenv("https_proxy", f"http://127.0.0.1:{port}")
    assert "right  channel webhook: its host answers, from level warn" in check(0)
    monkeypatch.setenv("no_proxy", ".invalid")
    assert "the host of the webhook is not known" in check(2)[-1]


def test_a_webhook_without_tls_is_no_https(shop, check, port):
    add_channel("webhook", f"https://127.0.0.1:{port}/s3cret")
    with Path("shop.toml").open("a") as file:
        file.write('timeout = "1s"\n')
    assert check(2)[-1] == "WRONG  channel webhook: the webhook took too long"


def test_a_file_of_a_channel_or_of_metrics_that_is_read_makes_no_other_wrong(shop, check):
    change("[monitor]", '[monitor]\nmetrics = "shop.duckdb"')
    add_channel("file", "store.duckdb")
    add_channel("command", f"{sys.executable} -c pass")
    wrong = [line.partition(":")[0] for line in check(2) if line.startswith("WRONG")]
    assert wrong == ["WRONG  metrics", "WRONG  channel file"]


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("[monitor]", "[monitor]\nlokback = '1h'", "configuration: shop.toml: unknown setting monitor.lokback"),
        ('"shop.duckdb"', '"chop.duckdb"', "source: no such file: chop.duckdb"),
        ('"city"', '"town"', "source: no such column in payments: town"),
        ("[monitor]", '[monitor]\nwatermark = "payed_at"', "source: no such column in payments: payed_at"),
        ("[monitor]", '[monitor]\nfit_where = "pais_at > 0"', "pais_at"),
        ('"store.duckdb"', '"shop.toml"', "store: shop.toml is not a DuckDB file"),
        ('"store.duckdb"', '"nowhere/store.duckdb"', "store: No such file or directory"),
        ("[monitor]", "[embedding]\nwidth = 7\n[monitor]", "model: no model in store.duckdb was fitted with these"),
        ("[monitor]", '[monitor]\nwatermark = "id"', "model: shop has judged by paid_at, not by id"),
        ("[monitor]", '[monitor]\nexpect = ["every chop"]', "source: no such column in payments: chop"),
        ("[monitor]", '[monitor]\nname = "ids"\nwatermark = "id"\nrefit = "weekly"', 'refit = "weekly" is for'),
    ],
)
def test_what_is_wrong_is_told_line_by_line(shop, check, old, new, said):
    change(old, new)
    wrong = [line for line in check(2) if line.startswith("WRONG")]
    assert any(said in line for line in wrong), wrong


def test_a_column_that_the_model_needs_is_missed(shop, check):
    with opened("shop.duckdb") as connection:
        connection.execute("ALTER TABLE payments RENAME id TO number")
    assert [line for line in check(2) if line.startswith("WRONG")] == [
        "WRONG  source: no such column in payments: id; there are: city, customer, number, paid_at, price, shop",
        "WRONG  model: no such column in payments: id; there are: city, customer, number, paid_at, price, shop",
    ]


def test_a_newer_store_is_told(shop, check):
    with opened("store.duckdb") as connection:
        connection.execute("UPDATE store_version SET version = 99")
    assert any("written by a newer anomembed" in line for line in check(2))


def test_for_machines_each_thing_is_an_object(shop, run):
    add_channel("command", "no-such-command")
    lines = [json.loads(line) for line in run("monitor", "shop.toml", "--check", "--format", "json").out.splitlines()]
    whats = ["configuration", "source", "store", "model", "channel command"]
    assert [(line["what"], line["right"]) for line in lines] == [(what, what != whats[-1]) for what in whats]
