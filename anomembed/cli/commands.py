"""All commands of the command line, as Typer knows them."""

from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from anomembed import __version__
from anomembed.cli.demo import demo
from anomembed.cli.ends import own_ends
from anomembed.cli.evaluate import evaluate
from anomembed.cli.explain import explain
from anomembed.cli.export import export
from anomembed.cli.feedback import feedback
from anomembed.cli.findings import acknowledge, findings, silence, unsilence
from anomembed.cli.fit import fit
from anomembed.cli.init import init
from anomembed.cli.models import app as models
from anomembed.cli.monitor import monitor
from anomembed.cli.report import report
from anomembed.cli.review import review
from anomembed.cli.scan import scan
from anomembed.cli.score import score
from anomembed.cli.similar import similar
from anomembed.cli.sql import sql


class _Commands(TyperGroup):
    """All commands; Typer would end both cases below with exit codes of its own: 1, which says that there are flags."""

    def make_context(self, *arguments: Any, **settings: Any) -> Any:  # noqa: ANN401  # a context of Typer's own Click
        """Read the options; help is printed here."""
        with own_ends():
            return super().make_context(*arguments, **settings)

    def invoke(self, ctx: Any) -> Any:  # noqa: ANN401
        """Run the command."""
        with own_ends():
            return super().invoke(ctx)


app = typer.Typer(
    name="anomembed",
    cls=_Commands,
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
app.command()(monitor)
app.command()(explain)
app.command()(report)
app.command()(review)
app.command()(similar)
app.command()(sql)
app.command()(findings)
app.command()(silence)
app.command()(unsilence)
app.command()(acknowledge)
app.command()(feedback)
app.add_typer(models)
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
