"""``anomembed export``: write a model's embeddings to a file."""

from pathlib import Path
from typing import Annotated

import typer

from anomembed.cli import options as o

VectorsTo = Annotated[
    Path,
    typer.Argument(
        metavar="FILE",
        help=".txt or .vec (word2vec text), .bin (word2vec binary), .parquet or .duckdb (a table vectors).",
    ),
]


def export(
    file: VectorsTo,
    store: o.StorePath = None,
    model: o.ModelId = None,
    force: o.Force = False,
    quiet: o.Quiet = False,
) -> None:
    """Write the embeddings of a kept model to a file, which `--vectors` takes, as other tools do.

    Example: anomembed export payments.vec --store anomembed.duckdb
    """
    from anomembed.cli.running import export_model
    from anomembed.config import StoreConfig

    export_model(store or StoreConfig().path, model, file, force=force, quiet=quiet)
