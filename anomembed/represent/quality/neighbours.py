"""Nearest neighbours of tokens: whether they agree between two fits, and whether they belong to the same group.

Near is by the cosine of the angle between two vectors, as in the store's macro ``similar``.
"""

from dataclasses import dataclass

import numpy as np

from anomembed.represent.arrays import Ints, Matrix

MOST_NEIGHBOURS = 10
MOST_ASKED = 2_000  # tokens whose neighbours are looked up
CELLS = 8_000_000  # cosines at once


@dataclass(frozen=True)
class Agreement:
    """Share of nearest neighbours that are right.

    Parameters
    ----------
    n_neighbours : int
        Nearest neighbours looked at, at most.
    n_tokens : int
        Tokens whose neighbours were looked up.
    share : float
        Mean share of neighbours that are right, from 0 to 1.
    chance : float
        The share expected of random neighbours.
    """

    n_neighbours: int
    n_tokens: int
    share: float
    chance: float


def compare_neighbours(first: Matrix, second: Matrix) -> Agreement:
    """Compare the nearest neighbours of the same tokens in two sets of vectors.

    Parameters
    ----------
    first, second : ndarray of shape (n_tokens, width)
        Vectors of the same tokens; the widths may differ.

    Returns
    -------
    Agreement
        Share of the neighbours that both have, over at most `MOST_ASKED` tokens; ten neighbours, fewer when there are
        fewer than 41 tokens. Of equally near ones, those that come first. Tokens whose vector is zero in either set
        have no neighbours and are left out. Nothing (NaN) of fewer than three tokens.
    """
    has_direction = first.any(axis=1) & second.any(axis=1)
    first, second = first[has_direction], second[has_direction]
    n_tokens = len(first)
    near = max(1, min(MOST_NEIGHBOURS, (n_tokens - 1) // 4))
    if n_tokens < 3:
        return Agreement(near, n_tokens, float("nan"), float("nan"))
    asked = choose_asked(n_tokens)
    ours, theirs = (find_nearest(vectors, asked, near) for vectors in (first, second))
    both = (ours[:, :, None] == theirs[:, None, :]).any(axis=2)
    return Agreement(near, len(asked), float(both.mean()), near / (n_tokens - 1))


def choose_asked(n_tokens: int) -> Ints:
    """Choose the tokens to look up: all, or a random sample that is always the same."""
    if n_tokens <= MOST_ASKED:
        return np.arange(n_tokens)
    return np.sort(np.random.default_rng(0).choice(n_tokens, MOST_ASKED, replace=False))


def find_nearest(vectors: Matrix, asked: Ints, near: int) -> Ints:
    """Find the nearest neighbours of some tokens, without the token itself.

    Parameters
    ----------
    vectors : ndarray of shape (n_tokens, width)
        Of all tokens.
    asked : ndarray of shape (n_asked,)
        Tokens to look up.
    near : int
        How many neighbours.

    Returns
    -------
    ndarray of shape (n_asked, near)
        Tokens; of equally near ones, those that come first.
    """
    unit = unit_vectors(vectors)
    found = []
    step = max(1, CELLS // len(unit))
    for start in range(0, len(asked), step):
        part = asked[start : start + step]
        cosines = unit[part] @ unit.T
        cosines[np.arange(len(part)), part] = -np.inf
        least = np.partition(cosines, -near, axis=1)[:, -near]
        for row, edge in zip(cosines, least, strict=True):  # sorting only the candidates is ten times as fast
            some = np.flatnonzero(row >= edge)
            found.append(some[np.argsort(-row[some], kind="stable")[:near]])
    return np.stack(found)


def unit_vectors(vectors: Matrix) -> Matrix:
    """Return vectors of length one, rounded so that equal directions are equal; zero vectors stay zero."""
    length = np.linalg.norm(vectors, axis=1, keepdims=True)
    return np.asarray(np.where(length > 0, vectors / np.maximum(length, np.float32(1e-30)), 0), np.float32).round(5)


def compare_groups(vectors: Matrix, groups: Ints) -> Agreement:
    """Measure whether the nearest neighbours of tokens belong to their group.

    Parameters
    ----------
    vectors : ndarray of shape (n_tokens, width)
        Of the tokens of one column.
    groups : ndarray of shape (n_tokens,)
        Number of the group of each.

    Returns
    -------
    Agreement
        A token has as many neighbours as its group has other members, at most ten, so that a perfect order has a share
        of 1; ties count by expectation. Tokens that are alone in their group are left out.
    """
    sizes = np.bincount(groups)[groups]
    asked = np.flatnonzero(sizes > 1)
    asked = asked[choose_asked(len(asked))]
    near = np.minimum(sizes[asked] - 1, MOST_NEIGHBOURS)
    if not len(asked):
        return Agreement(MOST_NEIGHBOURS, 0, float("nan"), float("nan"))
    unit, shares = unit_vectors(vectors), []
    for token, many in zip(asked.tolist(), near.tolist(), strict=True):
        cosines = (unit @ unit[token]).round(5)
        cosines[token] = -np.inf
        last = np.partition(cosines, -many)[-many]
        same = groups == groups[token]
        above, tied = cosines > last, cosines == last
        shares.append((same[above].sum() + (many - above.sum()) * same[tied].mean()) / many)
    chance = float(((sizes[asked] - 1) / (len(groups) - 1)).mean())
    return Agreement(int(near.max()), len(asked), float(np.mean(shares)), chance)
