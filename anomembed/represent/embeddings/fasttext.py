"""Skip-gram with subwords: a value's vector is the mean of its own and of its pieces' vectors [1]_.

Values with similar spellings share pieces, so a rare spelling learns from a common one, and a value never seen still
gets a vector. Values with the same prefix but another meaning (account numbers) gain nothing.

.. [1] Bojanowski, Grave, Joulin, Mikolov: Enriching word vectors with subword information. TACL 5, 2017. Pieces are
   keyed by their hash instead of sharing a fixed number of buckets.
"""

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from anomembed.represent.arrays import Ints, Matrix
from anomembed.represent.embeddings import Embeddings
from anomembed.represent.embeddings.corpus import Corpus
from anomembed.represent.embeddings.epochs import Progress, Training, pull_back, run_epochs, start_vectors
from anomembed.represent.embeddings.finishing import finish
from anomembed.represent.embeddings.imported import Imported
from anomembed.represent.embeddings.kernels.skipgram import train_skipgram
from anomembed.represent.embeddings.sampling import make_samples
from anomembed.represent.embeddings.subwords import Subwords, hash_pieces
from anomembed.workers.lanes import aligned

MOST_KEPT = 200_000  # distinct pieces; those shared by most values are kept


def fit_fasttext(corpus: Corpus, training: Training, seed: int, progress: Progress | None = None) -> Embeddings:
    """Learn embeddings of tokens and of the pieces of their spelling.

    Parameters
    ----------
    corpus, training, seed, progress
        See `Learner`.

    Returns
    -------
    Embeddings
        With `subwords`.
    """
    hashes, part_starts, parts = find_parts(corpus)
    rows = start_vectors(corpus.size + len(hashes), training.width, seed)
    pull = _pull_parts(rows, training.imported, corpus, part_starts, parts)
    samples, times = make_samples(corpus, training.window, training.negatives, pull, (part_starts, parts))
    contexts = aligned((corpus.size, training.width))
    losses = run_epochs(train_skipgram, (rows, contexts), samples, times, training, seed, progress)
    rows, contexts = rows[:, : training.width], contexts[:, : training.width]
    columns = tuple(sorted({spelling[0] for spelling in corpus.spellings() if spelling}))
    subwords = Subwords(hashes, rows[corpus.size :].copy(), columns)
    return finish("fasttext", corpus, _mean_of_parts(rows, part_starts, parts), contexts, losses, subwords)


def find_parts(corpus: Corpus) -> tuple[Ints, Ints, Ints]:
    """Find the rows whose mean is a token's vector: its own, and those of its pieces, which come after all tokens.

    Returns
    -------
    hashes : ndarray of shape (n_pieces,)
        Ascending.
    part_starts : ndarray of shape (n_tokens + 1,)
    parts : ndarray
        Rows, the token's own first.
    """
    none = np.empty(0, np.int64)
    occurs = corpus.occurrences > 0
    pieces = [
        hash_pieces(*spelling) if spelling and seen else none
        for spelling, seen in zip(corpus.spellings(), occurs, strict=True)
    ]
    hashes, shared = np.unique(np.concatenate([none, *pieces]), return_counts=True)
    if len(hashes) > MOST_KEPT:
        hashes = np.sort(hashes[np.argsort(-shared, kind="stable")[:MOST_KEPT]])
    rows = []
    for token, own in enumerate(pieces):
        index = np.searchsorted(hashes, own)
        kept = index[np.append(hashes, -1)[index] == own]
        rows.append(np.concatenate([[token], corpus.size + kept]))
    return hashes, np.cumsum([0, *map(len, rows)]), np.concatenate(rows)


def _pull_parts(
    rows: Matrix, imported: Imported | None, corpus: Corpus, part_starts: Ints, parts: Ints
) -> tuple[NDArray[np.float32], Matrix]:
    """Set the rows to imported vectors, in place; return how strongly each is pulled back, and to which vector.

    A piece gets the mean vector of the imported values that contain it, and a value's own row the remainder. Frozen
    values freeze their pieces.
    """
    if imported is None:
        return pull_back(rows, None, corpus.occurrences)
    belongs = _parts_of(part_starts, parts, len(rows))
    of_known, width = belongs[np.flatnonzero(imported.known)], imported.vectors.shape[1]
    times = of_known.sum(axis=0)
    given = times > 0
    rows[given, :width] = (of_known.T @ imported.vectors[imported.known])[given] / times[given, None]
    missing = imported.vectors - _mean_of_parts(rows[:, :width], part_starts, parts)
    sizes = np.diff(part_starts)[:, None].astype(np.float32)
    own = np.flatnonzero(imported.known)
    rows[own, :width] += (missing * sizes)[own]
    pulls, anchors = pull_back(rows, imported, corpus.occurrences)
    often = belongs.T @ corpus.occurrences  # all values that contain a piece move it
    pulls[given] = imported.pull / np.maximum(often, 1)[given]
    return pulls, anchors


def _parts_of(part_starts: Ints, parts: Ints, n_rows: int) -> sparse.csr_array:
    """Return which rows are parts of each token, shape (n_tokens, n_rows)."""
    return sparse.csr_array((np.ones(len(parts)), parts, part_starts), shape=(len(part_starts) - 1, n_rows))


def _mean_of_parts(rows: Matrix, part_starts: Ints, parts: Ints) -> Matrix:
    sums = _parts_of(part_starts, parts, len(rows)) @ rows.astype(np.float64)
    return np.asarray(sums / np.diff(part_starts)[:, None], np.float32)
