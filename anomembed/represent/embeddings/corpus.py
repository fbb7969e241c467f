"""What embeddings are learnt from, in one form for records and for sequences of events."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from anomembed.represent.arrays import Ints
from anomembed.represent.counts import Counts
from anomembed.represent.sequences import Sequences
from anomembed.represent.tokens.vocabulary import FIRST_VALUE, ColumnTokens, Kind, Tokens, Vocabulary


@dataclass(frozen=True)
class Corpus:
    """Distinct records or sequences, how often each occurs, and the pair counts of their tokens.

    Parameters
    ----------
    counts : Counts
        Of the tokens.
    sequences : Sequences
        Token ids; a record is a sequence with a token per column.
    times : ndarray of shape (n_sequences,)
        How often each occurs.
    columns : tuple of ColumnTokens
        The tokens; of events there is one column.
    is_ordered : bool
        True when the context of a token is the tokens near it, False when it is its whole record.
    """

    counts: Counts
    sequences: Sequences
    times: Ints
    columns: tuple[ColumnTokens, ...]
    is_ordered: bool

    @property
    def size(self) -> int:
        """Number of tokens."""
        return int(self.offsets[-1])

    @cached_property
    def offsets(self) -> Ints:
        """First token id of every column, and the number of tokens at the end; shape (n_columns + 1,)."""
        return np.cumsum([0, *(len(column.labels) for column in self.columns)], dtype=np.int64)

    @cached_property
    def occurrences(self) -> NDArray[np.float64]:
        """How often every token occurs, shape (n_tokens,)."""
        weight = self.times[self.sequences.of_event]
        return np.asarray(np.bincount(self.sequences.events, weight, minlength=self.size), np.float64)

    @property
    def n_used(self) -> int:
        """Tokens that occur."""
        return int(np.count_nonzero(self.occurrences))

    def spellings(self) -> list[tuple[str, str] | None]:
        """Return column and value of every token that is a value; None for special tokens, bins and parts of a time."""
        found: list[tuple[str, str] | None] = []
        for column in self.columns:
            has_values = column.kind is Kind.VALUE
            found += [
                (column.name, label) if has_values and code >= FIRST_VALUE else None
                for code, label in enumerate(column.labels)
            ]
        return found


@dataclass(frozen=True)
class SplitCorpus:
    """What to learn from, and what was held out to measure on.

    Parameters
    ----------
    corpus : Corpus
        Records or sequences to learn from.
    held_out : Sequences
        Others of the same source, as tokens of the corpus; their order does not depend on the order of rows.
    """

    corpus: Corpus
    held_out: Sequences


def record_corpus(vocabulary: Vocabulary, rows: Tokens, times: Ints, counts: Counts) -> Corpus:
    """Make a corpus of records.

    Parameters
    ----------
    vocabulary : Vocabulary
        The tokens.
    rows : ndarray of shape (n_distinct, n_columns)
        Token ids of the distinct records.
    times : ndarray of shape (n_distinct,)
        Records with each row.
    counts : Counts
        Their pair counts.
    """
    return Corpus(counts, record_sequences(rows), times, vocabulary.columns, is_ordered=False)


def record_sequences(rows: Tokens) -> Sequences:
    """Return records as sequences with a token per column."""
    return Sequences(rows.ravel(), np.arange(0, rows.size + 1, rows.shape[1]))


def sequence_corpus(tokens: ColumnTokens, sequences: Sequences, times: Ints, counts: Counts) -> Corpus:
    """Make a corpus of sequences of events.

    Parameters
    ----------
    tokens : ColumnTokens
        The events.
    sequences : Sequences
        Distinct sequences.
    times : ndarray of shape (n_sequences,)
        How often each occurs.
    counts : Counts
        Counts of neighbours.
    """
    return Corpus(counts, sequences, times, (tokens,), is_ordered=True)
