"""Negative sampling: what skip-gram, CBOW and subwords share.

The negative samples of a token come from *its own column*, as often as they occur (events: from all events). The
optimal products of input and output vectors are then the pointwise mutual information of two tokens [1]_. The samples
together weigh as much as the true token, so nothing is subtracted from it, and a constant column, whose samples are
always the true value, teaches nothing.

.. [1] Mikolov et al.: Distributed representations of words and phrases and their compositionality. NeurIPS 2013;
   Levy, Goldberg: Neural word embedding as implicit matrix factorization. NeurIPS 2014.
"""

from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from anomembed.represent.arrays import Ints, Matrix
from anomembed.represent.embeddings.corpus import Corpus

RECORD_WINDOW = 16  # a value of a record has at most twice as many others as context, drawn anew every time
LONGEST_SEQUENCE = 32  # longer sequences are cut, because the steps of a sequence are added up before any is taken


@dataclass(frozen=True)
class Samples:
    """Everything that a kernel reads but does not write; the fields are its arguments, in order."""

    events: NDArray[np.int32]
    starts: Ints
    window: int
    shuffled: bool
    part_starts: Ints
    parts: Ints
    column_of: NDArray[np.int32]
    offsets: Ints
    noise: NDArray[np.uint64]
    negatives: int
    pulls: NDArray[np.float32]
    anchors: Matrix

    def arguments(self) -> tuple[Any, ...]:
        """Return the fields in order."""
        return tuple(vars(self).values())


def make_samples(
    corpus: Corpus,
    window: int,
    negatives: int,
    pull: tuple[NDArray[np.float32], Matrix],
    parts: tuple[Ints, Ints] | None = None,
) -> tuple[Samples, Ints]:
    """Prepare a corpus.

    Parameters
    ----------
    corpus : Corpus
        Records or sequences.
    window : int
        Events on either side that are context; records have a window of their own.
    negatives : int
        Tokens drawn for every true one.
    pull : tuple of ndarray
        How strongly every row of the input vectors is pulled back, and to which vector.
    parts : tuple of ndarray, optional
        Where the parts of every token start, and which rows of the input vectors they are; by default its own row.

    Returns
    -------
    samples : Samples
    times : ndarray
        How often each of its sequences occurs.
    """
    starts, times = _pieces(corpus) if corpus.is_ordered else (corpus.sequences.starts, corpus.times)
    part_starts, own = parts or (np.arange(corpus.size + 1), np.arange(corpus.size))
    column_of = np.repeat(np.arange(len(corpus.columns), dtype=np.int32), np.diff(corpus.offsets))
    return Samples(
        events=corpus.sequences.events,
        starts=starts,
        window=window if corpus.is_ordered else RECORD_WINDOW,
        shuffled=not corpus.is_ordered,
        part_starts=part_starts,
        parts=own,
        column_of=column_of,
        offsets=corpus.offsets,
        noise=_noise(corpus.occurrences, corpus.offsets),
        negatives=negatives,
        pulls=pull[0],
        anchors=pull[1],
    ), times


def _pieces(corpus: Corpus) -> tuple[Ints, Ints]:
    """Cut long sequences; return the starts of the pieces, and how often each occurs."""
    sequences = corpus.sequences
    n_pieces = np.maximum(-(-sequences.lengths // LONGEST_SEQUENCE), 1)
    size = -(-sequences.lengths // n_pieces)  # about equal: an event alone in its piece has no context
    cuts = np.flatnonzero(sequences.positions % size[sequences.of_event] == 0)
    return np.append(cuts, len(sequences.events)), corpus.times[sequences.of_event[cuts]]


def _noise(occurrences: NDArray[np.float64], offsets: Ints) -> NDArray[np.uint64]:
    """Walker's alias method for every column: the upper 32 bits are the chance to stay, the lower ones the alias."""
    noise = np.zeros(len(occurrences), np.uint64)
    for low, high in pairwise(offsets.tolist()):
        total, size = occurrences[low:high].sum(), high - low
        share = occurrences[low:high] * (size / total) if total else np.ones(size)
        alias = np.arange(low, high)
        small, large = list(np.flatnonzero(share < 1)), list(np.flatnonzero(share >= 1))
        chance = share.copy()
        while small and large:
            less, more = small.pop(), large[-1]
            alias[less] = low + more
            chance[more] -= 1 - chance[less]
            if chance[more] < 1:
                small.append(large.pop())
        stay = np.minimum(chance * 2.0**32, 2.0**32 - 1).astype(np.uint64)
        stay[alias == np.arange(low, high)] = 2**32 - 1
        noise[low:high] = (stay << np.uint64(32)) | alias.astype(np.uint64)
    return noise


def count_pairs_of(samples: Samples) -> Ints:
    """Return the number of pairs of token and context in every sequence."""
    lengths = np.diff(samples.starts)
    near = np.minimum(samples.window, lengths - 1)
    return np.asarray(near * (2 * lengths - near - 1), np.int64)
