"""``anomembed evaluate``: measure the embeddings, and the scores where there are labels."""

from pathlib import Path
from typing import Annotated

import typer

from anomembed.cli import options as o

Source = Annotated[
    str, typer.Argument(metavar="CONFIG|DATABASE", help="A TOML file, or a DuckDB, Parquet, CSV, NDJSON or log file.")
]
Embeddings = Annotated[bool, typer.Option("--embeddings", help="Measure the embeddings: what is done by default.")]
Compare = Annotated[
    str | None, typer.Option(metavar="NAMES", help="Learners to set side by side, such as ppmi-svd,glove,random.")
]
Label = Annotated[
    str | None,
    typer.Option(metavar="COL", help="Says which records are abnormal; hidden from all learning, held against scores."),
]
Positive = Annotated[
    str | None, typer.Option(metavar="VALUE", help="The label of abnormal records.", show_default="1 or true")
]
Group = Annotated[
    str | None,
    typer.Option(metavar="COL=COL", help="Should the first's values be near when the second's, hidden, is the same?"),
]
MapFile = Annotated[
    Path | None, typer.Option("--map", metavar="FILE", help="Draw the tokens on a plane, as .png or .svg.")
]
ProjectionName = Annotated[str, typer.Option("--projection", metavar="NAME", help="Of the map: pca or umap.")]


@o.with_learning
def evaluate(
    source: Source,
    table: o.TableName = None,
    embeddings: Embeddings = False,
    compare: Compare = None,
    label: Label = None,
    positive: Positive = None,
    group: Group = None,
    map_file: MapFile = None,
    projection: ProjectionName = "pca",
    *,
    said: o.Said,
    form: o.OutputFormat = o.Format.TABLE,
    quiet: o.Quiet = False,
) -> None:
    """Measure the embeddings of a table, or compare several ways to learn them.

    Example: anomembed evaluate demo.duckdb payments --group merchant=merchant_category --map payments.png
    """
    from anomembed.cli.evaluating import Asked, evaluate_table
    from anomembed.config import load_config, make_config, merge

    said = merge(said, o.settings(source__table=table))
    if Path(source).suffix == ".toml":
        config = load_config(Path(source), said)
    else:
        config = make_config(merge(said, o.settings(source__database=source)), "the options")
    asked = Asked(compare, label, positive, group, map_file, projection, embeddings, said.get("roles", {}))
    evaluate_table(config, asked, form, quiet=quiet)
