"""Odd tables through the real command line; `odd_tables` draws them, and says what they must not break."""

import os
import sys

import pytest
from odd_tables import main_loop, problems_of

AT_ONCE = 12


@pytest.mark.parametrize("first", range(0, 48, AT_ONCE))
def test_no_odd_table_breaks_a_promise(first):
    assert [problem for seed in range(first, first + AT_ONCE) for problem in problems_of(seed)] == []


@pytest.mark.drill
def test_no_odd_table_of_a_long_drill_breaks_a_promise(monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["odd_tables", "--tables", os.environ.get("TABLES", "2000"), "--seed", "48"])
    assert main_loop() == 0, capsys.readouterr().out
