"""Run a kernel through sequences, in parallel where there are many.

A long epoch is cut into rounds, and each round into `SHARDS` parts, which run side by side on copies of the vectors;
after a round the copies are merged. The parts do not depend on the number of processors, so neither do the results.
"""

from collections.abc import Callable
from concurrent.futures import Executor, ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from anomembed.represent.arrays import Floats, Ints, Matrix
from anomembed.represent.embeddings.kernels.copies import merge_copies
from anomembed.represent.embeddings.sampling import Samples
from anomembed.workers.blocks import n_processors

Kernel = Callable[..., tuple[float, int]]
"""Learns from some sequences, changes the matrices in place, and returns the loss and the number of pairs."""

SHARDS = 2  # parts of a round, whatever the machine
ROUND = 25_000  # sequences of a part


@dataclass(frozen=True)
class Work:
    """What an epoch runs.

    Parameters
    ----------
    kernel : callable
        The compiled loop.
    matrices : tuple of ndarray
        Vectors, which change.
    samples : Samples
        The sequences, which do not.
    """

    kernel: Kernel
    matrices: tuple[Matrix, ...]
    samples: Samples

    def run(
        self, matrices: tuple[Matrix, ...], order: Ints, rates: tuple[float, float], state: np.uint64
    ) -> tuple[float, int]:
        """Run the kernel once over the sequences `order`, on the vectors or on copies of them."""
        return self.kernel(*matrices, order, *rates, state, *self.samples.arguments())


def run_epoch(work: Work, order: Ints, rates: tuple[float, float], seed: tuple[int, int]) -> float:
    """Go once through some sequences.

    Parameters
    ----------
    work : Work
        What to run.
    order : ndarray
        Which sequences, in which order.
    rates : tuple of float
        Learning rate at the start and at the end.
    seed : tuple of int
        Seed of the kernel's random numbers: the user's seed, and the epoch.

    Returns
    -------
    float
        Mean loss of a pair.
    """
    n_rounds = len(order) // (SHARDS * max(ROUND, 2 * len(work.matrices[0])))
    states = np.random.default_rng(seed).integers(2**63, size=(max(n_rounds, 1), SHARDS), dtype=np.uint64)
    if not n_rounds:
        loss, n_pairs = work.run(work.matrices, order, rates, states[0, 0])
        return loss / max(n_pairs, 1)
    ends = np.linspace(*rates, n_rounds + 1).tolist()
    total = np.zeros(2)
    with ThreadPoolExecutor(min(SHARDS, n_processors())) as pool:
        for number, part in enumerate(np.array_split(order, n_rounds)):
            total += _run_round(pool, work, part, (ends[number], ends[number + 1]), states[number])
    return float(total[0] / max(total[1], 1))


def _run_round(
    pool: Executor, work: Work, order: Ints, rates: tuple[float, float], states: NDArray[np.uint64]
) -> Floats:
    """Run the parts of a round on copies of the vectors and merge them; return loss and number of pairs."""
    copies = [np.repeat(matrix[None], SHARDS, axis=0) for matrix in work.matrices]
    parts = [
        pool.submit(work.run, own, order[shard::SHARDS], rates, states[shard])
        for shard, own in enumerate(zip(*copies, strict=True))
    ]
    total = np.sum([part.result() for part in parts], axis=0)
    for matrix, copy in zip(work.matrices, copies, strict=True):
        merge_copies(matrix, copy)
    return np.asarray(total)
