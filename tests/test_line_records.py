"""Lines that continue a record, pairs as columns, endless and compressed lines."""

import bz2
import gzip
import lzma

import pytest
from test_lines import read, rows

from anomembed.errors import SourceError
from anomembed.read.lines import decompressing as line_bytes
from anomembed.read.lines import pairs
from anomembed.read.lines.cleaning import ASIDE
from anomembed.read.table import Table

USUAL = "2024-05-01 09:30:00,123 INFO [main] app.Shop: order 7 paid"
FAILED = "2024-05-01 09:30:01,456 ERROR [main] app.Shop: payment of order 7 failed"
TRACES = {
    "java": [
        "java.lang.IllegalStateException: no gateway",
        "\tat app.Shop.pay(Shop.java:7)",
        "\tat app.Shop.main(Shop.java:3)",
        "Caused by: java.io.IOException: closed",
        "\tat app.Net.send(Net.java:9)",
        "\t... 12 more",
    ],
    "python": [
        "Traceback (most recent call last):",
        '  File "/app/shop.py", line 7, in pay',
        "    raise ValueError(order)",
        "ValueError: no gateway",
    ],
    "node": ["TypeError: no gateway", "    at pay (/app/shop.js:3:7)", "    at main (/app/shop.js:9:1)"],
    ".net": ["System.Exception: no gateway", " ---> System.IO: closed", "   at App.Shop.Pay() in /app/shop.cs:line 3"],
    "go": ["goroutine 17 [running]:", "app.pay(0xc00009, 0x1)", "\t/app/shop.go:18 +0x147", "main.main()"],
    "php": ["Stack trace:", "#0 /app/shop.php(9): pay()", "#1 {main}", "  thrown in /app/shop.php on line 3"],
}

COMPRESSIONS = [(".gz", gzip.compress), (".bz2", bz2.compress), (".xz", lzma.compress)]


@pytest.fixture
def log(tmp_path):
    """Write lines to a log."""

    def write(lines, name="server.log"):
        path = tmp_path / name
        path.write_text("".join(f"{line}\n" for line in lines))
        return path

    return write


@pytest.mark.parametrize("kind", TRACES)
@pytest.mark.parametrize("at_once", [1 << 24, 40])
def test_a_stack_trace_is_part_of_its_record(kind, at_once, log, monkeypatch):
    monkeypatch.setattr(line_bytes, "BYTES_AT_ONCE", at_once)  # a record may begin in one block and end in another
    trace = TRACES[kind]
    found, notes = read(log([USUAL] * 5 + [FAILED, *trace, USUAL]))
    assert [row["line"] for row in found] == ["1", "2", "3", "4", "5", "6", str(7 + len(trace))]
    assert found[5]["message"].startswith("payment of order 7 failed\n")
    kept = found[5]["message"].replace(ASIDE, "").split("\n")[1:]
    assert sorted(kept) == sorted(trace)
    assert notes[1] == (
        f"{len(trace)} of {len(trace) + 7} lines, such as those of stack traces, continue the record before "
        "them and are part of it"
    )


def test_many_frames_do_not_hide_the_format(log):
    assert read(log([FAILED, *TRACES["java"]] * 50))[1][0] == "the lines are in the format log4j"


def test_only_frames_stand_aside(log):
    message = rows(log([USUAL] * 5 + [FAILED, *TRACES["java"]]))[5]["message"]
    head, aside = message.split(ASIDE)
    assert head.split("\n")[1:] == [TRACES["java"][0], TRACES["java"][3]]
    assert aside.count("at app.") == 3


def test_damaged_lines_and_those_of_others_are_not_swallowed(log):
    other = ["INFO [main] app.Shop: order 8 paid", "Listening on port 80", "2024-05-01 09:30:02 from elsewhere"]
    found = rows(log([USUAL, *other] * 10), "log4j")
    assert len(found) == 40
    assert [row["message"] for row in found[1:4]] == other


def test_what_looks_like_a_record_ends_the_one_before(log):
    found = rows(log([FAILED, "\tat app.Shop.pay(Shop.java:7)", "May  1 09:30:00 host other: x", "\tmore"]), "log4j")
    assert [row["line"] for row in found] == ["1", "3"]


def test_lines_before_the_first_record_stay(log):
    found = rows(log(["  banner", "  of the shop", USUAL, USUAL]))
    assert [row["line"] for row in found] == ["1", "2", "3", "4"]


def test_a_message_left_open_goes_on(log):
    query = ["2024-05-01 09:30:00,123 INFO [main] app.Db: running:", "SELECT a", "FROM b"]
    found = rows(log([USUAL, USUAL, USUAL, USUAL, *query, USUAL]))
    assert [row["message"] for row in found[4:]] == ["running:\nSELECT a\nFROM b", "order 7 paid"]


def test_without_a_format_only_indented_lines_and_frames_are_joined(log):
    lines = [
        "it began",
        "Exception in thread main: no",
        *TRACES["java"][1:],
        "it ended",
        "all good",
        "and so on",
        "and on",
    ]
    assert [row["line"] for row in rows(log(lines))] == ["1", "2", "8", "9", "10", "11"]
    table = [f"{number:>6} of {number}" for number in range(20)]  # indented throughout: no continuation
    assert len(rows(log(table))) == 20


def test_what_a_record_keeps_is_bounded(log):
    found = rows(log([USUAL, FAILED, *(f"\tat app.Shop.pay(Shop.java:{i})" for i in range(5_000)), USUAL]))
    assert [row["line"] for row in found] == ["1", "2", "5003"]
    assert 3_000 < len(found[1]["message"]) < 9_000


def test_a_new_exception_is_one_finding(log, run):
    def trace(name, seed):
        return [name, *(f"\tat app.C{seed * i % 97}.m{i}(C.java:{seed + i})" for i in range(20))]

    lines = []
    for i in range(600):
        lines.append(f"2024-05-01 09:{i // 60:02}:{i % 60:02},123 INFO [main] app.Shop: order {i} paid")
        if i % 30 == 7:
            lines += [f"2024-05-01 09:{i // 60:02}:{i % 60:02},456 ERROR [main] app.Shop: no stock for {i}"]
            lines += trace("java.util.concurrent.TimeoutException: waited 3000 ms", i)
        if i == 400:
            planted = len(lines) + 1
            lines += [f"2024-05-01 09:{i // 60:02}:{i % 60:02},456 ERROR [main] app.Shop: no stock for {i}"]
            lines += trace("java.lang.OutOfMemoryError: heap", 3)
    outcome = run("scan", log(lines), "--budget", "1", "--format", "csv")
    assert outcome.code == 0, outcome.err
    assert outcome.out.splitlines()[1].startswith(f"{planted},1,")
    assert "OutOfMemoryError: heap is rare (1 of 621 records)" in outcome.out  # 20 traces of other frames are alike


def test_controls_of_terminals_are_taken_off(log):
    coloured = [
        "\x1b[2m2026-02-02 08:00:01.125\x1b[0;39m \x1b[32m INFO\x1b[0;39m \x1b[35m7\x1b[0;39m \x1b[2m---\x1b[0;39m "
        "[nio-1] \x1b[36mo.s.Web  \x1b[0;39m \x1b[2m:\x1b[0;39m it\x07 b\x08began",
        "\x1b]0;title\x07#033[31m2026-02-02 08:00:02.125  WARN 7 --- [nio-1] o.s.Web  : it ended#033[0m",
    ]
    found = rows(log(coloured))
    assert [(row["level"], row["thread"], row["logger"], row["message"]) for row in found] == [
        ("INFO", "nio-1", "o.s.Web", "it began"),
        ("WARN", "nio-1", "o.s.Web", "it ended"),
    ]


def test_pairs_are_columns_and_may_be_missing(log):
    lines = [f'ts=2024-05-01T09:30:0{i}Z level=info took={i}.5 msg="a \\"b\\" c=d"' for i in range(3)]
    found = rows(log([*lines, "ts=2024-05-01T09:30:04Z level=error err=EOF message=whole line=7"]))
    assert found[0] == {
        "line": "1", "message": None, "level": "info", "ts": "2024-05-01 09:30:00", "msg": 'a "b" c=d', "took": "0.5",
        "err": None, "line_": None,
    }  # fmt: skip
    last = {"took": None, "err": "EOF", "message": "whole", "line_": "7"}
    assert {name: found[3][name] for name in last} == last


def test_rare_keys_beyond_the_most_are_told(log, monkeypatch):
    assert pairs.MOST_KEYS == 100
    monkeypatch.setattr(pairs, "MOST_KEYS", 10)
    (found, *_), notes = read(log([f"a={i} k{i}=1" for i in range(15)]))
    assert notes[1] == "the lines have 16 keys; the 6 rarest are left out"
    assert {"line", "message", "a"} < set(found)
    assert len(found) == 12  # line, message and the most frequent keys


def test_values_of_cef_hold_spaces_and_escapes(log):
    row = rows(log([r"CEF:0|A\|B|Gate|1.0|100|worm stopped|10|src=10.0.0.1 msg=no way a\=b act=drop it"] * 2))[0]
    assert (row["vendor"], row["version"], row["msg"], row["act"]) == ("A|B", "1.0", "no way a=b", "drop it")


def test_a_line_without_an_end_is_cut_and_told(tmp_path, monkeypatch):
    monkeypatch.setattr(line_bytes, "LONGEST", 1_000)
    monkeypatch.setattr(line_bytes, "LONGEST_BYTES", 4_004)
    monkeypatch.setattr(line_bytes, "BYTES_AT_ONCE", 500)
    path = tmp_path / "x.log"
    path.write_bytes(("é" * 30_000 + "\nshort\n" + "y" * 1_000 + "\n" + "z" * 30_000).encode())
    found, notes = read(path)
    assert [row["message"] for row in found] == ["é" * 1_000, "short", "y" * 1_000, "z" * 1_000]
    assert "2 of 4 lines are cut to their first" in notes[1]


@pytest.mark.parametrize(
    ("content", "found"),
    [
        (b"one\rtwo\rthree\r", ["one", "two", "three"]),
        (b"one\r\ntwo\nthree", ["one", "two", "three"]),
        ("one\r\ntwo é\r\n".encode("utf-16"), ["one", "two é"]),
    ],
)
def test_other_line_ends_and_encodings(content, found, tmp_path):
    (tmp_path / "x.log").write_bytes(content)
    assert [row["message"] for row in rows(tmp_path / "x.log")] == found


@pytest.mark.parametrize(
    ("ending", "compress"), [(".gz", gzip.compress), (".bz2", bz2.compress), (".xz", lzma.compress)]
)
@pytest.mark.parametrize("is_named", [True, False])
def test_compressed_logs_of_several_members(ending, compress, is_named, tmp_path):
    path = tmp_path / ("x.log" + (ending if is_named else ".1"))
    path.write_bytes(compress(b"one\ntwo\n") + compress(b"three\n"))
    assert [row["message"] for row in rows(path)] == ["one", "two", "three"]


@pytest.mark.parametrize(
    ("ending", "compress"), [(".gz", gzip.compress), (".bz2", bz2.compress), (".xz", lzma.compress)]
)
def test_compressed_data_that_break_off_are_refused(ending, compress, tmp_path, run):
    path = tmp_path / f"x.log{ending}"
    path.write_bytes(compress(bytes(range(256)) * 4_000)[:-20])
    with pytest.raises(SourceError, match="breaks off: its compressed data have no end"):
        rows(path)
    outcome = run("scan", path)
    assert (outcome.code, outcome.err.count("breaks off")) == (2, 1)


def test_messages_without_spaces_are_messages(log, run):
    lines = [f"TX{i * 7919:08x}|BR{i % 40:03}|{'OK' if i % 9 else 'DECLINED'}|{i * 37}" for i in range(500)]
    lines[300] = lines[300].replace("OK", "REVERSED").replace("DECLINED", "REVERSED")
    outcome = run("scan", log(lines), "--line-format", "plain", "--budget", "1", "--format", "csv")
    assert outcome.code == 0, outcome.err
    assert outcome.out.splitlines()[1].startswith("301,1,")


def test_an_address_in_a_message_is_an_entity(log, run, tmp_path):
    programs = {1: "cron"}
    lines = [
        f"2024-05-{1 + i // 100:02}T09:{i % 60:02}:00Z web {programs.get(i % 2, 'sshd')}: closed by 10.0.0.{i % 20} ."
        for i in range(900)
    ]
    lines[700] = lines[700].replace("10.0.0.0", "10.0.0.1")
    path = log(lines)
    with Table(str(path)) as table:
        assert table.column("message ip").name == "message ip"
    for options in (["scan", path], ["init", path, "-o", "a.toml"]):
        outcome = run(*options, "--entity", "message ip", *(["--budget", "1"] if "scan" in options else []))
        assert outcome.code == 0, outcome.err
    assert run("fit", "a.toml").code == 0
    outcome = run("score", "a.toml", "--budget", "1", "--format", "csv")
    assert outcome.out.splitlines()[1].startswith("701,1,")
    assert "message ip=10.0.0.1" in outcome.out
    missing = run("scan", path, "--entity", "message word")
    assert (missing.code, "no such column" in missing.err) == (2, True)
