"""What every view says of itself: what it looks at, when it applies, how it counts, whom it blames, and why.

A view turns a batch into vectors, shape (n_records, n_features), float32, each of which depends on its record alone.
Other packages ask a view these questions without knowing its class. All views are listed in this package's
``__init__``.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Flag, auto
from functools import cached_property
from typing import Any, ClassVar, Literal, NamedTuple, Self

import numpy as np
from numpy.typing import NDArray

from anomembed.read.derived import Derived
from anomembed.represent.arrays import Floats
from anomembed.represent.batch import Batch
from anomembed.represent.counts import Counts
from anomembed.represent.embeddings import Embeddings
from anomembed.represent.entities import Entities
from anomembed.represent.pooling import Pooling
from anomembed.represent.sequences import NGrams, Sequences
from anomembed.represent.tokens.vocabulary import ColumnTokens, Vocabulary
from anomembed.views.cases import Case, Part, SequenceCases
from anomembed.views.facts import Facts
from anomembed.views.reason import Reason

Vectors = NDArray[np.float32]
EXCESS_FROM = 4.0  # nats beyond which the rules excess, steep and evidence count
TWICE_FROM = 7.0  # nats beyond which the rule steep counts twice: one record in a thousand

Rule = Literal["relative", "known", "count", "surprise", "excess", "steep", "evidence"]
"""How a view's raw score becomes its term of the record's score; `anomembed.score.combine` has the formulas."""


class Counting(NamedTuple):
    """How a view counts: the rule for its raw score, and the weight of the result."""

    rule: Rule
    weight: float


class Looks(Flag):
    """What of a record or a sequence a view reads."""

    TOKENS = auto()
    NUMBERS = auto()
    VECTORS = auto()
    PAST = auto()
    TIMES = auto()
    TWINS = auto()
    BURSTS = auto()
    CHARACTERS = auto()
    CONFUSABLES = auto()


@dataclass(frozen=True)
class Basis:
    """What views of records are fitted to.

    Parameters
    ----------
    records : Batch
        Reference records, in random order.
    vocabulary, counts, embeddings
        Of their tokens.
    pooling : Pooling
        Pools the embeddings of a record.
    entities : Entities
        What was summed up of every entity, over all reference records.
    clean : bool
        Whether the reference is free of anomalies.
    is_own : bool
        Whether the records to be scored are exactly `records`.
    seed : int
        Of random draws.
    attributes : tuple of int
        Token columns that say which entity it is, not what it does; see `anomembed.represent.attributes`.
    derived : Derived
        Which columns of the records were computed.
    """

    records: Batch
    vocabulary: Vocabulary
    counts: Counts
    embeddings: Embeddings
    pooling: Pooling
    entities: Entities
    clean: bool
    is_own: bool
    seed: int
    attributes: tuple[int, ...] = ()
    derived: Derived = field(default_factory=Derived)

    @cached_property
    def judged(self) -> list[int]:
        """Token columns that are no attributes of an entity."""
        return [at for at in range(len(self.vocabulary.columns)) if at not in self.attributes]

    @cached_property
    def number_columns(self) -> NDArray[np.int64]:
        """Token columns of numbers, in the order of `records.numbers`."""
        numbers = [at for at, column in enumerate(self.vocabulary.columns) if column.kind.traits.is_number]
        return np.array(numbers, np.int64)

    @cached_property
    def judged_numbers(self) -> NDArray[np.int64]:
        """Indices of the numbers that are no attributes of an entity."""
        return np.flatnonzero(~np.isin(self.number_columns, self.attributes))

    @property
    def vector_columns(self) -> list[int]:
        """Token columns of vectors, in the order of `records.vectors`."""
        return [at for at, column in enumerate(self.vocabulary.columns) if column.kind.traits.is_vector]


@dataclass(frozen=True)
class SequenceBasis:
    """What views of sequences are fitted to.

    Parameters
    ----------
    sequences : Sequences
        The reference.
    tokens : ColumnTokens
        Kinds of events.
    embeddings : Embeddings
        Of the events.
    ngrams : NGrams
        What follows what.
    is_own : bool
        Whether the sequences to be scored are exactly `sequences`.
    """

    sequences: Sequences
    tokens: ColumnTokens
    embeddings: Embeddings
    ngrams: NGrams
    is_own: bool


class View(ABC):
    """A way to look at records or at sequences."""

    name: str
    """What it is called in results."""
    summary: ClassVar[str]
    """What it finds, in one line for the documentation."""
    words: ClassVar[Mapping[str, str]] = {}
    """Sentences of the kinds of reasons that it gives, as templates over their evidence."""
    looks_at: ClassVar[Looks] = Looks.TOKENS
    """What it reads. A view of tokens alone scores records with equal tokens once."""
    is_summed: ClassVar[bool] = False
    """Whether its features measure abnormality already and are summed; otherwise a detector is fitted to them."""
    is_whole: ClassVar[bool] = False
    """Whether it looks at the record as a whole; all such views share one weight."""
    draws: ClassVar[Mapping[str, int] | None] = None
    """Settings of `nearest` for this view in a mixed reference, when they differ from the default."""

    @abstractmethod
    def vectors(self, batch: Any) -> Vectors:  # noqa: ANN401
        """Return the vector of every record or sequence."""

    def reference(self, batch: Any) -> Vectors:  # noqa: ANN401
        """Return the vectors that a detector is fitted to."""
        return self.vectors(batch)

    def culprit(self, batch: Any) -> NDArray[np.intp] | None:  # noqa: ANN401, ARG002
        """Return the token column to blame for each record, shape (n_records,).

        None when the view cannot tell: each value is then replaced by the expected one, to see what the score loses.
        """
        return None

    def counting(self, *, clean: bool) -> Counting:  # noqa: ARG002
        """Return how its raw score counts: by default relative to the usual one, with weight 1."""
        return Counting("relative", 1.0)

    def for_others(self) -> Self:
        """Return the view that scores other records than those it was fitted to."""
        return self


class ViewOfRecords(View):
    """A way to look at single records."""

    @classmethod
    @abstractmethod
    def fit(cls, basis: Basis) -> Sequence[Self]:
        """Return the views that apply: none, one, or one for each column that it looks at."""

    def reason(self, case: Case, shares: Floats, facts: Facts) -> Reason:
        """Say why a record stands out.

        Parameters
        ----------
        case : Case
            The record.
        shares : ndarray of shape (n_columns,)
            What every column contributes to the view's term, in nats.
        facts : Facts
            What a reason may cite.
        """
        # A column with few values makes the better subject: what was expected of it can be named.
        return facts.most_notable(case, np.argsort(-shares / facts.sizes, kind="stable").tolist())

    def reason_of_pair(self, case: Case, column: int, other: int, facts: Facts) -> Reason | None:  # noqa: ARG002
        """Say why two values of a record do not go together, when this view knows more than their counts."""
        return None


class ViewOfVectors(ViewOfRecords):
    """A way to look at a column of vectors; it names the culprit itself, because vectors are never replaced."""

    index: int
    """Which of the vectors of a batch."""
    column: int
    """Its token column."""

    def culprit(self, batch: Batch) -> NDArray[np.intp]:
        """Return the column of the vector for every record, shape (n_records,)."""
        return np.full(len(batch), self.column, np.intp)


class ViewOfSequences(View):
    """A way to look at whole sequences."""

    @classmethod
    @abstractmethod
    def fit(cls, basis: SequenceBasis) -> Sequence[Self]:
        """Return the views that apply: none or one."""

    @abstractmethod
    def parts(self, cases: SequenceCases, terms: Floats, rescore: Callable[[Vectors], Floats]) -> list[list[Part]]:
        """Take this view's term of each sequence apart.

        Parameters
        ----------
        cases : SequenceCases
            The sequences.
        terms : ndarray of shape (n_sequences,)
            The view's term of each, in nats.
        rescore : callable
            Returns the terms of other vectors.

        Returns
        -------
        list of list of Part
            For every sequence, parts that sum to its term.
        """
