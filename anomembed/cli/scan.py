"""``anomembed scan``: infer roles, learn what is normal, score, show the flags."""

from anomembed.cli import options as o


def scan(
    database: o.Database,
    table: o.TableName = None,
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
    alpha: o.Alpha = None,
    budget: o.Budget = None,
    threshold: o.Threshold = None,
    store: o.StorePath = None,
    scores_to: o.ScoresTo = None,
    form: o.OutputFormat = o.Format.TABLE,
    quiet: o.Quiet = False,
    fail_on_flags: o.FailOnFlags = False,
) -> None:
    """Find the records of a table that do not fit: one command, no configuration.

    Example: anomembed scan demo.duckdb payments --budget 10
    """
    said = o.said_by(locals())
    from anomembed.cli.running import Output, scan_table
    from anomembed.config import make_config

    scan_table(make_config(said, "the options"), Output(scores_to, form, quiet=quiet, fail_on_flags=fail_on_flags))
