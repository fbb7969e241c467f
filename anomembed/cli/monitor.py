"""``anomembed monitor``: judge what is new since the last run, for cron."""

from typing import Annotated

import typer

from anomembed.cli import options as o
from anomembed.cli.choices import choice
from anomembed.monitor.report import FORMS

LOGS = ("plain", "json")
UNITS = ("cron", "systemd", "kubernetes")


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
    str | None, choice("--print-unit", UNITS, "Print what runs it on time, with all paths, instead of running it.")
]
Ping = Annotated[
    str | None,
    typer.Option("--ping", metavar="URL", help="Post to URL/start when it begins, then to URL, or URL/fail."),
]
LogForm = Annotated[str, choice("--log-format", LOGS, "Format of standard error.")]
Form = Annotated[str, choice("--format", FORMS, "Format of the result.")]


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
