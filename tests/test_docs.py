"""What people read is true: commands that are shown parse, code that is shown runs, listed parameters exist."""

import importlib
import inspect
import os
import pkgutil
import re
import runpy
import shlex
from pathlib import Path

import pytest
from numpydoc.validate import validate
from typer.main import get_command

import anomembed
from anomembed.cli import app

TOP = Path(__file__).parents[1]
README = (TOP / "README.md").read_text(encoding="utf-8")
COMMANDS = get_command(app).commands
CONTRACT = [
    "key",
    "ignore",
    "category",
    "number",
    "text",
    "entity",
    "time",
    "fit-where",
    "where",
    "clean-reference",
    "mixed-reference",
    "alpha",
    "budget",
    "seed",
    "detector",
    "embedding",
    "store",
    "scores-to",
    "format",
    "quiet",
    "fail-on-flags",
]


def shown(text):
    """Commands as printed after a prompt, without those that only stand for a shell's other business."""
    lines = re.findall(r"^\$ (anomembed .*)$", text, re.MULTILINE)
    return [shlex.split(line, comments=True)[1:] for line in lines]


def parse(arguments):
    name, *rest = arguments
    return COMMANDS[name].make_context(name, rest)


def options(name):
    return {option for parameter in COMMANDS[name].params for option in (*parameter.opts, *parameter.secondary_opts)}


@pytest.mark.parametrize("name", COMMANDS)
def test_the_help_of_a_command_has_an_example_that_parses(name, run):
    outcome = run(name, "--help")
    assert outcome.code == 0
    (example,) = re.findall(r"Example: anomembed (.*)", COMMANDS[name].help)
    assert "Example: anomembed" in outcome.out
    parse(shlex.split(example))


@pytest.mark.parametrize("name", COMMANDS)
def test_every_option_says_what_it_does(name):
    assert not [parameter.name for parameter in COMMANDS[name].params if not getattr(parameter, "help", "x")]


@pytest.mark.parametrize("option", CONTRACT)
def test_the_options_of_scan_that_others_rely_on(option):
    assert f"--{option}" in options("scan")
    assert f"`--{option}" in README or f"/--{option}" in README


def test_the_readme_names_every_command_and_every_option():
    assert {name for name in COMMANDS if f"`anomembed {name}" not in README} == set()
    assert {option for option in options("scan") if option.startswith("--") and option not in README} <= {"--help"}


def test_the_readme_names_no_option_that_does_not_exist():
    known = set().union(*map(options, COMMANDS)) | {"--help", "--version"}
    assert set(re.findall(r"`(--[a-z-]+)", README)) <= known


def test_commands_that_the_readme_shows_parse():
    assert len(shown(README)) >= 5
    for arguments in shown(README):
        parse(arguments)


def test_start_is_two_commands():
    start = README.partition("## Start\n")[2].partition("\n## ")[0]
    assert len(re.findall(r"^\$ ", start, re.MULTILINE)) == 2


def test_python_that_the_readme_shows_runs():
    namespace = {}
    blocks = re.findall(r"^```python\n(.*?)^```", README, re.MULTILINE | re.DOTALL)
    assert blocks
    for block in blocks:
        exec(compile(block, "README.md", "exec"), namespace)


def test_macros_and_tables_that_the_readme_shows_exist():
    store = "".join(path.read_text() for path in (TOP / "anomembed/write").rglob("*.sql"))
    for statement in re.findall(r"^FROM (\w+)", README, re.MULTILINE):
        assert re.search(rf'(TABLE|EXISTS) {statement} \(|MACRO "?{statement}"?\(', store)


def test_files_that_the_readme_names_exist():
    names = re.findall(r"`((?:examples|configs|tests|anomembed|\.ci)/[\w./-]+)`", README)
    assert not [name for name in names if not (TOP / name).exists()]


def test_nothing_in_the_readme_waits_to_be_filled_in():
    assert not re.findall(r"@@\w+@@|TODO|FIXME|XXX", README)


def test_the_changelog_has_this_version_or_what_is_not_released():
    changelog = (TOP / "CHANGELOG.md").read_text(encoding="utf-8")
    assert re.search(rf"^## \[(Unreleased|{re.escape(anomembed.__version__)})\]", changelog, re.MULTILINE)


def public():
    """Dotted names of the public functions, classes and methods, where they are defined."""
    for found in pkgutil.walk_packages(anomembed.__path__, "anomembed."):
        if found.name == "anomembed.__main__":
            continue
        module = importlib.import_module(found.name)
        for name, thing in vars(module).items():
            if not name.startswith("_") and getattr(thing, "__module__", None) == found.name and callable(thing):
                yield f"{found.name}.{name}"
                methods = vars(thing).items() if inspect.isclass(thing) else ()
                yield from (f"{found.name}.{name}.{m}" for m, f in methods if inspect.isfunction(f) and m[0] != "_")


CHECKS = {
    "GL08",  # there is no docstring
    "PR02",  # a parameter is documented that does not exist
    "PR03",  # parameters are in another order
    "SS03",  # the summary ends without a full stop
}
# A docstring of one paragraph names its parameters in its sentence; one with sections lists them all.
IF_SECTIONED = {"PR01"}
LONG = re.compile(r"^\s*Parameters\n\s*-+$", re.MULTILINE)
# Commands are documented for those who read --help; settings have their docstring below each of them, and an alias
# such as `Share` is no function.
EXEMPT = re.compile(r"^anomembed\.cli\.(\w+)\.(?:\1|main)$|^anomembed\.config\.\w+Config$|^anomembed\.cli\.options\.")


def test_docstrings_list_the_parameters_that_there_are():
    wrong = []
    for name in public():
        if EXEMPT.match(name):
            continue
        found = validate(name)
        checks = CHECKS | (IF_SECTIONED if LONG.search(found["docstring"]) else set())
        # The name of a view is a constant, a field only for the sake of the interface.
        found = [(code, text) for code, text in found["errors"] if "{'name'} not documented" not in text]
        wrong += [f"{name}: {code} {text}" for code, text in found if code in checks]
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize("path", sorted((TOP / "examples").glob("*.py")), ids=lambda path: path.stem)
def test_examples_run(path):
    os.environ.pop("ANOMEMBED_STORE", None)
    runpy.run_path(str(path), run_name="__main__")
