"""Conditions and queries that somebody else wrote: they read the source, and can do nothing else."""

from pathlib import Path

import duckdb
import polars as pl
import pytest

from anomembed.errors import SourceError
from anomembed.read.table import Table

TABLE = "CREATE TABLE t AS SELECT i AS id, 'c' || i % 3 AS c, i * 1.5 AS n FROM range(60) r(i)"
VICTIM = "CREATE TABLE precious AS SELECT 1 AS a"
SECRET = "FROM read_text('secret.txt')"

ATTACKS = [
    "true)); COPY (SELECT 42) TO 'made.csv'; SELECT count(*) FROM (FROM t WHERE (true",
    "true)); ATTACH 'victim.duckdb' AS v (READ_WRITE); DROP TABLE v.precious; SELECT count(*) FROM (FROM t WHERE (true",
    "id IN (WITH w AS (COPY t TO 'made.csv') FROM w)",
    "id IN (WITH w AS (INSERT INTO t VALUES (1, 'a', 2) RETURNING id) FROM w)",
    "id < 5) OR (id > 7",
    "id < 5 FROM t",
    "id < 5 LIMIT 1",
    "id < 5 AS x",
    "id < 5, id < 6",
    "id < 5; SELECT 1",
    "id < 5) --",
    "id < 5 /*",
    "*",
    f"c IN (SELECT content {SECRET})",
    "c IN (FROM 'secret.csv')",
    "c IN (FROM glob('*'))",
    "c IN (FROM query('FROM t'))",
    "c IN (SELECT a FROM a_frame)",
]


@pytest.fixture
def source(database):
    Path("secret.txt").write_text("secret")
    Path("secret.csv").write_text("a\nsecret\n")
    database(VICTIM, name="victim.duckdb")
    return database(TABLE)


@pytest.mark.parametrize("attack", ATTACKS)
@pytest.mark.parametrize("option", ["--where", "--fit-where"])
def test_a_condition_can_only_be_one_expression_that_reads(run, source, tmp_path, attack, option):
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    outcome = run("scan", source, "t", option, attack)
    assert (outcome.code, outcome.out) == (2, "")
    assert outcome.err.splitlines()[-1].startswith("anomembed: the condition ")
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before


LAYERS = {
    "id < 5, id < 6": "must be one SQL expression",
    "*": "must be one SQL expression",
    "id IN (WITH w AS (COPY t TO 'made.csv') FROM w)": "has a part that is no SELECT",
    "id IN (WITH w AS (INSERT INTO t VALUES (1, 'a', 2) RETURNING id) FROM w)": "has a part that is no SELECT",
    "c IN (FROM 'secret.csv')": "reads 'secret.csv'; a condition may only read tables",
    "c IN (FROM glob('*'))": "calls glob; a condition may only read tables",
    "n < 5 -- " + "x" * 100_000: "characters, more than 100,000",
}


@pytest.mark.parametrize("condition", LAYERS, ids=range(len(LAYERS)))
def test_what_is_no_condition_is_refused_before_anything_runs(source, condition):
    """The connection, which is shut, would refuse most of it, too."""
    with Table(source, "t") as table, pytest.raises(SourceError) as refused:
        table.count(condition)
    assert LAYERS[condition] in str(refused.value)


def test_a_condition_of_a_configuration_from_somebody_else_is_checked_too(run, source, tmp_path):
    text = f'[source]\ndatabase = "{source.name}"\ntable = "t"\nfit_where = """{ATTACKS[0]}"""\n'
    (tmp_path / "theirs.toml").write_text(text)
    assert run("fit", "theirs.toml").code == 2
    assert not Path("made.csv").exists()


DEEP = [
    "(" * 40_000 + "id < 5" + ")" * 40_000,
    "NOT " * 20_000 + "true",
    "[" * 40_000 + "]" * 40_000,
    "(SELECT " * 3_000 + "id" + ")" * 3_000,
    "id" + "+1" * 40_000 + " < 5",
    " OR ".join(["id = 1"] * 50_000),
    f"id IN ({', '.join(map(str, range(50_000)))})",
    f"c = '{'x' * 10_000_000}'",
]


@pytest.mark.parametrize("condition", DEEP, ids=range(len(DEEP)))
def test_a_deep_or_long_condition_is_refused_in_a_short_sentence(source, condition):
    with Table(source, "t") as table, pytest.raises(SourceError) as refused:
        table.count(condition)
    assert len(str(refused.value)) < 400


@pytest.mark.parametrize(
    "condition",
    [
        "id < 20 -- the first ones",
        "(id < 10) OR (id BETWEEN 30 AND 39)",
        "id IN (WITH few AS (FROM t LIMIT 0) SELECT id FROM t WHERE id < 20 UNION SELECT id FROM few)",
        "id IN (SELECT unnest(range(20)))",
        "id IN (FROM range(20))",
        "c NOT IN ('a)', '--', ';') AND id < 20",
    ],
)
def test_an_honest_condition_selects_what_it_says(source, condition):
    with Table(source, "t") as table:
        assert table.count(condition) == 20


@pytest.mark.parametrize(
    "query",
    [
        "WITH w AS (COPY (SELECT 42) TO 'made.csv') FROM w",
        "WITH w AS (INSERT INTO t VALUES (1, 'a', 2) RETURNING id) FROM w",
        "FROM t; COPY (SELECT 42) TO 'made.csv'",
    ],
)
def test_a_query_cannot_write(source, query):
    with pytest.raises(SourceError, match=r"has a part that is no SELECT|must be one SELECT|one statement"):
        Table(source, query)
    assert not Path("made.csv").exists()


def test_a_query_may_name_files_and_then_reads_no_others(source):
    with Table(source, "SELECT id, a FROM t, 'secret.csv' s") as table:
        assert table.count() == 60
        with pytest.raises(duckdb.Error, match="disabled by configuration"):
            table._connection.execute(SECRET)


def test_views_over_files_stay_readable(database, tmp_path):
    (tmp_path / "parts").mkdir()
    for part in "ab":
        pl.DataFrame({"id": range(30)}).write_parquet(tmp_path / "parts" / f"{part}.parquet")
    path = database("CREATE VIEW v(\"x AS y\") AS FROM read_parquet('parts/*.parquet')")
    with Table(path, "v") as table:
        assert (table.count(), table.files) == (60, ("parts/*.parquet",))


@pytest.mark.parametrize(
    "statement",
    [
        "ATTACH 'victim.duckdb' AS v",
        "COPY t TO 'made.csv'",
        SECRET,
        "INSERT INTO t VALUES (1, 'a', 2)",
        "INSTALL httpfs",
    ],
)
def test_an_open_source_is_shut(source, statement):
    with Table(source, "t") as table, pytest.raises(duckdb.Error):
        table._connection.execute(statement)


@pytest.mark.parametrize("records", ["secret.csv", pl.DataFrame({"a": [1, 2]})], ids=["file", "frame"])
def test_a_source_in_memory_takes_no_other_settings_and_reads_nothing_else(source, records):
    with Table(records) as table:
        with pytest.raises(duckdb.Error, match="locked"):
            table._connection.execute("SET threads = 1")
        with pytest.raises(duckdb.PermissionException):
            table._connection.execute("FROM read_text('other.txt')")


def test_two_connections_to_one_file_keep_their_time_zone(source):
    with Table(source, "t"), Table(source, "t") as other:
        assert other.count("current_setting('TimeZone') = 'UTC'") == 60


def test_what_is_shut_still_spills_to_disk():
    with Table(pl.DataFrame({"id": range(1_500_000)}), None) as table:
        table._connection.execute("CREATE TEMP TABLE wide AS SELECT id, repeat(md5(id::VARCHAR), 16) AS m FROM records")
        sizes = table._connection.execute("SELECT sum(size) FROM duckdb_temporary_files()").fetchall()
        assert sizes[0][0] > 0
