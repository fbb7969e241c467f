"""``anomembed score``: score records with a model of the store."""

from anomembed.cli import options as o


@o.with_settings("read", "where", *o.FLAG_RULE, "workers", "store")
def score(
    config: o.ConfigFile,
    model: o.ModelId = None,
    *,
    given: o.Given,
    scores_to: o.ScoresTo = None,
    form: o.OutputFormat = o.TABLE,
    quiet: o.Quiet = False,
    fail_on_flags: o.FailOnFlags = False,
    force: o.Force = False,
    flat: o.Flat = False,
) -> None:
    """Score records with a saved model.

    Uses the newest model that was fitted with these settings, unless --model names another.

    Example: anomembed score payments.toml --where "paid_at >= current_date - 1"
    """
    from anomembed.cli.running import Output, score_table_by
    from anomembed.config import load_config

    output = Output(scores_to, form, quiet=quiet, fail_on_flags=fail_on_flags, force=force, flat=flat)
    score_table_by(load_config(config, given), model, output)
