import hashlib
import os
import sys
from pathlib import Path
from typing import NamedTuple

import duckdb
import pytest

from anomembed.cli import main

TOP = Path(__file__).parents[1]
KERNELS = sorted(path for path in (TOP / "anomembed").rglob("*.py") if "njit" in path.read_text())
# Numba takes a kept loop for new as long as its own file is the same, whatever it calls: tests look at all of them.
DIGEST = hashlib.sha256(b"".join(path.read_bytes() for path in KERNELS)).hexdigest()[:16]
os.environ.setdefault("NUMBA_CACHE_DIR", str(TOP / ".pytest_cache" / f"loops-{DIGEST}"))


class Outcome(NamedTuple):
    code: int
    out: str
    err: str


@pytest.fixture(autouse=True)
def _own_folder(tmp_path, monkeypatch):
    """Every test has an empty current folder, and no settings of whoever runs it."""
    monkeypatch.chdir(tmp_path)
    for name in ("STORE", "ALPHA", "BUDGET", "THRESHOLD"):
        monkeypatch.delenv(f"ANOMEMBED_{name}", raising=False)


@pytest.fixture
def run(monkeypatch, capsys):
    """The real command line with its error boundary, in this process: importing PyOD takes seconds."""

    def run(*arguments):
        monkeypatch.setattr(sys, "argv", ["anomembed", *map(str, arguments)])
        capsys.readouterr()
        with pytest.raises(SystemExit) as end:
            main()
        return Outcome(end.value.code or 0, *capsys.readouterr())

    return run


@pytest.fixture
def database(tmp_path):
    """Make a DuckDB file by SQL and return its path."""

    def make(*statements, name="source.duckdb"):
        with duckdb.connect(str(tmp_path / name)) as connection:
            for statement in statements:
                connection.execute(statement)
        return tmp_path / name

    return make
