"""A vector that comes with the record, such as the embedding of an image, a text or a sound, used unchanged.

Its components share a unit, and their variances are part of what the model that made the vector has learnt. Scaling
components separately (by spread, by ranks, by whitening) or vectors to unit length was worse on images wherever it was
tried. On the measurements of a medical table whitening was slightly better, and on a table whose units differ a
hundredfold any scaling was: measurements with units of their own belong in number columns.
examples/notes/vector_columns.md has the figures.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

from anomembed.represent.arrays import Floats
from anomembed.represent.batch import Batch
from anomembed.represent.vectors import is_known
from anomembed.views.cases import Case
from anomembed.views.facts import Facts
from anomembed.views.reason import Among, Reason, Text
from anomembed.views.view import Basis, Looks, Vectors, ViewOfVectors

SAMPLE = 512  # reference vectors kept for reasons
NEAREST_VECTORS = 5  # of these, that a vector is compared with
MOST_NAMED = 3  # components named in a reason


@dataclass(frozen=True)
class VectorView(ViewOfVectors):
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
        The one of these whose neighbours are as far as usual. It takes the place of a missing vector: that a vector is
        missing is judged as a value.
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
        "far vector": "{name} is {times:.1f} times as far as usual from the {nearest} nearest of {sample}; largest in"
        " {components}",
        "vector out of place": "{name} is far from most reference records; largest in {components}",
    }
    looks_at = Looks.TOKENS | Looks.VECTORS

    @classmethod
    def fit(cls, basis: Basis) -> Sequence[Self]:
        """Return a view for every column of vectors."""
        return [cls.fitted(basis.records.vectors[at], at, column) for at, column in enumerate(basis.vector_columns)]

    @classmethod
    def fitted(cls, vectors: Vectors, index: int, column: int) -> Self:
        """Keep a sample of reference vectors, which are in random order."""
        sample = vectors[is_known(vectors)][:SAMPLE]
        if not len(sample):
            sample = np.zeros((1, vectors.shape[1]), np.float32)
        usual = _nearest(sample.astype(np.float64), sample)[0].mean(axis=1)
        middle = int(np.argsort(usual, kind="stable")[len(sample) // 2])
        return cls(index, column, sample, sample[middle], float(np.median(usual)))

    def vectors(self, batch: Batch) -> Vectors:
        """Return the vectors, shape (n_records, width)."""
        vectors = batch.vectors[self.index]
        return np.where(is_known(vectors)[:, None], vectors, self.ordinary)

    def reference(self, batch: Batch) -> Vectors:
        """Return the vectors that are not missing; `ordinary` when all are."""
        vectors = batch.vectors[self.index]
        known = vectors[is_known(vectors)]
        return known if len(known) else self.ordinary[None]

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
            "nearest": min(NEAREST_VECTORS, len(self.sample)),
            "sample": Among(len(self.sample), is_sample=True, unit="reference records"),
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
            How many times farther than usual they are; NaN where all of the sample are equal.
        components : ndarray of shape (at most 3,)
            Indices, from 0, of the components that differ most from the neighbours' mean, largest difference first.
        """
        vector = self.vectors(batch).astype(np.float64)
        distances, nearest = _nearest(vector, self.sample)
        away = np.abs(vector[0] - self.sample[nearest[0]].mean(axis=0, dtype=np.float64))
        order = np.argsort(-away, kind="stable")[:MOST_NAMED]
        return float(distances[0].mean() / self.usual) if self.usual else np.nan, order[away[order] > 0]


def _nearest(vectors: NDArray[np.float64], sample: NDArray[np.float32]) -> tuple[NDArray[np.float64], NDArray[np.intp]]:
    """Return distances and indices of the nearest of the sample, without vectors that equal the given one."""
    centre = sample.mean(axis=0, dtype=np.float64)
    a, b = vectors - centre, sample - centre
    square = (a**2).sum(axis=1)[:, None] + (b**2).sum(axis=1) - 2 * a @ b.T
    apart = np.sqrt(np.where(square > 1e-9 * (a**2).sum(axis=1)[:, None], square, np.inf))
    nearest = np.argsort(apart, axis=1, kind="stable")[:, :NEAREST_VECTORS]
    distances = np.take_along_axis(apart, nearest, axis=1)
    return np.where(np.isfinite(distances), distances, 0.0), nearest
