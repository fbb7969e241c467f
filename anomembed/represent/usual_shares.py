"""How frequent a token usually is among the values of another column: without the few that have it far more often.

Where one cashier voids a quarter of all sales, and every other one in a hundred, the share over all cashiers is that of
none of them: by it, each honest void would be one where chance would have had several. So one or two values that are
far from all others are left out, where these are alike. Not left out is where a token is at home: what most records of
a value have, or hardly any other record has, others are expected to lack.
"""

from dataclasses import dataclass
from typing import NamedTuple, Self

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from anomembed.represent.arrays import Floats
from anomembed.represent.counts import Counts

MOST_APART = 2  # values that are left out
LEAST_LEFT, MOST_RECORDS = 3, 0.7  # values that must be left, and their share of the records, to tell what is usual
LOWER = 0.75  # share of the token's share of all records, below which the usual one is another
ALIKE = 2.0  # at most what the others differ by, 1 = by chance: else there is nothing usual among them
APART = 5.0  # how far a value is from the others, in what these differ by
AT_HOME = 0.5  # share of the records with a value that have the token, from which it is at home there
LEAST_SHARE = 0.1  # of the records with the token that others must have
MOST_CELLS = 4_000_000  # tokens at a time, times columns
LEAST_EXPECTED = 2.0  # records with the token and the most frequent value by chance; below, nothing is a conflict


def usual_shares(counts: Counts, column_of: NDArray[np.integer], tokens: NDArray[np.integer]) -> Floats:
    """Return how frequent tokens usually are among the values of each column.

    Parameters
    ----------
    counts : Counts
        How often tokens meet.
    column_of : ndarray of shape (n_all_tokens,)
        The column of each token.
    tokens : ndarray of shape (n_tokens,)
        Those that are asked for.

    Returns
    -------
    ndarray of shape (n_tokens, n_columns)
        Shares of records; NaN where that is the share of all records.
    """
    found = np.full((len(tokens), int(column_of[-1]) + 1), np.nan)
    meetings = _Meetings.of_tokens(counts, column_of, tokens)
    is_left = np.ones(len(meetings.times), bool)
    for _ in range(MOST_APART if len(is_left) else 0):
        distance = np.where(is_left, meetings.usual(is_left).distance, -np.inf)
        is_left &= distance < np.maximum.reduceat(distance, meetings.starts)[meetings.group]
        usual = meetings.usual(is_left)
        is_far = (usual.distance >= APART * usual.spread[meetings.group]) & (meetings.times < AT_HOME * meetings.of)
        is_told = np.logical_and.reduceat(is_left | is_far, meetings.starts)
        is_told &= (usual.n_left >= LEAST_LEFT) & (usual.of >= MOST_RECORDS * counts.n_records)
        is_told &= (usual.spread <= ALIKE) & (usual.share <= LOWER * meetings.share)
        is_told &= usual.times >= LEAST_SHARE * meetings.sum(meetings.times)
        found.ravel()[meetings.key[is_told]] = usual.share[is_told]
    return found


def all_usual_shares(counts: Counts, column_of: NDArray[np.integer]) -> sparse.csr_array:
    """Return those of all tokens, shape (n_all_tokens, n_columns); 0 where that is the share of all records."""
    tokens, n_columns = np.arange(len(column_of)), int(column_of[-1]) + 1
    blocks = np.array_split(tokens, -(-len(tokens) * n_columns // MOST_CELLS))
    shares = (usual_shares(counts, column_of, block) for block in blocks)
    return sparse.csr_array(sparse.vstack([sparse.csr_array(np.nan_to_num(part)) for part in shares]))


class _Usual(NamedTuple):
    """What is usual of the values that are left: of each group, but `distance`, which is of each entry.

    `spread` is what they differ by, 1 = by chance, and `distance` how far above them a value is, in what chance makes.
    """

    share: Floats
    times: Floats
    of: Floats
    n_left: Floats
    spread: Floats
    distance: Floats


@dataclass(frozen=True)
class _Meetings:
    """How often tokens meet values, grouped by the token and the column of the value; only what may be a conflict.

    Of each entry there are its group, `times` (records with both) and `of` (records with the value); of each group its
    `key`, where it starts, and how many records and values the column has in all.
    """

    group: NDArray[np.intp]
    times: Floats
    of: Floats
    key: NDArray[np.int64]
    starts: NDArray[np.intp]
    n_records: float
    n_values: Floats

    @classmethod
    def of_tokens(cls, counts: Counts, column_of: NDArray[np.integer], tokens: NDArray[np.integer]) -> Self:
        single, n_columns = counts.single, int(column_of[-1]) + 1
        most = np.zeros(n_columns)
        np.maximum.at(most, column_of, single)
        is_asked = np.outer(single[tokens], most) >= LEAST_EXPECTED * counts.n_records
        is_asked[np.arange(len(tokens)), column_of[tokens]] = False
        entries = sparse.coo_array(counts.together[tokens])
        kept = np.flatnonzero(is_asked[entries.coords[0], column_of[entries.coords[1]]])
        row, value = (part[kept].astype(np.int64) for part in entries.coords)
        keys, starts, group = np.unique(row * n_columns + column_of[value], return_index=True, return_inverse=True)
        n_values = np.bincount(column_of, single > 0)[keys % n_columns]
        return cls(group, entries.data[kept], single[value], keys, starts, float(counts.n_records), n_values)

    @property
    def share(self) -> Floats:
        """The share of each group's token of all records."""
        return self.sum(self.times) / self.n_records

    def sum(self, part: Floats) -> Floats:
        """Sum up a part of the entries of each group."""
        return np.asarray(np.bincount(self.group, part, minlength=len(self.key)), np.float64)

    def usual(self, is_left: NDArray[np.bool_]) -> _Usual:
        """Return what is usual of the values that are left, and how far each is from it."""
        times, left_out = self.sum(self.times * is_left), self.sum(self.of * ~is_left)
        share = times / np.maximum(self.n_records - left_out, 1)
        expected = np.maximum(self.of * share[self.group], 1e-9)
        distance = (self.times - expected) / np.sqrt(expected)
        never = (self.n_records - left_out - self.sum(self.of * is_left)) * share  # values that do not meet the token
        n_left = self.n_values - self.sum(np.where(is_left, 0.0, 1.0))
        squares = (self.sum(distance**2 * is_left) + never) / np.maximum(n_left - 1.0, 1.0)
        return _Usual(share, times, self.n_records - left_out, n_left, np.sqrt(np.maximum(squares, 1.0)), distance)
