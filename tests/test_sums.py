"""A number that is not what others of its record come to: an invoice whose total is not the sum of its parts."""

import numpy as np
import polars as pl
import pytest

from anomembed import Config, fit_model, scan, score_table
from anomembed.read.roles.inference import infer_roles
from anomembed.read.roles.role import Role
from anomembed.read.table import Table

TOTAL, GROSS = "same gross and net + tax", "same tax and net * rate / 100 within 0.01"
WRONG = 1_212


def invoices(n=2_500, seed=0, wrong=WRONG):
    """Invoices with a tax of two rates; one of them is added up wrongly, by little."""
    rng = np.random.default_rng(seed)
    net, rate = rng.lognormal(4, 0.8, n).round(2), rng.choice([7, 19], n)
    tax = (net * rate / 100).round(2)
    gross = (net + tax).round(2)
    if wrong is not None:
        gross[wrong] += 2.7
    kind = rng.choice(["A", "B"], n)
    return pl.DataFrame({"id": np.arange(n), "kind": kind, "net": net, "rate": rate, "tax": tax, "gross": gross})


def derived(frame, given=None):
    with Table(frame) as table:
        infer_roles(table, given)
        return {column.name for column in table.columns if column.name.startswith("same ")}


def numbers(seed=0, n=1_000, **columns):
    """Records of numbers of their own, and what is made of them."""
    rng = np.random.default_rng(seed)
    frame = pl.DataFrame({name: rng.lognormal(3, 1, n).round(2) for name in ("a", "b", "c")})
    return frame.with_columns(**columns)


def test_what_is_added_up_wrongly_comes_first():
    flags = scan(invoices(), config={"roles": {"key": ["id"]}, "flags": {"budget": 1}}).flags.frame
    assert flags["id"].to_list() == [WRONG]
    assert flags["reason"][0] == f"gross={invoices()['gross'][WRONG]:g} is not net + tax (1 of 2,500 records)"


def test_in_later_records_too_where_it_always_held():
    for clean in (False, True):
        config = Config(roles={"key": ["id"]}, reference={"clean": clean}, flags={"budget": 1})
        model = fit_model(invoices(wrong=None), config=config)
        assert score_table(model, invoices(seed=1)).flags.frame["id"].to_list() == [WRONG]


def test_from_text_written_for_people_and_by_a_configuration(run, tmp_path):
    money = [pl.format("${}", pl.col(name).round(2)) for name in ("net", "tax", "gross")]
    invoices().with_columns(money).write_csv("invoices.csv")
    assert run("init", "invoices.csv", "-o", "invoices.toml").code == 0
    assert TOTAL in (tmp_path / "invoices.toml").read_text()
    assert run("fit", "invoices.toml").code == 0
    assert "is not net + tax (1 of 2,500 records)" in run("score", "invoices.toml", "--budget", 1).out


@pytest.mark.parametrize(
    ("columns", "name"),
    [
        ({"t": (pl.col("a") * pl.col("b")).round(2)}, "same t and a * b within 0.01"),
        ({"t": pl.col("a") + pl.col("b") - pl.col("c")}, "same t and a + b - c"),
        ({"t": (pl.col("a") - pl.col("c")).round(2)}, "same a and c + t"),
        (
            {f"m{at}": pl.col("a").shuffle(at) for at in range(4)} | {"z": pl.lit(0.0)},
            None,
        ),
        ({"t": pl.col("a") * 2 + pl.col("b")}, None),
        ({"t": pl.when(pl.int_range(pl.len()) % 10 == 0).then(9.0).otherwise(pl.col("a") + pl.col("b"))}, None),
        ({"flag": pl.lit(0.0), "other": pl.col("a")}, "same a and other"),
    ],
)
def test_what_is_found(columns, name):
    assert derived(numbers(**columns)) == ({name} if name else set())


def test_a_few_in_a_hundred_that_are_otherwise_are_no_mistakes():
    n = pl.int_range(pl.len())
    for every, is_found in ((150, True), (60, False)):
        total = pl.when(n % every == 0).then(9.0).otherwise(pl.col("a") + pl.col("b"))
        assert bool(derived(numbers(t=total))) == is_found


def test_columns_side_by_side_are_added_up():
    parts = {f"m{at}": pl.col("a").shuffle(at) for at in range(13)}
    frame = numbers(**parts).select(*parts).with_columns(total=pl.sum_horizontal(*parts))
    assert derived(frame) == {f"same total and {' + '.join(parts)}"}


def test_what_follows_from_a_sum_is_not_told_again():
    frame = invoices().with_columns(sent=pl.col("gross") + 5 * pl.col("rate"), post=5 * pl.col("rate"))
    assert TOTAL in derived(frame)
    assert len([name for name in derived(frame) if " * " not in name]) == 2


def test_a_missing_number_comes_to_nothing_and_what_is_ignored_is_not_added_up():
    frame = invoices().with_columns(tax=pl.when(pl.col("id") < 9).then(None).otherwise("tax"))
    with Table(frame) as table:
        answers = table.rows({"id": "id", "same": infer_roles(table).select()[TOTAL]}, None).sort("id")["same"]
    assert answers[:9].null_count() == 9
    assert answers.to_list().index("no") == WRONG
    assert derived(invoices(), {Role.IGNORE: ["gross"]}) == {GROSS}
    assert TOTAL in derived(invoices(wrong=None), {Role.CATEGORY: [TOTAL]})


def test_numbers_without_bounds_come_to_nothing():
    rng = np.random.default_rng(0)
    frame = pl.DataFrame({name: rng.choice([1e300, 1e308, np.inf, -5.5, np.nan], 200) for name in "abcd"})
    assert derived(frame) == set()
