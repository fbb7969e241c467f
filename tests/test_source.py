import duckdb
import pandas as pd
import polars as pl
import pytest
from databases import SHARED, opened

from anomembed.errors import LockedError, SourceError
from anomembed.read.connecting import connect
from anomembed.read.quoting import quote_identifier, quote_text
from anomembed.read.table import Table

FRAME = pl.DataFrame({"id": [1, 2, 3], "pet": ["cat", "dog", None]})


def rows(source, table=None):
    with Table(source, table) as opened:
        select = {column.name: column.expression for column in opened.columns}
        return sorted(pl.concat(opened.batches(select, [], None, 100)).select("id", "pet").rows())


@pytest.fixture(scope="module")
def folder_once(tmp_path_factory):
    tmp_path = tmp_path_factory.mktemp("sources")
    FRAME.write_parquet(tmp_path / "pets.parquet")
    FRAME.write_csv(tmp_path / "pets.csv")
    FRAME.write_csv(tmp_path / "pets.tsv", separator="\t")
    FRAME.write_ndjson(tmp_path / "pets.ndjson")
    FRAME[:2].write_parquet(tmp_path / "part-1.parquet")
    FRAME[2:].write_parquet(tmp_path / "part-2.parquet")
    with opened(tmp_path / "pets.duckdb") as connection:
        connection.register("frame", FRAME)
        connection.execute("CREATE TABLE pets AS FROM frame; CREATE VIEW seen AS FROM pets")
        connection.execute("CREATE SCHEMA other; CREATE TABLE other.pets AS FROM pets")
        connection.execute('CREATE TABLE "a""b; drop table x" AS FROM pets; CREATE TABLE "select" AS FROM pets')
        connection.execute(f"COPY pets TO {quote_text(str(tmp_path / 'pets.csv.gz'))} (HEADER)")
    return tmp_path


@pytest.fixture
def folder(folder_once, monkeypatch):
    """The sources in the current folder; nothing may change them."""
    monkeypatch.chdir(folder_once)
    return folder_once


@pytest.mark.parametrize(
    ("source", "table"),
    [
        ("pets.parquet", None),
        ("pets.csv", None),
        ("pets.csv.gz", None),
        ("pets.tsv", None),
        ("pets.ndjson", None),
        ("part-*.parquet", None),
        ("pets.csv", "FROM records"),
        ("pets.duckdb", "pets"),
        ("pets.duckdb", "PETS"),
        ("pets.duckdb", "seen"),
        ("pets.duckdb", "other.pets"),
        ("pets.duckdb", 'a"b; drop table x'),
        ("pets.duckdb", "select"),
        ("pets.duckdb", "SELECT * FROM pets"),
        ("pets.duckdb", "  from pets;  "),
        ("pets.duckdb", "WITH p AS (FROM pets) SELECT * FROM p -- all of them"),
        (FRAME, None),
        (FRAME.lazy().collect(), None),
        (FRAME.to_arrow(), None),
    ],
)
def test_the_same_records_wherever_they_are(folder, source, table):
    assert rows(source, table) == sorted(FRAME.rows())


def test_a_pandas_frame_is_a_source():
    frame = pd.DataFrame({"id": [1, 2], "pet": ["cat", "dog"]})
    assert rows(frame) == [(1, "cat"), (2, "dog")]


@pytest.mark.parametrize("name", ["it's.csv", "a;b.csv", "with space.csv"])
def test_a_path_is_never_taken_for_sql(tmp_path, name):
    FRAME.write_csv(tmp_path / name)
    assert rows(tmp_path / name) == sorted(FRAME.rows())


@pytest.mark.parametrize(
    ("source", "table", "said"),
    [
        ("pets.duckdb", None, "holds 5 tables: name one"),
        ("pets.duckdb", "pet", "no such table in pets.duckdb: pet; did you mean 'pets'?"),
        ("pets.duckdb", "SELECT 1; DROP TABLE pets", "must be one SELECT"),
        ("pets.duckdb", "WITH x AS (SELECT 1) DELETE FROM pets", "must be one SELECT"),
        ("pets.duckdb", "FROM nothing", "nothing"),
        ("pets.duckdb", "DROP TABLE pets", "no such table"),
        ("pets.duckdb", "COPY pets TO 'x.csv'", "no such table"),
        ("pets.duckdb", "", "no such table"),
        ("pets.csv", "pets", "is a single table, not a database"),
        ("pets.parqet", None, "no such file: pets.parqet; did you mean 'pets.parquet'?"),
        ("nothing-*.csv", None, "nothing-*.csv"),
        ("pets*", None, "pets* matches files of different kinds"),
        (".", None, "is a folder"),
        (3, None, "int is no source of records"),
    ],
)
def test_what_cannot_be_read_is_told(folder, source, table, said):
    with pytest.raises(SourceError, match=r".") as error:
        rows(source, table)
    assert said in str(error.value)
    assert "\n" not in str(error.value)


def test_the_source_is_never_written(folder):
    before = (folder / "pets.duckdb").read_bytes()
    with Table("pets.duckdb", "pets") as table:
        table.profiles(table.columns)
        with pytest.raises(SourceError, match="read-only"):
            table._rows("DELETE FROM pets")
    assert (folder / "pets.duckdb").read_bytes() == before
    assert not (folder / "pets.duckdb.wal").exists()


def test_a_writer_in_the_same_process_is_told(folder):
    with duckdb.connect("pets.duckdb"), pytest.raises((SourceError, LockedError)):
        connect("pets.duckdb")


@pytest.mark.parametrize("name", ["a", 'a"b', '"; drop table x; --', "new\nline", "ü", "a b"])
def test_quoted_names_and_texts_mean_themselves(name):
    with SHARED.cursor() as connection:
        relation = connection.sql(f"SELECT {quote_text(name)} AS {quote_identifier(name)}")
        assert (relation.columns, relation.fetchall()) == ([name], [(name,)])


def test_a_query_that_names_the_file_is_told_what_its_records_are_called(run):
    pl.DataFrame({"a": [1, 2, 3] * 9, "b": ["x", "y", "z"] * 9}).write_csv("shop.csv")
    said = run("scan", "shop.csv", "SELECT * FROM shop")
    assert said.code == 2
    assert said.err.strip().endswith("(In a query on a file, its records are called records: FROM records.)")
    assert "Did you mean" not in said.err, "a table of DuckDB's own is none of theirs"
    assert run("scan", "shop.csv", "SELECT * FROM records").code == 0
