import fcntl
import gc
import hashlib
import os
import shutil
import sys
import tempfile
from contextlib import chdir, suppress
from functools import cache
from pathlib import Path
from typing import NamedTuple

import pytest
import typer.main
from databases import opened
from hypothesis import settings
from kills import Forker

from anomembed.cli import main
from anomembed.cli.commands import app

TOP = Path(__file__).parents[1]
KERNELS = sorted(path for path in (TOP / "anomembed").rglob("*.py") if "njit" in path.read_text())
# Numba recompiles a loop when its own file changes, not when one that it calls does: a new folder when any changes.
DIGEST = hashlib.sha256(b"".join(path.read_bytes() for path in KERNELS)).hexdigest()[:16]
os.environ.setdefault("NUMBA_CACHE_DIR", str(TOP / ".pytest_cache" / f"loops-{DIGEST}"))

SLOW = set(Path(__file__).with_name("slow.txt").read_text().split())
ALL, QUICK = "not drill", "not drill and not slow"
NAMING = ("keyword", "lf", "failedfirst", "stepwise")  # options by which tests are named, as by their files

# Examples per property: HYPOTHESIS_PROFILE=more draws eight times as many as the suite has time for.
settings.register_profile("suite", max_examples=50, deadline=None)
settings.register_profile("more", max_examples=400, deadline=None)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "suite"))


def pytest_configure(config):
    """Let workers share the processors, and what they compile; leave slow tests out unless some are named."""
    is_whole = config.args_source is config.ArgsSource.TESTPATHS
    if not config.option.markexpr:
        is_named = not is_whole or any(config.getoption(name, default=False) for name in NAMING)
        config.option.markexpr = ALL if is_named else QUICK
    if config.getoption("numprocesses", None):  # as many threads each as there are processors get in each other's way
        os.environ.setdefault("OMP_NUM_THREADS", "1")
    # Each worker, and each command in a process of its own, would otherwise compile all of our modules anew.
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    sys.dont_write_bytecode = False
    _compile_once()
    typer.main.get_command = cache(typer.main.get_command)  # a real command line puts its commands together once, too
    _make_tables_once()


def pytest_itemcollected(item):
    """Mark the tests that `slowest.py` has listed, but for those of their parameters that make them a drill."""
    if item.nodeid.partition("[")[0] in SLOW and not item.get_closest_marker("drill"):
        item.add_marker("slow")


def pytest_collection_finish():
    """Let garbage be looked for in what tests make, not in all that was imported for them."""
    gc.collect()
    gc.freeze()


def _compile_once():
    """Let one worker compile a loop of ours while the others wait: they find it in the folder above."""
    from numba.core.compiler_lock import global_compiler_lock
    from numba.core.dispatcher import Dispatcher

    compile_any, locks = Dispatcher.compile, Path(os.environ["NUMBA_CACHE_DIR"])
    locks.mkdir(parents=True, exist_ok=True)

    def compile_once(self, signature):
        module, name = self.py_func.__module__ or "", self.py_func.__qualname__
        if not module.startswith("anomembed."):  # numba's own are compiled within a loop of ours
            return compile_any(self, signature)
        # The threads of a process wait for numba's lock, which comes first; the other processes for that of the file.
        with global_compiler_lock, (locks / f"{module}.{name}.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            return compile_any(self, signature)

    Dispatcher.compile = compile_once


def _make_tables_once():
    """Let new stores begin as copies of one without rows, but where stores are what is tested: 300 statements make it.

    They are what takes longest in a scan of a small table.
    """
    from anomembed.write.database import Database

    make = Database._open

    @cache
    def empty():
        with tempfile.TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patch:
            patch.setattr(Database, "_open", make)
            path = Path(folder, "empty.duckdb")
            Database(path)._close()
            return path.read_bytes()

    def copy(self, *, is_new):
        if is_new and not os.environ.get("PYTEST_CURRENT_TEST", "").startswith("tests/test_store.py"):
            with suppress(OSError):  # which the store tells in its own words
                self.path.write_bytes(empty())
        make(self, is_new=not self.path.exists())

    Database._open = copy


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
    typer.main.get_command(app)  # is put together before a test changes what it is made of

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
        with opened(tmp_path / name) as connection:
            for statement in statements:
                connection.execute(statement)
        return tmp_path / name

    return make


@pytest.fixture(scope="session")
def forker():
    """Runs command lines in processes of their own; to import everything for each would take seconds."""
    with Forker() as forker:
        yield forker


@pytest.fixture(scope="session")
def begun_shop(tmp_path_factory):
    """The folder of a shop of `monitored` whose monitor has begun, to be copied."""
    from monitored import REFERENCE, at, open_shop

    folder = tmp_path_factory.mktemp("begun")
    with chdir(folder), pytest.MonkeyPatch.context() as patch:
        open_shop()
        patch.setattr(sys, "argv", ["anomembed", "monitor", "shop.toml", "--now", at(REFERENCE), "--quiet"])
        with pytest.raises(SystemExit) as end:
            main()
        assert not end.value.code
    return folder


@pytest.fixture(scope="session")
def _browser():
    """Chromium without a window; its console is kept."""
    webdriver = pytest.importorskip("selenium.webdriver", reason="selenium is not installed")
    programs = shutil.which("chromium"), shutil.which("chromedriver")
    if not all(programs):
        pytest.skip("chromium and chromedriver are not installed")
    options = webdriver.ChromeOptions()
    options.binary_location = programs[0]
    for argument in (
        "--headless=new",
        "--no-sandbox",
        "--disable-gpu",
        "--disable-dev-shm-usage",
        "--window-size=1280,900",
    ):
        options.add_argument(argument)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    driver = webdriver.Chrome(options, webdriver.ChromeService(programs[1]))
    yield driver
    driver.quit()


@pytest.fixture
def browser(_browser):
    """Chromium without a window, and nothing in its logs yet."""
    _browser.get("about:blank")
    _browser.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})
    for kept in ("browser", "performance"):
        _browser.get_log(kept)
    return _browser
