"""Are the scores the same bytes as before? Scans tables of every kind and compares the hashes of the scores files.

    python tests/same_scores.py record tests/golden/scores.sha256    before a change that must not move a score
    python tests/same_scores.py check tests/golden/scores.sha256     after it; exit code 1 when a file differs

`--only NAME ...` takes fewer: the demo's sets need no data, the others the folder of public sets that ANOMEMBED_DATA
names (examples/benchmark has them); sets that are missing are left out. `pytest -m drill -n 0 tests/test_real_data.py`
runs the check of all.

Hashes hold for one kind of machine and one set of versions: another processor adds in another order, and the last digit
of a score differs. Those in golden/scores.sha256 are of x86-64 with AVX-512 and constraints.txt; elsewhere, record
before the change and check after it.
"""

import argparse
import hashlib
import os
import shlex
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import duckdb

DATA = Path(os.environ.get("ANOMEMBED_DATA", "data")).resolve()
SHUFFLED = """FROM read_parquet('{}.parquet', file_row_number = true)
    SELECT file_row_number * 2654435761 % 4294967296 AS record_id, * EXCLUDE (file_row_number) ORDER BY record_id"""
HDFS = """FROM 'hdfs.parquet' JOIN 'hdfs_labels.parquet' USING (sequence_id)
    SELECT sequence_id, position, event, if(split = 'train', 'fit', 'score') AS part"""
NSL_KDD = f"""FROM ({SHUFFLED.format("nsl_kdd_train")})
    SELECT 'train-' || record_id AS record_id, 'fit' AS part, * EXCLUDE (record_id, label, label_name, attack_type,
        difficulty) WHERE label = 0
    UNION ALL FROM ({SHUFFLED.format("nsl_kdd_test")})
    SELECT 'test-' || record_id AS record_id, 'score' AS part, * EXCLUDE (record_id, label, label_name, attack_type,
        difficulty)"""
CARDS = """FROM 'fraud_handbook.parquet'
    SELECT TRANSACTION_ID, TX_DATETIME, CUSTOMER_ID, TERMINAL_ID, TX_AMOUNT WHERE TX_DATETIME < '2018-08-15'"""
OPENSSH = "FROM 'loghub_2k.parquet' SELECT {} WHERE system = 'OpenSSH'"
SPLIT = "--fit-where \"part = 'fit'\" --where \"part = 'score'\" --clean-reference --ignore part"
UNLABELLED = "--key record_id --ignore label --ignore label_name"

# Name: query of the table (None: the demo's, or written by code), the table, options of the scan.
SETS = {
    "demo_payments": (None, "payments", ""),
    "demo_payments_entity": (None, "payments", "--entity customer --time paid_at"),
    "demo_events": (None, "events", ""),
    "demo_events_entity": (None, "events", "--entity user --time at --event action"),
    "demo_sessions": (None, "events", "--sequence session_id --order at --event application"),
    "demo_graph": (None, "events", "--entity user --embedding graph"),
    "demo_knn": (None, "events", "--detector KNN --alpha 0.1"),
    "digits": (None, "records", "--key id --vector image --category kind"),
    "lines": (None, "", ""),
    "bank": (SHUFFLED.format("adrepo_bank"), "records", UNLABELLED),
    "chess_krkopt": (SHUFFLED.format("adrepo_chess_krkopt"), "records", UNLABELLED),
    "apascal": (SHUFFLED.format("adrepo_apascal"), "records", UNLABELLED),
    "cmc": (SHUFFLED.format("adrepo_cmc"), "records", UNLABELLED),
    "covertype": (SHUFFLED.format("adrepo_covertype"), "records", UNLABELLED),
    "kdd_probe": (SHUFFLED.format("adrepo_kdd_probe"), "records", UNLABELLED),
    "nsl_kdd": (NSL_KDD, "records", f"--key record_id {SPLIT}"),
    "hdfs": (HDFS, "records", f"--sequence sequence_id --order position --event event {SPLIT}"),
    "hdfs_100k": ("FROM 'hdfs_100k.parquet'", "records", "--sequence sequence_id --order position --event event"),
    "cards": (
        CARDS,
        "records",
        "--key TRANSACTION_ID --time TX_DATETIME --entity CUSTOMER_ID --category TERMINAL_ID --number TX_AMOUNT"
        " --fit-where \"TX_DATETIME < '2018-08-01'\" --where \"TX_DATETIME >= '2018-08-08'\"",
    ),
    "log": (OPENSSH.format("row_number() OVER () AS line, content"), "records", "--key line --text content"),
}


def read(query: str, database: Path | None = None) -> list[tuple[str]]:
    """Run SQL over the public sets."""
    with duckdb.connect(str(database or ":memory:")) as connection:
        connection.execute(f"SET file_search_path = '{DATA}'")
        return connection.execute(query).fetchall()


def write_digits(database: Path) -> None:
    """Write scikit-learn's images of digits as a table with a vector column."""
    import polars as pl
    from sklearn.datasets import load_digits

    images, kind = load_digits(return_X_y=True)
    frame = pl.DataFrame({"id": range(len(kind)), "image": pl.Series(images, dtype=pl.Array(pl.Float32, 64))})
    digits = frame.with_columns(kind=pl.Series(kind).cast(pl.String))  # noqa: F841  # DuckDB finds it by its name
    with duckdb.connect(str(database)) as connection:
        connection.execute("CREATE TABLE records AS FROM digits")


def write_source(folder: Path, name: str) -> Path | None:
    """Write the table of a set, or return None when its file is missing."""
    source = folder / f"{name}.duckdb"
    if name.startswith("demo_"):
        return folder / "demo" / "demo.duckdb"
    if name == "digits":
        write_digits(source)
        return source
    try:
        if name == "lines":
            source = folder / "ssh.log"
            source.write_text("".join(f"{raw}\n" for (raw,) in read(f"{OPENSSH.format('raw')} ORDER BY line_id")))
            os.utime(source, (1_700_000_000, 1_700_000_000))  # the file says the year of the lines
        else:
            read(f"CREATE TABLE records AS {SETS[name][0]}", source)
    except duckdb.IOException:
        return None
    return source


def run(*arguments: str | Path) -> None:
    """Run a command of anomembed; when it fails, end with what it says."""
    command = [sys.executable, "-m", "anomembed", *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        sys.exit(done.stderr)


def hashes(folder: Path, names: list[str]) -> Iterator[tuple[str, str]]:
    """Yield the name of every set whose data are there, and the hash of its scores file."""
    if any(name.startswith("demo_") for name in names):
        run("demo", folder / "demo")
    store, scores = folder / "store.duckdb", folder / "scores.ndjson"
    for name in names:
        source = write_source(folder, name)
        if source is None:
            continue
        _, table, options = SETS[name]
        kept = ["--seed", "0", "--quiet", "--store", store, "--scores-to", scores]
        run("scan", source, *filter(None, [table]), *shlex.split(options), *kept)
        yield name, hashlib.sha256(scores.read_bytes()).hexdigest()
        store.unlink()
        scores.unlink()


def main() -> int:
    """Record hashes, or compare with those recorded."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("do", choices=("record", "check"))
    parser.add_argument("file", type=Path)
    parser.add_argument("--only", nargs="*", default=list(SETS), choices=SETS, metavar="NAME")
    arguments = parser.parse_args()
    is_check = arguments.do == "check"
    is_there = arguments.file.exists()
    before = dict(reversed(line.split()) for line in arguments.file.read_text().splitlines()) if is_there else {}
    found = {}
    with tempfile.TemporaryDirectory() as folder:
        for name, value in hashes(Path(folder), arguments.only):
            found[name] = value
            told = "" if not is_check else "same" if before.get(name) == value else "DIFFERS"
            print(value[:12], name, told, flush=True)
    if not is_check:
        kept = {name: value for name, value in (before | found).items() if name in SETS}
        arguments.file.write_text("".join(f"{value}  {name}\n" for name, value in kept.items()))
    return int(is_check and any(before.get(name) != value for name, value in found.items()))


if __name__ == "__main__":
    sys.exit(main())
