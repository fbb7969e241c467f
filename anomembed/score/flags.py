"""Which records to flag: by false discovery rate, by budget or by threshold; never by a fixed share of the records.

References
----------
.. [1] Benjamini, Hochberg: Controlling the false discovery rate. Journal of the Royal Statistical Society B, 1995.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import polars as pl

from anomembed.errors import DataError

RAW, TAIL = "raw_score", "tail_probability"
FARTHEST_BEYOND = 10  # times below what was counted, at most, where an extrapolated tail is believed without a word


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
        """Return the records of `scored` that may yet be flagged when all records have been seen.

        Parameters
        ----------
        scored : pl.DataFrame
            Key columns, ``raw_score`` and ``tail_probability``, perhaps more.
        key : sequence of str
            Key columns, which break ties.

        Returns
        -------
        pl.DataFrame
            Its most abnormal records first.
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
            What `keep` left of all scored records together.
        n_scored : int
            Number of records scored.
        """
        if self.name != "alpha":
            return kept
        rank = np.arange(1, kept.height + 1)
        passing = np.flatnonzero(kept[TAIL].to_numpy() <= self.value * rank / n_scored)
        return kept.head(int(passing[-1]) + 1 if len(passing) else 0)

    def caution(self, n_scored: int, n_reference: int, *, can_extrapolate: bool) -> str | None:
        """Say why this rule can hardly flag anything, if so.

        Parameters
        ----------
        n_scored : int
            Number of records scored.
        n_reference : int
            Reference scores that tail probabilities were calibrated on.
        can_extrapolate : bool
            Whether tail probabilities go below the smallest that was observed.

        Returns
        -------
        str or None
        """
        smallest = 1.0 / (n_reference + 1)
        if self.name == "threshold" and can_extrapolate and self.value < smallest / FARTHEST_BEYOND:
            return (
                f"{self} is far beyond what {n_reference:,} reference scores, which tail probabilities were calibrated "
                f"on, can tell, and may flag nothing; about {1 / self.value:,.0f} would show it"
            )
        if can_extrapolate or self.name == "budget" or smallest <= self.value / max(n_scored, 1):
            return None
        if self.name == "threshold" and smallest <= self.value:
            return None
        return (
            f"{self} can hardly flag anything: calibrated on {n_reference:,} reference records, no tail probability is "
            f"below {smallest:.2g}; give more reference records, or use --budget"
        )


class FlagKeeper:
    """Watches scored batches go by and keeps the records that may be flagged.

    Parameters
    ----------
    rule : FlagRule
        How flags are chosen.
    key : sequence of str
        Key columns, which break ties.
    """

    def __init__(self, rule: FlagRule, key: Sequence[str]) -> None:
        self._rule, self._key = rule, tuple(key)
        self._kept: pl.DataFrame | None = None
        self.n_scored = 0

    def watch(self, batches: Iterable[pl.DataFrame]) -> Iterator[pl.DataFrame]:
        """Yield the scores of every batch: the key, ``raw_score``, ``tail_probability`` and ``view``."""
        for batch in batches:
            self.n_scored += batch.height
            both = batch if self._kept is None else pl.concat([self._kept, batch])
            self._kept = self._rule.keep(both, self._key)
            yield batch.select(*self._key, RAW, TAIL, "view")

    def flagged(self) -> pl.DataFrame:
        """Return the flagged records, most abnormal first; call it when all batches have gone by.

        Raises
        ------
        DataError
            When there was no batch.
        """
        if self._kept is None:
            raise DataError("no records to score")
        return self._rule.decide(self._kept, self.n_scored)
