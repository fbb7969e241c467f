"""Train a network epoch by epoch: Adam, one thread, weighted cases, a falling learning rate, and when to stop.

The first layer starts from imported vectors, if any. They are pulled back after every step, by as much as Adam moves
the layer for a gradient of one [1]_: as a term of the loss, a strong pull would drown out all other gradients.

.. [1] Parikh, Boyd: Proximal algorithms. Foundations and Trends in Optimization 1(3), 2014.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
from numpy.typing import NDArray

from anomembed.represent.arrays import Ints
from anomembed.represent.embeddings.corpus import Corpus
from anomembed.represent.embeddings.epochs import Progress, Training, watch
from anomembed.represent.embeddings.imported import Imported

KEPT = (0.9, 0.999)  # decay of the running means of gradients and of their squares, as published
STEEPEST = 5.0  # norm to which gradients are clipped
PATIENCE, LEAST_FALL = 2, 0.003  # epochs, and the relative fall of the loss in them below which training stops
LEAST_BATCHES = 25  # of an epoch, which goes several times through a small reference
DIVERGED = 50.0  # mean nats of a value at which training has diverged


@contextmanager
def seeded(torch: Any, seed: int) -> Iterator[None]:  # noqa: ANN401
    """Use this seed and one thread, which makes results reproducible; restore both at the end."""
    n_threads = torch.get_num_threads()
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        torch.set_num_threads(1)
        try:
            yield
        finally:
            torch.set_num_threads(n_threads)


def import_vectors(
    torch: Any,  # noqa: ANN401
    layer: Any,  # noqa: ANN401
    imported: Imported | None,
    corpus: Corpus,
    weights: NDArray[np.number],
    n_losses: NDArray[np.number],
) -> NDArray[np.float32]:
    """Set the first layer to imported vectors.

    Parameters
    ----------
    torch : module
        PyTorch.
    layer : torch.nn.Embedding
        Changed in place.
    imported : Imported or None
        The vectors; None without any.
    corpus : Corpus
        The records or sequences.
    weights : ndarray of shape (n_sequences,)
        Weight of each record or sequence of the corpus in the loss.
    n_losses : ndarray of shape (n_sequences,)
        Number of losses of each; the mean is over all of them.

    Returns
    -------
    ndarray of shape (n_inputs,)
        How strongly every row is pulled back, relative to the mean loss; infinite when it is frozen.
    """
    pulls = np.zeros(len(layer.weight), np.float32)
    if imported is not None:
        rows = np.flatnonzero(imported.known)
        with torch.no_grad():
            layer.weight[torch.from_numpy(rows)] = torch.from_numpy(imported.vectors[rows])
        weighed = np.bincount(corpus.sequences.events, weights[corpus.sequences.of_event], minlength=corpus.size)
        pulls[rows] = (imported.pulls(corpus.occurrences) * weighed / (weights @ n_losses))[rows]
    return pulls


def run_epochs(
    torch: Any,  # noqa: ANN401
    network: Any,  # noqa: ANN401
    batches: Callable[[np.random.Generator], Iterator[Ints]],
    loss_of: Callable[[Ints], tuple[Any, float]],
    pulls: NDArray[np.float32],
    training: Training,
    seed: int,
    progress: Progress | None,
) -> tuple[float, ...]:
    """Train until the loss stops falling.

    Parameters
    ----------
    torch, network
        PyTorch, and one of its modules, which is changed in place; its first layer is `embedding`.
    batches : callable
        Makes the batches of an epoch, each an array of cases.
    loss_of : callable
        Returns the weighted sum of the losses of a batch, and the sum of the weights.
    pulls : ndarray of shape (n_inputs,)
        From `import_vectors`.
    training : Training
        The settings.
    seed : int
        Seed of the order of cases.
    progress : callable or None
        Called after every epoch.

    Returns
    -------
    tuple of float
        Mean loss by epoch, in nats.
    """
    rng = np.random.default_rng(seed)
    step = _adam(torch, list(network.parameters()), network.embedding.weight, torch.from_numpy(pulls)[:, None])

    def learn(epoch: int) -> float:
        total, weight = 0.0, 0.0
        rate = training.learning_rate * (1 - epoch / training.epochs)
        for batch in _enough(batches, rng):
            loss, weights = loss_of(batch)
            (loss / weights).backward()
            step(rate)
            total, weight = total + float(loss.detach()), weight + weights
        return total / max(weight, 1e-12)

    return watch(learn, training, progress, PATIENCE, LEAST_FALL, DIVERGED)


def _adam(torch: Any, weights: list[Any], layer: Any, pulls: Any) -> Callable[[float], None]:  # noqa: ANN401
    """Return a function that takes an Adam step [1]_ and clears the gradients; rows of `layer` are pulled back.

    PyTorch's own optimizer first loads its compiler, which takes longer than training a small network.

    .. [1] Kingma, Ba: Adam: A method for stochastic optimization. ICLR 2015.
    """
    means, squares = ([torch.zeros_like(weight) for weight in weights] for _ in range(2))
    n_steps = 0
    start, is_frozen = layer.detach().clone(), torch.isinf(pulls)
    layer.register_hook(lambda gradient: gradient.masked_fill(is_frozen, 0.0))
    is_pulled = bool((pulls[~is_frozen] > 0).any())

    def step(rate: float) -> None:
        nonlocal n_steps
        n_steps += 1
        with torch.no_grad():
            length = float(torch.sqrt(sum((weight.grad**2).sum() for weight in weights)))
            for weight, mean, square in zip(weights, means, squares, strict=True):
                gradient = weight.grad * min(1.0, STEEPEST / max(length, 1e-12))
                mean.lerp_(gradient, 1 - KEPT[0])
                square.lerp_(gradient**2, 1 - KEPT[1])
                spread = torch.sqrt(square / (1 - KEPT[1] ** n_steps)) + 1e-8
                weight.sub_(rate * mean / (1 - KEPT[0] ** n_steps) / spread)
                if weight is layer and is_pulled:
                    weight.lerp_(start, 1 - 1 / (1 + rate * pulls / spread))
                weight.grad = None

    return step


def _enough(batches: Callable[[np.random.Generator], Iterator[Ints]], rng: np.random.Generator) -> Iterator[Ints]:
    n_batches = 0
    while n_batches < LEAST_BATCHES:
        for batch in batches(rng):
            n_batches += 1
            yield batch
