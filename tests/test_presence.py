"""Whether a record has what nearly every other has for itself: a refund without the number of a sale."""

import numpy as np
import polars as pl
import pytest

from anomembed import Config, fit_model, scan, score_table
from anomembed.read.roles.inference import infer_roles
from anomembed.read.roles.role import Role
from anomembed.read.table import Table

HAS, ODD, N = "has sale_id", 1_600, 3_000


def records(seed=0, odd=ODD):
    """Sales, and refunds that name the sale; one does not."""
    rng = np.random.default_rng(seed)
    is_refund = rng.random(N) < 0.05
    is_refund[ODD] = True
    sale = [7919 * at % 1_000_003 if back and at != odd else None for at, back in enumerate(is_refund)]
    kind = np.where(is_refund, "refund", "sale")
    return pl.DataFrame({"id": range(N), "kind": kind, "till": rng.choice(list("abcdef"), N), "sale_id": sale})


def derived(frame, given=None):
    with Table(frame) as table:
        infer_roles(table, given)
        return {column.name for column in table.columns if table.is_derived(column.name)}


def test_a_refund_without_a_sale_comes_first():
    flags = scan(records(), config={"roles": {"key": ["id"]}, "flags": {"budget": 1}}).flags.frame
    assert flags["id"].to_list() == [ODD]
    assert f"{HAS}=no" in flags["reason"][0]


def test_in_later_records_too(run, tmp_path):
    for clean in (False, True):
        config = Config(roles={"key": ["id"]}, reference={"clean": clean}, flags={"budget": 1})
        later = score_table(fit_model(records(1, odd=None), config=config), records())
        assert later.flags.frame["id"].to_list() == [ODD]
    records().write_csv("tills.csv")
    assert run("init", "tills.csv", "-o", "tills.toml").code == 0
    assert f'"{HAS}"' in (tmp_path / "tills.toml").read_text()


def test_where_all_have_one_or_the_user_ignores_it_it_is_not_asked():
    assert derived(records()) == {HAS}
    assert derived(records().filter(pl.col("sale_id").is_not_null())) == set()
    assert derived(records(), {Role.IGNORE: ["sale_id"]}) == set()
    one, other = records()["sale_id"].drop_nulls()[:2]
    shared = records().with_columns(pl.col("sale_id").replace(one, other))
    assert derived(shared) <= {HAS, "records with the same sale_id"}


@pytest.mark.parametrize("share", [0.02, 0.05])
def test_of_an_identifier_that_it_is_missing_is_told_as_of_any_value(share):
    rng = np.random.default_rng(0)
    is_refund = rng.random(N) < share
    is_refund[ODD] = True
    sale = [f"S{at:06}" if back and at != ODD else None for at, back in enumerate(is_refund)]
    kind = np.where(is_refund, "refund", "sale")
    frame = pl.DataFrame({"id": range(N), "kind": kind, "till": rng.choice(list("abcdef"), N), "sale": sale})
    flags = scan(frame, config={"roles": {"key": ["id"]}, "flags": {"budget": 1}}).flags.frame
    assert flags["id"].to_list() == [ODD]
    assert flags["reason"][0].startswith("kind=refund is unusual with sale=(missing)")
