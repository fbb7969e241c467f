"""Public data as the source of a monitor, a configuration that watches it, and what it told; see `monitored`, too."""

import json
import os
from datetime import timedelta
from pathlib import Path

import pytest
from databases import opened
from monitored import read

DATA = Path(os.environ.get("ANOMEMBED_DATA", Path(__file__).parents[1] / "../shared/data"))
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
CONFIG = """
[source]
database = "{name}-source.duckdb"
table = "records"
time_zone = "{zone}"
fit_where = "time < TIMESTAMP '{fit_until}'"
[roles]
key = ["id"]
timestamp = ["time"]
{roles}
[flags]
threshold = {threshold}
[store]
path = "{store}"
[monitor]
watermark = "time"
delay = "0s"
most_alerts = 1000
{monitor}
[[monitor.channels]]
kind = "file"
to = "{name}.ndjson"
"""
NETWORK = 'category = ["host", "event"]'
ALERTS = (
    "SELECT row_number() OVER (ORDER BY timestamp, file_row_number) AS id, timestamp AS time, host, event "
    "FROM {file} WHERE scenario = 'russellmitchell'"
)
CARDS = 'entity = ["customer"]\ncategory = ["terminal"]\nnumber = ["amount"]'
PAYMENTS = (
    "SELECT TRANSACTION_ID AS id, TX_DATETIME AS time, CUSTOMER_ID AS customer, TERMINAL_ID AS terminal, "
    "TX_AMOUNT AS amount FROM {file} WHERE CAST(CUSTOMER_ID AS INTEGER) % 16 = 3"
)
PLACES = "SELECT trans_num AS id, timestamp AS time, cc_num AS customer, state, amt AS amount FROM {file}"
CALLS = "SELECT event_id AS id, event_time AS time, event_source, event_name, error_code, user_type FROM {file}"
AWS = 'category = ["event_source", "event_name", "error_code", "user_type"]'


def source(data, sql, name="watch"):
    """Put a public data set into the source of a monitor, or skip the test."""
    path = DATA / f"{data}.parquet"
    if not path.exists():
        pytest.skip(f"no {path}")
    file = f"read_parquet('{path}', file_row_number = true)"
    change(f"CREATE TABLE records AS {sql.format(file=file)}", name)


def change(sql, name="watch"):
    with opened(f"{name}-source.duckdb") as connection:
        connection.execute(sql)


def asked(sql, name="watch"):
    return read(sql, f"{name}-source.duckdb")


def configure(fit_until, roles, monitor="", name="watch", **others):
    parts = {"zone": "UTC", "threshold": 1e-3, "store": "store.duckdb", **others}
    text = CONFIG.format(name=name, fit_until=fit_until, roles=roles, monitor=monitor, **parts)
    Path(f"{name}.toml").write_text(text)


def alerts():
    path = Path("watch.ndjson")
    return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []


def notices(kind):
    """Of what there were notices of a kind, how many, and how many of them are over."""
    query = f"SELECT value, count(*), count(ended_at) FROM notices WHERE kind = '{kind}' GROUP BY value ORDER BY value"
    return read(query)


def hours(since, until, step=HOUR):
    """Moments from one to another, both included."""
    return [since + n * step for n in range((until - since) // step + 1)]


def of_monitor(store, name="watch"):
    """What a store has of a monitor, but the numbers of runs and models, which all share."""
    whose = f"WHERE monitor = '{name}' ORDER BY ALL"
    scores = "part, since, until, key, raw_score, tail_probability, flagged, view"
    queries = [f"SELECT {scores} FROM scores JOIN runs USING (run_id) {whose}"]
    queries += [f"SELECT since, drift.* EXCLUDE (run_id) FROM drift JOIN runs USING (run_id) {whose}"]
    queries += [f"FROM {table} {whose}" for table in ("notices", "arrivals", "rhythms")]
    queries += [f"SELECT * EXCLUDE (run_id, news) FROM findings {whose}"]
    queries += [f"SELECT * EXCLUDE (judges_by) FROM watermarks {whose}"]
    return [read(query, store) for query in queries]


def monitor_of(run):
    """Return what runs a monitor at some moments, and returns what it printed."""

    def monitor(*nows, code=0, name="watch"):
        outcomes = [run("monitor", f"{name}.toml", "--now", now.isoformat()) for now in nows]
        assert [outcome for outcome in outcomes if outcome.code != code] == []
        return [outcome.err if code else outcome.out for outcome in outcomes]

    return monitor
