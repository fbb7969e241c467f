"""Skip-gram: every token predicts each of its company, told from drawn tokens [1]_.

Weak associations, as between the columns of a nearly random table, take a high learning rate and many epochs. Tried
without gain on the sets of the benchmark: vectors of length one, lengths by rarity, input beside or plus output
vectors, and turning both so that their product is in its principal directions; centring by column helps one set and
hurts another.

.. [1] Mikolov, Chen, Corrado, Dean: Efficient estimation of word representations in vector space. ICLR workshops 2013.
"""

from anomembed.represent.embeddings import Embeddings
from anomembed.represent.embeddings.corpus import Corpus
from anomembed.represent.embeddings.epochs import Progress, Training, hold_vectors, run_epochs, start_vectors
from anomembed.represent.embeddings.finishing import finish
from anomembed.represent.embeddings.kernels import train_skipgram
from anomembed.represent.embeddings.lanes import aligned
from anomembed.represent.embeddings.sampling import make_samples


def fit_skipgram(corpus: Corpus, training: Training, seed: int, progress: Progress | None = None) -> Embeddings:
    """Learn embeddings by skip-gram with negative sampling.

    Parameters
    ----------
    corpus, training, seed, progress
        See `Learner`.

    Returns
    -------
    Embeddings
    """
    vectors = start_vectors(corpus.size, training.width, seed, training.imported)
    contexts = aligned((corpus.size, training.width))
    hold = hold_vectors(vectors, training.imported, corpus.occurrences)
    samples, times = make_samples(corpus, training.window, training.negatives, hold)
    losses = run_epochs(train_skipgram, (vectors, contexts), samples, times, training, seed, progress)
    return finish("skipgram", corpus, vectors[:, : training.width], contexts[:, : training.width], losses)
