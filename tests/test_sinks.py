"""What other tools read: files of scores, and flags on standard output, compared byte for byte with `golden/`.

To renew the golden files, run this file with ANOMEMBED_RENEW=1 and read the difference before committing: every changed
byte is one that somebody's script may notice.
"""

import csv
import json
import os
from pathlib import Path

import duckdb
import polars as pl
import pytest
from databases import SHARED
from forks import run_apart

from anomembed.cli.options import TABLE
from anomembed.cli.printing import print_flags
from anomembed.errors import ConfigError, StoreError
from anomembed.write.sinks import check_scores_path, file_sinks, printed_sinks, write_scores
from anomembed.write.store import Store

GOLDEN = Path(__file__).parent / "golden"
HARD = """
SELECT * FROM (VALUES
    ('=cmd()|'' /C calc''!A0', -1::BIGINT, -12.50::DECIMAL(9,2), TIMESTAMP '2026-01-02 03:04:05.678901', '-red'),
    ('+49 30 1234', 2, 0.00, '2026-01-02', 'blue'),
    ('-5', -9223372036854775807, 9999999.99, '1969-12-31 23:59:59', '@home'),
    ('@SUM(A1)', 4, 1.10, '2026-12-31 23:59:59.999999', 'blue'),
    (chr(9) || '=1+1', 5, 1.11, '2026-01-01', 'blue'),
    (chr(13) || '=1+1', 6, 1.12, '2026-01-01', 'blue'),
    ('line' || chr(10) || 'break, and "quotes"', 7, 1.13, '2026-01-01', 'blue'),
    ('esc' || chr(27) || '[31m bell' || chr(7), 8, 1.14, '2026-01-01', 'blue'),
    ('naïve ☃ 🙂', 9, 1.15, '2026-01-01', 'blue'),
    ('<b>[red]a=b</b>', 10, 1.16, '2026-01-01', 'blue')
) v("who said", n, amount, "at", colour)
"""
KEY = ["who said", "n", "amount", "at", "colour"]
REASON = '=HYPERLINK(1) is unusual with "x"; expected: ☃, b'


@pytest.fixture(scope="module")
def scored():
    frame = duckdb.sql(HARD).pl().with_columns(pl.col("colour").cast(pl.Categorical))
    n = pl.int_range(frame.height)
    return frame.with_columns(raw_score=10.5 - n, tail_probability=0.1 ** (9 - n / 3), view=pl.lit("rarity"))


@pytest.fixture
def flags(scored):
    rank = pl.int_range(1, 4, dtype=pl.Int64)
    carried, finding = pl.lit('{"who said": "=cmd()", "n": 1}'), pl.lit("0123456789abcdef")
    found = scored.head(3).with_columns(rank=rank, extrapolated=rank < 2, reason=pl.lit(REASON))
    columns = (*KEY, "rank", "raw_score", "tail_probability", "extrapolated", "view", "reason")
    return found.select(*columns, record_values=carried, finding=finding)


@pytest.fixture
def store(scored, flags, tmp_path):
    """A store that has just scored."""
    schema = {"rank": pl.Int64, "view": pl.String, "column_name": pl.String, "value": pl.String}
    parts = pl.DataFrame(schema=schema | {"contribution": pl.Float64, "expected": pl.List(pl.String)})
    about = {"source": "s", "condition": None, "rule": "budget 3", "n_scored": scored.height}
    with Store(tmp_path / "s.duckdb") as opened:
        opened.stage([scored[:4], scored[4:]])
        with opened.transaction():
            opened.add_run(1, about, KEY, flags, parts)
        yield opened


def assert_golden(name, content):
    if os.environ.get("ANOMEMBED_RENEW"):
        (GOLDEN / name).write_bytes(content)
    assert content == (GOLDEN / name).read_bytes()


@pytest.mark.parametrize("ending", ["csv", "ndjson"])
def test_scores_as_text_are_these_bytes(store, tmp_path, ending):
    write_scores(store, KEY, tmp_path / f"scores.{ending}")
    assert_golden(f"scores.{ending}", (tmp_path / f"scores.{ending}").read_bytes())


def test_scores_as_parquet_have_this_schema_and_the_values_as_they_are(store, scored, tmp_path):
    path = tmp_path / "it's.parquet"
    write_scores(store, KEY, path)
    with SHARED.cursor() as connection:
        described = connection.execute("DESCRIBE FROM read_parquet(?)", [str(path)]).fetchall()
    rows = pl.read_parquet(path)
    assert_golden("scores.parquet.txt", "".join(f"{name} {kind}\n" for name, kind, *_ in described).encode())
    assert rows[KEY[:-1]].equals(scored[KEY[:-1]])
    assert rows["flagged"].to_list() == [True] * 3 + [False] * 7
    assert rows["reason"].to_list() == [REASON] * 3 + [""] * 7
    assert rows["raw_score"].to_list() == scored["raw_score"].to_list()


def test_no_cell_of_a_csv_is_a_formula_and_no_number_is_changed(store, tmp_path):
    write_scores(store, KEY, tmp_path / "scores.csv")
    with (tmp_path / "scores.csv").open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert not [
        cell for row in rows for name in ("who said", "colour", "reason") if (cell := row[name])[:1] in {*"=+-@\t\r"}
    ]
    assert [row["n"] for row in rows[:3]] == ["-1", "2", "-9223372036854775807"]
    assert rows[0]["amount"] == "-12.50"
    assert rows[2]["who said"] == "'-5"


def test_every_line_of_ndjson_is_the_record_as_it_is(store, scored, tmp_path):
    write_scores(store, KEY, tmp_path / "scores.ndjson")
    rows = [json.loads(line) for line in (tmp_path / "scores.ndjson").read_bytes().splitlines()]
    assert [row["who said"] for row in rows] == scored["who said"].to_list()
    assert [row["raw_score"] for row in rows] == scored["raw_score"].to_list()


@pytest.mark.parametrize("form", [TABLE, *printed_sinks()])
def test_flags_on_standard_output_are_these_bytes(flags, form, capsys):
    hard = flags.with_columns(
        nothing=pl.Series([None, "x", None]),
        at=pl.col("at").dt.replace_time_zone("UTC"),
        raw=pl.Series([b"\xff", b"=", None]),
    )
    print_flags(hard.select("nothing", "raw", pl.exclude("nothing", "raw")), form, 7)
    assert_golden(f"flags.{form}", capsys.readouterr().out.encode())


@pytest.mark.parametrize("form", [TABLE, *printed_sinks()])
def test_no_flags_are_still_well_formed(flags, form, capsys):
    print_flags(flags[:0], form, 5)
    out = capsys.readouterr().out
    assert out.count("\n") == {"table": 1, "json": 1, "ndjson": 0, "csv": 1}[form]
    assert form != "json" or json.loads(out) == []


@pytest.mark.parametrize("form", ["table", "csv", "json", "ndjson"])
def test_what_a_terminal_would_obey_never_reaches_it_raw(flags, form, capsys):
    evil = flags.with_columns(pl.lit("\x1b]0;owned\x07\x9b31m").alias("who said"))
    print_flags(evil, form, 5)
    if form != "csv":  # a file format: the value is data there
        assert not [letter for letter in capsys.readouterr().out if letter in "\x1b\x07\x9b"]


def test_a_file_is_there_whole_or_not_at_all(store, tmp_path):
    folder = tmp_path / "out"
    folder.mkdir()
    (folder / "scores.csv").write_text("yesterday's")
    with pytest.raises(StoreError):
        write_scores(store, ["no such key"], folder / "scores.csv")
    assert [(p.name, p.read_text()) for p in folder.iterdir()] == [("scores.csv", "yesterday's")]
    write_scores(store, KEY, folder / "scores.csv")
    assert [p.name for p in folder.iterdir()] == ["scores.csv"]
    assert (folder / "scores.csv").read_text().count("rarity") == 10


@pytest.mark.parametrize(
    "name", ["scores.xlsx", "scores", "no/scores.csv", "folder.csv", "file/scores.csv", f"{'x' * 250}.csv"]
)
def test_what_cannot_be_written_late_is_refused_early(name, tmp_path):
    Path("folder.csv").mkdir()
    Path("file").touch()
    with pytest.raises(ConfigError):
        check_scores_path(Path(name), None, "store.duckdb")
    assert {path.name for path in tmp_path.iterdir()} == {"folder.csv", "file"}


def test_scores_never_replace_their_source_or_their_store(run):
    Path("t.csv").write_text("id,a,b\n" + "".join(f"{i},a{i % 3},b{i % 3}\n" for i in range(60)))
    before = Path("t.csv").read_bytes()
    outcome = run("scan", "t.csv", "-q", "--scores-to", "./t.csv")
    assert (outcome.code, outcome.err.count("\n")) == (2, 1)
    assert Path("t.csv").read_bytes() == before
    assert run("scan", "t.csv", "-q", "--store", "s.csv", "--scores-to", "s.csv").code == 2


def test_formats_are_those_that_the_command_line_names(run):
    help_text = " ".join(run("scan", "--help").out.split())
    assert f"--format <{'|'.join([TABLE, *printed_sinks()])}>" in help_text
    *most, last = file_sinks()
    assert f"to this {', '.join(most)} or {last} file" in help_text
    outcome = run("scan", "t.csv", "--format", "xml")
    assert outcome.code == 2
    assert "'xml' is not table, json, csv or ndjson" in " ".join(outcome.err.replace("\u2502", " ").split())


TOY = """
from anomembed.write.sinks import FORMULA, SINKS, Sink, csv_tables, csv_text
tabs = lambda text: text.replace(",", "\\t")
copy = "FORMAT csv, DELIMITER '\\t', HEADER true"
SINKS.append(Sink("tsv", copy, lambda flags: tabs(csv_text(flags)), lambda tables: tabs(csv_tables(tables)), FORMULA))
"""


def test_a_sink_is_one_row(tmp_path):
    """A row is all that a format needs: for the help, refusals, files of scores, and flags and tables as printed."""
    rows = "".join(f"=k{i},a{i % 3},b{i % 3}\n" for i in range(60))
    (tmp_path / "t.csv").write_text(f"id,a,b\n{rows}odd,a1,b2\n")
    shown, refused, written, flagged, judged = run_apart(
        ["scan", "--help"],
        ["scan", "t.csv", "--scores-to", "s.xlsx"],
        ["scan", "t.csv", "-q", "--budget", "1", "--scores-to", "s.tsv"],
        ["scan", "t.csv", "--budget", "1", "--format", "tsv"],
        ["evaluate", "t.csv", "--format", "tsv"],
        before=TOY,
    )
    help_text = " ".join(shown.out.split())
    assert "<table|json|csv|ndjson|tsv>" in help_text
    assert ".parquet, .csv, .ndjson or .tsv file" in help_text
    assert "files that end in .parquet, .csv, .ndjson, .tsv" in refused.err
    assert written.code == 0, written.err
    header, first, *more = (tmp_path / "s.tsv").read_text().splitlines()
    assert header.split("\t") == ["id", "raw_score", "tail_probability", "flagged", "view", "reason"]
    assert (first.split("\t")[0], first.split("\t")[3]) == ("odd", "true")
    assert len(more) == 60
    assert all(line.startswith("'=k") for line in more)
    flags = flagged.out.splitlines()
    assert flags[0].startswith("id\trank\traw_score")
    assert len(flags) == 2
    assert judged.out.startswith("table\t"), judged.err
