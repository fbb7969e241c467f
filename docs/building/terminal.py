"""A terminal for the pages: commands run in this process and print as they would on a screen of 100 columns."""

import contextlib
import io
import os
import re
import runpy
import shlex
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import duckdb

from anomembed.cli import main

TOP = Path(__file__).parents[2]
WIDTH = 100
SCREEN = {
    "COLUMNS": str(WIDTH),
    "LINES": "50",
    "TERM": "xterm",
    "TTY_COMPATIBLE": "1",
    "TTY_INTERACTIVE": "0",
    "TZ": "UTC",
}
SETTINGS = ("STORE", "ALPHA", "BUDGET", "THRESHOLD")
HIDDEN = ("NO_COLOR", "FORCE_COLOR", "COLORTERM", *(f"ANOMEMBED_{name}" for name in SETTINGS))
NO_BAR = "\x1b[?25l\x1b[?25h\n"  # what a progress bar that never showed leaves behind
ESCAPES = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")
REDIRECTION = re.compile(r" (2?)> (\S+\.txt|/dev/null)")
SIMPLE = {"cat", "head", "ls", "wc"}


@dataclass(frozen=True)
class Printed:
    """What a command printed, standard output and error together, and how it ended.

    Parameters
    ----------
    styled : str
        As printed, with the escapes of a terminal.
    code : int
        Exit code.
    """

    styled: str
    code: int

    @property
    def text(self) -> str:
        """Without escapes and without spaces at the ends of lines."""
        return "\n".join(line.rstrip() for line in ESCAPES.sub("", self.styled).splitlines())


@contextlib.contextmanager
def on_screen(**files: Path) -> Iterator[io.StringIO]:
    """Let everything print into the yielded buffer as into a terminal of a fixed size.

    Parameters
    ----------
    **files
        Where standard output (``out``) and standard error (``err``) go instead.
    """
    before = dict(os.environ)
    for name in HIDDEN:
        os.environ.pop(name, None)
    os.environ.update(SCREEN)
    if "out" in files:
        os.environ["TTY_COMPATIBLE"] = "0"
    screen = io.StringIO()
    try:
        with contextlib.ExitStack() as stack:
            opened = {name: stack.enter_context(path.open("w", encoding="utf-8")) for name, path in files.items()}
            stack.enter_context(contextlib.redirect_stdout(opened.get("out", screen)))
            stack.enter_context(contextlib.redirect_stderr(opened.get("err", screen)))
            yield screen
    finally:
        os.environ.clear()
        os.environ.update(before)


def run(line: str) -> Printed:
    """Run one line of a shell in the current folder: simple commands, ``&&``, ``||``, ``>`` and ``2>``."""
    styled, code, is_wanted = "", 0, True
    for part in re.split(r" (&&|\|\|) ", line):
        if part in ("&&", "||"):
            is_wanted = (code == 0) == (part == "&&")
        elif is_wanted:
            printed = _run_simple(part)
            styled, code = styled + printed.styled, printed.code
    return Printed(styled, code)


def _run_simple(command: str) -> Printed:
    files = {"err" if found[1] else "out": Path(found[2]) for found in REDIRECTION.finditer(command)}
    name, *arguments = shlex.split(REDIRECTION.sub("", command), comments=True)
    if name == "anomembed":
        return _run_here(arguments, files)
    if name == "duckdb":
        *flags, database, query = arguments
        return Printed(query_text(Path(database), query, is_csv="-csv" in flags), 0)
    with on_screen(**files) as screen:
        if name == "python":
            runpy.run_path(str(TOP / arguments[0]), run_name="__main__")
        elif name in SIMPLE:
            screen.write(subprocess.run([name, *arguments], capture_output=True, text=True, check=True).stdout)
        else:
            raise ValueError(f"cannot run {command!r}: give the block a comment `<!-- not run: REASON -->`")
    return Printed(screen.getvalue(), 0)


def _run_here(arguments: list[str], files: dict[str, Path]) -> Printed:
    script = sys.modules["__main__"]
    given, package = sys.argv, script.__package__
    sys.argv, script.__package__ = ["anomembed", *arguments], None  # help names the program by these
    try:
        with on_screen(**files) as screen:
            try:
                main()
                code = 0
            except SystemExit as end:
                code = int(end.code or 0)
    finally:
        sys.argv, script.__package__ = given, package
    if code not in (0, 1):
        raise ValueError(f"anomembed {shlex.join(arguments)} ended with {code}: {screen.getvalue()}")
    return Printed(screen.getvalue().replace(NO_BAR, ""), code)


def query_text(database: Path, query: str, *, is_csv: bool = False) -> str:
    """Return the result of the last statement, as DuckDB's shell prints it."""
    with duckdb.connect(str(database), read_only=True) as connection, on_screen() as screen:
        *first, last = duckdb.extract_statements(query)
        for statement in first:
            connection.execute(statement)
        result = connection.sql(last.query)
        if is_csv:
            with tempfile.NamedTemporaryFile() as file:
                result.write_csv(file.name, header=True)
                screen.write(Path(file.name).read_text(encoding="utf-8"))
        else:
            result.show(max_width=WIDTH)
        return screen.getvalue().rstrip() + "\n"
