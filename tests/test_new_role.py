"""A role is one row in `Role`: a toy role does all that the others do, from the option to the flag."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import polars as pl
import pytest

import anomembed

ROW = """    DOMAIN = (
        "domain",
        "Columns of mail addresses, compared by what stands after the @.",
        Content.VALUE,
        lambda column: f"split_part({column.expression}, '@', 2)",
    )
"""
NEXT = '    NUMBER = "number", '


@pytest.fixture(scope="module")
def package(tmp_path_factory):
    """A copy of the package with one row more."""
    folder = tmp_path_factory.mktemp("package")
    shutil.copytree(Path(anomembed.__file__).parent, folder / "anomembed")
    rows = folder / "anomembed" / "read" / "roles" / "role.py"
    before = rows.read_text()
    assert before.count(NEXT) == 1
    rows.write_text(before.replace(NEXT, ROW + NEXT))
    return folder


@pytest.fixture
def run(package, tmp_path):
    def run(*arguments):
        command = [sys.executable, "-m", "anomembed", *map(str, arguments)]
        environment = os.environ | {"PYTHONPATH": str(package)}
        done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=120)
        assert done.returncode == 0, done.stderr
        return done

    return run


@pytest.fixture
def mails(tmp_path):
    """Every address is of a person of its own; one is of another domain."""
    address = [f"person{i}@{'home' if i % 2 else 'work'}.example" for i in range(400)]
    address[123] = "person123@elsewhere.example"
    frame = pl.DataFrame({"id": range(400), "address": address, "size": [i % 7 for i in range(400)]})
    frame.write_csv(tmp_path / "mails.csv")
    return "mails.csv"


def test_the_role_is_an_option(run):
    assert "Columns of mail addresses, compared" in " ".join(run("scan", "--help").stdout.split())


def test_its_columns_are_judged_by_what_it_holds(run, mails):
    done = run("scan", mails, "--domain", "address", "--budget", "1", "--format", "json")
    (flag,) = json.loads(done.stdout)
    assert flag["id"] == 123
    assert "elsewhere.example" in flag["reason"]
    assert "domain" in done.stderr


def test_the_configuration_lists_them(run, mails, tmp_path):
    config = "[source]\ndatabase = 'mails.csv'\n[roles]\ndomain = ['address']\n[flags]\nbudget = 1\n"
    (tmp_path / "mails.toml").write_text(config)
    run("fit", "mails.toml")
    (flag,) = json.loads(run("score", "mails.toml", "--format", "json").stdout)
    assert flag["id"] == 123
