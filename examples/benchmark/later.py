"""Measure what a model of the past makes of records that come later, where one thing moves on with the time.

    python later.py [--only NAME ...] [--seeds 2] [--entity] [--anomembed COMMAND]

Four weeks of made-up payments, 28,000 in all: three are the reference, the fourth is scored at a threshold of 0.001, so
that about 7 flags are promised. Nothing is planted. With --entity: each payment beside its customer's past.
"""

import argparse
import sys
import tempfile
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import NamedTuple

import cost
import duckdb
import numpy as np
import polars as pl
from numpy.typing import NDArray

N, DAYS, NEXT = 28_000, 28, 21  # payments, days, and the first day that is scored
MONDAY = datetime(2026, 3, 2)
SHOPS = {"Acme": 0.3, "Bolt": 0.2, "Crux": 0.15, "Dune": 0.12, "Elan": 0.1, "Fuji": 0.08, "Gala": 0.05}
ROLES = ("--key", "id", "--time", "paid_at")
OPTIONS = ("--threshold", "0.001", "--store", "store.duckdb", "--quiet")


class Payments(NamedTuple):
    """Payments of which nothing moves on, the days since the first that each was made, and where chance comes from."""

    frame: pl.DataFrame
    days: NDArray[np.float64]
    rng: np.random.Generator

    def some(self, share: float, since: float = 0.0) -> pl.Series:
        """Choose a share of the payments from a day on."""
        return pl.Series((self.days >= since) & (self.rng.random(N) < share))

    def replaced(self, column: str, some: pl.Series, value: pl.Expr | pl.Series) -> pl.DataFrame:
        """Return the payments, some with another value in a column."""
        return self.frame.with_columns(pl.when(some).then(value).otherwise(column).alias(column))


def make(seed: int, days: NDArray[np.float64] | None = None) -> Payments:
    """Make payments that come evenly, or when `days` says."""
    rng = np.random.default_rng(seed)
    days = np.sort(rng.uniform(0, DAYS, N)) if days is None else days
    frame = pl.DataFrame(
        {
            "id": [f"P{number}" for number in range(N)],
            "paid_at": [MONDAY + timedelta(days=float(day)) for day in days],
            "customer": [f"C{number}" for number in rng.integers(0, 300, N)],
            "shop": rng.choice(list(SHOPS), N, p=list(SHOPS.values())),
            "card": rng.choice(["visa", "amex", "mc"], N, p=[0.5, 0.2, 0.3]),
            "country": rng.choice(["DE", "FR", "IT", "ES"], N, p=[0.6, 0.2, 0.1, 0.1]),
            "amount": rng.gamma(4, 20, N).round(2),
        }
    )
    return Payments(frame, days, rng)


def by_day(seed: int, later: float) -> pl.DataFrame:
    """Make payments between 7 and 21 o'clock, in the last week some hours later."""
    rng = np.random.default_rng(seed)
    day = np.sort(rng.integers(0, DAYS, N))
    hour = np.clip(rng.normal(13, 3, N), 7, 20) + rng.random(N) + later * (day >= NEXT)
    return make(seed, np.sort(day + hour / 24)).frame


def addresses(made: Payments) -> pl.DataFrame:
    """Add addresses of which nearly all are there once."""
    host = made.rng.integers(0, 30 * 255 * 255, N)
    return made.frame.with_columns(ip=pl.Series([f"10.{at // 65025}.{at // 255 % 255}.{at % 255}" for at in host]))


def newcomers(made: Payments, share: float, since: float, names: NDArray[np.int64]) -> pl.DataFrame:
    """Have some payments made by customers that came since."""
    return made.replaced("customer", made.some(share, since), pl.Series([f"N{name}" for name in names]))


CHANGES: dict[str, Callable[[int], pl.DataFrame]] = {
    "nothing": lambda seed: make(seed).frame,
    "nothing, by day": lambda seed: by_day(seed, 0),
    "a batch number rises": lambda seed: make(seed).frame.with_columns(batch=pl.int_range(N) // 40),
    "a shop opened on the last Friday": lambda seed: (made := make(seed)).replaced(
        "shop", made.some(0.08, NEXT - 3), pl.lit("Newco")
    ),
    "sessions of nine payments": lambda seed: make(seed).frame.with_columns(
        session=pl.format("S{}", pl.int_range(N) // 9)
    ),
    "two new customers a day": lambda seed: newcomers(made := make(seed), 0.1, 0, (2 * made.days).astype(int)),
    "a release every other day": lambda seed: (made := make(seed)).frame.with_columns(
        release=pl.Series([f"v{day * 7919 % 997}" for day in (made.days // 2).astype(int)])
    ),
    "addresses, nearly all new": lambda seed: addresses(make(seed)),
    "amounts rise by a tenth": lambda seed: (made := make(seed)).frame.with_columns(
        amount=(pl.col("amount") * pl.Series(1 + 0.1 * made.days / DAYS)).round(2)
    ),
    "two thirds more payments": lambda seed: (made := make(seed)).frame.filter(
        made.some(0.6) | pl.Series(made.days >= NEXT)
    ),
    "an hour later, by day": lambda seed: by_day(seed, 1),
    "the first new customers": lambda seed: newcomers(made := make(seed), 0.05, NEXT, made.rng.integers(0, 40, N)),
    "a rate wanders": lambda seed: (made := make(seed)).frame.with_columns(
        rate=pl.Series(100 + made.rng.normal(0, 1, N).cumsum() / 30).round(2)
    ),
}


def main() -> int:
    """Print a Markdown table of the flags, a row for each change; 1 if a scan failed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", nargs="+", choices=CHANGES, default=list(CHANGES), metavar="NAME")
    parser.add_argument("--seeds", type=int, default=2)
    parser.add_argument("--entity", action="store_true")
    parser.add_argument("--anomembed", type=cost.read_command, default="anomembed", metavar="COMMAND")
    arguments = parser.parse_args()
    command = [*arguments.anomembed, "scan", "payments.parquet", *ROLES, *OPTIONS]
    command += ["--fit-where", f"paid_at < '{MONDAY + timedelta(days=NEXT)}'"]
    command += ["--where", f"paid_at >= '{MONDAY + timedelta(days=NEXT)}'"]
    command += ["--entity", "customer"] if arguments.entity else []
    print("| what changes | flags |", "|---|---|", sep="\n")
    has_failed = False
    for name in arguments.only:
        with tempfile.TemporaryDirectory() as work:
            flags = [count_flags(CHANGES[name](seed), command, Path(work)) for seed in range(arguments.seeds)]
        has_failed |= None in flags
        print(f"| {name} | {', '.join('FAILED' if n is None else f'{n:,}' for n in flags)} |", flush=True)
    return int(has_failed)


def count_flags(frame: pl.DataFrame, command: list[str], work: Path) -> int | None:
    """Count the flags of a scan; None when it failed."""
    (work / "store.duckdb").unlink(missing_ok=True)
    frame.write_parquet(work / "payments.parquet")
    if error := cost.run(command, work).error:
        print(error, file=sys.stderr)
        return None
    with duckdb.connect(str(work / "store.duckdb"), read_only=True) as connection:
        return int(connection.execute("SELECT count(*) FROM flags").fetchall()[0][0])


if __name__ == "__main__":
    sys.exit(main())
