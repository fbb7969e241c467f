"""``anomembed export``: write the embeddings of a model to a file."""

from pathlib import Path
from typing import Annotated

import typer

from anomembed.cli import options as o

VectorsTo = Annotated[
    Path,
    typer.Argument(
        metavar="FILE",
        help=".txt or .vec (word2vec text), .bin (word2vec binary), .parquet, or .duckdb (a table named vectors).",
    ),
]


@o.with_settings("store")
def export(
    file: VectorsTo,
    *,
    given: o.Given,
    model: o.ModelId = None,
    force: o.Force = False,
    quiet: o.Quiet = False,
) -> None:
    """Write the embeddings of a model to a file.

    Other tools can read the file, and so can --vectors, to start from its embeddings.

    Example: anomembed export payments.vec --store anomembed.duckdb
    """
    from anomembed.cli.running import export_model
    from anomembed.config import make_config

    export_model(make_config(given).store.path, model, file, force=force, quiet=quiet)
