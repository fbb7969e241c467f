"""Measure what an on-call engineer cares about: how many alarms a quiet day has, and how soon an attack is noticed.

    python alerts.py DATA [--anomembed COMMAND]

DATA is the folder of files that README.md describes. The alerts of a network are judged in windows of five minutes per
host. The first half of the quiet time before the attack is learnt from; in the second half every alarm is a false one.
The delay goes from the first alert that the attack caused to the end of the first alarmed window that holds such an
alert. The table goes to stdout.
"""

import argparse
import datetime as dt
import shlex
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import cost
import duckdb
import numpy as np
import polars as pl
from sequences import bigram_surprise

THRESHOLDS = ("0.01", "0.003", "0.001")
WINDOWS = """
WITH alerts AS (
    FROM read_parquet('{0}/ait_ads_alerts.parquet', file_row_number = true)
    SELECT *, time_bucket(INTERVAL 5 MINUTE, timestamp) AS start WHERE scenario = '{1}'),
attack AS (
    FROM alerts SELECT min(timestamp) FILTER (WHERE label_time = 1) AS until,
    min(timestamp) FILTER (WHERE label = 1 AND label_time = 1) AS first, min(start) AS since)
FROM alerts, attack SELECT host || ' ' || strftime(start, '%Y-%m-%d %H:%M') AS window_id, event, start, label,
    until, first, row_number() OVER (PARTITION BY host, start ORDER BY timestamp, file_row_number) AS position,
    CASE WHEN start < since + (until - since) / 2 THEN 'fit' WHEN start + INTERVAL 5 MINUTE <= until THEN 'quiet'
        ELSE 'attack' END AS part"""
TRUTH = """
FROM windows SELECT window_id, min(start) AS start, max(label) AS label, any_value(part) AS part,
    min(until) AS until, min(first) AS first
WHERE part <> 'fit' GROUP BY window_id ORDER BY window_id"""


def main() -> int:
    """Run every network and print a table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("data", type=Path)
    parser.add_argument("--anomembed", default="anomembed", help="the command, with arguments if need be")
    arguments = parser.parse_args()
    data = arguments.data.resolve()
    networks = duckdb.sql(f"SELECT DISTINCT scenario FROM '{data}/ait_ads_alerts.parquet' ORDER BY ALL").fetchall()
    print("| network | quiet days | method | threshold | alarms per quiet day | windows found | minutes to the first |")
    print("|---|---:|---|---:|---:|---:|---:|")
    failed = False
    for (network,) in networks:
        with tempfile.TemporaryDirectory() as folder:
            seen, truth = build(data, network, Path(folder))
            scores = ours(shlex.split(arguments.anomembed), seen)
            failed |= scores is None
            if scores is not None:
                for row in compare(seen, truth, scores):
                    print(f"| {network} | {quiet_days(truth):.1f} | {' | '.join(row)} |", flush=True)
    return int(failed)


def build(data: Path, network: str, folder: Path) -> tuple[Path, pl.DataFrame]:
    """Write the table that the tool sees, without a label; return the truth of the windows that are scored."""
    windows = duckdb.sql(WINDOWS.format(data, network)).pl()  # noqa: F841  # by name in the queries below
    truth = duckdb.sql(TRUTH).pl()
    seen = folder / "seen.duckdb"
    with duckdb.connect(str(seen)) as connection:
        connection.register("windows", duckdb.sql("FROM windows").pl())
        connection.execute(
            "CREATE TABLE alerts AS SELECT window_id, position, event::VARCHAR AS event, part FROM windows"
        )
    return seen, truth


def ours(command: list[str], seen: Path) -> pl.DataFrame | None:
    """Scan as a user does."""
    scores = seen.with_name("scores.parquet")
    what = ["scan", str(seen), "alerts", "--sequence", "window_id", "--order", "position", "--event", "event"]
    split = ["--fit-where", "part = 'fit'", "--where", "part <> 'fit'", "--clean-reference"]
    output = ["--quiet", "--store", str(seen.with_name("store.duckdb")), "--scores-to", str(scores)]
    taken = cost.run([*command, *what, *split, *output], seen.parent)
    if taken.error:
        print(f"anomembed FAILED: {taken.error}", file=sys.stderr)
        return None
    return pl.read_parquet(scores)


def compare(seen: Path, truth: pl.DataFrame, scores: pl.DataFrame) -> Iterator[list[str]]:
    """Alarm by thresholds that need no label; the peers get the threshold that has as many alarms in quiet time."""
    tail = truth.join(scores, on="window_id", how="left", maintain_order="left")["tail_probability"].to_numpy()
    with duckdb.connect(str(seen), read_only=True) as connection:
        query = "SELECT window_id, part, list(event ORDER BY position) AS events FROM alerts GROUP BY ALL ORDER BY ALL"
        cases = connection.sql(query).pl()
    reference = cases.filter(pl.col("part") == "fit")["events"].to_list()
    scored = truth.join(cases, on="window_id", how="left", maintain_order="left")["events"].to_list()
    known = {event for case in reference for event in case}
    peers = {
        "bigram surprise": bigram_surprise(reference, scored),
        "new events": np.array([float(sum(event not in known for event in case)) for case in scored]),
    }
    is_quiet = (truth["part"] == "quiet").to_numpy()
    for threshold in THRESHOLDS:
        alarms = tail <= float(threshold)
        yield ["anomembed", threshold, *judge(truth, alarms)]
        for name, score in peers.items():
            allowed = np.sort(score[is_quiet])[::-1][int((alarms & is_quiet).sum())]
            yield [name, "as many", *judge(truth, score > allowed)]


def judge(truth: pl.DataFrame, alarms: np.ndarray) -> list[str]:
    """Count the alarms of quiet days, the windows with attack alerts found, and the minutes to the end of the first."""
    quiet = (alarms & (truth["part"] == "quiet").to_numpy()).sum() / quiet_days(truth)
    is_attack = (pl.col("part") == "attack") & (pl.col("label") == 1)
    hits = truth.filter(pl.Series(alarms) & is_attack)
    found = f"{hits.height} of {truth.filter(is_attack).height}"
    if not hits.height:
        return [f"{quiet:.1f}", found, "never"]
    delay = hits["start"].min() + dt.timedelta(minutes=5) - hits["first"][0]
    return [f"{quiet:.1f}", found, f"{delay.total_seconds() / 60:.0f}"]


def quiet_days(truth: pl.DataFrame) -> float:
    """Length of the quiet time that is scored."""
    return (truth["until"][0] - truth["start"].min()).total_seconds() / 86400


if __name__ == "__main__":
    sys.exit(main())
