"""Scan files of many sizes, and check that memory does not grow with them.

    python tests/big_files.py [--gigabytes 1] [--kinds csv ndjson log]

Of every kind a file of a quarter of the size and one of the whole are written to a temporary folder (``TMPDIR``), and
scanned by the command line in a process of its own, whose largest resident memory is measured. The larger one may need
at most `MORE` of the memory of the smaller one.
"""

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np

AT_ONCE = 50_000  # records that are written at once
MORE = 1.25  # of the memory for a quarter of the file
MOST_MEGABYTES = 2_500  # for a file of any size
GIGABYTE = 10**9
N_CUSTOMERS, N_SHOPS = 5_000, 300


class Needed(NamedTuple):
    """What a command needed, and how it ended."""

    code: int
    megabytes: float
    seconds: float
    err: str


def records(kind: str, rng: np.random.Generator, first: int) -> str:
    """Return some records as text."""
    customer, shop = rng.zipf(1.3, AT_ONCE) % N_CUSTOMERS, rng.zipf(1.5, AT_ONCE) % N_SHOPS
    country, amount = shop % 7, rng.lognormal(3, 1, AT_ONCE)
    rows = zip(range(first, first + AT_ONCE), customer, shop, country, amount, strict=True)
    return "".join(FORMS[kind].format(*row, (first // 40) % 60) for row in rows)


FORMS = {
    "csv": "P{:012d},customer-{:05d},shop-{:04d},country-{},{:.2f},2026-03-01 12:{:02d}:00\n",
    "ndjson": '{{"id": "P{:012d}", "who": {{"customer": "customer-{:05d}", "shop": "shop-{:04d}"}}, '
    '"country": "country-{}", "amount": {:.2f}, "at": "2026-03-01 12:{:02d}:00"}}\n',
    "log": "2026-03-01 12:00:00 INFO payment P{:012d} of customer-{:05d} at shop-{:04d} in country-{} for {:.2f} "
    "took {} ms\n",
}


def write(path: Path, kind: str, n_bytes: float) -> None:
    """Write a file of a kind and about a size."""
    rng, first = np.random.default_rng(0), 0
    with path.open("w") as file:
        if kind == "csv":
            file.write("id,customer,shop,country,amount,at\n")
        while file.tell() < n_bytes:
            file.write(records(kind, rng, first))
            first += AT_ONCE


def measure(*arguments: str | Path, folder: Path) -> Needed:
    """Run the command line in a process of its own, and return the most memory that was resident."""
    command = [sys.executable, "-m", "anomembed", *map(str, arguments)]
    began = time.monotonic()
    with (folder / "err").open("w+") as err:
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=err, cwd=folder)
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        err.seek(0)
        return Needed(process.returncode, usage.ru_maxrss / 1024, time.monotonic() - began, err.read())


def problems(gigabytes: float, kinds: list[str]) -> Iterator[str]:
    """Yield what breaks the promise."""
    for kind in kinds:
        small, large = (_scan(kind, share * gigabytes) for share in (0.25, 1))
        if small.code or large.code:
            yield f"{kind}: {small.err or large.err}"
        elif large.megabytes > min(MORE * small.megabytes, MOST_MEGABYTES):
            yield f"{kind}: {large.megabytes:.0f} MB for {gigabytes} GB, {small.megabytes:.0f} MB for a quarter of it"


def _scan(kind: str, gigabytes: float) -> Needed:
    folder = Path(tempfile.mkdtemp(prefix="anomembed-big-"))
    try:
        path = folder / f"big.{kind}"
        write(path, kind, gigabytes * GIGABYTE)
        needed = measure("scan", path.name, "--quiet", folder=folder)
    finally:
        shutil.rmtree(folder)
    sys.stdout.write(f"{kind:8}{gigabytes:8.2f} GB{needed.megabytes:8.0f} MB{needed.seconds:8.0f} s\n")
    sys.stdout.flush()
    return needed


def main_loop() -> int:
    """Run the drill; return how many kinds of files broke the promise."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--gigabytes", type=float, default=1)
    parser.add_argument("--kinds", nargs="+", choices=FORMS, default=list(FORMS))
    arguments = parser.parse_args()
    found = list(problems(arguments.gigabytes, arguments.kinds))
    sys.stdout.writelines(f"{problem}\n" for problem in found)
    return len(found)


if __name__ == "__main__":
    sys.exit(bool(main_loop()))
