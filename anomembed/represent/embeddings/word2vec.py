"""Skip-gram and CBOW: predict the tokens near a token, or the token from those near it [1]_.

Both draw negative samples; see `sampling`. Skip-gram takes a step for each pair of tokens, CBOW one for each token: the
mean vector of its context predicts it. That mean is a difference of running sums, so a token costs the same whatever
the window. A mean moves less than a single vector, so CBOW's learning rate is 1.5 times skip-gram's: at the same rate
the benchmark's tables lose .001 and the ranking of its frauds .05 of ROC AUC; at twice the rate the tables gain .002,
but vectors of columns with few values no longer settle.

Weak associations, as between the columns of a nearly random table, need a high learning rate and many epochs. Tried
without gain on the sets of the benchmark: vectors of length one, lengths by rarity, input vectors concatenated with or
added to output vectors, and rotating both so that their product is in its principal directions. Centring by column
helps one set and hurts another.

.. [1] Mikolov, Chen, Corrado, Dean: Efficient estimation of word representations in vector space. ICLR workshops 2013.
"""

from anomembed.represent.embeddings import Embeddings
from anomembed.represent.embeddings.corpus import Corpus
from anomembed.represent.embeddings.epochs import Progress, Training, pull_back, run_epochs, start_vectors
from anomembed.represent.embeddings.finishing import finish
from anomembed.represent.embeddings.kernels.cbow import train_cbow
from anomembed.represent.embeddings.kernels.skipgram import train_skipgram
from anomembed.represent.embeddings.rounds import Kernel
from anomembed.represent.embeddings.sampling import make_samples
from anomembed.workers.lanes import aligned


def fit_skipgram(corpus: Corpus, training: Training, seed: int, progress: Progress | None = None) -> Embeddings:
    """Learn embeddings by skip-gram; the arguments are those of `Fit`."""
    return _fit("skipgram", train_skipgram, corpus, training, seed, progress)


def fit_cbow(corpus: Corpus, training: Training, seed: int, progress: Progress | None = None) -> Embeddings:
    """Learn embeddings by a continuous bag of words; the arguments are those of `Fit`."""
    return _fit("cbow", train_cbow, corpus, training, seed, progress)


def _fit(
    name: str, kernel: Kernel, corpus: Corpus, training: Training, seed: int, progress: Progress | None
) -> Embeddings:
    vectors = start_vectors(corpus.size, training.width, seed, training.imported)
    contexts = aligned((corpus.size, training.width))
    pull = pull_back(vectors, training.imported, corpus.occurrences)
    samples, times = make_samples(corpus, training.window, training.negatives, pull)
    losses = run_epochs(kernel, (vectors, contexts), samples, times, training, seed, progress)
    return finish(name, corpus, vectors[:, : training.width], contexts[:, : training.width], losses)
