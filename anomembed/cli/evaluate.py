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
    line_format: o.LineFormat = None,
    key: o.Key = None,
    ignore: o.Ignore = None,
    category: o.Category = None,
    number: o.Number = None,
    text: o.Text = None,
    vector: o.Vector = None,
    entity: o.Entity = None,
    time: o.Time = None,
    sequence: o.SequenceKey = None,
    order: o.Order = None,
    event: o.Event = None,
    fit_where: o.FitWhere = None,
    where: o.Where = None,
    clean_reference: o.Clean = None,
    detector: o.DetectorName = None,
    embedding: o.EmbeddingName = None,
    vectors: o.Vectors = None,
    vectors_use: o.VectorsUse = None,
    seed: o.Seed = None,
    form: o.OutputFormat = o.Format.TABLE,
    quiet: o.Quiet = False,
) -> None:
    """Measure the embeddings of a table, or compare several ways to learn them.

    Example: anomembed evaluate demo.duckdb payments --group merchant=merchant_category --map payments.png
    """
    said = o.said_by(locals())
    from anomembed.cli.evaluating import Asked, evaluate_table
    from anomembed.config import load_config, make_config, merge

    if Path(source).suffix == ".toml":
        config = load_config(Path(source), said)
    else:
        config = make_config(merge(said, {"source": {**said.get("source", {}), "database": source}}), "the options")
    asked = Asked(compare, label, positive, group, map_file, projection, embeddings, said.get("roles", {}))
    evaluate_table(config, asked, form, quiet=quiet)
