"""Skip-gram: every token predicts each of its company, told from drawn tokens [1]_.

.. [1] Mikolov, Chen, Corrado, Dean: Efficient estimation of word representations in vector space. ICLR workshops 2013.
"""

import numpy as np
from numba import njit

from anomembed.represent.embeddings import Embeddings
from anomembed.represent.embeddings.corpus import Corpus
from anomembed.represent.embeddings.epochs import Progress, Training, run_epochs, start_vectors
from anomembed.represent.embeddings.finishing import finish
from anomembed.represent.embeddings.lanes import aligned
from anomembed.represent.embeddings.sampling import COMPANY, add_row, clear, draw, fit_output, make_samples, take


def fit_skipgram(corpus: Corpus, training: Training, seed: int, progress: Progress | None = None) -> Embeddings:
    """Learn embeddings by skip-gram with negative sampling.

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
    samples, times = make_samples(corpus, training.window, training.negatives)
    vectors, contexts = start_vectors(corpus.size, training.width, seed), aligned((corpus.size, training.width))
    losses = run_epochs(train_skipgram, (vectors, contexts), samples, times, training, seed, progress)
    return finish("skipgram", corpus, vectors[:, : training.width], contexts[:, : training.width], losses)


@njit(nogil=True, cache=True)  # type: ignore[untyped-decorator]  # numba is untyped
def train_skipgram(  # type: ignore[no-untyped-def]
    vectors, contexts, order, rate, last_rate, state, events, starts, window, shuffled,  # noqa: ANN001
    part_starts, parts, column_of, offsets, noise, table, negatives,  # noqa: ANN001
):  # fmt: skip  # noqa: ANN202
    """Go through sequences; an input vector is the mean of its token's parts. Returns the loss and the pairs."""
    longest = np.max(starts[1:] - starts[:-1])
    width = vectors.shape[1]
    inputs, found = np.empty((longest, width), np.float32), np.empty((longest, width), np.float32)
    along, tokens = np.empty(longest, np.float32), np.empty(longest, np.int64)
    outputs = np.empty(negatives + 1, np.int64)
    share = np.float32(1.0 / negatives)
    loss, n_pairs = 0.0, 0
    for turn in range(len(order)):
        now = np.float32(rate + (last_rate - rate) * turn / len(order))
        start, stop = starts[order[turn]], starts[order[turn] + 1]
        length = stop - start
        now *= np.float32(COMPANY / max(COMPANY, min(2 * window, length - 1)))
        state = take(tokens, events, start, stop, window, shuffled, state)
        for place in range(length):
            clear(inputs, place)
            clear(found, place)
            low, high = part_starts[tokens[place]], part_starts[tokens[place] + 1]
            for part in range(low, high):
                add_row(inputs, place, np.float32(1.0 / (high - low)), vectors, parts[part])
        for place in range(length):
            first, last = max(0, place - window), min(length, place + window + 1)
            token, n_pairs = tokens[place], n_pairs + last - first - 1
            column = column_of[token]
            outputs[0] = token
            for drawn in range(1, negatives + 1):
                outputs[drawn], state = draw(state, offsets[column], offsets[column + 1], noise)
            for drawn in range(negatives + 1):
                is_true, weight = (np.float32(0.0), share) if drawn else (np.float32(1.0), np.float32(1.0))
                loss += fit_output(
                    inputs, found, first, last, place, contexts, outputs[drawn], is_true, now, weight, table, along
                )
        for place in range(length):
            for part in range(part_starts[tokens[place]], part_starts[tokens[place] + 1]):
                add_row(vectors, parts[part], np.float32(1.0), found, place)
    return loss, n_pairs
