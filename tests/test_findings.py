"""What a flag tells besides its reason: its record, its table, and which flags have one reason."""

import csv
import io
import json
from dataclasses import replace

import duckdb
import polars as pl
import pytest
from databases import opened

from anomembed.config import TokensConfig
from anomembed.explain.findings import finding_key
from anomembed.fit.messages import event_tokens
from anomembed.views.cases import SequenceCases
from anomembed.views.reason import Count, Listed, Reason, Value

PAIRS = """CREATE TABLE talk AS SELECT i AS id, TIMESTAMP '2026-03-01' + i * INTERVAL 1 MINUTE AS at,
    'k' || i % 9 AS who, if(i % 2 = 0, 'cat', 'dog') AS pet,
    if(i % 2 = 0 AND i NOT IN (100, 200, 300), 'meow', 'woof') AS says,
    'n' || hash(i) % 5 AS nth FROM range(600) r(i)"""


@pytest.fixture
def talk(database):
    return database(PAIRS)


def conflict(subject="a", seen=1, expected=("b",), view="pair"):
    evidence = {"other": Value("says", "woof"), "seen": Count(seen), "expected": Listed("expected", expected)}
    return Reason("conflict", Value("pet", subject), evidence, view)


def test_a_finding_is_the_claim_the_columns_and_the_values():
    key = finding_key(conflict())
    assert key == finding_key(conflict(seen=7, expected=("c", "d")))
    assert key != finding_key(conflict("b"))
    assert key == finding_key(conflict(view="record"))
    assert key != finding_key(replace(conflict(), kind="all together"))
    swapped = Reason("conflict", Value("says", "woof"), {"other": Value("pet", "a")}, "pair")
    assert key == finding_key(swapped)


def test_the_key_of_a_finding_stays_the_same_from_version_to_version():
    assert finding_key(Reason("rare", Value("city", "Rome"), {}, "rarity")) == "6502c5e3050206ef"


def test_how_seldom_a_value_is_makes_no_other_finding():
    kinds = ("rare", "unseen", "uncommon", "unseen message")
    assert len({finding_key(Reason(kind, Value("city", "Rome"), {}, "rarity")) for kind in kinds}) == 1


@pytest.fixture
def attacked(tmp_path):
    """400 lines of a service, then three failed logins that differ in address and port, and one line like no other."""
    lines = [f"2026-03-01 10:{i // 60:02d}:{i % 60:02d} INFO user {i % 7} came from 10.0.0.{i % 9}" for i in range(400)]
    for i, (address, port) in enumerate([("203.0.113.9", 37159), ("198.51.100.7", 4022), ("203.0.113.80", 22)]):
        lines.append(f"2026-03-01 11:00:{i:02d} INFO Failed password for root from {address} port {port} ssh2")
    lines.append("2026-03-01 11:01:00 INFO the disk is on fire")
    path = tmp_path / "auth.log"
    path.write_text("\n".join(lines) + "\n")
    return path


def test_messages_that_are_like_none_of_the_reference_count_as_their_template(run, attacked):
    options = ("--fit-where", "line <= 400", "--where", "line > 400", "--budget", 4)
    outcome = run("scan", attacked, *options, "--format", "json")
    assert outcome.code == 0, outcome.err
    flags = json.loads(outcome.out)
    logins = [flag for flag in flags if "Failed" in flag["reason"]]
    (fire,) = [flag for flag in flags if flag not in logins]
    assert len(logins) == 3
    assert len({flag["finding"] for flag in logins}) == 1
    for flag in logins:
        line = flag["record_values"]["message"]
        like = "no message like `Failed password for root from <ip> port <num>` was seen in the reference"
        assert flag["reason"].startswith(f"message={line}: {like}; expected: ")
    assert fire["reason"].startswith("message=the disk is on fire was never seen in the reference")
    assert fire["finding"] != logins[0]["finding"]
    table = run("scan", attacked, *options).out
    assert table.count("no message like") == 1
    assert "3 flags have this reason; the others: " in table


def test_messages_of_a_monitor_count_as_their_template_too(run, attacked):
    told = run("init", attacked, "--monitor", "--fit-where", "line <= 400", "-o", "auth.toml")
    assert (told.code, told.err) == (0, "wrote auth.toml; next, in cron: anomembed monitor auth.toml\n")
    assert run("monitor", "auth.toml", "--now", "2026-03-01T12:00", "--store", "s.duckdb", "-q").code == 0
    with opened("s.duckdb", read_only=True) as store:
        found = dict(store.execute('SELECT "values"[1], n_flags FROM findings').fetchall())
    assert found["Failed password for root from <ip> port <num>"] == 3


def test_events_that_are_messages_count_as_their_template():
    known = event_tokens(
        "event", pl.Series(["up and running well"] * 9 + ["down for maintenance now"]), TokensConfig(), is_text=True
    )
    cases = SequenceCases(
        None, [["up and running well", "disk 7 failed on 10.0.0.1", "disk 9 failed on 10.0.0.2"]], known, None
    )
    values = [cases.event(text) for text in cases.shown[0]]
    assert [value.same for value in values] == ["up and running well", *["disk <num> failed on <ip>"] * 2]
    assert str(values[1]) == "event=disk 7 failed on 10.0.0.1"


def test_flags_with_one_reason_are_one_line_and_flat_lists_them(run, talk):
    grouped = run("scan", talk, "--budget", 3, "--ignore", "who")
    flat = run("scan", talk, "--budget", 3, "--ignore", "who", "--flat")
    assert grouped.code == flat.code == 0, grouped.err
    assert grouped.out.count("is unusual with") == 1
    assert "3 flags have this reason; the others: " in grouped.out
    assert flat.out.count("is unusual with") == 3
    assert "the others" not in flat.out
    for key in ("100", "200", "300"):
        assert f" {key}" in grouped.out
        assert f" {key} " in flat.out


def test_a_long_finding_names_the_first_records_only(run, database):
    path = database(PAIRS.replace("(100, 200, 300)", "(10, 20, 30, 40, 50, 60, 70, 80)"))
    out = run("scan", path, "--budget", 8, "--ignore", "who").out
    assert "8 flags have this reason; the others: " in out
    assert " and 2 more" in out


def test_values_that_differ_where_they_are_cut_are_two_lines(run, database):
    ends = "repeat('a', 60)", "repeat('b', 60)"
    odd = f"CASE i WHEN 5 THEN {ends[0]} || '1' || {ends[1]} WHEN 8 THEN {ends[0]} || '2' || {ends[1]}"
    source = database(
        f"CREATE TABLE t AS SELECT i AS id, {odd} ELSE 'k' || i % 3 END AS kind, 's' || i % 3 AS s FROM range(300) r(i)"
    )
    out = run("scan", source, "--budget", "2").out
    assert out.count("is rare (1 of 300 records)") == 2
    assert "flags have this reason" not in out


def test_every_format_carries_when_who_and_what_the_reason_names(run, talk):
    def scan(form):
        return run("scan", talk, "--budget", 3, "--entity", "who", "--time", "at", "--format", form).out

    flag = json.loads(scan("json"))[0]
    carried = flag["record_values"]
    assert list(carried)[:2] == ["at", "who"]
    with opened(talk, read_only=True) as source:
        at, who, pet, says = source.execute(
            'SELECT "at", who, pet, says FROM talk WHERE id = ?', [flag["id"]]
        ).fetchone()
    assert (carried["at"], carried["who"]) == (at.isoformat(), who)
    assert {"pet": pet, "says": says}.items() & carried.items()
    assert all(f"{name}=" in flag["reason"] or name in ("at", "who") for name in carried)
    assert json.loads(scan("ndjson").splitlines()[0]) == flag
    row = next(csv.DictReader(io.StringIO(scan("csv"))))
    assert json.loads(row["record_values"]) == carried
    assert f"at={carried['at']}" in scan("table")
    with opened("anomembed.duckdb", read_only=True) as store:
        kept = store.execute("SELECT source, record FROM flags WHERE run_id = 1 AND rank = 1").fetchone()
    assert (kept[0], json.loads(kept[1])) == ("talk", carried)


def test_numbers_are_carried_as_the_source_has_them(run, database):
    path = database(
        "CREATE TABLE t AS SELECT i AS id, 'g' || i % 3 AS g, if(i = 7, 123456789.123456, i % 50 + 0.5)::DOUBLE AS x "
        "FROM range(500) r(i)"
    )
    flag = json.loads(run("scan", path, "--budget", 1, "--format", "json").out)[0]
    assert flag["record_values"]["x"] == 123456789.123456


def test_a_line_of_a_log_is_carried_in_full(run, tmp_path):
    lines = [f"2026-03-01 10:{i // 60:02d}:{i % 60:02d} INFO user {i} came from 10.0.0.{i % 9}" for i in range(400)]
    lines[77] = "2026-03-01 10:01:17 INFO disk sda7 of rack 12 is on fire"
    (tmp_path / "app.log").write_text("\n".join(lines) + "\n")
    flag = json.loads(run("scan", "app.log", "--budget", 1, "--format", "json").out)[0]
    assert flag["record_values"]["message"] == "disk sda7 of rack 12 is on fire"
    assert flag["record_values"]["time"] == "2026-03-01T10:01:17"


def test_hostile_values_stay_on_their_line_of_the_table(run, database):
    path = database(PAIRS.replace("'k' || i % 9", "'k' || i % 9 || chr(10) || 'rank  1' || chr(27) || '[2J'"))
    out = run("scan", path, "--budget", 3, "--entity", "who", "--time", "at").out
    assert "\x1b" not in out
    assert not any(line.strip().startswith("rank  1") for line in out.splitlines()[1:])


def test_more_flags_than_are_explained_carry_when_they_were(run, talk, monkeypatch):
    monkeypatch.setattr("anomembed.explain.MOST_EXPLAINED", 2)
    flags = json.loads(run("scan", talk, "--budget", 5, "--format", "json").out)
    assert all("at" in flag["record_values"] for flag in flags)
    assert [flag["finding"] == "" for flag in flags] == [False, False, True, True, True]


@pytest.fixture
def two(run, database):
    """A store with runs over two tables whose keys overlap; the newest is of another table than the first."""
    path = database(
        PAIRS,
        "CREATE TABLE food AS SELECT i AS id, 'dish' || i % 7 AS dish, 'wine' || i % 7 AS wine FROM range(400) r(i)",
    )
    for table in ("talk", "food"):
        assert run("scan", path, table, "--budget", 3, "--store", "s.duckdb", "-q").code == 0
    return duckdb.connect("s.duckdb", read_only=True)


def test_macros_choose_the_model_that_has_the_column(two):
    assert two.sql("SELECT token FROM similar('pet', 'cat')").fetchall() == [("dog",)]
    assert two.sql("SELECT token FROM expected('pet', ['says=meow']) LIMIT 1").fetchall() == [("cat",)]
    assert len(two.sql("FROM similar('dish', 'dish1')").fetchall()) == 6
    with pytest.raises(duckdb.Error, match="the model has no column nosuch"):
        two.sql("FROM expected('nosuch', [])").fetchall()


def test_why_finds_the_run_that_flagged_the_key_and_names_its_table(two):
    tables = dict(two.sql("SELECT source, list(key) FROM flags GROUP BY ALL").fetchall())
    key = next(key for key in tables["talk"] if key not in tables["food"])
    assert set(two.sql(f"SELECT source FROM why('{key}')").fetchall()) == {("talk",)}
    key = tables["food"][0]
    assert set(two.sql(f"SELECT source FROM why('{key}')").fetchall()) == {("food",)}
    unflagged = next(key for key in map(str, range(99)) if key not in {*tables["talk"], *tables["food"]})
    with pytest.raises(duckdb.Error, match="did not flag"):
        two.sql(f"FROM why('{unflagged}')").fetchall()


@pytest.mark.parametrize(
    ("kind", "told"),
    [
        ("TIMESTAMP", "2026-03-05T04:00:00"),
        ("TIMESTAMP WITH TIME ZONE", "2026-03-05T04:00:00+00:00"),
        ("DATE", "2026-03-05"),
    ],
)
def test_a_moment_is_told_as_what_it_is(kind, told, run, database):
    path = database(PAIRS.replace("1 MINUTE AS at", "1 HOUR AS written"))
    with opened(path) as connection:
        connection.execute("SET TimeZone = 'UTC'")
        connection.execute(f"CREATE TABLE typed AS SELECT * EXCLUDE (written), written::{kind} AS at FROM talk")
    flags = json.loads(run("scan", path, "typed", "--budget", "3", "--format", "json").out)
    assert [flag["record_values"]["at"] for flag in flags if flag["id"] == 100] == [told]
