"""Ways to look at a record; each turns a batch of records into vectors, shape (n_records, n_features), float32."""

from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import polars as pl
from numpy.typing import NDArray

from anomembed.represent.tokens import Tokens, Vocabulary, distinct

Vectors = NDArray[np.float32]


@dataclass(frozen=True)
class Batch:
    """Some records, as their tokens and their numbers.

    Parameters
    ----------
    tokens : ndarray of shape (n_records, n_columns)
        Token ids.
    numbers : ndarray of shape (n_records, n_numbers)
        Float64; NaN where missing.
    """

    tokens: Tokens
    numbers: NDArray[np.float64]

    def __len__(self) -> int:
        return len(self.tokens)

    def __getitem__(self, rows: slice | NDArray[np.integer]) -> "Batch":
        return Batch(self.tokens[rows], self.numbers[rows])

    def distinct(self) -> tuple["Batch", NDArray[np.int64]]:
        """Return the records that differ in their tokens, without numbers, and the place of each record in them."""
        rows, place, _ = distinct(self.tokens)
        return Batch(rows, np.empty((len(rows), 0))), place


class View(Protocol):
    """A way to look at records, or at sequences."""

    @property
    def name(self) -> str:
        """What it is called in results."""

    def vectors(self, batch: Any) -> Vectors:  # noqa: ANN401
        """Return the vector of every record; depends on nothing but the record."""


def make_batch(frame: pl.DataFrame, vocabulary: Vocabulary, numbers: tuple[str, ...]) -> Batch:
    """Turn records into a batch.

    Parameters
    ----------
    frame : pl.DataFrame
        Judged columns in their plain types.
    vocabulary : Vocabulary
        The tokens.
    numbers : tuple of str
        Columns that are magnitudes.
    """
    values = np.full((frame.height, len(numbers)), np.nan)
    for place, name in enumerate(numbers):
        values[:, place] = frame[name].to_numpy()
    return Batch(vocabulary.encode(frame), values)
