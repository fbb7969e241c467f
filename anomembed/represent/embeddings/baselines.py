"""What embeddings have to beat: a dimension per value, and random directions; neither knows what goes together."""

import numpy as np

from anomembed.represent.embeddings import Embeddings
from anomembed.represent.embeddings.corpus import Corpus
from anomembed.represent.embeddings.epochs import Progress, Training
from anomembed.represent.embeddings.finishing import finish


def fit_onehot(corpus: Corpus, training: Training, _seed: int, _progress: Progress | None = None) -> Embeddings:
    """Give each of the most frequent tokens a dimension of its own.

    Parameters
    ----------
    corpus : Corpus
        Records or sequences.
    training : Training
        Only the width counts: so many dimensions, the last of which is shared by all tokens without one of their own.
    _seed, _progress : ignored
        Present for the interface.

    Returns
    -------
    Embeddings
        Every vector is one long; the output vectors are the associations themselves.
    """
    often = np.argsort(-corpus.occurrences, kind="stable")
    place = np.empty(corpus.size, np.int64)
    place[often] = np.minimum(np.arange(corpus.size), training.width - 1)
    return finish("onehot", corpus, np.eye(training.width, dtype=np.float32)[place], None)


def fit_random(corpus: Corpus, training: Training, seed: int, _progress: Progress | None = None) -> Embeddings:
    """Give every token a random direction.

    Parameters
    ----------
    corpus : Corpus
        Records or sequences.
    training : Training
        Only the width counts.
    seed : int
        Start of the random numbers.
    _progress : ignored
        Present for the interface.

    Returns
    -------
    Embeddings
        Gaussian vectors, one long on average.
    """
    drawn = np.random.default_rng(seed).standard_normal((corpus.size, training.width), np.float32)
    return finish("random", corpus, drawn / np.float32(np.sqrt(training.width)), None)
