"""Where values of their own belong: the domain of an address, the path of a link, the network of a client."""

import numpy as np
import polars as pl
import pytest
from databases import opened

from anomembed import Config, fit_model, scan, score_table
from anomembed.read.roles.inference import infer_roles
from anomembed.read.roles.role import Role
from anomembed.read.table import Table

ODD, N = 1_300, 3_000


def senders(rng):
    return [f"{n}@{rng.choice(['example.com', 'Partner.org'])}" for n in range(N)], "someone@examp1e.biz"


def links(rng):
    made = [
        rng.choice([f"https://x.example/api/v1/orders/{n}", f"https://x.example/search?q=a{n}#top"]) for n in range(N)
    ]
    return made, "https://x.example/api/v1/admin/export?all=1"


def requests(rng):
    return [rng.choice([f"/shop/{n}/buy", f"/shop/{n}?a={n}"]) for n in range(N)], "/etc/passwd?x=1"


def files(rng):
    names = ["".join(rng.choice(list("abcdefghij"), 8)) for _ in range(N)]
    folders = ["Documents", "Desktop"]
    return [f"C:\\Users\\u{n % 900}\\{folders[n % 2]}\\{name}.docx" for n, name in enumerate(names)], (
        "C:\\Users\\u7\\AppData\\Temp\\run.exe"
    )


def clients(rng):
    return [f"10.{n % 3}.{n // 255}.{n % 255}" for n in range(N)], "185.220.101.4"


KINDS = {
    "domain": (senders, "examp1e.biz"),
    "path": (links, "/api/*/admin/export"),
    "path ": (requests, "/etc/passwd"),
    "folder": (files, "C:\\Users\\*\\AppData\\Temp\\*.exe"),
    "network": (clients, "185.220"),
}


def table(make, odd=ODD):
    rng = np.random.default_rng(0)
    values, other = make(rng)
    if odd is not None:
        values[odd] = other
    return pl.DataFrame({"id": range(N), "source": values, "kind": rng.choice(["a", "b", "c"], N)})


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("later", [False, True], ids=["scan", "later"])
def test_what_comes_from_elsewhere_comes_first(kind, later):
    make, place = KINDS[kind]
    config = Config(roles={"key": ["id"]}, flags={"budget": 1})
    frame = table(make)
    run = score_table(fit_model(table(make, None), config=config), frame) if later else scan(frame, config=config)
    assert run.flags.frame["id"].to_list() == [ODD]
    reason, column = run.flags.frame["reason"][0], f"{kind.strip()} of source"
    assert f"{column}={place} " in reason or "is not written as others" in reason  # which it is, too
    assert place in run.flags.contributions.filter(pl.col("column_name") == column)["value"].to_list()


def derived(values, given=None):
    with Table(pl.DataFrame({"source": values, "kind": ["a", "b"] * (len(values) // 2)})) as opened:
        infer_roles(opened, given)
        return {column.name for column in opened.columns if opened.is_derived(column.name)}


def test_where_all_are_in_one_place_or_each_is_in_its_own_it_is_not_told():
    assert derived([f"u{n}@example.com" for n in range(200)]) == set()
    assert derived([f"u{n}@d{n}.com" for n in range(200)]) == set()
    assert derived([f"u{n % 5}@d{n % 3}.com" for n in range(200)]) == set()
    assert derived([f"{n}-a/b@c" for n in range(200)]) == set()
    both = [f"u{n}@{'ab'[n % 2]}.com" for n in range(200)]
    assert derived(both, {Role.KEY: ["kind"]}) == {"domain of source"}
    assert derived(both, {Role.IGNORE: ["source"]}) == set()


def test_a_configuration_names_it(run, tmp_path):
    table(links).write_csv("links.csv")
    assert run("init", "links.csv", "-o", "links.toml").code == 0
    assert '"path of source"' in (tmp_path / "links.toml").read_text()
    assert run("fit", "links.toml").code == 0
    assert run("score", "links.toml", "--budget", 1).code == 0
    with opened("anomembed.duckdb") as store:
        told = store.sql("SELECT value FROM contributions WHERE column_name = 'path of source'").fetchall()
    assert ("/api/*/admin/export",) in told
