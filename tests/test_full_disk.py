"""Where nothing can be written: a disk that is full, a folder that is read-only, a reader that has gone."""

import os
import subprocess
import sys
from contextlib import chdir
from pathlib import Path

import duckdb
import pytest
from databases import ask
from forks import run_apart

WIDE = "SELECT i AS id, 'a' || i % 3 AS a, 'b' || i % 4 AS b FROM range(3000) t(i)"
CONFIG = '[source]\ndatabase = "s.duckdb"\ntable = "t"\n'


def mounted(folder, options):
    folder.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(folder)]
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    except FileNotFoundError:
        pytest.skip("there is no mount here")
    if done.returncode:
        pytest.skip(f"mounting is not permitted: {done.stderr.strip()}")


@pytest.fixture
def disk(tmp_path):
    """A disk of 64 KiB with a file on it, and nearly no space left."""
    folder = tmp_path / "disk"
    mounted(folder, "size=64k")
    yield folder
    subprocess.run(["umount", "-l", str(folder)], check=True)


@pytest.fixture
def source(tmp_path, run):
    with duckdb.connect("s.duckdb") as connection:
        connection.execute(f"CREATE TABLE t AS {WIDE}")
    Path("c.toml").write_text(CONFIG)
    return tmp_path


@pytest.fixture
def fitted(source, run):
    assert run("fit", "c.toml", "-q").code == 0
    assert run("score", "c.toml", "-q").code == 0
    return source


READ = [["scan", "s.duckdb", "t"], ["score", "c.toml"]]
COMMANDS = {
    "csv": ["scan", "s.duckdb", "t", "-q", "--scores-to", "disk/out.csv"],
    "ndjson": ["scan", "s.duckdb", "t", "-q", "--scores-to", "disk/out.ndjson"],
    "parquet": ["scan", "s.duckdb", "t", "-q", "--scores-to", "disk/out.parquet"],
    "map": ["evaluate", "s.duckdb", "t", "-q", "--map", "disk/out.png"],
    "store": ["scan", "s.duckdb", "t", "-q", "--store", "disk/out.duckdb"],
    "init": ["init", "s.duckdb", "t", "-o", "disk/out.toml"],
    "export": ["export", "disk/out.vec"],
}


@pytest.mark.drill
@pytest.mark.parametrize("what", COMMANDS)
@pytest.mark.parametrize("is_there", [False, True])
def test_a_full_disk_leaves_what_was_there(run, fitted, disk, what, is_there):
    target = fitted / COMMANDS[what][-1]
    if is_there and what != "store":
        target.write_text("before")
    (disk / "filler").write_bytes(b"x" * (60 << 10 if is_there else 64 << 10))
    before = {path.name: path.read_bytes() for path in disk.iterdir()}
    force = ["--force"] if is_there and what != "store" else []
    outcome = run(*COMMANDS[what], *force)
    if outcome.code == 0 and is_there and what == "init":
        return  # a configuration has room in what is left
    assert (outcome.code, outcome.out) == (2, "")
    assert outcome.err.splitlines()[-1].startswith("anomembed: ")
    assert "Traceback" not in outcome.err
    assert {path.name: path.read_bytes() for path in disk.iterdir()} == before


@pytest.mark.drill
@pytest.mark.parametrize("what", COMMANDS)
def test_a_read_only_folder_is_named_in_one_sentence(run, fitted, disk, what):
    subprocess.run(["mount", "-o", "remount,ro", str(disk)], check=True)
    outcome = run(*COMMANDS[what])
    assert (outcome.code, outcome.out) == (2, "")
    assert outcome.err.splitlines()[-1].startswith("anomembed: ")
    assert list(disk.iterdir()) == []


@pytest.mark.parametrize("target", ["/dev/stdout", "/dev/null", "/dev/full"])
def test_a_device_is_no_place_for_a_file(run, source, target):
    outcome = run("scan", "s.duckdb", "t", "-q", "--force", "--scores-to", target)
    assert (outcome.code, outcome.out) == (2, "")
    assert target in outcome.err.splitlines()[-1]


@pytest.mark.parametrize("vectors", ["/dev/null", "pipe", "folder", "missing.txt"])
def test_vectors_are_read_from_a_plain_file(run, source, vectors):
    os.mkfifo("pipe")
    Path("folder").mkdir()
    outcome = run("scan", "s.duckdb", "t", "--vectors", vectors)
    assert (outcome.code, outcome.out) == (2, "")
    assert vectors in outcome.err.splitlines()[-1]


@pytest.fixture(scope="module")
def unread(tmp_path_factory):
    """How commands end that print to a pipe that nobody reads."""
    commands = [[*command, "--format", form] for command in READ for form in ("table", "json", "csv")]
    reading, writing = os.pipe()
    os.close(reading)
    with chdir(tmp_path_factory.mktemp("unread")):
        with duckdb.connect("s.duckdb") as connection:
            connection.execute(f"CREATE TABLE t AS {WIDE}")
        Path("c.toml").write_text(CONFIG)
        ends = run_apart(["fit", "c.toml", "-q"], *commands, stdout=writing)
    os.close(writing)
    assert ends[0].code == 0, ends[0].err
    return dict(zip(map(" ".join, commands), ends[1:], strict=True))


@pytest.mark.parametrize("form", ["table", "json", "csv"])
@pytest.mark.parametrize("command", READ)
def test_a_reader_that_has_gone_is_no_error(unread, command, form):
    done = unread[" ".join([*command, "--format", form])]
    assert (done.code, "Traceback" in done.err, "anomembed: " in done.err) == (0, False, False)
    assert "\nscored " in done.err


def test_a_scan_whose_notes_nobody_reads_any_more_is_kept(tmp_path):
    with duckdb.connect("s.duckdb") as connection:
        connection.execute(f"CREATE TABLE t AS {WIDE}")
    command = f"{sys.executable} -m anomembed scan s.duckdb t 2>&1 | head -1; exit ${{PIPESTATUS[0]}}"
    done = subprocess.run(["bash", "-c", command], capture_output=True, text=True)
    assert (done.returncode, done.stdout[:4]) == (0, "read")
    assert ask("anomembed.duckdb", "SELECT count(*) FROM runs") == [(1,)]
