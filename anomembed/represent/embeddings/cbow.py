"""CBOW: the company of a token together, its mean vector, predicts the token, told from drawn ones [1]_.

One prediction per token instead of one per pair. The mean of a token's company is a difference of running sums, so
that a token costs the same whatever the window.

.. [1] Mikolov, Chen, Corrado, Dean: Efficient estimation of word representations in vector space. ICLR workshops 2013.
"""

import numpy as np
from numba import njit

from anomembed.represent.embeddings import Embeddings
from anomembed.represent.embeddings.corpus import Corpus
from anomembed.represent.embeddings.epochs import Progress, Training, run_epochs, start_vectors
from anomembed.represent.embeddings.finishing import finish
from anomembed.represent.embeddings.lanes import aligned
from anomembed.represent.embeddings.sampling import add_row, clear, draw, fit_one, make_samples, take


def fit_cbow(corpus: Corpus, training: Training, seed: int, progress: Progress | None = None) -> Embeddings:
    """Learn embeddings by a continuous bag of words with negative sampling.

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
    losses = run_epochs(train_cbow, (vectors, contexts), samples, times, training, seed, progress)
    return finish("cbow", corpus, vectors[:, : training.width], contexts[:, : training.width], losses)


@njit(nogil=True, cache=True)  # type: ignore[untyped-decorator]  # numba is untyped
def train_cbow(  # type: ignore[no-untyped-def]  # noqa: ANN202
    vectors, contexts, order, rate, last_rate, state, events, starts, window, shuffled,  # noqa: ANN001
    _part_starts, _parts, column_of, offsets, noise, table, negatives,  # noqa: ANN001
):  # fmt: skip
    """Go through sequences; returns the loss and the tokens predicted."""
    longest = np.max(starts[1:] - starts[:-1])
    width, one = vectors.shape[1], np.float32(1.0)
    sums, moves = np.zeros((longest + 1, width), np.float32), np.zeros((longest + 1, width), np.float32)
    inputs, found = np.empty((1, width), np.float32), np.empty((longest, width), np.float32)
    along, tokens = np.empty(1, np.float32), np.empty(longest, np.int64)
    share = np.float32(1.0 / negatives)
    loss, n_targets = 0.0, 0
    for turn in range(len(order)):
        now = np.float32(rate + (last_rate - rate) * turn / len(order))
        start, stop = starts[order[turn]], starts[order[turn] + 1]
        length = stop - start
        state = take(tokens, events, start, stop, window, shuffled, state)
        for place in range(length):
            clear(sums, place + 1)
            add_row(sums, place + 1, one, sums, place)
            add_row(sums, place + 1, one, vectors, tokens[place])
        for place in range(length):
            first, last = max(0, place - window), min(length, place + window + 1)
            token, n_targets = tokens[place], n_targets + 1
            column, part = column_of[token], np.float32(1.0 / (last - first - 1))
            clear(inputs, 0)
            add_row(inputs, 0, part, sums, last)
            add_row(inputs, 0, -part, sums, first)
            add_row(inputs, 0, -part, vectors, token)
            clear(found, place)
            for drawn in range(negatives + 1):
                is_true, weight = (np.float32(0.0), share) if drawn else (one, one)
                if drawn:
                    token, state = draw(state, offsets[column], offsets[column + 1], noise)
                loss += fit_one(inputs, found, place, contexts, token, is_true, now, weight, table)
        for place in range(length):
            clear(moves, place + 1)
            add_row(moves, place + 1, one, moves, place)
            add_row(moves, place + 1, one, found, place)
        for place in range(length):
            first, last = max(0, place - window), min(length, place + window + 1)
            add_row(vectors, tokens[place], one, moves, last)
            add_row(vectors, tokens[place], -one, moves, first)
            add_row(vectors, tokens[place], -one, found, place)
    return loss, n_targets
