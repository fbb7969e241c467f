"""Learn embeddings by the learner that the settings name; `anomembed.represent.learners` lists them."""

from dataclasses import replace
from importlib import import_module
from typing import Any, Literal, Protocol, cast

from anomembed.errors import ConfigError
from anomembed.represent.embeddings import Embeddings
from anomembed.represent.embeddings.corpus import Corpus
from anomembed.represent.embeddings.epochs import Progress, Training
from anomembed.represent.embeddings.imported import GivenVectors, Imported, Use, match_vectors
from anomembed.represent.learners import LEARNERS, Learner, check_method

NARROWEST, WIDEST, STEP = 16, 64, 8  # of automatic widths
WIDEST_ONEHOT = 256


class Fit(Protocol):
    """Learns embeddings."""

    def __call__(
        self, corpus: Corpus, training: Training, seed: int, progress: Progress | None = None, /
    ) -> Embeddings:
        """Learn from a corpus.

        Parameters
        ----------
        corpus : Corpus
            Records or sequences.
        training : Training
            The settings.
        seed : int
            Seed of all random numbers.
        progress : callable, optional
            Called after every epoch.

        Raises
        ------
        ConfigError
            When the learning rate is too high.
        """


class Settings(Protocol):
    """The section ``[embedding]`` of a configuration; None lets the learner choose."""

    @property
    def method(self) -> str:
        """Name of the learner."""

    @property
    def width(self) -> int | Literal["auto"]:
        """Numbers per vector."""

    @property
    def epochs(self) -> int | None:
        """Passes through the corpus, at most."""

    @property
    def learning_rate(self) -> float | None:
        """Learning rate at the start."""

    @property
    def negatives(self) -> int:
        """Tokens drawn for every true one."""

    @property
    def window(self) -> int:
        """Events on either side that are context."""

    @property
    def vectors_use(self) -> Use | None:
        """What to do with imported vectors; the default is to fine-tune them."""

    @property
    def vectors_pull(self) -> float:
        """How strongly fine-tuning pulls back to them, in records."""

    @property
    def given_width(self) -> int | None:
        """The width, if the user set one."""


def fit_embeddings(
    corpus: Corpus,
    settings: Settings,
    seed: int,
    progress: Progress | None = None,
    vectors: GivenVectors | None = None,
) -> Embeddings:
    """Learn embeddings.

    Parameters
    ----------
    corpus : Corpus
        Records or sequences.
    settings : Settings
        The section ``[embedding]`` of a configuration.
    seed : int
        Seed of all random numbers.
    progress : callable, optional
        Called after every epoch with its number from 1, the most there will be, and the loss.
    vectors : GivenVectors, optional
        Imported vectors to start from; they determine the width.

    Returns
    -------
    Embeddings

    Raises
    ------
    ConfigError
        When the learner does not fit (see `check_method`), its learning rate is too high, or the width given is not
        that of the vectors.
    DataError
        When no token has an imported vector.
    """
    check_method(settings.method, is_ordered=corpus.is_ordered, has_vectors=vectors is not None)
    learner = LEARNERS[settings.method]
    imported = None if vectors is None else _import(vectors, corpus, settings)
    training = Training(
        width=vectors.width if vectors else choose_width(_wanted_width(settings), settings.method, corpus.n_used),
        epochs=settings.epochs or learner.epochs,
        learning_rate=settings.learning_rate or learner.learning_rate,
        negatives=settings.negatives,
        window=settings.window,
        imported=imported,
    )
    learnt = find_fit(learner)(corpus, training, seed, progress)
    notes = imported.notes if imported else ()
    return replace(learnt, notes=(*notes, *_note_end(len(learnt.losses), training.epochs)))


def find_fit(learner: Learner) -> Fit:
    """Return the function of a learner, importing its module if needed."""
    if not isinstance(learner.fit, str):
        return learner.fit
    module, _, name = learner.fit.partition(":")
    found: Any = getattr(import_module(f"{__package__}.{module}"), name)
    return cast("Fit", found)


def _wanted_width(settings: Settings) -> int | Literal["auto"]:
    """Return the width given; a learner with a dimension per token is as wide as there are tokens by default."""
    is_auto = LEARNERS[settings.method].is_one_per_token and settings.given_width is None
    return "auto" if is_auto else settings.width


def _note_end(n_epochs: int, most: int) -> list[str]:
    if n_epochs in (0, most):
        return []
    return [f"learning ended after {n_epochs} of {most:,} epochs: the loss no longer fell"]


def _import(vectors: GivenVectors, corpus: Corpus, settings: Settings) -> Imported:
    if settings.given_width not in (None, vectors.width):
        raise ConfigError(
            f"embedding.width is {settings.given_width}, but the vectors of {vectors.source} are {vectors.width} wide; "
            "leave it out"
        )
    return match_vectors(vectors, corpus, settings.vectors_use or "fine-tune", settings.vectors_pull)


def choose_width(width: int | Literal["auto"], method: str, n_used: int) -> int:
    """Resolve a width.

    Parameters
    ----------
    width : int or "auto"
        The setting. ``auto`` is four times the fourth root of the number of tokens, rounded up to a multiple of 8, from
        16 to 64; for a learner with a dimension per token, the number of tokens, up to 256.
    method : str
        Name of the learner.
    n_used : int
        Tokens that occur.

    Returns
    -------
    int
        At most one less than the tokens that occur, and at least 1.

    Examples
    --------
    >>> choose_width("auto", "skipgram", 15_000), choose_width(16, "skipgram", 5)
    (48, 4)
    """
    most = max(n_used - 1, 1)
    if width != "auto":
        return min(width, most)
    if LEARNERS[method].is_one_per_token:
        return min(max(n_used, 1), WIDEST_ONEHOT)
    return min(max(-(-int(4 * n_used**0.25 + 1) // STEP) * STEP, NARROWEST), WIDEST, most)
