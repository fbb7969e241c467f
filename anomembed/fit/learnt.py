"""What fitting takes besides the reference, and what it returns, for records and for sequences alike."""

from dataclasses import dataclass, field

import numpy as np

from anomembed.config import EmbeddingConfig
from anomembed.read.vectors import TokenVectors
from anomembed.represent.arrays import Matrix
from anomembed.represent.counts import Counts
from anomembed.represent.embeddings import Embeddings
from anomembed.represent.embeddings.epochs import Progress
from anomembed.represent.ranges import Ranges
from anomembed.represent.tokens.vocabulary import Tokens, Vocabulary
from anomembed.score.calibration import Calibration
from anomembed.score.combine import CalibratedView
from anomembed.score.detectors import Choice

HELD_OUT_SHARE, MOST_HELD_OUT = 0.15, 20_000  # of the reference, held out for calibration


@dataclass(frozen=True)
class FitSettings:
    """Settings of a fit.

    Parameters
    ----------
    embedding : EmbeddingConfig
        Method and width of the embeddings.
    detector : str
        Name of the detector, or ``auto``.
    clean : bool
        Whether the reference is free of anomalies.
    seed : int
        Seed of all random numbers.
    is_own : bool
        Whether the reference itself will be scored.
    vectors : TokenVectors or None
        Imported vectors of tokens.
    progress : callable or None
        Called after every epoch; see `anomembed.fit.model.learn_model`.
    before : dict
        Vectors of the model before by column and token, as which the new ones are to lie; none by default.
    """

    embedding: EmbeddingConfig
    detector: str
    clean: bool
    seed: int
    is_own: bool
    vectors: TokenVectors | None
    progress: Progress | None
    before: dict[tuple[str, str], Matrix] = field(default_factory=dict)


@dataclass(frozen=True)
class Learnt:
    """The fitted parts of a model.

    Parameters
    ----------
    vocabulary, counts, embeddings, ranges, views, calibration
        See `anomembed.model.Model`.
    detector : Choice
        The detector, and why it was chosen.
    n_learnt, n_distinct, n_held_out : int
        See `anomembed.model.Summary`.
    notes : tuple of str
        What the user should know, one sentence each.
    held_out : ndarray of shape (n_held_out, n_columns)
        See `anomembed.model.Model`.
    """

    vocabulary: Vocabulary
    counts: Counts
    embeddings: Embeddings
    ranges: Ranges
    views: tuple[CalibratedView, ...]
    calibration: Calibration
    detector: Choice
    n_learnt: int
    n_distinct: int
    n_held_out: int
    notes: tuple[str, ...]
    held_out: Tokens = field(default_factory=lambda: np.empty((0, 0), np.int32))
