"""``anomembed findings``, ``silence``, ``unsilence`` and ``acknowledge``: look at findings, and say what to tell."""

from typing import Annotated

import typer

from anomembed.cli import options as o
from anomembed.cli.choices import choice

STATES = ("open", "acknowledged", "silenced", "closed")

Finding = Annotated[
    str,
    typer.Argument(metavar="FINDING", help="Id of the finding, or the beginning of it."),
]
Reason = Annotated[
    str,
    typer.Argument(
        metavar="FINDING|REASON", help="Id of the finding, or the beginning of it; or all of a reason, as VIEW/COLUMN."
    ),
]
State = Annotated[str | None, choice("--state", STATES, "Only findings in this state.")]
Monitor = Annotated[str | None, typer.Option("--of", metavar="NAME", help="Only findings of this monitor.")]
Summary = Annotated[
    bool,
    typer.Option("--summary", help="Say instead how many of the flags that were judged were right, by view."),
]
For = Annotated[str, typer.Option("--for", metavar="TIME", help="For how long, such as 7d.")]
Because = Annotated[str, typer.Option("--because", metavar="TEXT", help="Why.")]
Undo = Annotated[bool, typer.Option("--undo", help="Take it back.")]


@o.with_settings("store")
def findings(
    state: State = None,
    of: Monitor = None,
    summary: Summary = False,
    *,
    given: o.Given,
    form: o.OutputFormat = o.TABLE,
) -> None:
    """List the findings of monitors: flags with the same reason.

    Example: anomembed findings --state open --format json
    """
    from anomembed.cli.printing import print_findings, print_tables
    from anomembed.config import make_config
    from anomembed.write.acts import list_findings
    from anomembed.write.feedback import precision
    from anomembed.write.reading import open_to_read

    with open_to_read(make_config(given).store.path) as store:
        if summary:
            print_tables({"precision": precision(store)}, form)
            return
        found = list_findings(store, state, of)
    print_findings(found, form)
    if not found.height:
        typer.echo("no such findings" if state or of else "no findings: monitors make them; a scan has flags", err=True)


@o.with_settings("store")
def silence(finding: Reason, length: For, because: Because, *, given: o.Given) -> None:
    """Make no alerts of a finding, or of a reason, for some time; its flags are kept and counted.

    Example: anomembed silence 1d3de12c --for 7d --because "known, ticket 12"
    """
    from anomembed.config import make_config
    from anomembed.config.durations import MICROSECONDS, microseconds
    from anomembed.errors import ConfigError
    from anomembed.write.acts import silence as make_silent
    from anomembed.write.reading import open_to_act

    try:
        seconds = microseconds(length) / MICROSECONDS
    except ValueError as error:
        raise ConfigError(f"--for {length!r}: {error}") from error
    with open_to_act(make_config(given).store.path) as store:
        typer.echo(f"silent until {make_silent(store, finding, seconds, because):%Y-%m-%d %H:%M} UTC", err=True)


@o.with_settings("store")
def unsilence(finding: Reason, *, given: o.Given) -> None:
    """Make alerts of a silenced finding or reason again.

    Example: anomembed unsilence 1d3de12c
    """
    from anomembed.config import make_config
    from anomembed.write.acts import unsilence as make_loud
    from anomembed.write.reading import open_to_act

    with open_to_act(make_config(given).store.path) as store:
        typer.echo(f"{make_loud(store, finding)} is told again", err=True)


@o.with_settings("store")
def acknowledge(finding: Finding, *, given: o.Given, undo: Undo = False) -> None:
    """Say that somebody looks after a finding: it is not told again until it is closed.

    Example: anomembed acknowledge 1d3de12c
    """
    from anomembed.config import make_config
    from anomembed.write.acts import acknowledge as take_on
    from anomembed.write.reading import open_to_act

    with open_to_act(make_config(given).store.path) as store:
        known = take_on(store, finding, is_undone=undo)
        typer.echo(f"{known} is {'told again while it grows' if undo else 'acknowledged'}", err=True)
