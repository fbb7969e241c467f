"""Measure what a scan of card payments costs, beside three plain ways to look at the same columns.

    python speed.py DATA [--rows N] [--repeat 3] [--plain | --startup] [--anomembed COMMAND]

DATA is a folder with fraud_handbook.parquet. Every contestant is a process of its own (starting Python and reading
the table count), they take turns, and the median counts. With --plain: without the past of the customers. With
--startup: the shortest commands, beside bare imports.
"""

import argparse
import shutil
import statistics
import sys
import tempfile
from itertools import combinations
from pathlib import Path
from typing import TYPE_CHECKING

import cost
import duckdb

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

ALL_PAYMENTS = 1_754_155
COLUMN_ROLES = ("--key", "TRANSACTION_ID", "--category", "TERMINAL_ID", "--number", "TX_AMOUNT")
ROLES = (*COLUMN_ROLES, "--time", "TX_DATETIME", "--entity", "CUSTOMER_ID")
PLAIN = (*COLUMN_ROLES, "--time", "TX_DATETIME", "--category", "CUSTOMER_ID")
OUTPUT = ("--store", "store.duckdb", "--scores-to", "scores.parquet")
# Later copies of the file: half a year on, other customers, other terminals.
PAYMENTS = """CREATE OR REPLACE TABLE payments AS
    FROM read_parquet('{file}'), range({copies}) AS later(copy)
    SELECT TRANSACTION_ID + copy * {size} AS TRANSACTION_ID, TX_DATETIME + INTERVAL (183 * copy) DAY AS TX_DATETIME,
        concat(CUSTOMER_ID, repeat('+', copy)) AS CUSTOMER_ID, concat(TERMINAL_ID, repeat('+', copy)) AS TERMINAL_ID,
        TX_AMOUNT
    ORDER BY TRANSACTION_ID LIMIT {rows} OFFSET {skipped}"""
VALUES = """FROM payments SELECT CUSTOMER_ID AS customer, TERMINAL_ID AS terminal, hour(TX_DATETIME) AS hour,
    isodow(TX_DATETIME) AS weekday, least(TX_AMOUNT // 15, 15) AS amount"""
COLUMNS = ("customer", "terminal", "hour", "weekday", "amount")


def main() -> int:
    """Race, or take part in the race if started by it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("--rows", type=int, default=ALL_PAYMENTS)
    parser.add_argument("--repeat", type=int, default=3)
    parser.add_argument("--plain", action="store_true")
    parser.add_argument("--startup", action="store_true")
    parser.add_argument("--anomembed", type=cost.read_command, default="anomembed", metavar="COMMAND")
    parser.add_argument("--contestant", choices=PEERS, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.contestant:
        PEERS[arguments.contestant](arguments.data)
        return 0
    with tempfile.TemporaryDirectory() as work:
        tool, file = arguments.anomembed, arguments.data / "fraud_handbook.parquet"
        if arguments.startup:
            commands = startup_commands(tool, file, Path(work))
        else:
            roles = PLAIN if arguments.plain else ROLES
            commands = scan_commands([*tool, "scan"], roles, file, Path(work), arguments.rows)
        return race(commands, Path(work), arguments.repeat)


def build(file: Path, database: Path, rows: int, skipped: int = 0) -> None:
    """Write (or replace) the table `payments`, in the order of time."""
    source, copies = str(file).replace("'", "''"), (rows + skipped - 1) // ALL_PAYMENTS + 1
    with duckdb.connect(str(database)) as connection:
        sql = PAYMENTS.format(file=source, copies=copies, size=ALL_PAYMENTS, rows=rows, skipped=skipped)
        connection.execute(sql)


def scan_commands(scan: list[str], roles: tuple[str, ...], file: Path, work: Path, rows: int) -> dict[str, list[str]]:
    """Prepare a scan of so many payments, and the peers."""
    database = work / "payments.duckdb"
    build(file, database, rows)
    this = [sys.executable, str(Path(__file__).resolve()), str(database), "--contestant"]
    named = [*scan, str(database), "payments", *roles, *OUTPUT, "--quiet"]
    return {f"anomembed scan, {rows:,} records": named, **{name: [*this, name] for name in PEERS}}


def startup_commands(tool: list[str], file: Path, work: Path) -> dict[str, list[str]]:
    """Prepare the shortest commands: a model is fitted to 100,000 payments, of which the next 1,000 take the place."""
    database, config, watch = work / "payments.duckdb", str(work / "anomembed.toml"), str(work / "monitor.toml")
    build(file, database, 100_000)
    still = shutil.copy(database, work / "still.duckdb")
    roles = ["--key", "TRANSACTION_ID", "--time", "TX_DATETIME"]
    monitored = [*tool, "monitor", watch, "--now", "2019-01-01"]
    for preparation in (
        [*tool, "init", str(database), "payments", "-o", config],
        [*tool, "fit", config],
        [*tool, "init", str(still), "payments", *roles, "--monitor", "--fit-where", "true", "-o", watch],
        monitored,
    ):
        if error := cost.run(preparation, work).error:
            sys.exit(f"{' '.join(preparation)} failed: {error}")
    build(file, database, 1_000, skipped=100_000)
    return {
        "import polars, duckdb": [sys.executable, "-c", "import polars, duckdb"],
        "anomembed monitor, nothing new": monitored,
        "import duckdb, polars, pyod.models.knn": [sys.executable, "-c", "import duckdb, polars, pyod.models.knn"],
        "anomembed --help": [*tool, "--help"],
        "anomembed score, 1,000 new records": [*tool, "score", config],
    }


def race(commands: dict[str, list[str]], work: Path, repeat: int) -> int:
    """Run the commands in turns and print a Markdown table; 1 if one of them failed."""
    runs: dict[str, list[cost.Cost]] = {name: [] for name in commands}
    for turn in range(repeat):
        for name, command in commands.items():
            for leftover in OUTPUT[1::2]:
                (work / leftover).unlink(missing_ok=True)
            runs[name].append(cost.run(command, work))
            print(f"turn {turn + 1}: {name}: {runs[name][-1]}", file=sys.stderr, flush=True)
    print("| | seconds | fastest to slowest | peak MiB |", "|---|---:|---:|---:|", sep="\n")
    for name, done in runs.items():
        seconds = [run.seconds for run in done]
        spread = f"{min(seconds):.2f} to {max(seconds):.2f}"
        failed = " FAILED" if any(run.error for run in done) else ""
        peak = max(run.peak_mib for run in done)
        print(f"| {name}{failed} | {statistics.median(seconds):.2f} | {spread} | {peak:,.0f} |")
    return int(any(run.error for done in runs.values() for run in done))


def isolate(database: Path) -> None:
    """Score with PyOD's isolation forest on ordinal codes, as one would write it in ten minutes."""
    from pyod.models.iforest import IForest  # what a contestant imports, it pays for alone

    print(IForest(random_state=0).fit(read_codes(database)).decision_scores_.max())


def fill_histograms(database: Path) -> None:
    """Score with PyOD's HBOS on the same codes: a histogram for each column."""
    from pyod.models.hbos import HBOS

    print(HBOS().fit(read_codes(database)).decision_scores_.max())


def read_codes(database: Path) -> "NDArray[np.float32]":
    """Read the payments as numbers: names as ordinal codes, the time as its hour and weekday."""
    import polars as pl

    with duckdb.connect(str(database), read_only=True) as connection:
        frame = connection.sql("FROM payments SELECT * EXCLUDE (TRANSACTION_ID)").pl()
    time, names = pl.col("TX_DATETIME"), pl.col("CUSTOMER_ID", "TERMINAL_ID")
    codes = frame.select(names.rank("dense"), time.dt.hour(), time.dt.weekday().alias("weekday"), "TX_AMOUNT")
    return codes.cast(pl.Float32).to_numpy()


def count_pairs(database: Path) -> None:
    """Count all values and all pairs of values, the least that a method which learns from co-occurrence must do."""
    with duckdb.connect(str(database), read_only=True) as connection:
        connection.execute(f"CREATE TEMP TABLE tokens AS {VALUES}")
        for columns in (*combinations(COLUMNS, 1), *combinations(COLUMNS, 2)):
            grouped = f"FROM tokens SELECT {', '.join(columns)}, count(*) GROUP BY ALL"
            connection.execute(f"CREATE OR REPLACE TEMP TABLE counts AS {grouped}")


PEERS = {
    "Polars codes, PyOD IForest": isolate,
    "Polars codes, PyOD HBOS": fill_histograms,
    "DuckDB, count values and pairs": count_pairs,
}

if __name__ == "__main__":
    sys.exit(main())
