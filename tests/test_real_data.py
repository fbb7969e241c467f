"""Public labelled sets, where present: the folder that ANOMEMBED_DATA names, as examples/benchmark describes it."""

import os
import re
import subprocess
import sys
import time
from pathlib import Path

import duckdb
import polars as pl
import pytest
from databases import ask
from sklearn.metrics import average_precision_score, roc_auc_score
from test_true_reasons import Source, seen_kinds

from anomembed import Config, scan
from anomembed.config import make_config
from anomembed.fit.model import learn_model
from anomembed.read.table import Table
from anomembed.scoring import score_batches

DATA = Path(os.environ.get("ANOMEMBED_DATA", "data")).resolve()


def measured(frame, labels, **settings):
    """ROC AUC and average precision of the raw scores of all records of a frame without its labels."""
    with Table(frame) as table:
        model = learn_model(table, make_config(settings), is_own=True)
        raw = pl.concat(list(score_batches(model, table, None))).sort("record")["raw_score"].to_numpy()
    return roc_auc_score(labels, raw), average_precision_score(labels, raw)


@pytest.mark.parametrize(("name", "auc", "ap"), [("cmc", 0.60, 0.04), ("kdd_probe", 0.97, 0.70), ("bank", 0.65, 0.21)])
def test_categorical_sets(name, auc, ap):
    file = DATA / f"adrepo_{name}.parquet"
    if not file.exists():
        pytest.skip(f"no {file}: set ANOMEMBED_DATA to the folder that holds the public sets")
    frame = pl.read_parquet(file).sample(fraction=1, shuffle=True, seed=0).with_row_index("record")
    found = measured(frame.drop("label", "label_name"), frame["label"], roles={"key": ["record"]})
    assert found[0] > auc
    assert found[1] > ap


@pytest.mark.drill
def test_scores_files_are_the_same_bytes_as_those_recorded():
    if not (DATA / "adrepo_cmc.parquet").exists():
        pytest.skip(f"no public sets in {DATA}: set ANOMEMBED_DATA to their folder")
    here = Path(__file__).parent
    command = [sys.executable, here / "same_scores.py", "check", here / "golden" / "scores.sha256"]
    done = subprocess.run(command, cwd=here.parent, env=os.environ | {"ANOMEMBED_DATA": str(DATA)}, capture_output=True)
    assert done.returncode == 0, done.stdout.decode() + done.stderr.decode()


PUBLIC = {  # key, who acts and when, and what is read
    "fraud_handbook": (
        ("TRANSACTION_ID", "CUSTOMER_ID", "TX_DATETIME"),
        "SELECT TRANSACTION_ID, TX_DATETIME, CUSTOMER_ID, TERMINAL_ID, TX_AMOUNT FROM {} "
        "WHERE CAST(CUSTOMER_ID AS INTEGER) % 16 = 3",
    ),
    "cloudtrail_invictus": (
        ("event_id", "user_name", "event_time"),
        "SELECT event_id, event_time, event_source, event_name, user_name, user_type, error_code, source_ip, read_only "
        "FROM {}",
    ),
    "ait_ads_alerts": (
        ("id", "host", "timestamp"),
        "SELECT row_number() OVER (ORDER BY timestamp, file_row_number) AS id, timestamp, host, event FROM {} "
        "WHERE scenario = 'russellmitchell'",
    ),
}


@pytest.mark.parametrize("with_entity", [False, True], ids=["plain", "entity"])
@pytest.mark.parametrize("name", list(PUBLIC))
def test_the_figures_of_reasons_are_those_of_public_data(name, with_entity):
    path = DATA / f"{name}.parquet"
    if not path.exists():
        pytest.skip(f"no {path}")
    (key, entity, time), sql = PUBLIC[name]
    with duckdb.connect() as connection:
        frame = connection.sql(sql.format(f"read_parquet('{path}', file_row_number = true)")).pl()
    roles = {"key": [key], "entity": [entity] if with_entity else [], "timestamp": [time]}
    flags = scan(frame, config=Config(roles=roles, flags={"budget": 100})).flags
    assert seen_kinds(flags, Source(frame, key, entity, time, is_own=True)).total() == 100


@pytest.mark.drill
def test_of_1_750_000_payments_one_is_explained_in_2_seconds_by_the_habit_of_its_customer(run):
    file = DATA / "fraud_handbook.parquet"
    if not file.exists():
        pytest.skip(f"no {file}: set ANOMEMBED_DATA to the folder that holds the public sets")
    roles = ["--entity", "CUSTOMER_ID", "--time", "TX_DATETIME", "--ignore", "TX_FRAUD_SCENARIO", "--budget", "2000"]
    assert run("scan", file, *roles, "--ignore", "attack_type", "--quiet").code == 0
    scenario = f"SELECT TRANSACTION_ID::VARCHAR AS key FROM '{file}' WHERE TX_FRAUD_SCENARIO = 3"
    reasons = ask("anomembed.duckdb", f"SELECT key, reason FROM flags JOIN ({scenario}) USING (key) ORDER BY rank")
    habit = r"CUSTOMER_ID=\d+ \(|(records|sample) of .*CUSTOMER_ID="
    own = [reason for _, reason in reasons if re.search(habit, reason)]
    print(f"{len(own)} of {len(reasons)} reasons of scenario 3 tell the customer's own habit")  # noqa: T201
    assert len(own) >= 0.95 * len(reasons) > 1_000
    took = {}
    for name, command in {
        "explain": ["-m", "anomembed", "explain", reasons[0][0]],
        "imports alone": ["-c", "import polars, duckdb, numba, scipy.sparse, scipy.special"],
    }.items():
        times = []
        for _ in range(5):
            started = time.monotonic()
            subprocess.run([sys.executable, *command], check=True, capture_output=True)
            times.append(time.monotonic() - started)
        took[name] = min(times)
    print(took)  # noqa: T201
    assert took["explain"] < 2, f"{took}: on a machine that does something else, too?"
