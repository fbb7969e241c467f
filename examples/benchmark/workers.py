"""Measure how scoring spreads: what threads make of it, and how many workers one process can feed.

    python workers.py DATA [--rows N] [--plain] [--repeat 3]

DATA is a folder with fraud_handbook.parquet. A model is fitted to card payments, which are then scored by one thread,
by one for every processor, and by workers that need no time: what comes of each frame is known by then. What is left is
the work of the process that reads the source, sends frames, takes results and writes the store, which does not spread.
With --plain: without an entity, whose past is computed before the first frame.
"""

import argparse
import pickle
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import polars as pl
import speed

from anomembed import Model, fit_model
from anomembed.read.table import Table
from anomembed.score.drift import Drift
from anomembed.score.flags import FlagRule
from anomembed.scoring import Scorer, explain_frames, read_frames
from anomembed.workers import Pool, in_order, open_workers
from anomembed.workers.blocks import n_processors
from anomembed.write.store import Store

RULE = FlagRule("threshold", 1e-4)
ROLES = {"key": ["TRANSACTION_ID"], "category": ["TERMINAL_ID"], "number": ["TX_AMOUNT"], "timestamp": ["TX_DATETIME"]}


class Times(NamedTuple):
    """Seconds until the first frame is read, from there on, and of processors of this process from there on."""

    before: float
    scoring: float
    processor: float


class Known:
    """Workers that need no time: frames are packed as if they were sent, and known results are unpacked."""

    patience: float | None = None

    def __init__(self, results: list[bytes], n_workers: int) -> None:
        self._results, self.n_workers = results, n_workers

    def check(self) -> None:
        """Do nothing."""

    @contextmanager
    def start(self, _: Callable[[Any], Any]) -> Iterator[Callable[[object], "Future[Any]"]]:
        """Return what packs a part and unpacks its result."""
        results = iter(self._results)

        def submit(part: object) -> "Future[Any]":
            pickle.dumps(part)
            done: Future[Any] = Future()
            done.set_result(pickle.loads(next(results)))
            return done

        yield submit


def main() -> int:
    """Score, and print a Markdown table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("--rows", type=int, default=speed.ALL_PAYMENTS)
    parser.add_argument("--repeat", type=int, default=3)
    parser.add_argument("--plain", action="store_true")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        database = Path(folder, "payments.duckdb")
        speed.build(arguments.data / "fraud_handbook.parquet", database, arguments.rows)
        roles = ROLES | {"category" if arguments.plain else "entity": ["CUSTOMER_ID"]}
        if arguments.plain:
            roles["category"] = ["TERMINAL_ID", "CUSTOMER_ID"]
        model = fit_model(database, "payments", config={"roles": roles})
        pools = {"1 thread": open_workers(1)}
        pools |= {f"{n_processors()} threads": open_workers()} if n_processors() > 1 else {}
        pools["workers that need no time"] = Known(results_of(model, database), n_processors())
        report({name: [score(model, database, pool) for _ in range(arguments.repeat)] for name, pool in pools.items()})
    return 0


def results_of(model: Model, database: Path) -> list[bytes]:
    """Return what comes of each frame, packed as a worker would send it."""
    with Table(database, "payments") as table:
        parts = in_order(open_workers(), Scorer(model, RULE), read_frames(model, table, None))
        return [pickle.dumps(part) for part in parts]


def score(model: Model, database: Path, pool: Pool) -> Times:
    """Score all payments into a new store."""
    with tempfile.TemporaryDirectory() as folder, Table(database, "payments") as table:
        marks = [(time.perf_counter(), time.process_time())]

        def frames() -> Iterator[pl.DataFrame]:
            for frame in read_frames(model, table, None):
                if len(marks) == 1:
                    marks.append((time.perf_counter(), time.process_time()))
                yield frame

        with Store(Path(folder, "store.duckdb")) as store:
            explain_frames(model, frames(), RULE, store.stage, Drift(model.vocabulary), pool)
        marks.append((time.perf_counter(), time.process_time()))
    return Times(marks[1][0] - marks[0][0], marks[2][0] - marks[1][0], marks[2][1] - marks[1][1])


def report(runs: dict[str, list[Times]]) -> None:
    """Print the medians."""
    print("| | seconds before the first frame | seconds from there | of processors |", "|---|---:|---:|---:|", sep="\n")
    medians = {name: Times(*map(statistics.median, zip(*times, strict=True))) for name, times in runs.items()}
    for name, times in medians.items():
        print(f"| {name} | {times.before:.1f} | {times.scoring:.1f} | {times.processor:.1f} |")
    one, *_, none = medians.values()
    print(f"\nOne process feeds {one.processor / none.scoring:.0f} workers that are as fast as a processor here.")


if __name__ == "__main__":
    sys.exit(main())
