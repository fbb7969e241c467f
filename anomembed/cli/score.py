"""``anomembed score``: score records by a kept model."""

from anomembed.cli import options as o


def score(
    config: o.ConfigFile,
    model: o.ModelId = None,
    where: o.Where = None,
    alpha: o.Alpha = None,
    budget: o.Budget = None,
    threshold: o.Threshold = None,
    store: o.StorePath = None,
    scores_to: o.ScoresTo = None,
    form: o.OutputFormat = o.Format.TABLE,
    quiet: o.Quiet = False,
    fail_on_flags: o.FailOnFlags = False,
) -> None:
    """Score records by the newest model that was fitted with these settings, or another.

    Example: anomembed score payments.toml --where "paid_at >= current_date - 1"
    """
    from anomembed.cli.running import Output, score_table_by
    from anomembed.config import load_config

    said = o.settings(
        source__where=where, flags__alpha=alpha, flags__budget=budget, flags__threshold=threshold, store__path=store
    )
    output = Output(scores_to, form, quiet=quiet, fail_on_flags=fail_on_flags)
    score_table_by(load_config(config, said), model, output)
