"""Payments of four weeks, and what a model of the first three flags of the fourth."""

from datetime import datetime, timedelta
from pathlib import Path

import numpy as np
import polars as pl

MONDAY = datetime(2026, 3, 2)
NEXT = MONDAY + timedelta(days=21)
CONFIG = """
[source]
database = "payments.parquet"
fit_where = "paid_at < '2026-03-23'"
where = "paid_at >= '2026-03-23'"
[flags]
threshold = 0.001
"""


def at_random(n, rng):
    """The days since the first Monday, and the moments."""
    days = np.sort(rng.uniform(0, 28, n))
    return days, [MONDAY + timedelta(days=float(day)) for day in days]


def flags_of_later(run, frame, roles=""):
    """Fit a model to the first three weeks, and return the flags of the fourth."""
    frame.write_parquet("payments.parquet")
    Path("later.toml").write_text(CONFIG + roles)
    fitted = run("fit", "later.toml")
    assert fitted.code == 0, fitted.err
    scored = run("score", "later.toml", "--format", "csv")
    assert scored.code == 0, scored.err
    return pl.read_csv(scored.out.encode())
