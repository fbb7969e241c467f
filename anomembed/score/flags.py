"""Decide which records to flag: by false discovery rate, budget or threshold, never by a fixed share of the records.

References
----------
.. [1] Benjamini, Hochberg: Controlling the false discovery rate. Journal of the Royal Statistical Society B, 1995.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from decimal import ROUND_CEILING, Context
from typing import Literal

import numpy as np
import polars as pl

from anomembed.errors import DataError
from anomembed.represent.arrays import Floats
from anomembed.score.calibration import smallest_counted

RAW, TAIL = "raw_score", "tail_probability"
HARDLY_ABNORMAL = 0.05  # tail probability above which a flag hardly means anything
FARTHEST_BEYOND = 10  # an extrapolated tail needs no caution down to the smallest counted probability over this


def n_ordinary(tails: Floats, n_scored: int) -> int:
    """Return how many of the last flags of a budget are such as chance has among so many records that are normal.

    Parameters
    ----------
    tails : ndarray of shape (n_flagged,)
        Tail probabilities, the lowest first.
    n_scored : int
        Number of records scored.
    """
    is_ordinary = (tails > HARDLY_ABNORMAL) | (tails * n_scored >= np.arange(1, len(tails) + 1))
    return int(is_ordinary[::-1].cumprod().sum())


@dataclass(frozen=True)
class FlagRule:
    """How flags are chosen.

    Parameters
    ----------
    name : {"alpha", "budget", "threshold"}
        ``alpha``: the expected share of false flags is at most `value` (Benjamini-Hochberg [1]_).
        ``budget``: the `value` most abnormal records.
        ``threshold``: records with a tail probability of at most `value`.
    value : float
        The setting of the rule.
    """

    name: Literal["alpha", "budget", "threshold"]
    value: float

    def __str__(self) -> str:
        return f"{self.name} {self.value:,g}"

    def keep(self, scored: pl.DataFrame, key: Sequence[str]) -> pl.DataFrame:
        """Return the records of `scored` that may still be flagged once all records have been scored.

        Parameters
        ----------
        scored : pl.DataFrame
            Key columns, ``raw_score`` (high = abnormal), ``tail_probability`` (low = abnormal); other columns are kept.
        key : sequence of str
            Key columns; they break ties.

        Returns
        -------
        pl.DataFrame
            A subset of `scored`, most abnormal first.
        """
        if self.name != "budget":
            scored = scored.filter(pl.col(TAIL) <= self.value)
        elif scored.height > self.value:
            scored = scored.filter(pl.col(RAW) >= scored[RAW].top_k(int(self.value)).min())
        ordered = scored.sort(RAW, *key, descending=[True] + [False] * len(key))
        return ordered.head(int(self.value)) if self.name == "budget" else ordered

    def decide(self, kept: pl.DataFrame, n_scored: int) -> pl.DataFrame:
        """Return the flagged records, most abnormal first.

        Parameters
        ----------
        kept : pl.DataFrame
            What `keep` returned for all scored records.
        n_scored : int
            Number of records scored.
        """
        if self.name != "alpha":
            return kept
        rank = np.arange(1, kept.height + 1)
        passing = np.flatnonzero(kept[TAIL].to_numpy() <= self.value * rank / n_scored)
        return kept.head(int(passing[-1]) + 1 if len(passing) else 0)

    def caution(
        self, n_scored: int, n_reference: int, *, can_extrapolate: bool, lowest: float | None = None
    ) -> str | None:
        """Return a warning when this rule is unlikely to flag anything, else None.

        Parameters
        ----------
        n_scored : int
            Number of records scored.
        n_reference : int
            Reference records that tail probabilities were calibrated on.
        can_extrapolate : bool
            Whether a fitted tail gives probabilities below 1 / (n_reference + 1).
        lowest : float, optional
            Tail probability of a record of which nothing was ever seen, where known.
        """
        if self.name == "threshold" and lowest is not None and lowest > self.value:
            return (
                f"{self} may flag nothing: even a record with no value that was ever seen has a tail probability of "
                f"{lowest:.1e}; use more reference records, a higher threshold, or a budget"
            )
        smallest = smallest_counted(n_reference)
        if self.name == "threshold" and can_extrapolate and self.value < smallest / FARTHEST_BEYOND:
            return (
                f"{self} may flag nothing: tail probabilities this low are extrapolated far beyond the {n_reference:,} "
                f"reference records they were calibrated on; it takes about {1 / self.value:,.0f} to verify them"
            )
        if can_extrapolate or self.name == "budget" or smallest <= self.value / max(n_scored, 1):
            return None
        if self.name == "threshold" and smallest <= self.value:
            return None
        return (
            f"{self} is unlikely to flag anything: calibrated on {n_reference:,} reference records, beyond which no "
            f"tail can be fitted to them, tail probabilities cannot fall below {smallest:.2g}; use more reference "
            "records, or --budget"
        )


class FlagKeeper:
    """Keeps the records that may be flagged while scored batches pass by.

    Memory grows with the records that may be flagged, not with those scored. Keepers add: the sum of keepers that
    watched parts of the batches, in any order, decides as one keeper that watched them all.

    Parameters
    ----------
    rule : FlagRule
        How flags are chosen.
    key : sequence of str
        Key columns; they break ties, so they must be unique.
    """

    def __init__(self, rule: FlagRule, key: Sequence[str]) -> None:
        self._rule, self._key = rule, tuple(key)
        self._kept: pl.DataFrame | None = None
        self.n_scored = 0

    def __add__(self, other: "FlagKeeper") -> "FlagKeeper":
        """Return the keeper that has seen the batches of both; neither is changed.

        Raises
        ------
        ValueError
            When the two have different rules or keys.
        """
        if (self._rule, self._key) != (other._rule, other._key):
            raise ValueError("only keepers with the same rule and key can be added")
        merged = FlagKeeper(self._rule, self._key)
        for keeper in (self, other):
            if keeper._kept is not None:
                merged._keep(keeper._kept)
            merged.n_scored += keeper.n_scored
        return merged

    def watch(self, batches: Iterable[pl.DataFrame]) -> Iterator[pl.DataFrame]:
        """Yield the scores of every batch: the key, ``raw_score``, ``tail_probability`` and ``view``."""
        for batch in batches:
            self.n_scored += batch.height
            self._keep(batch)
            yield batch.select(*self._key, RAW, TAIL, "view")

    def _keep(self, batch: pl.DataFrame) -> None:
        both = batch if self._kept is None else pl.concat([self._kept, batch])
        self._kept = self._rule.keep(both, self._key)

    def why_nothing(self) -> str | None:
        """Return why a share of false flags was not reached, and what would have been; None where records are flagged.

        Also none for other rules.
        """
        if self._rule.name != "alpha" or self._kept is None or self.flagged().height:
            return None
        tails = self._kept[TAIL].to_numpy()
        if not len(tails):
            return f"{self._rule} flags nothing: no record has a tail probability of {self._rule.value:g} or less"
        shares = tails * self.n_scored / np.arange(1, len(tails) + 1)
        best = int(shares.argmin())
        needed = self._rule.value * (best + 1) / self.n_scored
        alpha = float(Context(prec=2, rounding=ROUND_CEILING).create_decimal_from_float(float(shares[best])))
        return (
            f"{self._rule} flags nothing: for that, the {best + 1:,} most abnormal of {self.n_scored:,} records need "
            f"tail probabilities of {needed:.1e} or less, and the last of them has {tails[best]:.1e}; "
            f"--budget {best + 1} flags them{f', or an alpha of {alpha}' if alpha < 1 else ''}"
        )

    def flagged(self) -> pl.DataFrame:
        """Return the flagged records, most abnormal first; only final after the last batch.

        Raises
        ------
        DataError
            When there was no batch.
        """
        if self._kept is None:
            raise DataError("no records to score")
        return self._rule.decide(self._kept, self.n_scored)
