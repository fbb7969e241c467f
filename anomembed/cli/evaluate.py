"""``anomembed evaluate``: measure the embeddings, and the scores where there are labels."""

from pathlib import Path
from typing import Annotated

import typer

from anomembed.cli import options as o

Source = Annotated[
    str, typer.Argument(metavar="CONFIG|DATABASE", help="TOML file, or DuckDB, Parquet, CSV, NDJSON or log file.")
]
Embeddings = Annotated[bool, typer.Option("--embeddings", help="Measure the embeddings: the default.")]
Compare = Annotated[
    str | None, typer.Option(metavar="NAMES", help="Compare these methods, such as ppmi-svd,glove,random.")
]
Label = Annotated[
    str | None,
    typer.Option(metavar="COL", help="Column of labels, normal or abnormal: compared with the scores, never learnt."),
]
Positive = Annotated[
    str | None, typer.Option(metavar="VALUE", help="The label of abnormal records.", show_default="1 or true")
]
Group = Annotated[
    str | None,
    typer.Option(
        metavar="COL=COL", help="Measure whether values of the first column are near when the second, hidden, is equal."
    ),
]
MapFile = Annotated[
    Path | None, typer.Option("--map", metavar="FILE", help="Draw the embeddings on a map, as .png or .svg.")
]
ProjectionName = Annotated[
    str, typer.Option("--projection", metavar="NAME", help="Projection of the map: pca or umap.")
]


@o.with_settings(*o.LEARNING)
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
    given: o.Given,
    form: o.OutputFormat = o.TABLE,
    quiet: o.Quiet = False,
    force: o.Force = False,
) -> None:
    """Measure embeddings, or compare methods that learn them.

    Measures on held-out records; with --label, also how well the scores find the abnormal ones.

    Example: anomembed evaluate demo.duckdb payments --group merchant=merchant_category --map payments.png
    """
    from anomembed.cli.evaluating import Asked, evaluate_table
    from anomembed.config import load_config, make_config, merge
    from anomembed.evaluate.material import Truth

    given = merge(given, o.nested({"source.table": table}))
    if Path(source).suffix == ".toml":
        config = load_config(Path(source), given)
    else:
        config = make_config(merge(given, {"source": {"database": source}}), "the options")
    truth = Truth(label, positive, group, given.get("roles", {}))
    asked = Asked(compare, truth, map_file, projection, is_plain=embeddings, force=force)
    evaluate_table(config, asked, form, quiet=quiet)
