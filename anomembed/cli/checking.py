"""Run ``monitor --check``: test what a monitor needs, and print a line for each thing."""

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import typer

from anomembed.config import load_config
from anomembed.errors import ConfigError
from anomembed.monitor.checking import Checked, check_monitor
from anomembed.monitor.report import TABLE
from anomembed.write.sinks import inert

WRONG = 2


def check_once(path: Path, given: dict[str, Any], form: str) -> None:
    """Print whether each thing is right; exit with 2 when one is not."""
    is_right = True
    for checked in _all(path, given):
        is_right &= checked.is_right
        sys.stdout.write(_line(checked, form) + "\n")
    if not is_right:
        raise typer.Exit(WRONG)


def _all(path: Path, given: dict[str, Any]) -> Iterator[Checked]:
    try:
        config = load_config(path, given)
    except ConfigError as error:
        yield Checked("configuration", str(error), is_right=False)
        return
    yield Checked("configuration", str(path), is_right=True)
    yield from check_monitor(config, config.monitor.name or path.stem)


def _line(checked: Checked, form: str) -> str:
    if form != TABLE:
        return json.dumps({"what": checked.what, "right": checked.is_right, "said": checked.said})
    return inert(f"{'right' if checked.is_right else 'WRONG'}  {checked.what}: {' '.join(checked.said.split())}")
