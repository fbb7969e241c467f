"""Findings and alerts of `anomembed monitor`: one incident is one message, and no channel loses one or stops a run."""

import json
import shlex
import shutil
import subprocess
import sys
import threading
import time
from dataclasses import replace
from datetime import datetime, timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import polars as pl
import pytest
from databases import opened
from monitored import HOUR, REFERENCE, at, odd, open_shop, pay, payment, read

from anomembed.config import ChannelConfig, Config
from anomembed.monitor import outbox, telling
from anomembed.monitor.findings import Flagged, Pace, flag, rest
from anomembed.monitor.grouping import Group, group_of
from anomembed.monitor.messages import message_of
from anomembed.monitor.telling import gather
from anomembed.views.reason import Count, Reason, Value
from anomembed.write.incidents import Pending

N = REFERENCE
FILE = '[[monitor.channels]]\nkind = "file"\nto = "alerts.ndjson"\n'
NOON = datetime(2026, 5, 1, 12)
HOURS = timedelta(hours=1)
PACE = Pace(close_after=24 * HOURS, repeat_interval=4 * HOURS, alert_at=1e-6)
GROUP = Group("pair", "conflict", ("city", "shop"), ("Atlantis", "shop1"))


def flagged(first, last=None, n_flags=1, tail=1e-5):
    last = first if last is None else last
    return Flagged("f", GROUP, 7, "key", "a reason", tail, n_flags, NOON + first * HOURS, NOON + last * HOURS)


def events(alerts):
    return [(alert.alert_id, alert.event, (alert.at - NOON) / HOURS) for alert in alerts]


def test_a_finding_is_told_when_it_opens_and_again_while_it_grows_after_ever_longer_times():
    finding, alerts = flag("m", None, flagged(0), NOON, PACE)
    assert events(alerts) == [("f.1", "opened", 0)]
    told = []
    for hour in range(1, 60):
        finding, alerts = flag("m", finding, flagged(hour), NOON + hour * HOURS, PACE)
        assert not alerts
        if changed := rest(finding, NOON + hour * HOURS, PACE):
            finding, alerts = changed
            told += events(alerts)
    assert told == [("f.2", "grown", 4), ("f.3", "grown", 12), ("f.4", "grown", 28), ("f.5", "grown", 52)]
    assert finding.n_flags == 60


def test_a_finding_that_does_not_grow_is_told_no_more_and_closed_once():
    finding, _ = flag("m", None, flagged(0), NOON, PACE)
    assert rest(finding, NOON + 23 * HOURS, PACE) is None
    closed, alerts = rest(finding, NOON + 30 * HOURS, PACE)
    assert events(alerts) == [("f.2", "closed", 24)]  # when it was over, not when that was seen
    again, alerts = flag("m", closed, flagged(40), NOON + 41 * HOURS, PACE)
    assert events(alerts) == [("f.3", "opened", 41)]
    assert (again.is_open, again.first_seen, again.n_flags) == (True, NOON, 2)


def test_a_flag_after_a_long_pause_opens_a_finding_again_and_does_not_tell_that_it_was_over():
    finding, _ = flag("m", None, flagged(0), NOON, PACE)
    again, alerts = flag("m", replace(finding, acknowledged=True), flagged(30), NOON + 48 * HOURS, PACE)
    assert events(alerts) == [("f.2", "opened", 48)]
    assert (again.is_open, again.acknowledged, again.n_flags) == (True, False, 2)


def test_the_level_and_the_reason_are_those_of_the_most_abnormal_flag():
    finding, alerts = flag("m", None, flagged(0, tail=1e-5), NOON, PACE)
    assert alerts[0].level == "warn"
    worse = Flagged("f", GROUP, 8, "worse", "a worse reason", 1e-9, 1, NOON, NOON)
    finding, _ = flag("m", finding, worse, NOON + HOURS, PACE)
    _, alerts = rest(finding, NOON + 5 * HOURS, PACE)
    assert (alerts[0].level, alerts[0].content()["reason"], alerts[0].content()["key"]) == (
        "alert",
        "a worse reason",
        "worse",
    )
    finding, _ = flag("m", finding, flagged(6), NOON + 6 * HOURS, PACE)
    assert (finding.key, finding.tail_probability) == ("worse", 1e-9)


def test_flags_group_by_claim_columns_and_values_but_neither_by_key_nor_size_nor_count_nor_view():
    def group(amount, city, direction="high", times=1, view="number", key="1"):
        evidence = {"direction": direction, "other": Value("city", city), "of": Value("id", key), "seen": Count(times)}
        return group_of(Reason("number", Value("amount", amount), evidence, view), ("id",), ("amount",))

    usual = group("10.5", "Rome")
    assert usual.columns == ("amount", "city")
    assert usual.values == ("high", "Rome")
    same = [group("99", "Rome", times=7, key="2"), group("10.5", "Rome", view="joint")]
    assert {each.finding_id("m") for each in same} == {usual.finding_id("m")}
    others = [group("10.5", "Bonn"), group("10.5", "Rome", "low")]
    assert len({each.finding_id("m") for each in (usual, *others)} | {usual.finding_id("n")}) == 4


def test_flags_of_one_batch_that_several_views_give_for_the_same_are_one_finding():
    reasons = [
        Reason(kind, Value("city", "Rome"), {"other": Value("shop", "s1")}, view)
        for kind, view in (("conflict", "pair"), ("conflict", "record"), ("rare", "rarity"), ("unseen", "novelty"))
    ]
    row = {"reason": "a reason", "tail_probability": 1e-5, "moment": NOON}
    flags = pl.DataFrame([{"key": str(number), **row} for number in range(4)])
    found = gather("m", 7, flags, [group_of(reason, (), ()) for reason in reasons])
    assert [keys for _, keys in found] == [["0", "1"], ["2", "3"]]


def test_an_alert_is_about_what_is_new_since_the_last_one_and_counts_what_was_before():
    def worst(key, tail, first, n_flags=1):
        return replace(flagged(first, n_flags=n_flags, tail=tail), key=key, reason=f"reason of {key}")

    finding, _ = flag("m", None, worst("158", 1e-9, 0, 3), NOON, PACE)
    finding, _ = rest(finding, NOON + 30 * HOURS, PACE)
    finding, (alert,) = flag("m", finding, worst("61.5", 1e-4, 40, 2), NOON + 41 * HOURS, PACE)
    told = alert.content()
    assert (told["event"], told["level"], told["key"], told["reason"]) == ("opened", "warn", "61.5", "reason of 61.5")
    assert (told["n_new"], told["n_flags"], told["tail_probability"]) == (2, 5, 1e-4)
    text = message_of(told, "store.duckdb", "UTC").text
    assert "flags: 2 new, from 2026-05-03 04:00 to 2026-05-03 04:00 (UTC); 3 before" in text
    finding, _ = flag("m", finding, worst("70", 1e-5, 42), NOON + 42 * HOURS, PACE)
    finding, _ = flag("m", finding, worst("65", 1e-4, 43), NOON + 43 * HOURS, PACE)
    finding, (alert,) = rest(finding, NOON + 46 * HOURS, PACE)
    told = alert.content()
    assert (told["event"], told["key"], told["n_new"], told["new_since"]) == ("grown", "70", 2, "2026-05-03T06:00:00Z")
    assert (finding.key, finding.tail_probability, finding.news) == ("158", 1e-9, None)
    _, (alert,) = rest(finding, NOON + 99 * HOURS, PACE)
    assert (alert.event, alert.level, alert.content()["key"]) == ("closed", "alert", "158")


def test_numbers_of_different_entities_are_different_findings():
    def group(who, column="amount"):
        reason = Reason("number", Value(column, "12"), {"direction": "high"}, "number")
        return group_of(reason, ("id",), ("amount",), [("customer", who)])

    assert (group("ana").columns, group("ana").values) == (("amount", "customer"), ("high", "ana"))
    assert group("ana") != group("ben")
    assert group("ana", "city") == group("ben", "city")


@pytest.mark.parametrize("n_flags", [1, 2])
def test_programs_are_told_that_a_finding_is_over_and_people_when_it_had_several_flags(n_flags):
    finding, _ = flag("m", None, flagged(0, n_flags=5), NOON, PACE)
    finding, _ = rest(finding, NOON + 30 * HOURS, PACE)
    finding, _ = flag("m", finding, flagged(40, n_flags=n_flags), NOON + 41 * HOURS, PACE)
    kinds = ("webhook", "file", "command", "apprise", "stdout")
    told = [
        kind
        for kind in kinds
        if telling._wants_closing(ChannelConfig(kind=kind, to=None if kind == "stdout" else "x"), finding)
    ]
    assert told == (["webhook", "file"] if n_flags == 1 else ["webhook", "file", "command", "apprise"])


def test_times_are_told_in_the_zone_of_the_source_which_is_the_machines_by_default(monkeypatch):
    monkeypatch.setattr("anomembed.monitor.source.machine_zone", lambda: "Asia/Tokyo")
    pending = [Pending("a.1", "warn", flag("m", None, flagged(0), NOON, PACE)[1][0].content())]
    for zone, said in ((None, "(Asia/Tokyo)"), ("Europe/Paris", "(Europe/Paris)")):
        ((_, message),) = outbox._messages(Config(source={"time_zone": zone}), pending)
        assert said in message.text


def test_where_to_look_further_is_a_command_that_a_shell_reads_as_it_is(tmp_path):
    def command(key):
        content = flag("m", None, replace(flagged(0), key=key), NOON, PACE)[1][0].content()
        return message_of(content, "a store.duckdb", "UTC").data["look_further"]

    assert (
        command("192051") == f"""anomembed sql --store '{tmp_path}/a store.duckdb' "FROM why('192051', of_run := 7)\""""
    )
    for key in ("O'Neil", "$HOME", "`id`", 'a"b', "a\\b", "hey!"):
        quoted = key.replace("'", "''")
        assert shlex.split(command(key))[4] == f"FROM why('{quoted}', of_run := 7)"
        script = command(key).replace("anomembed sql --store", "printf '%s\\n'", 1)
        echoed = subprocess.run(["sh", "-c", script], capture_output=True, text=True, check=True)
        assert echoed.stdout.splitlines()[1] == f"FROM why('{quoted}', of_run := 7)"


@pytest.fixture
def monitor(begun_shop, tmp_path, run):
    """Run the monitor of a shop that has begun, with some channels."""
    for name in ("shop.duckdb", "shop.toml", "store.duckdb"):
        shutil.copy(begun_shop / name, tmp_path / name)
    config = Path("shop.toml").read_text()

    def monitor(now, channels, *options):
        Path("shop.toml").write_text(config + channels)
        outcome = run("monitor", "shop.toml", "--now", at(now), *options)
        assert outcome.code == 0, outcome.err
        return outcome

    return monitor


def sent(path="alerts.ndjson"):
    return [json.loads(line) for line in Path(path).read_text().splitlines()] if Path(path).exists() else []


def untold():
    return read("SELECT alert_id, channel, error FROM deliveries WHERE told_at IS NULL ORDER BY ALL")


def attack(start, count=HOUR // 2, **changes):
    """Payments of which every other one is odd, always in the same way."""
    pay(
        *(
            (odd if n % 2 else payment)(n, **({"shop": "shop1", **changes} if n % 2 else {}))
            for n in range(start, start + count)
        )
    )


def test_the_command_of_an_alert_shows_what_is_told(monitor, run):
    attack(N, HOUR // 4)
    monitor(N + HOUR, FILE)
    for alert in sent():
        program, *arguments = shlex.split(alert["look_further"])
        shown = run(*arguments)
        assert (program, shown.code) == ("anomembed", 0), shown.err
        assert all(column in shown.out for column in alert["columns"])


def test_an_incident_of_fifteen_flags_is_one_message(monitor):
    attack(N, HOUR // 4)
    outcome = monitor(N + HOUR, FILE)
    assert "15 flagged" in outcome.out
    findings = read("SELECT finding_id, n_flags, state, first_seen FROM findings")
    assert sum(n for _, n, _, _ in findings) == 15
    assert len(findings) == len(sent()) <= 2
    assert {alert["dedup_key"] for alert in sent()} == {finding for finding, *_ in findings}
    assert all(alert["event"] == "opened" and alert["reason"] and alert["key"] for alert in sent())
    assert read("SELECT count(*) FROM finding_flags JOIN flags USING (run_id, key)") == [(15,)]
    attack(N + HOUR, HOUR // 4)
    monitor(N + 2 * HOUR, FILE)
    assert len(sent()) == len(findings)  # it has grown, but not for four hours
    monitor(N + 6 * HOUR, FILE)
    assert [alert["event"] for alert in sent()[len(findings) :]] == ["grown"] * len(findings)
    assert sum(alert["n_flags"] for alert in sent()[len(findings) :]) == 30
    monitor(N + 50 * HOUR, FILE)
    assert [alert["event"] for alert in sent()[2 * len(findings) :]] == ["closed"] * len(findings)
    assert {state for (state,) in read("SELECT state FROM findings")} == {"closed"}
    size = Path("store.duckdb").read_bytes()
    monitor(N + 100 * HOUR, FILE)
    assert Path("store.duckdb").read_bytes() == size
    assert len({alert["alert_id"] for alert in sent()}) == len(sent()) == 3 * len(findings)


def test_beyond_the_most_alerts_of_a_run_one_message_tells_of_the_rest(monitor):
    pay(*(odd(n, city=f"city{n}", price=payment(n)[-1]) for n in range(N, N + 12)))
    outcome = monitor(N + HOUR, "most_alerts = 3\n" + FILE)
    (n_findings,) = read("SELECT count(*) FROM findings")[0]
    assert n_findings > 6
    *single, rest = sent()
    assert len(single) == 3
    assert (rest["event"], rest["n_alerts"]) == ("more", n_findings - 3)
    assert {alert["alert_id"] for alert in single} | set(rest["alert_ids"]) == {
        alert for (alert,) in read("SELECT alert_id FROM alerts")
    }
    assert untold() == []
    assert f"file was told {n_findings}" in outcome.out


def test_a_period_that_is_judged_again_is_told_marked_so_and_changes_no_finding(monitor):
    attack(N, 10)
    monitor(N + HOUR, FILE)
    before, findings = sent(), read("FROM findings")
    monitor(N + HOUR, FILE, "--since", at(N), "--until", at(N + 10))
    again = sent()[len(before) :]
    assert [alert["again"] for alert in again] == [True] * len(before)
    assert {alert["dedup_key"] for alert in again} == {alert["dedup_key"] for alert in before}
    assert not {alert["alert_id"] for alert in again} & {alert["alert_id"] for alert in before}
    assert read("FROM findings") == findings


def test_a_channel_is_told_only_of_its_level(monitor):
    pay(odd(N, price=payment(N)[-1]), payment(N + 1, price=9999.0))
    pager = '[[monitor.channels]]\nkind = "file"\nname = "pager"\nto = "pager.ndjson"\nlevel = "alert"\n'
    monitor(N + HOUR, f"alert_at = 1e-9\n{FILE}{pager}")
    levels = [alert["level"] for alert in sent()]
    assert sorted(set(levels)) == ["alert", "warn"]
    assert [alert["level"] for alert in sent("pager.ndjson")] == ["alert"] * levels.count("alert")


class Hook:
    """A webhook that answers as it is told, and keeps what it got."""

    def __init__(self):
        self.answer, self.got, self.wait = 200, [], 0.0
        hook = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                time.sleep(hook.wait)
                hook.got.append((self.path, self.headers["Content-Type"], json.loads(body)))
                self.send_response(hook.answer)
                self.send_header("Location", "http://localhost:1/other")
                self.end_headers()

            def log_message(self, *_):
                pass

        self.server = HTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        self.url = f"http://127.0.0.1:{self.server.server_port}/s3cret-token"


@pytest.fixture
def hook(monkeypatch):
    hook = Hook()
    monkeypatch.setenv("HOOK_URL", hook.url)
    yield hook
    hook.server.shutdown()


def test_a_quiet_run_tells_that_a_channel_took_nothing_and_is_quiet_again_when_it_does(monitor, hook):
    """Cron sends what is printed: nobody else would say that alerts get stuck."""
    attack(N, 10)
    hook.answer = 401
    failed = monitor(N + HOUR, WEBHOOK, "--quiet")
    assert failed.out == ""
    assert failed.err == "caution   shop: not told, to be tried again: webhook: the webhook answered 401\n"
    said = [monitor(N + HOUR, WEBHOOK, "--quiet").err == failed.err for _ in range(2, 9)]
    assert said == [True, False, True, False, False, False, True], "after 2, 4 and 8 tries"
    assert "answered 401" in monitor(N + HOUR, WEBHOOK).out, "who asks is told each time"
    attack(N + HOUR, 10, shop="shop3")
    assert "answered 401" in monitor(N + 2 * HOUR, WEBHOOK, "--quiet").err, "another alert is stuck"
    hook.answer = 204
    told = monitor(N + HOUR, WEBHOOK, "--quiet")
    assert (told.out, told.err) == ("", "")


WEBHOOK = '[[monitor.channels]]\nkind = "webhook"\nto = "${HOOK_URL}"\ntimeout = "1s"\n'


@pytest.mark.parametrize(
    ("answer", "wait", "why"),
    [(500, 0, "answered 500"), (302, 0, "answered 302"), (200, 3, "took")],
    ids=["error", "redirect", "hangs"],
)
def test_a_webhook_that_fails_is_tried_again_under_the_same_id_and_its_secret_is_kept(monitor, hook, answer, wait, why):
    attack(N, 10)
    hook.answer, hook.wait = answer, wait
    started = time.monotonic()
    outcome = monitor(N + HOUR, WEBHOOK + FILE)
    assert time.monotonic() - started < 60
    assert f"not told, to be tried again: webhook: the webhook {why}" in outcome.out
    assert len(sent()) == read("SELECT count(*) FROM alerts")[0][0]  # the other channel has got all
    assert {channel for _, channel, _ in untold()} == {"webhook"}
    hook.answer, hook.wait = 204, 0.0
    time.sleep(wait)
    failed = [data["alert_id"] for _, _, data in hook.got]
    hook.got.clear()
    monitor(N + HOUR, WEBHOOK + FILE)
    assert untold() == []
    got = [data for path, kind, data in hook.got if (path, kind) == ("/s3cret-token", "application/json")]
    assert sorted(data["alert_id"] for data in got) == sorted(alert["alert_id"] for alert in sent())
    assert set(failed) <= {data["alert_id"] for data in got}
    assert all(data["dedup_key"] and data["look_further"].startswith("anomembed sql ") for data in got)
    everything = b"".join(path.read_bytes() for path in Path().iterdir())
    assert b"s3cret" not in everything + outcome.out.encode() + outcome.err.encode()


def test_a_secret_in_the_configuration_is_in_no_store(run, hook):
    open_shop(monitor=f'[[monitor.channels]]\nkind = "webhook"\nto = "{hook.url}"')
    pay(odd(N))
    hook.answer = 500
    outcome = run("monitor", "shop.toml", "--now", at(N + HOUR))
    assert "not told" in outcome.out
    assert b"s3cret" not in Path("store.duckdb").read_bytes() + (outcome.out + outcome.err).encode()


def test_a_command_gets_the_text_and_the_object(monitor):
    attack(N, 4)
    Path("take.py").write_text(
        "import os, sys\n"
        "print(sys.argv[1:], os.environ['ANOMEMBED_TITLE'], os.environ['ANOMEMBED_ALERT'], sys.stdin.read(),"
        " file=open('taken', 'a'))\n"
    )
    command = f'[[monitor.channels]]\nkind = "command"\nto = "{sys.executable} take.py \'two words\' ${{HOME}}"\n'
    monitor(N + HOUR, command)
    taken = Path("taken").read_text()
    assert taken.startswith("['two words', '/")
    assert "[alert] shop: new: " in taken
    assert f"look further: anomembed sql --store {Path.cwd()}/store.duckdb \"FROM why('" in taken
    assert '"dedup_key"' in taken
    assert untold() == []


@pytest.mark.parametrize(
    ("to", "why"),
    [
        ("sh -c 'sleep 60 & sleep 60'", "the command took longer than 1 seconds"),
        ("false", "the command ended with 1"),
        ("no-such-program", "No such file or directory"),
        ("cat ${NO_SUCH_VARIABLE}", "the environment has no NO_SUCH_VARIABLE"),
    ],
)
def test_a_command_that_fails_or_hangs_stops_no_run_and_loses_nothing(monitor, to, why):
    attack(N, 4)
    command = f'[[monitor.channels]]\nkind = "command"\nto = "{to}"\ntimeout = "1s"\n'
    started = time.monotonic()
    outcome = monitor(N + HOUR, command)
    assert time.monotonic() - started < 45
    assert f"not told, to be tried again: command: {why}" in outcome.out
    (n_alerts,) = read("SELECT count(*) FROM alerts")[0]
    assert len(untold()) == n_alerts > 0
    monitor(N + HOUR, command.replace(f'"{to}"', '"true"'))
    assert untold() == []


def test_alerts_on_standard_output_are_text_without_what_a_terminal_obeys(monitor):
    attack(N, 4, city="\x1b[31mRome")
    outcome = monitor(N + HOUR, '[[monitor.channels]]\nkind = "stdout"\n', "--quiet")
    title, details, *_ = outcome.out.splitlines()
    assert title.startswith("[alert] shop: new: ")
    assert details.startswith("flags: ")  # the sentence stands once
    assert "\x1b" not in outcome.out


def test_a_run_that_fails_tells_what_is_pending_all_the_same(monitor, run):
    attack(N, 4)
    monitor(N + HOUR, '[[monitor.channels]]\nkind = "file"\nto = "no/such/folder"\n')
    assert len(untold()) > 0
    Path("shop.toml").write_text(Path("shop.toml").read_text().replace("no/such/folder", "alerts.ndjson"))
    Path("shop.duckdb").rename("gone")
    assert run("monitor", "shop.toml", "--now", at(N + HOUR)).code == 2
    assert untold() == []
    assert len(sent()) == read("SELECT count(*) FROM alerts")[0][0]


@pytest.mark.parametrize(
    ("channels", "sentence"),
    [
        ('[[monitor.channels]]\nkind = "pigeon"\nto = "x"', "monitor.channels"),
        ('[[monitor.channels]]\nkind = "file"', "every other channel needs one"),
        (FILE + FILE, "two channels are called file"),
    ],
)
def test_channels_that_cannot_be_are_refused(run, channels, sentence):
    open_shop(monitor=channels)
    outcome = run("monitor", "shop.toml")
    assert outcome.code == 2
    assert sentence in outcome.err
    assert outcome.err.count("\n") == 1


@pytest.fixture
def attacked(monitor):
    """The id of the one finding of an attack that was told; and a function that goes on with it."""
    attack(N, 10)
    monitor(N + HOUR, FILE)
    (finding, *others) = {alert["dedup_key"] for alert in sent()}
    assert not others

    def go_on(hours):
        attack(N + hours * HOUR, 10)
        monitor(N + (hours + 1) * HOUR, FILE)
        return [alert["event"] for alert in sent()]

    return finding, go_on


def test_findings_are_listed(run, attacked):
    finding, _ = attacked
    listed = json.loads(run("findings", "--store", "store.duckdb", "--format", "json").out)["findings"]
    assert [(row["finding_id"], row["monitor"], row["state"], row["n_flags"]) for row in listed] == [
        (finding, "shop", "open", 5)
    ]
    assert finding in run("findings", "--store", "store.duckdb", "--state", "open", "--of", "shop").out
    for other in (("--state", "closed"), ("--of", "other")):
        outcome = run("findings", "--store", "store.duckdb", *other)
        assert (finding in outcome.out, outcome.err) == (False, "no such findings\n")


def test_a_silenced_finding_is_counted_but_not_told_until_that_is_taken_back(run, attacked):
    finding, go_on = attacked
    outcome = run("silence", finding[:6], "--for", "1000d", "--because", "a test", "--store", "store.duckdb")
    assert (outcome.code, outcome.err[:13]) == (0, "silent until ")
    assert finding in run("findings", "--store", "store.duckdb", "--state", "silenced").out
    assert read("SELECT state, is_open FROM findings") == [("silenced", True)]
    assert go_on(6) == ["opened"]
    assert read("SELECT n_flags FROM findings") == [(10,)]
    assert run("unsilence", finding, "--store", "store.duckdb").code == 0
    assert go_on(12) == ["opened", "grown"]
    acts = read("SELECT act, finding_id, because, user_name <> '' FROM acts ORDER BY act_id")
    assert acts == [("silence", finding, "a test", True), ("unsilence", finding, None, True)]


@pytest.mark.parametrize("act", [("silence", "--for", "1000d", "--because", "a test"), ("acknowledge",)])
def test_a_period_that_is_judged_again_is_told_only_of_what_somebody_wants_to_hear(run, attacked, monitor, act):
    finding, _ = attacked
    assert run(act[0], finding, *act[1:], "--store", "store.duckdb").code == 0
    before = sent()
    assert ", 5 flagged" in monitor(N + HOUR, FILE, "--since", at(N), "--until", at(N + 10)).out
    assert sent() == before


def test_a_silence_ends_by_itself():
    quiet, _ = flag("m", None, flagged(0), NOON, PACE)
    quiet = replace(quiet, silenced_until=NOON + 10 * HOURS)
    told = []
    for hour in range(1, 20):
        quiet, alerts = flag("m", quiet, flagged(hour), NOON + hour * HOURS, PACE)
        if changed := rest(quiet, NOON + hour * HOURS, PACE):
            quiet, alerts = changed
        told += events(alerts)
    assert told == [("f.2", "grown", 10), ("f.3", "grown", 18)]


def test_an_acknowledged_finding_is_not_told_again_until_it_is_closed(run, attacked):
    finding, go_on = attacked
    assert run("acknowledge", finding[:8], "--store", "store.duckdb").err == f"{finding} is acknowledged\n"
    assert finding in run("findings", "--store", "store.duckdb", "--state", "acknowledged").out
    assert read("SELECT state FROM findings") == [("acknowledged",)]
    assert go_on(6) == ["opened"]
    assert run("acknowledge", finding, "--undo", "--store", "store.duckdb").code == 0
    assert go_on(12) == ["opened", "grown"]
    assert run("acknowledge", finding, "--store", "store.duckdb").code == 0
    assert go_on(60) == ["opened", "grown", "opened"]
    assert read("SELECT acknowledged FROM findings") == [(False,)]


def test_any_beginning_that_one_finding_has_names_it_and_of_several_it_says_which(run, attacked):
    finding, _ = attacked
    with opened("store.duckdb") as connection:
        other = finding[0] + ("0" if finding[1] != "0" else "1") + finding[2:]
        copy = "SELECT * EXCLUDE (state) REPLACE (? AS finding_id) FROM findings"
        connection.execute(f"INSERT INTO findings BY NAME {copy}", [other])
    assert run("acknowledge", finding[:2], "--store", "store.duckdb").err == f"{finding} is acknowledged\n"
    outcome = run("acknowledge", finding[0], "--store", "store.duckdb")
    assert outcome.code == 2
    assert f"'{finding[0]}' begins 2 findings in store.duckdb: " in outcome.err
    assert all(f"{name} (price=" in outcome.err for name in (finding, other))


@pytest.mark.parametrize("name", ["g", "", "ffffffffffff", "%", "' OR 1=1"])
def test_a_finding_that_is_not_there_is_said(run, attacked, name):
    outcome = run("acknowledge", name, "--store", "store.duckdb")
    assert (outcome.code, outcome.err.count("\n")) == (2, 1)
    assert "`anomembed findings` lists them" in outcome.err
    assert run("silence", attacked[0], "--for", "ever", "--because", "x", "--store", "store.duckdb").code == 2
    assert read("SELECT count(*) FROM acts") == [(0,)]


@pytest.mark.parametrize("target", ["shop.duckdb", "store.duckdb", "${HERE}/shop.duckdb", "link"])
def test_no_alert_is_written_to_a_file_that_is_read(monitor, run, monkeypatch, target):
    monkeypatch.setenv("HERE", str(Path.cwd()))
    Path("link").symlink_to("shop.duckdb")
    with Path("shop.toml").open("a") as file:
        file.write(f'[[monitor.channels]]\nkind = "file"\nto = "{target}"\n')
    before = [Path(name).read_bytes() for name in ("shop.duckdb", "store.duckdb")]
    outcome = run("monitor", "shop.toml", "--now", at(N + HOUR))
    assert (outcome.code, outcome.err.count("\n")) == (2, 1)
    assert "the alerts cannot be written to" in outcome.err
    assert [Path(name).read_bytes() for name in ("shop.duckdb", "store.duckdb")] == before
