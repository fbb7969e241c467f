"""When alerts are told: not what is silent, in quiet hours only the worst, and what is collected in one message."""

import json
import shutil
import sys
from html.parser import HTMLParser
from pathlib import Path

import pytest
from monitored import HOUR, REFERENCE, at, odd, pay, payment, read

from anomembed.config.durations import hours
from anomembed.monitor.messages import html_of, message_of

N = REFERENCE
FILE = '[[monitor.channels]]\nkind = "file"\nto = "alerts.ndjson"\n'


@pytest.fixture
def monitor(run, begun_shop, tmp_path):
    for name in ("shop.duckdb", "shop.toml", "store.duckdb"):
        shutil.copy(begun_shop / name, tmp_path / name)
    plain = Path("shop.toml").read_text()

    def monitor(number, settings="", channels=FILE):
        Path("shop.toml").write_text(plain + settings + "\n" + channels)
        outcome = run("monitor", "shop.toml", "--now", at(number))
        assert outcome.code == 0, outcome.err
        return outcome.out

    return monitor


def alerts():
    path = Path("alerts.ndjson")
    return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []


def abroad(number, city):
    return payment(number, city=city, shop="shop3", price=12.5)


def test_a_silence_of_a_reason_is_for_all_its_findings_those_to_come_too(monitor, run):
    pay(abroad(N, "Atlantis"))
    monitor(N + HOUR)
    ((view, columns),) = read("SELECT view, columns FROM findings")
    assert "city" in columns
    reason = f"{view}/city"
    outcome = run("silence", reason, "--for", "7d", "--because", "moved", "--store", "store.duckdb")
    assert outcome.code == 0, outcome.err
    pay(abroad(N + HOUR, "Eldorado"), payment(N + HOUR + 1, price=900_000.0, shop="shop3", city="city0"))
    monitor(N + 2 * HOUR)
    assert [alert["reason"].split("=")[0] for alert in alerts()][1:] == ["price"]
    assert read("SELECT count(*) FROM findings WHERE silenced_until IS NOT NULL") == [(2,)]
    assert read("SELECT n_flagged FROM runs WHERE run_id = 2") == [(2,)]  # kept and counted
    assert run("unsilence", reason, "--store", "store.duckdb").code == 0
    pay(abroad(N + 2 * HOUR, "Lemuria"))
    monitor(N + 3 * HOUR)
    assert "Lemuria" in alerts()[-1]["reason"]
    assert read("SELECT act, finding_id, because FROM acts") == [
        ("silence", reason, "moved"), ("unsilence", reason, None),
    ]  # fmt: skip


def test_a_reason_that_no_finding_has_is_refused(monitor, run):
    pay(abroad(N, "Atlantis"))
    monitor(N + HOUR)
    for command in (["silence", "--for", "1d", "--because", "x"], ["unsilence"]):
        outcome = run(command[0], "pair/colour", *command[1:], "--store", "store.duckdb")
        assert outcome.code == 2
        assert "is of view 'pair' and names column 'colour'; there are 'dependency/city'\n" in outcome.err
    assert read("SELECT count(*) FROM acts") == [(0,)]


def test_in_quiet_hours_only_the_worst_is_told_and_the_rest_afterwards(monitor):
    quiet = 'quiet_hours = "22:00-07:00"\nalert_at = 1e-30\n'
    night = 10 * HOUR  # N is at 13:20, ten hours later it is 23:20
    pay(odd(N + night - HOUR))
    said = monitor(N + night, quiet)
    assert ("1 flagged" in said, alerts()) == (True, [])
    assert "told" not in said
    monitor(N + night + 8 * HOUR, quiet + 'close_after = "3d"\n')  # 07:20
    assert [alert["event"] for alert in alerts()] == ["opened"]


def test_in_quiet_hours_an_alert_is_told_at_once(monitor):
    night = 10 * HOUR
    pay(odd(N + night - HOUR))
    monitor(N + night, 'quiet_hours = "22:00-07:00"\nalert_at = 0.5\n')
    assert [alert["level"] for alert in alerts()] == ["alert"]


def test_quiet_hours_are_those_of_the_zone_of_the_source(monitor):
    pay(odd(N))
    monitor(N + HOUR, 'quiet_hours = "14:00-15:00"\nalert_at = 1e-30\n')  # 14:20 in UTC
    assert alerts() == []
    monitor(N + HOUR, 'quiet_hours = "15:00-16:00"\nalert_at = 1e-30\n')
    assert len(alerts()) == 1


def test_what_is_collected_is_told_in_one_message_when_the_first_has_waited(monitor):
    collect = 'collect = "2h"\n'
    pay(abroad(N, "Atlantis"))
    monitor(N + HOUR, collect)
    assert alerts() == []
    pay(abroad(N + HOUR, "Eldorado"))
    monitor(N + 2 * HOUR, collect)
    assert alerts() == []
    assert "file was told 2" in monitor(N + 3 * HOUR, collect)
    (told,) = alerts()
    assert (told["event"], told["n_alerts"], len(set(told["alert_ids"]))) == ("more", 2, 2)
    assert read("SELECT count(*) FROM deliveries WHERE told_at IS NULL") == [(0,)]


@pytest.mark.parametrize("wrong", ["22-7h", "22:00", "late", "22:00-22:00", "22:00-25:00"])
def test_hours_that_are_none_are_refused(wrong):
    with pytest.raises(ValueError, match="write them like 22:00-07:00"):
        hours(wrong)


class Page(HTMLParser):
    def __init__(self):
        super().__init__()
        self.tags, self.texts = [], []

    def handle_starttag(self, tag, attributes):
        self.tags.append((tag, attributes))

    def handle_data(self, text):
        self.texts.append(text)


def test_a_page_for_mail_holds_no_markup_of_an_attacker():
    hostile = '<script src="//evil">&amp;</script>\x1b[2J look further: <img onerror=x>'
    content = {
        "level": "warn", "monitor": "<b>shop", "event": "opened", "again": False, "reason": hostile, "n_flags": 3,
        "first_seen": "2026-05-01T10:00:00Z", "last_seen": "2026-05-01T11:00:00Z", "key": "'\"><i>", "run_id": 7,
        "tail_probability": 1e-9, "view": "pair", "dedup_key": "f", "alert_id": "f.1",
    }  # fmt: skip
    message = message_of(content, "st'ore.duckdb", "UTC")
    page = Page()
    page.feed(message.html)
    assert {tag for tag, _ in page.tags} == {"html", "body", "h3", "p", "code"}
    assert not any(attributes for _, attributes in page.tags)
    text = "".join(page.texts)
    assert '<script src="//evil">&amp;</script>' in text
    assert "\x1b" not in message.html
    assert page.texts[-1].startswith("anomembed sql ")


def test_a_command_gets_the_page_too(monitor):
    Path("take.py").write_text("import os\nopen('page', 'w').write(os.environ['ANOMEMBED_HTML'])\n")
    pay(odd(N, shop="<shop>"))
    monitor(N + HOUR, channels=f'[[monitor.channels]]\nkind = "command"\nto = "{sys.executable} take.py"\n')
    page = Path("page").read_text()
    assert page.startswith("<html><body><h3>")
    assert "<shop>" not in page


def test_an_empty_line_is_no_paragraph():
    assert html_of("t", ["", "a"]) == "<html><body><h3>t</h3><p>a</p></body></html>"
