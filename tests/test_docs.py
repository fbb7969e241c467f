"""What people read is true: what pages show is what the code does now, and parameters that are listed exist."""

import html
import importlib
import inspect
import json
import os
import pkgutil
import re
import runpy
import shlex
import sys
from pathlib import Path

import pytest
from numpydoc.validate import validate
from pages import check_page, has_browser
from planted import check_reasons_name_what_was_planted
from typer.main import get_command

import anomembed
from anomembed.cli.commands import app

TOP = Path(__file__).parents[1]
sys.path.append(str(TOP / "docs"))

from building.pages import COMMENT, PICTURE, blocks, page_paths, render, written  # noqa: E402
from building.picture import text_of  # noqa: E402
from building.reference import SCHEMA, schema  # noqa: E402
from generate import write_demo  # noqa: E402

PAGES = {str(path.relative_to(TOP)): path.read_text(encoding="utf-8") for path in page_paths()}
README, ALL = PAGES["README.md"], "\n".join(PAGES.values())
GROUPS = ("models",)
COMMANDS = get_command(app).commands
COMMANDS = {
    **{name: command for name, command in COMMANDS.items() if name not in GROUPS},
    **{f"{group} {name}": command for group in GROUPS for name, command in COMMANDS[group].commands.items()},
}
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


@pytest.fixture(scope="session")
def demo(tmp_path_factory):
    return write_demo(tmp_path_factory.mktemp("demo"))


def check_report(request):
    if has_browser():
        check_page(request.getfixturevalue("browser"), Path("payments.html").resolve(), 25)


AFTER = {  # what the commands of a page have left is looked at, too: to scan the demo again would take half a minute
    "docs/tutorial.md": lambda _: check_reasons_name_what_was_planted(Path("anomembed-demo")),
    "docs/guide-investigate.md": check_report,
}


LAST_DIGITS = re.compile(r"(\.\d{12})\d{3,}")  # of a score: another processor adds in another order


@pytest.mark.parametrize("page", PAGES)
def test_a_page_shows_what_its_commands_and_code_print(page, demo, request):
    for path, text in render(TOP / page, demo).items():
        kept = path.read_text(encoding="utf-8")
        if path.suffix == ".svg":  # how its parts are arranged is Rich's business
            text, kept = text_of(text), text_of(kept)
        text, kept = LAST_DIGITS.sub(r"\1", text), LAST_DIGITS.sub(r"\1", kept)
        assert kept == text, f"{path.relative_to(TOP)} is out of date: run `python docs/generate.py {page}`"
    if page in AFTER:
        AFTER[page](request)


PAGE = """
```console
$ anomembed --version
anomembed 0.0.0
$ python examples/server_log.py
```

```python
print(1 + 1)
```

```text
3
```
"""


def rendered(text, demo):
    Path("page.md").write_text(text, encoding="utf-8")
    return render(Path("page.md"), demo)[Path("page.md")]


def test_what_a_page_shows_wrongly_is_put_right(demo):
    right = rendered(PAGE, demo)
    assert f"$ anomembed --version\nanomembed {anomembed.__version__}\n$ python" in right
    assert "server_log.py\nwrote server.log: 5,000 lines\n```" in right
    assert "```text\n2\n```" in right


@pytest.mark.parametrize(
    "block",
    ["```console\n$ pip install x\n```\n", "```\n$ anomembed demo\n```\n", "```ini\na = 1\n```\n"],
    ids=["unknown program", "no language", "unknown language"],
)
def test_a_block_that_cannot_run_must_say_why(block, demo):
    with pytest.raises(ValueError, match="not run"):
        rendered(block, demo)
    Path("anomembed-demo/demo.duckdb").unlink()
    Path("anomembed-demo").rmdir()
    assert block in rendered(f"<!-- not run: it is a test -->\n{block}", demo)


@pytest.mark.parametrize(
    "block",
    [
        "```console\n$ anomembed scan nothing.duckdb\n```\n",
        "```python\nassert False\n```\n",
        "```toml\nbudget = 3\n```\n",
        "```sql\nFROM nothing\n```\n",
        "<!-- show: nothing -->\n```console\n$ anomembed --version\n```\n",
    ],
    ids=["console", "python", "toml", "sql", "show"],
)
def test_a_block_that_fails_fails_the_page(block, demo):
    with pytest.raises(Exception, match=r"ended with 2|^$|assert|unknown setting|nothing|does not exist"):
        rendered(block, demo)


def test_hardly_anything_is_shown_without_being_run():
    comments = [comment for block in blocks(ALL) for comment in COMMENT.finditer(block["comments"])]
    assert len([comment for comment in comments if comment["name"] == "not run"]) <= 3
    assert len([comment for comment in comments if comment["name"] == "varies"]) <= 1
    assert {comment["name"] for comment in comments} <= {"not run", "varies", "show", "file", "store"}


def test_pictures_are_of_what_the_page_names():
    assert PICTURE.findall(README)
    for name, command in PICTURE.findall(README):
        for shade in ("light", "dark"):
            assert f"docs/images/{name}-{shade}.svg" in README
            svg = (TOP / f"docs/images/{name}-{shade}.svg").read_text(encoding="utf-8")
            assert text_of(svg).startswith(f"anomembed $ {command}")
            assert "http" not in re.sub(r"http://www.w3.org/2000/svg|https://www.textualize.io", "", svg)


def options(name):
    return {option for parameter in COMMANDS[name].params for option in (*parameter.opts, *parameter.secondary_opts)}


@pytest.mark.parametrize("name", COMMANDS)
def test_the_help_of_a_command_has_an_example_that_parses(name, run):
    outcome = run(*name.split(), "--help")
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


def test_the_guides_explain_every_command_and_every_option():
    prose = written(ALL)
    assert {name for name in COMMANDS if f"`anomembed {name}" not in prose} == set()
    known = set().union(*map(options, COMMANDS)) - {"--help"}
    assert {option for option in known if option.startswith("--") and f"`{option}" not in prose} == set()


def test_pages_name_no_option_that_does_not_exist():
    known = set().union(*map(options, COMMANDS)) | {"--help", "--version"}
    assert set(re.findall(r"`(--[a-z-]+)", ALL)) <= known


def parse(arguments):
    n_words = 2 if arguments[0] in GROUPS else 1
    name, rest = " ".join(arguments[:n_words]), list(arguments[n_words:])
    # The first context of a command decides for all of them how its help is asked for.
    return COMMANDS[name].make_context(name, rest, help_option_names=["-h", "--help"])


def shown_commands():
    """Commands in blocks, those that are not run, too; without what only stands for a shell's other business."""
    names = "|".join(COMMANDS)
    for block in blocks(written(ALL)):
        for line in re.findall(rf"\banomembed ((?:{names}) .*)", block["code"].replace("\\\n", " ")):
            if block["language"] != "text":
                yield re.split(r" (?:&&|\|\||2?> (?=\S+\.txt))", line)[0]


def test_commands_that_are_shown_parse():
    assert len(list(shown_commands())) >= 20
    for command in shown_commands():
        parse(shlex.split(command, comments=True))


def test_start_is_two_commands():
    start = README.partition("## Start\n")[2].partition("\n## ")[0]
    assert len(re.findall(r"^\$ ", start, re.MULTILINE)) == 2


def test_the_readme_is_one_page():
    assert len(README.split()) <= 1000


def anchors(text):
    """The anchors that GitHub gives to the headings of a page."""
    heads = re.findall(r"^#+ (.*)$", re.sub(r"^```.*?^```", "", text, flags=re.MULTILINE | re.DOTALL), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", head.lower()).replace(" ", "-") for head in heads}


@pytest.mark.parametrize("page", [*PAGES, "llms.txt"])
def test_links_lead_somewhere(page):
    text = (TOP / page).read_text(encoding="utf-8")
    for target in re.findall(r"\]\(([^)\s]+)\)|(?:src|srcset)=\"([^\"]+)\"", text):
        name, _, anchor = html.unescape("".join(target)).partition("#")
        if name.startswith("http"):
            continue
        path = (TOP / page).parent / name if name else TOP / page
        assert path.exists(), target
        assert not anchor or anchor in anchors(path.read_text(encoding="utf-8")), target


def test_every_page_is_in_the_readme_and_in_llms_txt():
    listed = (TOP / "llms.txt").read_text(encoding="utf-8")
    for page in PAGES:
        assert f"({page})" in listed
        assert page == "README.md" or f"({page}" in README


def test_macros_and_tables_that_pages_show_exist():
    store = "".join(path.read_text() for path in sorted((TOP / "anomembed/write").rglob("*.sql")))
    for statement in re.findall(r"^FROM (\w+)|FROM (why|similar|expected)\(", ALL, re.MULTILINE):
        name = "".join(statement)
        assert re.search(rf'TABLE (?:IF NOT EXISTS )?{name} \(|VIEW {name} AS|MACRO "?{name}"?\(', store), name


def test_files_that_pages_name_exist():
    names = re.findall(r"`((?:examples|configs|tests|anomembed|docs|\.ci)/[\w./-]+)`", ALL)
    assert not [name for name in names if not (TOP / name).exists()]


def test_parts_of_the_code_that_the_architecture_names_exist():
    text = PAGES["docs/architecture.md"]
    folders = "read|represent|views|score|fit|explain|write|monitor|evaluate|cli|config"
    names = re.findall(rf"[`\s]((?:{folders})/[\w./]*|\w+\.py)\b", text)
    assert len(names) > 30
    assert not [name for name in names if not (TOP / "anomembed" / name).exists()]
    code = "\n".join(path.read_text() for path in (TOP / "anomembed").rglob("*.py"))
    for name in re.findall(r"`([a-z]+_[a-z_]+|[A-Z]\w+)`", text):
        assert re.search(rf"\b{name}\b", code), name


def test_the_views_that_are_explained_are_those_that_there_are():
    views = importlib.import_module("anomembed.views")
    rows = re.findall(r"^\| `(\w+)` \|", PAGES["docs/architecture.md"], re.MULTILINE)
    assert len(rows) == len(views.RECORD_VIEWS) + len(views.SEQUENCE_VIEWS)
    assert sorted(re.findall(r"^\| `(\w+)` \|", PAGES["docs/how-it-works.md"], re.MULTILINE)) == sorted(rows)


def test_the_schema_for_editors_is_up_to_date():
    assert SCHEMA.read_text(encoding="utf-8") == schema(), "run `python docs/generate.py`"
    properties = json.loads(schema())["properties"]
    assert set(properties) == set(anomembed.Config.model_fields)


def test_the_commands_for_newcomers_are_targets_of_make():
    targets = re.findall(r"^(\w+):", (TOP / "Makefile").read_text(encoding="utf-8"), re.MULTILINE)
    named = re.findall(r"`make (\w+)`", PAGES["CONTRIBUTING.md"])
    assert len(set(named)) == 5
    assert set(named) <= set(targets)


def test_nothing_waits_to_be_filled_in():
    assert not re.findall(r"@@\w+@@|TODO|FIXME|XXX", ALL)


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
