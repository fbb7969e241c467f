import gzip
import os
import tomllib
from pathlib import Path

import polars as pl
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from anomembed.errors import ConfigError, SourceError
from anomembed.read.lines.formats import FORMATS, KnownFormat
from anomembed.read.lines.patterns import make_format
from anomembed.read.table import Table

SYSLOG = FORMATS["syslog"].example
MORNING = "2024-05-01 09:30:00"
READ = {  # time and message of the example of each format
    "haproxy": ("2009-02-06 12:14:14.655", None),
    "cef": ("2025-09-19 08:26:10", None),
    "leef": ("2025-09-19 08:26:10", None),
    "rfc5424": ("2003-10-11 22:14:15.003", "it began"),
    "combined-vhost": ("2005-12-04 03:47:44", None),
    "nginx-error": (MORNING, 'open() "/x" failed'),
    "spring-boot": ("2026-02-02 08:00:01.125", "it began"),
    "loguru": (f"{MORNING}.123", "lost it"),
    "elasticsearch": (f"{MORNING}.123", "it began"),
    "monolog": (MORNING, "lost it"),
    "mysql-error": (f"{MORNING}.123456", "IP address could not be resolved"),
    "postgresql": (f"{MORNING}.123", "relation does not exist"),
    "tomcat": (f"{MORNING}.123", "it began"),
    "klog": ("2026-05-01 09:30:00.123456", "lost it"),
    "ruby": (f"{MORNING}.123456", "lost it"),
    "cri": (f"{MORNING}.123456", "lost it"),
    "level-first": (f"{MORNING}.123", "lost it"),
    "python-default": (None, "lost it"),
    "logfmt": (None, None),
    "timed-logfmt": (MORNING, None),
    "joined-pairs": (None, None),
    "levelled": (MORNING, "lost it"),
    "levelled-local": (MORNING, "lost it"),
    "timed-local": (MORNING, "lost it"),
    "timed": (MORNING, "lost it"),
    "level": (None, "lost it"),
    "syslog": ("2025-12-10 07:28:39", "Failed password for root from 112.95.230.3 port 46577"),
    "syslog-iso": ("2024-05-01 07:30:00.5", "job 12 done"),
    "combined": ("2005-12-04 03:47:44", None),
    "apache-error": ("2005-12-04 04:47:44", "File does not exist: /x"),
    "python": ("2024-05-01 09:30:00.123", "lost it"),
    "dpkg": (MORNING, None),
    "elb": ("2024-05-01 09:30:00.123456", None),
    "netfilter": ("2025-12-10 07:28:39", "[UFW BLOCK]"),
    "log4j": ("2015-10-18 18:01:53.885", "started 3"),
}
MADE_UP = KnownFormat(
    r"^(?P<time>\d{4}\.\d\d\.\d\d \d\d:\d\d:\d\d) \[(?P<level>\w+)\] (?P<pid>\d+)#\d+: (?P<message>.*)$",
    "2024.05.01 09:30:00 [error] 12#34: connect() failed",
    ("%Y.%m.%d %H:%M:%S",),
)


def read(path, line_format=None):
    """The rows of a log, and its notes."""
    with Table(str(path), None, line_format) as table:
        select = {column.name: f"CAST({column.expression} AS VARCHAR)" for column in table.columns}
        frames = list(table.batches(select, [], None, 1_000))
        return pl.concat(frames).drop("row_number").to_dicts(), table.notes


def rows(path, line_format=None):
    return read(path, line_format)[0]


@pytest.fixture
def log(tmp_path):
    """Write lines, or bytes, to a log that was last changed in June 2026."""

    def write(content, name="server.log"):
        path = tmp_path / name
        data = content if isinstance(content, bytes) else ("\n".join(content) + "\n").encode()
        path.write_bytes(gzip.compress(data) if name.endswith(".gz") else data)
        os.utime(path, (1_781_000_000, 1_781_000_000))
        return path

    return write


@pytest.mark.parametrize("name", FORMATS)
@pytest.mark.parametrize("said", [None, "named"])
def test_a_known_format_is_recognised_and_read(name, said, log):
    path = log([FORMATS[name].example] * 3)
    found, notes = read(path, name if said else None)
    assert [row["line"] for row in found] == ["1", "2", "3"]
    assert (found[0].get("time"), found[0]["message"]) == READ[name]
    assert notes == (() if said else (f"the lines are in the format {name}",))


def test_a_format_is_one_row(log, monkeypatch, run):
    """It is recognised, named in messages, read in its types and kept by init, by nothing but its row."""
    monkeypatch.setitem(FORMATS, "made-up", MADE_UP)
    path = log([MADE_UP.example] * 3)
    for line_format, note in ((None, ("the lines are in the format made-up",)), ("made-up", ())):
        (row, *_), notes = read(path, line_format)
        assert notes == note
        assert (row["time"], row["level"], row["pid"]) == ("2024-05-01 09:30:00", "error", "12")
        assert row["message"] == "connect() failed"
    with Table(str(path)) as table:
        assert table.column("time").type == "TIMESTAMP"
    with pytest.raises(ConfigError, match=r"unknown line format made-pu; did you mean 'made-up'\?"):
        make_format("made-pu")
    varied = log([MADE_UP.example.replace("12#", f"{i}#").replace("()", f"({i % 7})") for i in range(90)])
    assert run("init", varied, "--line-format", "made-up", "-o", "a.toml").code == 0
    assert run("fit", "a.toml", "-q").code == 0


def test_a_firewall_and_a_load_balancer_have_columns(log):
    found = rows(log([FORMATS["netfilter"].example] * 3))[0]
    assert [found[name] for name in ("IN", "SRC", "DST", "DPT")] == ["eth0", "192.0.2.7", "10.0.0.1", "23"]
    found = rows(log([FORMATS["elb"].example] * 3))[0]
    names = ("client", "target", "target_seconds", "status", "path", "query", "agent")
    assert [found[name] for name in names] == [
        *("192.0.2.7", "10.0.0.1", "0.001", "200", "https://a.org:443/x", "a=1", "curl/8")
    ]


def test_the_help_names_every_format(run):
    shown = "".join(run("scan", "--help").out.replace("│", " ").split())  # names may be broken at their hyphens
    assert ",".join([*FORMATS, "plain"]) in shown


def test_a_request_is_taken_apart(log):
    row = rows(log([FORMATS["combined"].example] * 2))[0]
    assert (row["client"], row["user"], row["method"], row["path"], row["query"]) == (
        "10.0.0.7",
        "bob",
        "GET",
        "/a/b",
        "x=1",
    )
    assert (row["status"], row["bytes"], row["referrer"], row["agent"]) == ("404", "-", "-", "curl/8")


def test_a_time_without_a_year_is_of_the_year_in_which_the_log_was_written(log):
    # Later on the day of writing may be another time zone's clock.
    days = ["Jan  3 00:00:01", "Jun  8 00:00:01", "Jun  9 20:00:00", "Jun 12 00:00:01", "Dec 31 23:59:59"]
    found = rows(log([f"{day} host app: x" for day in days]))
    assert [row["time"][:10] for row in found] == ["2026-01-03", "2026-06-08", "2026-06-09", "2025-06-12", "2025-12-31"]


def test_lines_in_no_format_are_messages(log):
    found, notes = read(log(["one", "two two", ""]))
    assert [row["message"] for row in found] == ["one", "two two", ""]
    assert notes == ("the lines are in no known format: each is a message",)
    few = log([SYSLOG, "one", "two two", "three"])
    assert [row["message"] for row in rows(few)] == [SYSLOG, "one", "two two", "three"]


def test_lines_that_do_not_match_are_kept_and_counted(log):
    line = FORMATS["log4j"].example
    found, notes = read(log([line, "of another program", "", "nor this"] * 2 + [line] * 20), "log4j")
    assert [row["message"] for row in found[1:4]] == ["of another program", "", "nor this"]
    assert all(found[1][name] is None for name in ("time", "level", "logger"))
    assert notes == ("6 of 28 lines are not in the line format, line 2 first; they are kept whole as message",)


def test_a_regular_expression_of_ones_own(log):
    path = log(["7|ab|x y", "8|cd|z", "nothing"], name="app.txt")
    found = rows(path, r"^(?P<n>\d+)\|(a|c)(?<letter>\w)\|(?P<rest>.*)$")
    assert [tuple(row.values()) for row in found] == [
        ("1", "7", "b", "x y", None),
        ("2", "8", "d", "z", None),
        ("3", None, None, None, "nothing"),
    ]


def test_no_byte_loses_a_line(log):
    content = (
        b'\xef\xbb\xbffirst\r\nnul\x00byte\r\n\xff\xfe bad\nquote " and , comma\ncr\rinside\n\x1b[31mred\x1b[0m\n\nlast'
    )
    found = rows(log(content), "plain")
    assert [row["message"] for row in found] == [
        "first",
        "nul\0byte",
        "\ufffd\ufffd bad",
        'quote " and , comma',
        "cr\rinside",
        "red",
        "",
        "last",
    ]


@settings(max_examples=30)
@given(st.lists(st.binary(max_size=30).map(lambda line: b"x" + line.replace(b"\n", b" ")), min_size=1, max_size=20))
def test_whatever_the_bytes_every_line_is_there(tmp_path_factory, lines):
    path = tmp_path_factory.mktemp("bytes") / "x.log"
    path.write_bytes(b"\n".join(lines) + b"\n")
    assert [row["line"] for row in rows(path, "plain")] == [str(number) for number in range(1, len(lines) + 1)]


def test_a_group_is_a_number_only_when_all_of_it_are(log):
    fractions = rows(log(["0.5", "1.5", "2"], name="f.txt"), r"^(?P<a>\S+)$")
    assert [row["a"] for row in fractions] == ["0.5", "1.5", "2.0"]
    path = log(["7 8", "9 10", "11 12b", "- 13"], name="app.txt")
    assert [tuple(row.values())[1:3] for row in rows(path, r"^(?P<a>\S+) (?P<b>\S+)$")] == [
        ("7", "8"),
        ("9", "10"),
        ("11", "12b"),
        (None, "13"),
    ]


def test_lines_that_span_blocks_are_whole(log, monkeypatch):
    monkeypatch.setattr("anomembed.read.lines.decompressing.BYTES_AT_ONCE", 7)
    lines = ["", "short", "x" * 100, "é" * 9, "end"]
    found = rows(log(lines), "plain")
    assert [row["message"] for row in found] == lines
    assert [int(row["line"]) for row in found] == [1, 2, 3, 4, 5]


def test_a_line_of_a_hundred_thousand_characters(log):
    found = rows(log([SYSLOG, f"{SYSLOG} {'y' * 100_000}", SYSLOG]))
    assert len(found[1]["message"]) > 100_000


@pytest.mark.parametrize("name", ["a.log.gz", "a.log", "a.log.1", "A.LOG"])
def test_logs_are_known_by_their_name(name, log):
    assert len(rows(log([SYSLOG] * 3, name))) == 3


def test_a_log_compressed_by_zstandard(tmp_path):
    with pa.output_stream(tmp_path / "a.log.zst", compression="zstd") as stream:
        stream.write(b"line 0\nline 1\nline 2\nline 3\nline 4")
    assert [row["message"] for row in rows(tmp_path / "a.log.zst")] == [f"line {number}" for number in range(5)]


def test_several_logs_are_told_apart(log, tmp_path):
    log([SYSLOG] * 2, "a.log")
    log([SYSLOG], "b.log.gz")
    found = rows(tmp_path / "*.log*")
    assert [Path(row["line"]).name for row in found] == ["a.log:1", "a.log:2", "b.log.gz:1"]
    assert {Path(row["file"]).name for row in found} == {"a.log", "b.log.gz"}


@pytest.mark.parametrize(
    ("said", "message"),
    [
        ("sylog", "unknown line format sylog; did you mean 'syslog'"),
        ("(?P<a>x", "not a regular expression"),
        (r"(?P<a>x)(?=y)", "not a regular expression of RE2"),
        (r"(?P<a>x)\1", "not a regular expression of RE2"),
        (r"(\d+) (.*)", "no named group"),
        (r"(?P<line>\d+)", "none of them line"),
        (r"(?P<a>\d+)(?P<A>\d+)", "different names"),
        ("(?P<a>" + "(" * 3_000 + ")" * 3_000 + ")", "not a regular expression"),
    ],
)
def test_what_is_no_format_is_refused_in_a_sentence(said, message):
    with pytest.raises(ConfigError, match=message.replace("(", r"\(")) as error:
        make_format(said)
    assert "\n" not in str(error.value)


def test_a_wrong_format_is_told_from_an_empty_log(log):
    with pytest.raises(SourceError, match=r"no line of .* is in the line format combined"):
        rows(log([SYSLOG]), "combined")
    with pytest.raises(SourceError, match="is empty"):
        rows(log(b""))
    with pytest.raises(SourceError, match="no files match"):
        rows("nowhere/*.log")
    with pytest.raises(SourceError, match="no such file"):
        rows("nowhere.log")


def test_what_only_claims_to_be_compressed_is_a_clear_error(log, tmp_path):
    (tmp_path / "x.log.gz").write_bytes(b"\x1f\x8b not gzip at all")
    with pytest.raises(SourceError, match="cannot be read"):
        rows(tmp_path / "x.log.gz")


def test_an_expression_that_would_take_forever_elsewhere_ends_at_once(log):
    assert len(rows(log(["a" * 5_000 + "!", "b"]), r"^(?P<x>(a+)+)$|(?P<y>b)")) == 2


def test_a_log_is_scanned_in_one_command(log, run):
    usual = [
        f"Jun  1 0{i % 9}:{i % 60:02}:00 web sshd[{i}]: Accepted key for deploy from 10.0.0.{i % 5} port {4000 + i}"
        for i in range(300)
    ]
    usual[200] = "Jun  1 03:00:00 web sshd[77]: fatal: no more memory in arena"
    path = log(usual)
    outcome = run("scan", path, "--budget", "1", "--format", "csv")
    assert outcome.code == 0, outcome.err
    assert outcome.out.splitlines()[1].startswith("201,1,")
    assert "fatal: no more memory in arena is rare (1 of 300 records)" in outcome.out
    assert "the lines are in the format syslog" in outcome.err


def test_a_format_that_is_wrong_ends_the_command_with_2(log, run):
    outcome = run("scan", log([SYSLOG] * 3), "--line-format", "(?P<a>x)(?=y)")
    assert outcome.code == 2
    assert "not a regular expression of RE2" in outcome.err
    assert not Path("anomembed.duckdb").exists()


def test_a_format_is_kept_in_the_configuration(log, run):
    lines = [f"{i % 3}|user{i % 4} did thing {i % 5} again" for i in range(200)]
    path = log(lines, "app.txt")
    form = r"^(?P<kind>\d)\|(?P<message>.*)$"
    assert run("init", path, "--line-format", form, "-o", "a.toml").code == 0
    assert tomllib.loads(Path("a.toml").read_text())["source"]["line_format"] == form
    assert run("fit", "a.toml").code == 0
    outcome = run("score", "a.toml", "--format", "ndjson")
    assert outcome.code == 0, outcome.err
    assert "200 records" in outcome.err


def test_startup_lines_of_dpkg_name_no_package(log):
    lines = [
        "2024-05-01 09:30:00 startup packages configure",
        "2024-05-01 09:30:01 configure libc6:amd64 2.36-9 <none>",
        "2024-05-01 09:30:02 status installed libc6:amd64 2.36-9",
    ]
    names = ("action", "state", "package", "version", "available")
    assert [tuple(row[name] for name in names) for row in rows(log(lines, "dpkg.log"))] == [
        ("startup packages configure", None, None, None, None),
        ("configure", None, "libc6:amd64", "2.36-9", "<none>"),
        ("status", "installed", "libc6:amd64", "2.36-9", None),
    ]
