"""Find equal rows, and numbers among ascending ones."""

import numpy as np
from numpy.typing import NDArray

from anomembed.represent.tokens.vocabulary import Tokens


def distinct(tokens: Tokens) -> tuple[Tokens, NDArray[np.int64], NDArray[np.int64]]:
    """Find the distinct records, in the order of their first appearance.

    Parameters
    ----------
    tokens : ndarray of shape (n_records, n_columns)
        Token ids.

    Returns
    -------
    rows : ndarray of shape (n_distinct, n_columns)
        The distinct records.
    place : ndarray of shape (n_records,)
        Row of each record in `rows`.
    times : ndarray of shape (n_distinct,)
        Records with each row.
    """
    # Told apart by a 64-bit hash: two of a million distinct records share one with a chance of 3e-8.
    rng = np.random.default_rng(0)
    odd: NDArray[np.uint64] = rng.integers(1, 2**63, (tokens.shape[1],), dtype=np.uint64) | np.uint64(1)
    hashes = np.zeros(len(tokens), np.uint64)
    for column, multiplier in zip(tokens.T, odd, strict=True):
        hashes += (column.astype(np.uint64) + np.uint64(1)) * multiplier
    _, first, place, times = np.unique(hashes, return_index=True, return_inverse=True, return_counts=True)
    order = np.argsort(first, kind="stable")
    rank = np.empty_like(order)
    rank[order] = np.arange(len(order))
    return tokens[first[order]], rank[place], times[order]


def look_up(keys: NDArray[np.int64], values: NDArray[np.float64], wanted: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return the value of each wanted key, 0 where it is not among the ascending `keys`."""
    if not len(keys):
        return np.zeros(len(wanted))
    place, is_known = find_keys(keys, wanted)
    return np.where(is_known, values[place], 0.0)


def find_keys(keys: NDArray[np.int64], wanted: NDArray[np.int64]) -> tuple[NDArray[np.intp], NDArray[np.bool_]]:
    """Return where each wanted key is among the ascending `keys`, any place when it is not, and whether it is."""
    place = np.minimum(np.searchsorted(keys, wanted), max(len(keys) - 1, 0))
    return place, keys[place] == wanted if len(keys) else np.zeros(len(wanted), bool)
