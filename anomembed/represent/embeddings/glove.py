"""GloVe: products of vectors, plus a bias per token, are the logarithms of pair counts [1]_.

What chance would have is taken off beforehand, one record added to it and to the count of a pair, and what is left
below zero is zero, as in `ppmi_svd`. Pairs of frequent tokens that never meet are taught too, as zero, with the weight
of what chance would have; and few pairs are gone through several times in an epoch, because AdaGrad is far from its end
after ten times through the few thousand pairs of a small table. On the set chess_krkopt either alone gains little (AUC
.73 and .82 where it was .78), both together .94, at the level of `ppmi_svd`; on apascal and cmc it is .007 and .008
less than before. Higher learning rates, another start, vectors of length one, sums of input and output vectors, fixed
biases and another weighting gained nothing.

.. [1] Pennington, Socher, Manning: GloVe: Global vectors for word representation. EMNLP 2014.
"""

import numpy as np
from scipy import sparse

from anomembed.represent.arrays import Floats, Ints
from anomembed.represent.embeddings import Embeddings
from anomembed.represent.embeddings.corpus import Corpus
from anomembed.represent.embeddings.epochs import Progress, Training, hold_vectors, start_vectors, watch
from anomembed.represent.embeddings.finishing import finish
from anomembed.represent.embeddings.kernels import train_glove

FULL, POWER = 100.0, 0.75  # pairs seen so often have all the weight, others less, as published
STEADY = 0.5  # of the way back at most in one step, lest a vector swing around where it is held
FEWEST_STEPS = 100_000  # of an epoch: few pairs are gone through several times
MOST_TOKENS = 1_000  # the most frequent, whose pairs that never meet teach too


def fit_glove(corpus: Corpus, training: Training, seed: int, progress: Progress | None = None) -> Embeddings:
    """Learn embeddings from pair counts by AdaGrad.

    Parameters
    ----------
    corpus, training, seed, progress
        See `Learner`.

    Returns
    -------
    Embeddings
    """
    counts, width = corpus.counts, training.width
    first, second, seen = _pairs(corpus)
    expected = counts.single[first] * counts.single[second] / counts.n_records
    target = np.maximum(np.log((seen + 1) / (expected + 1)), 0).astype(np.float32)
    weight = np.minimum((np.where(seen > 0, seen, expected) / FULL) ** POWER, 1).astype(np.float32)
    vectors = start_vectors(corpus.size, width, seed, training.imported)
    contexts = start_vectors(corpus.size, width, (seed, 1))
    held, where = hold_vectors(vectors, training.imported, corpus.occurrences)
    held = np.where(held < np.inf, np.minimum(held, STEADY / training.learning_rate), held).astype(np.float32)
    squares = [np.ones_like(vectors), np.ones_like(contexts)]
    biases = np.zeros((2, corpus.size), np.float32), np.ones((2, corpus.size), np.float32)
    rng = np.random.default_rng(seed)
    rate = np.float32(training.learning_rate)
    times = -(-FEWEST_STEPS // max(len(first), 1))

    def learn(_: int) -> float:
        order = rng.permutation(np.repeat(np.arange(len(first)), times))
        loss: float = train_glove(
            vectors, contexts, *squares, *biases, first, second, target, weight, order, rate, held, where
        )
        return loss / max(times * float(weight.sum()), 1e-9)

    losses = watch(learn, training, progress) if len(first) else ()
    return finish("glove", corpus, vectors[:, :width], contexts[:, :width], losses)


def _pairs(corpus: Corpus) -> tuple[Ints, Ints, Floats]:
    """Return the pairs of tokens that meet and how often; then those of frequent tokens that never did."""
    counts = corpus.counts
    pairs = sparse.coo_array(counts.together)
    first, second = pairs.coords
    apart = first != second
    often = np.sort(np.argsort(-counts.single, kind="stable")[:MOST_TOKENS])
    column = np.searchsorted(corpus.offsets, often, side="right") - 1
    might = counts.compared[np.ix_(column, column)]
    if not corpus.is_ordered:
        might &= column[:, None] != column
    might &= np.outer(counts.single[often], counts.single[often]) >= counts.n_records
    might &= counts.together[often][:, often].toarray() == 0
    one, other = np.nonzero(might)
    seen = np.concatenate([pairs.data[apart], np.zeros(len(one))])
    return np.concatenate([first[apart], often[one]]), np.concatenate([second[apart], often[other]]), seen
