"""A role is one row in `Role`: a toy role does all that the others do, from the option to the flag."""

import json
from contextlib import chdir
from importlib.util import find_spec
from pathlib import Path

import polars as pl
import pytest
from forks import run_apart

ROW = """    DOMAIN = (
        "domain",
        "Columns of mail addresses, compared by what stands after the @.",
        Content.VALUE,
        lambda column: f"split_part({column.expression}, '@', 2)",
    )
"""
NEXT = '    NUMBER = "number", '


MODULE = find_spec("anomembed.read.roles.role")
TOY = """
import sys
from types import ModuleType
sys.modules[{name!r}] = module = ModuleType({name!r})
exec(compile({text!r}, {origin!r}, "exec"), vars(module))
"""
CONFIG = "[source]\ndatabase = 'mails.csv'\n[roles]\ndomain = ['address']\n[flags]\nbudget = 1\n"


@pytest.fixture(scope="module")
def done(tmp_path_factory):
    """What commands did with one row more, by name; every address is of a person of its own, one of another domain."""
    before = Path(MODULE.origin).read_text()
    assert before.count(NEXT) == 1
    toy = TOY.format(name=MODULE.name, text=before.replace(NEXT, ROW + NEXT), origin=MODULE.origin)
    address = [f"person{i}@{'home' if i % 2 else 'work'}.example" for i in range(400)]
    address[123] = "person123@elsewhere.example"
    frame = pl.DataFrame({"id": range(400), "address": address, "size": [i % 7 for i in range(400)]})
    commands = {
        "help": ["scan", "--help"],
        "scan": ["scan", "mails.csv", "--domain", "address", "--budget", "1", "--format", "json"],
        "fit": ["fit", "mails.toml"],
        "score": ["score", "mails.toml", "--format", "json"],
    }
    with chdir(tmp_path_factory.mktemp("mails")):
        frame.write_csv("mails.csv")
        Path("mails.toml").write_text(CONFIG)
        ends = run_apart(*commands.values(), before=toy)
    assert [end.err for end in ends if end.code] == []
    return dict(zip(commands, ends, strict=True))


def test_the_role_is_an_option(done):
    assert "Columns of mail addresses, compared" in " ".join(done["help"].out.split())


def test_its_columns_are_judged_by_what_it_holds(done):
    (flag,) = json.loads(done["scan"].out)
    assert flag["id"] == 123
    assert "elsewhere.example" in flag["reason"]
    assert "domain" in done["scan"].err


def test_the_configuration_lists_them(done):
    (flag,) = json.loads(done["score"].out)
    assert flag["id"] == 123
