"""Two columns that agree where they nearly never do, or the reverse: who approves his own request."""

import numpy as np
import polars as pl
import pytest

from anomembed import Config, fit_model, scan, score_table
from anomembed.read.roles.inference import infer_roles
from anomembed.read.roles.role import Role
from anomembed.read.table import Table

ASKED = "same requested_by and approved_by"
PLANTED = [1500, 1700, 2222]


def requests(n=2500, seed=0, planted=PLANTED):
    """Requests that somebody else approves, but for three."""
    rng = np.random.default_rng(seed)
    who = rng.integers(0, 100, n)
    by = (who + rng.integers(1, 100, n)) % 100
    by[planted] = who[planted]
    return pl.DataFrame(
        {
            "id": np.arange(n),
            "kind": rng.choice(["travel", "goods", "service"], n),
            "amount": rng.lognormal(5, 1, n).round(2),
            "requested_by": [f"u{number:02}" for number in who],
            "approved_by": [f"U{number:02}" for number in by],  # another spelling is the same person
        }
    )


def derived(frame, given=None):
    with Table(frame) as table:
        infer_roles(table, given)
        return {column.name for column in table.columns if table.is_derived(column.name)}


@pytest.mark.parametrize("roles", [{}, {"entity": ["requested_by"]}], ids=["plain", "entity"])
def test_who_approves_his_own_request_comes_first(roles):
    flags = scan(requests(), config={"roles": {"key": ["id"]} | roles, "flags": {"budget": 3}}).flags.frame
    assert set(flags["id"]) == set(PLANTED)
    values = requests()["approved_by", "requested_by"]
    for record, reason in flags.select("id", "reason").iter_rows():
        second, first = values.row(record)
        assert reason.startswith(f"approved_by={second} is the same as requested_by={first} (3 of 2,500 records)")


def test_it_is_found_in_later_records_where_nobody_ever_did():
    for clean in (False, True):
        config = Config(roles={"key": ["id"]}, reference={"clean": clean}, flags={"budget": 3})
        flags = score_table(fit_model(requests(planted=[]), config=config), requests(seed=1)).flags.frame
        assert set(flags["id"]) == set(PLANTED)
        assert all("is the same as requested_by=" in reason for reason in flags["reason"])
        assert all("(0 of 2,500 records)" in reason for reason in flags["reason"])


def test_names_that_differ_where_they_always_agree():
    """Nearly every record has a name of its own, which neither column is compared by."""
    rng = np.random.default_rng(0)
    named = [f"{first}-{last}" for first, last in rng.integers(100, 999, (2000, 2))]
    told = list(named)
    told[77], told[99] = "100-999", "999-100"
    frame = pl.DataFrame(
        {
            "id": np.arange(2000),
            "holder": named,
            "payee": told,
            "bank": rng.choice(["A", "B", "C"], 2000),
            "amount": rng.lognormal(5, 1, 2000).round(2),
        }
    )
    flags = scan(frame, config={"roles": {"key": ["id"]}, "flags": {"budget": 2}}).flags.frame
    assert set(flags["id"]) == {77, 99}
    said = (f"payee={told[row]} is not the same as holder={named[row]} (2 of 2,000 records)" for row in flags["id"])
    assert flags["reason"].to_list() == list(said)
    later = frame.filter(~pl.col("id").is_in([77, 99]))
    model = fit_model(later, config=Config(roles={"key": ["id"]}, flags={"budget": 2}))
    assert set(score_table(model, frame).flags.frame["id"]) == {77, 99}


def test_what_agrees_by_chance_or_never_could_is_not_compared():
    assert derived(requests()) == {ASKED}
    rng = np.random.default_rng(1)
    codes = pl.DataFrame({"app_id": rng.integers(0, 300, 3000), "os_id": rng.integers(0, 300, 3000)})
    assert not derived(codes)  # now and then
    assert not derived(codes.with_columns(pl.col("os_id") + 300))  # of two kinds
    assert not derived(codes.with_columns(pl.col("os_id") + 299))  # nearly
    flags = pl.DataFrame({"a": rng.choice(["y", "n"], 3000)}).with_columns(b=pl.col("a").replace({"y": "n", "n": "y"}))
    assert not derived(flags)
    rows = pl.DataFrame({"a": ["u1", None], "b": ["u2", None]})
    assert not derived(rows)
    assert not derived(requests(10, planted=[3]))


@pytest.mark.parametrize("ignored", ["requested_by", "approved_by", ASKED])
def test_what_is_ignored_is_not_compared(ignored):
    with Table(requests()) as table:
        assert ASKED not in {column.name for column in infer_roles(table, {Role.IGNORE: [ignored]}).judged}


def test_a_missing_value_agrees_with_nothing():
    frame = requests().with_columns(approved_by=pl.when(pl.col("id") < 9).then(pl.lit(" ")).otherwise("approved_by"))
    with Table(frame) as table:
        roles = infer_roles(table)
        answers = table.rows({"id": "id", "same": roles.select()[ASKED]}, None).sort("id")["same"]
    assert answers[:9].null_count() == 9
    assert answers.drop_nulls().value_counts().sort("count")["same"].to_list() == ["yes", "no"]
    assert np.flatnonzero((answers == "yes").fill_null(value=False).to_numpy()).tolist() == PLANTED


def test_a_configuration_names_it_and_explain_shows_it(run, tmp_path):
    requests().write_parquet("requests.parquet")
    assert run("init", "requests.parquet", "--monitor", "-o", "requests.toml").code == 0
    assert ASKED in (tmp_path / "requests.toml").read_text()
    assert run("fit", "requests.toml").code == 0
    said = run("score", "requests.toml", "--budget", 3)
    assert said.out.count("is the same as requested_by=") >= 3
    told = run("explain", "1700")
    assert f"{ASKED}  yes" in told.out
    assert "is the same as requested_by=" in told.out
