"""GloVe: products of vectors, plus a bias per token, are the logarithms of pair counts [1]_.

.. [1] Pennington, Socher, Manning: GloVe: Global vectors for word representation. EMNLP 2014.
"""

import numpy as np
from numba import njit
from scipy import sparse

from anomembed.represent.embeddings import Embeddings
from anomembed.represent.embeddings.corpus import Corpus
from anomembed.represent.embeddings.epochs import Progress, Training, start_vectors, watch
from anomembed.represent.embeddings.finishing import finish
from anomembed.represent.embeddings.lanes import load, product

FULL, POWER = 100.0, 0.75  # pairs seen so often have all the weight, others less, as published


def fit_glove(corpus: Corpus, training: Training, seed: int, progress: Progress | None = None) -> Embeddings:
    """Learn embeddings from pair counts by AdaGrad.

    Parameters
    ----------
    corpus : Corpus
        Records or sequences.
    training : Training
        How to learn.
    seed : int
        Start of all random numbers.
    progress : callable, optional
        Told of every epoch.

    Returns
    -------
    Embeddings

    Raises
    ------
    ConfigError
        When the learning rate is too high.
    """
    counts, width = corpus.counts, training.width
    pairs = sparse.coo_array(counts.together)
    first, second = pairs.coords
    apart = first != second
    first, second, seen = first[apart], second[apart], pairs.data[apart]
    known = np.log(np.maximum(counts.single, 1)) - np.log(counts.n_records) / 2
    target = (np.log(seen) - known[first] - known[second]).astype(np.float32)
    weight = np.minimum((seen / FULL) ** POWER, 1).astype(np.float32)
    vectors, contexts = (start_vectors(corpus.size, width, seed + side) for side in range(2))
    squares = [np.ones_like(vectors), np.ones_like(contexts)]
    biases = np.zeros((2, corpus.size), np.float32), np.ones((2, corpus.size), np.float32)
    rng = np.random.default_rng(seed)
    rate = np.float32(training.learning_rate)

    def learn(_: int) -> float:
        order = rng.permutation(len(first))
        loss = _train(vectors, contexts, *squares, *biases, first, second, target, weight, order, rate)
        return float(loss / max(weight.sum(), 1e-9))

    losses = watch(learn, training, progress) if len(first) else ()
    return finish("glove", corpus, vectors[:, :width], contexts[:, :width], losses)


@njit(nogil=True, cache=True)  # type: ignore[untyped-decorator]  # numba is untyped
def _train(  # type: ignore[no-untyped-def]  # noqa: ANN202
    vectors, contexts, of_vectors, of_contexts, biases, of_biases, first, second, target, weight, order, rate,  # noqa: ANN001
):  # fmt: skip
    """Go once through the pairs; a number's step falls with the squares of its gradients so far. Returns the loss."""
    width = vectors.shape[1]
    loss = 0.0
    for turn in range(len(order)):
        pair = order[turn]
        a, b = first[pair], second[pair]
        at = biases[0, a] + biases[1, b] - target[pair]
        for start in range(0, width, 16):
            at += product(load(vectors, a * width + start), load(contexts, b * width + start))
        loss += weight[pair] * at * at
        slope = weight[pair] * at
        for k in range(width):
            to_first, to_second = slope * contexts[b, k], slope * vectors[a, k]
            vectors[a, k] -= rate * to_first / np.sqrt(of_vectors[a, k])
            contexts[b, k] -= rate * to_second / np.sqrt(of_contexts[b, k])
            of_vectors[a, k] += to_first * to_first
            of_contexts[b, k] += to_second * to_second
        biases[0, a] -= rate * slope / np.sqrt(of_biases[0, a])
        biases[1, b] -= rate * slope / np.sqrt(of_biases[1, b])
        of_biases[0, a] += slope * slope
        of_biases[1, b] += slope * slope
    return loss
