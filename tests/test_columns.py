"""Which column names the records, which holds the answer, and which values are the same but for their spelling."""

import json
from datetime import datetime, timedelta

import polars as pl
import pytest
from databases import opened

from anomembed.read.roles.inference import infer_roles
from anomembed.read.roles.role import Role
from anomembed.read.table import Table

N = 400
HOSTS = [f"h{i % 3}" for i in range(N)]


def roles(given=None, **columns):
    with Table(pl.DataFrame(columns | {"host": HOSTS})) as table:
        return infer_roles(table, given)


def key(**columns):
    return [column.name for column in roles(**columns).key]


COUNTER = list(range(N))
SPREAD = [i * i * 7919 % 1_000_003 for i in range(N)]  # unique, with wide gaps


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("msg", [f"request {i} served" for i in COUNTER]),
        ("trace", ["-".join(["frame"] * 20) + str(i) for i in COUNTER]),
        ("when", [f"Mon Mar 02 08:00:00.{i:06d} 2026" for i in COUNTER]),
        ("clock", [f"2026-03-02T08:{i // 60:02d}:{i % 60:02d}" for i in COUNTER]),
        ("amount", [f"{i + 1},{i % 90 + 10}" for i in COUNTER]),
        ("bytes", COUNTER),
        ("epoch", [1_770_000_000 + i for i in COUNTER]),
        ("size", SPREAD),
        ("weight", SPREAD),
    ],
)
def test_messages_times_and_measures_are_no_keys(name, values):
    """They come first and are unique; the counter after them names the records."""
    assert key(**{name: values}) == []
    assert key(**{name: values, "nr": COUNTER}) == ["nr"]


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("weight", COUNTER),  # a counter, whatever it is called
        ("transaction_id", SPREAD),
        ("InvoiceNo", SPREAD),
        ("invoice", [f"INV-{i:05d}" for i in COUNTER]),
        ("who", [f"user{i}@shop.example" for i in COUNTER]),
    ],
)
def test_keys_look_like_keys(name, values):
    assert key(**{name: values}) == [name]


def test_the_key_of_the_record_goes_before_that_of_a_field_in_it():
    who = pl.Series([{"principalId": f"AID{i}"} for i in COUNTER])
    assert key(who=who, eventID=[f"e{i}" for i in COUNTER]) == ["eventID"]


@pytest.mark.parametrize(
    ("name", "values", "is_label"),
    [
        ("is_fraud", [int(i < 8) for i in COUNTER], True),
        ("label", ["attack" if i < 8 else "BENIGN" for i in COUNTER], True),
        ("attack_cat", ["dos" if i < 4 else "scan" if i < 9 else "Normal" for i in COUNTER], True),
        ("Class", [int(i < 8) for i in COUNTER], True),
        ("class", [1 + i % 3 for i in COUNTER], False),  # of a ticket
        ("label", [int(i % 3 > 0) for i in COUNTER], False),  # most are positive
        ("fraud_score", [int(i < 8) for i in COUNTER], False),
        ("retired", [int(i < 8) for i in COUNTER], False),
    ],
)
def test_a_label_is_left_out_and_that_is_said(name, values, is_label):
    column = next(column for column in roles(id=COUNTER, **{name: values}).columns if column.name == name)
    assert (column.role is Role.IGNORE) == ("looks like a label" in column.note) == is_label


ATTACKS = [int(i < 8) for i in COUNTER]
PHASES = ["break-in" if i < 4 else "theft" if i < 8 else "office" if i % 2 else "night" for i in COUNTER]


@pytest.mark.parametrize(
    ("name", "values", "is_label"),
    [
        ("label_name", PHASES, True),
        ("eventLabel", PHASES, True),
        ("FRAUD_SCENARIO", PHASES, True),
        ("attack_type", [None if i > 7 else PHASES[i] for i in COUNTER], True),
        ("phase", PHASES, False),  # what tells attacks may be what they do
        ("label_name", [PHASES[i - i % 3] for i in COUNTER], False),  # of a theft and of an office
        ("classroom", PHASES, False),
    ],
)
@pytest.mark.parametrize("given", [{}, {Role.IGNORE: ["label"]}], ids=["", "ignored"])
def test_what_goes_with_a_label_value_by_value_is_one_too(name, values, is_label, given):
    assigned = roles(given, id=COUNTER, label=ATTACKS, **{name: values})
    column = next(column for column in assigned.columns if column.name == name)
    said = "looks like a label: each of its values goes with one of label; it is left out"
    assert (column.role is Role.IGNORE) == (said in column.note) == is_label


def test_what_goes_with_a_label_that_is_asked_for_is_judged():
    assigned = roles({Role.CATEGORY: ["label"]}, id=COUNTER, label=ATTACKS, label_name=PHASES)
    assert [column.name for column in assigned.judged] == ["label", "label_name", "host"]


def test_a_category_that_is_called_a_label_is_used_and_that_is_said(run, tmp_path):
    path = tmp_path / "records.csv"
    labels = [("Blue Note", "ECM", "Verve")[i % 3] for i in COUNTER]
    pl.DataFrame({"id": COUNTER, "host": HOSTS, "label": labels, "labels.app": labels[::-1]}).write_csv(path)
    plain, told = run("scan", path).err, run("scan", path, "--category", "label").err
    assert plain.count("named like a label") == 1
    assert "label: named like a label; it is used all the same (--ignore label leaves it out)" in plain
    assert "category  host, label, labels.app" in plain
    assert "named like a label" not in told
    assert "named like a label" not in run("scan", path, "--ignore", "label").err


def test_a_label_that_is_asked_for_is_judged(run, tmp_path):
    path = tmp_path / "cards.csv"
    pl.DataFrame({"id": COUNTER, "host": HOSTS, "is_fraud": [int(i < 8) for i in COUNTER]}).write_csv(path)
    plain = run("scan", path)
    assert "is_fraud: looks like a label: 0 but for 8 records; it is left out" in plain.err
    asked = run("scan", path, "--category", "is_fraud")
    assert "looks like a label" not in asked.err
    assert "category  host, is_fraud" in asked.err


SPELLINGS = {
    "blanks": ["ACME Ltd ", " ACME Ltd", "ACME  Ltd", "ACME\u00a0Ltd", "ACME\tLtd"],
    "Unicode form": ["Cafe\u0301"],
    "case": ["acme ltd", "ACME LTD"],
}


@pytest.mark.parametrize("way", SPELLINGS)
def test_spellings_of_a_value_count_as_one(way, run, tmp_path):
    """Without that, the spelling seen once would be the oddest value of the table; the host seen once is."""
    usual = ["Caf\u00e9" if way == "Unicode form" else "ACME Ltd", "Bolt", "Core"]
    shop = [usual[i % 3] for i in COUNTER]
    host = list(HOSTS)
    for place, spelling in enumerate(SPELLINGS[way]):
        shop[3 * place] = spelling
    host[200] = "h9"
    path = tmp_path / "shops.csv"
    pl.DataFrame({"id": COUNTER, "shop": shop, "host": host}).write_csv(path)
    result = run("scan", path, "--budget", "1", "--format", "json")
    (flag,) = json.loads(result.out)
    assert flag["id"] == 200
    n_less = len(SPELLINGS[way])
    assert f"shop: {n_less} of {3 + n_less} values differ from another only in {way}; they count as one" in result.err


def test_spellings_that_differ_in_two_ways_are_found(run, tmp_path):
    """Taking off the blank alone, or the capitals alone, would leave as many values."""
    shop = [["Huber KG", "Bolt", "Core"][i % 3] for i in COUNTER]
    shop[3] = "huber kg "
    path = tmp_path / "shops.csv"
    pl.DataFrame({"id": COUNTER, "shop": shop, "host": HOSTS}).write_csv(path)
    err = run("scan", path).err
    assert "shop: 1 of 4 values differ from another only in blanks or case; they count as one" in err


def test_a_value_is_shown_and_found_as_it_is_usually_spelled(run, tmp_path):
    vendor = [["M\u00fcller GmbH", "BOLT", "Core AG"][i % 3] for i in COUNTER]
    vendor[3], vendor[6], vendor[1] = "m\u00fcller  gmbh", "Mu\u0308ller GmbH", "bolt"
    city = ["M\u00fcnchen" if name[0] in "Mm" else "Berlin" for name in vendor]
    city[3] = "Berlin"
    pl.DataFrame({"id": COUNTER, "vendor": vendor, "city": city, "host": HOSTS}).write_csv(tmp_path / "v.csv")
    result = run("scan", "v.csv", "--budget", "1", "--format", "json", "--store", "v.duckdb")
    (flag,) = json.loads(result.out)
    assert flag["id"] == 3
    assert "M\u00fcller GmbH" in flag["reason"]
    with opened("v.duckdb", read_only=True) as store:
        tokens = store.execute("SELECT token FROM tokens WHERE column_name = 'vendor' AND kind = 'value'").fetchall()
        assert {token for (token,) in tokens} == {"M\u00fcller GmbH", "BOLT", "Core AG"}
        found = [
            store.execute("FROM similar('vendor', ?)", [name]).fetchall()
            for name in ("M\u00fcller GmbH", "m\u00fcller  gmbh ", "MU\u0308LLER GMBH")
        ]
    assert found[0] == found[1] == found[2]
    assert {name for name, *_ in found[0]} == {"BOLT", "Core AG"}


def test_the_spellings_are_equal_when_other_records_are_scored(run, tmp_path):
    frame = pl.DataFrame({"id": COUNTER, "shop": [["Bolt", "bolt", "Core"][i % 3] for i in COUNTER], "host": HOSTS})
    frame.write_csv(tmp_path / "old.csv")
    host = pl.when(id=20).then(pl.lit("h9")).otherwise("host").alias("host")
    new = frame.head(30).with_columns(pl.col("shop").str.to_uppercase(), host)
    new.write_csv(tmp_path / "new.csv")
    for source in ("old", "new"):
        (tmp_path / f"{source}.toml").write_text(f"source.database = '{source}.csv'\nflags.budget = 1\n")
    assert run("fit", tmp_path / "old.toml").code == 0
    result = run("score", tmp_path / "new.toml", "--model", "1", "--format", "json")
    (flag,) = json.loads(result.out)
    assert flag["id"] == 20


def test_long_whole_numbers_of_one_length_are_codes():
    cards = [4_000_000_000_000_000 + i % 20 for i in COUNTER]
    sizes = [10**9 + i % 200 if i else 5 for i in COUNTER]
    found = {column.name: column for column in roles(id=COUNTER, pan=cards, sent=sizes).columns}
    assert found["pan"].role is Role.CATEGORY
    assert "16 digits each, like a code" in found["pan"].reason
    assert found["sent"].role is Role.NUMBER


@pytest.mark.parametrize("form", ["%a %b %d %H:%M:%S %Y", "%Y-%m-%dT%H:%M:%S"])
def test_a_record_hours_away_from_all_others_of_a_day_is_found(form, run, tmp_path):
    """Within a day, hours are no habit; but a record alone in the night is no beginning of a log either."""
    start = datetime(2026, 3, 2, 8)
    moments = [start + timedelta(seconds=30 * i + i * 7 % 23) for i in COUNTER * 3]
    moments[300] = start.replace(hour=3, minute=10)
    frame = pl.DataFrame({"when": [moment.strftime(form) for moment in moments], "host": HOSTS * 3})
    frame.write_ndjson(tmp_path / "t.ndjson")
    (flag,) = json.loads(run("scan", "t.ndjson", "--budget", "1", "--format", "json").out)
    assert (flag["row_number"], "hour=03h" in flag["reason"]) == (301, True)
    frame.with_row_index().filter(pl.col("index") != 300).drop("index").write_ndjson(tmp_path / "u.ndjson")
    flags = json.loads(run("scan", "u.ndjson", "--budget", "5", "--format", "json").out)
    assert not any("hour" in flag["reason"] for flag in flags)
