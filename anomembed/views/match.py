"""A vector against its category: the image of a cat labelled as a dog is a usual image and a usual label.

The feature is the distance of the vector from vectors with its own value of the category over that from those with the
nearest other value; each distance is the mean, over some draws, of the distance to the nearest of a few references. A
quotient below 1 counts as 1, so a vector that is far from everything does not stand out here. Categories that the
vectors do not tell apart are left out. On digits with wrong labels this beat distances from centroids, the labels of
the nearest records, and prototypes as tokens; examples/notes/vector_columns.md has the figures.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

from anomembed.represent.arrays import Floats
from anomembed.represent.batch import Batch
from anomembed.represent.distances import mean_nearest
from anomembed.represent.tokens.vocabulary import FIRST_VALUE, Kind
from anomembed.represent.vectors import is_known
from anomembed.views.cases import Case
from anomembed.views.facts import Facts
from anomembed.views.reason import Reason, Text
from anomembed.views.view import Basis, Counting, Looks, Vectors, ViewOfVectors

PER_DRAW = 8  # references of a value in a draw
MOST_REFERENCES = 4096  # of all values together, about
MOST_NUMBERS = 4_000_000  # in these
MOST_DRAWS = 50
LEAST_RECORDS = 8 * PER_DRAW  # of a value, so that a record is seldom compared with itself
MOST_VALUES = 64
CHECKED = 1000  # records that a category is tried on; at most a quarter of all
LEAST_SKILL = 0.5  # least skill of naming the value by the nearest references; 0 = by chance, 1 = always
TINY = 1e-9


@dataclass(frozen=True)
class Kin:
    """References for every value of a category.

    Parameters
    ----------
    column : int
        Token column of the category.
    tokens : ndarray of shape (n_values,)
        Ascending token ids of its values that have references.
    center : ndarray of shape (width,)
        Mean of the references.
    references : ndarray of shape (n_values, n_draws, n_per_draw, width)
        Float32, less `center`.
    """

    column: int
    tokens: NDArray[np.int64]
    center: NDArray[np.float32]
    references: NDArray[np.float32]

    def distances(self, vectors: Vectors) -> NDArray[np.float64]:
        """Return how far each vector is from those with each value, shape (n_records, n_values)."""
        return np.column_stack([mean_nearest(vectors, drawn, self.center) for drawn in self.references])

    def own(self, batch: Batch) -> NDArray[np.intp]:
        """Return the index of each record's value in `tokens`, -1 where it has no references."""
        tokens = batch.tokens[:, self.column]
        index = np.minimum(np.searchsorted(self.tokens, tokens), len(self.tokens) - 1)
        return np.where(self.tokens[index] == tokens, index, -1)

    def quotients(self, batch: Batch, vectors: Vectors) -> NDArray[np.float64]:
        """Return the distance from a record's own value over that from the nearest other, shape (n_records,); >= 1."""
        own, found = self.own(batch), np.ones(len(batch))
        judged = np.flatnonzero((own >= 0) & is_known(vectors))
        distances, rows = self.distances(vectors[judged]), np.arange(len(judged))
        of_own = distances[rows, own[judged]].copy()
        distances[rows, own[judged]] = np.inf
        found[judged] = (of_own + TINY) / (distances.min(axis=1, initial=np.inf) + TINY)
        return np.maximum(found, 1.0)


@dataclass(frozen=True)
class MatchView(ViewOfVectors):
    """Records by how badly a vector goes with their categories; high = abnormal.

    Parameters
    ----------
    index : int
        Which of the vectors of a batch.
    column : int
        Its token column.
    kin : tuple of Kin
        One for each category that the vectors tell apart.
    name : str
        What the view is called in results.
    """

    index: int
    column: int
    kin: tuple[Kin, ...]
    name: str = "match"
    summary = "vectors that do not go with the record's category, such as a wrong label"
    words = {
        "mismatch": "{subject} does not go with {vector}: of a sample of {n_drawn:,} records with"
        " each, those with {nearest} are {times:.1f} times nearer"
    }
    looks_at = Looks.TOKENS | Looks.VECTORS
    is_summed = True

    @classmethod
    def fit(cls, basis: Basis) -> Sequence[Self]:
        """Return a view for every column of vectors that tells a category apart."""
        found = (cls(at, column, _fit_kin(basis, at)) for at, column in enumerate(basis.vector_columns))
        return [view for view in found if view.kin]

    def counting(self, *, clean: bool) -> Counting:  # noqa: ARG002
        """Weigh threefold: on digits with wrong labels nothing else tells (examples/notes/vector_columns.md)."""
        return Counting("relative", 3.0)

    def vectors(self, batch: Batch) -> Vectors:
        """Return the largest quotient, shape (n_records, 1); 1 = it matches, or vector or value is missing."""
        return np.asarray(self._quotients(batch).max(axis=1)[:, None], np.float32)

    def culprit(self, batch: Batch) -> NDArray[np.intp]:
        """Return the category that matches the vector worst, shape (n_records,)."""
        columns = np.array([kin.column for kin in self.kin], np.intp)
        return np.asarray(columns[self._quotients(batch).argmax(axis=1)])

    def reason(self, case: Case, shares: Floats, facts: Facts) -> Reason:  # noqa: ARG002
        """Say which category does not match the vector, and which value of it would."""
        column, token, times = self.compare(case.record)
        evidence = {
            "vector": Text(facts.vocabulary.columns[self.column].name),
            "nearest": Text(facts.vocabulary.label(token)),
            "times": times,
            "n_drawn": int(np.prod(self.kin[0].references.shape[1:3])),
        }
        return Reason("mismatch", facts.value(case, column), evidence)

    def compare(self, batch: Batch) -> tuple[int, int, float]:
        """Find the value whose vectors are nearest to that of a single record.

        Returns
        -------
        column, token : int
            The category, and its nearest value other than the record's own.
        times : float
            How many times farther the record's own value is.
        """
        worst = self.kin[int(self._quotients(batch)[0].argmax())]
        distances, own = worst.distances(batch.vectors[self.index])[0], int(worst.own(batch)[0])
        other = int(np.where(np.arange(len(distances)) == own, np.inf, distances).argmin())
        return worst.column, int(worst.tokens[other]), float((distances[own] + TINY) / (distances[other] + TINY))

    def _quotients(self, batch: Batch) -> NDArray[np.float64]:
        return np.column_stack([kin.quotients(batch, batch.vectors[self.index]) for kin in self.kin])


def _fit_kin(basis: Basis, index: int) -> tuple[Kin, ...]:
    """Draw references for the values of every category that the vectors tell apart."""
    batch = basis.records
    known = batch[np.flatnonzero(is_known(batch.vectors[index]))]
    n_checked = min(CHECKED, len(known) // 4)
    checked, drawn_from = known[:n_checked], known[n_checked:]
    kin = []
    for category, tokens in enumerate(basis.vocabulary.columns):
        if tokens.kind is not Kind.VALUE or not n_checked:
            continue
        low, high = (int(end) for end in basis.vocabulary.offsets[category : category + 2])
        values = low + _frequent(drawn_from.tokens[:, category] - low, high - low)
        drawn = _draw(drawn_from, index, category, values, basis.seed) if len(values) > 1 else None
        if drawn and _skill(drawn, checked, index) > LEAST_SKILL:
            kin.append(drawn)
    return tuple(kin)


def _frequent(tokens: NDArray[np.int32], n_tokens: int) -> NDArray[np.int64]:
    """Return the most frequent values with enough records, ascending; `tokens` are numbered within their column."""
    times = np.bincount(tokens, minlength=n_tokens)[FIRST_VALUE:]
    often = np.argsort(-times, kind="stable")[:MOST_VALUES]
    return np.sort(often[times[often] >= LEAST_RECORDS]) + FIRST_VALUE


def _draw(batch: Batch, index: int, column: int, tokens: NDArray[np.int64], seed: int) -> Kin:
    rng = np.random.default_rng(seed)
    vectors = batch.vectors[index]
    most = min(MOST_REFERENCES, MOST_NUMBERS // vectors.shape[1])
    n_draws = int(np.clip(most // (PER_DRAW * len(tokens)), 1, MOST_DRAWS))
    drawn = [_draw_rows(np.flatnonzero(batch.tokens[:, column] == token), n_draws, rng) for token in tokens]
    references = vectors[np.array(drawn)]
    center = references.mean(axis=(0, 1, 2), dtype=np.float64).astype(np.float32)
    return Kin(column, tokens, center, references - center)


def _draw_rows(rows: NDArray[np.intp], n_draws: int, rng: np.random.Generator) -> Sequence[NDArray[np.intp]]:
    return [rng.choice(rows, PER_DRAW, replace=False) for _ in range(n_draws)]


def _skill(kin: Kin, checked: Batch, index: int) -> float:
    """Return the skill of naming the value of other records by the nearest references; 1 = always, 0 = by chance."""
    own = kin.own(checked)
    named = kin.distances(checked.vectors[index]).argmin(axis=1)[own >= 0]
    own = own[own >= 0]
    if not len(own):
        return 0.0
    chance = np.bincount(own).max() / len(own)
    return float((np.mean(named == own) - chance) / max(1 - chance, TINY))
