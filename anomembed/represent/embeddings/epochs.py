"""Go through a corpus epoch by epoch: learning rate, processors, loss, and when to stop."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from anomembed.errors import ConfigError
from anomembed.represent.arrays import Ints, Matrix
from anomembed.represent.embeddings.imported import Imported
from anomembed.represent.embeddings.kernels import put_together
from anomembed.represent.embeddings.lanes import aligned
from anomembed.represent.embeddings.sampling import Samples, count_pairs_of
from anomembed.represent.parallel import n_processors

Kernel = Callable[..., tuple[float, int]]
Progress = Callable[[int, int, float], None]
"""Told the epoch from 1, how many there will be at most, and the loss."""

HOPELESS = 20.0  # mean loss of a pair, 2 log 2 where nothing is known, at which vectors have run away
LONG = 10.0  # of a vector: those learnt here are a few units long
PATIENCE = 5  # epochs in a row without a fall of the loss end it: drawn tokens let it go up and down
MOST_PAIRS = 5_000_000  # of an epoch; of a larger reference each epoch takes another part
SHARDS = 2  # parts of the work that do not see each other's latest vectors, whatever the machine
ROUND = 25_000  # sequences of a part, after which the parts are put together


@dataclass(frozen=True)
class Training:
    """How to learn: the settings of `[embedding]`, made definite.

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
        Events on either side of an event that are its company.
    imported : Imported or None
        Vectors to begin with.
    """

    width: int
    epochs: int
    learning_rate: float
    negatives: int
    window: int
    imported: Imported | None = None


def run_epoch(
    kernel: Kernel,
    matrices: tuple[Matrix, ...],
    samples: Samples,
    order: Ints,
    rates: tuple[float, float],
    seed: tuple[int, int],
) -> float:
    """Go once through some sequences.

    A long epoch is cut into rounds and each round into `SHARDS` parts, which run at the same time on copies of the
    vectors. The parts do not depend on the number of processors, so neither do the results.

    Parameters
    ----------
    kernel : callable
        Learns from the sequences that it is given and changes the matrices in place.
    matrices : tuple of ndarray
        Vectors.
    samples : Samples
        The sequences.
    order : ndarray
        Which sequences, in which order.
    rates : tuple of float
        Learning rate at the start and at the end.
    seed : tuple of int
        Start of the kernel's random numbers: the seed, and the epoch.

    Returns
    -------
    float
        Mean loss of a pair.
    """
    n_rounds = len(order) // (SHARDS * max(ROUND, 2 * len(matrices[0])))
    states = np.random.default_rng(seed).integers(2**63, size=(max(n_rounds, 1), SHARDS), dtype=np.uint64)
    between = np.linspace(*rates, max(n_rounds, 1) + 1)
    if not n_rounds:
        loss, n_pairs = kernel(*matrices, order, *rates, states[0, 0], *samples.arguments())
        return loss / max(n_pairs, 1)
    total = np.zeros(2)
    with ThreadPoolExecutor(min(SHARDS, n_processors())) as pool:
        for number, part in enumerate(np.array_split(order, n_rounds)):
            copies = [np.repeat(matrix[None], SHARDS, axis=0) for matrix in matrices]
            ends = between[number : number + 2].tolist()
            work = [
                pool.submit(kernel, *own, part[shard::SHARDS], *ends, states[number, shard], *samples.arguments())
                for shard, own in enumerate(zip(*copies, strict=True))
            ]
            total += np.sum([done.result() for done in work], axis=0)
            for matrix, copy in zip(matrices, copies, strict=True):
                put_together(matrix, copy)
    return float(total[0] / max(total[1], 1))


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
        As for `run_epoch`.
    times : ndarray
        How often each sequence occurs; so often it is learnt from in an epoch, in random order.
    training : Training
        The learning rate falls linearly from epoch to epoch.
    seed : int
        Start of the random numbers.
    progress : callable or None
        Told the epoch, their number, and the loss.

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
    rng = np.random.default_rng(seed)

    def learn(epoch: int) -> float:
        order = rng.permutation(every)[:most]
        rates = training.learning_rate * (1 - np.array([epoch, epoch + 1]) / training.epochs)
        loss = run_epoch(kernel, matrices, samples, order, (rates[0], rates[1]), (seed, epoch))
        return loss if all(np.isfinite(matrix).all() for matrix in matrices) else np.inf

    return watch(learn, training, progress)


def watch(
    learn: Callable[[int], float],
    training: Training,
    progress: Progress | None,
    patience: int = PATIENCE,
    least_fall: float = 0.0,
    hopeless: float = HOPELESS,
) -> tuple[float, ...]:
    """Run epochs and watch the loss.

    Parameters
    ----------
    learn : callable
        Runs the epoch of a number, from 0, and returns its loss.
    training : Training
        How many.
    progress : callable or None
        Told the epoch (from 1), their number, and the loss.
    patience : int
        Epochs that the loss is given to fall in.
    least_fall : float
        Share of the loss that it has to fall by in them to go on.
    hopeless : float
        Loss at which there is nothing to hope for.

    Returns
    -------
    tuple of float
        Loss by epoch; fewer than asked for when it no longer fell.

    Raises
    ------
    ConfigError
        When the loss is not a number, or hopeless.
    """
    losses: list[float] = []
    for epoch in range(training.epochs):
        loss = learn(epoch)
        if not loss < hopeless:
            raise ConfigError(_say_hopeless(losses, training))
        losses.append(loss)
        if progress is not None:
            progress(epoch + 1, training.epochs, loss)
        if epoch >= patience and min(losses[-patience:]) >= (1 - least_fall) * min(losses[:-patience]):
            break
    return tuple(losses)


def _say_hopeless(losses: list[float], training: Training) -> str:
    """Say in which epoch learning failed, and what to change."""
    imported = training.imported
    long = 0.0 if imported is None else float(np.linalg.norm(imported.vectors.astype(np.float64), axis=1).max())
    scale = f"scale the imported vectors, which are up to {long:.3g} long, or " if long > LONG else ""
    before = f" (it was {losses[-1]:.3g})" if losses else ""
    return (
        f"learning the embeddings failed in epoch {len(losses) + 1} of {training.epochs}: the loss is beyond all "
        f"bounds{before}; {scale}lower embedding.learning_rate, which is {training.learning_rate:g}"
    )


def start_vectors(n_rows: int, width: int, seed: int | tuple[int, int], imported: Imported | None = None) -> Matrix:
    """Return imported vectors and else small random numbers; what the width is rounded up by is zero and stays so."""
    vectors = aligned((n_rows, width))
    vectors[:, :width] = (np.random.default_rng(seed).random((n_rows, width), np.float32) - 0.5) / width
    if imported is not None:
        vectors[: len(imported.known), :width][imported.known] = imported.vectors[imported.known]
    return vectors


def hold_vectors(
    vectors: Matrix, imported: Imported | None, occurrences: NDArray[np.float64]
) -> tuple[NDArray[np.float32], Matrix]:
    """Return how strongly each row of the vectors is held, and where; see `Imported.hold`."""
    held = np.zeros(len(vectors), np.float32)
    if imported is None or imported.use == "start":
        return held, aligned((1, vectors.shape[1]))
    held[: len(occurrences)] = imported.hold(occurrences)
    where = aligned((len(vectors), vectors.shape[1]))
    where[:] = vectors
    return held, where
