"""Sources that are no plain files: real databases and tables, read by their real drivers."""

import os
import pwd
import shutil
import socket
import sqlite3
import subprocess
import warnings
from importlib.util import find_spec
from pathlib import Path

import polars as pl
import pytest
from databases import opened

from anomembed.errors import LockedError, SourceError
from anomembed.read.databases import lakes
from anomembed.read.databases.addresses import parse_address
from anomembed.read.table import Table

FRAME = pl.DataFrame({"id": [1, 2, 3], "pet": ["cat", "dog", None], "size": [1.5, 2.5, None]})


def needs(module):
    return pytest.mark.skipif(not find_spec(module), reason=f"{module} is not installed")


def rows(source, table=None):
    with Table(source, table) as opened:
        select = {column.name: column.expression for column in opened.columns}
        return sorted(pl.concat(opened.batches(select, [], None, 100)).drop("row_number").rows())


def types(source, table=None):
    with Table(source, table) as opened:
        return {column.name: column.type for column in opened.columns}


@pytest.fixture
def shop(tmp_path):
    with sqlite3.connect(tmp_path / "shop.db") as connection:
        connection.execute("CREATE TABLE pets (id, pet TEXT, size)")
        connection.executemany("INSERT INTO pets VALUES (?, ?, ?)", FRAME.rows())
    connection.close()
    return tmp_path / "shop.db"


def in_shop(shop, *statements):
    connection = sqlite3.connect(shop)
    for statement in statements:
        connection.execute(statement)
    connection.commit()
    connection.close()


@pytest.mark.parametrize(
    "table",
    [None, "pets", "PETS", "SELECT * FROM pets", "  with p as (select * from pets) select * from p; ",
     "SELECT * FROM pets -- all of them", "SELECT * FROM pets ORDER BY size LIMIT 99"],
)  # fmt: skip
def test_a_table_or_a_query_of_sqlite_is_read(shop, table):
    assert rows("sqlite:///shop.db", table) == FRAME.rows()
    assert rows(f"sqlite:///{shop}", table) == FRAME.rows()


def test_odd_names_are_quoted(shop):
    in_shop(
        shop, 'CREATE TABLE "a""b; DROP TABLE pets" ("c""d; --" TEXT)', 'CREATE VIEW "select" AS SELECT * FROM pets'
    )
    in_shop(shop, """INSERT INTO "a""b; DROP TABLE pets" VALUES ('x')""")
    assert rows("sqlite:///shop.db", 'a"b; DROP TABLE pets') == [("x",)]
    assert rows("sqlite:///shop.db", "select") == FRAME.rows()


def test_all_values_decide_on_the_types_of_sqlite(shop):
    in_shop(
        shop,
        "CREATE TABLE odd (whole, fraction, text, bytes, empty, day TEXT, moment DATETIME, almost TEXT)",
        "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 5000) INSERT INTO odd "
        "SELECT i, i, i, i, NULL, '2026-01-02', '2026-01-02T03:04:05Z', '2026-01-02' FROM n",
        "INSERT INTO odd VALUES (9223372036854775807, 0.5, 'x', x'00ff', NULL, '2026-02-28', NULL, '2026-02-30')",
    )
    assert types("sqlite:///shop.db", "odd") == {
        "whole": "BIGINT",
        "fraction": "DOUBLE",
        "text": "VARCHAR",
        "bytes": "BLOB",
        "empty": "VARCHAR",
        "day": "DATE",
        "moment": "TIMESTAMP",
        "almost": "VARCHAR",
    }
    with Table("sqlite:///shop.db", "odd") as opened:
        found = opened._frame("SELECT sum(fraction) AS s, max(whole) AS w, count(*) AS n, max(text) AS t FROM records")
        assert found.row(0) == (5000 * 5001 / 2 + 0.5, 2**63 - 1, 5001, "x")


@pytest.mark.parametrize(
    ("source", "table", "says"),
    [
        ("sqlite:///shop.db", "nope", "no such table in sqlite:///shop.db: nope; there are: pets"),
        ("sqlite:///shop.db", "pet", "did you mean 'pets'?"),
        ("sqlite:///shop.db", "SELECT nope FROM pets", "shop.db: no such column: nope"),
        ("sqlite:///shop.db", "WITH x AS (SELECT 1) DELETE FROM pets", "shop.db: near"),
        ("sqlite:///shop.db", "SELECT 1) ; DELETE FROM pets; SELECT (1", "one statement"),
        ("sqlite:///shop.db", "SELECT load_extension('x') FROM pets", "it may only read"),
        ("sqlite:///shup.db", None, "no such file: shup.db; did you mean 'shop.db'?"),
        ("sqlite:///notes.txt", None, "notes.txt: file is not a database"),
        ("shop.db", None, "shop.db is a SQLite database: name it as sqlite:///shop.db"),
        ("mysql://me@host/shop", None, "no source is read from mysql://"),
        ("s3://bucket/folder/a.csv", None, "of S3, Parquet is read"),
    ],
)
def test_what_cannot_be_read_is_one_sentence(run, shop, source, table, says):
    Path("notes.txt").write_text("no database\n" * 100)
    before = shop.read_bytes()
    outcome = run("scan", source, *([table] if table else []))
    assert outcome.code == 2
    assert says in outcome.err
    assert outcome.err.count("\n") == 1
    assert shop.read_bytes() == before
    assert not Path("anomembed.duckdb").exists()


def test_a_relative_name_of_a_file_elsewhere_is_told_how_to_write_it(shop):
    with pytest.raises(SourceError, match=f"an absolute path begins with a fourth slash: sqlite:///{shop}"):
        Table(f"sqlite://{shop}")


def test_a_sqlite_file_that_is_being_written_is_locked(run, shop):
    writing = sqlite3.connect(shop, isolation_level=None)
    writing.execute("BEGIN EXCLUSIVE")
    with pytest.raises(LockedError, match=r"shop.db is locked by another process; try again later"):
        Table("sqlite:///shop.db")
    writing.close()


SECRETS = [
    "postgresql://me:hush@host/shop",
    "postgresql://me:hu/sh@host/shop",
    "postgresql://me:hu@sh@host/shop",
    "POSTGRES://me:hush@host/shop",
    "postgresql://me@host/shop?password=hush",
    "postgresql://host/shop?sslmode=require&sslpassword=hush",
    "s3://key:hush@bucket/a.parquet",
    "s3://bucket/a.parquet?aws_secret_access_key=hush",
    "delta+s3://key:hush@bucket/table",
    "mysql://me:hush@host/shop",
]


@pytest.mark.parametrize("source", SECRETS)
@pytest.mark.parametrize("command", ["scan", "fit", "init", "evaluate"])
def test_a_secret_in_an_address_is_refused_and_never_shown(run, tmp_path, source, command):
    given = source
    if command == "fit":
        given = "job.toml"
        Path(given).write_text(f'[source]\ndatabase = "{source}"\n')
    outcome = run(command, given)
    assert outcome.code == 2
    assert "hu" not in outcome.out + outcome.err
    assert "PGPASSWORD" in outcome.err or "AWS_SECRET_ACCESS_KEY" in outcome.err or "mysql" in outcome.err
    assert {file.name for file in tmp_path.iterdir()} <= {"job.toml"}


@pytest.mark.parametrize(
    "source", ["postgresql://me@host:5432/shop", "postgresql:///shop?host=/run/pg&sslmode=require", "s3://bucket/*.parquet"]
)  # fmt: skip
def test_addresses_without_a_secret_are_taken_as_they_are(source):
    assert str(parse_address(source)) == source


def test_read_options_are_for_files(run, shop):
    for option in (["--read", "delim=;"], ["--line-format", "plain"]):
        outcome = run("scan", "sqlite:///shop.db", *option)
        assert outcome.code == 2
        assert "--read and --line-format are for files" in outcome.err


def many(shop):
    """Two thousand payments, of which one does not fit."""
    in_shop(
        shop,
        "CREATE TABLE payments (id INTEGER, shop TEXT, country TEXT, at TEXT)",
        "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 2000) INSERT INTO payments "
        "SELECT i, 'shop ' || i % 20, CASE WHEN i = 777 THEN 'country 3' ELSE 'country ' || i % 20 % 4 END, "
        "'2026-01-0' || (1 + i % 9) FROM n",
    )


def test_a_scan_of_sqlite_gives_what_that_of_a_table_gives_and_does_not_write_it(run, shop):
    many(shop)
    before = shop.read_bytes()
    outcome = run("scan", "sqlite:///shop.db", "payments", "--budget", "1", "--scores-to", "scores.csv")
    assert outcome.code == 0, outcome.err
    assert "   1  777" in outcome.out
    with opened("same.duckdb") as connection:
        connection.register(
            "frame", pl.DataFrame(sqlite_rows(shop), orient="row", schema=["id", "shop", "country", "at"])
        )
        connection.execute('CREATE TABLE payments AS SELECT * REPLACE (CAST("at" AS DATE) AS "at") FROM frame')
    again = run("scan", "same.duckdb", "payments", "--budget", "1", "--scores-to", "same.csv")
    assert again.out == outcome.out
    assert Path("same.csv").read_text() == Path("scores.csv").read_text()
    assert shop.read_bytes() == before
    assert {path.name for path in shop.parent.glob("shop.db*")} == {"shop.db"}


def sqlite_rows(shop):
    connection = sqlite3.connect(shop)
    found = connection.execute("SELECT * FROM payments").fetchall()
    connection.close()
    return found


def test_a_configuration_beside_another_folder_finds_the_file(run, shop, tmp_path):
    many(shop)
    (tmp_path / "jobs").mkdir()
    assert run("init", "sqlite:///shop.db", "payments", "-o", "jobs/job.toml").code == 0
    assert 'database = "sqlite:///../shop.db"' in Path("jobs/job.toml").read_text()
    outcome = run("fit", "jobs/job.toml")
    assert outcome.code == 0, outcome.err
    outcome = run("score", "jobs/job.toml", "--budget", "1")
    assert outcome.code == 0, outcome.err
    assert "   1  777" in outcome.out


@pytest.mark.parametrize(
    "arguments",
    [
        ("scan", "sqlite:///shop.db", "payments", "--store", "shop.db"),
        ("init", "sqlite:///shop.db", "payments", "-o", "shop.db", "--force"),
        ("scan", "sqlite:///shop.db", "payments", "--scores-to", "link.csv", "--force"),
    ],
)
def test_the_sqlite_file_is_never_written(run, shop, arguments):
    many(shop)
    os.link(shop, "link.csv")
    before = shop.read_bytes()
    outcome = run(*arguments)
    assert outcome.code == 2
    assert "shop.db is not a DuckDB file" in outcome.err or "that the records are read from" in outcome.err
    assert shop.read_bytes() == before


@needs("deltalake")
def test_a_delta_table_is_read_by_its_log(run, tmp_path):
    FRAME.write_delta("lake")
    FRAME[:1].write_delta("lake", mode="overwrite")  # the files of the first version stay
    FRAME[1:].write_delta("lake", mode="append")
    assert rows("lake") == rows(Path("lake")) == FRAME.rows()
    assert rows("lake", "SELECT * FROM records WHERE id > 1") == FRAME[1:].rows()
    written = next(Path("lake").glob("*.parquet"))
    outcome = run("scan", "lake", "--scores-to", written, "--force")
    assert outcome.code == 2
    assert "that the records are read from" in outcome.err


@needs("pyiceberg")
@needs("sqlalchemy")
def test_an_iceberg_table_is_read_by_its_newest_metadata(tmp_path):
    from pyiceberg.catalog.sql import SqlCatalog

    catalog = SqlCatalog("c", uri=f"sqlite:///{tmp_path}/catalog.db", warehouse=f"file://{tmp_path}/ice")
    catalog.create_namespace("n")
    arrow = FRAME.to_arrow(compat_level=pl.CompatLevel.oldest())
    table = catalog.create_table("n.pets", schema=arrow.schema)
    table.append(arrow[:1])
    table.append(arrow[1:])
    assert rows(str(next(tmp_path.glob("ice/*/pets")))) == FRAME.rows()


@pytest.mark.parametrize(
    ("module", "folder", "extra"), [("deltalake", "_delta_log", "delta"), ("pyiceberg", "metadata", "iceberg")]
)
def test_a_missing_extra_of_a_lake_is_named(run, module, folder, extra):
    if find_spec(module):
        pytest.skip(f"{module} is installed")
    Path("lake", folder).mkdir(parents=True)
    Path("lake", folder, "0.metadata.json").write_text("{}")
    outcome = run("scan", "lake")
    assert (outcome.code, outcome.out) == (2, "")
    assert f"reading lake needs an extra: pip install 'anomembed[{extra}]'" in outcome.err


def test_a_missing_driver_of_postgresql_is_named(run):
    if find_spec("adbc_driver_postgresql"):
        pytest.skip("adbc_driver_postgresql is installed")
    outcome = run("scan", "postgresql://me@host/shop", "payments")
    assert outcome.code == 2
    assert "reading PostgreSQL needs an extra: pip install 'anomembed[databases]'" in outcome.err


@needs("adbc_driver_postgresql")
def test_a_server_that_is_not_there_is_one_sentence(run):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    outcome = run("scan", f"postgresql://me@127.0.0.1:{port}/shop", "payments")
    assert outcome.code == 2
    assert f'connection to server at "127.0.0.1", port {port} failed: Connection refused' in outcome.err
    assert outcome.err.count("\n") == 1


@pytest.fixture(scope="module")
def postgresql(tmp_path_factory):
    """A server of our own on the loopback interface, as the user `postgres`; gone at the end."""
    programs = [shutil.which(name) for name in ("initdb", "pg_ctl", "psql")]
    if not all(programs) or not find_spec("adbc_driver_postgresql"):
        pytest.skip("needs PostgreSQL's server and adbc_driver_postgresql")
    folder = tmp_path_factory.mktemp("pg")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    as_user = {}
    if os.getuid() == 0:  # the server refuses to be root's
        as_user["user"] = pwd.getpwnam("postgres").pw_name
        for path in (folder, *folder.parents[:-2]):
            path.chmod(0o755)
        shutil.chown(folder, "postgres")
    initdb, pg_ctl, psql = programs
    data, options = folder / "data", f"-p {port} -c listen_addresses=127.0.0.1 -c unix_socket_directories= -c fsync=off"
    quiet = {"check": True, "stdout": subprocess.DEVNULL, "cwd": folder}
    subprocess.run(
        [initdb, "-D", data, "-A", "trust", "-N", "-U", "me", "--locale=C", "-E", "UTF8"], **quiet, **as_user
    )
    subprocess.run([pg_ctl, "-D", data, "-w", "-l", folder / "log", "-o", options, "start"], **quiet, **as_user)
    address = f"postgresql://me@127.0.0.1:{port}/postgres"
    try:
        subprocess.run([psql, "-q", "-v", "ON_ERROR_STOP=1", address], input=TABLES, text=True, **quiet)
        yield address
    finally:
        subprocess.run([pg_ctl, "-D", data, "-m", "immediate", "stop"], **quiet, **as_user)


TABLES = """
CREATE SCHEMA other; CREATE SEQUENCE s;
CREATE TABLE other."Pay ments" AS SELECT i AS id, 'shop ' || i % 20 AS shop,
    CASE WHEN i = 777 THEN 'country 3' ELSE 'country ' || i % 20 % 4 END AS country FROM generate_series(1, 2000) i;
CREATE TABLE pets AS SELECT * FROM (VALUES (1, 'cat', 1.5), (2, 'dog', 2.5), (3, NULL, NULL)) AS t(id, pet, size);
CREATE TABLE kinds AS SELECT 1.25::numeric(9, 2) AS number, 'NaN'::numeric AS nan, '$1.50'::money AS money,
    '10.0.0.1'::inet AS address, '{"a": 1}'::jsonb AS json, gen_random_uuid() AS uuid, now() AS moment,
    current_date AS day, ARRAY[1.5, 2]::float8[] AS vector, int4range(1, 5) AS range, true AS truth;
"""


@pytest.mark.parametrize(
    "table", ["pets", "PETS", "SELECT * FROM pets;", "WITH p AS (SELECT * FROM pets) SELECT * FROM p --"]
)
def test_a_table_or_a_query_of_postgresql_is_read(postgresql, table):
    assert rows(postgresql, table) == FRAME.rows()


def test_types_of_postgresql_are_kept(postgresql):
    found = types(postgresql, "kinds")
    assert found.pop("json.a") == "BIGINT"
    assert list(found.values()) == [
        *("DOUBLE", "DOUBLE", "DOUBLE", "VARCHAR", "JSON", "UUID", "TIMESTAMP WITH TIME ZONE", "DATE", "DOUBLE[]"),
        *("VARCHAR", "BOOLEAN"),
    ]
    [(number, money, address, span)] = rows(postgresql, "SELECT number, money, address, range FROM kinds")
    assert (number, money, address, span) == (1.25, 1.5, "10.0.0.1", "[1,5)")


@pytest.mark.parametrize(
    ("table", "says"),
    [
        (None, "holds 3 tables: name one; there are: kinds, other.Pay ments, pets"),
        ("pet", "did you mean 'pets'?"),
        ("SELECT * FROM nope", 'relation "nope" does not exist'),
        ("WITH x AS (DELETE FROM pets RETURNING 1) SELECT * FROM x", "must be at the top level"),
        ("SELECT 1; DELETE FROM pets", "syntax error"),
        ("SELECT nextval('s')", "cannot execute nextval() in a read-only transaction"),
    ],
)
def test_wrong_queries_of_postgresql_are_one_sentence(run, postgresql, table, says):
    outcome = run("scan", postgresql, *([table] if table else []))
    assert outcome.code == 2
    assert says in outcome.err
    assert outcome.err.count("\n") == 1
    assert len(rows(postgresql, "pets")) == 3


def test_a_scan_of_postgresql_finds_the_odd_one(run, postgresql):
    outcome = run("scan", postgresql, "other.pay ments", "--budget", "1")
    assert outcome.code == 0, outcome.err
    assert "   1  777" in outcome.out


def test_advice_of_the_packages_is_not_told(recwarn):
    with lakes._clear_errors("s3://bucket/a.parquet"):
        warnings.warn("'region' not set", UserWarning, stacklevel=1)
    assert not recwarn
