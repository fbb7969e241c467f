"""A fitted model: everything that was learnt about normal records, frozen."""

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from anomembed.config import Config
from anomembed.read.history import History
from anomembed.read.roles import Role, Roles
from anomembed.represent.batch import Batch
from anomembed.represent.counts import Counts
from anomembed.represent.embeddings import Embeddings
from anomembed.represent.past import Past
from anomembed.represent.ranges import Ranges
from anomembed.represent.tokens.vocabulary import Vocabulary
from anomembed.score.calibration import Calibration
from anomembed.score.combine import JudgedView


@dataclass(frozen=True)
class Summary:
    """What was learnt, in figures for people.

    Parameters
    ----------
    source : str
        Where the reference came from.
    n_reference : int
        Reference records that values were counted on.
    n_learnt : int
        Of these, the ones that all else was learnt from.
    n_distinct : int
        Distinct ones among these, as tokens.
    n_held_out : int
        Records kept for calibration; 0 when it was done on the records learnt from.
    detector : str
        Which detector was chosen and why.
    notes : tuple of str
        What the user should know.
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
    """Normal behaviour, as learnt from the reference.

    Parameters
    ----------
    config : Config
        The settings it was fitted with.
    roles : Roles
        What every column is used for.
    vocabulary : Vocabulary
        Tokens.
    counts : Counts
        Pair counts of the tokens.
    embeddings : Embeddings
        Of the tokens.
    ranges : Ranges
        Usual ranges of the numbers, for reasons.
    views : tuple of JudgedView
        Ways to look at a record, with their detectors.
    calibration : Calibration
        Of the combined raw score.
    summary : Summary
        What was learnt, in figures.
    past : Past or None
        Reads what was before the records; None without an entity and a time.
    """

    config: Config
    roles: Roles
    vocabulary: Vocabulary
    counts: Counts
    embeddings: Embeddings
    ranges: Ranges
    views: tuple[JudgedView, ...]
    calibration: Calibration
    summary: Summary
    past: Past[History] | None = None
    numbers: tuple[str, ...] = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "numbers", tuple(column.name for column in self.roles.of(Role.NUMBER)))

    @property
    def is_sequential(self) -> bool:
        """Whether whole sequences are judged instead of single records."""
        return self.config.sequence.is_whole

    @property
    def unit(self) -> str:
        """What has a score: records, or sequences."""
        return "sequences" if self.is_sequential else "records"

    def terms(self, batch: Batch) -> NDArray[np.float64]:
        """Return what every view adds to the records' raw scores, shape (n_records, n_views); high = abnormal."""
        return np.column_stack([judged.term(judged.raw(batch)) for judged in self.views])
