"""Fitted networks as frozen arrays, and the probabilities they predict, without PyTorch."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from anomembed.represent.arrays import Floats, Ints, Matrix
from anomembed.represent.embeddings.neural.pieces import OUTSIDE, Pieces
from anomembed.represent.sequences import Sequences
from anomembed.workers.blocks import in_blocks

DOUBT = 0.01  # weight of the frequency of an event in its probability, however sure the network is
HALF = 0.5  # added to the count of every token, so that nothing is impossible
ROWS = 256  # rows of a batch
GRID = 2**18  # weights and states are rounded to multiples of 1 / GRID


@dataclass(frozen=True)
class Classes:
    """The classes a network predicts: one for each of the most frequent tokens, and one for all others.

    Parameters
    ----------
    of_token : ndarray of shape (n_tokens,)
        Class of every token.
    share : ndarray of shape (n_tokens,)
        Share of the token in its class; 0 for tokens that never occurred.
    frequency : ndarray of shape (n_tokens,)
        Chance of the token regardless of its context; never 0.
    """

    of_token: Ints
    share: Floats
    frequency: Floats

    def nats(self, tokens: NDArray[np.integer], class_nats: Floats) -> Floats:
        """Return -log of the chances of tokens, given -log of those of their classes; high = unexpected."""
        chance = (1 - DOUBT) * np.exp(-class_nats) * self.share[tokens] + DOUBT * self.frequency[tokens]
        return np.asarray(-np.log(chance))


def make_classes(counts: Floats, most: int) -> Classes:
    """Choose the tokens that have a class of their own.

    Parameters
    ----------
    counts : ndarray of shape (n_tokens,)
        How often each token of a column occurs.
    most : int
        Classes, at most.
    """
    often = np.argsort(-counts, kind="stable")
    of_token = np.empty(len(counts), np.int64)
    of_token[often] = np.minimum(np.arange(len(counts)), min(most, max(int((counts > 0).sum()), 1)) - 1)
    total = np.bincount(of_token, counts)
    share = counts / np.maximum(total, 1.0)[of_token]
    return Classes(of_token, share, (counts + HALF) / (counts.sum() + HALF * len(counts)))


@dataclass(frozen=True)
class NextEvent:
    """A network that predicts the next event, or the end of the sequence.

    Parameters
    ----------
    inputs : ndarray of shape (n_tokens + 2, reach, n_gates * n_hidden)
        What each past event, the start, and nothing add to the layer, by how many events ago it was.
    recurrent : ndarray of shape (n_hidden, n_gates * n_hidden)
        In a recurrent network what the state adds to the layer; else the weights of the layer after it.
    bias : ndarray of shape (n_gates * n_hidden,)
        Of `recurrent`.
    output : ndarray of shape (n_hidden, n_classes)
        From the state to the classes.
    output_bias : ndarray of shape (n_classes,)
        Of `output`.
    classes : Classes
        Of the events and, as the last, the end.
    is_recurrent : bool
        Whether the state depends on the state before it; else it depends on the last `reach` events.
    """

    inputs: Matrix
    recurrent: Matrix
    bias: Matrix
    output: Matrix
    output_bias: Matrix
    classes: Classes
    is_recurrent: bool

    @property
    def n_tokens(self) -> int:
        """Size of the vocabulary."""
        return len(self.classes.of_token) - 1

    def surprise(self, sequences: Sequences) -> tuple[Floats, Ints]:
        """Return -log of the chance of every event after those before it, in nats; high = unexpected.

        Parameters
        ----------
        sequences : Sequences
            Sequences; the end of each counts as an event.

        Returns
        -------
        surprise : ndarray of shape (n_events + n_sequences,)
        starts : ndarray of shape (n_sequences + 1,)
            Where each sequence begins in it.
        """
        pieces = Pieces(sequences, self.n_tokens)
        class_nats = np.empty(len(pieces.tokens))
        targets = self.classes.of_token[pieces.tokens]
        order = np.argsort(pieces.lengths, kind="stable")

        def score(block: slice) -> None:
            before, positions = pieces.padded(filled(order[block]), self.reach)
            for step, logits in enumerate(self._run(before)):
                rows = np.flatnonzero(positions[: block.stop - block.start, step] != OUTSIDE)
                at = positions[rows, step]
                class_nats[at] = log_of_sum(logits[rows]) - logits[rows, targets[at]]

        in_blocks(score, len(pieces), ROWS)
        return self.classes.nats(pieces.tokens, class_nats), pieces.starts

    def chances(self, before: Sequences) -> Floats:
        """Return the chance of every token (and of the start, never, and the end) after each of some sequences.

        Parameters
        ----------
        before : Sequences
            The events so far.

        Returns
        -------
        ndarray of shape (n_sequences, n_tokens + 2)
        """
        pieces = Pieces(before, self.n_tokens)
        ends = pieces.starts[1:] - 1
        last = np.searchsorted(pieces.sequence, np.arange(len(before)), side="right") - 1
        order = np.argsort(pieces.lengths[last], kind="stable")
        class_nats = np.empty((len(before), len(self.output_bias)))

        def score(block: slice) -> None:
            rows = order[block]
            context, positions = pieces.padded(filled(last[rows]), self.reach)
            for step, logits in enumerate(self._run(context)):
                found = np.flatnonzero(positions[: len(rows), step] == ends[rows])
                class_nats[rows[found]] = log_of_sum(logits[found])[:, None] - logits[found]

        in_blocks(score, len(before), ROWS)
        chance = np.exp(-self.classes.nats(np.arange(self.n_tokens + 1), class_nats[:, self.classes.of_token]))
        return np.insert(chance, self.n_tokens, 0.0, axis=1)

    @property
    def reach(self) -> int:
        """Events that the next one is predicted from, in a network that is not recurrent."""
        return int(self.inputs.shape[1])

    def _run(self, before: Ints) -> Iterator[Floats]:
        """Yield the logits of every position; `before` is from `Pieces.padded`."""
        recurrent, output = self.recurrent.astype(np.float64), self.output.astype(np.float64)
        state = np.zeros((len(before), len(recurrent)))
        for step in range(before.shape[1] - self.reach + 1):
            if self.is_recurrent:
                state = self._step(state, self.inputs[before[:, step], 0], on_grid(state) @ recurrent + self.bias)
            else:
                read = before[:, step : step + self.reach]
                added = np.sum([self.inputs[read[:, -1 - back], back] for back in range(self.reach)], axis=0)
                state = np.maximum(on_grid(np.maximum(added, 0)) @ recurrent + self.bias, 0)
            yield on_grid(state) @ output + self.output_bias

    @staticmethod
    def _step(state: Floats, added: Matrix, gates: Floats) -> Floats:
        """Take one step of a gated recurrent unit; gates are reset, update and new, as in PyTorch."""
        n_hidden = state.shape[1]
        reset, update = np.split(1 / (1 + np.exp(-(added + gates)[:, : 2 * n_hidden])), 2, axis=1)
        new = np.tanh(added[:, 2 * n_hidden :] + reset * gates[:, 2 * n_hidden :])
        return np.asarray((1 - update) * new + update * state)


@dataclass(frozen=True)
class Autoencoder:
    """A network that predicts each value of a record from the others.

    Parameters
    ----------
    inputs : ndarray of shape (n_tokens, n_hidden)
        What each token adds to the first layer.
    first_bias : ndarray of shape (n_hidden,)
        Of the first layer.
    layers : tuple of (ndarray of shape (n_in, n_out), ndarray of shape (n_out,))
        Weights and biases after it: to the code, from the code, and to the classes of all columns.
    first_class : ndarray of shape (n_columns + 1,)
        First class of each column, and the number of classes.
    classes : Classes
        Of all tokens; classes are numbered across the columns.
    """

    inputs: Matrix
    first_bias: Matrix
    layers: tuple[tuple[Matrix, Matrix], ...]
    first_class: Ints
    classes: Classes

    @cached_property
    def n_columns(self) -> int:
        """Number of columns."""
        return len(self.first_class) - 1

    def nats(self, tokens: NDArray[np.integer]) -> Floats:
        """Return -log of the chance of every value given the record's others, in nats; high = unexpected.

        Parameters
        ----------
        tokens : ndarray of shape (n_records, n_columns)
            Token ids.

        Returns
        -------
        ndarray of shape (n_records, n_columns)
        """
        nats = np.empty(tokens.shape)
        targets = self.classes.of_token[tokens] - self.first_class[:-1]
        ends = [slice(*ends) for ends in pairwise(self.first_class.tolist())]
        *layers, (output, output_bias) = ((weights.astype(np.float64), bias) for weights, bias in self.layers)

        def score(block: slice) -> None:
            rows = filled(np.arange(block.start, block.stop))
            everything = np.tile(self.first_bias, (ROWS, 1))
            for column in tokens.T:
                everything += self.inputs[column[rows]]
            for column, classes in enumerate(ends):
                state = np.maximum(everything - self.inputs[tokens[rows, column]], 0)
                for weights, bias in layers:
                    state = np.maximum(on_grid(state) @ weights + bias, 0)
                logits = on_grid(state) @ output[:, classes] + output_bias[classes]
                found = log_of_sum(logits) - logits[np.arange(ROWS), targets[rows, column]]
                nats[block, column] = found[: block.stop - block.start]

        in_blocks(score, len(tokens), ROWS)
        return self.classes.nats(tokens, nats)


def on_grid(values: NDArray[np.floating]) -> Floats:
    """Round, so that sums of products of such numbers are exact in float64 (while they are below 2^17).

    The order of additions in a library's matrix product depends on the number of rows and the index of a row; exact
    sums do not depend on their order, so no result depends on the rest of the batch.
    """
    return np.asarray(np.round(values.astype(np.float64) * GRID) / GRID)


def filled(rows: Ints) -> Ints:
    """Pad to `ROWS` with copies of the last row."""
    return rows[np.minimum(np.arange(ROWS), len(rows) - 1)]


def log_of_sum(logits: Floats) -> Floats:
    """Return the logarithm of the sum of the exponentials of every row."""
    largest = logits.max(axis=1)
    return np.asarray(largest + np.log(np.exp(logits - largest[:, None]).sum(axis=1)))


Network = NextEvent | Autoencoder
