"""Some records as numbers: what views look at."""

from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

from anomembed.represent.keys import distinct
from anomembed.represent.past import Derivation, Past
from anomembed.represent.tokens.vocabulary import Kind, Tokens, Vocabulary
from anomembed.represent.vectors import vector_matrix


@dataclass(frozen=True)
class Batch:
    """Some records, as their tokens, their numbers and their vectors.

    Parameters
    ----------
    tokens : ndarray of shape (n_records, n_columns)
        Token ids.
    numbers : ndarray of shape (n_records, n_numbers)
        Float64; NaN where missing.
    steps : ndarray of shape (n_records, 1 + n_before), optional
        Token ids of the event and of those that the entity had before it.
    paces : ndarray of shape (n_records, n_paces), optional
        How fast the entity goes; NaN where it has no past.
    vectors : tuple of ndarray of shape (n_records, width)
        One for every column of vectors, float32; NaN all along where missing.
    """

    tokens: Tokens
    numbers: NDArray[np.float64]
    steps: NDArray[np.int64] | None = None
    paces: NDArray[np.float64] | None = None
    vectors: tuple[NDArray[np.float32], ...] = ()

    def __len__(self) -> int:
        return len(self.tokens)

    def __getitem__(self, rows: slice | NDArray[np.integer]) -> "Batch":
        steps = None if self.steps is None else self.steps[rows]
        paces = None if self.paces is None else self.paces[rows]
        return Batch(self.tokens[rows], self.numbers[rows], steps, paces, tuple(v[rows] for v in self.vectors))

    def distinct(self) -> tuple["Batch", NDArray[np.int64]]:
        """Return the records that differ in their tokens, with nothing else, and the place of each record in them."""
        rows, place, _ = distinct(self.tokens)
        return Batch(rows, np.empty((len(rows), 0))), place


def make_batch(
    frame: pl.DataFrame, vocabulary: Vocabulary, numbers: tuple[str, ...], past: Past[Derivation] | None = None
) -> Batch:
    """Turn records into a batch.

    Parameters
    ----------
    frame : pl.DataFrame
        Judged columns in their plain types.
    vocabulary : Vocabulary
        The tokens.
    numbers : tuple of str
        Columns that are magnitudes.
    past : Past, optional
        Reads what was before the records.
    """
    values = np.full((frame.height, len(numbers)), np.nan)
    for place, name in enumerate(numbers):
        values[:, place] = frame[name].to_numpy()
    tokens = vocabulary.encode(frame)
    vectors = tuple(vector_matrix(frame[c.source]) for c in vocabulary.columns if c.kind is Kind.VECTOR)
    steps, paces = (past.steps(frame), past.paces(frame)) if past else (None, None)
    return Batch(tokens, values, steps, paces, vectors)
