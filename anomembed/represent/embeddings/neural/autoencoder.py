"""Autoencoder of records: an embedding per value, a narrow code, and a softmax over the values of every column.

In training some values of each record are hidden [1]_, and only these are predicted, from the others: visible values it
would learn to copy, however odd, and values with similar contexts would not get similar vectors. In scoring each value
is hidden in turn. Vectors start small, so that the random start does not outweigh what is learnt.
examples/notes/views.md has the figures.

.. [1] Vincent, Larochelle, Bengio, Manzagol: Extracting and composing robust features with denoising autoencoders.
   ICML 2008.
"""

from collections.abc import Callable, Iterator
from functools import partial
from itertools import pairwise
from typing import Any

import numpy as np

from anomembed.represent.arrays import Ints
from anomembed.represent.embeddings import Embeddings
from anomembed.represent.embeddings.corpus import Corpus
from anomembed.represent.embeddings.epochs import Progress, Training
from anomembed.represent.embeddings.finishing import finish
from anomembed.represent.embeddings.neural import HIDDEN
from anomembed.represent.embeddings.neural.networks import Autoencoder, Classes, make_classes, on_grid
from anomembed.represent.embeddings.neural.training import import_vectors, run_epochs, seeded

CODE = 32  # width of the code between the layers
HIDE = 0.15  # share of values that are hidden; at least one of every record
START = 0.1  # standard deviation of the initial vectors
BATCH = 256
MOST_RECORDS = 50_000  # distinct records of an epoch; of a larger reference each epoch takes another part
MOST_CLASSES, MOST_OF_COLUMN = 8_000, 1_000


def fit_autoencoder(corpus: Corpus, training: Training, seed: int, progress: Progress | None = None) -> Embeddings:
    """Learn embeddings as the first layer of an autoencoder; the arguments are those of `Fit`."""
    import torch

    rows = corpus.sequences.events.reshape(-1, len(corpus.columns)).astype(np.int64)
    classes, first_class = _classes(corpus)
    with seeded(torch, seed):
        network = _make(torch, corpus.size, training.width, rows.shape[1], int(first_class[-1]))
        loss = _loss(torch, network, rows, corpus.times, classes.of_token, first_class)
        pulls = import_vectors(torch, network.embedding, training.imported, corpus, corpus.times, np.ones(len(rows)))
        losses = run_epochs(torch, network, partial(_batches, len(rows)), loss, pulls, training, seed, progress)
        with torch.no_grad():
            network.embedding.weight[torch.from_numpy(corpus.occurrences == 0)] = 0.0
            vectors = network.embedding.weight.numpy().copy()
            column_of = np.repeat(np.arange(rows.shape[1]), np.diff(corpus.offsets))
            fitted = _freeze(network, vectors, column_of, first_class, classes)
    return finish("autoencoder", corpus, vectors, None, losses, network=fitted)


def _classes(corpus: Corpus) -> tuple[Classes, Ints]:
    """Return the classes of all tokens, numbered through the columns, and the first of each column."""
    most = max(min(MOST_OF_COLUMN, MOST_CLASSES // len(corpus.columns)), 2)
    parts = [make_classes(corpus.occurrences[slice(*ends)], most) for ends in pairwise(corpus.offsets.tolist())]
    first = np.cumsum([0, *(int(part.of_token.max()) + 1 for part in parts)])
    of_token = np.concatenate([part.of_token + start for part, start in zip(parts, first[:-1], strict=True)])
    share, frequency = (np.concatenate([getattr(part, name) for part in parts]) for name in ("share", "frequency"))
    return Classes(of_token, share, frequency), first


def _make(torch: Any, n_tokens: int, width: int, n_columns: int, n_classes: int) -> Any:  # noqa: ANN401
    class Network(torch.nn.Module):  # type: ignore[misc]  # the base is Any to mypy
        def __init__(self) -> None:
            super().__init__()
            self.embedding = torch.nn.Embedding(n_tokens, width)
            torch.nn.init.normal_(self.embedding.weight, std=START)
            self.first = torch.nn.Linear(n_columns * width, HIDDEN)
            self.layers = torch.nn.ModuleList(
                [torch.nn.Linear(HIDDEN, CODE), torch.nn.Linear(CODE, HIDDEN), torch.nn.Linear(HIDDEN, n_classes)]
            )

        def forward(self, tokens: Any, shown: Any) -> Any:  # noqa: ANN401
            state = self.first((self.embedding(tokens) * shown[:, :, None]).flatten(1))
            for layer in self.layers:
                state = layer(torch.relu(state))
            return state

    return Network()


def _freeze(network: Any, vectors: Any, column_of: Ints, first_class: Ints, classes: Classes) -> Autoencoder:  # noqa: ANN401
    """Return the network as arrays, with the contribution of every token to the first layer computed in advance."""
    width = vectors.shape[1]
    by_column = network.first.weight.numpy().reshape(HIDDEN, -1, width)
    inputs = np.zeros((len(vectors), HIDDEN), np.float32)
    for column in range(by_column.shape[1]):
        of_column = column_of == column
        inputs[of_column] = vectors[of_column] @ by_column[:, column].T
    layers = tuple(
        (on_grid(layer.weight.numpy().T).astype(np.float32), layer.bias.numpy().copy()) for layer in network.layers
    )
    return Autoencoder(inputs, network.first.bias.numpy().copy(), layers, first_class, classes)


def _batches(n_records: int, rng: np.random.Generator) -> Iterator[Ints]:
    order = rng.permutation(n_records)[:MOST_RECORDS]
    for start in range(0, len(order), BATCH):
        yield order[start : start + BATCH]


def _loss(
    torch: Any,  # noqa: ANN401
    network: Any,  # noqa: ANN401
    rows: Ints,
    times: Ints,
    of_token: Ints,
    first_class: Ints,
) -> Callable[[Ints], tuple[Any, float]]:
    """Return a function that maps a batch to the weighted sum of the losses of its hidden values, and its weight."""
    ends = [slice(*ends) for ends in pairwise(first_class.tolist())]

    def loss(batch: Ints) -> tuple[Any, float]:
        tokens = rows[batch]
        targets = torch.from_numpy(of_token[tokens] - first_class[:-1])
        hidden = torch.rand(tokens.shape) < HIDE
        hidden[torch.arange(len(tokens)), torch.randint(tokens.shape[1], (len(tokens),))] = True
        logits = network(torch.from_numpy(tokens), (~hidden).float())
        nats = [
            torch.nn.functional.cross_entropy(logits[:, classes], targets[:, column], reduction="none")
            for column, classes in enumerate(ends)
        ]
        weight = times[batch].astype(np.float32)
        share = hidden / hidden.sum(dim=1, keepdim=True)
        return (torch.stack(nats, dim=1) * share).sum(dim=1) @ torch.from_numpy(weight), float(weight.sum())

    return loss
