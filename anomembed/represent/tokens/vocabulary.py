"""Turn records into tokens: ``column=value``, a bin of a number, an hour of the day.

Every column has three tokens that are not values, and that mean three different things: MISSING (the value is null),
RARE (seen in the reference, but fewer than `min_count` times) and UNSEEN (never seen in the reference).
"""

from dataclasses import dataclass
from enum import IntEnum, StrEnum
from functools import cached_property

import numpy as np
import polars as pl
from numpy.typing import NDArray

from anomembed.represent.tokens.templates import PARAMETER, Templates, parse_messages, read_templates
from anomembed.represent.vectors import is_known, vector_matrix

Tokens = NDArray[np.int32]
"""Token ids, shape (n_records, n_columns)."""


class Special(IntEnum):
    """Places of the tokens that are not values, at the start of every column's tokens."""

    MISSING = 0
    RARE = 1
    UNSEEN = 2


FIRST_VALUE = len(Special)
SPECIAL_LABELS = ("(missing)", "(rare)", "(unseen)")


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
