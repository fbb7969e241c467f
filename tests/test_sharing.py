"""What nearly every record has for itself, and some share: a number of its own, of what is otherwise not used."""

import numpy as np
import polars as pl
import pytest

from anomembed import Config, fit_model, scan, score_table
from anomembed.read.roles.inference import infer_roles
from anomembed.read.roles.role import Role
from anomembed.read.table import Table

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


@pytest.mark.parametrize("entity", [{}, {"entity": ["team"], "timestamp": ["since"]}], ids=["plain", "entity"])
@pytest.mark.parametrize("n", [400, 3000])
def test_those_who_share_an_account_come_first(n, entity):
    ghosts = {7, 70, 277}
    found = scan(staff(n, ghosts), config={"roles": {"key": ["id"]} | entity, "flags": {"budget": 3}})
    assert set(found.flags.frame["id"]) == ghosts
    assert all(reason.startswith(f"{SHARED}=3 is unusually high") for reason in found.flags.frame["reason"])


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
    assert flags["reason"][0].startswith("records with the same invoice_no=2 is unusually high")


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
    assert shared_of(staff(), {Role.IGNORE: ["account"]})[0] == [SHARED]
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
    assert f"{SHARED}=3 is unusually high" in said.out
