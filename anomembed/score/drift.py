"""Notice how far records are from the reference: values that it never had, and shares of values that are others."""

from collections import Counter
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
import polars as pl
from numpy.typing import NDArray
from scipy.special import pdtrc

from anomembed.represent.arrays import Floats
from anomembed.represent.tokens.vocabulary import FIRST_VALUE, ColumnTokens, Kind, Special, Tokens, Vocabulary
from anomembed.views.reason import clean_text

LEAST_SHARE, LEAST_RECORDS = 0.01, 20  # of the records scored, from which a new value is told
HANDFUL, BY_CHANCE = 5, 1e-4  # fewer records are enough, where so many with a new value are unlikely in that column
SPECIALS = (Special.MISSING, Special.UNSEEN, Special.RARE)
MOST_KEPT = 1_000  # new values that are counted per column
COMPARED = 10  # values of a column whose shares are compared, the most frequent ones; all others count as one


class ColumnDrift(NamedTuple):
    """How far the records are from the reference in a column, as shares of them; see the table ``drift``."""

    column_name: str
    n_records: int
    missing: float
    unseen: float
    rare: float
    commonest: float
    shift: float


class Tally(NamedTuple):
    """What records have: how many there are, how many with each token, and with each value that has none, by column."""

    n_records: int
    counts: NDArray[np.int64]
    unseen: dict[str, Counter[str]]


def tally_values(vocabulary: Vocabulary, tokens: Tokens, values: pl.DataFrame) -> Tally:
    """Count what some records have.

    Parameters
    ----------
    vocabulary : Vocabulary
        Tokens of the reference.
    tokens : ndarray of shape (n_records, n_columns)
        Token ids of the records.
    values : pl.DataFrame
        Their values by column.
    """
    unseen = {}
    for at, column in enumerate(vocabulary.columns):
        is_unseen = tokens[:, at] == vocabulary.offsets[at] + Special.UNSEEN
        if column.kind is Kind.VALUE and not column.is_of_message and is_unseen.any():
            found = values[column.source].filter(pl.Series(is_unseen)).rename("value").value_counts()
            unseen[column.name] = Counter(dict(found.iter_rows()))
    return Tally(len(tokens), np.bincount(tokens.ravel(), minlength=vocabulary.size), unseen)


class Drift:
    """Adds up the tokens of records, and their values that a vocabulary does not have, part by part.

    Parameters
    ----------
    vocabulary : Vocabulary
        Tokens of the reference.

    Attributes
    ----------
    n_records : int
        Records that were added.
    """

    def __init__(self, vocabulary: Vocabulary) -> None:
        self._vocabulary = vocabulary
        self._unseen: dict[str, Counter[str]] = {}
        self._counts = np.zeros(vocabulary.size, np.int64)
        self.n_records = 0

    def add(self, tally: Tally) -> None:
        """Add the counts of some records."""
        self.n_records += tally.n_records
        self._counts += tally.counts
        for name, found in tally.unseen.items():
            counted = self._unseen.get(name, Counter()) + found
            self._unseen[name] = Counter(dict(_ordered(counted)[:MOST_KEPT]))

    def unseen(self, column: str) -> Counter[str]:
        """Return how many records have each value of a column that the reference does not have."""
        return self._unseen.get(column, Counter())

    def columns(self) -> Iterator[ColumnDrift]:
        """Yield how far the records are from the reference, by column; not of times, which are others every hour."""
        for column, start in zip(self._vocabulary.columns, self._vocabulary.offsets, strict=False):
            traits = column.kind.traits
            if self.n_records and (traits.is_text or traits.is_number):
                now = self._counts[start : start + len(column.labels)]
                missing, unseen, rare = (now[list(SPECIALS)] / self.n_records).tolist()
                commonest = float(now.max()) / self.n_records
                shift = _divergence(_reference(column), now)
                yield ColumnDrift(column.name, self.n_records, missing, unseen, rare, commonest, shift)

    def commonest(self, column: str) -> tuple[str, float]:
        """Return the label of the token that most records have, and its share of the reference."""
        at = self._vocabulary.names.index(column)
        known, start = self._vocabulary.columns[at], self._vocabulary.offsets[at]
        code = int(self._counts[start : start + len(known.labels)].argmax())
        return known.labels[code], float(known.counts[code]) / max(known.n_records, 1)

    def cautions(self) -> Iterator[str]:
        """Yield a sentence for every column with a value that is new and frequent."""
        columns = {column.name: column for column in self._vocabulary.columns}
        for column, counted in self._unseen.items():
            least = max(self._least_records(columns[column]), LEAST_SHARE * self.n_records)
            often = [(value, times) for value, times in _ordered(counted) if times >= least]
            if not often:
                continue
            (value, times), more = often[0], f", and {len(often) - 1:,} more such values" if len(often) > 1 else ""
            yield (
                f"{clean_text(column)}={clean_text(value)}, which the reference does not have, is in {times:,} of "
                f"{self.n_records:,} records ({times / self.n_records:.0%}){more}: renamed or new? To take it as "
                "normal, run `anomembed fit` again"
            )

    def _least_records(self, column: ColumnTokens) -> int:
        """Return the number of records with one new value that chance does not make.

        New values are expected as often as the reference has values seen once [1]_; `LEAST_RECORDS` are never chance.
        Where new ones are usual, one is told that has more records than any of the reference.

        .. [1] Good: The population frequencies of species and the estimation of population parameters. Biometrika,
           1953.
        """
        seen_once = np.count_nonzero(column.counts == 1) + 0.5
        usual = self.n_records * seen_once / (column.n_records + 1)
        chances = pdtrc(np.arange(HANDFUL, LEAST_RECORDS) - 1, usual)
        least = HANDFUL + int((chances > BY_CHANCE).sum())
        return max(least, int(column.counts.max()) + 1) if column.arriving else least


def _ordered(counted: Counter[str]) -> list[tuple[str, int]]:
    """Return values with their records, the most frequent first, and equally frequent ones by name."""
    return sorted(counted.items(), key=lambda found: (-found[1], found[0]))


def _reference(column: ColumnTokens) -> Floats:
    """Return the reference records with each token; `ColumnTokens` has the mean of the rare values, not their sum.

    Where later records bring new values, as many of them have one in place of those.
    """
    counts, new = column.counts.astype(np.float64), column.new_share
    counts[Special.RARE] = max(column.n_records - (counts.sum() - counts[Special.RARE]), 0.0)
    counts *= 1 - new
    counts[Special.UNSEEN] += new * column.n_records
    return counts


def _divergence(reference: Floats, now: NDArray[np.int64]) -> float:
    """Return the Jensen-Shannon divergence [1]_ of the shares of tokens, in bits, from 0 to 1, also where one has none.

    The commonest tokens of the reference and the special ones count each for itself, all others as one. What chance
    lets expect of few records is taken off: (k - 1) / 8n nats for k tokens in n records.

    .. [1] Lin: Divergence measures based on the Shannon entropy. IEEE Transactions on Information Theory, 1991.

    Examples
    --------
    >>> reference = np.array([0.0, 0, 0, 60, 40])
    >>> some = ([0, 0, 0, 60, 40], [0, 0, 0, 200, 800], [0, 0, 9000, 0, 0])
    >>> [round(_divergence(reference, np.array(now)), 3) for now in some]
    [0.0, 0.124, 1.0]
    """
    by_count = FIRST_VALUE + np.argsort(-reference[FIRST_VALUE:], kind="stable")
    chosen = np.concatenate([np.arange(FIRST_VALUE), by_count[:COMPARED]])
    shares = []
    for counts in (np.asarray(reference, np.float64), now.astype(np.float64)):
        grouped = np.append(counts[chosen], counts.sum() - counts[chosen].sum())
        shares.append(np.maximum(grouped, 0.0) / max(grouped.sum(), 1.0))
    chance = (np.count_nonzero(shares[0] + shares[1]) - 1) / (8 * max(now.sum(), 1) * np.log(2))
    found = _entropy((shares[0] + shares[1]) / 2) - (_entropy(shares[0]) + _entropy(shares[1])) / 2
    return max(float(found - chance), 0.0)


def _entropy(shares: Floats) -> float:
    some = shares[shares > 0]
    return float(-(some * np.log2(some)).sum())
