"""Each kind of input that once ended in a traceback: it is judged, or refused in one sentence."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import duckdb
import numpy as np
import polars as pl
import pytest

from anomembed.read.column_types import moment_sql
from anomembed.represent.vectors import vector_matrix

TABLE = "CREATE TABLE t AS SELECT i AS id, 'p' || i % 3 AS c, {} FROM range(200) r(i)"
MOMENTS = {
    "infinite": "'infinity'::TIMESTAMP",
    "minus infinite": "'-infinity'::DATE::TIMESTAMP",
    "before the year 1": "'0044-03-15 (BC) 00:00:00'::TIMESTAMP",
    "after the year 9999": "'290000-01-01'::TIMESTAMP",
}


def flags_of(outcome):
    assert outcome.code == 0, outcome.err
    return json.loads(outcome.out)


def refusal(outcome):
    assert (outcome.code, outcome.out) == (2, ""), outcome.err
    return outcome.err.splitlines()[-1]


@pytest.mark.parametrize("moment", MOMENTS.values(), ids=MOMENTS)
def test_a_moment_that_python_cannot_say_counts_as_missing(run, database, moment):
    source = database(TABLE.format(f"if(i % 50 = 7, {moment}, TIMESTAMP '2025-01-01' + to_hours(i)) AS at"))
    outcome = run("scan", source, "--entity", "c", "--format", "json", "--budget", "5")
    flags_of(outcome)
    assert "in 4 of 200 records, at is infinite or not in the years 1 to 9999: it counts as missing" in outcome.err


def test_the_last_moment_of_the_year_9999_is_judged():
    last = duckdb.sql(f"SELECT {moment_sql('m', 'TIMESTAMP')} FROM (SELECT TIMESTAMP '9999-12-31 23:59:59' AS m)")
    assert last.fetchall()[0][0].year == 9999


@pytest.mark.parametrize("kind", ["TIMESTAMP", "DATE"])
def test_a_key_of_moments_may_be_infinite(run, database, kind):
    source = database(
        TABLE.format(f"if(i = 0, 'infinity'::{kind}, '2025-01-01'::{kind} + to_days(i::INT))::{kind} AS k")
    )
    found = flags_of(run("scan", source, "--key", "k", "--ignore", "id", "--format", "json", "--budget", "200"))
    assert "infinity" in {flag["k"] for flag in found}


@pytest.mark.parametrize("others", ["'x' || i % 4 AS w", "[i % 3, 1.5] AS v"])
def test_a_column_with_a_name_of_our_sql_is_left_out_and_told(run, database, others):
    outcome = run("scan", database(TABLE.format(f'i % 5 AS "__Anomembed_hash", {others}')), "--format", "json")
    flags_of(outcome)
    assert "__Anomembed_hash left out: names that begin with __anomembed_ are reserved" in outcome.err


def test_a_condition_that_is_never_the_same_is_no_bug(run, database):
    source = database("CREATE TABLE t AS SELECT 'x' || i % 2 AS a, [random(), random()] AS v FROM range(3) r(i)")
    codes = {run("scan", source, "--fit-where", "random() > .5").code for _ in range(8)}
    assert codes <= {0, 2}


def test_no_vectors_at_all_are_a_matrix_of_their_width():
    assert vector_matrix(pl.Series([], dtype=pl.Array(pl.Float32, 3))).shape == (0, 3)


def test_numbers_near_zero_have_a_finite_magnitude(run, database):
    outcome = run("scan", database(TABLE.format("i * 1e-322 AS tiny")), "--fit-where", "id % 2 = 0", "--format", "json")
    assert len(flags_of(outcome)) == 20


def test_sequences_may_be_named_by_lists(run, database):
    source = database(TABLE.format("[i // 10, 1] AS trace"))
    flags = flags_of(run("scan", source, "--sequence=trace", "--order=id", "--event=c", "--budget=99", "--format=json"))
    assert len(flags) == 20
    assert np.all([flag["trace"].startswith("[") for flag in flags])


def test_a_sequence_is_not_its_own_event(run, database):
    said = refusal(run("scan", database(TABLE.format("1 AS x")), "--sequence", "c", "--order", "id", "--event", "c"))
    assert said == "anomembed: c names the sequences: choose another column for the event"


LOGIN = (
    "CREATE TABLE t AS SELECT i AS id, TIMESTAMP '2025-01-01' + to_minutes(i) AS at, ['in', 'out'][i % 2 + 1] AS event,"
    " CASE WHEN i % 10 = 0 THEN NULL WHEN i % 10 = 1 THEN '  ' ELSE 'host' || i % 4 END AS host FROM range(400) r(i)"
)


@pytest.mark.parametrize("way", ['window = "30m"', 'session_gap = "6m"', "length = 5", 'key = "host"'])
def test_nobody_has_no_sequence(run, database, tmp_path, way):
    database(LOGIN)
    toml = '[source]\ndatabase = "source.duckdb"\n[roles]\nentity = ["host"]\ntimestamp = ["at"]\n'
    (tmp_path / "a.toml").write_text(f'{toml}[sequence]\nevent = ["event"]\n{way}\n')
    fitted = run("fit", "a.toml")
    assert fitted.code == 0
    assert "80 of 400 events have no host: they are in no sequence" in fitted.err
    outcome = run("score", "a.toml", "--scores-to", "scores.parquet", "--format", "json")
    flags_of(outcome)
    assert pl.read_parquet("scores.parquet").to_series(0).str.starts_with("host").all()


def test_nobody_has_no_past(run, database):
    outcome = run("scan", database(LOGIN), "--entity", "host", "--time", "at", "--format", "json", "--budget", "400")
    assert "80 of 400 records have no host: they are nobody's, and compared with nobody's past" in outcome.err
    nobody = [flag for flag in flags_of(outcome) if int(flag["id"]) % 10 < 2]
    assert len(nobody) == 80
    assert not {"pace", "order"} & {flag["view"] for flag in nobody}


HUGE = "9" * 5000
WRONG_TOML = {
    "budget": "[flags]\nbudget = 99999999999999999999999",
    "records": "[reference]\nmax_records = 99999999999999999999999",
    "values": "[tokens]\nmax_values = 99999999999999999999999",
    "length": f"[sequence]\nevent = ['c']\nlength = {10**30}",
    "seed": "seed = true",
    "digits": f"seed = {HUGE}",
    "nesting": "seed = " + "[" * 3000 + "]" * 3000,
    "null": '[source]\ndatabase = "a\\u0000b"',
    "condition": '[source]\nwhere = " "',
    "duration": f"[sequence]\nevent = ['c']\nwindow = '{HUGE}d'\n[roles]\ntimestamp = ['id']",
}


@pytest.mark.parametrize("command", ["fit", "score"])
@pytest.mark.parametrize("text", WRONG_TOML.values(), ids=WRONG_TOML)
def test_a_configuration_beyond_all_bounds_is_refused(run, database, tmp_path, command, text):
    database(TABLE.format("1 AS x"))
    (tmp_path / "a.toml").write_text(text if "[source]" in text else f"{text}\n[source]\ndatabase = 'source.duckdb'\n")
    if text.startswith("[sequence]") and "window" in text and command == "score":
        return  # there is no model yet
    said = refusal(run(command, "a.toml"))
    assert len(said) < 500


@pytest.mark.parametrize(
    "options",
    [
        ["--budget", "9" * 30],
        ["--seed", "9" * 30],
        ["--where", ""],
        ["--fit-where", " "],
        ["--key", "\udcff"],
        ["--store", "a\0b"],
    ],
)
def test_an_option_beyond_all_bounds_is_refused(run, database, options):
    refusal(run("scan", database(TABLE.format("1 AS x")), *options))


def test_a_bug_is_one_line_and_keeps_its_traceback_in_a_file(run, database, monkeypatch, tmp_path):
    class Panic(BaseException):
        """As the panics of libraries in Rust."""

    def panic(*_, **__):
        raise Panic("at the\ndisco")

    monkeypatch.setattr("anomembed.cli.running.scan_into_store", panic)
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    outcome = run("scan", database(TABLE.format("1 AS x")), "--quiet")
    assert (outcome.code, outcome.err.count("\n")) == (70, 1)
    assert outcome.err.startswith("anomembed: this is a bug (Panic: 'at the'); please report it with ")
    assert "disco" in (tmp_path / outcome.err.split(" with ")[1].strip()).read_text()


def started(*arguments, **how):
    return subprocess.Popen(
        [sys.executable, "-m", "anomembed", *map(str, arguments)], text=True, stderr=subprocess.PIPE, **how
    )


@pytest.mark.parametrize("library", ["_polars_runtime", "_duckdb", "libllvmlite", None])
def test_ctrl_c_ends_with_130_and_one_line(database, library):
    """Also while libraries are imported, some of which would abort."""
    source = database(
        "CREATE VIEW t AS SELECT i AS id, 'p' || hash(i) % 9 AS c, random() AS x FROM range(30000000) r(i)"
    )
    process = started("scan", source, "--quiet", stdout=subprocess.DEVNULL)
    deadline = time.monotonic() + 30
    while library and library not in Path(f"/proc/{process.pid}/maps").read_text() and time.monotonic() < deadline:
        time.sleep(0.001)
    if library is None:
        time.sleep(2.5)
    process.send_signal(signal.SIGINT)
    _, said = process.communicate(timeout=60)
    assert (process.returncode, said.splitlines()[-1:]) == (130, ["anomembed: interrupted"])
    assert "Traceback" not in said


@pytest.mark.parametrize(("sent", "code", "said"), [("INT", 130, "interrupted"), ("TERM", 143, "terminated")])
@pytest.mark.parametrize("error", ["RuntimeError('INTERRUPT Error: Query interrupted')", "ImportError('not loaded')"])
def test_what_a_library_makes_of_a_signal_changes_no_exit_code(sent, code, said, error):
    """DuckDB says "interrupted" of any signal; a library that is loading says something of its own."""
    app = f"""
import os, signal, time
from anomembed import cli
def app():
    with cli.own_ends():
        try:
            os.kill(os.getpid(), signal.SIG{sent})
            time.sleep(9)
        except BaseException:
            raise {error} from None
cli._app = app
cli.main()
"""
    process = subprocess.run([sys.executable, "-c", app], capture_output=True, text=True)
    assert (process.returncode, process.stderr.splitlines()) == (code, [f"anomembed: {said}"])


@pytest.mark.parametrize("command", [["--help"], ["scan", "--help"]], ids=["help", "scan"])
@pytest.mark.parametrize(("target", "code"), [("pipe", 0), ("closed", 0), ("/dev/full", 2)])
def test_an_output_that_takes_nothing_is_no_bug(target, code, command):
    if target == "pipe":
        reading, writing = os.pipe()
        os.close(reading)
        process = started(*command, stdout=writing)
        os.close(writing)
    elif target == "closed":
        process = started(*command, preexec_fn=lambda: os.close(1))
    else:
        with Path(target).open("w") as full:
            process = started(*command, stdout=full)
    _, said = process.communicate(timeout=120)
    assert process.returncode == code, said
    assert "Traceback" not in said
    assert "Exception ignored" not in said


@pytest.mark.parametrize("command", [("similar", "act={}"), ("sql", "FROM similar('act', '{}')")])
def test_an_error_shows_nothing_that_a_terminal_obeys(command, run, database):
    """Neither of what is typed, nor of the values that are offered in its place."""
    acts = "list_value('read', 'write', chr(155) || '31m1', chr(27) || '[31m', 'a' || chr(10) || 'b')[1 + i % 5]"
    path = database(f"CREATE TABLE t AS SELECT i AS id, {acts} AS act, 'n' || i % 3 AS n FROM range(300) r(i)")
    assert run("scan", path, "--quiet").code == 0
    for typed in ("\x9b31m2", "\x1b[32m", "a\nc"):
        outcome = run(command[0], command[1].format(typed))
        assert outcome.code == 2
        assert "did you mean" in outcome.err
        assert all(letter.isprintable() for letter in outcome.err.removesuffix("\n")), ascii(outcome.err)
