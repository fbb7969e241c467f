"""Views of rare findings are silent on tables in which nothing is planted, and flags are as many as promised."""

import datetime as dt

import numpy as np
import polars as pl
import pytest
from modes import START
from scipy.stats import binom

from anomembed import Config, scan

N_RECORDS, N_SEEDS, THRESHOLD = 1200, 20, 0.01
SILENT = ("rhythm", "duplicate")
ROLES = {"plain": {"key": ["id"]}, "entity": {"key": ["id"], "entity": ["who"], "timestamp": ["at"]}}


def clean(seed):
    """Records by chance: thirty people, twenty-five places, amounts in cents, at any time of three months."""
    rng = np.random.default_rng(seed)
    who, where = rng.integers(0, 30, N_RECORDS), rng.integers(0, 25, N_RECORDS)
    return pl.DataFrame(
        {
            "id": np.arange(N_RECORDS),
            "who": [f"who{i}" for i in who],
            "where": [f"where{i}" for i in where],
            "at": [START + dt.timedelta(seconds=int(s)) for s in rng.integers(0, 90 * 86400, N_RECORDS)],
            "amount": rng.lognormal(3, 1, N_RECORDS).round(2),
        }
    )


@pytest.mark.parametrize("roles", list(ROLES))
def test_the_views_are_silent_and_flags_as_many_as_promised(roles):
    n_flags = n_told = 0
    for seed in range(N_SEEDS):
        config = Config(roles=ROLES[roles], flags={"threshold": THRESHOLD}, seed=seed)
        flags = scan(clean(seed), config=config).flags
        n_flags += flags.frame.height
        told = flags.contributions.filter(pl.col("view").is_in(SILENT) & (pl.col("contribution") > 0))
        n_told += told["rank"].n_unique()
    low, high = binom.ppf([0.0005, 0.9995], N_SEEDS * N_RECORDS, THRESHOLD)
    assert low <= n_flags <= high
    assert n_told <= 3  # of about 240 flags
