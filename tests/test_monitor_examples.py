"""The configurations in examples/monitor, each run as it is on the public data that it speaks of, where that is."""

import datetime as dt
import gzip
import json
import os
import socket
from pathlib import Path

import pytest
from databases import opened
from monitored import read

from anomembed.config import load_config

TOP = Path(__file__).parents[1]
EXAMPLES = TOP / "examples" / "monitor"
DATA = Path(os.environ.get("ANOMEMBED_DATA", TOP / "../shared/data"))
MINUTE, HOUR = dt.timedelta(minutes=1), dt.timedelta(hours=1)


@pytest.fixture
def records():
    """Ask a public data set by SQL; `{}` stands for its file."""

    def records(name, sql):
        path = DATA / f"{name}.parquet"
        if not path.exists():
            pytest.skip(f"no {path}")
        with opened(":memory:") as connection:
            return connection.sql(sql.format(f"read_parquet('{path}', file_row_number = true)")).pl()

    return records


def copy(name, **changes):
    """Put an example into the current folder, with some settings changed."""
    text = (EXAMPLES / f"{name}.toml").read_text()
    for old, new in changes.values():
        assert text.count(old) == 1
        text = text.replace(old, new)
    Path(f"{name}.toml").write_text(text)


def table(path, name, frame):
    with opened(path) as connection:
        connection.register("frame", frame.to_arrow())
        connection.execute(f"CREATE TABLE {name} AS FROM frame")


@pytest.fixture
def monitor(run):
    """Run a monitor at a moment; what it printed."""

    def monitor(name, now, *options):
        outcome = run("monitor", f"{name}.toml", "--now", now.isoformat(), *options)
        assert outcome.code == 0, outcome.err
        return outcome.out

    return monitor


def check(run, name):
    outcome = run("monitor", f"{name}.toml", "--check")
    assert (outcome.code, "wrong" in outcome.out) == (0, False), outcome.out


@pytest.mark.parametrize("path", sorted(EXAMPLES.glob("*.toml")), ids=lambda path: path.stem)
def test_an_example_says_what_a_monitor_needs(path):
    config = load_config(path, {})
    assert config.monitor.watermark in (*config.roles.timestamp, *config.roles.key)
    assert config.source.time_zone == "UTC"
    assert config.flags.threshold is not None
    assert config.store.keep_scores
    assert config.monitor.channels


def test_what_is_flagged_of_card_payments_is_fraud(records, monitor, run, monkeypatch):
    payments = records(
        "fraud_handbook",
        "SELECT TRANSACTION_ID AS payment_id, TX_DATETIME AS paid_at, CUSTOMER_ID AS customer, "
        "TERMINAL_ID AS merchant, TX_AMOUNT AS amount, label FROM {} WHERE TX_DATETIME >= '2018-07-25' "
        "AND TX_DATETIME < '2018-08-02'",
    )
    copy("payments")
    table("payments.duckdb", "payments", payments.drop("label"))
    with socket.create_server(("127.0.0.1", 0)) as server:
        monkeypatch.setenv("PAYMENTS_HOOK", f"http://127.0.0.1:{server.getsockname()[1]}/s3cret")
        check(run, "payments")
    monkeypatch.setenv("PAYMENTS_HOOK", "http://127.0.0.1:1/s3cret")
    assert "nothing new" in monitor("payments", dt.datetime(2018, 8, 1))
    out = monitor("payments", dt.datetime(2018, 8, 2, 0, 15))
    assert "not told, to be tried again: webhook" in out
    assert "s3cret" not in out
    fraud = dict(payments.select("payment_id", "label").iter_rows())
    flagged = [fraud[int(key)] for (key,) in read("SELECT key FROM flags", "payments-store.duckdb")]
    assert 3 <= len(flagged) <= 20
    assert flagged.count(0) <= 1
    assert read("SELECT sum(n_scored) FROM runs", "payments-store.duckdb")[0][0] > 9_000


def test_of_an_auth_log_the_login_that_succeeded_is_told_and_no_line_is_lost_in_a_rotation(records, monitor, run):
    lines = records("loghub_2k", "SELECT raw FROM {} WHERE system = 'OpenSSH' ORDER BY line_id")["raw"].to_list()
    n_known = next(number for number, line in enumerate(lines) if line.startswith("Dec 10 09:31"))
    noon = dt.datetime(2025, 12, 10, 12, tzinfo=dt.UTC)

    def log(name, some):
        Path(name).write_text("".join(line + "\n" for line in some))
        os.utime(name, (noon.timestamp(), noon.timestamp()))  # times without a year are of the year before that

    copy("auth-log", path=('"/var/log/', '"'), few_lines=("threshold = 1e-3", "threshold = 0.005"))
    log("auth.log", lines[:n_known])
    assert run("fit", "auth-log.toml").code == 0
    check(run, "auth-log")
    log("auth.log.1", lines[: n_known + 500])
    log("auth.log", lines[n_known + 500 :])
    log("auth.log.2", ["Dec 10 09:40:00 LabSZ sshd[1]: a line of long ago"] * 9)
    now = noon.replace(tzinfo=None)
    assert f"{len(lines) - n_known:,} records judged" in monitor("auth-log", now)
    assert "nothing new" in monitor("auth-log", now)
    told = monitor("auth-log", now + 10 * MINUTE)
    assert "alerts\n" in told.splitlines(keepends=True)[0]  # all in one message
    found = [reason for (reason,) in read("SELECT reason FROM findings", "auth-log-store.duckdb")]
    assert any("Accepted password for fztu" in reason for reason in found)
    assert 3 <= len(found) <= 20


def delivered(name, events):
    """Write a file as CloudTrail delivers it."""
    path = Path("cloudtrail/2023/07/10") / f"{name}.json.gz"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(gzip.compress(json.dumps({"Records": list(events)}).encode()))


def event(row):
    """One event in CloudTrail's own form."""
    return {
        "eventVersion": "1.08",
        "eventID": row["event_id"],
        "eventTime": f"{row['event_time']:%Y-%m-%dT%H:%M:%SZ}",
        "eventSource": row["event_source"],
        "eventName": row["event_name"],
        "awsRegion": row["aws_region"],
        "sourceIPAddress": row["source_ip"],
        "userAgent": row["user_agent"],
        "userIdentity": {"type": row["user_type"], "arn": row["user_arn"], "accessKeyId": row["access_key_id"]},
        "requestParameters": json.loads(row["request_parameters"] or "null"),
        **({"errorCode": row["error_code"]} if row["error_code"] else {}),
    }


def test_of_cloudtrail_the_end_of_logging_from_elsewhere_is_told_once(records, monitor, run):
    """Its 55 files are the reference; then usual events come again, one of them odd, in two deliveries of the same."""
    rows = records("cloudtrail_invictus", "FROM {} ORDER BY event_time, event_id")
    for (name,), some in rows.group_by("file"):
        delivered(name, map(event, some.iter_rows(named=True)))
    copy("cloudtrail", few_events=("threshold = 1e-3", "threshold = 0.02"))
    assert run("fit", "cloudtrail.toml").code == 0
    check(run, "cloudtrail")
    later = rows["event_time"].max() + 10 * MINUTE
    usual = [event(row) for row in rows.filter(rows["user_name"] == "benjamin").head(60).iter_rows(named=True)]
    new = [
        {**each, "eventID": f"new-{number}", "eventTime": f"{later + number * MINUTE / 15:%Y-%m-%dT%H:%M:%SZ}"}
        for number, each in enumerate(usual)
    ]
    odd = {"eventSource": "cloudtrail.amazonaws.com", "eventName": "StopLogging", "sourceIPAddress": "203.0.113.7"}
    delivered("new", [*new, {**new[30], **odd, "eventID": "odd"}])
    delivered("again", [*new, {**new[30], **odd, "eventID": "odd"}])
    assert "61 records judged" in monitor("cloudtrail", later + HOUR)
    alerts = [json.loads(line) for line in Path("cloudtrail-alerts.ndjson").read_text().splitlines()]
    assert [alert["key"] for alert in alerts] == ["odd"]
    assert "203.0.113.7" in alerts[0]["reason"] or "StopLogging" in alerts[0]["reason"]


def test_of_a_networks_alerts_a_quiet_day_makes_one_message_at_most_and_an_attack_is_told(records, monitor, run):
    alerts = records(
        "ait_ads_alerts",
        "SELECT row_number() OVER (ORDER BY timestamp, file_row_number) AS alert_id, timestamp AS time, host, event, "
        "label_time FROM {} WHERE scenario = 'russellmitchell'",
    )
    begin = alerts.filter(alerts["label_time"] == 1)["time"].min()
    copy("network-alerts")
    table("alerts.duckdb", "alerts", alerts.filter(alerts["time"] < begin + HOUR).drop("label_time"))
    check(run, "network-alerts")
    monitor("network-alerts", dt.datetime(2022, 1, 22, 13, 30))
    out = monitor("network-alerts", begin)
    assert "records judged" in out
    quiet = [json.loads(line) for line in Path("alerts.ndjson").read_text().splitlines()]
    assert len({row["dedup_key"] for row in quiet}) <= 1, quiet
    monitor("network-alerts", begin + HOUR)
    told = [json.loads(line) for line in Path("alerts.ndjson").read_text().splitlines()][len(quiet) :]
    assert [row for row in told if row["event"] == "opened" and "notice" not in row]
