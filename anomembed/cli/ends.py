"""Ends of a command that are no errors, though Typer would exit for them with 1, which says that there are flags."""

from collections.abc import Iterator
from contextlib import contextmanager

FLAGS_FOUND = 1  # the exit code where --fail-on-flags is given


class Interrupted(Exception):  # noqa: N818  # ends the program, but is no error
    """The user pressed Ctrl-C."""


class ReaderGone(Exception):  # noqa: N818
    """Nobody reads our output any more."""


@contextmanager
def own_ends() -> Iterator[None]:
    """Turn what Typer would exit for into exceptions of ours."""
    try:
        yield
    except KeyboardInterrupt as error:
        raise Interrupted from error
    except BrokenPipeError as error:
        raise ReaderGone from error
    except RuntimeError as error:
        if "Query interrupted" in str(error):  # by DuckDB, while it holds the processor
            raise Interrupted from error
        raise
