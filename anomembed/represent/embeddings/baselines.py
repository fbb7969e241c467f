"""Baselines for embeddings: a dimension per value, and random directions; neither learns anything."""

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
        Only the width matters: the number of dimensions. Tokens without one of their own share the last.
    _seed, _progress : ignored
        Part of the signature.

    Returns
    -------
    Embeddings
        Of length one.
    """
    often = np.argsort(-corpus.occurrences, kind="stable")
    dimension = np.empty(corpus.size, np.int64)
    dimension[often] = np.minimum(np.arange(corpus.size), training.width - 1)
    return finish("onehot", corpus, np.eye(training.width, dtype=np.float32)[dimension], None)


def fit_random(corpus: Corpus, training: Training, seed: int, _progress: Progress | None = None) -> Embeddings:
    """Give every token a random direction.

    Parameters
    ----------
    corpus : Corpus
        Records or sequences.
    training : Training
        Only the width matters.
    seed : int
        Seed of the random numbers.
    _progress : ignored
        Part of the signature.

    Returns
    -------
    Embeddings
        Gaussian vectors of length one on average.
    """
    drawn = np.random.default_rng(seed).standard_normal((corpus.size, training.width), np.float32)
    return finish("random", corpus, drawn / np.float32(np.sqrt(training.width)), None)
