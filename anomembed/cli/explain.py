"""``anomembed explain``: all that is known of one judged record."""

import gc
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import Annotated

import typer

from anomembed.cli import options as o

JSON = "json"


def _form(name: str) -> str:
    if name not in (o.TABLE, JSON):
        raise typer.BadParameter(f"{name!r} is not {o.TABLE} or {JSON}.")
    return name


Key = Annotated[
    str, typer.Argument(metavar="KEY", help="Key of the record, as flags show it; of several columns, JSON.")
]
RunId = Annotated[
    int | None,
    typer.Option(
        "--run",
        metavar="ID",
        help="Run of the store.",
        show_default="the newest that judged it",
        parser=o.whole_number,
    ),
]
ConfigOption = Annotated[
    Path | None, typer.Option("--config", metavar="CONFIG", help="TOML file that names the source and the store.")
]
Form = Annotated[str, typer.Option("--format", metavar="<table|json>", help="Format of the results.", parser=_form)]


@contextmanager
def _no_collecting() -> Iterator[None]:
    """Look for no garbage meanwhile, nor ever in the largest libraries: that takes a sixth of the time."""
    was_collecting = gc.isenabled()
    gc.disable()
    try:
        _import_largest()
        yield
    finally:
        if was_collecting:
            gc.enable()


@cache
def _import_largest() -> None:
    for name in ("scipy.special", "polars"):  # DuckDB is not: it counts what it leaves
        import_module(name)
    gc.freeze()


@o.with_settings("store")
@_no_collecting()
def explain(key: Key, run: RunId = None, config: ConfigOption = None, *, given: o.Given, form: Form = o.TABLE) -> None:
    """Explain one judged record: what it is, why it is abnormal, and what would be normal.

    Works after any run: the source is read again where it is still there.

    Example: anomembed explain 106821
    """
    from anomembed.cli.case import print_case
    from anomembed.config import load_config, make_config
    from anomembed.investigate.explaining import explain_key
    from anomembed.workers.compiled import compiler_spared
    from anomembed.write.reading import open_to_read

    settings = load_config(config, given) if config else None
    with open_to_read((settings or make_config(given)).store.path) as store, compiler_spared():
        case = explain_key(store, key, run, settings)
    print_case(case, is_json=form == JSON)
