"""`anomembed explain`: every section says what was planted, to the figures that SQL finds in the source."""

import json
import shutil
from pathlib import Path

import pytest
from databases import ask, opened
from scanned import scan_in
from scipy.special import pdtr

# Customers keep to their country and to amounts around 20; record 304 breaks the first habit, record 400 the second.
HOSTILE = "chr(27) || '[31m<b>'"
PAYMENTS = f"""CREATE TABLE payments AS
    SELECT i AS id, TIMESTAMP '2026-01-01' + i * INTERVAL 1 HOUR AS at, 'c' || i % 8 AS customer,
        CASE WHEN i = 304 THEN 'BR' WHEN i % 8 < 4 THEN 'DE' WHEN i % 8 < 7 THEN 'BR' ELSE {HOSTILE} END AS country,
        'shop' || hash(i) % 5 AS shop,
        if(i = 400, 970.5, 10 + hash(i * 7) % 200 / 10.0)::DOUBLE AS amount, 'note ' || i % 3 AS note
    FROM range(600) r(i)"""
AGAIN = '[source]\ndatabase = "source.duckdb"\ntable = "payments"\n[store]\npath = "anomembed.duckdb"\n'
SCAN = (
    "scan",
    "source.duckdb",
    "payments",
    "--entity",
    "customer",
    "--time",
    "at",
    "--budget",
    "2",
    "--ignore",
    "note",
)


@pytest.fixture(scope="module")
def scanned(tmp_path_factory):
    """A folder with a source and a store that has a run over it, which no test changes."""
    return scan_in(tmp_path_factory.mktemp("scanned"), PAYMENTS, *SCAN[2:])


@pytest.fixture
def folder(scanned, tmp_path, monkeypatch):
    """A copy of it, which is the current folder."""
    copied = tmp_path / "copied"
    shutil.copytree(scanned, copied)
    monkeypatch.chdir(copied)
    return copied


@pytest.fixture
def explained(run, folder):
    """Explain a key as JSON."""

    def explain(key, *options):
        outcome = run("explain", key, "--format", "json", *options)
        assert outcome.code == 0, outcome.err
        return json.loads(outcome.out), outcome.err

    return explain


def change(statement):
    with opened("source.duckdb") as connection:
        connection.execute(statement)


def score_again(run, key):
    """Return the tail probability of a record by the same model, in the source as it is now."""
    Path("again.toml").write_text(AGAIN)
    outcome = run("score", "again.toml", "--model", "1", "--quiet", "--scores-to", "again.csv", "--force")
    assert outcome.code == 0, outcome.err
    lines = [line.split(",") for line in Path("again.csv").read_text().splitlines()]
    return next(float(line[2]) for line in lines if line[0] == key)


def test_the_record_is_shown_as_it_is_with_all_its_columns(explained):
    case, err = explained("304")
    assert list(case["record"]) == ["id", "at", "customer", "country", "shop", "amount", "note"]
    row = ask("source.duckdb", "SELECT COLUMNS(*)::VARCHAR FROM payments WHERE id = 304")[0]
    assert tuple(case["record"].values()) == row
    assert "note" not in err


def test_contributions_are_those_of_the_store_and_add_up_to_the_raw_score(explained):
    case, _ = explained("400")
    kept = dict(
        ask("anomembed.duckdb", "SELECT column_name, sum(contribution) FROM contributions WHERE key = '400' GROUP BY 1")
    )
    shown = {part["column"]: part["contribution"] for part in case["parts"] if part["contribution"]}
    assert shown == pytest.approx(kept)
    assert sum(shown.values()) == pytest.approx(case["raw_score"])
    assert case["parts"][0]["column"] == "amount"
    assert sum(view["contribution"] for view in case["views"]) == pytest.approx(case["raw_score"])
    assert case["views"] == sorted(case["views"], key=lambda view: (view["tail_probability"], view["view"]))
    assert all(0 < view["tail_probability"] <= 1 for view in case["views"])


def test_values_that_seldom_meet_are_counted(explained):
    case, _ = explained("304")
    pair = next(pair for pair in case["pairs"] if {pair["column"], pair["other_column"]} == {"customer", "country"})
    counts = "count(*) FILTER (customer = 'c0' AND country = 'BR'), count(*) FILTER (customer = 'c0')"
    seen, customer, country, records = ask(
        "source.duckdb", f"SELECT {counts}, count(*) FILTER (country = 'BR'), count(*) FROM payments"
    )[0]
    assert pair["seen"] == seen == 1
    assert pair["chance"] == pytest.approx(customer * country / records, abs=0.06)


def test_pairs_that_no_reason_would_name_are_not_called_seldom(explained):
    for key in ("5", "11", "304", "400"):
        for pair in explained(key)[0]["pairs"]:
            assert pdtr(pair["seen"], pair["chance"]) < 0.011, pair
            assert (pair["other_column"] == "amount") == (" to " in pair["other_value"])


def test_expected_values_come_with_their_probability_and_their_records(explained):
    case, _ = explained("304")
    part = next(part for part in case["parts"] if part["column"] == "country")
    best = part["expected"][0]
    assert best["value"] == "DE"
    assert best["probability"] > 0.5 > part["probability"]
    assert best["n_records"] == ask("source.duckdb", "SELECT count(*) FROM payments WHERE country = 'DE'")[0][0]


def test_values_are_counted_as_what_is_said_whatever_they_look_like(run, database, explained):
    """A city that is called as a missing one is, cities that are too rare to be known, and amounts of many digits."""
    database(
        """CREATE TABLE trips AS SELECT i AS id, 'l' || i % 3 AS line,
        CASE WHEN i = 7 THEN 'Rome' WHEN i = 8 THEN 'Oslo' WHEN i = 9 THEN NULL
            WHEN i % 3 = 0 THEN '(missing)' ELSE 'Bern' END AS city,
        1234567.25 + hash(i) % 1000 / 8 AS amount FROM range(600) r(i)""",
        name="trips.duckdb",
    ).rename("trips.duckdb")
    Path("trips.toml").write_text(
        '[source]\ndatabase = "trips.duckdb"\n[store]\npath = "t.duckdb"\n[tokens]\nmin_count = 5\n'
    )
    assert run("fit", "trips.toml", "--quiet").code == run("score", "trips.toml", "--quiet").code == 0
    parts = {key: {p["column"]: p for p in explained(key, "--store", "t.duckdb")[0]["parts"]} for key in ("7", "9")}
    assert parts["7"]["city"]["counted_as"] == "any rare value"
    best = parts["9"]["city"]["expected"][0]
    assert (best["value"], best["n_records"]) == ("(missing)", 199)
    low, high = parts["7"]["amount"]["counted_as"].split(" to less than ")
    assert float(low) <= float(parts["7"]["amount"]["value"]) < float(high)
    amounts = "SELECT count(*) FROM trips WHERE amount >= ? AND amount < ?"
    for value in parts["7"]["amount"]["expected"]:
        low, high = value["value"].replace("less than ", "").split(" to ")
        assert ask("trips.duckdb", amounts.replace("?", low, 1).replace("?", high)) == [(value["n_records"],)]


@pytest.mark.parametrize("key", ["304", "400"])
def test_the_smallest_change_makes_the_record_normal_when_it_is_made(explained, run, key):
    case, _ = explained(key)
    found = case["change"]
    (column,), (value,), (instead,) = found["columns"], found["values"], found["instead"]
    assert column == {"304": "country", "400": "amount"}[key]
    assert found["is_enough"]
    assert str(case["record"][column]) == value
    change(f"UPDATE payments SET {column} = '{instead}' WHERE id = {key}")
    assert score_again(run, key) == pytest.approx(found["tail_probability"], rel=1e-3)
    assert found["tail_probability"] >= 0.05 > case["tail_probability"]


def test_nearest_normal_records_differ_where_it_is_said_and_were_not_flagged(explained):
    case, _ = explained("304")
    assert len(case["normal"]) == 3
    for near in case["normal"]:
        values = ask("source.duckdb", f"SELECT customer, country, shop FROM payments WHERE id = {near['key']}")[0]
        assert values == tuple(near["values"][name] for name in ("customer", "country", "shop"))
        differing = {name for name in ("customer", "country", "shop") if near["values"][name] != case["record"][name]}
        assert differing == set(near["differs"]) & {"customer", "country", "shop"}
        assert near["tail_probability"] >= 0.05
    counts = [len(near["differs"]) for near in case["normal"]]
    assert counts == sorted(counts)
    assert counts[0] <= 2


def test_the_habits_and_the_events_of_the_entity_are_those_of_the_source(explained):
    case, _ = explained("304")
    assert case["entity"] == "customer=c0"
    own = "customer = 'c0' AND id <> 304"
    assert case["n_of_entity"] == ask("source.duckdb", f"SELECT count(*) FROM payments WHERE {own}")[0][0]
    habits = {habit["column"]: habit for habit in case["habits"]}
    usual = ask(
        "source.duckdb", f"SELECT country, count(*) AS n FROM payments WHERE {own} GROUP BY ALL ORDER BY n DESC LIMIT 3"
    )
    assert [tuple(pair) for pair in habits["country"]["usual"]] == usual
    amounts = ask("source.duckdb", f"SELECT min(amount), median(amount), max(amount) FROM payments WHERE {own}")[0]
    assert tuple(habits["amount"][name] for name in ("lowest", "median", "highest")) == pytest.approx(amounts)
    near = ask(
        "source.duckdb", "SELECT id::VARCHAR FROM payments WHERE customer = 'c0' AND abs(id - 304) <= 40 ORDER BY id"
    )
    assert [(event["key"],) for event in case["events"]] == near
    assert [event["is_own"] for event in case["events"]].index(True) == 5
    tails = dict(ask("anomembed.duckdb", "SELECT key, tail_probability FROM scores"))
    assert all(event["tail_probability"] == tails[event["key"]] for event in case["events"])


def test_who_acts_is_known_by_its_name_and_a_record_without_a_time_has_nothing_around_it(run, database, explained):
    database(
        """CREATE TABLE logins AS SELECT i AS id, 'u' || i % 8 AS user_name, 'k' || i % 5 AS kind,
        if(i = 6, NULL, TIMESTAMP '2026-01-01' + INTERVAL 1 HOUR * i) AS at FROM range(400) r(i)""",
        name="logins.duckdb",
    ).rename("logins.duckdb")
    assert run("scan", "logins.duckdb", "--budget", "1", "--quiet", "--store", "l.duckdb").code == 0
    case, err = explained("7", "--store", "l.duckdb")
    assert (case["entity"], case["n_of_entity"], len(case["events"]), "note" in err) == ("user_name=u7", 49, 6, False)
    case, err = explained("6", "--store", "l.duckdb")
    assert (case["n_of_entity"], case["events"]) == (49, [])
    assert "the record has no at: nothing can be shown of what was around it" in err


def test_habits_of_some_of_very_many_records_say_of_how_many(explained, monkeypatch):
    monkeypatch.setattr("anomembed.investigate.entity.MOST_RECORDS", 20)
    case, err = explained("304")
    assert case["n_of_entity"] == ask("source.duckdb", "SELECT count(*) - 1 FROM payments WHERE customer = 'c0'")[0][0]
    assert "the habits are those of 19 of 74 records, those nearest in time" in err
    assert len(case["events"]) == 11


def test_people_see_every_section_and_nothing_that_a_terminal_obeys(run, folder):
    outcome = run("explain", "303")
    assert outcome.code == 0, outcome.err
    assert "\x1b" not in outcome.out
    assert "?[31m<b>" in outcome.out
    out = run("explain", "304").out
    for title in (
        "RECORD",
        "VIEWS",
        "COLUMNS",
        "SELDOM TOGETHER",
        "SMALLEST CHANGE",
        "NEAREST NORMAL",
        "HABITS OF",
        "AROUND IT",
    ):
        assert title in out
    assert "304 of payments: flagged, rank " in out
    assert "Normal with country=DE instead of BR" in out


def test_one_other_record_is_one_and_numbers_are_written_one_way(run, database):
    """A whole number of a column of fractions has no fraction; what is equal at both ends is no range."""
    database(
        """CREATE TABLE trips AS SELECT i AS id, 'u' || if(i < 2, 0, 1 + i % 8) AS user_name,
        if(i = 1, 9000, 50 + i % 8)::DOUBLE AS km, i % 7 * 10 + 5.5::DOUBLE AS toll, 'k' || i % 3 AS kind
        FROM range(400) r(i)""",
        name="trips.duckdb",
    ).rename("trips.duckdb")
    assert run("scan", "trips.duckdb", "--budget", "1", "--quiet", "--number", "km").code == 0
    out = run("explain", "1").out
    habits = out.partition("HABITS OF USER_NAME=U0 (1 OTHER RECORD)")[2].partition("\n\n")[0]
    assert ["km", "9000", "50"] in [line.split() for line in habits.splitlines()]
    record = out.partition("RECORD\n")[2].partition("\n\n")[0]
    assert {("km", "9000"), ("toll", "15.5")} <= {tuple(line.split()) for line in record.splitlines()}
    assert ".0 " not in out.partition("NEAREST NORMAL")[2].partition("\n\n")[0]


def test_of_many_columns_events_show_those_that_say_why_and_those_that_differ(run, database):
    more = ", ".join(f"if(i % 8 = 7, 7, i % 5) AS same{i}, i * {i} % 3 AS other{i}" for i in range(1, 12))
    database(
        f"""CREATE TABLE logins AS SELECT i AS id, 'u' || i % 8 AS user_name, {more},
        if(i = 207, 'root', 'k' || i % 3) AS kind, TIMESTAMP '2026-01-01' + INTERVAL 1 HOUR * i AS at
        FROM range(400) r(i)""",
        name="logins.duckdb",
    ).rename("logins.duckdb")
    assert run("scan", "logins.duckdb", "--budget", "1", "--quiet").code == 0
    out = run("explain", "207").out
    head, *rows = out.partition("AROUND IT, BY USER_NAME=U7 (> THIS RECORD, ! FLAGGED)\n")[2].splitlines()
    columns = head.split()
    assert (columns[:3], columns[-1], len(columns)) == (["key", "when", "kind"], "tail", 9)
    assert "same" not in head
    assert rows[-1] == "(14 more columns: --format json)"


def test_earlier_flags_for_the_same_columns_are_listed(run, folder, explained):
    change("UPDATE payments SET country = 'BR' WHERE id = 560")
    score_again(run, "560")
    case, _ = explained("560")
    assert ("304", 2) in [(flag["key"], flag["run_id"]) for flag in case["earlier"]]
    assert case["earlier"] == sorted(case["earlier"], key=lambda flag: -flag["alike"])


def test_a_key_of_several_runs_is_of_the_newest_and_the_others_are_named(run, folder, explained):
    score_again(run, "304")
    case, err = explained("304")
    assert (case["run_id"], case["other_runs"]) == (2, [1])
    assert "judged by other runs, too: 1" in err
    assert explained("304", "--run", "1")[0]["run_id"] == 1


def test_a_record_of_another_table_with_the_same_key_is_another_record(run, folder, explained):
    assert run("scan", "source.duckdb", "SELECT id, shop, country FROM payments", "--quiet", "--budget", "1").code == 0
    case, err = explained("304", "--run", "1")
    assert case["other_runs"] == []
    assert "has a record with this key, too: --run 2" in err


def test_an_unknown_key_is_answered_with_the_nearest(run, folder):
    outcome = run("explain", "30O")
    assert (outcome.code, outcome.out) == (2, "")
    assert "no run in anomembed.duckdb scored a record '30O'; the nearest keys: '30', '300'" in outcome.err
    assert "there are: 1" in run("explain", "304", "--run", "7").err
    assert "scored a record" in run("explain", "x" * 100_000).err


def test_a_key_that_is_to_be_typed_is_shown_whole_however_long(run, database):
    long = "https://example.com/" + "a" * 150
    database(
        f"""CREATE TABLE visits AS SELECT if(i = 7, chr(27), '') || '{long}/' || i AS url,
        if(i IN (5, 7), 'odd', 'k' || i % 3) AS kind, 's' || i % 3 AS site FROM range(300) r(i)""",
        name="urls.duckdb",
    ).rename("urls.duckdb")
    asked = ("--key", "url", "--store", "u.duckdb", "--format", "table", "--report", "page.html")
    out = run("scan", "urls.duckdb", "--budget", "2", *asked).out  # in which a long key is folded
    assert out.count("a") > 2 * 150
    assert f'"{long}/5"' in Path("page.html").read_text()
    assert f"{long}/5 of visits: flagged" in run("explain", f"{long}/5", "--store", "u.duckdb").out
    assert f"{long}/5" in run("explain", f"{long}/5x", "--store", "u.duckdb").err


def test_json_has_no_character_that_shows_nothing_as_it_is(run, folder):
    with opened("anomembed.duckdb") as connection:
        connection.execute("UPDATE flags SET reason = chr(8238) || reason")
    outcome = run("explain", "304", "--format", "json")
    assert "\u202e" not in outcome.out
    assert json.loads(outcome.out)["reason"].startswith("\u202e")


def test_a_record_that_is_gone_is_shown_as_the_store_has_it(explained):
    before, _ = explained("304")
    change("DELETE FROM payments WHERE id = 304")
    case, err = explained("304")
    assert "payments has no record 304 any more" in err
    assert case["record"] == {"at": "2026-01-13T16:00:00", "customer": "c0", "country": "BR"}
    kept = {part["column"]: part["contribution"] for part in case["parts"]}
    assert kept == pytest.approx(
        {part["column"]: part["contribution"] for part in before["parts"] if part["contribution"]}
    )


def test_a_record_that_has_changed_since_is_told(explained):
    change("UPDATE payments SET country = 'DE' WHERE id = 304")
    case, err = explained("304")
    assert "has changed since run 1: its raw score was" in err
    assert case["record"]["country"] == "DE"
    assert case["change"] is None  # it is normal as it is


def test_a_time_with_a_zone_is_told_in_utc_whose_hours_are_judged(run, database, explained, monkeypatch):
    monkeypatch.setenv("TZ", "America/New_York")
    database(PAYMENTS.replace("i * INTERVAL 1 HOUR AS at", "i * INTERVAL 1 HOUR AS noted"), name="zoned.duckdb").rename(
        "zoned.duckdb"
    )
    with opened("zoned.duckdb") as connection:
        connection.execute(
            "CREATE TABLE zoned AS SELECT noted AT TIME ZONE 'UTC' AS at, * EXCLUDE (noted) FROM payments"
        )
    options = ("--entity", "customer", "--time", "at", "--ignore", "note", "--budget", "2", "--store", "z.duckdb")
    assert run("scan", "zoned.duckdb", "zoned", *options, "--quiet").code == 0
    case, _ = explained("304", "--store", "z.duckdb")
    assert case["record"]["at"] == "2026-01-13 16:00:00+00"
    assert {part["column"]: part["value"] for part in case["parts"]}["at hour"] == "16h"


def test_without_the_source_the_store_still_answers(explained, run, folder):
    (folder / "source.duckdb").rename("elsewhere.duckdb")
    case, err = explained("304")
    assert "the source cannot be read (no such file: source.duckdb" in err
    assert case["parts"]
    assert case["reason"]
    (folder / "moved.toml").write_text('[source]\ndatabase = "elsewhere.duckdb"\ntable = "payments"\n')
    case, err = explained("304", "--config", "moved.toml")
    assert "note" not in err
    assert case["record"]["note"] == "note 1"


def test_of_a_pruned_model_the_store_still_answers(explained, run, folder):
    assert run(*SCAN, "--quiet").code == 0
    assert run("models", "prune", "--keep", "1").code == 0
    case, err = explained("304", "--run", "1")
    assert "model 1 was pruned: below is what the store has" in err
    assert case["reason"]
    assert case["parts"]
    assert not case["views"]


def test_a_flag_whose_scores_are_forgotten_is_explained(explained):
    whole, _ = explained("304")
    with opened("anomembed.duckdb") as store:
        store.execute("DELETE FROM scores")
    kept, _ = explained("304")
    of_others = {"normal", "events"}  # whose scores are forgotten, too
    assert {name: kept[name] for name in kept if name not in of_others} == {
        name: whole[name] for name in whole if name not in of_others
    }


def test_a_column_that_is_gone_is_told(explained):
    change("ALTER TABLE payments DROP country")
    case, err = explained("304")
    assert "the source has changed since run 1 (no such column in payments: country" in err
    assert case["parts"]


def test_a_store_without_runs_says_so(run, folder):
    with opened("anomembed.duckdb") as connection:
        connection.execute("DELETE FROM runs")
    outcome = run("explain", "304")
    assert outcome.code == 2
    assert "no run in anomembed.duckdb: run `anomembed scan`" in outcome.err
    assert "no store at" in run("explain", "304", "--store", "none.duckdb").err


def test_what_is_computed_for_one_record_is_what_was_computed_for_all(run, database, explained):
    """Bursts are held against all records, but counted for one here: its raw score must be the same."""
    database(
        """CREATE TABLE opened AS SELECT i AS id, 'd' || if(i BETWEEN 500 AND 511, 3, hash(i) % 60) AS device,
        TIMESTAMP '2026-01-01' + INTERVAL 1 MINUTE * if(i BETWEEN 500 AND 511, 29500 + i, i * 60)::INT AS at,
        'p' || hash(i * 3) % 4 AS plan FROM range(1500) r(i)""",
        name="bursts.duckdb",
    ).rename("bursts.duckdb")
    outcome = run("scan", "bursts.duckdb", "--budget", "12", "--store", "b.duckdb", "--format", "json")
    keys = [flag["id"] for flag in json.loads(outcome.out)]
    assert {505, 511} <= set(keys)
    for key in (505, 511, 7, 1499):
        case, err = explained(str(key), "--store", "b.duckdb")
        assert "changed" not in err
        burst = next(view for view in case["views"] if view["view"] == "burst")
        assert (burst["tail_probability"] < 0.01) == (key in (505, 511))


def test_columns_may_be_called_like_ours(run, database, explained):
    path = database(
        """CREATE TABLE t AS SELECT i AS value, 'u' || i % 20 AS key, TIMESTAMP '2026-01-01' + to_minutes(i) AS rank,
        'r' || if(i < 900, i % 7, i % 9) AS n_records, 'k' || i % 5 AS count FROM range(1000) r(i)"""
    )
    roles = ("--key", "value", "--entity", "key", "--time", "rank", "--category", "n_records", "--category", "count")
    outcome = run("scan", path, *roles, "--fit-where", "value < 900", "--where", "value >= 900", "--budget", 3)
    assert outcome.code == 0, outcome.err
    assert "n_records=r7, which the reference does not have" in outcome.err
    assert explained("908")[0]["record"]["count"] == "k3"


def test_lines_are_found_by_their_number(run, explained, folder):
    lines = [
        f"2026-01-01 00:{i // 60:02}:{i % 60:02} app[1]: user {'eve' if i == 77 else 'bob'} logged in"
        for i in range(600)
    ]
    lines.insert(300, "2026-01-01 00:05:00 app[1]: disk /dev/sda is on fire")
    (folder / "app.log").write_text("\n".join(lines))
    found = json.loads(run("scan", "app.log", "--budget", "1", "--store", "l.duckdb", "--format", "json").out)
    for line in (found[0]["line"], 301, 78):
        case, err = explained(str(line), "--store", "l.duckdb")
        assert lines[line - 1].endswith(case["record"]["message"])
        assert case["flagged"] == (line == found[0]["line"])
        assert "changed" not in err


def test_a_sequence_shows_its_events_and_the_one_without_which_it_is_normal(run, database, explained):
    database(
        """CREATE TABLE visits AS SELECT i // 6 AS visit, i AS n, CASE WHEN i = 303 THEN 'bomb' ELSE
        ['login', 'view', 'view', 'buy', 'pay', 'logout'][1 + i % 6] END AS what FROM range(1200) r(i)
        UNION ALL SELECT 50, 302.5, 'surprise'""",
        name="visits.duckdb",
    ).rename("visits.duckdb")
    scan = (
        "scan",
        "visits.duckdb",
        "--sequence",
        "visit",
        "--order",
        "n",
        "--event",
        "what",
        "--budget",
        "1",
        "--store",
        "v.duckdb",
    )
    assert run(*scan).code == 0
    key = ask("v.duckdb", "SELECT key FROM flags")[0][0]
    case, _ = explained(key, "--store", "v.duckdb")
    assert [event["values"]["event"] for event in case["events"]] == [
        "login",
        "view",
        "view",
        "surprise",
        "bomb",
        "pay",
        "logout",
    ]
    assert case["unit"] == "sequences"
    assert sum(part["contribution"] for part in case["parts"]) == pytest.approx(case["raw_score"])
    assert case["change"]["values"][0] in ("surprise", "bomb")
    assert run("explain", case["key"], "--store", "v.duckdb").out.count("ITS EVENTS") == 1
    case, err = explained("10", "--store", "v.duckdb")
    assert (case["change"], "note" in err) == (None, False)
    with opened("visits.duckdb") as connection:
        connection.execute("INSERT INTO visits SELECT 10, 9000 + i, 'view' FROM range(300) r(i)")
    case, err = explained("10", "--store", "v.duckdb")
    assert "the sequence has changed since run 1: its raw score was" in err
    assert "of its 306 events the first 200 are shown" in err
    assert len(case["events"]) == 200
