"""The methods to learn embeddings by, by name, and one way to call them."""

from dataclasses import dataclass, replace
from functools import partial
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
from anomembed.represent.embeddings.neural.autoencoder import fit_autoencoder
from anomembed.represent.embeddings.neural.cnn import make_cnn
from anomembed.represent.embeddings.neural.gru import make_gru
from anomembed.represent.embeddings.neural.next_event import fit_next_event
from anomembed.represent.embeddings.ppmi_svd import fit_ppmi_svd
from anomembed.represent.embeddings.skipgram import fit_skipgram

NARROWEST, WIDEST, STEP = 16, 64, 8  # of automatic widths
WIDEST_ONEHOT = 256


class Learner(Protocol):
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
            How to learn.
        seed : int
            Start of all random numbers.
        progress : callable, optional
            Told of every epoch.

        Raises
        ------
        ConfigError
            When the learning rate is too high.
        """


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


@dataclass(frozen=True)
class Method:
    """A way to learn embeddings.

    Parameters
    ----------
    fit : callable
        Learns.
    learning_rate : float
        At the start, by default; 0 of methods that have none.
    epochs : int
        Times through the corpus at most, by default.
    learns_from : str or None
        The one kind of corpus that it learns from; None when it learns from both.
    takes_vectors : bool
        Whether learning can begin with imported vectors.
    is_network : bool
        A neural network: it needs an extra, and minutes where others need seconds.
    """

    fit: Learner
    learning_rate: float = 0.0
    epochs: int = 10
    learns_from: Literal["records", "whole sequences"] | None = None
    takes_vectors: bool = True
    is_network: bool = False


def _network(fit: Learner, learns_from: Literal["records", "whole sequences"]) -> Method:
    return Method(fit, learning_rate=0.003, epochs=20, learns_from=learns_from, is_network=True)


METHODS: dict[str, Method] = {
    "ppmi-svd": Method(_fit_ppmi_svd),
    "skipgram": Method(fit_skipgram, learning_rate=0.2),
    "cbow": Method(fit_cbow, learning_rate=0.3),
    "glove": Method(fit_glove, learning_rate=0.1),
    "fasttext": Method(fit_fasttext, learning_rate=0.2),
    "graph": Method(fit_graph),
    "gru": _network(partial(fit_next_event, method="gru", make=make_gru, is_recurrent=True), "whole sequences"),
    "cnn": _network(partial(fit_next_event, method="cnn", make=make_cnn, is_recurrent=False), "whole sequences"),
    "autoencoder": _network(fit_autoencoder, "records"),
    "onehot": Method(fit_onehot, takes_vectors=False),
    "random": Method(fit_random, takes_vectors=False),
}
NOT_FROM = {
    "records": "single records, not from whole sequences",
    "whole sequences": "whole sequences (a sequence, an order and an event), not from single records or events",
}


def check_method(name: str, *, is_ordered: bool, has_vectors: bool) -> None:
    """Refuse a method that cannot learn what it is to learn; whoever wants embeddings asks here, before any work.

    Parameters
    ----------
    name : str
        The method.
    is_ordered : bool
        Whether it is to learn from whole sequences; else from records.
    has_vectors : bool
        Whether there are imported vectors to begin with.

    Raises
    ------
    ConfigError
        When there is no such method, it learns from other things, it takes no vectors, or its extra is not installed.
    """
    if name not in METHODS:
        raise ConfigError(f"no such embedding method: {name!r}{nearest_name(name, METHODS)}")
    method, kind = METHODS[name], "whole sequences" if is_ordered else "records"
    if method.learns_from is not None and method.learns_from != kind:
        others = " or ".join(other for other in METHODS if METHODS[other].learns_from == kind)
        raise ConfigError(f"embedding {name} learns from {NOT_FROM[method.learns_from]}; for {kind} there is {others}")
    if has_vectors and not method.takes_vectors:
        raise ConfigError(f"{name} embeddings learn nothing, and take no vectors; choose another method")
    if method.is_network:
        try:
            import torch  # noqa: F401
        except ImportError as error:
            raise ConfigError(f"embedding {name} needs an extra: pip install 'anomembed[neural]'") from error


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
        When the method cannot learn this (see `check_method`), its learning rate is too high, or another width was
        asked for than the vectors'.
    DataError
        When no token has an imported vector.
    """
    check_method(settings.method, is_ordered=corpus.is_ordered, has_vectors=vectors is not None)
    method = METHODS[settings.method]
    imported = None if vectors is None else _import(vectors, corpus, settings)
    training = Training(
        width=vectors.width if vectors else choose_width(_wanted_width(settings), settings.method, corpus.n_used),
        epochs=settings.epochs or method.epochs,
        learning_rate=settings.learning_rate or method.learning_rate,
        negatives=settings.negatives,
        window=settings.window,
        imported=imported,
    )
    learnt = method.fit(corpus, training, seed, progress)
    of_import = imported.notes if imported else ()
    return replace(learnt, notes=(*of_import, *_note_end(len(learnt.losses), training.epochs)))


def _wanted_width(settings: Settings) -> int | Literal["auto"]:
    """Return the width asked for; values in a place of their own take as many as there are."""
    return "auto" if settings.method == "onehot" and settings.given_width is None else settings.width


def _note_end(n_epochs: int, most: int) -> list[str]:
    if n_epochs in (0, most):
        return []
    return [f"learning ended after {n_epochs} of {most:,} epochs: the loss no longer fell"]


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
