"""Two numbers that go together, and what one is of the other: a tax of a rate that there is not, in usual amounts."""

import numpy as np
import polars as pl
import pytest

from anomembed import Config, fit_model, scan, score_table
from anomembed.read.roles.inference import infer_roles
from anomembed.read.roles.role import Role
from anomembed.read.table import Table

N, WRONG = 4_000, 1_234
RATIO = "ratio of tax to net"
RATES = {"DE": (0.19, 0.07), "FR": (0.20, 0.055), "NL": (0.21, 0.09)}  # the second is for food
CONFIG = Config(roles={"key": ["id"]}, flags={"budget": 20})


def invoices(seed=0, wrong=None):
    """Invoices with a tax of the country's rate; that of one record, of tools from Germany, is `wrong` of the net."""
    rng = np.random.default_rng(seed)
    net, country = rng.lognormal(5, 1, N).round(2), rng.choice(list(RATES), N)
    kind = np.where(rng.random(N) < 0.2, "food", rng.choice(["tools", "office", "books"], N))
    country[WRONG], kind[WRONG] = "DE", "tools"
    rate = np.array([RATES[of][int(what == "food")] for of, what in zip(country, kind, strict=True)])
    rate[WRONG] = wrong or rate[WRONG]
    tax = (net * rate).round(2)
    return pl.DataFrame({"id": np.arange(N), "country": country, "kind": kind, "net": net, "tax": tax})


def ratios(frame, given=None):
    with Table(frame) as table:
        infer_roles(table, given)
        return {column.name for column in table.columns if column.name.startswith("ratio of ")}


def numbers(**columns):
    """Records of two numbers that have nothing to do with each other, and what is made of them."""
    rng = np.random.default_rng(1)
    frame = pl.DataFrame({name: rng.lognormal(5, 1, N) for name in ("a", "b")})
    return frame.with_columns(**columns)


@pytest.mark.parametrize("wrong", [0.07, 0.21], ids=["that of food", "that of another country"])
def test_a_wrong_rate_in_usual_amounts_comes_first(wrong):
    """Without the ratio it has a rank of several hundreds or thousands."""
    frame = invoices(wrong=wrong)
    assert ratios(frame) == {RATIO}
    flag = scan(frame, config=CONFIG).flags.frame.row(0, named=True)
    assert flag["id"] == WRONG
    assert RATIO in flag["reason"]


@pytest.mark.parametrize("wrong", [0.07, 0.21, 0.31])
def test_with_the_sum_too_and_the_ratios_to_it_are_not_told_again(wrong):
    frame = invoices(wrong=wrong).with_columns(gross=(pl.col("net") + pl.col("tax")).round(2))
    assert ratios(frame) == {RATIO}
    assert WRONG in scan(frame, config=CONFIG).flags.frame["id"].to_list()


def test_in_later_records_too_and_by_a_configuration(run, tmp_path):
    model = fit_model(invoices(), config=CONFIG)
    assert WRONG in score_table(model, invoices(1, wrong=0.21)).flags.frame["id"].to_list()
    invoices().write_csv("old.csv")
    assert run("init", "old.csv", "-o", "tax.toml").code == 0
    assert f'"{RATIO}"' in (tmp_path / "tax.toml").read_text()
    assert run("fit", "tax.toml").code == 0
    invoices(1, wrong=0.21).write_csv("old.csv")
    assert f"{RATIO}=0.21" in run("score", "tax.toml", "--budget", 20).out


def test_a_ratio_is_null_where_there_is_none_and_has_four_digits():
    frame = invoices().with_columns(
        net=pl.when(pl.col("id") == 1).then(0.0).when(pl.col("id") == 2).then(None).otherwise("net"),
        tax=pl.when(pl.col("id") == 3).then(0.0).when(pl.col("id") == 4).then(-7.0).otherwise("tax"),
    )
    with Table(frame) as table:
        read = table.rows({"id": "id", "ratio": infer_roles(table).select()[RATIO]}, None).sort("id")["ratio"]
    expected = frame["tax"] / frame["net"]
    assert read[1:3].to_list() == [None, None]
    assert read[3] == 0
    assert read[4] == float(f"{expected[4]:.4g}") < 0
    assert read[5:].to_list() == [float(f"{ratio:.4g}") for ratio in expected[5:]]


@pytest.mark.parametrize(
    ("columns", "found"),
    [
        ({"t": pl.col("a") * pl.col("b").shuffle(1).log()}, {"ratio of a to t"}),
        ({"t": pl.col("a").shuffle(1)}, set()),
        ({"t": pl.col("a") * pl.col("b")}, set()),  # what one is of the other is a number that is there
        ({"t": 1000 + pl.col("a").rank() / 100}, set()),  # what hardly varies goes with everything
        ({"t": -pl.col("a")}, set()),
        ({"t": pl.col("a") / 1e6}, set()),
        ({name: pl.col("a") * pl.col("b").shuffle(at).log() for at, name in enumerate("pqrstu")}, 4),
    ],
    ids=["together", "apart", "of a product", "constant", "negative", "shares", "many"],
)
def test_what_is_found(columns, found):
    names = ratios(numbers(**columns))
    assert names == found if isinstance(found, set) else len(names) == found


@pytest.mark.parametrize(
    "more",
    [
        {"p": pl.lit(1.0) / (1e6 + pl.col("id"))},
        {"rate": pl.lit(19.0)},
        {"refund": pl.when(pl.col("id") % 20 == 0).then("net")},
        {"net": pl.col("net") * 1e6, "other": pl.col("net").shuffle(3)},
        {"net": pl.col("net") / 100, "tax": pl.col("tax") * 1e6, "other": pl.col("net").shuffle(3)},
    ],
    ids=["near 0", "constant", "mostly missing", "of another unit", "of other units"],
)
def test_it_is_found_whatever_the_units_and_whatever_stands_beside(more):
    frame = invoices(wrong=0.21).with_columns(**more)
    given = {Role.NUMBER: [name for name in ("p", "rate", "refund") if name in frame.columns]}
    assert ratios(frame, given) in ({RATIO}, {"ratio of net to tax"})
    config = Config(roles={"key": ["id"], "number": given[Role.NUMBER]}, flags={"budget": 20})
    assert WRONG in scan(frame, config=config).flags.frame["id"].to_list()


def test_what_a_few_cents_are_of_others_says_how_they_were_rounded():
    rng = np.random.default_rng(0)
    net = rng.lognormal(1, 1, N).round(2)
    frame = pl.DataFrame({"id": np.arange(N), "net": net, "tax": (net * rng.choice([0.19, 0.2], N)).round(2)})
    assert ratios(frame) == set()
    assert ratios(frame.with_columns(pl.col("net", "tax") * np.pi)) == {RATIO}


def test_what_is_ignored_is_in_no_ratio_and_it_has_one_role_as_all_columns_have():
    assert ratios(invoices(), {Role.IGNORE: ["net"]}) == set()
    with Table(invoices()) as table:
        roles = infer_roles(table, {Role.CATEGORY: [RATIO]})
    assert [column.role for column in roles.columns if column.name == RATIO] == [Role.CATEGORY]
