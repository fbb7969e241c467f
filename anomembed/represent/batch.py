"""A batch of records as arrays: what views look at."""

from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

from anomembed.represent.keys import distinct
from anomembed.represent.past import Derivation, Past, read_numbers
from anomembed.represent.tokens.vocabulary import Tokens, Vocabulary
from anomembed.represent.vectors import vector_matrix


@dataclass(frozen=True)
class Batch:
    """Records as tokens, numbers and vectors.

    Parameters
    ----------
    tokens : ndarray of shape (n_records, n_columns)
        Token ids.
    numbers : ndarray of shape (n_records, n_numbers)
        Float64; NaN where missing.
    steps : ndarray of shape (n_records, 1 + n_before), optional
        Token ids of the event and of those before it of the same entity.
    paces : ndarray of shape (n_records, n_paces), optional
        How much the entity does in a time; NaN where it has no past.
    vectors : tuple of ndarray of shape (n_records, width)
        One for every column of vectors, float32; all NaN where missing.
    rhythm : ndarray of shape (n_records, 4), optional
        How even the entity's last intervals with its target were (mean of -log of the relative difference of two), how
        many differences there are, the mean interval in seconds, and which contact the record is; NaN where unknown.
    twins : ndarray of shape (n_records, 3), optional
        Seconds since the last record with the same entity and amount, how many there were before, and a bit for each
        other column in which it is the same, see `anomembed.read.twins`; NaN where there was none.
    bursts : ndarray of shape (n_records, 3 * n_watched), optional
        For each column that is watched: records with the same value in the window of time before, those with it
        so far, and the evidence that they came at once, in nats; NaN where they did not.
    travel : ndarray of shape (n_records, 2), optional
        Kilometres and seconds since the entity's record before; NaN where unknown.
    runs : ndarray of shape (n_records, n_varying), optional
        How often each number that mostly changes has been the same in the entity's last records; NaN where unknown.
    characters : ndarray of shape (n_records, n_written), optional
        For each column of `Vocabulary.written`, by how much the text exceeds a usual one, in nats; 0 where missing.
    confusables : ndarray of shape (n_records, n_named), optional
        For each column of `Vocabulary.named`, records with the value that this one may be mistaken for; 0 without.
    """

    tokens: Tokens
    numbers: NDArray[np.float64]
    steps: NDArray[np.int64] | None = None
    paces: NDArray[np.float64] | None = None
    vectors: tuple[NDArray[np.float32], ...] = ()
    rhythm: NDArray[np.float64] | None = None
    twins: NDArray[np.float64] | None = None
    bursts: NDArray[np.float64] | None = None
    travel: NDArray[np.float64] | None = None
    runs: NDArray[np.float64] | None = None
    characters: NDArray[np.float64] | None = None
    confusables: NDArray[np.float64] | None = None

    def __len__(self) -> int:
        return len(self.tokens)

    def __getitem__(self, rows: slice | NDArray[np.integer]) -> "Batch":
        steps = None if self.steps is None else self.steps[rows]
        parts = (self.rhythm, self.twins, self.bursts, self.travel, self.runs, self.characters, self.confusables)
        derived = (None if part is None else part[rows] for part in parts)
        paces = None if self.paces is None else self.paces[rows]
        return Batch(
            self.tokens[rows], self.numbers[rows], steps, paces, tuple(v[rows] for v in self.vectors), *derived
        )

    def distinct(self) -> tuple["Batch", NDArray[np.int64]]:
        """Return the distinct records, by their tokens alone, and the index of each record among them."""
        rows, index, _ = distinct(self.tokens)
        return Batch(rows, np.empty((len(rows), 0))), index


def make_batch(
    frame: pl.DataFrame,
    vocabulary: Vocabulary,
    numbers: tuple[str, ...],
    past: Past[Derivation] | None = None,
    twins: tuple[str, ...] = (),
    bursts: tuple[str, ...] = (),
) -> Batch:
    """Turn records into a batch.

    Parameters
    ----------
    frame : pl.DataFrame
        The columns to score, in their plain types.
    vocabulary : Vocabulary
        The tokens.
    numbers : tuple of str
        Columns of numbers.
    past : Past, optional
        Reads what the entities of the records did before.
    twins, bursts : tuple of str
        Columns of what the records repeat, and of what came at once with them.
    """
    values = np.full((frame.height, len(numbers)), np.nan)
    for column, name in enumerate(numbers):
        values[:, column] = frame[name].to_numpy()
    frame = vocabulary.parse(frame)
    tokens = vocabulary.encode(frame)
    vectors = tuple(vector_matrix(frame[c.source]) for c in vocabulary.columns if c.kind.traits.is_vector)
    texts = _excess(frame, vocabulary), _mistaken(frame, vocabulary, tokens)
    steps, paces = (past.steps(frame), past.paces(frame)) if past else (None, None)
    rhythm, travel, runs = (past.rhythm(frame), past.travel(frame), past.runs(frame)) if past else (None, None, None)
    repeated, at_once = (read_numbers(frame, names) if names else None for names in (twins, bursts))
    return Batch(tokens, values, steps, paces, vectors, rhythm, repeated, at_once, travel, runs, *texts)


def _excess(frame: pl.DataFrame, vocabulary: Vocabulary) -> NDArray[np.float64] | None:
    """Return how unusually the texts of each column are written, shape (n_records, n_written)."""
    written = [column.characters.excess(frame[column.source]) for column in vocabulary.columns if column.characters]
    return np.column_stack(written) if written else None


def _mistaken(frame: pl.DataFrame, vocabulary: Vocabulary, tokens: Tokens) -> NDArray[np.float64] | None:
    """Return how many records have the value that each may be mistaken for, shape (n_records, n_named)."""
    counts, found = vocabulary.counts(), []
    for at in vocabulary.named:
        column = vocabulary.columns[at]
        assert column.confusables is not None  # noqa: S101  # that is what these columns are
        found.append(column.confusables.times(frame[column.source], counts[tokens[:, at]]))
    return np.column_stack(found) if found else None
