"""A vector that comes with the record, such as the embedding of an image, a text or a sound: as it is.

Its components share a unit, and how much each of them varies is part of what the model that made it has learnt.
Scaling them apart (by their spread, by ranks, by whitening) or to unit length was worse on images wherever it was
tried. On the measurements of a medical table whitening was a little better, and on a table whose units differ a
hundredfold any scaling was: what has units of its own belongs in number columns. examples/notes/vector_columns.md has
the figures.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

from anomembed.represent.arrays import Floats
from anomembed.represent.batch import Batch
from anomembed.represent.vectors import is_known
from anomembed.views.facts import Case, Facts
from anomembed.views.reason import Reason, Text
from anomembed.views.view import Basis, Looks, Vectors, ViewOfRecords

SAMPLE = 512  # reference vectors that are kept to compare with, for the words of a reason
NEAREST_VECTORS = 5  # of these, the nearest ones
MOST_NAMED = 3  # components named in a reason


@dataclass(frozen=True)
class VectorView(ViewOfRecords):
    """Records as one of their vectors.

    Parameters
    ----------
    index : int
        Which of the vectors of a batch.
    column : int
        Its token column.
    sample : ndarray of shape (n_sample, width)
        Vectors of some reference records.
    ordinary : ndarray of shape (width,)
        Of these, the one whose nearest neighbour is as far as usual; it stands for a vector that is missing, because
        that it is missing is judged as a value is.
    usual : float
        Mean distance to the nearest others within the sample, its median.
    name : str
        What the view is called in results.
    """

    index: int
    column: int
    sample: NDArray[np.float32]
    ordinary: NDArray[np.float32]
    usual: float
    name: str = "vector"
    summary = "vectors that are far from those of the reference"
    words = {
        "unlike vector": "{subject} is unlike most reference records",
        "far vector": "{name} is {times:.1f} times as far as usual from the nearest reference records;"
        " largest in {components}",
        "vector out of place": "{name} is far from most reference records; largest in {components}",
    }
    looks_at = Looks.TOKENS | Looks.VECTORS

    @classmethod
    def fit(cls, basis: Basis) -> Sequence[Self]:
        """Return a view for every column of vectors."""
        return [cls(at, column, *_sample(basis.records, at)) for at, column in enumerate(basis.vector_columns)]

    def vectors(self, batch: Batch) -> Vectors:
        """Return the vectors, shape (n_records, width)."""
        vectors = batch.vectors[self.index]
        return np.where(is_known(vectors)[:, None], vectors, self.ordinary)

    def reference(self, batch: Batch) -> Vectors:
        """Return the vectors that are not missing, or what stands for them when all are."""
        vectors = batch.vectors[self.index]
        known = vectors[is_known(vectors)]
        return known if len(known) else self.ordinary[None]

    def culprit(self, batch: Batch) -> NDArray[np.intp]:
        """Return the column of the vector for every record, shape (n_records,)."""
        return np.full(len(batch), self.column, np.intp)

    def reason(self, case: Case, shares: Floats, facts: Facts) -> Reason:  # noqa: ARG002
        """Say how far the vector is from its nearest reference records, and in which components (from 1, as in SQL)."""
        times, components = self.compare(case.record)
        subject = facts.value(case, self.column)
        if not len(components):
            return Reason("unlike vector", subject)
        numbers = ", ".join(str(component + 1) for component in components)
        evidence = {
            "name": Text(facts.vocabulary.columns[self.column].name),
            "times": times,
            "components": f"component{'s' * (len(components) > 1)} {numbers}",
        }
        return Reason("far vector" if times > 1 else "vector out of place", subject, evidence)

    def compare(self, batch: Batch) -> tuple[float, NDArray[np.intp]]:
        """Compare the vector of a single record with the nearest of the sample.

        Parameters
        ----------
        batch : Batch
            One record.

        Returns
        -------
        times : float
            How many times farther than usual they are; NaN where all of the sample are alike.
        components : ndarray of shape (at most 3,)
            Places, from 0, of the components that depart most from the neighbours' mean, most first.
        """
        vector = self.vectors(batch).astype(np.float64)
        distances, nearest = _nearest(vector, self.sample)
        away = np.abs(vector[0] - self.sample[nearest[0]].mean(axis=0, dtype=np.float64))
        order = np.argsort(-away, kind="stable")[:MOST_NAMED]
        return float(distances[0].mean() / self.usual) if self.usual else np.nan, order[away[order] > 0]


def _sample(batch: Batch, index: int) -> tuple[NDArray[np.float32], NDArray[np.float32], float]:
    """Keep some of the vectors; return them, the most ordinary of them, and how far apart they usually are."""
    vectors = batch.vectors[index]
    sample = vectors[is_known(vectors)][:SAMPLE]
    if not len(sample):
        sample = np.zeros((1, vectors.shape[1]), np.float32)
    usual = _nearest(sample.astype(np.float64), sample)[0].mean(axis=1)
    middle = int(np.argsort(usual, kind="stable")[len(sample) // 2])
    return sample, sample[middle], float(np.median(usual))


def _nearest(vectors: NDArray[np.float64], sample: NDArray[np.float32]) -> tuple[NDArray[np.float64], NDArray[np.intp]]:
    """Return distances and places of the nearest of the sample, leaving out what equals the vector itself."""
    centre = sample.mean(axis=0, dtype=np.float64)
    a, b = vectors - centre, sample - centre
    square = (a**2).sum(axis=1)[:, None] + (b**2).sum(axis=1) - 2 * a @ b.T
    apart = np.sqrt(np.where(square > 1e-9 * (a**2).sum(axis=1)[:, None], square, np.inf))
    nearest = np.argsort(apart, axis=1, kind="stable")[:, :NEAREST_VECTORS]
    distances = np.take_along_axis(apart, nearest, axis=1)
    return np.where(np.isfinite(distances), distances, 0.0), nearest
