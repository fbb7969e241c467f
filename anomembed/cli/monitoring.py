"""Run ``monitor``: read the times that are given, run, print one line."""

from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import typer

from anomembed.cli.ends import FLAGS_FOUND
from anomembed.cli.signals import Log, pinged
from anomembed.config import Config, load_config
from anomembed.config.durations import MICROSECONDS, microseconds
from anomembed.errors import ConfigError
from anomembed.monitor.checked import digest
from anomembed.monitor.clock import now, read_moment
from anomembed.monitor.handing import drop
from anomembed.monitor.looking import Asked
from anomembed.monitor.report import print_report
from anomembed.monitor.run import run_monitor
from anomembed.read.connecting import machine_zone


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
    is_logged: bool
    ping: str | None


def run_once(path: Path, given: dict[str, Any], wanted: Wanted) -> None:
    """Run a monitor once, and print what it did."""
    log = Log(path.stem, is_json=wanted.is_logged, is_quiet=wanted.is_quiet)
    with log.errors(), pinged(None if wanted.is_dry else wanted.ping, log), ExitStack() as ended:
        ended.callback(drop)
        checked = "" if given else digest(path)
        config = load_config(path, given)
        log.monitor = config.monitor.name or path.stem
        report = run_monitor(config, _asked(config, log.monitor, wanted, checked), log.teller)
        log.ended(report)
        print_report(report, wanted.form, is_quiet=wanted.is_quiet)
    if wanted.fail_on_flags and report.n_flagged:
        raise typer.Exit(FLAGS_FOUND)


def _asked(config: Config, name: str, wanted: Wanted, checked: str) -> Asked:
    return Asked(
        name=name,
        now=_current(config, wanted.now),
        is_replay=wanted.now is not None,
        since=wanted.since,
        until=wanted.until,
        wait=_seconds(wanted.wait),
        is_dry=wanted.is_dry,
        checked=checked,
    )


def _current(config: Config, text: str | None) -> int:
    return now() if text is None else read_moment(text, config.source.time_zone or machine_zone(), "--now")


def _seconds(text: str) -> float:
    try:
        return microseconds(text) / MICROSECONDS
    except ValueError as error:
        raise ConfigError(f"--wait {text!r}: {error}") from error
