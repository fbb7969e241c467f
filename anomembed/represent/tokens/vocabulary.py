"""Turn records into tokens: ``column=value``, a bin of a number, an hour of the day.

Every column has three tokens that are not values: MISSING (the value is null), RARE (seen in the reference, but fewer
than `min_count` times) and UNSEEN (never seen in the reference).
"""

from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
import polars as pl
from numpy.typing import NDArray

from anomembed.represent.tokens.characters import Characters
from anomembed.represent.tokens.confusables import Confusables, frequent
from anomembed.represent.tokens.kinds import FIRST_VALUE, SPECIAL_LABELS, Codes, Kind, Special, show_value
from anomembed.represent.tokens.templates import PARAMETER, Templates, parse_messages

__all__ = ["FIRST_VALUE", "SPECIAL_LABELS", "ColumnTokens", "Kind", "Special", "Tokens", "Vocabulary"]

MOST_SINGLE = 0.01  # share of records whose value was seen once, below which such a value is rare

Tokens = NDArray[np.int32]
"""Token ids, shape (n_records, n_columns)."""


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
        Where they come from, and how they are read.
    labels : tuple of str
        Label of each token; the first three are the special ones.
    counts : ndarray of shape (n_tokens,)
        Reference records with each token. For RARE, the mean count of the values behind it.
    values : pl.Series
        Values seen in the reference, as text, most frequent first; empty unless categorical.
    codes : ndarray of shape (len(values),)
        Code of each value: its own, or RARE.
    edges : ndarray
        Ascending edges of the bins, including both ends of the reference's range; empty unless a number.
    unknown : Special
        Code of a value that is not in `values`: UNSEEN, or RARE when not all values could be kept.
    n_records : int
        Reference records counted.
    templates : Templates or None
        Templates of messages, in the order of `codes`; None for all other kinds.
    arriving : float, default=0.0
        Share of the records that bring a value which no earlier one has; 0 where few do.
    characters : Characters or None
        How its texts are written; None where they are few, or no texts.
    confusable : float, default=0.0
        How much evidence it is that a value may be mistaken for a frequent one, in nats; see `learn_confusable`.
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
    arriving: float = 0.0
    characters: Characters | None = None
    confusable: float = 0.0

    @cached_property
    def confusables(self) -> Confusables | None:
        """Its frequent values, found by what looks like them; None where that is no evidence."""
        return frequent(self.values, self.counts[self.codes]) if self.confusable > 0 else None

    @property
    def is_of_message(self) -> bool:
        """Whether these are templates of messages, or a parameter of them."""
        return self.kind is Kind.TEMPLATE or self.source.startswith(PARAMETER)

    @property
    def is_parameter(self) -> bool:
        """Whether these are a parameter of messages, which most messages may lack."""
        return self.is_of_message and self.kind is not Kind.TEMPLATE

    @property
    def is_habitual(self) -> bool:
        """Whether an entity can have a habit in it: a value or a part of time, not a bin, a vector or a message."""
        return self.kind.traits.is_habit and not self.is_of_message

    @property
    def is_single_news(self) -> bool:
        """Whether a value seen once is rare however small the table: hardly any other record has such a value."""
        return bool(np.count_nonzero(self.counts == 1) < MOST_SINGLE * self.n_records)

    @property
    def new_share(self) -> float:
        """Share of later records that are expected to have a value which the reference does not have.

        As many as have one that it has once [1]_, or more where values come and go.

        .. [1] Good: The population frequencies of species and the estimation of population parameters. Biometrika,
           1953.
        """
        n_once = np.count_nonzero(self.counts[FIRST_VALUE:] == 1) if self.kind.traits.is_text else 0
        return max(self.arriving, n_once / max(self.n_records, 1))

    def encode(self, frame: pl.DataFrame) -> Codes:
        """Return the code of each record: its token, numbered from 0 within this column; shape (n_records,)."""
        return self.kind.traits.encode(self, frame)

    def show(self, value: object, code: int) -> str:
        """Return a value as people see it; see `show_value`."""
        return show_value(self.kind, value, code, self.labels[code])

    def typical(self) -> NDArray[np.float64]:
        """Return a number for each token: the lower end of its bin, NaN without one; shape (n_tokens,)."""
        numbers = np.full(len(self.labels), np.nan)
        if len(self.edges):
            numbers[FIRST_VALUE:] = self.edges[[0, *range(len(self.edges))]]
        return numbers

    def middle(self) -> float:
        """Return the typical number of the bin that holds the median; NaN without bins or records."""
        reached = np.cumsum(self.counts[FIRST_VALUE:])
        if not len(self.edges) or not reached[-1]:
            return np.nan
        return float(self.typical()[FIRST_VALUE + np.searchsorted(reached, reached[-1] / 2)])

    def surprise(self) -> NDArray[np.float64]:
        """Return -log of each token's share of the reference, in nats; high = rare; shape (n_tokens,).

        Half a record is added to every count, so that an unseen token has a finite surprise; that has the share of the
        records that bring a new value, where many do.
        """
        counts = self.counts + 0.5
        counts[Special.UNSEEN] += self.arriving * self.n_records
        return -np.log(counts / (self.n_records + 1.0))


@dataclass(frozen=True)
class Vocabulary:
    """The tokens of all columns, numbered one after the other.

    Parameters
    ----------
    columns : tuple of ColumnTokens
        Those of each column.
    absent : ndarray of shape (n_calendar, n_tokens)
        For each token of the columns `calendar`, whether it did not come while a token was there; shape (0, 0) where
        nobody looked.
    """

    columns: tuple[ColumnTokens, ...]
    absent: NDArray[np.bool_] = field(default_factory=lambda: np.zeros((0, 0), bool))

    @cached_property
    def offsets(self) -> NDArray[np.int32]:
        """First token id of every column, and the number of tokens at the end; shape (n_columns + 1,)."""
        return np.cumsum([0, *(len(column.labels) for column in self.columns)], dtype=np.int32)

    @cached_property
    def column_of(self) -> NDArray[np.int64]:
        """Column of every token, shape (n_tokens,)."""
        return np.repeat(np.arange(len(self.columns)), np.diff(self.offsets))

    @cached_property
    def calendar(self) -> tuple[int, ...]:
        """Columns whose values come back after a time: hours, weekdays, parts of the month."""
        return tuple(at for at, column in enumerate(self.columns) if column.kind.traits.period)

    @cached_property
    def written(self) -> tuple[int, ...]:
        """Columns of which it is known how their texts are written."""
        return tuple(at for at, column in enumerate(self.columns) if column.characters)

    @cached_property
    def named(self) -> tuple[int, ...]:
        """Columns of which a value may be mistaken for a frequent one."""
        return tuple(at for at, column in enumerate(self.columns) if column.confusables)

    @property
    def size(self) -> int:
        """Number of tokens."""
        return int(self.offsets[-1])

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the columns."""
        return tuple(column.name for column in self.columns)

    @property
    def token_names(self) -> list[tuple[str, str]]:
        """Column and label of every token, in the order of their ids."""
        return [(column.name, label) for column in self.columns for label in column.labels]

    def parse(self, frame: pl.DataFrame) -> pl.DataFrame:
        """Return `frame` with the templates and parameters of its messages; unchanged when it has them already."""
        for column in self.columns:
            if column.templates is not None:
                wanted = {name for name in (other.source for other in self.columns) if name.startswith(PARAMETER)}
                frame = parse_messages(frame, column.source, column.templates, wanted)
        return frame

    def encode(self, frame: pl.DataFrame) -> Tokens:
        """Return the token ids of the records of `frame`, shape (n_records, n_columns)."""
        frame = self.parse(frame)
        tokens = np.empty((frame.height, len(self.columns)), np.int32)
        for index, (column, offset) in enumerate(zip(self.columns, self.offsets, strict=False)):
            tokens[:, index] = column.encode(frame) + offset
        return tokens

    def surprise(self) -> NDArray[np.float32]:
        """Return the surprise of every token in nats; high = rare; shape (size,)."""
        return np.concatenate([column.surprise() for column in self.columns]).astype(np.float32)

    def counts(self) -> NDArray[np.float64]:
        """Return the reference records with every token, shape (size,)."""
        return np.concatenate([column.counts for column in self.columns])

    def shares(self) -> NDArray[np.float64]:
        """Return the share of the reference records with every token, shape (size,)."""
        n_records = np.repeat([max(column.n_records, 1) for column in self.columns], np.diff(self.offsets))
        return np.asarray(self.counts() / n_records)

    @cached_property
    def calendar_rows(self) -> NDArray[np.int32]:
        """Row of `absent` for every token, -1 for those of no calendar and where nobody looked; shape (n_tokens,)."""
        rows = np.full(self.size, -1, np.int32)
        is_part = np.isin(self.column_of, self.calendar)
        rows[is_part] = np.arange(is_part.sum()) if self.absent.size else -1
        return rows

    def never_met(self, tokens: NDArray[np.int32]) -> NDArray[np.bool_]:
        """Return the pairs of a record's values of which one did not come while the other was there.

        Parameters
        ----------
        tokens : ndarray of shape (n_columns,)
            Its tokens.

        Returns
        -------
        ndarray of shape (n_columns, n_columns)
            Symmetric.
        """
        found, rows = np.zeros((len(tokens), len(tokens)), bool), self.calendar_rows[tokens]
        found[rows >= 0] = self.absent[rows[rows >= 0]][:, tokens] if self.absent.size else False
        return found | found.T

    def special(self, token: int) -> Special | None:
        """Return the special token that a token id is, or None for a value."""
        code = token - int(self.offsets[self._column(token)])
        return Special(code) if code < FIRST_VALUE else None

    def is_usual_news(self, column: int, token: int) -> bool:
        """Tell whether a token is a value that was never seen, of a column in which many are new."""
        return self.special(token) is Special.UNSEEN and self.columns[column].arriving > 0

    def label(self, token: int) -> str:
        """Return the value that a token id stands for, such as ``grocery`` or ``12.5 to 20``."""
        column = self._column(token)
        return self.columns[column].labels[token - int(self.offsets[column])]

    def _column(self, token: int) -> int:
        return int(np.searchsorted(self.offsets, token, side="right")) - 1
