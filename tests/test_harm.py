"""What a run never does: overwrite what it reads or what is not its own, or leave an old result as if it were new."""

import csv
import json
import os
from pathlib import Path

import duckdb
import polars as pl
import pytest
from databases import opened

from anomembed.write.sinks import csv_text, inert, ndjson_text

ROWS = "SELECT i AS id, 'a' || i % 3 AS a, 'b' || i % 4 AS b FROM range(60) t(i)"


@pytest.fixture
def files(tmp_path):
    """The same records in every form, below the current folder."""
    (tmp_path / "in" / "deep").mkdir(parents=True)
    duckdb.sql(f"COPY ({ROWS}) TO 'in/deep/t.csv'")
    duckdb.sql(f"COPY ({ROWS}) TO 'in/p.parquet'")
    with opened("s.duckdb") as connection:
        connection.execute(f"CREATE TABLE t AS {ROWS}; CREATE VIEW v AS FROM 'in/p.parquet'")
    return tmp_path


@pytest.mark.parametrize(
    ("arguments", "target"),
    [
        (["in/**/*.csv"], "in/deep/t.csv"),
        (["in/**/*.csv"], "in/new.csv"),  # the next run would read it
        (["in/*.parquet"], "in/p.parquet"),
        (["s.duckdb", "v"], "in/p.parquet"),
        (["s.duckdb", "SELECT t.* FROM t JOIN read_parquet('in/*.parquet') USING (id)"], "in/p.parquet"),
        (["s.duckdb", "t"], "link.csv"),
        (["s.duckdb", "t"], "pipe.csv"),
        (["in/deep/t.csv"], "hard.csv"),
    ],
)
def test_what_is_read_is_never_written(run, files, arguments, target):
    Path("link.csv").symlink_to("in/deep/t.csv")
    os.mkfifo("pipe.csv")
    Path("hard.csv").hardlink_to("in/deep/t.csv")
    before = {path: path.read_bytes() for path in files.rglob("*") if path.is_file()}
    outcome = run("scan", *arguments, "-q", "--force", "--scores-to", target)
    assert (outcome.code, outcome.out) == (2, "")
    assert f"the scores cannot be written to {target}: it is " in outcome.err
    assert {path: path.read_bytes() for path in files.rglob("*") if path.is_file()} == before


@pytest.mark.parametrize("ending", ["csv", "ndjson", "parquet"])
def test_scores_replace_scores_and_nothing_else(run, files, ending):
    target = Path(f"out.{ending}")
    assert run("scan", "s.duckdb", "t", "-q", "--scores-to", target).code == 0
    assert run("scan", "s.duckdb", "t", "-q", "--scores-to", target).code == 0
    duckdb.sql(f"COPY ({ROWS}) TO '{target}'")
    before = target.read_bytes()
    assert "may hold something else" in run("scan", "s.duckdb", "t", "-q", "--scores-to", target).err
    assert target.read_bytes() == before
    assert run("scan", "s.duckdb", "t", "-q", "--force", "--scores-to", target).code == 0
    assert target.read_bytes() != before


@pytest.mark.parametrize("store", ["", ":memory:", "folder", "pipe", "same.duckdb"])
def test_a_store_is_a_file_of_its_own(run, files, store):
    Path("folder").mkdir()
    os.mkfifo("pipe")
    Path("same.duckdb").hardlink_to("s.duckdb")
    outcome = run("scan", "s.duckdb", "t", "--store", store)
    assert (outcome.code, outcome.err.count("\n")) == (2, 1)


def test_no_records_are_an_empty_result_in_every_format(run, files):
    Path("c.toml").write_text('[source]\ndatabase = "s.duckdb"\ntable = "t"\n')
    assert run("fit", "c.toml", "-q").code == 0
    for ending, kept in (("csv", "id,raw_score"), ("ndjson", ""), ("parquet", None)):
        target = Path(f"out.{ending}")
        assert run("score", "c.toml", "-q", "--scores-to", target).code == 0
        assert run("score", "c.toml", "-q", "--where", "id > 999", "--scores-to", target).code == 0
        if kept is None:
            assert pl.read_parquet(target).shape == (0, 6)
        else:
            assert target.read_text().startswith(kept)
            assert target.read_text().count("\n") == (1 if kept else 0)
    assert json.loads(run("score", "c.toml", "--where", "id > 999", "--format", "json").out) == []
    assert run("score", "c.toml", "--where", "id > 999", "--format", "csv").out.startswith("id,rank")


def test_an_option_replaces_the_rule_of_the_environment(run, files, monkeypatch):
    monkeypatch.setenv("ANOMEMBED_BUDGET", "5")
    assert "(budget 5)" in run("scan", "s.duckdb", "t").err
    assert "(alpha 0.1)" in run("scan", "s.duckdb", "t", "--alpha", "0.1").err


def test_text_that_shows_as_something_else_is_escaped():
    frame = pl.DataFrame({"a": ["\u200b", "\u2028", "\u202eabc", "\x1b[31m", "\x9b31m", "é"]})
    shown = [json.loads(line)["a"] for line in ndjson_text(frame).splitlines()]
    assert shown == frame["a"].to_list()
    assert all(letter.isprintable() or letter == "\n" for letter in ndjson_text(frame) + inert(csv_text(frame)))


@pytest.mark.parametrize("cell", [" =1+1", "\t=1", "\u200b=1", "=1", "+1", "-1", "@a", "\u00a0=1", "\r=1"])
def test_no_cell_is_a_formula(run, cell, database):
    names = [row[0] for row in csv.reader(csv_text(pl.DataFrame({"a": [cell]})).splitlines(keepends=True))]
    assert names[1].startswith("'")
    path = database(f"CREATE TABLE t AS SELECT id::VARCHAR AS id, a, b FROM ({ROWS})", "UPDATE t SET id = 'x' || id")
    with opened(path) as connection:
        connection.execute("UPDATE t SET id = ? WHERE id = 'x7'", [cell])
    assert run("scan", path, "--key", "id", "-q", "--scores-to", "out.csv").code == 0
    with Path("out.csv").open(newline="") as file:
        assert f"'{cell}" in {row[0] for row in csv.reader(file)}
