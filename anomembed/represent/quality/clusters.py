"""Clusters of tokens: HDBSCAN on the directions of their vectors [1]_.

It needs no number of clusters and leaves out tokens that belong to none.

.. [1] Campello, Moulavi, Sander: Density-based clustering based on hierarchical density estimates. PAKDD 2013.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from anomembed.represent.arrays import Ints
from anomembed.represent.counts import Counts
from anomembed.represent.quality.neighbours import unit_vectors

MOST_CLUSTERED = 5_000  # the most frequent tokens
SMALLEST = 3  # tokens of a cluster
MOST_NAMED = 3  # tokens named as what the members of a cluster have in common
CLEARLY = 3  # standard deviations above the count expected by chance


@dataclass(frozen=True)
class Clusters:
    """Clusters of tokens.

    Parameters
    ----------
    members : tuple of ndarray
        Tokens of every cluster, those nearest to the mean direction first; large clusters first.
    alone : ndarray
        Tokens that belong to none.
    """

    members: tuple[Ints, ...]
    alone: Ints


def find_clusters(vectors: NDArray[np.float32], occurrences: NDArray[np.float64]) -> Clusters:
    """Find clusters of tokens.

    Parameters
    ----------
    vectors : ndarray of shape (n_tokens, width)
        Of the tokens.
    occurrences : ndarray of shape (n_tokens,)
        How often each occurs; the most frequent are clustered. Those without a direction belong to no cluster.

    Returns
    -------
    Clusters
        A cluster has at least three tokens, and at least half the square root of the number of tokens.
    """
    often = np.argsort(-occurrences, kind="stable")[: min(MOST_CLUSTERED, np.count_nonzero(occurrences))]
    unit = unit_vectors(vectors)
    tokens = often[np.abs(unit[often]).sum(axis=1) > 0]
    alone = np.setdiff1d(often, tokens)
    smallest = max(SMALLEST, round(np.sqrt(len(tokens)) / 2))
    if len(tokens) < 2 * smallest:
        return Clusters((), np.sort(often))
    from sklearn.cluster import HDBSCAN

    found = HDBSCAN(min_cluster_size=smallest, copy=True).fit_predict(unit[tokens].astype(np.float64))
    members = [_by_typicality(unit, tokens[found == number]) for number in range(found.max() + 1)]
    members.sort(key=lambda some: (-len(some), int(some[0])))
    return Clusters(tuple(members), np.sort(np.concatenate([alone, tokens[found < 0]])))


def find_company(members: Ints, counts: Counts) -> Ints:
    """Find what a cluster has in common: tokens that its members occur with more often than by chance.

    Parameters
    ----------
    members : ndarray of shape (n_members,)
        Tokens of the cluster.
    counts : Counts
        Pair counts of all tokens.

    Returns
    -------
    ndarray of shape (n_found,)
        At most three tokens outside the cluster, the most telling first: by the number of pairs, times the logarithm of
        its ratio to the number expected by chance.
    """
    met = np.asarray(counts.together[members].sum(axis=0))
    by_chance = counts.single[members].sum() * counts.single / max(counts.n_records, 1)
    is_more = met - by_chance > CLEARLY * np.sqrt(by_chance)
    is_more[members] = False
    telling = np.where(is_more, met * np.log((met + 1) / (by_chance + 1)), 0)
    first = np.argsort(-telling, kind="stable")[:MOST_NAMED]
    return np.asarray(first[telling[first] > 0])


def _by_typicality(unit: NDArray[np.float32], tokens: Ints) -> Ints:
    """Order tokens by how near they are to their mean direction; the most frequent first among equals."""
    near = (unit[tokens] @ unit[tokens].mean(axis=0)).round(5)
    return tokens[np.argsort(-near, kind="stable")]
