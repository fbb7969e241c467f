"""Views of rare findings are silent on tables in which nothing is planted, and flags are as many as promised."""

import datetime as dt

import numpy as np
import polars as pl
import pytest
from modes import START
from scipy.stats import binom

from anomembed import Config, scan
from anomembed.score.flags import FlagRule

N_RECORDS, N_SEEDS, N_SEQUENCES = 1200, 20, 400
THRESHOLDS = (0.01, 0.001)
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


def clean_sequences(seed):
    """Calls by chance, each by the one before it."""
    rng = np.random.default_rng(seed)
    names = np.array(["open", "read", "write", "close", "stat", "mmap"])
    chances = np.array(
        [
            [0.05, 0.5, 0.2, 0.05, 0.15, 0.05],
            [0.02, 0.4, 0.25, 0.15, 0.1, 0.08],
            [0.02, 0.25, 0.35, 0.2, 0.1, 0.08],
            [0.5, 0.1, 0.1, 0.05, 0.2, 0.05],
            [0.1, 0.3, 0.1, 0.2, 0.2, 0.1],
            [0.05, 0.3, 0.3, 0.15, 0.1, 0.1],
        ]
    )
    lengths = rng.integers(8, 25, N_SEQUENCES)
    event, drawn = np.zeros(N_SEQUENCES, int), []
    for _ in range(25):  # all sequences at once
        drawn.append(event)
        event = (chances[event].cumsum(axis=1) < rng.random((N_SEQUENCES, 1))).sum(axis=1).clip(max=5)
    rows = [(f"s{at}", place, names[drawn[place][at]]) for at, length in enumerate(lengths) for place in range(length)]
    return pl.DataFrame(rows, schema=["sid", "place", "what"], orient="row")


def within_bounds(n_flags, n_records, threshold):
    low, high = binom.ppf([0.0005, 0.9995], n_records, threshold)
    return low <= n_flags <= high


def flagged_by_alpha(scores):
    """Whether the rule alpha 0.1 flags anything."""
    rule, key = FlagRule("alpha", 0.1), scores.columns[:1]
    return rule.decide(rule.keep(scores, key), scores.height).height > 0


@pytest.mark.parametrize("roles", list(ROLES))
def test_the_views_are_silent_and_flags_as_many_as_promised(roles):
    n_low = dict.fromkeys(THRESHOLDS, 0)
    n_told = n_by_alpha = 0
    for seed in range(N_SEEDS):
        found = scan(clean(seed), config=Config(roles=ROLES[roles], flags={"threshold": 0.01}, seed=seed))
        n_low = {t: n + (found.frame["tail_probability"] <= t).sum() for t, n in n_low.items()}
        n_by_alpha += flagged_by_alpha(found.frame)
        told = found.flags.contributions.filter(pl.col("view").is_in(SILENT) & (pl.col("contribution") > 0))
        n_told += told["rank"].n_unique()
    assert all(within_bounds(n, N_SEEDS * N_RECORDS, threshold) for threshold, n in n_low.items()), n_low
    assert n_told <= 3  # of about 240 flags
    assert n_by_alpha <= 2


def test_sequences_are_flagged_as_often_as_promised():
    n_low, n_seeds, n_by_alpha = dict.fromkeys(THRESHOLDS, 0), 10, 0
    for seed in range(n_seeds):
        sequence = {"key": "sid", "order": ["place"], "event": ["what"]}
        scores = scan(clean_sequences(seed), config=Config(sequence=sequence, seed=seed)).frame
        n_low = {t: n + (scores["tail_probability"] <= t).sum() for t, n in n_low.items()}
        n_by_alpha += flagged_by_alpha(scores)
    assert all(within_bounds(n, n_seeds * N_SEQUENCES, threshold) for threshold, n in n_low.items()), n_low
    assert n_by_alpha <= 1
