"""Find the words that vary: lines that differ in one word, or two, are one template with a variable.

The result depends on the set of lines, not on their order or frequency.
"""

from collections.abc import Iterator
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

Ids = NDArray[np.int64]
Mask = NDArray[np.bool_]

VARIABLE_ID = 0
MANY = 4  # distinct words at a position that make it a variable
MANY_AT_START = 10  # the same for the first word of a line, and for two positions at once
MOST_PAIRED = 50_000_000  # lines times pairs of positions that are examined


def merge_lines(lines: Ids, is_word: Mask, is_mark: Mask) -> Ids:
    """Replace the words that vary by the variable.

    Parameters
    ----------
    lines : ndarray of shape (n_lines, n_tokens)
        Token ids of lines of one length; 0 is the variable.
    is_word, is_mark : ndarray of shape (n_distinct_tokens,)
        Which tokens are words, and which punctuation marks; marks never vary.

    Returns
    -------
    ndarray of shape (n_lines, n_tokens)
    """
    hashes = token_hashes(len(is_word))
    while True:
        distinct, index = np.unique(lines, axis=0, return_inverse=True)
        varies = _single(distinct, hashes, is_word, is_mark)
        if not varies.any():
            varies = _double(distinct, hashes, is_word, is_mark)
        if not varies.any():
            return lines
        lines = np.where(varies, VARIABLE_ID, distinct)[index.reshape(-1)]


def line_hashes(lines: Ids, hashes: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """Return the contribution of every token to the hash of its line, which is their sum; shape (n_lines, n_tokens)."""
    odd = np.random.default_rng(1).integers(1, 2**63, lines.shape[1], dtype=np.uint64) | np.uint64(1)
    return hashes[lines] * odd


def token_hashes(n_tokens: int) -> NDArray[np.uint64]:
    """Return a random number for every token id, always the same."""
    return np.random.default_rng(0).integers(1, 2**63, n_tokens, dtype=np.uint64)


def _single(lines: Ids, hashes: NDArray[np.uint64], is_word: Mask, is_mark: Mask) -> Mask:
    """Return the positions at which otherwise equal lines have many distinct words."""
    parts = line_hashes(lines, hashes)
    total = parts.sum(axis=1)
    varies = np.zeros(lines.shape, bool)
    for position, column in enumerate(lines.T):
        group, times = _groups(total - parts[:, position])
        has_variable = np.bincount(group, column == VARIABLE_ID) > 0
        enough = MANY_AT_START if position == 0 else np.where(has_variable[group], 2, MANY)
        candidate = (times[group] >= enough) & (column != VARIABLE_ID) & ~is_mark[column]
        varies[:, position] = candidate & _stays_specific(lines, [position], is_word)
    return varies


def _double(lines: Ids, hashes: NDArray[np.uint64], is_word: Mask, is_mark: Mask) -> Mask:
    """Return the pairs of positions at which otherwise equal lines have many distinct words in both."""
    varies = np.zeros(lines.shape, bool)
    parts = line_hashes(lines, hashes)
    total = parts.sum(axis=1)
    for first, second in _pairs(lines, is_mark):
        group, times = _groups(total - parts[:, first] - parts[:, second])
        candidate = times[group] >= MANY_AT_START
        for position in (first, second):
            if not candidate.any():
                break
            column = lines[:, position]
            candidate &= (_distinct_within(group, column, len(times))[group] >= MANY_AT_START) & ~is_mark[column]
        candidate &= _stays_specific(lines, [first, second], is_word)
        varies[:, [first, second]] |= candidate[:, None]
    return np.asarray(varies & (lines != VARIABLE_ID))


def _pairs(lines: Ids, is_mark: Mask) -> Iterator[tuple[int, int]]:
    """Return the pairs of positions with many distinct words; none if there are too many."""
    if len(lines) < MANY_AT_START:
        return
    n_words = np.array([len(np.unique(column[~is_mark[column]])) for column in lines.T])
    positions = np.flatnonzero(n_words >= MANY_AT_START).tolist()
    if len(lines) * len(positions) ** 2 <= 2 * MOST_PAIRED:
        yield from combinations(positions, 2)


def _groups(hashes: NDArray[np.uint64]) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    _, group, times = np.unique(hashes, return_inverse=True, return_counts=True)
    return group, times


def _distinct_within(group: NDArray[np.intp], values: Ids, n_groups: int) -> NDArray[np.intp]:
    pairs = np.unique(group * (values.max() + 1) + values)
    return np.bincount(pairs // (values.max() + 1), minlength=n_groups)


def _stays_specific(lines: Ids, positions: list[int], is_word: Mask) -> Mask:
    """Return whether a line still has enough words once those at some positions are variables."""
    left = is_word[lines].sum(axis=1) - is_word[lines[:, positions]].sum(axis=1)
    variables = (lines == VARIABLE_ID).sum(axis=1) + (lines[:, positions] != VARIABLE_ID).sum(axis=1)
    return np.asarray((left >= len(positions)) & (2 * left >= variables))
