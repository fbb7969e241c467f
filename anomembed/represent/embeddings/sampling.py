"""Tell tokens that keep company from drawn ones: what skip-gram, CBOW and subwords share.

A token is told from others of *its own column*, drawn as often as they occur (of events: from all events). The best
possible products of input and output vectors are then the pointwise mutual information of two tokens [1]_; the drawn
ones together weigh as much as the true one, so that nothing is taken off it, and a column that never varies, always
drawn, teaches nothing.

.. [1] Mikolov et al.: Distributed representations of words and phrases and their compositionality. NeurIPS 2013;
   Levy, Goldberg: Neural word embedding as implicit matrix factorization. NeurIPS 2014.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

from anomembed.represent.embeddings.corpus import Corpus
from anomembed.represent.embeddings.lanes import load, product, scaled_sum, store, zeros
from anomembed.represent.sequences import Ints

# ruff: noqa: ANN001, ANN202
# mypy: disable-error-code="no-untyped-def, no-untyped-call, untyped-decorator"

FAR, STEPS, INSIDE = np.float32(8), np.float32(256), np.float32(7.99)  # the logistic function is looked up between -8 and 8, with so many steps per unit
RECORD_WINDOW = 16  # values of a record keep company with at most twice as many others, drawn anew every time
COMPANY = 4.0  # steps are shorter in more company, which moves a vector more often at once
LONGEST = 128  # longer sequences are cut

Matrix = NDArray[np.float32]


@dataclass(frozen=True)
class Samples:
    """Everything that a kernel reads and never writes; the fields are its arguments, in order."""

    events: NDArray[np.int32]
    starts: Ints
    window: int
    shuffled: bool
    part_starts: Ints
    parts: Ints
    column_of: NDArray[np.int32]
    offsets: Ints
    noise: NDArray[np.uint64]
    table: Matrix
    negatives: int

    def arguments(self) -> tuple[Any, ...]:
        """Return the fields in order."""
        return tuple(vars(self).values())


def make_samples(
    corpus: Corpus, window: int, negatives: int, parts: tuple[Ints, Ints] | None = None
) -> tuple[Samples, Ints]:
    """Prepare a corpus.

    Parameters
    ----------
    corpus : Corpus
        Records or sequences.
    window : int
        Events on either side that are company; records have a window of their own.
    negatives : int
        Tokens drawn for every true one.
    parts : tuple of ndarray, optional
        Where the parts of every token start, and which rows of the input vectors they are; its own row by default.

    Returns
    -------
    samples : Samples
    times : ndarray
        How often each of its sequences occurs.
    """
    sequences, times = corpus.sequences, corpus.times
    starts = sequences.starts
    if corpus.is_ordered and len(sequences) and sequences.lengths.max() > LONGEST:
        cuts = np.flatnonzero(sequences.places % LONGEST == 0)
        times, starts = times[sequences.of_event[cuts]], np.append(cuts, len(sequences.events))
    part_starts, own = parts or (np.arange(corpus.size + 1), np.arange(corpus.size))
    column_of = np.repeat(np.arange(len(corpus.columns), dtype=np.int32), np.diff(corpus.offsets))
    return Samples(
        events=sequences.events,
        starts=starts,
        window=window if corpus.is_ordered else RECORD_WINDOW,
        shuffled=not corpus.is_ordered,
        part_starts=part_starts,
        parts=own,
        column_of=column_of,
        offsets=corpus.offsets,
        noise=_noise(corpus.occurrences, corpus.offsets),
        table=_table(),
        negatives=negatives,
    ), times


def _noise(occurrences: NDArray[np.float64], offsets: Ints) -> NDArray[np.uint64]:
    """Walker's alias method for every column: in the upper half the chance to stay, in the lower where to go."""
    noise = np.zeros(len(occurrences), np.uint64)
    for low, high in zip(offsets[:-1], offsets[1:], strict=True):
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


def _table() -> Matrix:
    """Logistic function, and -log of it, at the middle of every step."""
    at = (np.arange(2 * FAR * STEPS) + 0.5) / STEPS - FAR
    return np.column_stack([1 / (1 + np.exp(-at)), np.log1p(np.exp(-at))]).astype(np.float32)


def count_pairs_of(samples: Samples) -> Ints:
    """Return how many pairs of company every sequence has."""
    lengths = np.diff(samples.starts)
    near = np.minimum(samples.window, lengths - 1)
    return np.asarray(near * (2 * lengths - near - 1), np.int64)


@njit(inline="always")
def draw(state, low, high, noise):
    """Draw a token of a column; returns it and the next state of the generator."""
    state = state * np.uint64(6364136223846793005) + np.uint64(1442695040888963407)
    upper, lower = state >> np.uint64(32), (state >> np.uint64(8)) & np.uint64(0xFFFFFFFF)
    token = low + np.int64((upper * np.uint64(high - low)) >> np.uint64(32))
    entry = noise[token]
    moves = np.int64(lower > entry >> np.uint64(32))  # no branch: which way it goes is anybody's guess
    return token + moves * (np.int64(entry & np.uint64(0xFFFFFFFF)) - token), state


@njit(inline="always")
def take(tokens, events, start, stop, window, shuffled, state):
    """Read a sequence; the values of a wide record in random order, so that all of them meet in time."""
    length = stop - start
    for place in range(length):
        tokens[place] = events[start + place]
    if shuffled and length - 1 > window:
        for place in range(length - 1, 0, -1):
            state = state * np.uint64(6364136223846793005) + np.uint64(1442695040888963407)
            other = np.int64(((state >> np.uint64(32)) * np.uint64(place + 1)) >> np.uint64(32))
            tokens[place], tokens[other] = tokens[other], tokens[place]
    return state


@njit(inline="always")
def step(at, is_true, rate, weight, table):
    """Return how far to go along the other vector, and the loss; `is_true` is 1 for company, 0 for a drawn token."""
    near = at if at < INSIDE else INSIDE  # also what is not a number
    near = near if near > -INSIDE else -INSIDE
    place = np.uint32((near + FAR) * STEPS)
    far = (is_true - table[place, 0]) * rate * weight
    loss = (table[place, 1] + (np.float32(1.0) - is_true) * near) * weight
    return far, loss


@njit(inline="always")
def fit_output(inputs, found, first, last, skip, contexts, output, is_true, rate, weight, table, along):
    """Move one output vector and remember where the inputs `first` to `last`, but for `skip`, shall go."""
    width = contexts.shape[1]
    blocks = width // 16
    for i in range(first, last):
        along[i] = 0
    for block in range(blocks):
        of_output = load(contexts, output * width + block * 16)
        for i in range(first, last):
            along[i] += product(load(inputs, i * width + block * 16), of_output)
    total = np.float32(0.0)
    for i in range(first, last):
        along[i], loss = step(along[i], is_true, rate, weight, table)
        total += loss if i != skip else np.float32(0.0)
    if skip >= first:
        along[skip] = 0
    for block in range(blocks):
        of_output = load(contexts, output * width + block * 16)
        moved = of_output
        for i in range(first, last):
            place = i * width + block * 16
            moved = scaled_sum(along[i], load(inputs, place), moved)
            store(found, place, scaled_sum(along[i], of_output, load(found, place)))
        store(contexts, output * width + block * 16, moved)
    return total


@njit(inline="always")
def add_row(rows, row, scale, other, place):
    """Add `scale` times the row `place` of `other` to a row."""
    width = rows.shape[1]
    for start in range(0, width, 16):
        summed = scaled_sum(scale, load(other, place * width + start), load(rows, row * width + start))
        store(rows, row * width + start, summed)


@njit(inline="always")
def clear(rows, row):
    """Set a row to zero."""
    width = rows.shape[1]
    for start in range(0, width, 16):
        store(rows, row * width + start, zeros())


@njit(inline="always")
def fit_one(inputs, found, place, contexts, output, is_true, rate, weight, table):
    """Move one output vector and remember where the only input shall go."""
    width = contexts.shape[1]
    at = np.float32(0.0)
    for start in range(0, width, 16):
        at += product(load(inputs, start), load(contexts, output * width + start))
    along, loss = step(at, is_true, rate, weight, table)
    for start in range(0, width, 16):
        of_output, to = load(contexts, output * width + start), place * width + start
        store(found, to, scaled_sum(along, of_output, load(found, to)))
        store(contexts, output * width + start, scaled_sum(along, load(inputs, start), of_output))
    return loss
