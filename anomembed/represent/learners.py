"""The learners of embeddings, one row each: the settings, help, refusals and documentation derive from these rows.

To add one, write a function with the signature of `embeddings.fitting.Fit` and add a row to `LEARNERS`. No heavy
imports here: the command line needs this module for its help.
"""

from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from typing import Any, Literal

from anomembed.errors import ConfigError, nearest_name

Input = Literal["records", "sequences"]
Reads = Literal["epochs", "learning_rate", "negatives", "window"]

PASSES: tuple[Reads, ...] = ("epochs", "learning_rate")
SAMPLING: tuple[Reads, ...] = (*PASSES, "negatives", "window")


@dataclass(frozen=True)
class Extra:
    """An optional dependency.

    Parameters
    ----------
    name : str
        Of the extra, as in ``pip install 'anomembed[name]'``.
    module : str
        What it installs.
    """

    name: str
    module: str


NEURAL = Extra("neural", "torch")


@dataclass(frozen=True)
class Learner:
    """A way to learn embeddings.

    Parameters
    ----------
    name : str
        As in ``--embedding NAME``.
    about : str
        One line for the documentation.
    fit : str or callable
        The function that learns: itself, or as ``module:function`` in `anomembed.represent.embeddings`, which is
        imported when it is first called.
    fits : tuple of str
        What it can learn from.
    reads : tuple of str
        Settings that it reads, besides the width.
    learning_rate : float
        Default learning rate at the start; 0 without one.
    epochs : int
        Default number of passes through the corpus, at most.
    takes_vectors : bool
        Whether it can start from imported vectors.
    is_network : bool
        A neural network: it takes minutes where others take seconds.
    extra : Extra or None
        Optional dependency that it needs.
    is_one_per_token : bool
        Whether its automatic width is a dimension per token.
    """

    name: str
    about: str
    fit: str | Callable[..., Any]
    fits: tuple[Input, ...] = ("records", "sequences")
    reads: tuple[Reads, ...] = ()
    learning_rate: float = 0.0
    epochs: int = 10
    takes_vectors: bool = True
    is_network: bool = False
    extra: Extra | None = None
    is_one_per_token: bool = False


def _network(name: str, about: str, fit: str, fits: Input) -> Learner:
    return Learner(name, about, fit, (fits,), PASSES, 0.003, 20, is_network=True, extra=NEURAL)


LEARNERS: dict[str, Learner] = {
    learner.name: learner
    for learner in (
        Learner(
            "ppmi-svd",
            "factorises how much more often than by chance values occur together (PPMI and SVD)",
            "factorisation:fit_factorisation",
        ),
        Learner(
            "skipgram",
            "each value predicts the values near it, against drawn ones (word2vec)",
            "word2vec:fit_skipgram",
            reads=SAMPLING,
            learning_rate=0.2,
        ),
        Learner(
            "cbow",
            "the mean of the values near it predicts a value, against drawn ones (word2vec)",
            "word2vec:fit_cbow",
            reads=SAMPLING,
            learning_rate=0.3,
        ),
        Learner(
            "glove",
            "products of vectors approximate the logarithms of pair counts",
            "glove:fit_glove",
            reads=PASSES,
            learning_rate=0.1,
        ),
        Learner(
            "fasttext",
            "skip-gram on pieces of the spelling, so that values never seen have vectors too",
            "fasttext:fit_fasttext",
            reads=SAMPLING,
            learning_rate=0.2,
        ),
        Learner("graph", "spectral embedding of the graph of values that occur together (ProNE)", "graph:fit_graph"),
        _network("gru", "a recurrent network predicts the next event", "neural.gru:fit_gru", "sequences"),
        _network("cnn", "a convolutional network predicts the next event", "neural.cnn:fit_cnn", "sequences"),
        _network(
            "autoencoder",
            "a denoising autoencoder predicts hidden values of a record from the others",
            "neural.autoencoder:fit_autoencoder",
            "records",
        ),
        Learner(
            "onehot",
            "a dimension per value: a baseline",
            "baselines:fit_onehot",
            takes_vectors=False,
            is_one_per_token=True,
        ),
        Learner("random", "a random vector per value: a baseline", "baselines:fit_random", takes_vectors=False),
    )
}
"""Learners by name, in the order in which they are listed."""

INPUTS: dict[Input, tuple[str, str]] = {
    "records": ("single records, not from whole sequences", "records"),
    "sequences": (
        "whole sequences (a sequence, an order and an event), not from single records or events",
        "whole sequences",
    ),
}
"""How a refusal names what a learner is limited to, and what it was given."""


def list_names() -> str:
    """Return the names of all learners as a phrase."""
    *names, last = LEARNERS
    return f"{', '.join(names)} or {last}"


def list_readers(setting: Reads) -> str:
    """Return the names of the learners that read a setting, separated by commas."""
    return ", ".join(learner.name for learner in LEARNERS.values() if setting in learner.reads)


def known_name(name: str) -> str:
    """Return the name of a learner.

    Raises
    ------
    ValueError
        When there is no such learner.
    """
    if name not in LEARNERS:
        raise ValueError(f"no such embedding method: {name!r}{nearest_name(name, LEARNERS)}")
    return name


def check_method(name: str, *, is_ordered: bool, has_vectors: bool) -> None:
    """Refuse a learner that cannot learn from this input; called before any work is done.

    Parameters
    ----------
    name : str
        The learner.
    is_ordered : bool
        Whether it is to learn from whole sequences; else from records.
    has_vectors : bool
        Whether it is to start from imported vectors.

    Raises
    ------
    ConfigError
        When there is no such learner, it does not fit this input, it takes no vectors, or its extra is not installed.
    """
    try:
        learner = LEARNERS[known_name(name)]
    except ValueError as error:
        raise ConfigError(str(error)) from None
    given: Input = "sequences" if is_ordered else "records"
    if given not in learner.fits:
        others = " or ".join(other.name for other in LEARNERS.values() if other.fits == (given,))
        instead = f"; for {INPUTS[given][1]} there is {others}" if others else ""
        raise ConfigError(f"embedding {name} learns from {INPUTS[learner.fits[0]][0]}{instead}")
    if has_vectors and not learner.takes_vectors:
        raise ConfigError(f"embedding {name} cannot start from imported vectors; leave them out, or choose another")
    if learner.extra is not None:
        try:
            import_module(learner.extra.module)
        except ImportError as error:
            raise ConfigError(
                f"embedding {name} needs an extra: pip install 'anomembed[{learner.extra.name}]'"
            ) from error
