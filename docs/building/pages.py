"""Pages that are true: every block of code is run, and what follows it is replaced by what it printed.

A comment above a block says what cannot be seen in it:

``<!-- not run: REASON -->``      it is shown only
``<!-- varies: REASON -->``       it is run, and what the page shows of its output is left alone
``<!-- show: scored rank -->``    of the output, what begins with these words; ``...`` takes the place of the rest
``<!-- file: NAME -->``           the block is also written to this file, for the commands below it
``<!-- store: FILE -->``          the database of this and of the following blocks of SQL

``<!-- picture: NAME COMMAND -->`` runs a command for ``docs/images/NAME-light.svg`` and ``-dark.svg``. What is between
``<!-- generated: NAME -->`` and ``<!-- end: NAME -->`` comes from `building.reference`.
"""

import contextlib
import io
import re
import shutil
import tomllib
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from anomembed.config import make_config
from building.picture import draw
from building.reference import SECTIONS
from building.terminal import TOP, query_text, run

BLOCK = re.compile(
    r"(?P<comments>(?:^<!-- (?:(?!-->).)* -->\n+)*)^```(?P<language>\w*)\n(?P<code>.*?)^```\n"
    r"(?P<result>\n+```text\n(?P<shown>.*?)^```\n)?",
    re.MULTILINE | re.DOTALL,
)
COMMENT = re.compile(r"^<!-- (?P<name>[\w ]+): (?P<value>.*?) -->", re.MULTILINE | re.DOTALL)
REGION = re.compile(r"(<!-- generated: (\w+) -->\n).*?(<!-- end: \2 -->)", re.DOTALL)
PICTURE = re.compile(r"<!-- picture: (\w+) (.*?) -->")
SHOWN_ONLY = {"text", "mermaid"}


@dataclass
class Page:
    """A page that is being rendered in the current folder.

    Parameters
    ----------
    demo : Path
        A database with the tables of the demo, copied to ``anomembed-demo/demo.duckdb``.
    store : Path
        The database of blocks of SQL.
    names : dict
        Global names of blocks of Python.
    """

    demo: Path
    store: Path = Path("anomembed.duckdb")
    names: dict[str, Any] = field(default_factory=dict)

    def block(self, found: re.Match[str]) -> str:
        """Return a block with its output as it is now."""
        language, code = found["language"], found["code"]
        comments = {comment["name"]: comment["value"] for comment in COMMENT.finditer(found["comments"])}
        if "not run" in comments or language in SHOWN_ONLY:
            return found[0]
        if "file" in comments:
            Path(comments["file"]).write_text(code, encoding="utf-8")
        self.store = Path(comments.get("store", self.store))
        if not hasattr(self, f"_{language}"):
            raise ValueError(
                f"a block of {language or 'no language'} cannot be run: say why in `<!-- not run: ... -->`"
            )
        new_code, printed = getattr(self, f"_{language}")(code, comments)
        if "varies" in comments:
            return found[0]
        result = f"\n```text\n{_selected(printed, comments.get('show'))}\n```\n" if found["result"] else ""
        return f"{found['comments']}```{language}\n{new_code}```\n{result}"

    def _console(self, code: str, comments: dict[str, str]) -> tuple[str, str]:
        lines, code_before, heads = [], 0, set[str]()
        for line in re.findall(r"^\$ (.*(?:(?<=\\)\n.*)*)", code, re.MULTILINE):
            command = line.replace("\\\n", " ")
            if command == "echo $?":
                lines += [f"$ {line}", str(code_before)]
                continue
            if command.startswith("anomembed demo"):
                shutil.rmtree("anomembed-demo", ignore_errors=True)
            printed = run(command)
            code_before, heads = printed.code, heads | _heads(printed.text)
            lines += [f"$ {line}", *_selected(printed.text, comments.get("show")).splitlines()]
        if missing := set(comments.get("show", "").split()) - heads:
            raise ValueError(f"no line printed begins with {', '.join(sorted(missing))}, which a page shows: {code}")
        return "\n".join(lines) + "\n", ""

    def _python(self, code: str, _: dict[str, str]) -> tuple[str, str]:
        with contextlib.redirect_stdout(io.StringIO()) as printed:
            exec(compile(code, "page", "exec"), self.names)
        return code, printed.getvalue().rstrip()

    def _sql(self, code: str, _: dict[str, str]) -> tuple[str, str]:
        return code, query_text(self.store, code).rstrip()

    def _csv(self, code: str, _: dict[str, str]) -> tuple[str, str]:
        return code, ""

    def _toml(self, code: str, _: dict[str, str]) -> tuple[str, str]:
        make_config(tomllib.loads(code))
        return code, ""


def _heads(text: str) -> set[str]:
    return {line.partition(" ")[0] for line in text.splitlines()}


def _selected(text: str, wanted: str | None) -> str:
    """Keep the lines that begin with one of the wanted words, and those indented below them; dots stand for others."""
    kept: list[str] = []
    words, is_wanted = set((wanted or "").split()), False
    if not words & _heads(text):
        return text
    for line in text.splitlines():
        is_wanted = line.partition(" ")[0] in words if line[:1].strip() else is_wanted and line != ""
        if is_wanted:
            kept.append(line)
        elif kept[-1:] != ["..."]:
            kept.append("...")
    return "\n".join(kept)


def render(path: Path, demo: Path) -> dict[Path, str]:
    """Return a page as it should be, and its pictures, by path; commands run in the current folder, which is empty."""
    page = Page(demo)
    Path("anomembed-demo").mkdir()
    shutil.copy(demo, "anomembed-demo/demo.duckdb")
    text = BLOCK.sub(page.block, REGION.sub(_region, path.read_text(encoding="utf-8")))
    pictures: dict[str, str] = {}
    for name, command in PICTURE.findall(text):
        Path("anomembed.duckdb").unlink(missing_ok=True)  # a picture is of the first run
        pictures |= draw(name, command, run(command).styled)
    return {path: text} | {TOP / "docs/images" / name: svg for name, svg in pictures.items()}


def _region(found: re.Match[str]) -> str:
    generated = SECTIONS[found[2]]()
    return found[0] if generated is None else f"{found[1]}\n{generated.strip()}\n\n{found[3]}"


def blocks(text: str) -> list[re.Match[str]]:
    """Return the blocks of code of a page, with the groups of `BLOCK`."""
    return list(BLOCK.finditer(text))


def written(text: str) -> str:
    """Return what a person wrote of a page: all but what is generated."""
    return REGION.sub("", text)


def page_paths() -> list[Path]:
    """Return all pages."""
    return [TOP / "README.md", TOP / "CONTRIBUTING.md", TOP / "SKILL.md", *sorted((TOP / "docs").glob("*.md"))]
