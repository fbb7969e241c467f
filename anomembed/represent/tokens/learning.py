"""Learn the tokens of a column from the reference: its values, the bins of its numbers, the parts of its times."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import pairwise

import numpy as np
import polars as pl
from numpy.typing import NDArray

from anomembed.represent.tokens.characters import learn_characters
from anomembed.represent.tokens.confusables import learn_confusable
from anomembed.represent.tokens.kinds import FIRST_VALUE, SPECIAL_LABELS, TRAITS, Kind, Special
from anomembed.represent.tokens.templates import Templates
from anomembed.represent.tokens.value_counts import ValueCounts
from anomembed.represent.tokens.vocabulary import ColumnTokens

FEWEST_DIGITS = 6  # of the edges of a bin; more where edges would otherwise look equal
LONG_GAP = 2.0  # hours without a record that part it from the others
MANY_GAPS = 50.0  # mean gaps; chance leaves one this long once in e**50
MIN_BINS = 4  # of the values of a number that do not fill a bin alone


def category_tokens(name: str, counted: ValueCounts, min_count: int) -> ColumnTokens:
    """Make the tokens of a categorical column.

    Parameters
    ----------
    name : str
        The column.
    counted : ValueCounts
        Its values.
    min_count : int
        Rarer values become RARE.

    Returns
    -------
    ColumnTokens
    """
    counts, n_other = counted.counts, counted.n_other
    seen = counts["n_records"].to_numpy().astype(np.float64)
    kept = int((seen >= min_count).sum())
    codes = np.where(np.arange(len(seen)) < kept, FIRST_VALUE + np.arange(len(seen)), Special.RARE).astype(np.int32)
    rare = seen[kept:].mean() if kept < len(seen) else float(n_other > 0)
    return ColumnTokens(
        name=name,
        source=name,
        kind=Kind.VALUE,
        labels=(*SPECIAL_LABELS, *counts["value"][:kept].to_list()),
        counts=np.array([counted.n_missing, rare, 0, *seen[:kept]], np.float64),
        values=counts["value"],
        codes=codes,
        edges=np.empty(0),
        unknown=Special.RARE if n_other else Special.UNSEEN,
        n_records=int(seen.sum()) + n_other + counted.n_missing,
        characters=learn_characters(counts["value"]),
        confusable=learn_confusable(counts["value"], seen),
    )


def with_usual_spellings(column: ColumnTokens, usual: Mapping[str, str]) -> ColumnTokens:
    """Return a column whose values are shown as they are usually spelled, not as they count."""
    return replace(column, labels=tuple(usual.get(label, label) for label in column.labels))


def template_tokens(name: str, templates: Templates, n_other: int, n_missing: int, min_count: int) -> ColumnTokens:
    """Make the tokens of a column of messages: one per template.

    Parameters
    ----------
    name : str
        The column.
    templates : Templates
        Of the reference.
    n_other : int
        Records whose message has no template because there were too many.
    n_missing : int
        Records where it is null.
    min_count : int
        Rarer templates become RARE.

    Returns
    -------
    ColumnTokens
    """
    counts = pl.DataFrame({"value": templates.labels, "n_records": templates.counts.astype(np.int64)})
    column = category_tokens(name, ValueCounts(counts, n_other, n_missing), min_count)
    return replace(column, kind=Kind.TEMPLATE, templates=templates)


def number_tokens(name: str, numbers: NDArray[np.float64], bins: int) -> ColumnTokens:
    """Make the tokens of a number: quantile bins, and one bin below and one above the reference's range.

    Parameters
    ----------
    name : str
        The column.
    numbers : ndarray of shape (n_records,)
        The reference; NaN where missing. Infinities are outside every range.
    bins : int
        Number of bins between the ends; a value frequent enough to fill a bin has one of its own.

    Returns
    -------
    ColumnTokens
    """
    known = np.sort(numbers[np.isfinite(numbers)])
    edges = _bin_edges(known, bins)
    return _counted(name, Kind.BIN, pl.DataFrame({name: numbers}), _bin_labels(edges), edges=edges)


def _bin_edges(known: NDArray[np.float64], bins: int) -> NDArray[np.float64]:
    """Frequent values have a bin each, and quantiles cut the others: a number that is mostly 0 still has bins."""
    if not len(known):
        return np.empty(0)
    values, times = np.unique(known, return_counts=True)
    is_heavy = times >= len(known) / bins
    if len(values) <= bins:
        is_heavy[:] = True
    heavy, rest = values[is_heavy], np.repeat(values[~is_heavy], times[~is_heavy])
    n_rest = max(MIN_BINS, round(bins * len(rest) / len(known)))
    quantiles = np.quantile(rest, np.linspace(0, 1, n_rest + 1)[:-1], method="lower") if len(rest) else np.empty(0)
    return np.unique(np.concatenate([quantiles, heavy, np.nextafter(heavy, np.inf), np.nextafter(known[[-1]], np.inf)]))


def _bin_labels(edges: NDArray[np.float64]) -> list[str]:
    if not len(edges):
        return ["(any)"]
    own = edges[np.append(True, edges[1:] != np.nextafter(edges[:-1], np.inf))]
    digits = next((n for n in range(FEWEST_DIGITS, 17) if len({f"{edge:.{n}g}" for edge in own}) == len(own)), 17)
    shown = [f"{edge:.{digits}g}" for edge in edges]
    inner = [
        shown[index] if np.nextafter(low, np.inf) == high else f"{shown[index]} to {shown[index + 1]}"
        for index, (low, high) in enumerate(pairwise(edges.tolist()))
    ]
    return [f"below {shown[0]}", *inner, f"above {shown[-1]}"]


def time_tokens(source: str, moments: pl.Series) -> list[ColumnTokens]:
    """Make the tokens of a timestamp: hour of the day and day of the week.

    A part that never varies is left out, and so is one whose period is longer than the reference: within one week the
    days are not a habit. The hour is kept regardless when a time can be null, for its token MISSING, and when some
    records are hours away from all others, which is no chance: the beginning and the end of a day are not.

    Parameters
    ----------
    source : str
        The column.
    moments : pl.Series
        The reference, of type Datetime; null where missing.

    Returns
    -------
    list of ColumnTokens
    """
    frame = pl.DataFrame({source: moments})
    first, last = moments.min(), moments.max()
    span = last - first if isinstance(first, datetime) and isinstance(last, datetime) else timedelta()
    columns = []
    for kind, traits in TRAITS.items():
        is_kept = kind is Kind.HOUR and (moments.null_count() or _has_gap(moments))
        if traits.period is None or (span <= traits.period and not is_kept):
            continue
        column = _counted(source, kind, frame, traits.labels, name=f"{source} {kind}")
        if (column.counts > 0).sum() > 1:
            columns.append(column)
    return columns


def _has_gap(moments: pl.Series) -> bool:
    """Tell whether hours pass without a record, more than chance explains at the pace of the others."""
    gaps = np.diff(np.sort(moments.drop_nulls().dt.epoch("us").to_numpy())) / 3.6e9
    if len(gaps) < MANY_GAPS:
        return False
    longest = float(gaps.max())
    return longest >= LONG_GAP and longest >= MANY_GAPS * (gaps.sum() - longest) / len(gaps)


def vector_tokens(name: str, vectors: pl.Series) -> ColumnTokens:
    """Make the tokens of a column of vectors: one for a vector, and MISSING.

    Parameters
    ----------
    name : str
        The column.
    vectors : pl.Series
        The reference, of type Array(Float32); null where missing.
    """
    width = vectors.dtype.shape[0] if isinstance(vectors.dtype, pl.Array) else 0
    return _counted(name, Kind.VECTOR, pl.DataFrame({name: vectors}), (f"{width} numbers",))


def identifier_tokens(name: str, texts: pl.Series) -> list[ColumnTokens]:
    """Make the tokens of a column in which nearly every record has its own text: one for all, and MISSING.

    Parameters
    ----------
    name : str
        The column.
    texts : pl.Series
        The reference; null where missing.

    Returns
    -------
    list of ColumnTokens
        Empty when there are too few texts to tell how they are written, and none is missing.
    """
    characters = learn_characters(texts)
    if characters is None and not texts.null_count():
        return []
    column = _counted(name, Kind.IDENTIFIER, pl.DataFrame({name: texts}), ("its own",))
    return [replace(column, characters=characters)]


def _counted(
    source: str,
    kind: Kind,
    frame: pl.DataFrame,
    labels: Sequence[str],
    *,
    name: str = "",
    edges: NDArray[np.float64] | None = None,
) -> ColumnTokens:
    """Make the tokens of a column whose labels are known, and count them in the reference."""
    column = ColumnTokens(
        name=name or source,
        source=source,
        kind=kind,
        labels=(*SPECIAL_LABELS, *labels),
        counts=np.zeros(FIRST_VALUE + len(labels)),
        values=pl.Series(dtype=pl.String),
        codes=np.empty(0, np.int32),
        edges=np.empty(0) if edges is None else edges,
        unknown=Special.UNSEEN,
        n_records=frame.height,
    )
    counts = np.bincount(column.encode(frame), minlength=len(column.labels)).astype(np.float64)
    return replace(column, counts=counts)
