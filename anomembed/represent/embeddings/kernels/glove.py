"""One pass of GloVe through the pairs of tokens."""

# ruff: noqa: ANN001, ANN201
# mypy: ignore-errors

import numpy as np

from anomembed.represent.embeddings.kernels.rows import FROZEN, NONE
from anomembed.workers.compiled import compiled
from anomembed.workers.lanes import LANES, load, product


@compiled()
def train_glove(
    vectors, contexts, of_vectors, of_contexts, biases, of_biases, first, second, target, weight, order, rate, pulls,
    anchors,
):  # fmt: skip
    """Take an AdaGrad step for every pair. Returns the loss."""
    width = vectors.shape[1]
    loss = 0.0
    for turn in range(len(order)):
        pair = order[turn]
        a, b = first[pair], second[pair]
        at = biases[0, a] + biases[1, b] - target[pair]
        for start in range(0, width, LANES):
            at += product(load(vectors, a * width + start), load(contexts, b * width + start))
        loss += weight[pair] * at * at
        slope = weight[pair] * at
        for k in range(width):
            to_first, to_second = slope * contexts[b, k], slope * vectors[a, k]
            if pulls[a] < FROZEN:
                if pulls[a] > NONE:
                    to_first += weight[pair] * pulls[a] * (vectors[a, k] - anchors[a, k])
                vectors[a, k] -= rate * to_first / np.sqrt(of_vectors[a, k])
                of_vectors[a, k] += to_first * to_first
            contexts[b, k] -= rate * to_second / np.sqrt(of_contexts[b, k])
            of_contexts[b, k] += to_second * to_second
        biases[0, a] -= rate * slope / np.sqrt(of_biases[0, a])
        biases[1, b] -= rate * slope / np.sqrt(of_biases[1, b])
        of_biases[0, a] += slope * slope
        of_biases[1, b] += slope * slope
    return loss
