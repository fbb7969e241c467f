"""``anomembed scan``: infer roles, learn what is normal, score, show the flags."""

from anomembed.cli import options as o


@o.with_settings(*o.LEARNING, *o.FLAG_RULE, "workers", "store")
def scan(
    database: o.Database,
    table: o.TableName = None,
    *,
    given: o.Given,
    scores_to: o.ScoresTo = None,
    report: o.ReportTo = None,
    form: o.OutputFormat = o.TABLE,
    quiet: o.Quiet = False,
    fail_on_flags: o.FailOnFlags = False,
    force: o.Force = False,
    flat: o.Flat = False,
) -> None:
    """Find the records of a table that do not fit.

    Infers what each column is, learns what is normal, scores every record and shows the most abnormal with reasons.

    Example: anomembed scan demo.duckdb payments --budget 10
    """
    from anomembed.cli.running import Output, scan_table
    from anomembed.config import make_config, merge

    config = make_config(merge(given, {"source": {"database": database, "table": table}}), "the options")
    output = Output(scores_to, form, quiet=quiet, fail_on_flags=fail_on_flags, force=force, flat=flat, report=report)
    scan_table(config, output)
