"""Turn records into tokens: ``column=value``, a bin of a number, an hour of the day.

Every column has three tokens that are not values, and that mean three different things: MISSING (the value is null),
RARE (seen in the reference, but fewer than `min_count` times) and UNSEEN (never seen in the reference).
"""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import IntEnum, StrEnum
from functools import cached_property
from itertools import pairwise

import numpy as np
import polars as pl
from numpy.typing import NDArray

from anomembed.represent.templates import PARAMETER, Templates, parse_messages, read_templates
from anomembed.represent.vectors import is_known, vector_matrix

Tokens = NDArray[np.int32]
"""Token ids, shape (n_records, n_columns)."""


class Special(IntEnum):
    """Places of the tokens that are not values, at the start of every column's tokens."""

    MISSING = 0
    RARE = 1
    UNSEEN = 2


FIRST_VALUE = len(Special)
WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")


class Kind(StrEnum):
    """Where a column's tokens come from."""

    VALUE = "value"
    BIN = "bin"
    HOUR = "hour"
    WEEKDAY = "weekday"
    TEMPLATE = "template"
    VECTOR = "vector"


@dataclass(frozen=True)
class ColumnTokens:
    """The tokens of one column.

    Parameters
    ----------
    name : str
        Name of the tokens; of a timestamp's parts, ``at hour`` and ``at weekday``.
    source : str
        Column of the frame that they are read from.
    kind : Kind
        How they are read.
    labels : tuple of str
        What each token is called; the first three are the special ones.
    counts : ndarray of shape (n_tokens,)
        Reference records with each token. For RARE, the mean count of the values behind it.
    values : pl.Series
        Values seen in the reference, as text, most frequent first; empty but for categories.
    codes : ndarray of shape (len(values),)
        Token of each value: its own, or RARE.
    edges : ndarray
        Ascending inner edges of the bins, the reference's range at both ends; empty but for numbers.
    unknown : Special
        What a value that is not in `values` becomes: UNSEEN, or RARE when not all values could be kept.
    n_records : int
        Reference records counted.
    templates : Templates or None
        Of messages, those that `codes` are the tokens of; None for all other kinds.
    """

    name: str
    source: str
    kind: Kind
    labels: tuple[str, ...]
    counts: NDArray[np.float64]
    values: pl.Series
    codes: NDArray[np.int32]
    edges: NDArray[np.float64]
    unknown: Special
    n_records: int
    templates: Templates | None = None

    @property
    def is_of_message(self) -> bool:
        """Whether these are templates of messages, or a parameter of them."""
        return self.kind is Kind.TEMPLATE or self.source.startswith(PARAMETER)

    def encode(self, frame: pl.DataFrame) -> NDArray[np.int32]:
        """Return the token of each record, numbered from 0 within this column; shape (n_records,)."""
        column = frame[self.source]
        if self.kind is Kind.VALUE:
            known = column.replace_strict(self.values, self.codes, default=int(self.unknown), return_dtype=pl.Int32)
            codes = known.to_numpy().astype(np.int32)
        elif self.kind is Kind.BIN:
            numbers = column.to_numpy()
            codes = (FIRST_VALUE + np.searchsorted(self.edges, numbers, side="right")).astype(np.int32)
            return np.where(np.isnan(numbers), np.int32(Special.MISSING), codes)
        elif self.kind is Kind.VECTOR:
            is_there = is_known(vector_matrix(column))
            return np.where(is_there, np.int32(FIRST_VALUE), np.int32(Special.MISSING))
        elif self.templates is not None:
            template = read_templates(frame, self.source, self.templates)
            codes = np.append(self.codes, np.int32(self.unknown))[template]
        else:
            part = column.dt.hour() if self.kind is Kind.HOUR else column.dt.weekday() - 1
            codes = FIRST_VALUE + part.fill_null(0).to_numpy().astype(np.int32)
        codes[column.is_null().to_numpy()] = Special.MISSING
        return codes

    def typical(self) -> NDArray[np.float64]:
        """Return a number that each token stands for, the lower end of its bin; NaN for none; shape (n_tokens,)."""
        numbers = np.full(len(self.labels), np.nan)
        if len(self.edges):
            numbers[FIRST_VALUE:] = self.edges[[0, *range(len(self.edges))]]
        return numbers

    def surprise(self) -> NDArray[np.float64]:
        """Return -log of each token's share of the reference, in nats; high = rare; shape (n_tokens,).

        Half a record is added to every count, so that an unseen token has a finite surprise.
        """
        return -np.log((self.counts + 0.5) / (self.n_records + 1.0))


@dataclass(frozen=True)
class Vocabulary:
    """The tokens of all columns, numbered one after the other."""

    columns: tuple[ColumnTokens, ...]

    @cached_property
    def offsets(self) -> NDArray[np.int32]:
        """First token id of every column, and the number of tokens at the end; shape (n_columns + 1,)."""
        return np.cumsum([0, *(len(column.labels) for column in self.columns)], dtype=np.int32)

    @property
    def size(self) -> int:
        """Number of tokens."""
        return int(self.offsets[-1])

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the columns."""
        return tuple(column.name for column in self.columns)

    def parse(self, frame: pl.DataFrame) -> pl.DataFrame:
        """Return `frame` with what is read out of its messages; it stays as it is when that is there already."""
        for column in self.columns:
            if column.templates is not None:
                wanted = {name for name in (other.source for other in self.columns) if name.startswith(PARAMETER)}
                frame = parse_messages(frame, column.source, column.templates, wanted)
        return frame

    def encode(self, frame: pl.DataFrame) -> Tokens:
        """Return the token ids of the records of `frame`, shape (n_records, n_columns)."""
        frame = self.parse(frame)
        tokens = np.empty((frame.height, len(self.columns)), np.int32)
        for place, (column, offset) in enumerate(zip(self.columns, self.offsets, strict=False)):
            tokens[:, place] = column.encode(frame) + offset
        return tokens

    def surprise(self) -> NDArray[np.float32]:
        """Return the surprise of every token in nats; high = rare; shape (size,)."""
        return np.concatenate([column.surprise() for column in self.columns]).astype(np.float32)

    def counts(self) -> NDArray[np.float64]:
        """Return the reference records with every token, shape (size,)."""
        return np.concatenate([column.counts for column in self.columns])

    def special(self, token: int) -> Special | None:
        """Return which special token this is, or None for a value."""
        place = int(np.searchsorted(self.offsets, token, side="right")) - 1
        within = token - int(self.offsets[place])
        return Special(within) if within < FIRST_VALUE else None

    def label(self, token: int) -> str:
        """Return the value that a token id stands for, such as ``grocery`` or ``12.5 to 20``."""
        place = int(np.searchsorted(self.offsets, token, side="right")) - 1
        return self.columns[place].labels[token - int(self.offsets[place])]


MIN_BINS = 4  # of the values of a number that do not fill a bin alone
SPECIAL_LABELS = ("(missing)", "(rare)", "(unseen)")


def count_values(values: pl.Series, most: int) -> tuple[pl.DataFrame, int, int]:
    """Count the values of a column in memory, as `Table.value_counts` does in the source.

    Parameters
    ----------
    values : pl.Series
        Text; null where it is missing.
    most : int
        How many of the most frequent values to return.

    Returns
    -------
    counts : pl.DataFrame
        ``value`` and ``n_records``, most frequent first, ties by value; nulls left out.
    n_other : int
        Records with a value beyond the first `most`.
    n_missing : int
        Records where the value is null.
    """
    counts = values.rename("value").drop_nulls().value_counts(name="n_records")
    counts = counts.cast({"n_records": pl.Int64}).sort("n_records", "value", descending=[True, False])
    return counts.head(most), int(counts["n_records"][most:].sum()), values.null_count()


def category_tokens(name: str, counts: pl.DataFrame, n_other: int, n_missing: int, min_count: int) -> ColumnTokens:
    """Make the tokens of a categorical column.

    Parameters
    ----------
    name : str
        The column.
    counts : pl.DataFrame
        ``value`` (text) and ``n_records``, most frequent first.
    n_other : int
        Records whose value is not in `counts` because there are too many values.
    n_missing : int
        Records where it is null.
    min_count : int
        Values seen less often become RARE.

    Returns
    -------
    ColumnTokens
    """
    seen = counts["n_records"].to_numpy().astype(np.float64)
    kept = int((seen >= min_count).sum())
    codes = np.where(np.arange(len(seen)) < kept, FIRST_VALUE + np.arange(len(seen)), Special.RARE).astype(np.int32)
    rare = seen[kept:].mean() if kept < len(seen) else float(n_other > 0)
    return ColumnTokens(
        name=name,
        source=name,
        kind=Kind.VALUE,
        labels=(*SPECIAL_LABELS, *counts["value"][:kept].to_list()),
        counts=np.array([n_missing, rare, 0, *seen[:kept]], np.float64),
        values=counts["value"],
        codes=codes,
        edges=np.empty(0),
        unknown=Special.RARE if n_other else Special.UNSEEN,
        n_records=int(seen.sum()) + n_other + n_missing,
    )


def template_tokens(name: str, templates: Templates, n_other: int, n_missing: int, min_count: int) -> ColumnTokens:
    """Make the tokens of a column of messages: one per template.

    Parameters
    ----------
    name : str
        The column.
    templates : Templates
        Of the reference.
    n_other : int
        Records whose message has no template because there are too many.
    n_missing : int
        Records where it is null.
    min_count : int
        Templates seen less often become RARE.

    Returns
    -------
    ColumnTokens
    """
    counts = pl.DataFrame({"value": templates.labels, "n_records": templates.counts.astype(np.int64)})
    column = category_tokens(name, counts, n_other, n_missing, min_count)
    return replace(column, kind=Kind.TEMPLATE, templates=templates)


def number_tokens(name: str, numbers: NDArray[np.float64], bins: int) -> ColumnTokens:
    """Make the tokens of a number: quantile bins, and one bin below and one above the reference's range.

    Parameters
    ----------
    name : str
        The column.
    numbers : ndarray of shape (n_records,)
        The reference; NaN where it is missing. Infinities lie outside of every range.
    bins : int
        Number of bins between the ends; a value that alone fills a bin gets one for itself.

    Returns
    -------
    ColumnTokens
    """
    known = np.sort(numbers[np.isfinite(numbers)])
    edges = _bin_edges(known, bins)
    labels = _bin_labels(edges)
    column = ColumnTokens(
        name=name,
        source=name,
        kind=Kind.BIN,
        labels=(*SPECIAL_LABELS, *labels),
        counts=np.zeros(FIRST_VALUE + len(labels)),
        values=pl.Series(dtype=pl.String),
        codes=np.empty(0, np.int32),
        edges=edges,
        unknown=Special.UNSEEN,
        n_records=len(numbers),
    )
    return _counted(column, pl.DataFrame({name: numbers}))


def _bin_edges(known: NDArray[np.float64], bins: int) -> NDArray[np.float64]:
    """Heavy values have a bin each; quantiles cut the others, so that a number that is mostly 0 still has bins."""
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
    inner = [
        f"{low:.6g}" if np.nextafter(low, np.inf) == high else f"{low:.6g} to {high:.6g}"
        for low, high in pairwise(edges.tolist())
    ]
    return [f"below {edges[0]:.6g}", *inner, f"above {edges[-1]:.6g}"]


def time_tokens(source: str, moments: pl.Series) -> list[ColumnTokens]:
    """Make the tokens of a timestamp: hour of the day and day of the week.

    A part that never varies is left out, and one whose period is longer than the reference: within one week the days
    are no habit, only the course of events. Where a time can be null the hour stays all the same: it has the token that
    says so.

    Parameters
    ----------
    source : str
        The column.
    moments : pl.Series
        The reference, of type Datetime; null where it is missing.

    Returns
    -------
    list of ColumnTokens
    """
    frame = pl.DataFrame({source: moments})
    first, last = moments.min(), moments.max()
    span = last - first if isinstance(first, datetime) and isinstance(last, datetime) else timedelta()
    parts = {
        Kind.HOUR: (tuple(f"{hour:02d}h" for hour in range(24)), timedelta(days=1)),
        Kind.WEEKDAY: (WEEKDAYS, timedelta(weeks=1)),
    }
    columns = []
    for kind, (labels, period) in parts.items():
        if span <= period and not (kind is Kind.HOUR and moments.null_count()):
            continue
        column = ColumnTokens(
            name=f"{source} {kind}",
            source=source,
            kind=kind,
            labels=(*SPECIAL_LABELS, *labels),
            counts=np.zeros(FIRST_VALUE + len(labels)),
            values=pl.Series(dtype=pl.String),
            codes=np.empty(0, np.int32),
            edges=np.empty(0),
            unknown=Special.UNSEEN,
            n_records=len(moments),
        )
        counted = _counted(column, frame)
        if (counted.counts > 0).sum() > 1:
            columns.append(counted)
    return columns


def vector_tokens(name: str, vectors: pl.Series) -> ColumnTokens:
    """Make the tokens of a column of vectors: it is there, or MISSING.

    Parameters
    ----------
    name : str
        The column.
    vectors : pl.Series
        The reference, of type Array(Float32); null where it is missing.
    """
    width = vectors.dtype.shape[0] if isinstance(vectors.dtype, pl.Array) else 0
    column = ColumnTokens(
        name=name,
        source=name,
        kind=Kind.VECTOR,
        labels=(*SPECIAL_LABELS, f"{width} numbers"),
        counts=np.zeros(FIRST_VALUE + 1),
        values=pl.Series(dtype=pl.String),
        codes=np.empty(0, np.int32),
        edges=np.empty(0),
        unknown=Special.UNSEEN,
        n_records=len(vectors),
    )
    return _counted(column, pl.DataFrame({name: vectors}))


def _counted(column: ColumnTokens, frame: pl.DataFrame) -> ColumnTokens:
    counts = np.bincount(column.encode(frame), minlength=len(column.labels)).astype(np.float64)
    return ColumnTokens(**{**vars(column), "counts": counts})


def distinct(tokens: Tokens) -> tuple[Tokens, NDArray[np.int64], NDArray[np.int64]]:
    """Find the distinct records, in the order of their first appearance.

    Parameters
    ----------
    tokens : ndarray of shape (n_records, n_columns)
        Token ids.

    Returns
    -------
    rows : ndarray of shape (n_distinct, n_columns)
        The distinct records.
    place : ndarray of shape (n_records,)
        Row of each record in `rows`.
    times : ndarray of shape (n_distinct,)
        Records with each row.
    """
    # Told apart by a 64-bit hash: two of a million distinct records share one with a chance of 3e-8.
    rng = np.random.default_rng(0)
    odd: NDArray[np.uint64] = rng.integers(1, 2**63, (tokens.shape[1],), dtype=np.uint64) | np.uint64(1)
    hashes = np.zeros(len(tokens), np.uint64)
    for column, multiplier in zip(tokens.T, odd, strict=True):
        hashes += (column.astype(np.uint64) + np.uint64(1)) * multiplier
    _, first, place, times = np.unique(hashes, return_index=True, return_inverse=True, return_counts=True)
    order = np.argsort(first, kind="stable")
    rank = np.empty_like(order)
    rank[order] = np.arange(len(order))
    return tokens[first[order]], rank[place], times[order]


def look_up(keys: NDArray[np.int64], values: NDArray[np.float64], wanted: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return the value of each wanted key, 0 where it is not among the ascending `keys`."""
    if not len(keys):
        return np.zeros(len(wanted))
    place, is_known = find_keys(keys, wanted)
    return np.where(is_known, values[place], 0.0)


def find_keys(keys: NDArray[np.int64], wanted: NDArray[np.int64]) -> tuple[NDArray[np.intp], NDArray[np.bool_]]:
    """Return where each wanted key is among the ascending `keys`, any place when it is not, and whether it is."""
    place = np.minimum(np.searchsorted(keys, wanted), max(len(keys) - 1, 0))
    return place, keys[place] == wanted if len(keys) else np.zeros(len(wanted), bool)
