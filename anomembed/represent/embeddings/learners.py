"""The methods to learn embeddings by, by name, and one way to call them."""

from typing import Literal, Protocol

from anomembed.errors import ConfigError, nearest_name
from anomembed.represent.embeddings import Embeddings
from anomembed.represent.embeddings.baselines import fit_onehot, fit_random
from anomembed.represent.embeddings.cbow import fit_cbow
from anomembed.represent.embeddings.corpus import Corpus
from anomembed.represent.embeddings.epochs import Progress, Training
from anomembed.represent.embeddings.fasttext import fit_fasttext
from anomembed.represent.embeddings.glove import fit_glove
from anomembed.represent.embeddings.graph import fit_graph
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


def _fit_ppmi_svd(corpus: Corpus, training: Training, seed: int, _progress: Progress | None = None) -> Embeddings:
    return fit_ppmi_svd(corpus.counts, training.width, seed)


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


def fit_embeddings(corpus: Corpus, settings: Settings, seed: int, progress: Progress | None = None) -> Embeddings:
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

    Returns
    -------
    Embeddings

    Raises
    ------
    ConfigError
        When there is no such method, it learns from other things, its extra is not installed, or its learning rate is
        too high.
    """
    if settings.method not in LEARNERS:
        known = nearest_name(settings.method, LEARNERS)
        raise ConfigError(f"embedding.method = {settings.method!r}: there is no such method{known}")
    if settings.method in NEURAL and corpus.is_ordered != (settings.method in NEXT_EVENT):
        kind = "records" if corpus.is_ordered else "whole sequences"
        raise ConfigError(f"embedding {settings.method} learns from {kind}")
    training = Training(
        width=choose_width(settings.width, settings.method, corpus.n_used),
        epochs=settings.epochs or (NEURAL_EPOCHS if settings.method in NEURAL else EPOCHS),
        learning_rate=settings.learning_rate or LEARNING_RATES.get(settings.method, 0.0),
        negatives=settings.negatives,
        window=settings.window,
    )
    return LEARNERS[settings.method](corpus, training, seed, progress)


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
