"""The methods to learn embeddings by, by name, and one way to call them."""

from dataclasses import replace
from typing import Literal, Protocol

import numpy as np

from anomembed.errors import ConfigError, nearest_name
from anomembed.read.vectors import TokenVectors
from anomembed.represent.embeddings import Embeddings
from anomembed.represent.embeddings.anchoring import fit_anchored
from anomembed.represent.embeddings.baselines import fit_onehot, fit_random
from anomembed.represent.embeddings.cbow import fit_cbow
from anomembed.represent.embeddings.corpus import Corpus
from anomembed.represent.embeddings.epochs import Progress, Training
from anomembed.represent.embeddings.fasttext import fit_fasttext
from anomembed.represent.embeddings.finishing import finish
from anomembed.represent.embeddings.glove import fit_glove
from anomembed.represent.embeddings.graph import fit_graph
from anomembed.represent.embeddings.imported import Imported, Use, match_vectors
from anomembed.represent.embeddings.neural import NEURAL, NEXT_EVENT, import_torch
from anomembed.represent.embeddings.neural.autoencoder import fit_autoencoder
from anomembed.represent.embeddings.neural.cnn import fit_cnn
from anomembed.represent.embeddings.neural.gru import fit_gru
from anomembed.represent.embeddings.ppmi_svd import fit_ppmi_svd
from anomembed.represent.embeddings.skipgram import fit_skipgram

NARROWEST, WIDEST, STEP = 16, 64, 8  # of automatic widths
WIDEST_ONEHOT = 256


class Learner(Protocol):
    """Learns embeddings."""

    def __call__(
        self, corpus: Corpus, training: Training, seed: int, progress: Progress | None = None, /
    ) -> Embeddings:
        """Learn from a corpus."""


class Settings(Protocol):
    """What a configuration says of embeddings; None for what the method shall choose."""

    @property
    def method(self) -> str:
        """Name of the method."""

    @property
    def width(self) -> int | Literal["auto"]:
        """Numbers per vector."""

    @property
    def epochs(self) -> int | None:
        """Times through the corpus, at most."""

    @property
    def learning_rate(self) -> float | None:
        """Learning rate at the start."""

    @property
    def negatives(self) -> int:
        """Tokens drawn for every true one."""

    @property
    def window(self) -> int:
        """Events on either side that are company."""

    @property
    def vectors_use(self) -> Use | None:
        """What is done with imported vectors; they are fine-tuned by default."""

    @property
    def vectors_pull(self) -> float:
        """How strongly they are fine-tuned, in records."""

    @property
    def given_width(self) -> int | None:
        """The width when somebody asked for one."""


def _fit_ppmi_svd(corpus: Corpus, training: Training, seed: int, _progress: Progress | None = None) -> Embeddings:
    if training.imported is None:
        return fit_ppmi_svd(corpus.counts, training.width, seed)
    vectors = fit_anchored(corpus.counts, training.imported, seed)
    return finish("ppmi-svd", corpus, vectors.astype(np.float32), None)


LEARNERS: dict[str, Learner] = {
    "ppmi-svd": _fit_ppmi_svd,
    "skipgram": fit_skipgram,
    "cbow": fit_cbow,
    "glove": fit_glove,
    "fasttext": fit_fasttext,
    "graph": fit_graph,
    "gru": fit_gru,
    "cnn": fit_cnn,
    "autoencoder": fit_autoencoder,
    "onehot": fit_onehot,
    "random": fit_random,
}
LEARNING_RATES = {
    "skipgram": 0.2,
    "cbow": 0.2,
    "fasttext": 0.2,
    "glove": 0.1,
    "gru": 0.003,
    "cnn": 0.003,
    "autoencoder": 0.003,
}
WITHOUT_VECTORS = ("onehot", "random", *NEURAL)  # take none from elsewhere
EPOCHS = 10
NEURAL_EPOCHS = 20


def check_embedding(method: str) -> None:
    """See whether a method can learn here, before anything is read.

    Raises
    ------
    ConfigError
        When its extra is not installed.
    """
    if method in NEURAL:
        import_torch(method)


def fit_embeddings(
    corpus: Corpus,
    settings: Settings,
    seed: int,
    progress: Progress | None = None,
    vectors: TokenVectors | None = None,
) -> Embeddings:
    """Learn embeddings by the method of a name.

    Parameters
    ----------
    corpus : Corpus
        Records or sequences.
    settings : Settings
        The section ``[embedding]`` of a configuration.
    seed : int
        Start of all random numbers.
    progress : callable, optional
        Told of every epoch: its number from 1, how many there will be at most, and the loss.
    vectors : TokenVectors, optional
        Imported vectors to begin with; their width is then the width.

    Returns
    -------
    Embeddings

    Raises
    ------
    ConfigError
        When there is no such method, it learns from other things, its extra is not installed, its learning rate is too
        high, or another width was asked for than the vectors'.
    DataError
        When no token has an imported vector.
    """
    if settings.method not in LEARNERS:
        known = nearest_name(settings.method, LEARNERS)
        raise ConfigError(f"embedding.method = {settings.method!r}: there is no such method{known}")
    if settings.method in NEURAL and corpus.is_ordered != (settings.method in NEXT_EVENT):
        kind = "records" if corpus.is_ordered else "whole sequences"
        raise ConfigError(f"embedding {settings.method} learns from {kind}")
    imported = None if vectors is None else _import(vectors, corpus, settings)
    training = Training(
        width=vectors.width if vectors else choose_width(settings.width, settings.method, corpus.n_used),
        epochs=settings.epochs or (NEURAL_EPOCHS if settings.method in NEURAL else EPOCHS),
        learning_rate=settings.learning_rate or LEARNING_RATES.get(settings.method, 0.0),
        negatives=settings.negatives,
        window=settings.window,
        imported=imported,
    )
    learnt = LEARNERS[settings.method](corpus, training, seed, progress)
    return replace(learnt, notes=imported.notes) if imported else learnt


def _import(vectors: TokenVectors, corpus: Corpus, settings: Settings) -> Imported:
    if settings.given_width not in (None, vectors.width):
        raise ConfigError(
            f"embedding.width is {settings.given_width}, but the vectors of {vectors.source} are {vectors.width} wide; "
            "leave it out"
        )
    return match_vectors(vectors, corpus, settings.vectors_use or "fine-tune", settings.vectors_pull)


def choose_width(width: int | Literal["auto"], method: str, n_used: int) -> int:
    """Make a width definite.

    Parameters
    ----------
    width : int or "auto"
        What was asked for. ``auto`` is four times the fourth root of the number of tokens, rounded up to a multiple
        of 8, from 16 to 64; of onehot, a dimension per token, up to 256.
    method : str
        The method.
    n_used : int
        Tokens that occur.

    Returns
    -------
    int
        No more than there are tokens that occur, less one, and at least 1.

    Examples
    --------
    >>> choose_width("auto", "skipgram", 15_000), choose_width(16, "skipgram", 5)
    (48, 4)
    """
    most = max(n_used - 1, 1)
    if width != "auto":
        return min(width, most)
    if method == "onehot":
        return min(max(n_used, 1), WIDEST_ONEHOT)
    return min(max(-(-int(4 * n_used**0.25 + 1) // STEP) * STEP, NARROWEST), WIDEST, most)
