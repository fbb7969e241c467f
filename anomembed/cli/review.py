"""``anomembed review``: walk through what was found, and say of each what it is."""

from typing import Annotated

import typer

from anomembed.cli import options as o

Web = Annotated[bool, typer.Option("--web", help="Review in a browser of this machine, beside the page of the run.")]
Port = Annotated[
    int | None,
    typer.Option(
        "--port", metavar="N", help="Port of the --web page.", show_default="any free one", parser=o.whole_number
    ),
]


@o.with_settings("store")
def review(web: Web = False, port: Port = None, *, given: o.Given) -> None:
    """Walk through open findings, one key each: normal, anomaly, silence, skip, explain, undo or quit.

    Verdicts are kept as `anomembed feedback` keeps them. The store is only open while one is written.

    Example: anomembed review --store anomembed.duckdb
    """
    from anomembed.config import make_config
    from anomembed.errors import ConfigError

    if port is not None and not web:
        raise ConfigError("--port is of the page that --web serves")
    path = make_config(given).store.path
    if web:
        from anomembed.serve.running import serve

        serve(path, port or 0, typer.echo)
    else:
        from anomembed.cli.reviewing import walk

        walk(path)
