"""``anomembed feedback``: say of a record whether it is normal."""

from typing import Annotated

import typer

from anomembed.cli import options as o

Key = Annotated[str, typer.Argument(metavar="KEY", help="Key of the record, as flags have it.")]
Normal = Annotated[bool, typer.Option("--normal", help="It is normal: it joins the reference at the next fit.")]
Anomaly = Annotated[bool, typer.Option("--anomaly", help="It was flagged with reason.")]
Withdraw = Annotated[bool, typer.Option("--withdraw", help="Take back what was said before.")]
Note = Annotated[str | None, typer.Option("--note", metavar="TEXT", help="Why.")]
RunId = Annotated[
    int | None,
    typer.Option(
        "--run", metavar="ID", help="Run that judged it.", show_default="the newest that did", parser=o.whole_number
    ),
]
FOLLOWS = {
    "normal": "normal; it joins the reference at the next fit, and its like is not flagged for the same reason",
    "anomaly": "an anomaly",
    "withdrawn": "what was said before is withdrawn",
}


@o.with_settings("store")
def feedback(
    key: Key,
    normal: Normal = False,
    anomaly: Anomaly = False,
    withdraw: Withdraw = False,
    note: Note = None,
    run_id: RunId = None,
    *,
    given: o.Given,
) -> None:
    """Say of a record whether it is normal; the newest word on it counts.

    Example: anomembed feedback 4711 --normal --note "a new shop"
    """
    from anomembed.config import make_config
    from anomembed.errors import ConfigError
    from anomembed.write.feedback import give_feedback
    from anomembed.write.reading import open_to_act

    chosen = [name for name, is_it in zip(FOLLOWS, (normal, anomaly, withdraw), strict=True) if is_it]
    if len(chosen) != 1:
        raise ConfigError("say one of --normal, --anomaly and --withdraw")
    with open_to_act(make_config(given).store.path) as store:
        said = give_feedback(store, key, chosen[0], note, run_id)
    typer.echo(f"{key!r} of {said.source} (run {said.run_id}): {FOLLOWS[chosen[0]]}", err=True)
