"""A log that is rotated, read with the files of before: a line is judged once, whatever its file is called by then."""

import gzip
from pathlib import Path

import pytest
from monitored import START, STEP, at, drawn, read

CONFIG = """
[source]
database = "app*.log*"
time_zone = "UTC"
[roles]
timestamp = ["time"]
ignore = ["file"]
[flags]
threshold = 0.001
[store]
path = "store.duckdb"
[monitor]
watermark = "time"
"""
KNOWN = 1500  # lines that the model learns from


def line(number, text=None):
    job, host = int(4 * drawn(number, "job")), int(6 * drawn(number, "host"))
    usual = (f"job done by host{host}", f"job started on host{host}", "GET /index 200", f"user{host} logged in")[job]
    return f"{START + number * STEP:%Y-%m-%d %H:%M:%S} INFO worker: {text or usual}\n"


def write(name, numbers, text=None):
    with Path(name).open("a") as file:
        file.writelines(line(number, text) for number in numbers)


@pytest.fixture
def monitor(run):
    Path("app.toml").write_text(CONFIG)
    write("app.log", range(KNOWN))
    assert run("fit", "app.toml", "-q").code == 0

    def monitor(now):
        outcome = run("monitor", "app.toml", "--now", at(now))
        assert outcome.code == 0, outcome.err
        return outcome.out

    assert "nothing new" in monitor(KNOWN)
    return monitor


def test_a_line_is_judged_once_however_often_its_file_is_renamed(monitor):
    write("app.log", range(KNOWN, KNOWN + 50))
    assert "50 records judged" in monitor(KNOWN + 100)
    write("app.log", range(KNOWN + 100, KNOWN + 120))  # the last ones before the rotation, which no run has seen
    Path("app.log").rename("app.log.1")
    write("app.log", range(KNOWN + 120, KNOWN + 150))
    assert "50 records judged" in monitor(KNOWN + 200)
    Path("app.log.2.gz").write_bytes(gzip.compress(Path("app.log.1").read_bytes()))
    Path("app.log").rename("app.log.1")
    Path("app.log").touch()
    assert "nothing new" in monitor(KNOWN + 300)
    assert "nothing new" in monitor(KNOWN + 320)
    assert read("SELECT count(*), sum(n_scored) FROM runs") == [(2, 100)]


def test_the_same_line_of_two_files_is_two_lines_until_the_end(monitor):
    for name in ("app-a.log", "app-b.log"):
        write(name, range(KNOWN, KNOWN + 10))
    assert "20 records judged" in monitor(KNOWN + 100)
    Path("app-a.log").rename("app-a.log.1")
    assert "nothing new" in monitor(KNOWN + 200)
    write("app-c.log", range(KNOWN, KNOWN + 10))  # late, of a third one
    assert "10" in monitor(KNOWN + 300)
    assert read("SELECT count(*), count(DISTINCT key) FROM scores") == [(30, 30)]
