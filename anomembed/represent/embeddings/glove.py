"""GloVe: products of vectors, plus a bias per token, are the logarithms of pair counts [1]_.

What chance would have is taken off beforehand, one record added to it and to the count of a pair,
as in `ppmi_svd`. Pairs that never meet teach nothing, which costs where they are what matters (most
on the set chess_krkopt; it is .033 behind `ppmi_svd` in the mean AUC of the six sets). Taught as pairs that meet less
than by chance they help there and cost more on apascal. Higher learning rates, another start, vectors of length one,
sums of input and output vectors, fixed biases and another weighting were tried and gained nothing.

.. [1] Pennington, Socher, Manning: GloVe: Global vectors for word representation. EMNLP 2014.
"""

import numpy as np
from scipy import sparse

from anomembed.represent.embeddings import Embeddings
from anomembed.represent.embeddings.corpus import Corpus
from anomembed.represent.embeddings.epochs import Progress, Training, hold_vectors, start_vectors, watch
from anomembed.represent.embeddings.finishing import finish
from anomembed.represent.embeddings.kernels import train_glove

FULL, POWER = 100.0, 0.75  # pairs seen so often have all the weight, others less, as published
STEADY = 0.5  # of the way back at most in one step, lest a vector swing around where it is held


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
    expected = counts.single[first] * counts.single[second] / counts.n_records
    target = np.log((seen + 1) / (expected + 1)).astype(np.float32)
    weight = np.minimum((seen / FULL) ** POWER, 1).astype(np.float32)
    vectors = start_vectors(corpus.size, width, seed, training.imported)
    contexts = start_vectors(corpus.size, width, seed + 1)
    held, where = hold_vectors(vectors, training.imported, corpus.occurrences)
    held = np.where(held < np.inf, np.minimum(held, STEADY / training.learning_rate), held).astype(np.float32)
    squares = [np.ones_like(vectors), np.ones_like(contexts)]
    biases = np.zeros((2, corpus.size), np.float32), np.ones((2, corpus.size), np.float32)
    rng = np.random.default_rng(seed)
    rate = np.float32(training.learning_rate)

    def learn(_: int) -> float:
        order = rng.permutation(len(first))
        loss: float = train_glove(
            vectors, contexts, *squares, *biases, first, second, target, weight, order, rate, held, where
        )  # type: ignore[call-arg]  # mypy cannot count what is unpacked
        return loss / max(float(weight.sum()), 1e-9)

    losses = watch(learn, training, progress) if len(first) else ()
    return finish("glove", corpus, vectors[:, :width], contexts[:, :width], losses)
