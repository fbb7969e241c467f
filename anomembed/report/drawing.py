"""The charts of a run, from what is known of it."""

from collections.abc import Iterator

import numpy as np
import polars as pl

from anomembed.model import Model
from anomembed.report.charts import Chart, chart_of_columns, chart_of_scores, chart_of_times, chart_of_values
from anomembed.report.gathering import Gathered
from anomembed.represent.quality.projection import project
from anomembed.write.store import Store

POINTS = 120  # of a curve
MOST_MAPPED = 400  # values of a map
MARKED_FLAGS = 20  # whose values are marked
SHARES = """
SELECT raw, (SELECT count(*) FROM scores WHERE run_id = $run AND raw_score >= raw) / $n AS share
FROM (SELECT unnest($grid::DOUBLE[]) AS raw) ORDER BY raw"""
ENDS = "SELECT min(raw_score), max(raw_score), min(raw_score) FILTER (flagged) FROM scores WHERE run_id = ?"
VALUES = """
SELECT column_name, token, embedding, n_records FROM tokens
WHERE model_id = ? AND kind = 'value' AND n_records > 0 ORDER BY n_records DESC, column_name, token"""


def draw_run(store: Store, model: Model | None, gathered: Gathered) -> list[Chart]:
    """Draw what there is to draw of a run.

    Parameters
    ----------
    store : Store
        The open store.
    model : Model or None
        The model that scored; None when it was pruned.
    gathered : Gathered
        What is known of the run.
    """
    charts, moments = list[Chart](), gathered.moments
    if len(moments) > 1 and min(moments) < max(moments):
        charts.append(chart_of_times(moments, gathered.time or "time"))
    charts += _scores(store, model, gathered.run["run_id"], gathered.run["n_scored"])
    if gathered.drivers.height:
        charts.append(chart_of_columns(*(gathered.drivers[name].to_list() for name in gathered.drivers.columns)))
    charts += _values(store, gathered)
    return charts


def _scores(store: Store, model: Model | None, run_id: int, n_scored: int) -> Iterator[Chart]:
    low, high, threshold = store.rows(ENDS, [run_id])[0]
    if low is None:  # nothing was scored, or its scores are too old to be kept
        return
    grid = np.linspace(low, max(high, low + 1e-9), POINTS)
    shares = store.frame(SHARES, {"run": run_id, "n": max(n_scored, 1), "grid": grid.tolist()})["share"].to_list()
    reference = None if model is None else model.calibration.tail_probability(grid).tolist()
    yield chart_of_scores(grid.tolist(), shares, reference, threshold)


def _values(store: Store, gathered: Gathered) -> Iterator[Chart]:
    """Draw a map of the most frequent values, and of those of the first flags."""
    found = store.frame(VALUES, [gathered.run["model_id"]])
    first = gathered.parts.filter((pl.col("rank") <= MARKED_FLAGS) & (pl.col("contribution") > 0))
    marked = set(first.group_by("rank", maintain_order=True).head(2).select("column_name", "value").iter_rows())
    is_marked = [pair in marked for pair in found.select("column_name", "token").iter_rows()]
    found = found.with_columns(marked=pl.Series(is_marked, dtype=pl.Boolean), at=pl.int_range(pl.len()))
    shown = found.filter((pl.col("at") < MOST_MAPPED) | pl.col("marked"))
    vectors = np.array(shown["embedding"].to_list(), np.float32)
    if len(vectors) > 2 and vectors.ndim == 2 and np.abs(vectors).max() > 0:
        names = [f"{column}={token}" for column, token in shown.select("column_name", "token").iter_rows()]
        yield chart_of_values(project(vectors, "pca", 0).places, shown["marked"].to_list(), names)
