"""Go through a corpus epoch by epoch: learning rate, loss, when to stop, and where vectors start."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from anomembed.errors import ConfigError
from anomembed.represent.arrays import Ints, Matrix
from anomembed.represent.embeddings.imported import Imported
from anomembed.represent.embeddings.rounds import Kernel, Work, run_epoch
from anomembed.represent.embeddings.sampling import Samples, count_pairs_of
from anomembed.workers.lanes import aligned

Progress = Callable[[int, int, float], None]
"""Called after every epoch with its number from 1, the most there will be, and the loss."""

DIVERGED = 20.0  # mean loss of a pair at which learning has diverged; without any knowledge it is 2 log 2
LONG = 10.0  # length of a vector; those learnt here are a few units long
PATIENCE = 5  # epochs without a fall of the loss that end learning: the drawn tokens make it fluctuate
MOST_PAIRS = 5_000_000  # of an epoch; of a larger reference each epoch takes another part


@dataclass(frozen=True)
class Training:
    """How to learn: the settings of `[embedding]`, with every default filled in.

    Parameters
    ----------
    width : int
        Numbers per vector.
    epochs : int
        Times through the corpus, at most.
    learning_rate : float
        At the start.
    negatives : int
        Tokens drawn for every true one.
    window : int
        Events on either side of an event that are its context.
    imported : Imported or None
        Vectors to start from.
    """

    width: int
    epochs: int
    learning_rate: float
    negatives: int
    window: int
    imported: Imported | None = None


def run_epochs(
    kernel: Kernel,
    matrices: tuple[Matrix, ...],
    samples: Samples,
    times: Ints,
    training: Training,
    seed: int,
    progress: Progress | None,
) -> tuple[float, ...]:
    """Learn until the loss no longer falls, at most `training.epochs` times through the corpus.

    Parameters
    ----------
    kernel, matrices, samples
        See `Work`.
    times : ndarray
        How often each sequence occurs: an epoch goes through it so many times, in random order.
    training : Training
        The learning rate falls linearly from epoch to epoch.
    seed : int
        Seed of the random numbers.
    progress : callable or None
        See `Progress`.

    Returns
    -------
    tuple of float
        Mean loss of a pair, by epoch.
    """
    n_pairs = count_pairs_of(samples)
    useful = np.flatnonzero(n_pairs)
    every = np.repeat(useful, times[useful])
    if not len(every):
        return ()
    most = max(int(MOST_PAIRS / (n_pairs[useful] @ times[useful]) * len(every)), 1)
    rng, work = np.random.default_rng(seed), Work(kernel, matrices, samples)

    def learn(epoch: int) -> float:
        order = rng.permutation(every)[:most]
        rates = training.learning_rate * (1 - np.array([epoch, epoch + 1]) / training.epochs)
        loss = run_epoch(work, order, (rates[0], rates[1]), (seed, epoch))
        return loss if all(np.isfinite(matrix).all() for matrix in matrices) else np.inf

    return watch(learn, training, progress)


def watch(
    learn: Callable[[int], float],
    training: Training,
    progress: Progress | None,
    patience: int = PATIENCE,
    least_fall: float = 0.0,
    diverged: float = DIVERGED,
) -> tuple[float, ...]:
    """Run epochs and watch the loss.

    Parameters
    ----------
    learn : callable
        Runs an epoch, given its number from 0, and returns its loss.
    training : Training
        Has the number of epochs.
    progress : callable or None
        See `Progress`.
    patience : int
        Epochs in which the loss must fall.
    least_fall : float
        Share of the loss that it must fall by in them.
    diverged : float
        Loss at which to give up.

    Returns
    -------
    tuple of float
        Loss by epoch; shorter than asked for when it no longer fell.

    Raises
    ------
    ConfigError
        When the loss is not a number, or diverged.
    """
    losses: list[float] = []
    for epoch in range(training.epochs):
        loss = learn(epoch)
        if not loss < diverged:
            raise ConfigError(_explain_divergence(losses, training))
        losses.append(loss)
        if progress is not None:
            progress(epoch + 1, training.epochs, loss)
        if epoch >= patience and min(losses[-patience:]) >= (1 - least_fall) * min(losses[:-patience]):
            break
    return tuple(losses)


def _explain_divergence(losses: list[float], training: Training) -> str:
    """Return a message: in which epoch learning failed, and what to change."""
    imported = training.imported
    long = 0.0 if imported is None else float(np.linalg.norm(imported.vectors.astype(np.float64), axis=1).max())
    scale = f"scale the imported vectors, which are up to {long:.3g} long, or " if long > LONG else ""
    before = f" (it was {losses[-1]:.3g})" if losses else ""
    return (
        f"learning the embeddings failed in epoch {len(losses) + 1} of {training.epochs}: the loss "
        f"diverged{before}; {scale}lower embedding.learning_rate, which is {training.learning_rate:g}"
    )


def start_vectors(n_rows: int, width: int, seed: int | tuple[int, int], imported: Imported | None = None) -> Matrix:
    """Return imported vectors, and small random ones for the other rows; columns added as padding are and stay zero."""
    vectors = aligned((n_rows, width))
    vectors[:, :width] = (np.random.default_rng(seed).random((n_rows, width), np.float32) - 0.5) / width
    if imported is not None:
        vectors[: len(imported.known), :width][imported.known] = imported.vectors[imported.known]
    return vectors


def pull_back(
    vectors: Matrix, imported: Imported | None, occurrences: NDArray[np.float64]
) -> tuple[NDArray[np.float32], Matrix]:
    """Return how strongly each row of the vectors is pulled back (see `Imported.pulls`), and to which vector."""
    pulls = np.zeros(len(vectors), np.float32)
    if imported is None or imported.use == "start":
        return pulls, aligned((1, vectors.shape[1]))
    pulls[: len(occurrences)] = imported.pulls(occurrences)
    anchors = aligned((len(vectors), vectors.shape[1]))
    anchors[:] = vectors
    return pulls, anchors
