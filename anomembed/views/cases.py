"""What reasons may cite of a record or of sequences, and the parts that a sequence's score is taken apart into."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from anomembed.represent.arrays import Floats
from anomembed.represent.batch import Batch
from anomembed.represent.ranges import Ranges
from anomembed.represent.sequences import Sequences
from anomembed.represent.tokens.vocabulary import ColumnTokens, Special
from anomembed.views.reason import MOST_EXPECTED, Among, Reason, Value

LEAST_CHANCE = 0.01  # of an event that is named as expected
NOT_KNOWN = Among(0, unit="sequences")


@dataclass(frozen=True)
class Case:
    """One flagged record, as far as its reason needs it.

    Parameters
    ----------
    shown : sequence of str
        Its values as text, by token column.
    record : Batch
        The record alone.
    scores : sequence of ndarray
        For every column, how much each of its tokens was expected (log scale).
    texts : mapping of int to str
        Its texts as they were read, by token column, of those whose writing is judged.
    repeated : str
        Key of the earlier record that it repeats; empty when there is none.
    """

    shown: Sequence[str]
    record: Batch
    scores: Sequence[NDArray[np.float32]]
    texts: Mapping[int, str] = field(default_factory=dict)
    repeated: str = ""

    @property
    def tokens(self) -> NDArray[np.int32]:
        """Its token ids, shape (n_columns,)."""
        return np.asarray(self.record.tokens[0])

    @property
    def numbers(self) -> NDArray[np.float64]:
        """Its numbers, shape (n_numbers,)."""
        return np.asarray(self.record.numbers[0])


@dataclass(frozen=True)
class SequenceCases:
    """Flagged sequences, as far as their reasons need them.

    Parameters
    ----------
    sequences : Sequences
        The sequences.
    shown : sequence of sequence of str
        Their events as the source has them.
    tokens : ColumnTokens
        Kinds of events.
    ranges : Ranges
        How often each of them usually occurs.
    among : Among
        The reference sequences that were counted; none when that is not known.
    """

    sequences: Sequences
    shown: Sequence[Sequence[str]]
    tokens: ColumnTokens
    ranges: Ranges
    among: Among = NOT_KNOWN

    def event(self, text: str) -> Value:
        """Return an event as a value, such as ``action=login``."""
        templates = self.tokens.templates
        is_new = templates is not None and text not in self._labels
        return Value(self.tokens.name, text, like=templates.like(text) if templates and is_new else "")

    @cached_property
    def _labels(self) -> frozenset[str]:
        return frozenset(self.tokens.labels)


@dataclass(frozen=True)
class Part:
    """What contributes to a sequence's score: how often an event occurs, the event at a position, or a time.

    Parameters
    ----------
    column_name, value : str
        What it is, such as ``number of login`` and ``12``.
    contribution : float
        In nats, high = abnormal.
    expected : list of str
        What would have been usual.
    reason : Reason
        The same, for a flag whose greatest part it is.
    """

    column_name: str
    value: str
    contribution: float
    expected: list[str]
    reason: Reason


def likely_events(chances: Floats, tokens: ColumnTokens, seen: int) -> tuple[str, ...]:
    """Name the likeliest events, but for the one that is there.

    Parameters
    ----------
    chances : ndarray of shape (n_tokens + 2,)
        Chance of every event, of the start, and of the end of a sequence.
    tokens : ColumnTokens
        The events.
    seen : int
        The event that is there.
    """
    chances = chances.copy()
    chances[[Special.RARE, Special.UNSEEN, seen]] = 0.0
    labels = (*tokens.labels, "(start)", "(end)")
    likely = np.argsort(-chances, kind="stable")[:MOST_EXPECTED]
    return tuple(labels[token] for token in likely if chances[token] > LEAST_CHANCE)
