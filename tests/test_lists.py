"""Lists of items, of which nearly every record has its own: an item that no other has comes first."""

import numpy as np
import polars as pl
import pytest

from anomembed import Config, fit_model, scan, score_table
from anomembed.read.roles.inference import infer_roles
from anomembed.read.roles.role import Role
from anomembed.read.table import Table

ODD = 1_600
SCOPES = ["read", "write", "list", "tag", "copy", "move", "share", "print", "export", "sync", "lock", "open"]


def tokens(n=3_000, seed=0, odd=ODD, separator=None):
    """Tokens with some scopes each; one has another."""
    rng = np.random.default_rng(seed)
    lists = [rng.permutation(SCOPES)[: rng.integers(3, 7)].tolist() for _ in range(n)]
    if odd is not None:
        lists[odd][-1] = "admin"
    scopes = lists if separator is None else [separator.join(items) for items in lists]
    return pl.DataFrame({"id": range(n), "app": rng.choice(["n", "s"], n), "scopes": scopes})


@pytest.mark.parametrize("separator", [None, ",", "; ", "|"], ids=["nested", "comma", "semicolon", "bar"])
@pytest.mark.parametrize("later", [False, True], ids=["scan", "later"])
def test_an_item_that_no_other_list_has_comes_first(separator, later):
    config = Config(roles={"key": ["id"]}, flags={"budget": 1})
    frame = tokens(separator=separator)
    if later:
        run = score_table(fit_model(tokens(seed=1, odd=None, separator=separator), config=config), frame)
    else:
        run = scan(frame, config=config)
    assert run.flags.frame["id"].to_list() == [ODD]
    assert "=admin " in run.flags.frame["reason"][0]


def test_a_configuration_keeps_how_lists_are_read(run, tmp_path):
    tokens(separator=",").write_csv("tokens.csv")
    assert run("init", "tokens.csv", "-o", "tokens.toml").code == 0
    assert "lists of about 13 items, read as those that few records have" in (tmp_path / "tokens.toml").read_text()
    assert run("fit", "tokens.toml").code == 0
    assert "scopes=admin is rare (1 of 3,000 records)" in run("score", "tokens.toml", "--budget", 1).out


def role(texts, given=None):
    with Table(pl.DataFrame({"texts": texts, "kind": ["a", "b"] * (len(texts) // 2)})) as table:
        return infer_roles(table, given, find_key=False).columns[0]


def test_what_is_no_list_of_few_items_is_read_as_before():
    rng = np.random.default_rng(0)
    names = [f"{first}, {last}" for first, last in rng.integers(100, 900, (200, 2))]
    assert role(names).role is Role.IDENTIFIER
    assert (
        role([f"the order {at} was sent late, as was {at + 7}, says the shop" for at in range(200)]).role is Role.TEXT
    )
    few = ["read,write", "read,list"] * 100
    assert role(few).written is None
    assert role(tokens(separator=",")["scopes"].to_list(), {Role.TEXT: ["texts"]}).role is Role.TEXT
    assert role(tokens(separator=",")["scopes"].to_list(), {Role.CATEGORY: ["texts"]}).written is not None
