"""A store from somebody else: whatever is in it, scoring ends in words; it never crashes or fills the memory."""

import json
import subprocess
import sys
from functools import cache
from pathlib import Path

import duckdb
import pytest

from anomembed.cli.running import fit_table
from anomembed.config import load_config

MUTANTS = Path(__file__).with_name("mutants.py")
DETECTORS = ("nearest", "IForest", "KNN", "OCSVM")
LARGEST = 1024  # MiB
SQL = (
    "CREATE TABLE t AS SELECT i AS id, 'c' || i % 7 AS customer, TIMESTAMP '2024-01-01' + INTERVAL (i * 61) MINUTE "
    "AS at, 'p' || i % 5 AS pet, ['meow', 'woof', 'moo'][i * 7 % 5 % 3 + 1] AS says, sin(i) * 9 AS size, "
    "'user ' || i % 9 || ' logged in from 10.0.0.' || i % 50 AS message FROM range(200) r(i)"
)


@pytest.fixture(scope="module")
def stores(tmp_path_factory):
    """Fit a store with a detector; returns its path and that of its configuration."""
    folder = tmp_path_factory.mktemp("stores")
    with duckdb.connect(str(folder / "t.duckdb")) as connection:
        connection.execute(SQL)

    @cache
    def fitted(name):
        toml = folder / f"{name}.toml"
        toml.write_text(
            f'[source]\ndatabase = "t.duckdb"\n[roles]\nentity = ["customer"]\ntimestamp = ["at"]\ntext = ["message"]\n'
            f'[detector]\nname = "{name}"\n[store]\npath = "{name}.duckdb"\n'
        )
        fit_table(load_config(toml), quiet=True)
        return folder / f"{name}.duckdb", toml

    return fitted


def score_mutants(*asked):
    """Score by mutants of stores: each with its configuration, the first seed, and their number."""
    command = [sys.executable, MUTANTS, *(str(part) for each in asked for part in each)]
    found = subprocess.run(command, check=True, capture_output=True, text=True)
    outcomes = [json.loads(line) for line in found.stdout.splitlines()]
    assert len(outcomes) == sum(count for *_, count in asked)
    return [told for told in outcomes if told["code"] not in (0, 2) or told["mib"] > LARGEST]


def test_no_mutant_crashes(stores):
    """Of anything in a store, and of the trees of a forest, which take seconds to load."""
    assert score_mutants((*stores("nearest"), 1, 4), (*stores("IForest"), 3, 2)) == []


@pytest.mark.drill
@pytest.mark.parametrize("detector", DETECTORS)
def test_no_mutant_of_hundreds_crashes(stores, detector):
    assert score_mutants((*stores(detector), 1000, 120)) == []
