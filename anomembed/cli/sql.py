"""``anomembed sql``: ask the store, with the source beside it."""

from typing import Annotated

import typer

from anomembed.cli import options as o

Query = Annotated[
    str, typer.Argument(metavar="SQL", help="One statement over the tables, views and macros of the store.")
]
Source = Annotated[
    str | None,
    typer.Option(
        "--source", metavar="FILE", help="DuckDB file to join as source.TABLE.", show_default="that of the newest run"
    ),
]


@o.with_settings("store")
def sql(query: Query, source: Source = None, *, given: o.Given, form: o.OutputFormat = o.TABLE) -> None:
    """Answer SQL over the store, with the source beside it; both are opened read-only, and closed at once.

    Example: anomembed sql "FROM latest_flags LIMIT 5"
    """
    from anomembed.cli.printing import print_answer
    from anomembed.config import make_config
    from anomembed.write.asking import ask_store

    print_answer(ask_store(make_config(given).store.path, query, source), form)
