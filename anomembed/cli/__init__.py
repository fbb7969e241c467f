"""The command line: one file per command; each parses, calls one function of the library, and prints.

Data go to standard output, everything else to standard error. Exit codes: 0 done, 1 flags found and ``--fail-on-flags``
given, 2 the user must change something, 3 try again later, 70 a bug of ours.
"""

import os
import signal
import sys
import traceback
from typing import Annotated, NoReturn

import typer

from anomembed import __version__
from anomembed.cli.demo import demo
from anomembed.cli.evaluate import evaluate
from anomembed.cli.export import export
from anomembed.cli.fit import fit
from anomembed.cli.init import init
from anomembed.cli.scan import scan
from anomembed.cli.score import score
from anomembed.errors import AnomembedError

INTERRUPTED, TERMINATED = 130, 143  # what shells report after Ctrl-C or `kill`

app = typer.Typer(
    name="anomembed",
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
    signal.signal(signal.SIGTERM, _terminate)
    try:
        app()
    except AnomembedError as error:
        _say(f"anomembed: {error}")
        sys.exit(error.exit_code)
    except KeyboardInterrupt:
        _say("anomembed: interrupted")
        sys.exit(INTERRUPTED)
    except BrokenPipeError:  # the reader of our output has exited, as `head` does: no error
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(0)
    except OSError as error:
        _say(f"anomembed: {error.strerror or error}{f': {error.filename}' if error.filename else ''}")
        sys.exit(2)
    except Exception:  # a bug: the traceback helps to fix it
        if signal.getsignal(signal.SIGTERM) is signal.SIG_DFL:  # a library turned our exit into another exception
            sys.exit(TERMINATED)
        traceback.print_exc()
        _say("anomembed: this is a bug; please report it with the lines above")
        sys.exit(70)


def _terminate(*_: object) -> NoReturn:
    """Exit as after an error, so that an empty new store is removed; a second signal ends at once."""
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    _say("anomembed: terminated")
    sys.exit(TERMINATED)


def _say(text: str) -> None:
    sys.stderr.write(text + "\n")
