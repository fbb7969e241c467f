"""Are the scores the same bytes as before? Scan tables of every kind and compare the hashes of the scores files.

    python tests/same_scores.py record tests/golden/scores.sha256    before a change that must not move a score
    python tests/same_scores.py check tests/golden/scores.sha256     after it; exit code 1 when a file differs

`ANOMEMBED_DATA` names the folder of the public sets, as for examples/benchmark; sets that are missing are left out.
Hashes hold for one machine and one set of versions: record and check on the same. `--only NAME ...` takes fewer.
"""

import argparse
import hashlib
import os
import shlex
import subprocess
import sys
import tempfile
from pathlib import Path

import duckdb

DATA = Path(os.environ.get("ANOMEMBED_DATA", "data")).resolve()
SHUFFLED = """FROM read_parquet('{file}', file_row_number = true)
    SELECT file_row_number * 2654435761 % 4294967296 AS record_id, * EXCLUDE (file_row_number) ORDER BY record_id"""
HDFS = """FROM 'hdfs.parquet' JOIN 'hdfs_labels.parquet' USING (sequence_id)
    SELECT sequence_id, position, event, if(split = 'train', 'fit', 'score') AS part"""
NSL_KDD = f"""FROM ({SHUFFLED.format(file="nsl_kdd_train.parquet")})
    SELECT 'train-' || record_id AS record_id, 'fit' AS part, * EXCLUDE (record_id, label, label_name, attack_type,
        difficulty) WHERE label = 0
    UNION ALL FROM ({SHUFFLED.format(file="nsl_kdd_test.parquet")})
    SELECT 'test-' || record_id AS record_id, 'score' AS part, * EXCLUDE (record_id, label, label_name, attack_type,
        difficulty)"""
CARDS = """FROM 'fraud_handbook.parquet'
    SELECT TRANSACTION_ID, TX_DATETIME, CUSTOMER_ID, TERMINAL_ID, TX_AMOUNT WHERE TX_DATETIME < '2018-08-15'"""
SPLIT = "--fit-where \"part = 'fit'\" --where \"part = 'score'\" --clean-reference --ignore part"
ADREPOSITORY = ("bank", "chess_krkopt", "apascal", "cmc", "covertype", "kdd_probe")

# Name: SQL of the table `records` over the public sets, options of the scan.
SETS = {
    **{
        name: (
            f"{SHUFFLED.format(file=f'adrepo_{name}.parquet')}",
            "--key record_id --ignore label --ignore label_name",
        )
        for name in ADREPOSITORY
    },
    "nsl_kdd": (NSL_KDD, f"--key record_id {SPLIT}"),
    "hdfs": (HDFS, f"--sequence sequence_id --order position --event event {SPLIT}"),
    "hdfs_100k": ("FROM 'hdfs_100k.parquet'", "--sequence sequence_id --order position --event event"),
    "cards": (
        CARDS,
        "--key TRANSACTION_ID --time TX_DATETIME --entity CUSTOMER_ID --category TERMINAL_ID --number TX_AMOUNT"
        " --fit-where \"TX_DATETIME < '2018-08-01'\" --where \"TX_DATETIME >= '2018-08-08'\"",
    ),
    "log": (
        "FROM 'loghub_2k.parquet' SELECT row_number() OVER () AS line, content WHERE system = 'OpenSSH'",
        "--key line --text content",
    ),
}
# The demo's own tables, and a table of vectors: they need no data.
DEMO = {
    "demo_payments": ("payments", ""),
    "demo_payments_entity": ("payments", "--entity customer --time paid_at"),
    "demo_events": ("events", ""),
    "demo_events_entity": ("events", "--entity user --time at --event action"),
    "demo_sessions": ("events", "--sequence session_id --order at --event application"),
    "demo_graph": ("events", "--entity user --embedding graph"),
    "demo_knn": ("events", "--detector KNN --alpha 0.1"),
}
DIGITS = "--key id --vector image --category kind"


def write_digits(database: Path) -> None:
    """Write scikit-learn's images of digits as a table with a vector column."""
    import polars as pl
    from sklearn.datasets import load_digits

    images, kind = load_digits(return_X_y=True)
    frame = pl.DataFrame({"id": range(len(kind)), "image": pl.Series(images, dtype=pl.Array(pl.Float32, 64))})
    digits = frame.with_columns(kind=pl.Series(kind).cast(pl.String))  # noqa: F841  # DuckDB finds it by its name
    with duckdb.connect(str(database)) as connection:
        connection.execute("CREATE TABLE records AS FROM digits")


def write_lines(file: Path) -> bool:
    """Write a log file of raw lines; return False when the set is missing."""
    if not (DATA / "loghub_2k.parquet").exists():
        return False
    query = f"FROM '{DATA}/loghub_2k.parquet' SELECT raw WHERE system = 'OpenSSH' ORDER BY line_id"
    file.write_text("\n".join(raw for (raw,) in duckdb.sql(query).fetchall()) + "\n")
    os.utime(file, (1_700_000_000, 1_700_000_000))  # the year of the lines is told by the file's
    return True


def write_set(database: Path, query: str) -> bool:
    """Write a public set; return False when its file is missing."""
    try:
        with duckdb.connect(str(database)) as connection:
            connection.execute(f"SET file_search_path = '{DATA}'")
            connection.execute(f"CREATE TABLE records AS {query}")
    except duckdb.IOException:
        return False
    return True


def scan(folder: Path, database: Path, table: str, options: str) -> str:
    """Scan a table and return the hash of its scores file."""
    scores = folder / "scores.ndjson"
    scores.unlink(missing_ok=True)
    command = [
        sys.executable,
        "-m",
        "anomembed",
        "scan",
        str(database),
        *filter(None, [table]),
        *shlex.split(options),
        "--seed",
        "0",
    ]
    command += ["--quiet", "--store", str(folder / "store.duckdb"), "--scores-to", str(scores)]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    (folder / "store.duckdb").unlink()
    return hashlib.sha256(scores.read_bytes()).hexdigest()


def hashes(folder: Path, only: list[str]):
    """Yield name and hash of every scan whose data are there."""
    demo = [name for name in DEMO if not only or name in only]
    if demo:
        subprocess.run(
            [sys.executable, "-m", "anomembed", "demo", str(folder / "demo")],
            check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip
    for name in demo:
        yield name, scan(folder, folder / "demo" / "demo.duckdb", *DEMO[name])
    if not only or "digits" in only:
        write_digits(folder / "digits.duckdb")
        yield "digits", scan(folder, folder / "digits.duckdb", "records", DIGITS)
    if (not only or "lines" in only) and write_lines(folder / "ssh.log"):
        yield "lines", scan(folder, folder / "ssh.log", "", "")
    for name, (query, options) in SETS.items():
        if (not only or name in only) and write_set(folder / f"{name}.duckdb", query):
            yield name, scan(folder, folder / f"{name}.duckdb", "records", options)


def main() -> int:
    """Record hashes, or compare with those recorded."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("do", choices=("record", "check"))
    parser.add_argument("file", type=Path)
    parser.add_argument("--only", nargs="*", default=[])
    arguments = parser.parse_args()
    before = {}
    if arguments.do == "check":
        before = dict(reversed(line.split()) for line in arguments.file.read_text().splitlines())
    differ, lines = 0, []
    with tempfile.TemporaryDirectory() as folder:
        for name, found in hashes(Path(folder), arguments.only):
            lines.append(f"{found}  {name}")
            same = before.get(name) == found
            differ += bool(before) and not same
            print(found[:12], name, "" if not before else "same" if same else "DIFFERS", flush=True)
    if arguments.do == "record":
        arguments.file.write_text("\n".join(lines) + "\n")
    return 1 if differ else 0


if __name__ == "__main__":
    sys.exit(main())
