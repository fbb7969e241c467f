"""``anomembed monitor``: judge what is new since the last run, for cron."""

from typing import Annotated

import typer

from anomembed.cli import options as o
from anomembed.monitor.report import FORMS

LOGS = ("plain", "json")
UNITS = ("cron", "systemd", "kubernetes")


def _form(name: str) -> str:
    if name not in FORMS:
        raise typer.BadParameter(f"{name!r} is not table or json.")
    return name


def _log(name: str) -> str:
    if name not in LOGS:
        raise typer.BadParameter(f"{name!r} is not plain or json.")
    return name


def _unit(name: str) -> str:
    if name not in UNITS:
        raise typer.BadParameter(f"{name!r} is not {', '.join(UNITS[:-1])} or {UNITS[-1]}.")
    return name


Wait = Annotated[
    str, typer.Option("--wait", metavar="TIME", help="How long to wait for another run to end, such as 60s.")
]
Since = Annotated[
    str | None,
    typer.Option("--since", metavar="TIME", help="Judge a period again, from this time (or number of the watermark)."),
]
Until = Annotated[str | None, typer.Option("--until", metavar="TIME", help="End of that period, exclusive.")]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Judge what is new, but keep nothing and send nothing.")]
Now = Annotated[
    str | None,
    typer.Option("--now", metavar="TIME", help="Take this for the current time, to replay the past.", show_default=""),
]
Check = Annotated[
    bool,
    typer.Option("--check", help="Test configuration, source, store, model and channels; judge and send nothing."),
]
Unit = Annotated[
    str | None,
    typer.Option(
        "--print-unit",
        metavar=f"<{'|'.join(UNITS)}>",
        help="Print what runs it on time, with all paths, instead of running it.",
        parser=_unit,
    ),
]
Ping = Annotated[
    str | None,
    typer.Option("--ping", metavar="URL", help="Post to URL/start when it begins, then to URL, or URL/fail."),
]
LogForm = Annotated[
    str,
    typer.Option("--log-format", metavar="<plain|json>", help="Format of standard error.", parser=_log),
]
Form = Annotated[str, typer.Option("--format", metavar="<table|json>", help="Format of the result.", parser=_form)]


@o.with_settings("store")
def monitor(
    config: o.ConfigFile,
    wait: Wait = "0s",
    since: Since = None,
    until: Until = None,
    *,
    given: o.Given,
    dry_run: DryRun = False,
    check: Check = False,
    unit: Unit = None,
    now: Now = None,
    ping: Ping = None,
    log: LogForm = "plain",
    form: Form = "table",
    quiet: o.Quiet = False,
    fail_on_flags: o.FailOnFlags = False,
) -> None:
    """Judge what is new since the last run, once; for cron.

    The first run learns what is normal, if there is no model yet, and begins after the records that it has learnt from.

    Example: anomembed monitor payments.toml --wait 60s
    """
    from anomembed.cli.checking import check_once
    from anomembed.cli.monitoring import Wanted, run_once
    from anomembed.cli.units import print_unit

    if unit:
        print_unit(unit, config, given)
    elif check:
        check_once(config, given, form)
    else:
        wanted = Wanted(wait, since, until, now, form, dry_run, quiet, fail_on_flags, log == "json", ping)
        run_once(config, given, wanted)
