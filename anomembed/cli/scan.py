"""``anomembed scan``: infer roles, learn what is normal, score, show the flags."""

from anomembed.cli import options as o


@o.with_learning
def scan(
    database: o.Database,
    table: o.TableName = None,
    *,
    said: o.Said,
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
    own = o.said_by(locals())
    from anomembed.cli.running import Output, scan_table
    from anomembed.config import make_config, merge

    scan_table(
        make_config(merge(said, own), "the options"), Output(scores_to, form, quiet=quiet, fail_on_flags=fail_on_flags)
    )
