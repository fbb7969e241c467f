"""``anomembed fit``: learn what is normal and keep the model."""

from anomembed.cli import options as o


def fit(config: o.ConfigFile, store: o.StorePath = None, seed: o.Seed = None, quiet: o.Quiet = False) -> None:
    """Learn what is normal and keep the model in the store.

    Example: anomembed fit payments.toml
    """
    from anomembed.cli.running import fit_table
    from anomembed.config import load_config

    fit_table(load_config(config, o.settings(store__path=store, seed=seed)), quiet=quiet)
