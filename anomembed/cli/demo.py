"""``anomembed demo``: write demo tables with planted cases, scan them, and say how many were found."""

from pathlib import Path
from typing import Annotated

import typer

Folder = Annotated[Path, typer.Argument(metavar="[DIR]", help="Where to write demo.duckdb and the store.")]
DemoSeed = Annotated[int, typer.Option("--seed", help="Another seed, other tables.")]


def demo(folder: Folder = Path("anomembed-demo"), seed: DemoSeed = 0) -> None:
    """Write a demo database with planted cases, scan it, and show what was found.

    Example: anomembed demo
    """
    from anomembed.cli.demonstration import demonstrate

    demonstrate(folder, seed)
