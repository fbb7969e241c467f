"""The store as others meet it: a DuckDB file, read here with DuckDB alone wherever that is how people read it.

`golden/store_schema.txt` pins the tables, the macros and their comments. To renew it, run with ANOMEMBED_RENEW=1 the
test that compares it, and read the difference before committing: every changed line is a change of the contract.
`stores/` has the SQL of older versions.
"""

import io
import json
import os
import re
import resource
import shutil
import signal
import subprocess
import sys
import time
from contextlib import contextmanager, suppress
from pathlib import Path

import duckdb
import numpy as np
import polars as pl
import pytest
from databases import ask, opened

from anomembed import load_model, score_table
from anomembed.config import Config
from anomembed.errors import LockedError, StoreError
from anomembed.fit.model import learn_model
from anomembed.pipeline import score_into_store
from anomembed.read.table import Table
from anomembed.write import reading, schema
from anomembed.write.models import save_model
from anomembed.write.schema import migrations
from anomembed.write.store import Store

GOLDEN = Path(__file__).parent / "golden"
ODD = 'o\'dd "1"'
HABITS = [
    ("tea", "cup", "breakfast"),
    ("chai", "cup", "breakfast"),
    ("wine", "glass", "dinner"),
    ("port", "glass", "dinner"),
    ("soup", "bowl", "lunch"),
    ("stew", "bowl", "lunch"),
]


@pytest.fixture(scope="module")
def records():
    drink, vessel, meal = zip(*HABITS * 50, ("tea", "cup", "dinner"), strict=True)
    key = [*(f"r{i}" for i in range(300)), ODD]
    return pl.DataFrame({"record_id": key, "drink": drink, "vessel": vessel, "meal": meal})


@pytest.fixture(scope="module")
def model(records):
    with Table(records) as table:
        return learn_model(table, Config(flags={"budget": 3}), is_own=True)


@pytest.fixture(scope="module")
def kept(model, records, tmp_path_factory):
    """A store with one model and one run, which no test changes."""
    path = tmp_path_factory.mktemp("kept") / "kept.duckdb"
    with Table(records) as table, Store(path) as store:
        score_into_store(model, None, table, model.config, store)
    return path


@pytest.fixture
def copy(kept, tmp_path):
    return Path(shutil.copy(kept, tmp_path / "copy.duckdb"))


def change(path, statement, *parameters):
    with opened(path) as connection:
        connection.execute(statement, parameters)


SCHEMA = """
    SELECT table_name AS name, comment, 0 AS nth FROM duckdb_tables() WHERE NOT internal
    UNION ALL SELECT view_name, comment, 0 FROM duckdb_views() WHERE NOT internal
    UNION ALL SELECT concat(table_name, '.', column_name, ' ', data_type), comment, column_index
    FROM duckdb_columns() WHERE NOT internal
    UNION ALL SELECT concat(function_name, '(', array_to_string(parameters, ', '), ')'), comment, 0
    FROM duckdb_functions() WHERE NOT internal
    ORDER BY split_part(name, '.', 1), nth, name"""


def test_schema_is_the_one_that_others_rely_on(kept):
    text = "".join(f"{name}: {comment}\n" for name, comment, _ in ask(kept, SCHEMA))
    golden = GOLDEN / "store_schema.txt"
    if os.environ.get("ANOMEMBED_RENEW"):
        golden.write_text(text)
    assert text == golden.read_text()


def test_every_table_column_and_macro_has_a_comment(kept):
    rows = ask(kept, SCHEMA)
    assert {name for name, _, _ in rows} >= {"scores", "scores.tail_probability DOUBLE", "why(of_key, of_run)"}
    assert not [name for name, comment, _ in rows if not (comment or "").endswith(".")]
    comments = dict(ask(kept, "SELECT column_name, comment FROM duckdb_columns() WHERE NOT internal"))
    assert "high = abnormal" in comments["raw_score"]
    assert "low = abnormal" in comments["tail_probability"]


def test_one_run_holds_every_record_once_and_what_was_flagged(kept):
    assert ask(kept, "SELECT run_id, model_id, source, condition, rule, n_scored, n_flagged FROM runs") == [
        (1, 1, "the frame", None, "budget 3", 301, 3)
    ]
    assert ask(kept, "SELECT count(*), count(DISTINCT key), count_if(flagged) FROM scores") == [(301, 301, 3)]
    assert ask(kept, "SELECT rank, key FROM flags ORDER BY rank LIMIT 1") == [(1, ODD)]
    assert ask(kept, "SELECT key FROM scores WHERE flagged EXCEPT SELECT key FROM flags") == []


def test_contributions_sum_to_the_raw_score(kept):
    sums = "SELECT key, sum(contribution) AS total FROM contributions GROUP BY key"
    rows = ask(kept, f"SELECT total, raw_score FROM flags JOIN ({sums}) USING (key)")
    assert len(rows) == 3
    assert [total for total, _ in rows] == pytest.approx([raw for _, raw in rows])


def test_a_model_says_what_it_was_fitted_on_with_and_by(kept):
    ((config, roles, summary, versions),) = ask(kept, "SELECT config, roles, summary, versions FROM models")
    assert Config.model_validate_json(config).flags.budget == 3
    assert {role["column"]: role["role"] for role in json.loads(roles)} == {
        "record_id": "key",
        "drink": "category",
        "vessel": "category",
        "meal": "category",
    }
    assert json.loads(summary)["n_reference"] == 301
    assert json.loads(versions)["duckdb"] == duckdb.__version__


def test_tokens_are_the_values_with_their_counts_and_vectors(kept):
    rows = ask(kept, "SELECT token, n_records FROM tokens WHERE column_name = 'meal' AND kind = 'value' ORDER BY ALL")
    assert rows == [("breakfast", 100), ("dinner", 101), ("lunch", 100)]
    assert ask(kept, "SELECT count(DISTINCT len(embedding)), min(len(embedding)) > 0 FROM tokens") == [(1, True)]
    assert {kind for (kind,) in ask(kept, "SELECT kind FROM tokens")} == {"value", "MISSING", "RARE", "UNSEEN"}


def test_ids_of_models_and_runs_grow(copy, model, records):
    with Table(records) as table, Store(copy) as store:
        with store.transaction():
            assert save_model(model, store) == 2
        assert score_into_store(model, 1, table, model.config, store).run_id == 2
        assert score_into_store(model, None, table, model.config, store).model_id == 3
        assert store.model_parts()[0] == 3
        assert store.model_parts(2)[0] == 2


def test_a_loaded_model_scores_to_the_same_bytes(kept, model, records):
    before, after = (score_table(m, records) for m in (model, load_model(kept)))
    assert before.frame["raw_score"].to_numpy().tobytes() == after.frame["raw_score"].to_numpy().tobytes()
    assert before.frame.equals(after.frame)
    assert before.flags.contributions.equals(after.flags.contributions)


SLOW = [pytest.param(name, marks=pytest.mark.drill) for name in ("IForest", "HBOS", "INNE", "LODA", "OCSVM", "KDE")]


@pytest.mark.parametrize("detector", ["KNN", "GMM", "PCA", *SLOW])
def test_detectors_of_pyod_are_kept_without_pickle(detector, records, tmp_path):
    with Table(records) as table, Store(tmp_path / "s.duckdb") as store:
        model = learn_model(table, Config(detector={"name": detector}))
        with store.transaction():
            save_model(model, store)
        loaded, parts = load_model(store), store.model_parts()[1]
    assert score_table(loaded, records).frame.equals(score_table(model, records).frame)
    assert [name for name in parts if name.startswith("detector")]
    assert not [name for name, part in parts.items() if b"\x80\x04" in part[:16] or b".pkl" in part]


def test_parts_hold_data_that_no_code_runs_to_load(kept):
    parts = dict(ask(kept, "SELECT name, content FROM model_parts"))
    assert not [name for name, part in parts.items() if part[:2] in (b"\x80\x02", b"\x80\x04", b"\x80\x05")]
    with np.load(io.BytesIO(parts["arrays.npz"]), allow_pickle=False) as arrays:
        assert all(arrays[name].dtype.kind in "bifu" for name in arrays)
    assert isinstance(json.loads(parts["tree.json"]), dict)


def with_object_array():
    buffer = io.BytesIO()
    np.savez(buffer, a0=np.array([print], dtype=object))
    return buffer.getvalue()


DAMAGES = {
    "cut arrays": ("arrays.npz", lambda part: part[: len(part) // 2]),
    "flipped arrays": ("arrays.npz", lambda part: part[:900] + bytes(64) + part[964:]),
    "pickled arrays": ("arrays.npz", lambda _: with_object_array()),
    "no arrays": ("arrays.npz", lambda _: b""),
    "cut tree": ("tree.json", lambda part: part[:-20]),
    "binary tree": ("tree.json", lambda _: b"\xff\xfe\x00"),
    "deep tree": ("tree.json", lambda _: b'{"tuple": [' * 9999 + b"1" + b"]}" * 9999),
    "foreign class": ("tree.json", lambda part: part.replace(b'"Vocabulary"', b'"os.system"')),
    "foreign field": ("tree.json", lambda part: part.replace(b'"calibration"', b'"calibre"')),
    "foreign enum": ("tree.json", lambda part: part.replace(b'"value": "key"', b'"value": "door"')),
    "foreign setting": ("tree.json", lambda part: part.replace(b'"seed": 0', b'"seed": -1')),
    "another thing": ("tree.json", lambda _: b'["not", "a", "model"]'),
    "foreign detector": ("tree.json", lambda part: part.replace(b'"kind": "Nearest"', b'"kind": "IForest"')),
    "cut detector": ("detector-0", lambda part: part[:-30]),
    "empty detector": ("detector-0", lambda _: b""),
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_model_is_one_sentence(copy, damage):
    name, spoil = DAMAGES[damage]
    ((part,),) = ask(copy, f"SELECT content FROM model_parts WHERE name = '{name}'")
    assert spoil(part) != part
    change(copy, "UPDATE model_parts SET content = ? WHERE name = ?", spoil(part), name)
    with pytest.raises(StoreError, match=r"(model|detector) in .*(damaged|not trusted)"):
        load_model(copy)


def test_a_model_of_another_version_says_what_to_do(copy):
    tree = "replace(decode(content), '\"calibration\"', '\"corrections\"')"
    change(copy, f"UPDATE model_parts SET content = encode({tree}) WHERE name = 'tree.json'")
    with pytest.raises(StoreError, match=r".its Model has corrections.: run `anomembed fit`"):
        load_model(copy)


def test_a_missing_part_is_one_sentence(copy):
    change(copy, "DELETE FROM model_parts WHERE name = 'detector-0'")
    with pytest.raises(StoreError, match="damaged"):
        load_model(copy)


def test_a_detector_that_would_run_code_is_refused(copy):
    from skops.io import dumps

    change(copy, "UPDATE model_parts SET content = ? WHERE name = 'detector-0'", dumps(os.getcwd))
    change(
        copy,
        "UPDATE model_parts SET content = replace(content::VARCHAR, '\"Nearest\"', '\"KNN\"')::BLOB "
        "WHERE name = 'tree.json'",
    )
    with pytest.raises(StoreError, match=r"not trusted|damaged"):
        load_model(copy)


def test_a_newer_store_is_refused_and_not_touched(copy):
    change(copy, "UPDATE store_version SET version = 99")
    before = copy.read_bytes()
    with pytest.raises(StoreError, match=r"newer anomembed.*99"):
        Store(copy)
    assert copy.read_bytes() == before


@pytest.mark.parametrize(
    "damage",
    [
        "DELETE FROM store_version",
        "INSERT INTO store_version VALUES (2)",
        "UPDATE store_version SET version = 0",
        "ALTER TABLE store_version ALTER version TYPE VARCHAR; UPDATE store_version SET version = 'one'",
        "ALTER TABLE store_version ALTER version TYPE VARCHAR",
        "ALTER TABLE store_version ADD COLUMN other INTEGER",
    ],
)
def test_a_store_without_one_version_number_is_damaged_and_not_touched(run, copy, database, damage):
    change(copy, damage)
    before = copy.read_bytes()
    path = database(f"CREATE TABLE t AS SELECT 'k' || i AS id, {PETS}")
    outcome = run("scan", path, "t", "-q", "--store", copy)
    assert (outcome.code, outcome.err.count("\n")) == (2, 1)
    assert "is damaged: its table store_version does not hold one version number" in outcome.err
    assert copy.read_bytes() == before


TABLES = "SELECT table_name FROM duckdb_tables() WHERE NOT internal ORDER BY ALL"


@pytest.fixture
def first_version(kept, tmp_path):
    """A store that the first version made, with the rows of `kept`."""
    path = tmp_path / "first.duckdb"
    with opened(path) as connection:
        connection.execute((Path(__file__).parent / "stores" / "version_1.sql").read_text())
        tables = connection.execute(TABLES).fetchall()
        connection.execute(f"ATTACH '{kept}' AS kept (READ_ONLY)")
        for (name,) in tables:
            if name != "store_version":
                names = ", ".join(connection.sql(f"FROM {name} LIMIT 0").columns)
                connection.execute(f"INSERT INTO {name} SELECT {names} FROM kept.{name}")
    return path


def test_a_store_of_the_first_version_is_upgraded_keeps_its_rows_and_scores(first_version, kept, records):
    with Table(records) as table, Store(first_version) as store:
        older = load_model(store)
        assert score_into_store(older, 1, table, older.config, store).run_id == 2
    assert ask(first_version, SCHEMA) == ask(kept, SCHEMA)
    assert ask(first_version, "FROM store_version") == [(len(migrations()),)]
    assert ask(first_version, "SELECT DISTINCT source, record IS NULL FROM flags ORDER BY ALL") == [
        ("the frame", False),
        ("the frame", True),
    ]
    for name in ("record", "finding"):
        newer = f"SELECT {name} FROM flags AS newer WHERE newer.{name} IS NOT NULL AND newer.key = flags.key"
        change(first_version, f"UPDATE flags SET {name} = ({newer})")
    for (name,) in ask(kept, TABLES):
        assert not ask(kept, f"ATTACH '{first_version}' AS first (READ_ONLY); FROM {name} EXCEPT FROM first.{name}"), (
            name
        )
    rows = "SELECT key, raw_score, flagged FROM scores WHERE run_id = {} ORDER BY key"
    assert ask(first_version, rows.format(1)) == ask(first_version, rows.format(2))
    with pytest.raises(duckdb.Error, match="of_model := N"):  # what the first version's macro did not say
        ask(first_version, "FROM similar('drink', 'water')")


def test_a_store_of_version_1_that_has_losses_already_keeps_them(first_version):
    change(
        first_version, "CREATE TABLE losses (model_id BIGINT NOT NULL, epoch INTEGER NOT NULL, loss DOUBLE NOT NULL)"
    )
    change(first_version, "INSERT INTO losses VALUES (1, 1, 0.5)")
    load_model(first_version)
    assert ask(first_version, "FROM losses") == [(1, 1, 0.5)]


def test_an_upgrade_that_fails_changes_nothing(first_version):
    change(first_version, "DROP TABLE pairs")
    tables = ask(first_version, TABLES)
    with pytest.raises(StoreError, match=r"store version 1 cannot be upgraded: .*pairs"):
        Store(first_version)
    assert ask(first_version, TABLES) == tables
    assert ask(first_version, "FROM store_version") == [(1,)]


def test_migrations_are_numbered_without_a_gap():
    folder = Path(schema.__file__).parent / "migrations"
    assert [int(name[:4]) for name in sorted(path.name for path in folder.iterdir())] == [
        *range(1, len(migrations()) + 1)
    ]


@pytest.mark.parametrize("statement", ["CREATE TABLE payments (id INT)", "CREATE VIEW payments AS SELECT 1 AS id"])
def test_a_database_of_something_else_is_refused_and_not_touched(database, statement):
    path = database(statement)
    before = path.read_bytes()
    with pytest.raises(StoreError, match="something else"):
        Store(path)
    assert path.read_bytes() == before


def test_a_file_of_another_kind_is_refused_and_not_touched(tmp_path):
    path = tmp_path / "notes.txt"
    path.write_text("dear diary, " * 1000)
    with pytest.raises(StoreError, match="not a DuckDB file"):
        Store(path)
    assert path.read_text().startswith("dear diary")


def test_a_store_must_be_somewhere(tmp_path):
    with pytest.raises(StoreError, match="no such folder"):
        Store(tmp_path / "no" / "s.duckdb")
    with pytest.raises(StoreError, match="no store at"):
        Store(tmp_path / "s.duckdb", must_exist=True)
    assert not list(tmp_path.iterdir())


def test_a_model_that_is_not_there(copy):
    with pytest.raises(StoreError, match=r"no model 7 .* there are: 1"):
        load_model(copy, 7)
    change(copy, "DELETE FROM models")
    with pytest.raises(StoreError, match="no model in"):
        load_model(copy)


def test_similar_finds_the_planted_synonym(kept):
    tokens = [token for (token,) in ask(kept, "SELECT token FROM similar('drink', 'tea')")]
    assert tokens[0] == "chai"
    assert sorted(tokens) == ["chai", "port", "soup", "stew", "wine"]
    with pytest.raises(duckdb.Error, match="the model has no drink=water"):
        ask(kept, "FROM similar('drink', 'water')")


def test_similar_leaves_out_values_of_which_next_to_nothing_is_known(copy):
    with opened(copy) as connection:
        connection.execute("UPDATE tokens SET embedding = [x * 1e-9 FOR x IN embedding] WHERE token = 'chai'")
        connection.execute("UPDATE tokens SET n_records = 0 WHERE token = 'wine'")
    assert [token for (token,) in ask(copy, "SELECT token FROM similar('drink', 'tea') ORDER BY token")] == [
        "port",
        "soup",
        "stew",
    ]
    with pytest.raises(duckdb.Error, match="drink=chai occurs with all values alike"):
        ask(copy, "FROM similar('drink', 'chai')")
    with pytest.raises(duckdb.Error, match="the model has no drink=wine"):
        ask(copy, "FROM similar('drink', 'wine')")


def test_macros_obey_a_limit(kept):
    odd = ODD.replace("'", "''")
    for call, n_all in {"similar('drink', 'tea')": 5, "expected('meal', ['drink=tea'])": 3, f"why('{odd}')": 3}.items():
        assert [len(ask(kept, f"FROM {call} LIMIT {n}")) for n in range(1, 7)] == [min(n, n_all) for n in range(1, 7)]


def test_expected_does_not_guess_at_names_that_it_does_not_know(kept):
    for call in ("expected('nope', [])", "expected('meal', ['drink=water'])", "expected('meal', ['drink'])"):
        with pytest.raises(duckdb.Error, match=r"the model has no|what is given must be like"):
            ask(kept, f"FROM {call}")


def test_expected_beside_one_value_is_the_share_in_the_data(kept, records):
    lunch = records.filter(drink="tea")["meal"].value_counts(normalize=True)
    shares = dict(ask(kept, "SELECT token, chance FROM expected('meal', ['drink=tea'])"))
    for meal, share in lunch.iter_rows():
        assert shares[meal] == pytest.approx(share, abs=0.05)  # one record is added to every count of 51


def test_expected_finds_the_planted_company(kept):
    for drink, vessel, meal in HABITS:
        rows = ask(kept, f"SELECT token, chance FROM expected('meal', ['drink={drink}', 'vessel={vessel}'])")
        assert rows[0][0] == meal
        assert sum(chance for _, chance in rows) == pytest.approx(1, abs=1e-3)


def test_expected_without_company_is_the_plain_frequency(kept):
    assert ask(kept, "SELECT token, chance FROM expected('meal', []::VARCHAR[]) LIMIT 1") == [("dinner", 0.3355)]


def test_why_takes_a_flag_apart(kept):
    odd = ODD.replace("'", "''")
    rows = ask(kept, f"SELECT column_name, value, contribution, expected, views FROM why('{odd}')")
    assert {row[0] for row in rows} == {"drink", "vessel", "meal"}
    assert [row[2] for row in rows] == sorted((row[2] for row in rows), reverse=True)
    assert next(row[3] for row in rows if row[0] == "meal")[0] == "breakfast"
    parts = f"FROM contributions WHERE key = '{odd}' AND column_name = 'meal'"
    assert next(row[4] for row in rows if row[0] == "meal") == [
        view for (view,) in ask(kept, f"SELECT view {parts} ORDER BY contribution DESC, view")
    ]


def test_why_says_what_it_cannot_explain(kept, copy):
    usual = ask(kept, "SELECT key FROM scores WHERE NOT flagged LIMIT 1")[0][0].replace("'", "''")
    for key, said in (
        (usual, "run 1 did not flag"),
        ("nobody", "run 1 scored no record nobody; for another run, add of_run := N"),
        (f"{usual}x", f"run 1 scored no record {re.escape(usual)}x; the nearest keys: '{re.escape(usual)}'"),
    ):
        with pytest.raises(duckdb.Error, match=said):
            ask(kept, f"FROM why('{key}')")
    for call, said in {
        f"why('{usual}', of_run := 9)": "the store has no run 9",
        "similar('drink', 'tea', of_model := 9)": "the store has no such model",
        "expected('drink', [], of_model := 9)": "the store has no such model",
    }.items():
        with pytest.raises(duckdb.Error, match=said):
            ask(kept, f"FROM {call}")
    with opened(copy) as connection:
        connection.execute("DELETE FROM runs")
    with pytest.raises(duckdb.Error, match="no run yet"):
        ask(copy, "FROM why('nobody')")


def test_macros_speak_of_the_newest_model_and_run(copy, model, records):
    flipped = records.with_columns(meal=pl.col("meal").replace({"lunch": "brunch"}))
    with Table(flipped) as table, Store(copy) as store:
        score_into_store(learn_model(table, model.config, is_own=True), None, table, model.config, store)
    assert ask(copy, "SELECT token FROM expected('meal', ['drink=stew']) LIMIT 1") == [("brunch",)]
    assert ask(copy, "SELECT max(run_id) FROM contributions") == [(2,)]
    odd = ODD.replace("'", "''")
    assert len(ask(copy, f"FROM why('{odd}')")) == 3


def test_macros_speak_of_an_older_model_and_run_when_asked(copy, model, records):
    flipped = records.with_columns(meal=pl.col("meal").replace({"lunch": "brunch"}))
    calls = (
        "why((SELECT key FROM flags WHERE run_id = 1 AND rank = 1)",
        "similar('meal', 'lunch'",
        "expected('meal', []",
    )
    before = [ask(copy, f"FROM {call})") for call in calls]
    with Table(flipped) as table, Store(copy) as store:
        score_into_store(learn_model(table, model.config, is_own=True), None, table, model.config, store)
    assert [ask(copy, f"FROM {calls[0]}, of_run := 1)")] == before[:1]
    assert [ask(copy, f"FROM {call}, of_model := 1)") for call in calls[1:]] == before[1:]
    assert ask(copy, f"FROM {calls[2]})") != before[2]


PETS = "['cat', 'dog'][1 + i % 2] AS pet, ['meow', 'woof'][1 + i % 2] AS says FROM range(60) r(i)"
KEYS = {
    "UUID": "CAST(md5(i::VARCHAR) AS UUID)",
    "TIMESTAMP": "TIMESTAMP '2026-01-01 00:00:00.123456' + INTERVAL 1 DAY * i",
    "TIMESTAMPTZ": "TIMESTAMPTZ '2026-01-01 00:00:00+00' + INTERVAL 1 DAY * i",
    "DATE": "DATE '2026-01-01' + i::INT",
    "DECIMAL": "(i / 100)::DECIMAL(9, 2)",
    "HUGEINT": "170141183460469231731687303715884105000::HUGEINT + i",
    "ENUM": "('e' || i % 60)::e",
    "quotes": "'it''s \"' || i || chr(10) || '\\ é'",
    "BLOB": "encode('b' || i)",
}


@pytest.mark.parametrize("kind", KEYS)
def test_a_key_of_any_type_is_kept_as_its_text(run, database, kind):
    enum = "CREATE TYPE e AS ENUM (SELECT 'e' || i FROM range(60) r(i))"
    path = database(enum, f"CREATE TABLE t AS SELECT {KEYS[kind]} AS record, {PETS}")
    outcome = run("scan", path, "t", "--key", "record", "--budget", 2, "-q", "--store", "s.duckdb")
    assert outcome.code == 0, outcome.err
    texts = {text for (text,) in ask(path, "SET TimeZone = 'UTC'; SELECT record::VARCHAR FROM t")}
    assert {key for (key,) in ask("s.duckdb", "SELECT key FROM scores")} == texts
    assert len(ask("s.duckdb", "FROM why((SELECT key FROM flags WHERE rank = 1))")) == 2


def test_a_key_of_several_columns_is_kept_as_json(run, database):
    path = database(f"CREATE TABLE t AS SELECT i // 2 AS \"no.\", 'it''s' || i % 2 AS \"it's\", {PETS}")
    outcome = run("scan", path, "t", "--key", "no.", "--key", "it's", "-q", "--store", "s.duckdb")
    assert outcome.code == 0, outcome.err
    keys = [json.loads(key) for (key,) in ask("s.duckdb", "SELECT key FROM scores")]
    assert {"no.": 7, "it's": "it's1"} in keys
    assert len(keys) == 60
    assert ask("s.duckdb", "SELECT count(*) FROM flags JOIN contributions USING (key, run_id)")[0][0] > 0


@pytest.mark.parametrize("name", ["value", "expected", "contribution", "column_name", "key", "run_id", "s", "f", "p"])
def test_a_key_may_be_called_like_a_column_of_ours(run, database, name):
    path = database(f"CREATE TABLE t AS SELECT 'k' || i AS {name}, {PETS}")
    outcome = run("scan", path, "t", "--key", name, "-q", "--store", "s.duckdb", "--scores-to", "s.csv")
    assert outcome.code == 0, outcome.err
    assert ask("s.duckdb", "SELECT count(*) FROM contributions WHERE key[1] <> 'k'") == [(0,)]


@pytest.mark.parametrize("name", ["rank", "Flagged", "VIEW"])
def test_a_key_may_not_be_called_like_a_column_of_the_scores(run, database, name):
    path = database(f"CREATE TABLE t AS SELECT 'k' || i AS {name}, {PETS}")
    outcome = run("scan", path, "t", "--key", name, "-q", "--store", "s.duckdb")
    assert (outcome.code, outcome.err.count("\n")) == (2, 1)
    assert "cannot be called" in outcome.err


def test_an_exception_in_a_transaction_leaves_nothing(copy, model, records):
    with Store(copy) as store, pytest.raises(ZeroDivisionError), store.transaction():
        save_model(model, store)
        raise ZeroDivisionError
    assert ask(copy, "SELECT count(*) FROM models") == [(1,)]
    assert ask(copy, "SELECT count(DISTINCT model_id) FROM tokens") == [(1,)]
    with Store(copy) as store, store.transaction():
        assert save_model(model, store) == 2


def test_transactions_join_the_one_around_them(copy, model):
    with Store(copy) as store, store.transaction():
        for expected in (2, 3):
            with store.transaction():
                assert save_model(model, store) == expected
        with store._connection.cursor() as other:  # sees only what is committed
            assert other.execute("SELECT count(*) FROM models").fetchall() == [(1,)]
    assert ask(copy, "SELECT count(*) FROM models") == [(3,)]


def test_an_error_after_a_joined_transaction_leaves_nothing(copy, model, records):
    with Table(records) as table, Store(copy) as store:
        with pytest.raises(ZeroDivisionError), store.transaction():
            score_into_store(model, None, table, model.config, store)
            raise ZeroDivisionError
        assert store.rows("SELECT max(model_id) FROM models UNION ALL SELECT max(run_id) FROM scores") == [(1,), (1,)]
        assert score_into_store(model, None, table, model.config, store).run_id == 2


def test_an_error_in_a_joined_transaction_that_is_caught_leaves_nothing(copy, model):
    with Store(copy) as store:
        with pytest.raises(StoreError, match="nothing was written"), store.transaction():
            save_model(model, store)
            with suppress(ZeroDivisionError), store.transaction():
                raise ZeroDivisionError
        with store.transaction():
            assert save_model(model, store) == 2


def test_a_new_store_that_only_a_failed_transaction_wrote_to_goes_away(tmp_path, model):
    path = tmp_path / "new.duckdb"
    with pytest.raises(ZeroDivisionError), Store(path) as store, store.transaction():
        with store.transaction():
            save_model(model, store)
        raise ZeroDivisionError
    assert not path.exists()


def test_a_scan_that_fails_late_leaves_no_model(copy, run, database, monkeypatch):
    path = database(f"CREATE TABLE t AS SELECT 'k' || i AS id, {PETS}")
    monkeypatch.setattr(Store, "add_run", lambda *_: 1 / 0)
    assert run("scan", path, "t", "-q", "--store", copy).code == 70
    assert ask(copy, "SELECT (SELECT count(*) FROM models), (SELECT count(*) FROM runs)") == [(1, 1)]


def test_a_scan_that_fails_leaves_no_empty_store(run, database):
    path = database("CREATE TABLE t AS SELECT 1 AS id, 'x' AS same FROM range(9)")
    outcome = run("scan", path, "t", "--store", "s.duckdb")
    assert outcome.code == 2
    assert not Path("s.duckdb").exists()


@contextmanager
def disk_of(n_bytes):
    """No file may grow beyond this: writing fails as on a full disk."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (n_bytes, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_a_full_disk_is_one_sentence_and_keeps_the_store_whole(copy, run, database):
    path = database("CREATE TABLE t AS SELECT i AS id, 'v' || i % 900 AS a, 'w' || i % 800 AS b FROM range(9000) r(i)")
    with disk_of(50_000):
        outcome = run("scan", path, "t", "-q", "--store", copy)
    assert outcome.code == 2
    assert outcome.err.count("\n") == 1
    with Store(copy) as store:
        assert store.rows("SELECT (SELECT count(*) FROM models), (SELECT max(run_id) FROM scores)") == [(1, 1)]
    assert run("scan", path, "t", "-q", "--store", copy).code == 0


def test_a_full_disk_leaves_no_part_of_a_scores_file(run, database, tmp_path):
    path = database("CREATE TABLE t AS SELECT i AS id, 'v' || i % 9 AS a, 'w' || i % 8 AS b FROM range(90000) r(i)")
    scores = tmp_path / "out" / "scores.csv"
    scores.parent.mkdir()
    scores.write_text("yesterday's\n")
    run("scan", path, "t", "-q", "--store", "s.duckdb")
    with Store("s.duckdb") as store, disk_of(100_000), pytest.raises(StoreError):
        from anomembed.write.sinks import write_scores

        store.stage(
            [pl.DataFrame({"id": range(90000)}).with_columns(raw_score=1.0, tail_probability=0.1, view=pl.lit("v"))]
        )
        store._connection.execute("CREATE OR REPLACE TEMP TABLE chosen_flags (id BIGINT, rank BIGINT, reason VARCHAR)")
        write_scores(store, ["id"], scores)
    assert [(p.name, p.read_text()) for p in scores.parent.iterdir()] == [("scores.csv", "yesterday's\n")]


@contextmanager
def another_process(code, *arguments):
    """Run Python code beside us until it says that it is ready; it is killed at the end."""
    process = subprocess.Popen([sys.executable, "-c", code, *map(str, arguments)], stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout.readline() == "ready\n"
        yield process
    finally:
        process.kill()
        process.wait()
        process.stdout.close()


HOLD = "import duckdb, sys, time; c = duckdb.connect(sys.argv[1]); print('ready', flush=True); time.sleep(60)"


def test_a_store_in_use_means_try_again_later(copy, run, database, monkeypatch):
    monkeypatch.setattr(reading, "PATIENCE", 0.05)
    path = database(f"CREATE TABLE t AS SELECT 'k' || i AS id, {PETS}")
    with another_process(HOLD, copy):
        with pytest.raises(LockedError, match="try again later"):
            load_model(copy)
        outcome = run("scan", path, "t", "-q", "--store", copy)
    assert (outcome.code, outcome.err.count("\n")) == (3, 1)


READ = HOLD.replace("sys.argv[1]", "sys.argv[1], read_only=True")
QUESTIONS = [
    ("findings",), ("findings", "--summary"), ("models", "list"), ("models", "show", "1"), ("models", "diff", "1", "1"),
    ("export", "vectors.vec"),
]  # fmt: skip
ACTS = [
    ("silence", "pair/city", "--for", "1d", "--because", "x"), ("unsilence", "pair/city"), ("acknowledge", "abc"),
    ("feedback", "1", "--normal"), ("models", "revert", "1"), ("models", "prune"),
]  # fmt: skip


@pytest.mark.parametrize("question", QUESTIONS, ids=" ".join)
def test_what_only_reads_a_store_needs_no_lock_of_its_own(copy, run, question):
    before = copy.read_bytes()
    with another_process(READ, copy):
        outcome = run(*question, "--store", copy)
    assert outcome.code == 0, outcome.err
    assert copy.read_bytes() == before


@pytest.mark.parametrize("act", ACTS, ids=lambda act: act[0])
def test_an_act_waits_for_a_run_that_has_the_store(copy, run, monkeypatch, act):
    with another_process(HOLD, copy) as process:
        monkeypatch.setattr(reading.time, "sleep", lambda _: process.kill() or process.wait())
        outcome = run(*act, "--store", copy)
    assert outcome.code in (0, 2)  # it has read the store
    assert "locked" not in outcome.err


WRITE = """
import sys, time
import polars as pl
from anomembed.write.store import Store
batch = pl.DataFrame({"id": range(300_000)}).with_columns(raw_score=1.0, tail_probability=0.1, view=pl.lit("v"))
flags = batch.head(9).with_columns(rank=pl.col("id"), extrapolated=False, reason=pl.lit("r"))
flags = flags.with_columns(record_values=pl.lit("{}"), finding=pl.lit(""))
parts = flags.select("rank", "view", column_name="reason", value="reason", contribution=0.5, expected=pl.lit(["x"]))
with Store(sys.argv[1]) as store:
    store.stage([batch])
    with store.transaction():
        about = {"source": "s", "condition": None, "rule": "r", "n_scored": batch.height}
        assert store.add_run(1, about, ["id"], flags, parts) == 2
        print("ready", flush=True)
        time.sleep(60)
"""


def test_a_writer_that_is_killed_leaves_no_half_run(copy, model, records):
    with another_process(WRITE, copy) as process:
        process.send_signal(signal.SIGKILL)
        process.wait()
    with Table(records) as table, Store(copy) as store:
        assert store.rows("SELECT DISTINCT run_id FROM scores UNION SELECT run_id FROM flags") == [(1,)]
        assert score_into_store(model, 1, table, model.config, store).run_id == 2


@pytest.mark.drill
@pytest.mark.parametrize("share", [0.5, 0.7, 0.8, 0.9, 0.95, 1.0])
def test_a_scan_that_is_killed_at_any_moment_leaves_no_half_run(copy, database, share):
    path = database("CREATE TABLE t AS SELECT i AS id, 'v' || i % 90 AS a, 'w' || i % 80 AS b FROM range(400_000) r(i)")
    command = [sys.executable, "-m", "anomembed", "scan", str(path), "t", "-q", "--store", str(copy)]
    start = time.monotonic()
    subprocess.run([*command[:-1], "timed.duckdb"], check=True)
    process = subprocess.Popen(command)
    time.sleep(share * (time.monotonic() - start))
    process.kill()
    process.wait()
    with Store(copy) as store:
        runs = store.rows("SELECT run_id, n_scored, n_flagged FROM runs ORDER BY run_id")
        scores = store.rows("SELECT run_id, count(*), count_if(flagged) FROM scores GROUP BY run_id ORDER BY run_id")
        assert runs == scores
        assert store.rows("SELECT count(*) FROM models") == [(len(runs),)]
