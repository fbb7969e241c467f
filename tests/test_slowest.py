"""Which tests are left out of the quick part of the suite."""

import ast

from conftest import SLOW, TOP
from slowest import find_slow

DURATIONS = """
[gw0] [ 10%] PASSED tests/test_a.py::test_long
[gw0] [ 20%] PASSED tests/test_a.py::test_many[1-a b]
[gw1] [ 30%] PASSED tests/test_a.py::test_many[2]
[gw1] [ 40%] PASSED tests/test_a.py::test_many[3]
[gw0] [ 50%] PASSED tests/test_b.py::test_set_up
9.00s call     tests/test_a.py::test_long
2.00s call     tests/test_a.py::test_many[1-a b]
2.00s call     tests/test_a.py::test_many[2]
1.00s setup    tests/test_b.py::test_set_up
3.00s call     tests/test_b.py::test_set_up
0.50s teardown tests/test_b.py::test_set_up
"""


def test_those_that_take_longest_each_are_slow_until_a_third_of_the_time_is_left():
    assert find_slow(DURATIONS) == ["tests/test_a.py::test_long", "tests/test_b.py::test_set_up"]


def test_all_that_are_listed_exist():
    names = {
        f"{path.relative_to(TOP)}::{node.name}"
        for path in sorted((TOP / "tests").glob("test_*.py"))
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.FunctionDef) and node.name.startswith("test_")
    }
    assert names >= SLOW
