"""``anomembed monitor CONFIG`` where nothing is new: Typer and pydantic take longer to import than that takes to see.

Whatever else there is goes the usual way: other commands and options, something new, an error.
"""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from anomembed.config.durations import microseconds
from anomembed.monitor.report import FORMS, print_report

SWITCHES = ("--quiet", "-q", "--fail-on-flags")
VALUES = ("--format", "--now", "--wait")


class _Call(NamedTuple):
    paths: list[str]
    switches: set[str]
    values: dict[str, str]


def is_nothing_new(arguments: Sequence[str]) -> bool:
    """Run ``monitor``, if that is what is asked for; False when it has to be run as a whole."""
    call = _read(arguments)
    if call is None:
        return False
    from anomembed.monitor.quick import find_nothing

    report = find_nothing(Path(call.paths[0]), call.values.get("--now"))
    if report:
        print_report(report, call.values.get("--format", FORMS[0]), is_quiet=bool(call.switches & {"--quiet", "-q"}))
    return report is not None


def _read(arguments: Sequence[str]) -> _Call | None:
    """Return what is asked for; None when it is not known here."""
    if arguments[:1] != ["monitor"] or "ANOMEMBED_STORE" in os.environ:
        return None
    rest, call = iter(arguments[1:]), _Call([], set(), {})
    for argument in rest:
        if argument in VALUES:
            call.values[argument] = next(rest, "")
        elif argument in SWITCHES:
            call.switches.add(argument)
        else:
            call.paths.append(argument)
    is_known = len(call.paths) == 1 and not call.paths[0].startswith("-")
    return call if is_known and call.values.get("--format", FORMS[0]) in FORMS and _is_length(call) else None


def _is_length(call: _Call) -> bool:
    try:
        microseconds(call.values.get("--wait", "0s"))
    except ValueError:
        return False
    return True
