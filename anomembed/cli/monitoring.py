"""Run ``monitor``: read the times that are given, run, print one line."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from anomembed.config import Config, load_config
from anomembed.config.durations import MICROSECONDS, microseconds
from anomembed.errors import ConfigError
from anomembed.monitor.checked import digest
from anomembed.monitor.clock import now, read_moment
from anomembed.monitor.looking import Asked
from anomembed.monitor.report import print_report
from anomembed.monitor.run import run_monitor
from anomembed.read.source import machine_zone

if TYPE_CHECKING:
    from anomembed.pipeline import Watcher

FLAGS_FOUND = 1


@dataclass(frozen=True)
class Wanted:
    """The options of ``monitor``, as they are given."""

    wait: str
    since: str | None
    until: str | None
    now: str | None
    form: str
    is_dry: bool
    is_quiet: bool
    fail_on_flags: bool


def run_once(path: Path, given: dict[str, Any], wanted: Wanted) -> None:
    """Run a monitor once, and print what it did."""
    checked = "" if given else digest(path)
    config = load_config(path, given)
    name = config.monitor.name or path.stem
    asked = Asked(
        name=name,
        now=_current(config, wanted.now),
        is_replay=wanted.now is not None,
        since=wanted.since,
        until=wanted.until,
        wait=_seconds(wanted.wait),
        is_dry=wanted.is_dry,
        checked=checked,
    )
    report = run_monitor(config, asked, lambda: _teller(is_quiet=wanted.is_quiet))
    print_report(report, wanted.form, is_quiet=wanted.is_quiet)
    if wanted.fail_on_flags and report.n_flagged:
        raise typer.Exit(FLAGS_FOUND)


def _teller(*, is_quiet: bool) -> "Watcher":
    from anomembed.cli.console import Teller  # takes long to import, and most runs learn nothing

    return Teller(is_quiet=is_quiet)


def _current(config: Config, text: str | None) -> int:
    return now() if text is None else read_moment(text, config.source.time_zone or machine_zone(), "--now")


def _seconds(text: str) -> float:
    try:
        return microseconds(text) / MICROSECONDS
    except ValueError as error:
        raise ConfigError(f"--wait {text!r}: {error}") from error
