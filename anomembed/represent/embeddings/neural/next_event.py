"""Train a network to predict the next event: what GRU and CNN have in common.

An epoch goes once through the distinct sequences, each weighted by the square root of how often it occurs: on the HDFS
log this gives fewer false alarms than the frequency itself. Pieces of about the same length make a batch.
"""

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from anomembed.represent.arrays import Ints
from anomembed.represent.embeddings import Embeddings
from anomembed.represent.embeddings.corpus import Corpus
from anomembed.represent.embeddings.epochs import Progress, Training
from anomembed.represent.embeddings.finishing import finish
from anomembed.represent.embeddings.neural.networks import Classes, NextEvent, make_classes, on_grid
from anomembed.represent.embeddings.neural.pieces import OUTSIDE, Pieces
from anomembed.represent.embeddings.neural.training import import_vectors, run_epochs, seeded

MOST_CLASSES = 2_000
BATCH, BATCH_EVENTS = 32, 2_048  # pieces and events, at most
MOST_EVENTS = 400_000  # of an epoch; of a larger reference each epoch takes another part
REPEATED = (
    0.5  # a sequence that occurs n times weighs n to this power, so that frequent ones do not drown out the others
)
IGNORED = -100  # target of positions without a loss, as in PyTorch

Parts = dict[str, Any]
"""The weights of a network as tensors, by their names in `NextEvent`."""


def fit_next_event(
    corpus: Corpus,
    training: Training,
    seed: int,
    progress: Progress | None = None,
    *,
    method: str,
    make: Callable[[Any, int, int, int], Any],
    is_recurrent: bool,
) -> Embeddings:
    """Learn embeddings as the first layer of a network.

    Parameters
    ----------
    corpus, training, seed, progress
        See `Fit`.
    method : str
        Name of the learner.
    make : callable
        Makes the network from the module torch, the number of inputs, the width and the number of classes. The network
        has an `embedding` and `parts()`, and returns logits for a batch of inputs.
    is_recurrent : bool
        See `NextEvent`.

    Returns
    -------
    Embeddings
        With the network.
    """
    import torch

    classes = _classes(corpus)
    pieces = Pieces(corpus.sequences, corpus.size)
    with seeded(torch, seed):
        network = make(torch, corpus.size + 2, training.width, int(classes.of_token.max()) + 1)
        weights = corpus.times.astype(np.float32) ** np.float32(REPEATED)
        loss = _loss(torch, network, pieces, classes.of_token, weights)
        n_losses = corpus.sequences.lengths + 1
        pulls = import_vectors(torch, network.embedding, training.imported, corpus, weights, n_losses)
        losses = run_epochs(torch, network, partial(_batches, pieces), loss, pulls, training, seed, progress)
        never = np.append(corpus.occurrences == 0, [False, False])
        with torch.no_grad():
            network.embedding.weight[torch.from_numpy(never)] = 0.0
            parts = {name: np.ascontiguousarray(part.numpy()) for name, part in network.parts().items()}
            parts |= {name: on_grid(parts[name]).astype(np.float32) for name in ("recurrent", "output")}
            fitted = NextEvent(**parts, classes=classes, is_recurrent=is_recurrent)
            vectors = network.embedding.weight.numpy()[: corpus.size].copy()
    return finish(method, corpus, vectors, None, losses, network=fitted)


def _classes(corpus: Corpus) -> Classes:
    ends = corpus.times[corpus.sequences.lengths > 0].sum()
    return make_classes(np.append(corpus.occurrences, float(ends)), MOST_CLASSES)


def _batches(pieces: Pieces, rng: np.random.Generator) -> Iterator[Ints]:
    """Yield the batches of an epoch: pieces of about the same length, in random order."""
    order = rng.permutation(len(pieces))
    order = order[: np.searchsorted(np.cumsum(pieces.lengths[order]), MOST_EVENTS) + 1]
    order = order[np.argsort(pieces.lengths[order], kind="stable")]
    lengths, batches, start = pieces.lengths[order], [], 0
    while start < len(order):
        longest = int(lengths[min(start + BATCH, len(order)) - 1])
        size = min(BATCH, max(1, BATCH_EVENTS // longest))
        batches.append(order[start : start + size])
        start += size
    for number in rng.permutation(len(batches)):
        yield batches[number]


def _loss(
    torch: Any,  # noqa: ANN401
    network: Any,  # noqa: ANN401
    pieces: Pieces,
    of_token: Ints,
    weights: NDArray[np.float32],
) -> Callable[[Ints], tuple[Any, float]]:
    """Return a function that maps a batch to the weighted sum of its losses, and its weight."""

    def loss(batch: Ints) -> tuple[Any, float]:
        before, positions = pieces.padded(batch)
        targets = np.where(positions == OUTSIDE, IGNORED, of_token[pieces.tokens[positions]])
        logits = network(torch.from_numpy(before))
        nats = torch.nn.functional.cross_entropy(
            logits.flatten(0, 1), torch.from_numpy(targets).flatten(), reduction="none", ignore_index=IGNORED
        )
        weight = (positions != OUTSIDE) * weights[pieces.sequence[batch], None]
        return nats @ torch.from_numpy(weight).flatten(), float(weight.sum())

    return loss
