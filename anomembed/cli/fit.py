"""``anomembed fit``: learn what is normal and save the model."""

from anomembed.cli import options as o


@o.with_settings("read", "store", "seed")
def fit(config: o.ConfigFile, *, given: o.Given, quiet: o.Quiet = False) -> None:
    """Learn what is normal and save the model.

    Example: anomembed fit payments.toml
    """
    from anomembed.cli.running import fit_table
    from anomembed.config import load_config

    fit_table(load_config(config, given), quiet=quiet)
