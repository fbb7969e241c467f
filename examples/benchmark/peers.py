"""Plain detectors that see the same table and the same reference records as anomembed; none of them is tuned."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache

import numpy as np
import polars as pl
from pyod.models.base import BaseDetector
from pyod.models.hbos import HBOS
from pyod.models.iforest import IForest
from pyod.models.knn import KNN
from scipy import sparse

BINS = 16
ONE_HOT_VALUES = 64  # per column; rarer values share one place
DETECTORS = {  # with the number of reference records that each may learn from
    "IForest": (lambda: IForest(random_state=0), 100_000),
    "HBOS": (HBOS, 100_000),
    "KNN": (KNN, 8_000),
}
BATCH = 50_000


@dataclass(frozen=True)
class Problem:
    """A table as numbers; rows are records."""

    codes: np.ndarray
    """(n_records, n_categories) of int, from 0 in every column."""
    numbers: np.ndarray
    """(n_records, n_numbers) of float, NaN where missing."""
    reference: np.ndarray
    """Rows that define normal."""
    scored: np.ndarray
    """Rows to be scored."""
    entity: int | None
    """Which column of the codes says who acts, if any does."""


def read_problem(frame: pl.DataFrame, options: tuple[str, ...]) -> Problem:
    """Sort the columns by type, unless the options of the scan say otherwise; a time is an hour and a weekday."""
    said = dict(zip(options[1::2], options[::2], strict=True))
    judged = frame.drop("record", "part", *(c.name for c in frame if not c.count()), strict=False)  # nor empty ones
    times = [c for c in judged.columns if judged[c].dtype == pl.Datetime]
    numeric = [c for c in judged.columns if judged[c].dtype.is_numeric()]
    numbers = [c for c in numeric if said.get(c) not in ("--category", "--entity")]
    parts = [part for c in times for part in (pl.col(c).dt.hour(), pl.col(c).dt.weekday().alias(f"{c} weekday"))]
    categories = judged.drop(numbers).with_columns(parts)  # the hour takes the place of the time
    codes = categories.select(pl.all().cast(pl.String).fill_null("(missing)").rank("dense") - 1).to_numpy()
    part = frame["part"] if "part" in frame.columns else None
    everything = np.arange(frame.height)
    return Problem(
        codes=codes.astype(np.int32),
        numbers=judged.select(pl.col(numbers).cast(pl.Float64)).to_numpy().reshape(frame.height, len(numbers)),
        reference=everything if part is None else np.flatnonzero(part == "fit"),
        scored=everything if part is None else np.flatnonzero(part == "score"),
        entity=next((i for i, c in enumerate(categories.columns) if said.get(c) == "--entity"), None),
    )


def score_peers(problem: Problem) -> Iterator[tuple[str, Callable[[], np.ndarray]]]:
    """Give each peer that can judge the problem, as a name and a function: () -> (n_scored,), high = abnormal."""
    yield "marginal rarity", lambda: marginal_rarity(problem)
    if not problem.numbers.size:
        yield "CBRW", lambda: coupled_walk(problem)
    if problem.entity is not None and problem.numbers.size:
        yield "own past", lambda: own_past(problem)
    for name, (make, most) in DETECTORS.items():
        yield name, lambda make=make, most=most: detect(problem, make(), most)


@cache
def warm_up() -> None:
    """Have the detectors load and compile, outside the measured time, what they need at first use."""
    noise = np.random.default_rng(0).random((50, 5), np.float32)
    for make, _ in DETECTORS.values():
        make().fit(noise).decision_function(noise)


def marginal_rarity(problem: Problem) -> np.ndarray:
    """Sum, over the columns, the negative log frequency that a value or a bin has in the reference."""
    rarity = np.zeros(len(problem.scored))
    for column in (*problem.codes.T, *(_bin(numbers, problem.reference) for numbers in problem.numbers.T)):
        count = np.bincount(column[problem.reference], minlength=column.max() + 1) + 0.5
        rarity -= np.log(count / (len(problem.reference) + 1))[column[problem.scored]]
    return rarity


def _bin(numbers: np.ndarray, reference: np.ndarray) -> np.ndarray:
    """Cut at the quantiles of the reference; a missing number has a bin of its own."""
    edges = np.unique(np.nanquantile(numbers[reference], np.arange(1, BINS) / BINS))
    return np.where(np.isnan(numbers), len(edges) + 1, np.searchsorted(edges, numbers, side="right"))


def coupled_walk(problem: Problem, damping: float = 0.95, steps: int = 100) -> np.ndarray:
    """CBRW (Pang, Cao, Chen: IJCAI 2016): a value is outlying if it is rare and occurs with outlying values.

    A walk goes from value to value, rather to those that are rare for their column and tied to the present one; how
    often it comes by is a value's outlierness, and a column counts in proportion to the sum of its values.
    """
    sizes = problem.codes.max(axis=0) + 1
    starts, column_of = np.cumsum(sizes) - sizes, np.repeat(np.arange(len(sizes)), sizes)
    values = problem.codes + starts
    known = values[problem.reference]
    rows = np.repeat(np.arange(len(known)), len(sizes))
    occurs = sparse.csr_array((np.ones(known.size), (rows, known.ravel())), shape=(len(known), len(column_of)))
    together = (occurs.T @ occurs).tocoo()
    count = occurs.sum(axis=0)
    mode = np.maximum.reduceat(count, starts)[column_of]
    outlying = ((mode - count) / mode + 1 - mode / len(known)) / 2
    apart = together.row != together.col  # two values of one column are never together
    source, target = together.row[apart], together.col[apart]
    strength = together.data[apart] / count[target] * outlying[target]
    leaving = np.maximum(np.bincount(source, strength, minlength=len(count)), 1e-12)
    walk = sparse.csr_array((strength / leaving[source], (target, source)), shape=together.shape)
    visits = np.full(len(count), 1 / len(count))
    for _ in range(steps):
        visits = (1 - damping) / len(count) + damping * (walk @ visits)
    relevance = np.bincount(column_of, visits)
    return visits[values[problem.scored]] @ (relevance / relevance.sum())


def own_past(problem: Problem) -> np.ndarray:
    """Measure how far a number is from its entity's mean, in standard deviations; the farthest number counts."""
    entity, numbers = problem.codes[:, problem.entity], problem.numbers
    past, who, size = entity[problem.reference], entity[problem.scored], entity.max() + 1
    count = np.maximum(np.bincount(past, minlength=size), 1)
    distances = []
    for known, number in zip(numbers[problem.reference].T, numbers[problem.scored].T, strict=True):
        mean = np.bincount(past, known, minlength=size) / count
        spread = np.sqrt(np.bincount(past, (known - mean[past]) ** 2, minlength=size) / count)
        distances.append(np.abs(number - mean[who]) / (spread[who] + 0.01 * known.std() + 1e-9))
    return np.where(np.isin(who, past), np.max(distances, axis=0), 0)  # somebody new has no past to differ from


def detect(problem: Problem, detector: BaseDetector, most: int) -> np.ndarray:
    """Let a PyOD detector learn from at most so many reference records; it scores equal records once."""
    places, width = _one_hot_places(problem.codes, problem.reference)
    compact = np.hstack([places, _standardise(problem.numbers, problem.reference)], dtype=np.float32)
    reference = problem.reference
    if len(reference) > most:
        reference = np.random.default_rng(0).choice(reference, most, replace=False)
    detector.fit(_spread_out(compact[reference], places.shape[1], width))
    distinct, place = np.unique(compact[problem.scored], axis=0, return_inverse=True)
    batches = (distinct[start : start + BATCH] for start in range(0, len(distinct), BATCH))
    scores = [detector.decision_function(_spread_out(batch, places.shape[1], width)) for batch in batches]
    return np.nan_to_num(np.concatenate(scores), posinf=1e18)[place.ravel()]


def _one_hot_places(codes: np.ndarray, reference: np.ndarray) -> tuple[np.ndarray, int]:
    """Place every value in a one-hot vector, those that are not frequent in their column together; and its width."""
    places, width = np.empty_like(codes), 0
    for i, column in enumerate(codes.T):
        count = np.bincount(column[reference], minlength=column.max() + 1)
        rank = np.argsort(np.argsort(-count, kind="stable"))
        places[:, i] = width + np.minimum(rank, ONE_HOT_VALUES)[column]
        width += min(len(count), ONE_HOT_VALUES) + 1
    return places, width


def _standardise(numbers: np.ndarray, reference: np.ndarray) -> np.ndarray:
    """Take signed logs in units of the reference's spread; where that is none, as they are."""
    logs = np.sign(numbers) * np.log1p(np.abs(numbers))
    if not logs.size:
        return logs
    mean, spread = np.nanmean(logs[reference], axis=0), np.nanstd(logs[reference], axis=0)
    return np.nan_to_num((logs - mean) / np.where(spread > 1e-9, spread, 1))


def _spread_out(compact: np.ndarray, categories: int, width: int) -> np.ndarray:
    """Turn places into a one-hot matrix, beside the numbers."""
    one_hot = np.zeros((len(compact), width), np.float32)
    np.put_along_axis(one_hot, compact[:, :categories].astype(np.intp), 1, axis=1)
    return np.hstack([one_hot, compact[:, categories:]])
