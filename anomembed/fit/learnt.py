"""What goes into learning beside the reference, and what comes out of it, of records as of sequences."""

from dataclasses import dataclass

from anomembed.config import EmbeddingConfig
from anomembed.read.vectors import TokenVectors
from anomembed.represent.counts import Counts
from anomembed.represent.embeddings import Embeddings
from anomembed.represent.embeddings.epochs import Progress
from anomembed.represent.ranges import Ranges
from anomembed.represent.tokens.vocabulary import Vocabulary
from anomembed.score.calibration import Calibration
from anomembed.score.combine import CalibratedView
from anomembed.score.detectors import Choice

HELD_OUT_SHARE, MOST_HELD_OUT = 0.15, 20_000


@dataclass(frozen=True)
class Learning:
    """How to learn.

    Parameters
    ----------
    embedding : EmbeddingConfig
        Which embeddings.
    detector : str
        Name of the detector.
    clean : bool
        Whether the reference is free of anomalies.
    seed : int
        Start of all random numbers.
    is_own : bool
        Whether what will be scored is the reference itself.
    vectors : TokenVectors or None
        Imported vectors to begin with.
    progress : callable or None
        Told of every epoch.
    """

    embedding: EmbeddingConfig
    detector: str
    clean: bool
    seed: int
    is_own: bool
    vectors: TokenVectors | None
    progress: Progress | None


@dataclass(frozen=True)
class Learnt:
    """What was learnt from a reference.

    Parameters
    ----------
    vocabulary, counts, embeddings, ranges, views, calibration
        See `anomembed.model.Model`.
    detector : Choice
        Which detector was chosen, and why.
    n_learnt, n_distinct, n_held_out : int
        See `anomembed.model.Summary`.
    notes : tuple of str
        What the user should know.
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
