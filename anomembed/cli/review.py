"""``anomembed review``: walk through what was found, and say of each what it is."""

from anomembed.cli import options as o


@o.with_settings("store")
def review(*, given: o.Given) -> None:
    """Walk through open findings, one key each: normal, anomaly, silence, skip, explain or quit.

    Verdicts are kept as `anomembed feedback` keeps them. The store is only open while one is written.

    Example: anomembed review --store anomembed.duckdb
    """
    from anomembed.cli.reviewing import walk
    from anomembed.config import make_config

    walk(make_config(given).store.path)
