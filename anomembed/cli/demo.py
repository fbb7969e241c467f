"""``anomembed demo``: write demo tables with planted cases, scan them, and print how many were found."""

from pathlib import Path
from typing import Annotated

import typer

Folder = Annotated[Path, typer.Argument(metavar="[DIR]", help="Folder for demo.duckdb and the store.")]
DemoSeed = Annotated[int, typer.Option("--seed", help="Random seed of the tables.")]


def demo(folder: Folder = Path("anomembed-demo"), seed: DemoSeed = 0) -> None:
    """Write a demo database with planted cases and scan it.

    Shows how many of the planted cases are among the flagged records.

    Example: anomembed demo
    """
    from anomembed.cli.demonstration import demonstrate

    demonstrate(folder, seed)
