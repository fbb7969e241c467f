"""The time between two moments of a record: a column of its own, which is no amount."""

import datetime as dt
import json

import duckdb
import numpy as np
import polars as pl
import pytest

from anomembed import Config, fit_model, scan, score_table
from anomembed.errors import SourceError
from anomembed.read.roles.assigned import match_roles
from anomembed.read.roles.inference import infer_roles
from anomembed.read.roles.role import Role
from anomembed.read.table import Table

DAY = dt.date(2026, 1, 1)
BETWEEN = "days from lost to reported"
EARLY, LATE = 77, 99


def claims(n=2000, seed=0):
    """Claims reported some days after; one is reported before it happened, and one after half a year."""
    rng = np.random.default_rng(seed)
    lost, days = rng.integers(0, 500, n), rng.geometric(0.2, n) - 1
    days[[EARLY, LATE]] = -3, 190
    return pl.DataFrame(
        {
            "id": np.arange(n),
            "lost": [DAY + dt.timedelta(days=int(i)) for i in lost],
            "reported": [DAY + dt.timedelta(days=int(i)) for i in lost + days],
            "kind": [f"k{i}" for i in rng.integers(0, 6, n)],
            "branch": [f"b{i}" for i in rng.integers(0, 12, n)],
            "amount": rng.lognormal(7, 1, n).round(2),
        }
    )


@pytest.mark.parametrize(
    "roles", [{}, {"entity": ["branch"], "timestamp": ["reported", "lost"]}], ids=["plain", "entity"]
)
def test_what_is_reported_before_it_happened_or_very_late_comes_first(roles):
    flags = scan(claims(), config={"roles": {"key": ["id"]} | roles, "flags": {"budget": 3}}).flags.frame
    reasons = dict(flags.select("id", "reason").iter_rows())
    assert reasons[EARLY].startswith(f"{BETWEEN}=-3 is unusually low")
    assert reasons[LATE].startswith(f"{BETWEEN}=190 is unusually high")


def test_from_a_file_too_and_in_records_that_come_later(run, tmp_path):
    claims().write_csv("claims.csv")
    said = run("scan", "claims.csv", "--budget", 3)
    assert f"{BETWEEN}=-3 is unusually low" in said.out
    lost, reported = claims().filter(id=EARLY)["lost", "reported"].row(0)
    assert f"lost={lost}, reported={reported}\n" in said.out  # days, not the moments at their beginning
    reference = claims().filter(~pl.col("id").is_in([EARLY, LATE]))
    later = claims(300, seed=1)
    for clean in (False, True):
        config = Config(roles={"key": ["id"]}, reference={"clean": clean}, flags={"budget": 3})
        assert {EARLY, LATE} < set(score_table(fit_model(reference, config=config), later).flags.frame["id"])


def times_in(*records):
    """The times between moments that a table of some records has: their names, with those of the first record."""
    with duckdb.connect() as connection:
        rows = (f"SELECT {record}, 'k{at}' AS kind, {at} AS row" for at, record in enumerate(records))
        frame = connection.sql(f"FROM ({' UNION ALL BY NAME '.join(rows)}) ORDER BY row").pl()
    with Table(frame) as table:
        infer_roles(table, {Role.KEY: ["row"]})
        read = {c.name: c.expression for c in table.columns if table.is_derived(c.name)}
        return table.rows(read, "row = 0").row(0, named=True) if read else {}


def test_each_moment_is_held_against_the_one_before_it():
    other = "DATE '2026-05-01' AS a, 2 AS n, DATE '2026-05-03' AS b, DATE '2026-06-01' AS c"
    days = times_in("DATE '2026-03-01' AS a, 1 AS n, DATE '2026-02-28' AS b, DATE '2026-12-31' AS c", other)
    assert days == {"days from a to b": -1, "days from b to c": 306}
    other = "DATE '2026-05-01' AS a, TIMESTAMP '2026-05-01 00:00' AS b, TIMESTAMP '2026-05-01 01:00' AS c"
    mixed = "DATE '2026-03-01' AS a, TIMESTAMP '2026-03-01 05:00' AS b, TIMESTAMP '2026-03-02 06:30' AS c"
    assert times_in(mixed, other) == {"hours from b to c": 25.5, "days from a to b": 0}
    other = "TIMESTAMPTZ '2026-03-01 00:00+00' AS a, TIMESTAMPTZ '2026-03-01 12:00+00' AS b"
    zones = "TIMESTAMPTZ '2026-03-29 00:00+00' AS a, TIMESTAMPTZ '2026-03-29 12:00+02' AS b"
    assert times_in(zones, other) == {"hours from a to b": 10}
    other = "TIMESTAMP_NS '2026-05-01 00:00' AS a, TIMESTAMP_MS '2026-05-01 01:00' AS b, TIMESTAMP '2026-05-02' AS c"
    exact = "TIMESTAMP_NS '2026-03-01 00:00' AS a, TIMESTAMP_MS '2026-03-01 06:00' AS b, TIMESTAMP '2026-03-01' AS c"
    assert times_in(exact, other) == {"hours from a to b": 6, "hours from b to c": -6}


def test_a_day_and_a_moment_side_by_side_are_compared_by_their_days():
    other = "TIMESTAMP '2026-05-01 09:00' AS a, DATE '2026-05-01' AS b, TIMESTAMP '2026-05-01 01:00' AS c"
    mixed = "TIMESTAMP '2026-03-01 23:59' AS a, DATE '2026-03-31' AS b, TIMESTAMP '2026-03-30 00:01' AS c"
    whole = {"days from a to b": 30, "days from b to c": -1}
    assert times_in(mixed, other).items() > whole.items()
    text = mixed.replace("TIMESTAMP '2026-03-01 23:59'", "'01/03/2026 23:59'")
    others = (
        f"'{day}/04/2026 09:00' AS a, DATE '2026-05-{day}' AS b, TIMESTAMP '2026-05-01' AS c" for day in (14, 15, 16)
    )
    assert times_in(text, *others) == whole


def test_of_a_day_and_a_moment_it_may_be_named_by_a_configuration_and_is_there_once():
    rng, n = np.random.default_rng(0), 500
    days = [dt.datetime(2026, 1, 1) + dt.timedelta(days=int(day)) for day in rng.integers(0, 100, n)]
    sent = [day + dt.timedelta(hours=int(hours)) for day, hours in zip(days, rng.integers(9, 99, n), strict=True)]
    frame = pl.DataFrame({"ordered": [day.date() for day in days], "sent": sent, "kind": rng.choice(["a", "b"], n)})
    with Table(frame) as table:
        columns = infer_roles(table, {Role.NUMBER: ["days from ordered to sent"]}).columns
    assert [column.role for column in columns if column.name == "days from ordered to sent"] == [Role.NUMBER]


def test_a_day_that_goes_with_no_moment_is_not_compared():
    birth = (
        f"DATE '1960-01-01' + {at * 2003 % 18000} AS born, TIMESTAMP '2026-05-01' + INTERVAL {at} HOUR AS paid"
        for at in range(99)
    )
    assert times_in(*birth) == {}


def test_a_due_date_of_another_year_comes_first_although_it_rises_with_the_time():
    """As a column of its own it is not judged: it is always new, as a clock is."""
    paid = [DAY + dt.timedelta(days=at // 20) for at in range(2000)]
    due = [day + dt.timedelta(days=(14, 30, 60)[at % 3]) for at, day in enumerate(paid)]
    due[LATE] = due[LATE].replace(year=2062)
    at = pl.Series(paid).cast(pl.Datetime) + pl.duration(minutes=pl.Series(range(2000)) * 7 % 1440)
    frame = claims().select("id", "kind", paid_at=at, due=pl.Series(due))
    flags = scan(frame, config={"roles": {"key": ["id"]}, "flags": {"budget": 1}}).flags.frame
    assert flags["reason"][0].startswith(f"days from paid_at to due={(due[LATE] - paid[LATE]).days} is unusually high")


@pytest.mark.parametrize("kind", ["DATE", "TIMESTAMP", "TIMESTAMPTZ"])
def test_lists_of_moments_are_none(kind):
    lists = (f"[{kind} '2026-03-0{day}'] AS a, [{kind} '2026-03-1{day}'] AS b, {day} AS n" for day in (1, 2, 3))
    assert times_in(*lists) == {}


def test_without_a_moment_on_both_sides_it_is_missing():
    usual = [f"DATE '2026-04-{day:02}' AS a, DATE '2026-05-01' + {day * day} AS b" for day in range(1, 30)]
    for other in ("NULL::DATE", "'infinity'::DATE", "DATE '0044-03-15 (BC)'"):
        assert times_in(f"DATE '2026-03-01' AS a, {other} AS b", *usual) == {"days from a to b": None}
    never = [f"DATE '2026-04-{day:02}' AS a, DATE '1970-01-01' AS b" for day in range(1, 10)]  # stands for none
    assert times_in(*never, *usual) == {"days from a to b": None}


def test_of_moments_that_are_text_or_count_seconds_too():
    def written(form, other):
        a, b = (f"strftime(TIMESTAMP '2026-01-01' + INTERVAL ({hours}) HOUR, '{form}')" for hours in (other, other * 2))
        return f"{a} AS a, {b} AS b"

    for form, hours in (("%d/%m/%Y %H:%M", 1), ("%b %d, %Y %I:%M %p", 1), ("%d-%b-%Y", 24)):
        found = times_in(*(written(form, hours * number) for number in range(30, 330)))
        assert found == ({"hours from a to b": 30} if hours == 1 else {"days from a to b": 30}), form
    counted = (
        f"{1.7e9:.0f} + {number} * 3600 AS opened, {1.7e9:.0f} + {number} * 5400 AS closed" for number in range(8, 99)
    )
    assert times_in(*counted) == {"hours from opened to closed": 4}


def test_a_column_that_has_its_name_already_stays():
    rows = (
        f"DATE '2026-03-0{day}' AS a, DATE '2026-03-05' + {day} AS b, 'mine' AS \"Days from a to b\"" for day in (1, 2)
    )
    assert times_in(*rows) == {}


def test_a_configuration_may_name_it_and_a_model_finds_it_in_later_files(run, tmp_path):
    form = pl.col("lost", "reported").dt.strftime("%d/%m/%Y") + " 09:30"
    claims().with_columns(form).write_csv("claims.csv")
    assert run("init", "claims.csv", "--monitor", "-o", "claims.toml").code == 0
    text = (tmp_path / "claims.toml").read_text()
    assert "hours from lost to reported" in text
    assert run("fit", "claims.toml").code == 0
    assert run("monitor", "claims.toml", "--check").code == 0
    claims(300, seed=1).with_columns(form).write_csv("claims.csv")
    said = run("score", "claims.toml", "--budget", 3)
    assert {line.split()[1] for line in said.out.splitlines() if "hours from" in line} == {str(EARLY), str(LATE)}
    assert run("evaluate", "claims.toml", "--label", "kind", "--positive", "k1").code == 0
    for option in ("--ignore", "--number"):
        told = run("scan", "claims.csv", option, "Hours from lost to reported", "--budget", 2)
        assert ("hours from lost to reported" in told.out) is (option == "--number")
    assert "no such column" in run("scan", "claims.csv", "--number", "hours from lost to found").err


@pytest.mark.parametrize("ignored", ["lost", "reported", BETWEEN])
def test_what_is_ignored_is_not_seen_in_how_long_after_it_comes_either(ignored):
    with Table(claims()) as table:
        assert {column.name for column in infer_roles(table).of(Role.NUMBER)} == {"amount", BETWEEN}
    with Table(claims()) as table:
        assert {c.name for c in infer_roles(table, {Role.IGNORE: [ignored]}).of(Role.NUMBER)} == {"amount"}


def test_it_has_one_role_as_all_columns_have():
    with Table(claims()) as table, pytest.raises(SourceError, match="is given two roles: number and ignore"):
        infer_roles(table, {Role.NUMBER: [BETWEEN], Role.IGNORE: [BETWEEN]})


def test_it_is_no_column_of_the_source():
    """A monitor does not tell it as a new one, and it is no event of a sequence."""
    with Table(claims()) as table:
        infer_roles(table)
        assert [column.name for column in table.columns if table.is_derived(column.name)] == [BETWEEN]


def test_it_is_no_amount():
    """Nobody sums it up over a day, takes it for the amount that is paid twice, or for one just below a limit."""
    frame = claims().with_columns(at=pl.col("reported").cast(pl.Datetime) + pl.duration(minutes=pl.col("id") % 1440))
    roles = {"key": ["id"], "entity": ["branch"], "timestamp": ["at", "lost", "reported"]}
    model = fit_model(frame, config=Config(roles=roles))
    assert model.past.history.sums == ("amount",)
    without = fit_model(
        frame.with_columns(amount=1.0 * (pl.col("id") % 2)), config=Config(roles=roles | {"ignore": ["amount"]})
    )
    assert not {"duplicate", "heaping"} & {judged.view.name for judged in without.views}


def test_what_equal_times_and_missing_ones_have_in_common_is_no_twin():
    """Moments are not compared, as a duplicate has others; nor is what lies between them."""
    frame = claims().with_columns(amount=pl.col("amount") // 10)
    roles = {"key": ["id"], "entity": ["branch"], "timestamp": ["lost", "reported"]}
    twins = fit_model(frame, config=Config(roles=roles)).derived.twins
    assert (twins.amount, twins.compared) == ("amount", ("kind",))


def test_none_at_all_is_a_time_too_and_stands_for_no_missing_one():
    frame = claims().with_columns(reported=pl.col("lost") + pl.duration(days=pl.col("id") % 20 + 300))
    frame = frame.with_columns(reported=pl.when(pl.col("id") < 5).then("lost").otherwise("reported"))
    with Table(frame) as table:
        roles = infer_roles(table)
        assert table.rows(roles.select(), None)[BETWEEN].min() == 0


def test_a_date_that_stands_for_a_missing_one_has_no_distance():
    is_open = pl.col("id") < 5
    frame = claims().with_columns(reported=pl.when(is_open).then(dt.date(9999, 12, 31)).otherwise("reported"))
    model = fit_model(frame, config=Config(roles={"key": ["id"]}))
    for source in (frame, frame.select(pl.all().exclude("reported"), pl.col("reported").cast(pl.String))):
        with Table(source) as table:
            read = match_roles(model.roles, table).select()
            days = table.rows({BETWEEN: read[BETWEEN]}, None)[BETWEEN]
        assert days.null_count() == 5
        assert days.max() == 190


def test_it_is_the_same_time_whatever_comes_to_lie_between_and_where_none_is_known():
    frame = claims()
    model = fit_model(frame, config=Config(roles={"key": ["id"]}))
    moved = frame.select("reported", pl.col("reported").alias("paid"), pl.all().exclude("reported"))
    assert score_table(model, moved).frame.equals(score_table(model, frame).frame)
    assert len(score_table(model, frame.with_columns(reported=pl.lit(None, pl.String))).frame) == len(frame)
    with Table(moved) as table:
        assert BETWEEN in {column.name for column in infer_roles(table, {Role.NUMBER: [BETWEEN]}).of(Role.NUMBER)}


def test_a_condition_cannot_name_it_and_is_not_told_to():
    wrong = f'"{BETWEEN}" < 0'
    with Table(claims()) as table, pytest.raises(SourceError, match="no such column") as told:
        table.count(wrong)
    assert "did you mean" not in str(told.value)


def test_what_is_explained_has_it_beside_that_of_normal_records(run):
    claims().write_parquet("claims.parquet")
    assert run("scan", "claims.parquet", "--budget", 3).code == 0
    case = json.loads(run("explain", EARLY, "--format", "json").out)
    assert case["record"][BETWEEN] == "-3"
    assert all(float(one["values"][BETWEEN]) >= 0 for one in case["normal"])
