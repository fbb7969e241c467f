"""A fitted model: everything needed to score records, frozen."""

from dataclasses import dataclass, field

import numpy as np
import polars as pl
from numpy.typing import NDArray

from anomembed.config import Config
from anomembed.read.aggregates import BOUND
from anomembed.read.derived import Derived
from anomembed.read.history import History, derive_history
from anomembed.read.roles.assigned import ColumnRole, Roles
from anomembed.read.roles.role import Content, Role
from anomembed.read.sequences import EVENTS, GAPS
from anomembed.read.table import Table, read_values
from anomembed.represent.batch import Batch, make_batch
from anomembed.represent.counts import Counts
from anomembed.represent.embeddings import Embeddings
from anomembed.represent.past import Past
from anomembed.represent.ranges import Ranges
from anomembed.represent.sequences import Sequences, encode_sequences
from anomembed.represent.tokens.vocabulary import Special, Tokens, Vocabulary
from anomembed.score.calibration import Calibration
from anomembed.score.combine import CalibratedView, Scored, score
from anomembed.score.flags import FlagRule


@dataclass(frozen=True)
class Summary:
    """What the model was fitted to, for people to read.

    Parameters
    ----------
    source : str
        Name of the table with the reference.
    n_reference : int
        Reference records that values were counted in.
    n_learnt : int
        Reference records that embeddings, views and detectors were fitted to.
    n_distinct : int
        Distinct records among those.
    n_held_out : int
        Records held out for calibration; 0 when calibrated on the records fitted to.
    detector : str
        The detector, and why it was chosen.
    notes : tuple of str
        What the user should know, one sentence each.
    """

    source: str
    n_reference: int
    n_learnt: int
    n_distinct: int
    n_held_out: int
    detector: str
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Model:
    """Normal behaviour, learnt from the reference.

    Parameters
    ----------
    config : Config
        Settings it was fitted with.
    roles : Roles
        Roles of the columns.
    vocabulary : Vocabulary
        Tokens.
    counts : Counts
        Pair counts of the tokens.
    embeddings : Embeddings
        Embeddings of the tokens.
    ranges : Ranges
        Usual ranges of the numbers, for reasons.
    views : tuple of CalibratedView
        Views with their detectors.
    calibration : Calibration
        Tail probabilities of the combined raw score.
    summary : Summary
        What it was fitted to, for people to read.
    past : Past or None
        Encodes what each record's entity did before; None without an entity and a time.
    derived : Derived
        Which other columns are computed for the views.
    held_out : ndarray of shape (n_held_out, n_columns)
        Token ids of the reference records that were held out, for reasons that state counts; none in older models.

    Attributes
    ----------
    numbers : tuple of str
        Columns with the role number, in the order of a batch.
    """

    config: Config
    roles: Roles
    vocabulary: Vocabulary
    counts: Counts
    embeddings: Embeddings
    ranges: Ranges
    views: tuple[CalibratedView, ...]
    calibration: Calibration
    summary: Summary
    past: Past[History] | None = None
    derived: Derived = field(default_factory=Derived)
    held_out: Tokens = field(default_factory=lambda: np.empty((0, 0), np.int32))
    numbers: tuple[str, ...] = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "numbers", tuple(column.name for column in self.roles.holding(Content.NUMBER)))

    @property
    def is_sequential(self) -> bool:
        """Whether it scores whole sequences instead of single records."""
        return self.roles.is_sequential

    @property
    def entities(self) -> tuple[ColumnRole, ...]:
        """Columns that name an entity: who acts."""
        return self.roles.of(Role.ENTITY)

    @property
    def unit(self) -> str:
        """What is scored, in the plural: ``records`` or ``sequences``."""
        return "sequences" if self.is_sequential else "records"

    def encode(self, frame: pl.DataFrame) -> Batch | Sequences:
        """Encode records or sequences for the views.

        Parameters
        ----------
        frame : pl.DataFrame
            As `anomembed.scoring.score_batches` reads it: judged columns prefixed by `anomembed.read.table.VALUE`, or
            a row per sequence from `anomembed.read.sequences.read_sequences`.
        """
        if self.is_sequential:
            return encode_sequences(frame[EVENTS], frame[GAPS], self.vocabulary.columns[0])
        return self.make_batch(read_values(frame))

    def make_batch(self, frame: pl.DataFrame) -> Batch:
        """Turn records into a batch; see `derive` for the columns that the frame needs besides the judged ones."""
        return make_batch(frame, self.vocabulary, self.numbers, self.past, **self.derived.columns)

    def derive(self, table: Table, roles: Roles) -> dict[str, str]:
        """Add the columns of what was before each record to a table, and return the SQL that reads them.

        Parameters
        ----------
        table : Table
            The open table.
        roles : Roles
            Of its columns, as `match_roles` finds them.
        """
        if self.past:
            derive_history(table, roles, self.past.history)
        return (self.past.history.select() if self.past else {}) | self.derived.derive(table, roles)

    def score(self, batch: Batch | Sequences) -> Scored:
        """Return the raw scores of records or sequences (high = abnormal), and the view each stands out most in."""
        return score(self.views, batch)

    def lowest_tail(self) -> float | None:
        """Return the tail probability of a record of which nothing was ever seen, numbers far beyond all others too.

        None for sequences, for vectors, and where the record's past is judged as well.
        """
        columns = () if self.is_sequential or self.past else self.vocabulary.columns
        if not columns or any(column.kind.traits.is_vector for column in columns):
            return None
        is_end = [c.kind.traits.is_number or c.kind.traits.is_presence for c in columns]
        codes = [len(c.labels) - 1 if at_end else Special.UNSEEN for c, at_end in zip(columns, is_end, strict=True)]
        tokens = np.array([codes], np.int32) + self.vocabulary.offsets[:-1]
        nothing = self.derived.nothing(1)
        sizes = len(self.numbers), len(self.vocabulary.written), len(self.vocabulary.named)
        numbers, characters, confusables = (np.full((1, n), BOUND) for n in sizes)
        twins, bursts = nothing.get("twins"), nothing.get("bursts")
        odd = Batch(tokens, numbers, twins=twins, bursts=bursts, characters=characters, confusables=confusables)
        return float(self.calibration.tail_probability(self.score(odd).raw)[0])

    def caution(self, rule: FlagRule, n_scored: int = 1) -> str | None:
        """Return a warning when a rule is unlikely to flag any of `n_scored` records, else None."""
        tail, lowest = self.calibration, self.lowest_tail()
        return rule.caution(n_scored, tail.n_reference, can_extrapolate=tail.is_fitted, lowest=lowest)

    def terms(self, batch: Batch) -> NDArray[np.float64]:
        """Return the terms of the records' raw scores, shape (n_records, n_views), in nats; high = abnormal."""
        return np.column_stack([view.term(view.raw(batch)) for view in self.views])
