"""Signals of a run for programs: pings, and lines of JSON on standard error; neither ever fails a run."""

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import typer

from anomembed.errors import AnomembedError
from anomembed.monitor.address import ChannelError, expanded
from anomembed.monitor.report import Report
from anomembed.monitor.webhook import WebhookError, post

if TYPE_CHECKING:
    from anomembed.cli.console import Teller

PATIENCE = 5.0  # seconds that a ping may take


class Log:
    """Says on standard error what happens: plainly, or as lines of JSON.

    Parameters
    ----------
    monitor : str
        Its name, as far as that is known; it may be set when more is.
    is_json : bool
        Whether lines are JSON.
    is_quiet : bool
        Say errors only.
    """

    def __init__(self, monitor: str, *, is_json: bool, is_quiet: bool) -> None:
        self.monitor, self._is_json, self._is_quiet = monitor, is_json, is_quiet

    def teller(self) -> "Teller":
        """Return what tells the progress of a fit."""
        from anomembed.cli.console import LoggingTeller, Teller  # take long to import, and most runs learn nothing

        return LoggingTeller(self.note) if self._is_json else Teller(is_quiet=self._is_quiet)

    def note(self, event: str, message: str) -> None:
        """Say something."""
        if self._is_json:
            self._write("info", event, message=message)
        elif not self._is_quiet:
            sys.stderr.write(f"{event}: {message}\n")

    def ended(self, report: Report) -> None:
        """Say what a run did, where lines are JSON; it is on standard output for people."""
        if self._is_json:
            seconds = {step: round(spent, 3) for step, spent in report.seconds.items()}
            self._write("info", "ended", seconds=seconds, **_plain(report))

    @contextmanager
    def errors(self) -> Iterator[None]:
        """Say errors as JSON, and exit as after any other."""
        try:
            yield
        except AnomembedError as error:
            if not self._is_json:
                raise
            self._write("error", "failed", message=str(error))
            raise typer.Exit(error.exit_code) from error

    def _write(self, level: str, event: str, **values: object) -> None:
        if self._is_json and (level == "error" or not self._is_quiet):
            moment = datetime.now(UTC).isoformat(timespec="milliseconds")
            told = {"time": moment, "level": level, "event": event, "monitor": self.monitor, **values}
            sys.stderr.write(json.dumps(told) + "\n")


def _plain(report: Report) -> dict[str, object]:
    return {name: value for name, value in report.as_json().items() if name != "monitor"}


@contextmanager
def pinged(url: str | None, log: Log) -> Iterator[None]:
    """Tell an address that something begins (``URL/start``), and how it ends: ``URL``, or ``URL/fail``."""
    _ping(url, "/start", log)
    try:
        yield
    except BaseException:
        _ping(url, "/fail", log)
        raise
    _ping(url, "", log)


def _ping(url: str | None, ending: str, log: Log) -> None:
    if url is None:
        return
    try:
        post(expanded(url).rstrip("/") + ending, b"", PATIENCE)
    except (WebhookError, ChannelError) as error:
        log.note("ping", str(error))
