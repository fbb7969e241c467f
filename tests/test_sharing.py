"""What nearly every record has for itself, and some share: a number of its own, of what is otherwise not used."""

import csv
import io
import json
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from databases import opened
from pages import HOSTILE

from anomembed import Config, fit_model, scan, score_table
from anomembed.explain.records import know
from anomembed.read.roles.inference import infer_roles
from anomembed.read.roles.role import Role
from anomembed.read.table import Table
from anomembed.views import words
from anomembed.views.reason import Reason, Value, clean_text
from anomembed.views.shared import Held, name_shared

SHARED = "records with the same account"
GHOSTS = {70, 700, 777}


def staff(n=1500, ghosts=GHOSTS, seed=0):
    """Employees with an account each, but for some who are paid into one."""
    rng = np.random.default_rng(seed)
    accounts = np.array([f"DE{number}" for number in rng.choice(10**9, n, replace=False) + 10**9])
    names = [f"N{first} S{last}" for first, last in rng.integers(0, 900, (n, 2))]
    names[3] = names[4]
    accounts[list(ghosts)] = accounts[min(ghosts, default=0)]
    return pl.DataFrame(
        {
            "id": np.arange(n),
            "name": names,
            "team": rng.choice(["sales", "works", "law"], n, p=[0.5, 0.4, 0.1]),
            "city": [f"city{i}" for i in rng.integers(0, 12, n)],
            "since": np.datetime64("2015-01-01") + rng.integers(0, 3000, n).astype("timedelta64[D]"),
            "salary": rng.normal(50_000, 9_000, n).round(-2),
            "account": accounts,
        }
    )


def shared_of(frame, given=None):
    """The columns of how many share a value, and what is read from them."""
    with Table(frame) as table:
        roles = infer_roles(table, given)
        names = [column.name for column in roles.judged if column.name.startswith("records with")]
        return names, next(table.batches(roles.select(), [table.column("id")], None, 10_000)).sort("id")


@pytest.mark.parametrize("seed", range(3))
def test_two_accounts_that_are_shared_come_before_nearly_all_others_in_teams_too(seed):
    accounts = staff(1500, seed=seed)["account"].to_list()
    accounts[33] = accounts[44]
    frame = staff(1500, seed=seed).with_columns(account=pl.Series(accounts))
    roles = {"key": ["id"], "entity": ["team"], "timestamp": ["since"]}
    flags = scan(frame, config={"roles": roles, "flags": {"budget": 8}}).flags.frame
    assert GHOSTS | {33, 44} <= set(flags["id"])


@pytest.mark.parametrize("entity", [{}, {"entity": ["team"], "timestamp": ["since"]}], ids=["plain", "entity"])
@pytest.mark.parametrize("n", [400, 3000])
def test_those_who_share_an_account_come_first(n, entity):
    ghosts = {7, 70, 277}
    found = scan(staff(n, ghosts), config={"roles": {"key": ["id"]} | entity, "flags": {"budget": 3}})
    assert set(found.flags.frame["id"]) == ghosts
    assert set(found.flags.frame["reason"]) == {f"{said_of(found.flags.frame)} (19 in 20 have their own)"}


def said_of(flags, n=3):
    return f"account={json.loads(flags['record_values'][0])['account']} is shared by {n} records"


def test_each_account_is_a_finding():
    frame = staff(1500, GHOSTS)
    first, second = (frame["account"][n] for n in (70, 10))
    frame = frame.with_columns(
        pl.when(pl.col("id").is_in([10, 20])).then(pl.lit(second)).otherwise("account").alias("account")
    )
    flags = scan(frame, config={"flags": {"budget": 5}}).flags.frame
    by_finding = flags.group_by("finding").agg(
        "reason", pl.col("id").sort(), pl.col("record_values").str.json_path_match("$.account")
    )
    found = {tuple(ids): (set(accounts), set(reasons)) for _, reasons, ids, accounts in by_finding.iter_rows()}
    assert found == {
        (70, 700, 777): ({first}, {f"account={first} is shared by 3 records (19 in 20 have their own)"}),
        (10, 20): ({second}, {f"account={second} is shared by 2 records (19 in 20 have their own)"}),
    }


def test_one_more_record_with_an_account_makes_no_other_finding():
    one, more = (
        scan(staff(1500, ghosts), config={"flags": {"budget": 1}}).flags.frame for ghosts in (GHOSTS, {*GHOSTS, 888})
    )
    assert one["reason"][0] != more["reason"][0]
    assert one["finding"][0] == more["finding"][0]


@pytest.mark.parametrize("value", HOSTILE, ids=range(len(HOSTILE)))
def test_what_is_shared_may_be_any_text(run, value):
    frame = staff().with_columns(
        pl.when(pl.col("id").is_in(list(GHOSTS))).then(pl.lit(value)).otherwise("account").alias("account")
    )
    frame.write_parquet("staff.parquet")
    unwritten = ["--ignore", "account", "--number", SHARED]  # how an account is written is no reason then
    found = run("scan", "staff.parquet", "--budget", "3", *unwritten)
    assert found.code == 0, found.err
    assert f"account={clean_text(value)} is shared by 3 records" in " ".join(found.out.split())
    assert all(letter.isprintable() or letter == "\n" for letter in found.out)
    with opened("anomembed.duckdb") as store:
        (held, n_findings), *_ = store.sql(
            "SELECT any_value(record->>'account'), count(DISTINCT finding) FROM flags"
        ).fetchall()
    assert (held, n_findings) == (value[:2000], 1)
    again = run("scan", "staff.parquet", "--budget", "3", *unwritten, "--format", "csv").out
    flags = list(csv.DictReader(io.StringIO(again)))
    assert not [cell for flag in flags for cell in flag.values() if cell.startswith(("=", "@"))]
    assert json.loads(flags[0]["record_values"])["account"] == value[:2000]
    assert run("report", "r.html").code == 0
    text = Path("r.html").read_text()
    assert "\x1b" not in text
    assert "\u202e" not in text
    assert "is shared by 3 records" in text
    assert not [tag for tag in ("<script>alert", "<img src=x") if tag in text]


def test_it_is_named_where_a_reason_is_about_another_value():
    """As a category, how many share an account has no usual range."""
    flags = scan(staff(), config={"roles": {"category": [SHARED]}, "flags": {"budget": 1500}}).flags.frame
    reasons = flags.filter(pl.col("id").is_in(list(GHOSTS)))["reason"]
    assert reasons.len() == 3
    assert reasons.str.contains(f"account={staff()['account'][70]} (shared by 3 records)", literal=True).all()
    assert not flags.filter(~pl.col("id").is_in(list(GHOSTS)))["reason"].str.contains("shared").any()


def test_it_is_named_beside_others_where_no_single_value_stands_out():
    named = {"value 1": Value("city", "Rome"), "value 2": Value(SHARED, "3")}
    reason = Reason("all together", None, {"values": ", ".join(map(str, named.values())), **named})
    facts = know(fit_model(staff()))
    said = name_shared(reason, {SHARED: Held("DE1", 3)}, facts).sentence(words())
    assert said == "no single value stands out, but all together do: city=Rome, account=DE1 (shared by 3 records), ..."


def test_explain_names_it_and_takes_it_for_nobody(run):
    """The name of the count ends with that of who acts; those who share nothing have no habits together."""
    frame = staff().rename({"account": "bank_account"})
    frame.write_parquet("staff.parquet")
    assert run("scan", "staff.parquet", "--budget", "3", "-q").code == 0
    said = run("explain", "70").out
    assert f"bank_account={frame['bank_account'][70]} is shared by 3 records" in said
    assert "HABITS" not in said


def test_records_are_counted_whatever_their_order():
    blank = pl.when(id=5).then(None).when(pl.col("id").is_in([8, 9])).then(pl.lit(" ")).otherwise("account")
    frame = staff().with_columns(blank.alias("account"))
    expected = [3.0 if n in GHOSTS else None if n in (5, 8, 9) else 1.0 for n in range(1500)]
    for rows in (frame, frame.sample(fraction=1, shuffle=True, seed=1)):
        names, read = shared_of(rows)
        assert names == [SHARED]
        assert read[SHARED].to_list() == expected


def test_a_number_that_should_be_unique_and_is_there_twice_comes_first():
    number = pl.when(id=9).then(pl.col("account").get(900)).otherwise("account").alias("invoice_no")
    flags = scan(staff(ghosts=()).select("name", "team", "city", "since", "salary", number)).flags.frame
    assert flags["reason"][0].startswith(f"invoice_no={staff(ghosts=())['account'][900]} is shared by 2 records")


def test_what_each_record_has_for_itself_is_not_called_the_same():
    """A payment that is entered again has another number: that nobody else has either is nothing they share."""
    n = 3000
    rng = np.random.default_rng(0)
    frame = pl.DataFrame(
        {
            "id": range(n),
            "vendor": [f"v{i}" for i in rng.integers(0, 60, n)],
            "invoice_no": [f"I{i}" for i in rng.permutation(n * 9)[:n]],
            "at": np.datetime64("2026-01-01") + rng.integers(0, 180, n).astype("timedelta64[D]"),
            "amount": rng.lognormal(6, 1, n).round(2),
            "by": rng.choice(["amy", "ben", "cal"], n),
        }
    )
    again = frame[[9, 99]].with_columns(
        pl.col("id") + n, pl.col("at") + pl.duration(days=1), pl.col("invoice_no") + "A"
    )
    twice = frame[[5]].with_columns(pl.col("id") + 2 * n)
    flags = scan(
        pl.concat([frame, again, twice]), config={"roles": {"key": ["id"], "entity": ["vendor"], "timestamp": ["at"]}}
    ).flags.frame
    reasons = flags.filter(pl.col("reason").str.contains("repeats"))["reason"]
    assert reasons.len() >= 2
    assert reasons.str.contains("before, with the same by (", literal=True).all()


@pytest.mark.parametrize("n", [0, 60])
def test_what_nobody_shares_and_what_many_do_is_not_counted(n):
    assert shared_of(staff(ghosts=set(range(n))))[0] == []


def test_people_of_one_name_share_nothing():
    with Table(staff()) as table:
        roles = {column.name: column for column in infer_roles(table).columns}
    assert "nearly every record has its own" in roles["name"].reason
    assert f"{SHARED[:-7]}name" not in roles


def test_it_is_left_out_or_used_on_demand():
    assert shared_of(staff(), {Role.IGNORE: [SHARED]})[0] == []
    assert shared_of(staff(), {Role.IGNORE: ["account"]})[0] == []
    assert shared_of(staff(), {Role.IGNORE: ["account"], Role.NUMBER: [SHARED]})[0] == [SHARED]
    assert shared_of(staff(), {Role.CATEGORY: ["account"]})[0] == []
    assert "records with the same name" in shared_of(staff(), {Role.NUMBER: ["records with the same name"]})[0]


@pytest.mark.parametrize("clean", [False, True])
def test_records_that_come_later_are_counted_among_themselves(clean):
    model = fit_model(staff(), config=Config(roles={"key": ["id"]}, reference={"clean": clean}, flags={"budget": 2}))
    assert set(score_table(model, staff(300, {4, 40}, seed=1)).flags.frame["id"]) == {4, 40}


def test_a_configuration_names_it(run):
    staff().write_parquet("staff.parquet")
    assert run("init", "staff.parquet", "-o", "staff.toml").code == 0
    assert run("fit", "staff.toml", "-q").code == 0
    said = run("score", "staff.toml", "--budget", 3)
    assert said.code == 0
    assert f"account={staff()['account'][70]} is shared by 3 records" in said.out
