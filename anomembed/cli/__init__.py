"""The command line: one file per command; each parses, calls one function of the library, and prints.

Data go to standard output, everything else to standard error. Exit codes: 0 done, 1 flags found and ``--fail-on-flags``
given, 2 the user must change something, 3 try again later, 70 a bug of ours.

What most runs of cron are for, to find nothing new, is tried first by `quick`: Typer and the settings take as long to
import as that takes.
"""

import os
import signal
import sys
import tempfile
import traceback
from collections.abc import Sequence
from importlib.machinery import ExtensionFileLoader
from pathlib import Path
from types import FrameType
from typing import NoReturn

from anomembed.cli.ends import Interrupted, ReaderGone, own_ends
from anomembed.errors import AnomembedError, ConfigError, is_text, plain_text

INTERRUPTED, TERMINATED = 130, 143  # what shells report after Ctrl-C or `kill`
BUG = 70
MOST_SHOWN = 100  # characters of an error that is a bug


def main() -> None:
    """Run the command line; only here do errors become a sentence and an exit code."""
    signal.signal(signal.SIGINT, _interrupt)
    signal.signal(signal.SIGTERM, _terminate)
    try:
        _check_arguments(sys.argv[1:])
        _run(sys.argv[1:])
    except AnomembedError as error:
        _say(f"anomembed: {error}")
        sys.exit(error.exit_code)
    except (Interrupted, KeyboardInterrupt):
        _exit_as_signalled()
    except (ReaderGone, BrokenPipeError):  # the reader of our output has exited, as `head` does: no error
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


def _run(arguments: Sequence[str]) -> None:
    """Run the command; what cannot be printed is an error now, not one that Python reports after the exit."""
    if sys.stdout is None:  # closed by the shell: `>&-`
        sys.stdout = Path(os.devnull).open("w", encoding="utf-8")  # noqa: SIM115
    if _is_done_quickly(arguments):
        sys.stdout.flush()
        sys.exit(0)
    try:
        _app()
    except SystemExit:
        sys.stdout.flush()
        raise


def _is_done_quickly(arguments: Sequence[str]) -> bool:
    from anomembed.cli.quick import is_nothing_new

    with own_ends():
        return is_nothing_new(arguments)


def _app() -> None:
    from anomembed.cli.commands import app

    app()


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
    sys.stderr.write(plain_text(text) + "\n")
