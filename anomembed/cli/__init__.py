"""The command line: one file per command; each parses, calls one function of the library, and prints.

Data go to standard output, everything else to standard error. Exit codes: 0 done, 1 flags found and ``--fail-on-flags``
given, 2 the user must change something, 3 try again later, 70 a bug of ours.
"""

import os
import signal
import sys
import tempfile
import traceback
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib.machinery import ExtensionFileLoader
from pathlib import Path
from types import FrameType
from typing import Annotated, Any, NoReturn

import typer
from typer.core import TyperGroup

from anomembed import __version__
from anomembed.cli.demo import demo
from anomembed.cli.evaluate import evaluate
from anomembed.cli.export import export
from anomembed.cli.findings import acknowledge, findings, silence, unsilence
from anomembed.cli.fit import fit
from anomembed.cli.init import init
from anomembed.cli.models import app as models
from anomembed.cli.monitor import monitor
from anomembed.cli.scan import scan
from anomembed.cli.score import score
from anomembed.errors import AnomembedError, ConfigError, is_text

INTERRUPTED, TERMINATED = 130, 143  # what shells report after Ctrl-C or `kill`
BUG = 70
MOST_SHOWN = 100  # characters of an error that is a bug


class _Interrupted(Exception):  # noqa: N818  # ends the program, but is no error
    """The user pressed Ctrl-C."""


class _ReaderGone(Exception):  # noqa: N818
    """Nobody reads our output any more."""


@contextmanager
def _own_ends() -> Iterator[None]:
    try:
        yield
    except KeyboardInterrupt as error:
        raise _Interrupted from error
    except BrokenPipeError as error:
        raise _ReaderGone from error
    except RuntimeError as error:
        if "Query interrupted" in str(error):  # by DuckDB, while it holds the processor
            raise _Interrupted from error
        raise


class _Commands(TyperGroup):
    """All commands; Typer would end both cases below with exit codes of its own: 1, which says that there are flags."""

    def make_context(self, *arguments: Any, **settings: Any) -> Any:  # noqa: ANN401  # a context of Typer's own Click
        """Read the options; help is printed here."""
        with _own_ends():
            return super().make_context(*arguments, **settings)

    def invoke(self, ctx: Any) -> Any:  # noqa: ANN401
        """Run the command."""
        with _own_ends():
            return super().invoke(ctx)


app = typer.Typer(
    name="anomembed",
    cls=_Commands,
    help="Find the records that do not fit, and say why.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,  # plain help: importing rich takes longer than all else
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.command()(demo)
app.command()(scan)
app.command()(init)
app.command()(fit)
app.command()(score)
app.command()(monitor)
app.command()(findings)
app.command()(silence)
app.command()(unsilence)
app.command()(acknowledge)
app.add_typer(models)
app.command()(export)
app.command()(evaluate)


def _show_version(is_wanted: bool) -> None:
    if is_wanted:
        typer.echo(f"anomembed {__version__}")
        raise typer.Exit


@app.callback()
def _options(
    version: Annotated[  # read by its callback
        bool, typer.Option("--version", callback=_show_version, is_eager=True, help="Show the version and exit.")
    ] = False,
) -> None:
    """Find the records that do not fit, and say why.

    Start with `anomembed demo`, or with `anomembed scan DATABASE TABLE` on a table of yours.
    """


def main() -> None:
    """Run the command line; only here do errors become a sentence and an exit code."""
    signal.signal(signal.SIGINT, _interrupt)
    signal.signal(signal.SIGTERM, _terminate)
    try:
        _check_arguments(sys.argv[1:])
        _run()
    except AnomembedError as error:
        _say(f"anomembed: {error}")
        sys.exit(error.exit_code)
    except (_Interrupted, KeyboardInterrupt):
        _exit_as_signalled()
    except (_ReaderGone, BrokenPipeError):  # the reader of our output has exited, as `head` does: no error
        _discard_output()
        sys.exit(0)
    except OSError as error:
        _say(f"anomembed: {error.strerror or error}{f': {error.filename}' if error.filename else ''}")
        _flush_or_discard()
        sys.exit(2)
    except SystemExit:
        raise
    except BaseException as error:  # a panic of a library written in Rust is no Exception
        if signal.getsignal(signal.SIGINT) is not _interrupt or signal.getsignal(signal.SIGTERM) is not _terminate:
            _exit_as_signalled()  # a library turned what a signal raised into another exception
        _say(f"anomembed: this is a bug ({_brief(error)}); please report it with {_keep_traceback()}")
        sys.exit(BUG)


def _run() -> None:
    """Run the command; what cannot be printed is an error now, not one that Python reports after the exit."""
    if sys.stdout is None:  # closed by the shell: `>&-`
        sys.stdout = Path(os.devnull).open("w", encoding="utf-8")  # noqa: SIM115
    try:
        app()
    except SystemExit:
        sys.stdout.flush()
        raise


def _check_arguments(arguments: Sequence[str]) -> None:
    wrong = next((argument for argument in arguments if not is_text(argument)), None)
    if wrong is not None:
        raise ConfigError(f"the argument {wrong!a} is not UTF-8 text; rename the file or type it again")


def _brief(error: BaseException) -> str:
    """Return the kind of an error and the first line of its text, without what a terminal would obey."""
    line = next(iter(str(error).splitlines()), "")[:MOST_SHOWN]
    return f"{type(error).__name__}: {line!r}" if line else type(error).__name__


def _keep_traceback() -> str:
    """Write the traceback of the current error to a file, and return its path; print it where none can be written."""
    try:
        with tempfile.NamedTemporaryFile("w", prefix="anomembed-bug-", suffix=".txt", delete=False) as file:
            file.write(traceback.format_exc())
    except OSError:
        traceback.print_exc()
        return "the lines above"
    return file.name


def _flush_or_discard() -> None:
    try:
        sys.stdout.flush()
    except OSError:  # the output itself takes nothing
        _discard_output()


def _discard_output() -> None:
    """Keep Python from writing what is left to a standard output that takes nothing."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _interrupt(_: int, frame: FrameType | None) -> NoReturn:
    """Raise what Python raises for Ctrl-C, and leave a trace of it."""
    signal.signal(signal.SIGINT, signal.default_int_handler)
    if _is_loading(frame):
        _say("anomembed: interrupted")
        os._exit(INTERRUPTED)
    raise KeyboardInterrupt


def _is_loading(frame: FrameType | None) -> bool:
    """Tell whether a compiled library is being loaded: written in C++, it may abort when its start raises anything."""
    while frame is not None:
        if isinstance(frame.f_locals.get("self"), ExtensionFileLoader):
            return True
        frame = frame.f_back
    return False


def _exit_as_signalled() -> NoReturn:
    """Exit after a signal; DuckDB says "interrupted" of any, also of one that has said "terminated" itself."""
    if signal.getsignal(signal.SIGTERM) is not _terminate:
        sys.exit(TERMINATED)
    _say("anomembed: interrupted")
    exec("")  # noqa: S102  # or Python dies of the signal, where it came while a library ran code from text
    sys.exit(INTERRUPTED)


def _terminate(_: int, frame: FrameType | None) -> NoReturn:
    """Exit as after an error, so that an empty new store is removed; a second signal ends at once."""
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    _say("anomembed: terminated")
    if _is_loading(frame):
        os._exit(TERMINATED)
    sys.exit(TERMINATED)


def _say(text: str) -> None:
    sys.stderr.write(text + "\n")
