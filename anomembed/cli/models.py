"""``anomembed models``: list, show and compare the models of a store, go back to an earlier one, remove old ones."""

from typing import Annotated

import typer

from anomembed.cli import options as o

app = typer.Typer(
    name="models",
    help="List and compare the models of a store, go back to an earlier one, and remove old ones.\n\n"
    "Example: anomembed models list",
    no_args_is_help=True,
    rich_markup_mode=None,
)

Model = Annotated[int, typer.Argument(metavar="ID", help="Number of the model.")]
Other = Annotated[int, typer.Argument(metavar="OTHER", help="Number of the other one.")]
Most = Annotated[int, typer.Option("--most", metavar="N", min=1, help="Values to list.")]
Findings = Annotated[
    bool, typer.Option("--withdraw-findings", help="Also withdraw open findings that only the models that go flagged.")
]
Keep = Annotated[int, typer.Option("--keep", metavar="N", min=1, help="Newest models of each source to keep.")]


@app.command("list")
@o.with_settings("store")
def list_all(*, given: o.Given, form: o.OutputFormat = o.TABLE) -> None:
    """List the models, with what their runs flagged.

    Example: anomembed models list --format json
    """
    from anomembed.cli.printing import print_tables
    from anomembed.config import make_config
    from anomembed.write.model_acts import list_models
    from anomembed.write.reading import open_to_read

    with open_to_read(make_config(given).store.path) as store:
        print_tables({"models": list_models(store)}, form)


@app.command()
@o.with_settings("store")
def show(model: Model, *, given: o.Given) -> None:
    """Show what a model was learnt from.

    Example: anomembed models show 2
    """
    from anomembed.config import make_config
    from anomembed.errors import plain_text
    from anomembed.write.model_acts import describe_model
    from anomembed.write.reading import open_to_read

    with open_to_read(make_config(given).store.path) as store:
        for name, value in describe_model(store, model).items():
            typer.echo(plain_text(f"{name:<12} {'' if value is None else value}".rstrip()))


@app.command()
@o.with_settings("store")
def diff(model: Model, other: Other, most: Most = 20, *, given: o.Given, form: o.OutputFormat = o.TABLE) -> None:
    """List the values whose share of the reference differs most between two models.

    Example: anomembed models diff 1 2
    """
    from anomembed.cli.printing import print_tables
    from anomembed.config import make_config
    from anomembed.write.model_acts import compare_models
    from anomembed.write.reading import open_to_read

    with open_to_read(make_config(given).store.path) as store:
        print_tables({"values": compare_models(store, model, other, most)}, form)


@app.command()
@o.with_settings("store")
def revert(model: Model, *, given: o.Given, withdraw_findings: Findings = False) -> None:
    """Go back to a model: newer ones of the same source are chosen no more, until one is reverted to.

    Example: anomembed models revert 1 --withdraw-findings
    """
    from anomembed.config import make_config
    from anomembed.write.model_acts import revert as go_back
    from anomembed.write.reading import open_to_act

    with open_to_act(make_config(given).store.path) as store:
        gone, n_findings = go_back(store, model, findings=withdraw_findings)
    names = f"withdrew model {', '.join(map(str, gone))}" if gone else "no newer model to withdraw"
    more = f" and {n_findings:,} finding{'s' if n_findings != 1 else ''}" if withdraw_findings else ""
    typer.echo(f"{names}{more}; model {model} is chosen from now on", err=True)


@app.command()
@o.with_settings("store")
def prune(keep: Keep = 3, *, given: o.Given) -> None:
    """Remove all but the newest models of each source; their runs, scores, flags and findings stay.

    Example: anomembed models prune --keep 3
    """
    from anomembed.config import make_config
    from anomembed.write.model_acts import prune as remove
    from anomembed.write.reading import open_to_act

    with open_to_act(make_config(given).store.path) as store:
        gone = remove(store, keep)
    typer.echo(f"removed model {', '.join(map(str, gone))}" if gone else "nothing to remove", err=True)
