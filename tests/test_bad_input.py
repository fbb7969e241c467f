"""What goes wrong in practice, through the real command line: an exit code, one sentence, and nothing half-written."""

import csv
import json
import os
import re
import shutil
import subprocess
import sys
import time
from pathlib import Path

import polars as pl
import pytest
from databases import SHARED, opened

from anomembed.cli.running import fit_table
from anomembed.config import load_config

PETS = (
    "CREATE TABLE pets AS SELECT i AS id, ['cat', 'dog'][i % 2 + 1] AS pet, ['meow', 'woof'][i % 2 + 1] AS says,"
    " i * 1.5 AS weight FROM range(300) t(i)"
)
CODED = "CREATE TABLE t AS SELECT i AS id, 'p' || i % 3 AS c, 'q' || i % 4 AS e, {} FROM range(60) t(i)"


def refused(outcome, folder, *, code=2):
    """Check the exit code, the one sentence and the folder, and return the sentence."""
    *told, sentence = outcome.err.splitlines()
    assert (outcome.code, outcome.out) == (code, "")
    assert sentence.startswith("anomembed: ")
    assert not any("Traceback" in line or line.startswith("anomembed:") for line in told)
    left = {path.name for path in folder.iterdir()}
    assert not [name for name in left if "unfinished" in name or name.startswith(("scores", "anomembed.duckdb"))]
    return sentence.removeprefix("anomembed: ")


@pytest.fixture(scope="module")
def pets_once(tmp_path_factory):
    path = tmp_path_factory.mktemp("pets") / "source.duckdb"
    with opened(path) as connection:
        connection.execute(PETS)
    return path


@pytest.fixture
def pets(pets_once, tmp_path):
    return shutil.copy(pets_once, tmp_path)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["sourc.duckdb", "pets"], "no such file: sourc.duckdb; did you mean 'source.duckdb'?"),
        (["nowhere/x.duckdb"], "no such file: nowhere/x.duckdb"),
        (["."], ". is a folder"),
        (["*.nothing"], "no files match *.nothing"),
        (["*.parquet"], "no files match *.parquet"),
        (["source.duckdb", "pet"], "no such table in source.duckdb: pet; did you mean 'pets'?"),
        (["source.duckdb", "pets", "--key", "idd"], "no such column in pets: idd; did you mean 'id'?"),
        (["source.duckdb", "pets", "--ignore", "wieght"], "did you mean 'weight'?"),
        (["source.duckdb", "pets", "--key", "id", "--ignore", "ID"], "column id is given two roles: key and ignore"),
        (["source.duckdb", "pets", "--number", "pet"], "no value of column pet (VARCHAR) can be read as a number"),
        (["source.duckdb", "pets", "--time", "pet"], "no value of column pet (VARCHAR) can be read as a timestamp"),
        (["source.duckdb", "pets", "--key", "pet"], "pet does not name the records of pets"),
        (["source.duckdb", "pets", "--where", "wieght > 1"], "no such column: wieght; did you mean 'weight'?"),
        (["source.duckdb", "pets", "--where", "id >"], "the condition 'id >': Parser Error"),
        (["source.duckdb", "pets", "--where", "at >= 1"], "column named like a keyword is in double quotes"),
        (["source.duckdb", "pets", "--where", "id > 999"], "no record of pets meets the condition id > 999"),
        (["source.duckdb", "pets", "--fit-where", "id > 999"], "pets has 0 records where id > 999"),
        (["source.duckdb", "pets", "--where", "1=1)) UNION SELECT * FROM ((pets"], "the condition"),
        (["source.duckdb", "SELECT 1; DROP TABLE pets"], "the query must be one SELECT statement"),
        (["source.duckdb", "SELECT * FROM"], "the query: Parser Error"),
        (["source.duckdb", "COPY pets TO 'x.csv'"], "no such table"),
        (["source.duckdb", "pets", "--detector", "isolation"], "no such detector: isolation"),
        (["source.duckdb", "pets", "--detector", "ifrest"], "did you mean 'IForest'?"),
        (["source.duckdb", "pets", "--detector", "ECOD"], "ECOD is not offered"),
        (["source.duckdb", "pets", "--embedding", "word3vec"], "embedding.method = 'word3vec'"),
        (["source.duckdb", "pets", "--scores-to", "scores.xlsx"], "end in .parquet, .csv, .ndjson"),
        (["source.duckdb", "pets", "--scores-to", "no/scores.csv"], "no such folder for the scores: no"),
        (["source.duckdb", "pets", "--store", "no/store.duckdb"], "no such folder for the store: no"),
        (
            ["source.duckdb", "pets", "--store", "source.duckdb"],
            "is the source, which is never written: choose another",
        ),
        (["source.duckdb", "pets", "--alpha", "0.1", "--budget", "5"], "choose one of alpha, budget"),
        (["source.duckdb", "pets", "--alpha", "2"], "flags.alpha = 2.0"),
        (["source.duckdb", "pets", "--budget", "0"], "flags.budget = 0"),
        (["source.duckdb", "pets", "--seed", "-1"], "seed = -1"),
    ],
)
def test_a_wrong_argument_is_told_in_one_sentence(run, pets, tmp_path, arguments, said):
    before = Path(pets).read_bytes()
    assert said in refused(run("scan", *arguments), tmp_path)
    assert Path(pets).read_bytes() == before


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ("SELECT 1 AS id, 'a' AS b WHERE false", "has columns (id, b), but no records"),
        ("SELECT 1 AS id, 'a' AS b", "has one record"),
        ("SELECT i AS id FROM range(300) t(i)", "no column of"),
        ("SELECT i AS id, 'same' AS a, 1 AS b FROM range(300) t(i)", "a: the same value in every record"),
        ("SELECT i AS id, NULL::VARCHAR AS a, NULL::DOUBLE AS b FROM range(300) t(i)", "a: every value is null"),
        ("SELECT i AS id, (7919 * i) % 1000003 AS a_code FROM range(300) t(i)", "and nearly every record has its own"),
        ("SELECT i AS id, 'x' || hash(i) AS a FROM range(90) t(i)", "nothing to learn from"),
        ("SELECT i AS id, DATE '2024-01-01' + (i % 2 * 7)::INT AS at FROM range(300) t(i)", "nothing to learn from"),
    ],
)
def test_a_table_that_cannot_be_judged_says_why(run, database, tmp_path, query, said):
    assert said in refused(run("scan", database(f"CREATE TABLE t AS {query}")), tmp_path)


@pytest.mark.parametrize("key", ["i % 50", "nullif(i, 7)"], ids=["duplicate", "null"])
def test_a_key_that_does_not_name_the_records_is_refused(run, database, tmp_path, key):
    source = database(CODED.format(f"{key} AS k"))
    said = refused(run("scan", source, "--key", "k", "--scores-to", "scores.csv"), tmp_path)
    assert said == "k does not name the records of t: a value is null or occurs twice"


TYPES = [
    "CASE i % 4 WHEN 0 THEN 'nan' WHEN 1 THEN 'inf' WHEN 2 THEN '-inf' ELSE i || '' END::DOUBLE",
    "'nan'::DOUBLE",
    "CASE WHEN i % 2 = 0 THEN 'inf' ELSE '-inf' END::FLOAT",
    "(i % 7)::DECIMAL(5, 2)",
    "i % 2 = 0",
    "uuid()",
    "('a' || i % 5)::BLOB",
    "TIMESTAMPTZ '2024-01-01 00:00:00+02' + INTERVAL (i) HOUR",
    "TIMETZ '10:00:00+01'",
    "TIMESTAMP_NS '2024-01-01' + INTERVAL (i) HOUR",
    "TIME '10:00:00' + INTERVAL (i) MINUTE",
    "INTERVAL (i) SECOND",
    "['x', 'y', 'z'][i % 3 + 1]::ENUM('x', 'y', 'z')",
    "{'a': i % 3, 'b c': 'q' || i % 4}",
    "{'a': {'b': i % 3}}",
    """('{"k": "v' || i % 3 || '", "it''s": ' || i || '}')::JSON""",
    "[i, i + 1]",
    "MAP {'k': i}",
    "[1.0, 2.0]::FLOAT[2]",
    "i::HUGEINT * 1_000_000_000_000",
    "'1010'::BIT",
    "union_value(num := i)",
    "i::UTINYINT",
    "'nul' || chr(0) || i % 3",
]


def scanned(run, source, *arguments):
    outcome = run("scan", source, "--budget", "2", *arguments)
    assert outcome.code == 0, outcome.err
    return outcome


@pytest.mark.parametrize(
    "types", [TYPES, *([kind] for kind in TYPES[:3])], ids=["all", "infinities", "nan", "no number"]
)
def test_every_type_is_taken(run, database, types):
    columns = ", ".join(f"{expression} AS x{place}" for place, expression in enumerate(types))
    outcome = scanned(run, database(CODED.format(columns)), "--format", "ndjson")
    assert len([json.loads(line) for line in outcome.out.splitlines()]) == 2


@pytest.mark.parametrize(
    ("key", "form"),
    [
        ("i::DECIMAL(9, 2)", "json"),
        ("uuid()", "csv"),
        ("('' || i)::BLOB", "csv"),
        ("TIMESTAMPTZ '2024-01-01 00:00:00+02' + INTERVAL (i) HOUR", "json"),
        ("INTERVAL (i) SECOND", "table"),
        ("i::HUGEINT * 10::HUGEINT ** 17", "ndjson"),
        ("[i]", "csv"),
        ("{'a': i}", "csv"),
        ("('[' || i || ']')::JSON", "json"),
    ],
)
def test_a_key_of_any_type_is_shown(run, database, key, form):
    source = database(CODED.format(f"{key} AS k"))
    scanned(run, source, "--key", "k", "--format", form, "--scores-to", "scores.ndjson")
    with SHARED.cursor() as connection:
        assert connection.sql("SELECT count(DISTINCT k) FROM 'scores.ndjson'").fetchall() == [(60,)]


ODD = [
    "value:c",
    "raw_score",
    "rank",
    "view",
    "__hash",
    "row_number",
    "new\nline",
    'a"b; drop table t',
    "[bold]",
    "it's",
]


def quoted(name):
    return '"' + name.replace('"', '""') + '"'


@pytest.mark.parametrize("key", ["i AS id", "1 AS id"], ids=["with a key", "without"])
def test_columns_may_have_any_name(run, database, tmp_path, key):
    columns = ", ".join(f"'x' || i % {place + 2} AS {quoted(name)}" for place, name in enumerate(ODD))
    outcome = scanned(run, database(CODED.format(columns)), "--scores-to", "scores.csv", "--format", "csv")
    assert "value:c" in outcome.err
    with opened("anomembed.duckdb") as store:
        assert {row[0] for row in store.sql("SELECT column_name FROM contributions").fetchall()} >= set(ODD)


@pytest.mark.parametrize("name", ["__hash", "row_number", "new\nline", 'a"b; drop table t'])
def test_a_key_may_have_nearly_any_name(run, database, name):
    source = database(CODED.format(f"i AS {quoted(name)}"))
    scanned(run, source, "--key", name, "--scores-to", "scores.parquet")
    with SHARED.cursor() as connection:
        assert connection.sql("FROM 'scores.parquet'").columns[0] == name


@pytest.mark.parametrize("name", ["view", "value:x"])
def test_a_key_named_like_a_score_is_refused(run, database, tmp_path, name):
    source = database(CODED.format(f'i AS "{name}"'))
    assert f"a key column cannot be called {name}" in refused(run("scan", source, "--key", name), tmp_path)


def test_names_that_differ_in_case_or_are_empty_are_kept_apart(run, tmp_path):
    columns = {"": range(60), "a": [f"p{i % 3}" for i in range(60)], "A": [f"q{i % 4}" for i in range(60)]}
    pl.DataFrame(columns).write_parquet("odd.parquet")
    assert "a, A_1" in scanned(run, "odd.parquet").err


HOSTILE = ["\x1b[31mred\x1b[0m", "[bold]loud[/bold]", "=cmd()", "@x", "-1+1", "two\nlines", "\u202eright", "\x07"]


@pytest.fixture
def hostile(database):
    listed = ", ".join("'" + value + "'" for value in HOSTILE)
    return database(
        f"CREATE TABLE t AS SELECT [{listed}][i % 8 + 1] || i // 8 AS name, [{listed}][i % 8 + 1] AS c, "
        "'q' || i % 4 AS e FROM range(160) t(i)"
    )


def test_a_terminal_gets_no_control_characters_and_no_markup(run, hostile):
    outcome = run("scan", hostile, "--key", "name", "--budget", "160")
    assert outcome.code == 0
    assert all(letter.isprintable() or letter == "\n" for letter in outcome.out + outcome.err)
    assert "[bold]loud[/bold]" in outcome.out
    assert "?[31mred?[0m" in outcome.out


@pytest.mark.parametrize("is_file", [True, False])
def test_a_spreadsheet_gets_no_formula(run, hostile, tmp_path, is_file):
    outcome = run("scan", hostile, "--key", "name", "--budget", "160", "--format", "csv", "--scores-to", "scores.csv")
    text = (tmp_path / "scores.csv").read_text() if is_file else outcome.out
    header, *rows = csv.reader(text.splitlines(keepends=True))
    names = [row[header.index("name")] for row in rows]
    assert len(names) == 160
    assert "'=cmd()0" in names
    assert not [name for name in names if name.startswith(("=", "@", "+", "-"))]


@pytest.mark.parametrize("content", [b"", b"id,pet\n1,cat\n", b"\x00" * 20_000], ids=["empty", "text", "zeros"])
def test_a_file_that_is_no_database_is_refused(run, tmp_path, content):
    (tmp_path / "wrong.duckdb").write_bytes(content)
    assert "wrong.duckdb" in refused(run("scan", "wrong.duckdb", "t"), tmp_path)


def test_a_store_that_is_no_database_is_left_alone(run, pets, tmp_path):
    (tmp_path / "other.txt").write_text("precious " * 1000)
    said = refused(run("scan", pets, "--store", "other.txt"), tmp_path)
    assert said == "other.txt is not a DuckDB file; choose another file for the store"
    assert (tmp_path / "other.txt").read_text() == "precious " * 1000


def test_a_store_that_is_another_database_is_left_alone(run, pets, database, tmp_path):
    other = database("CREATE TABLE precious AS SELECT 1 AS x", name="other.duckdb")
    assert "is a database of something else" in refused(run("scan", pets, "pets", "--store", other), tmp_path)
    with opened(other) as connection:
        assert connection.sql("SHOW TABLES").fetchall() == [("precious",)]


def test_a_store_of_a_newer_version_is_refused(run, pets, database, tmp_path):
    newer = database("CREATE TABLE store_version AS SELECT 99 AS version", name="newer.duckdb")
    said = refused(run("scan", pets, "pets", "--store", newer), tmp_path)
    assert "was written by a newer anomembed (store version 99" in said


@pytest.fixture
def locked(tmp_path):
    """Hold a database open for writing in another process."""
    held = []

    def lock(path):
        code = f"import duckdb, sys; c = duckdb.connect({str(path)!r}); print('held', flush=True); sys.stdin.read()"
        process = subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        held.append(process)
        assert process.stdout.readline() == b"held\n"

    yield lock
    for process in held:
        process.communicate()


def test_a_command_that_is_ended_leaves_no_empty_store(database, tmp_path):
    """By a signal, while it learns: epochs without end, of a table that takes a while."""
    path = database(
        "CREATE TABLE t AS SELECT i AS id, hash(i) % 300 AS a, hash(i + 1) % 300 AS b FROM range(30000) r(i)"
    )
    roles = "[roles]\nkey = ['id']\ncategory = ['a', 'b']\n[embedding]\nmethod = 'skipgram'\nepochs = 1000\n"
    (tmp_path / "t.toml").write_text(f"[source]\ndatabase = '{path.name}'\n{roles}")
    code = "from anomembed.cli import main; import sys; sys.argv = ['anomembed', 'fit', 't.toml']; main()"
    process = subprocess.Popen([sys.executable, "-c", code], stderr=subprocess.PIPE, text=True)
    try:
        assert next(line for line in process.stderr if line.startswith("category"))
        until = time.monotonic() + 60
        while not (tmp_path / "anomembed.duckdb").exists() and time.monotonic() < until:
            time.sleep(0.1)
        process.terminate()
        _, last = process.communicate(timeout=60)
    finally:
        process.kill()
    assert process.returncode == 143, last
    assert last.splitlines()[-1] == "anomembed: terminated"
    assert {file.name for file in tmp_path.iterdir()} == {path.name, "t.toml"}


def test_a_source_locked_by_a_writer_may_be_tried_again(run, pets, locked, tmp_path):
    locked(pets)
    said = refused(run("scan", pets, "pets"), tmp_path, code=3)
    assert re.search(r"is locked by another process \(.+, PID \d+\); try again later$", said)


def test_a_locked_store_may_be_tried_again(run, pets, locked, tmp_path):
    locked(tmp_path / "held.duckdb")
    said = refused(run("scan", pets, "pets", "--store", "held.duckdb"), tmp_path, code=3)
    assert "held.duckdb is locked by another process" in said


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_that_is_not_ours_to_write_to(run, pets, tmp_path):
    (tmp_path / "theirs").mkdir(mode=0o500)
    assert "theirs" in refused(run("scan", pets, "--store", "theirs/store.duckdb"), tmp_path)


@pytest.mark.parametrize("what", ["--store", "--scores-to"])
def test_a_file_that_cannot_be_made(run, pets, tmp_path, what):
    (tmp_path / "folder.parquet").mkdir()
    said = refused(run("scan", pets, "pets", what, "folder.parquet"), tmp_path)
    assert "folder.parquet" in said


def test_alpha_with_a_tiny_reference_is_cautioned(run, database):
    few = database("CREATE TABLE t AS SELECT i AS id, 'p' || i % 3 AS c, 'q' || i % 2 AS e FROM range(12) t(i)")
    outcome = run("scan", few, "--alpha", "0.001")
    assert outcome.code == 0
    assert "caution" in outcome.err


def test_flags_can_be_told_by_the_exit_code(run, pets, tmp_path):
    assert run("scan", pets, "--budget", "1", "--fail-on-flags", "--quiet") == (1, "", "")
    assert run("scan", pets, "--threshold", "1e-12", "--fail-on-flags", "--quiet") == (0, "", "")
    with opened(tmp_path / "anomembed.duckdb", read_only=True) as connection:
        assert connection.sql("SELECT n_flagged FROM runs ORDER BY run_id").fetchall() == [(1,), (0,)]


@pytest.fixture(scope="module")
def fitted_once(tmp_path_factory):
    folder = tmp_path_factory.mktemp("fitted")
    with opened(folder / "source.duckdb") as connection:
        connection.execute(PETS)
    (folder / "pets.toml").write_text("[source]\ndatabase = 'source.duckdb'\ntable = 'pets'\n")
    fit_table(load_config(folder / "pets.toml", {"store": {"path": str(folder / "store.duckdb")}}), quiet=True)
    return folder


@pytest.fixture
def fitted(fitted_once, tmp_path):
    """A source, a configuration and a store with one model in the current folder."""
    shutil.copytree(fitted_once, tmp_path, dirs_exist_ok=True)
    return "pets.toml"


def test_init_fit_and_score_follow_each_other(run, pets):
    for arguments in (["init", pets, "pets", "-o", "new.toml"], ["fit", "new.toml"], ["score", "new.toml"]):
        outcome = run(*arguments)
        assert outcome.code == 0, outcome.err


def test_score_takes_the_model_of_its_own_configuration(run, fitted, database):
    """A scan of the same table, or of another one, does not take a job in cron over."""
    other = database(
        "CREATE TABLE other AS SELECT i AS id, 'x' || i % 3 AS a, 'y' || i % 3 AS b FROM range(90) r(i)",
        name="other.duckdb",
    )
    config = load_config(Path(fitted))
    assert run("scan", config.source.database, "pets", "--store", "store.duckdb", "--category", "weight").code == 0
    assert run("scan", other, "--store", "store.duckdb").code == 0
    outcome = run("score", fitted, "--store", "store.duckdb")
    assert outcome.code == 0, outcome.err
    assert "model     1, fitted" in outcome.err
    Path(fitted).write_text(Path(fitted).read_text() + "\n[tokens]\nbins = 5\n")
    changed = run("score", fitted, "--store", "store.duckdb")
    assert (changed.code, changed.out) == (2, "")
    assert "fitted with these settings (those of model 3 differ in roles.category" not in changed.err
    assert "was fitted with these settings (those of model 2 differ in roles.category, tokens.bins)" in changed.err
    assert run("score", fitted, "--store", "store.duckdb", "--model", "1").code == 0


def test_a_model_by_another_detector_is_not_taken(run, fitted):
    text = Path(fitted).read_text()
    Path("other.toml").write_text(text + "[detector]\nname = 'PCA'\n")
    outcome = run("score", "other.toml", "--store", "store.duckdb")
    assert outcome.code == 2
    assert "(those of model 1 differ in detector.name)" in outcome.err
    assert run("fit", "other.toml", "-q", "--store", "store.duckdb").code == 0
    for config, model in ((fitted, 1), ("other.toml", 2)):
        assert f"model     {model}, fitted" in run("score", config, "--store", "store.duckdb").err


def test_a_model_is_found_by_what_its_settings_mean(run, fitted, tmp_path, monkeypatch):
    """The order of names in a role, the folder that a file is named from, and settings unknown to it are no change."""
    folder = tmp_path / "etc"
    folder.mkdir()
    pl.DataFrame({"token": ["cat", "dog"], "vector": [[1.0, 0.0], [0.0, 1.0]]}).write_parquet(tmp_path / "v.parquet")
    settings = Path(fitted).read_text().replace("source.duckdb", "../source.duckdb")
    settings += "[embedding]\nvectors = '../v.parquet'\n[roles]\ncategory = [{}]\n"
    (folder / "pets.toml").write_text(settings.format("'pet', 'says'"))
    store = tmp_path / "own.duckdb"
    assert run("fit", "etc/pets.toml", "-q", "--store", store).code == 0
    (folder / "pets.toml").write_text(settings.format("'says', 'pet'"))
    monkeypatch.chdir(folder)
    assert run("score", "pets.toml", "-q", "--store", store).code == 0
    with opened(store) as connection:
        (text,) = connection.execute("SELECT config FROM models").fetchone()
        older = json.loads(text)
        del older["embedding"]["vectors_pull"]
        older["embedding"]["of_old"] = 1
        connection.execute("UPDATE models SET config = ?", [json.dumps(older)])
    assert run("score", "pets.toml", "-q", "--store", store).code == 0


def test_init_writes_the_roles_that_it_is_told(run, pets):
    assert run("init", pets, "pets", "-o", "new.toml", "--ignore", "says", "--category", "weight").code == 0
    roles = load_config(Path("new.toml")).roles
    assert (roles.ignore, roles.category) == (("says",), ("pet", "weight"))


def test_an_hour_without_records_is_no_failure(run, fitted):
    outcome = run("score", fitted, "--store", "store.duckdb", "--where", "id > 999", "--fail-on-flags")
    assert (outcome.code, outcome.out) == (0, "")
    assert "no record of pets meets the condition id > 999" in outcome.err


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ("ALTER TABLE pets DROP COLUMN says", "no such column in pets: says"),
        (
            "ALTER TABLE pets ALTER weight TYPE VARCHAR USING 'w' || weight",
            "column weight of pets is VARCHAR, but the model was fitted on",
        ),
        ("UPDATE pets SET id = 1 WHERE id = 2", "id does not name the records of pets"),
        ("DELETE FROM pets", "no records to score"),
        ("ALTER TABLE pets RENAME TO dogs", "no such table in"),
    ],
)
def test_a_table_that_changed_since_the_fit(run, fitted, tmp_path, change, said):
    with opened("source.duckdb") as connection:
        connection.execute(change)
    assert said in refused(run("score", fitted, "--store", "store.duckdb", "--scores-to", "scores.csv"), tmp_path)
    with opened("store.duckdb", read_only=True) as connection:
        assert connection.sql("SELECT count(*) FROM runs").fetchall() == [(0,)]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--model", "7"], "no model 7 in store.duckdb; there are: 1"),
        (["--store", "none.duckdb"], "none.duckdb: run `anomembed fit` first"),
    ],
)
def test_a_model_that_is_not_there(run, fitted, tmp_path, arguments, said):
    assert said in refused(run("score", fitted, "--store", "store.duckdb", *arguments), tmp_path)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[source", "cannot be read as TOML"),
        ("\xff", "no database"),
        ("", "names no database"),
        ("[sorce]\ntable = 'x'", "unknown setting sorce; did you mean 'source'?"),
        ("[source]\ntabel = 'x'", "unknown setting source.tabel; did you mean 'table'?"),
        ("[flags]\nbudget = 'many'", "flags.budget = 'many'"),
        ("[flags]\nbudget = 5\nalpha = 0.1", "flags: choose one of alpha, budget"),
        ("seed = 1.5", "seed = 1.5"),
        ("source = 3", "source = 3"),
        ("[roles]\nkey = 'id'", "roles.key = 'id'"),
        ("[detector]\nname = 'copod'\n[source]\ndatabase = 'source.duckdb'", "COPOD is not offered"),
    ],
)
def test_a_wrong_configuration(run, pets, tmp_path, text, said):
    (tmp_path / "wrong.toml").write_text(text if text != "\xff" else "# nothing\n")
    assert said in refused(run("fit", "wrong.toml"), tmp_path)


def test_no_configuration_and_one_that_is_not_text(run, tmp_path):
    (tmp_path / "wrong.toml").write_bytes(b"\xff\xfe")
    assert "wrong.toml cannot be read as TOML" in refused(run("fit", "wrong.toml"), tmp_path)
    assert refused(run("fit", "none.toml"), tmp_path) == "no such configuration file: none.toml"


def test_init_does_not_replace_a_file(run, pets, tmp_path):
    (tmp_path / "pets.toml").write_text("mine")
    assert "pets.toml exists" in refused(run("init", pets, "-o", "pets.toml"), tmp_path)
    assert run("init", pets, "-o", "pets.toml", "--force").code == 0
    assert "says" in (tmp_path / "pets.toml").read_text()


def test_init_into_a_folder_that_is_not_there(run, pets, tmp_path):
    assert "no such folder for the configuration: no" in refused(run("init", pets, "-o", "no/pets.toml"), tmp_path)


def test_an_option_wins_over_the_environment_over_the_file(run, pets, tmp_path, monkeypatch):
    text = f"[source]\ndatabase = '{pets}'\n[store]\npath = 'file.duckdb'\n"
    (tmp_path / "pets.toml").write_text(text)
    made = []
    for variable, option in [(None, ()), ("env.duckdb", ()), ("env.duckdb", ("--store", "option.duckdb"))]:
        if variable:
            monkeypatch.setenv("ANOMEMBED_STORE", variable)
        before = set(tmp_path.iterdir())
        assert run("fit", "pets.toml", "--quiet", *option) == (0, "", "")
        made += [path.name for path in set(tmp_path.iterdir()) - before]
    assert made == ["file.duckdb", "env.duckdb", "option.duckdb"]


@pytest.mark.parametrize("arguments", [["scan"], ["scan", "x", "--nope"], ["nope"], ["scan", "x", "--budget", "many"]])
def test_wrong_usage_exits_with_2(run, arguments):
    outcome = run(*arguments)
    assert outcome.code == 2
    assert "Usage" in outcome.err
    assert "Traceback" not in outcome.err


@pytest.mark.drill
def test_a_thousand_columns_take_less_than_a_minute(run, database):
    columns = ", ".join(f"'v' || (i * {j + 1}) % {2 + j % 7} AS c{j}" for j in range(1000))
    started = time.monotonic()
    outcome = run("scan", database(f"CREATE TABLE t AS SELECT i AS id, {columns} FROM range(300) t(i)"))
    assert outcome.code == 0, outcome.err
    assert time.monotonic() - started < 60


@pytest.mark.drill
def test_a_million_distinct_values(run, database):
    source = database(
        "CREATE TABLE t AS SELECT i AS id, 'u' || i AS name, 'w' || i // 3 AS thing, 'q' || i % 4 AS e, "
        "'p' || i % 3 AS c FROM range(1_000_000) t(i)"
    )
    outcome = run("scan", source, "--budget", "2", "--category", "name")
    assert outcome.code == 0, outcome.err
