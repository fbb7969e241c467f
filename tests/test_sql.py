"""SQL over the store: what macros answer, checked against the source; `anomembed sql` and `similar`; snapshots."""

import json
import os
import shutil
import subprocess
import sys
from contextlib import chdir
from pathlib import Path

import duckdb
import pytest
from databases import ask, opened
from monitored import REFERENCE, at, pay, payment
from test_store import HOLD, another_process

from anomembed.cli import main
from anomembed.investigate.likeness import place_values
from anomembed.write import reading
from anomembed.write.likeness import find_similar
from anomembed.write.reading import open_to_read
from anomembed.write.snapshot import leave_snapshot, snapshot_path
from anomembed.write.store import Store

# Shops 0 to 3 sell in DE, the others in FR; shop 9 sells in both; 30 records have an amount about 480.
TABLE = """CREATE TABLE t AS
    SELECT i AS id, 'shop' || i % 10 AS shop, if(i % 10 < 4 OR i % 20 = 9, 'DE', 'FR') AS country,
        if(i % 10 < 4, 'EUR', 'FRF') AS currency, 'c' || hash(i) % 5 AS customer,
        if(i % 20 = 3, 470 + i % 7, hash(i * 3) % 130 / 10.0)::DOUBLE AS amount
    FROM range(600) r(i)"""


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    """A folder with a source, and a store with two runs over it: the second time, record 598 was of another country."""
    folder = tmp_path_factory.mktemp("home")
    with chdir(folder), pytest.MonkeyPatch.context() as patch:
        for statement in (TABLE, "UPDATE t SET country = 'PL' WHERE id = 598"):
            with opened("source.duckdb") as connection:
                connection.execute(statement)
            patch.setattr(sys, "argv", ["anomembed", "scan", "source.duckdb", "t", "--budget", "3", "--quiet"])
            with pytest.raises(SystemExit) as end:
                main()
            assert not end.value.code
    return folder


@pytest.fixture
def answer(home, monkeypatch):
    """Ask the store by DuckDB alone."""
    monkeypatch.chdir(home)
    return lambda query: ask("anomembed.duckdb", query)


def test_latest_flags_are_those_of_the_newest_run(answer):
    assert answer("SELECT key FROM latest_flags") == answer("SELECT key FROM flags WHERE run_id = 2 ORDER BY rank")
    assert answer("SELECT DISTINCT source, database FROM latest_flags") == [("t", "source.duckdb")]
    assert (
        answer("SELECT DISTINCT database FROM runs UNION ALL SELECT DISTINCT database FROM models")
        == [("source.duckdb",)] * 2
    )
    assert answer("SELECT config->>'$.flags.budget' FROM runs WHERE run_id = 1") == [("3",)]
    assert answer("SELECT count(*) FROM latest_flags WHERE length(finding) = 16") == [(3,)]


def test_together_counts_what_the_source_has(answer):
    row = answer("FROM together('shop', 'shop9', 'country', 'DE')")[0]
    both, shop, country, n = ask(
        "source.duckdb",
        "SELECT count(*) FILTER (shop = 'shop9' AND country = 'DE'), count(*) FILTER (shop = 'shop9'), "
        "count(*) FILTER (country = 'DE'), count(*) FROM t",
    )[0]
    assert row == (both, round(shop * country / n, 1), round(both / shop, 4), shop, country, n)
    assert answer("SELECT seen FROM together('shop', 'shop5', 'country', 'DE')") == [(0,)]


def test_numbers_are_found_by_value(answer):
    by_text, by_number = (
        answer(f"SELECT n_first FROM together('amount', {v}, 'shop', 'shop3')") for v in ("'473.2'", 473.2)
    )
    assert by_text == by_number
    low, high, n = answer(
        "SELECT low, high, n_records FROM tokens WHERE model_id = 2 AND low <= 473.2 AND 473.2 < high"
    )[0]
    assert (
        [(n,)] == by_text == ask("source.duckdb", f"SELECT count(*) FROM t WHERE amount >= {low} AND amount < {high}")
    )
    assert answer("FROM similar('amount', 473.2)") == answer("FROM similar('amount', '473.2')")
    assert answer("SELECT token FROM expected('shop', ['amount=473.2']) LIMIT 1") == [("shop3",)]
    with pytest.raises(duckdb.Error, match="the model has no amount=-5"):
        answer("FROM similar('amount', -5)")


def test_given_values_may_be_one_text(answer):
    assert answer("FROM expected('country', 'shop=shop1')") == answer("FROM expected('country', ['shop=shop1'])")


@pytest.mark.parametrize(
    ("call", "said"),
    [
        ("similar('shop', 'shap1')", "the model has no shop=shap1; did you mean shop1"),
        ("similar('Shops', 'shop1')", "the model has no column Shops; there are: shop"),
        ("together('shop', 'shop1', 'cuntry', 'DE')", "the model has no column cuntry; there are: country"),
        ("together('shop', 'shop1', 'country', 'Dee')", "the model has no country=Dee; did you mean DE"),
        ("expected('country', ['shop=shop77'])", "the model has no shop=shop77; did you mean shop7"),
        ("history('contry', 'PL')", "no flag has a column contry; there are: country"),
        ("expected('county', ['shop=shop7'])", "the model has no column county; there are: country"),
        ("compare_runs(1, 9)", "the store has no run 9"),
        ("compare_models(1, 9)", "the store has no model 9"),
    ],
)
def test_what_does_not_exist_is_answered_with_the_nearest(answer, call, said):
    with pytest.raises(duckdb.Error, match=said):
        answer(f"FROM {call}")


@pytest.mark.parametrize(
    "call",
    [
        "similar('{}', 'shop1')",
        "together('{}', 'shop7', 'country', 'DE')",
        "together('country', 'DE', '{}', 'shop7')",
        "expected('{}', ['country=DE'])",
        "expected('country', ['{}=shop7'])",
    ],
)
def test_a_column_is_found_in_any_case(answer, call):
    assert answer(f"FROM {call.format('SHOP')}") == answer(f"FROM {call.format('shop')}") != []


def test_two_runs_and_two_models_are_compared(answer):
    rows = {key: (flagged, tail_b) for flagged, key, _, tail_b, *_ in answer("FROM compare_runs(1, 2)")}
    assert rows["598"] == (
        "only in b",
        answer("SELECT tail_probability FROM scores WHERE run_id = 2 AND key = '598'")[0][0],
    )
    flagged = set(answer("SELECT key FROM flags"))
    assert {(key,) for key in rows} == flagged
    changed = answer(
        "SELECT token, change, n_records_b FROM compare_models(1, 2) "
        "WHERE column_name = 'country' AND change <> 'in both'"
    )
    assert changed == [("PL", "new", 1)]
    both = answer("SELECT n_records_a, n_records_b FROM compare_models(1, 2) WHERE token = 'FR'")
    assert both[0][0] - both[0][1] == 1


def test_the_history_of_a_value_and_what_is_new(answer):
    assert {"598"} <= {key for (key,) in answer("SELECT key FROM history('country', 'PL')")}
    assert answer("SELECT DISTINCT run_id FROM history('country', 'PL')") == [(2,)]
    assert answer("FROM history('country', ' pl')") == answer("FROM history('country', 'PL')")
    assert answer("FROM history('country', 'DK')") == []
    first = answer("SELECT scored_at FROM runs WHERE run_id = 2")[0][0]
    new = answer(f"SELECT key FROM new_since(TIMESTAMP '{first}')")
    again = set(answer("SELECT key FROM flags WHERE run_id = 1"))
    assert set(new) == set(answer("SELECT key FROM flags WHERE run_id = 2")) - again
    assert ("598",) in new
    assert len(answer("FROM new_since(now() - INTERVAL 1 DAY)")) == len(again | set(new))
    assert answer("FROM new_since(now() + INTERVAL 1 DAY)") == []


def test_sql_reads_the_store_and_its_source_and_writes_neither(answer, run):
    joined = "SELECT country FROM latest_flags JOIN source.t ON key = id::VARCHAR WHERE key = '598'"
    assert json.loads(run("sql", joined, "--format", "json").out) == [{"country": "PL"}]
    for statement in ("DELETE FROM runs", "DROP TABLE source.t", "UPDATE source.t SET shop = ''"):
        outcome = run("sql", statement)
        assert (outcome.code, outcome.out) == (2, "")
        assert "read-only" in outcome.err
    assert len(answer("FROM runs")) == 2
    assert "did you mean shop1" in run("sql", "FROM similar('shop', 'shap1')").err
    assert "must be one statement, not 2" in run("sql", "SELECT 1; SELECT 2").err
    assert run("sql", "SELEC").code == 2
    assert "Candidate" in run("sql", "SELECT reson FROM flags").err


def test_intervals_are_answered_as_text(answer, run):
    asked = 'SELECT INTERVAL 3 DAY AS "a b", [INTERVAL 90 MINUTE] AS c, 1 AS d'
    assert json.loads(run("sql", asked, "--format", "json").out) == [{"a b": "3 days", "c": "['01:30:00']", "d": 1}]
    assert run("sql", "FROM findings").code == 0
    assert json.loads(run("sql", "SELECT 1 AS a, 2 AS a", "--format", "json").out) == [{"a": 1, "a_1": 2}]


def test_sql_shows_nothing_that_a_terminal_obeys(answer, run):
    out = run("sql", "SELECT chr(27) || '[31m' AS a, 1.23456789::DOUBLE AS b, NULL AS c, ['x', chr(7)] AS d").out
    assert "\x1b" not in out
    assert "\x07" not in out
    assert "1.23457" in out


def test_a_store_that_is_being_written_is_waited_for_and_then_another_time(answer, run, monkeypatch):
    monkeypatch.setattr(reading, "PATIENCE", 0.05)
    with another_process(HOLD, "anomembed.duckdb") as process:
        outcome = run("sql", "FROM runs")
        assert (outcome.code, outcome.out, outcome.err.count("\n")) == (3, "", 1)
        assert "try again later" in outcome.err
        monkeypatch.setattr(reading, "PATIENCE", 60)  # on a slow machine, one try takes longer than it had above
        monkeypatch.setattr(reading.time, "sleep", lambda _: process.kill() or process.wait())
        assert run("sql", "SELECT count(*) FROM runs").code == 0


def test_similar_values_come_with_what_both_go_with(answer, run, tmp_path):
    rows = json.loads(run("similar", "shop=SHOP1", "--format", "json").out)
    assert {row["token"] for row in rows[:2]} == {"shop0", "shop2"}
    assert all({"country=DE", "currency=EUR"} <= set(row["both"]) for row in rows[:2])
    assert [row["distance"] for row in rows] == sorted(row["distance"] for row in rows)
    assert rows[0]["n_records"] == 60
    picture = tmp_path / "map.svg"
    assert run("similar", "shop=shop1", "--map", picture).code == 0
    assert "<svg" in picture.read_text()
    err = run("similar", "shop=shap1").err
    assert "did you mean shop1" in err
    assert "add --model N" in err
    assert "like merchant=Acme" in run("similar", "shop").err


@pytest.mark.parametrize(("asked", "marked"), [("shop=SHOP1", "shop=shop1"), ("amount=3", "amount=2")])
def test_the_value_that_is_asked_for_is_marked_on_the_map_in_any_spelling(answer, asked, marked):
    with open_to_read("anomembed.duckdb") as store:
        alike = find_similar(store, asked)["token"].to_list()
        points, _ = place_values(store, asked, alike, None)
    assert points.kinds[0].startswith(marked)
    assert points.kinds[0].split("=")[1] == points.names[0]
    assert set(points.kinds[1 : 1 + len(alike)]) == {"most similar"}


def _add_run(store):
    with store.transaction():
        store.add_run_row({"source": "t", "rule": "none", "n_scored": 0, "n_flagged": 0})


def test_a_snapshot_is_the_store_and_who_has_the_last_one_open_keeps_it(tmp_path):
    with Store(tmp_path / "s.duckdb") as store:
        _add_run(store)
        assert leave_snapshot(store) is None
    final = snapshot_path(store.path)
    first = final.read_bytes()
    with final.open("rb") as reader, Store(store.path) as again:
        _add_run(again)
        assert leave_snapshot(again) is None
        assert reader.read() == first
    assert ask(final, "SELECT source FROM runs") == [("t",), ("t",)]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["s-snapshot.duckdb", "s.duckdb"]


def test_nobody_else_gets_the_store_while_it_is_copied_or_after_that(tmp_path):
    with Store(tmp_path / "s.duckdb") as store:
        leave_snapshot(store)
        opening = f"import duckdb; duckdb.connect({str(store.path)!r})"
        other = subprocess.run([sys.executable, "-c", opening], capture_output=True, text=True, check=False)
        assert "lock on file" in other.stderr


def test_a_snapshot_replaces_no_source_and_nothing_that_is_no_database(run, begun_shop, tmp_path):
    shutil.copytree(begun_shop, tmp_path, dirs_exist_ok=True)
    config = Path("shop.toml")
    config.write_text(config.read_text().replace("[store]", "[store]\nsnapshot = true"))
    Path("store-snapshot.duckdb").write_text("my notes")
    outcome = run("monitor", "shop.toml", "--now", at(REFERENCE + 5))
    assert (outcome.code, "is no DuckDB file" in outcome.err) == (2, True)
    assert Path("store-snapshot.duckdb").read_text() == "my notes"
    Path("shop.duckdb").replace("store-snapshot.duckdb")
    config.write_text(config.read_text().replace('"shop.duckdb"', '"store-snapshot.duckdb"'))
    outcome = run("monitor", "shop.toml", "--now", at(REFERENCE + 5))
    assert (outcome.code, "it is the source" in outcome.err) == (2, True)
    assert len(ask("store-snapshot.duckdb", "FROM payments")) == REFERENCE


def test_a_snapshot_that_cannot_be_written_is_told_and_the_run_stands(run, begun_shop, tmp_path):
    shutil.copytree(begun_shop, tmp_path, dirs_exist_ok=True)
    config = Path("shop.toml")
    config.write_text(config.read_text().replace("[store]", "[store]\nsnapshot = true"))
    Path(f".store-snapshot.duckdb.{os.getpid()}.unfinished").mkdir()  # nothing can be written there
    pay(*(payment(number) for number in range(REFERENCE, REFERENCE + 40)))
    outcome = run("monitor", "shop.toml", "--now", at(REFERENCE + 60))
    assert (outcome.code, outcome.err) == (0, "")
    assert "40 records judged" in outcome.out
    assert "no snapshot at store-snapshot.duckdb: " in outcome.out


def test_a_monitor_leaves_a_snapshot_that_stays_open_while_it_runs_again(run, begun_shop, tmp_path):
    shutil.copytree(begun_shop, tmp_path, dirs_exist_ok=True)
    config = Path("shop.toml")
    config.write_text(config.read_text().replace("[store]", "[store]\nsnapshot = true"))
    assert run("monitor", "shop.toml", "--now", at(REFERENCE + 5)).code == 0
    with opened("store-snapshot.duckdb", read_only=True) as shell:
        runs = shell.execute("SELECT count(*) FROM runs").fetchall()
        assert run("monitor", "shop.toml", "--now", at(REFERENCE + 9)).code == 0
        assert shell.execute("SELECT count(*) FROM runs").fetchall() == runs


def test_released_shells_open_the_store_and_know_all_macros(home):
    """A store of the newest format could be read by no shell but that of the library which wrote it."""
    with duckdb.connect(str(home / "anomembed.duckdb"), read_only=True) as connection:
        ((tags,),) = connection.execute("SELECT tags FROM duckdb_databases() WHERE path IS NOT NULL").fetchall()
    assert tags["storage_version"] == "v1.4.0+"
    shell = shutil.which("duckdb")
    if shell is None:
        pytest.skip("the shell of DuckDB is not installed: pip install duckdb-cli")
    for asked in ("FROM latest_flags", "FROM compare_runs(1, 1)", "FROM compare_models(1, 1)", "FROM why('598')"):
        said = subprocess.run(
            [shell, "-readonly", "-csv", "anomembed.duckdb", asked], cwd=home, capture_output=True, text=True
        )
        assert said.returncode == 0, said.stderr
        assert said.stdout.count("\n") > 1, asked
