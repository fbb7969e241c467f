"""Count which events stand near each other, and how often each occurs in a sequence.

Counts of neighbours add: day 1 + day 2 are the counts of both days.
"""

import numpy as np
from scipy import sparse

from anomembed.represent.arrays import Floats, Ints
from anomembed.represent.counts import Counts
from anomembed.represent.sequences.events import Sequences
from anomembed.represent.sequences.tallies import sum_by_key

NEAR = 3  # events at most so far apart are each other's context
USUAL = (0.025, 0.975)  # 19 in 20


def count_neighbours(sequences: Sequences, times: Ints, n_tokens: int) -> Counts:
    """Count pairs of events that are near each other.

    Parameters
    ----------
    sequences : Sequences
        Distinct sequences.
    times : ndarray of shape (n_sequences,)
        How often each occurs.
    n_tokens : int
        Size of the vocabulary.

    Returns
    -------
    Counts
        Here a record is a pair of neighbours; the diagonal is the number of neighbours of each event.
    """
    keys, sums = [np.empty(0, np.int64)], [np.empty(0)]
    weight = times[sequences.of_event].astype(np.float64)
    for apart in range(1, NEAR + 1):
        same = sequences.positions[apart:] >= apart
        first, second = sequences.events[:-apart][same], sequences.events[apart:][same]
        key, total = sum_by_key(first.astype(np.int64) * n_tokens + second, weight[apart:][same])
        keys.append(key)
        sums.append(total)
    pair, shape = np.concatenate(keys), (n_tokens, n_tokens)
    after = sparse.csr_array((np.concatenate(sums), (pair // n_tokens, pair % n_tokens)), shape=shape)
    both = sparse.csr_array(after + after.T)
    total = np.asarray(both.sum(axis=1)).ravel()
    others = both - sparse.diags_array(both.diagonal())
    return Counts(int(total.sum()), sparse.csr_array(others + sparse.diags_array(total)), np.ones((1, 1), bool))


def usual_counts(sequences: Sequences, times: Ints, n_tokens: int) -> Floats:
    """Return how often each event usually occurs in a sequence: 2.5 % and 97.5 % quantiles, shape (n_tokens, 2).

    Parameters
    ----------
    sequences : Sequences
        Distinct sequences.
    times : ndarray of shape (n_sequences,)
        How often each occurs.
    n_tokens : int
        Size of the vocabulary.
    """
    usual = np.zeros((n_tokens, 2))
    occurrences = sparse.csc_array(sequences.occurrences(n_tokens))
    total = float(times.sum())
    for token in np.flatnonzero(np.diff(occurrences.indptr)):
        part = slice(occurrences.indptr[token], occurrences.indptr[token + 1])
        order = np.argsort(occurrences.data[part], kind="stable")
        counts, weight = occurrences.data[part][order], times[occurrences.indices[part][order]]
        share = (total - weight.sum() + np.cumsum(weight)) / total  # of sequences with at most this count
        for end, quantile in enumerate(USUAL):
            if 1 - weight.sum() / total < quantile:
                usual[token, end] = counts[min(int(np.searchsorted(share, quantile)), len(counts) - 1)]
    return usual
