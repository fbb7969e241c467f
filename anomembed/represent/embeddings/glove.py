"""GloVe: products of vectors, plus a bias per token, are the logarithms of pair counts [1]_.

The target is the positive pointwise mutual information, smoothed by one record, as in `ppmi_svd`. Two changes to the
published method: pairs of frequent tokens that never occur together count as zeros, weighted by the count expected by
chance; and few pairs are repeated within an epoch, because AdaGrad is far from converged after ten passes through the
few thousand pairs of a small table. On the set chess_krkopt either change alone gains little (AUC .73 and .82, from
.78), both together reach .94, the level of `ppmi_svd`; on apascal and cmc they cost .007 and .008. Higher learning
rates, another start, vectors of length one, sums of input and output vectors, fixed biases and another weighting gained
nothing.

.. [1] Pennington, Socher, Manning: GloVe: Global vectors for word representation. EMNLP 2014.
"""

import numpy as np
from scipy import sparse

from anomembed.represent.arrays import Floats, Ints
from anomembed.represent.embeddings import Embeddings
from anomembed.represent.embeddings.corpus import Corpus
from anomembed.represent.embeddings.epochs import Progress, Training, pull_back, start_vectors, watch
from anomembed.represent.embeddings.finishing import finish
from anomembed.represent.embeddings.kernels.glove import train_glove

FULL, POWER = 100.0, 0.75  # pairs seen so often have full weight, rarer ones less, as published
STEADY = 0.5  # of the way back to the anchor in one step at most, so that a vector does not overshoot it
FEWEST_STEPS = 100_000  # per epoch: few pairs are repeated
MOST_TOKENS = 1_000  # the most frequent, whose pairs that never occur are learnt from too


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
    pulls, anchors = pull_back(vectors, training.imported, corpus.occurrences)
    pulls = np.where(pulls < np.inf, np.minimum(pulls, STEADY / training.learning_rate), pulls).astype(np.float32)
    squares = [np.ones_like(vectors), np.ones_like(contexts)]
    biases = np.zeros((2, corpus.size), np.float32), np.ones((2, corpus.size), np.float32)
    rng = np.random.default_rng(seed)
    rate = np.float32(training.learning_rate)
    times = -(-FEWEST_STEPS // max(len(first), 1))

    def learn(_: int) -> float:
        order = rng.permutation(np.repeat(np.arange(len(first)), times))
        loss: float = train_glove(
            vectors, contexts, *squares, *biases, first, second, target, weight, order, rate, pulls, anchors
        )
        return loss / max(times * float(weight.sum()), 1e-9)

    losses = watch(learn, training, progress) if len(first) else ()
    return finish("glove", corpus, vectors[:, :width], contexts[:, :width], losses)


def _pairs(corpus: Corpus) -> tuple[Ints, Ints, Floats]:
    """Return the pairs of tokens that occur together and how often; then those of frequent tokens that never do."""
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
