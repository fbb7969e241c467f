"""Scan large files, and small ones that inflate to large ones, and check that memory does not grow with them.

    python tests/big_files.py [--gigabytes 1] [--kinds csv ndjson audit log bombs]

Of every kind a file of half the size and one of the whole are written to a temporary folder (``TMPDIR``, which needs
room for three times the size), and scanned by the command line in a process of its own, whose largest resident memory
is measured. The larger one may need at most `MORE` of the memory of the smaller one, and no file more than
`MOST_MEGABYTES`: DuckDB takes up to 512 MB for the records and as much for the store before it writes to disk. A record
of ``audit`` has a kilobyte, as in the trail of a cloud; the others are short, so that ten gigabytes take an hour.
"""

import argparse
import gzip
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np

AT_ONCE = 50_000  # records that are written at once
MORE = 1.25  # of the memory for half of the file
MOST_MEGABYTES = 2_000  # for a file of any size
MOST_OF_BOMB, PATIENCE = 1_000, 60  # megabytes, and seconds for each gigabyte
GIGABYTE = 10**9
N_CUSTOMERS, N_SHOPS = 5_000, 300


class Needed(NamedTuple):
    """What a command needed, and how it ended."""

    code: int
    megabytes: float
    seconds: float
    """Of processors, which do not depend on what else runs."""
    err: str


def records(kind: str, rng: np.random.Generator, first: int) -> str:
    """Return some records as text."""
    customer, shop = rng.zipf(1.3, AT_ONCE) % N_CUSTOMERS, rng.zipf(1.5, AT_ONCE) % N_SHOPS
    country, amount = shop % 7, rng.lognormal(3, 1, AT_ONCE)
    rows = zip(range(first, first + AT_ONCE), customer, shop, country, amount, strict=True)
    texts = (FORMS[kind].format(*row, (first // 40) % 60) for row in rows)
    # Other messages, too: where all have one template, that says nothing.
    return "".join(
        text.replace("payment", "refund") if kind == "log" and at % 9 == 0 else text for at, text in enumerate(texts)
    )


FORMS = {
    "csv": "P{:012d},customer-{:05d},shop-{:04d},country-{},{:.2f},2026-03-01 12:{:02d}:00\n",
    "ndjson": '{{"id": "P{:012d}", "who": {{"customer": "customer-{:05d}", "shop": "shop-{:04d}"}}, '
    '"country": "country-{}", "amount": {:.2f}, "at": "2026-03-01 12:{:02d}:00"}}\n',
    "audit": '{{"id": "P{:012d}", "who": {{"kind": "role", "arn": "arn:of:sts::123456789012:role/customer-{:05d}", '
    '"session": {{"issuer": "shop-{:04d}", "in": {{"region": "country-{}", "mfa": "false"}}}}}}, "cost": {:.2f}, '
    '"at": "2026-03-01 12:{:02d}:00", "agent": "' + "tool/2.17 os/linux lang/python#3.11 " * 8 + '", "request": '
    '{{"policy": "' + "Allow read of all below; " * 20 + '"}}}}\n',
    "log": "2026-03-01 12:00:00 INFO shop: payment P{:012d} of customer-{:05d} at shop-{:04d} in country-{} for {:.2f} "
    "took {} ms\n",
}
HEAD = "".join(f"{number},shop {number % 7},{number % 5}\n" for number in range(300)).encode()
BOMBS = {
    "zeros.csv.gz": (b"", b"\0"),
    "line.csv.gz": (b"", b"a"),
    "field.csv.gz": (b"id,shop,n\n" + HEAD + b"301,", b"a"),
    "quote.csv.gz": (b"id,shop,n\n" + HEAD + b'301,"', b"a\n"),
    "blank.csv.gz": (b"id,shop,n\n" + HEAD, b"\n"),
    "line.log.gz": (b"2026-03-01 12:00:00 INFO started\n" * 300 + b"2026-03-01 12:00:00 INFO ", b"a"),
    "text.ndjson.gz": (b'{"id": 1, "a": "b"}\n' * 300 + b'{"id": 2, "a": "', b"a"),
    "list.json.gz": (b'{"Records": [', b'{"id": 1, "a": "b"}, '),
    "deep.json.gz": (b'[{"id": 1, "a": ', b"["),
}
"""How small files begin that inflate to large ones, and what follows again and again."""


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
    with (folder / "err").open("w+") as err:
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=err, cwd=folder)
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        err.seek(0)
        return Needed(process.returncode, usage.ru_maxrss / 1024, usage.ru_utime + usage.ru_stime, err.read())


def problems(gigabytes: float, kinds: list[str]) -> Iterator[str]:
    """Yield what breaks the promise."""
    for kind in kinds:
        yield from _of_bombs(gigabytes) if kind == "bombs" else _of_kind(kind, gigabytes)


def _of_kind(kind: str, gigabytes: float) -> Iterator[str]:
    small, large = (_scan(kind, share * gigabytes) for share in (0.5, 1))
    if small.code or large.code:
        yield f"{kind}: {small.err or large.err}"
    elif large.megabytes > min(MORE * small.megabytes, MOST_MEGABYTES):
        yield f"{kind}: {large.megabytes:.0f} MB for {gigabytes} GB, {small.megabytes:.0f} MB for half of it"


def _of_bombs(gigabytes: float) -> Iterator[str]:
    """Yield which small files take too much memory or time, or end in a traceback."""
    for name, (head, again) in BOMBS.items():
        with tempfile.TemporaryDirectory(prefix="anomembed-bomb-") as folder:
            with gzip.open(Path(folder) / name, "wb") as file:
                file.write(head)
                block = again * ((1 << 24) // len(again))
                for _ in range(int(gigabytes * GIGABYTE) >> 24):
                    file.write(block)
            needed = measure("scan", name, folder=Path(folder))
        _tell(name, gigabytes, needed)
        if needed.code not in (0, 2) or "Traceback" in needed.err:  # 0: a line of a log is cut
            yield f"{name}: ended with {needed.code}: {needed.err}"
        if needed.megabytes > MOST_OF_BOMB or needed.seconds > PATIENCE * max(gigabytes, 1):
            yield f"{name}: {needed.megabytes:.0f} MB, {needed.seconds:.0f} s"


def _scan(kind: str, gigabytes: float) -> Needed:
    with tempfile.TemporaryDirectory(prefix="anomembed-big-") as folder:
        path = Path(folder) / f"big.{kind}"
        write(path, kind, gigabytes * GIGABYTE)
        needed = measure("scan", path.name, "--quiet", folder=Path(folder))
    _tell(kind, gigabytes, needed)
    return needed


def _tell(what: str, gigabytes: float, needed: Needed) -> None:
    sys.stdout.write(f"{what:16}{gigabytes:8.2f} GB{needed.megabytes:8.0f} MB{needed.seconds:8.0f} s\n")
    sys.stdout.flush()


def main_loop() -> int:
    """Run the drill; return how many kinds of files broke the promise."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--gigabytes", type=float, default=1)
    parser.add_argument("--kinds", nargs="+", choices=(*FORMS, "bombs"), default=[*FORMS, "bombs"])
    arguments = parser.parse_args()
    found = list(problems(arguments.gigabytes, arguments.kinds))
    sys.stdout.writelines(f"{problem}\n" for problem in found)
    return len(found)


if __name__ == "__main__":
    sys.exit(bool(main_loop()))
