"""Large files in constant memory: `big_files` writes them, scans them and measures."""

import gzip
import os
import sys
from pathlib import Path

import pytest
from big_files import BOMBS, main_loop


@pytest.mark.parametrize("name", ["quote.csv.gz", "text.ndjson.gz"])
def test_what_does_not_end_is_one_sentence(run, name):
    head, again = BOMBS[name]
    with gzip.open(name, "wb") as file:
        file.write(head + again * (40_000_000 // len(again)))
    outcome = run("scan", name)
    assert outcome.code == 2
    assert outcome.err.count("\n") == 1
    assert f"{name} has a{'n object' if 'json' in name else ' line'} of more than" in outcome.err
    assert len(outcome.err) < 200
    assert [path.name for path in Path().iterdir()] == [name]


@pytest.mark.drill
def test_memory_does_not_grow_with_the_file(monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["big_files", "--gigabytes", os.environ.get("GIGABYTES", "1")])
    assert main_loop() == 0, capsys.readouterr().out
