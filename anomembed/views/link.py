"""Does an entity go with the values that it is seen with? Its weakest link in the graph of what occurs together.

Where nearly every pair of values is new, as of who asks for which resource, counts have nothing to say. Vectors of the
graph do: those who are alike use alike resources, so a link that never was can still be a likely one, or not.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

from anomembed.represent.arrays import Floats, Matrix
from anomembed.represent.batch import Batch
from anomembed.views.facts import Case, Facts
from anomembed.views.reason import Reason
from anomembed.views.view import Basis, Counting, Vectors, ViewOfRecords


@dataclass(frozen=True)
class LinkView(ViewOfRecords):
    """Records as the weakest link between their entities and their other values; high = abnormal.

    Parameters
    ----------
    table, outputs : ndarray of shape (n_tokens, width)
        Input and output vectors of the tokens. Products of one kind with the other, both ways, are how strongly two
        tokens are linked; a token that the reference does not have is linked to nothing.
    entities : ndarray of shape (n_entities,)
        Token columns that name who acts.
    """

    table: Matrix
    outputs: Matrix
    entities: NDArray[np.int64]
    name: str = "link"
    summary = "entities with values that their graph does not link them to (`--embedding graph`)"
    is_summed = True

    @classmethod
    def fit(cls, basis: Basis) -> Sequence[Self]:
        """Return the view of embeddings of a graph, where an entity is named and has something beside it."""
        embeddings, entities = basis.embeddings, basis.entities.columns
        if embeddings.method != "graph" or not entities or len(basis.vocabulary.columns) == len(entities):
            return []
        return [cls(embeddings.vectors, embeddings.contexts, np.array(entities, np.int64))]

    def counting(self, *, clean: bool) -> Counting:  # noqa: ARG002
        """Count half of -log tail probability: products of vectors have no unit.

        The weight was chosen on the access requests, with their labels in view (examples/notes/views.md).
        """
        return Counting("surprise", 0.5)

    def reason(self, case: Case, shares: Floats, facts: Facts) -> Reason:  # noqa: ARG002
        """Speak of the two ends of the weakest link."""
        return facts.conflict(case, int(self.culprit(case.record)[0]), int(self.entity(case.record)[0]))

    def vectors(self, batch: Batch) -> Vectors:
        """Return how weak the weakest link of every record is, shape (n_records, 1)."""
        return -self._weakest(batch)[0][:, None]

    def culprit(self, batch: Batch) -> NDArray[np.intp]:
        """Return the token column that is at the other end of the weakest link, shape (n_records,)."""
        return self._weakest(batch)[1]

    def entity(self, batch: Batch) -> NDArray[np.int64]:
        """Return the entity's token column at this end of it, shape (n_records,)."""
        return self._weakest(batch)[2]

    def _weakest(self, batch: Batch) -> tuple[Vectors, NDArray[np.intp], NDArray[np.int64]]:
        n_records, n_columns = batch.tokens.shape
        weakest = np.full(n_records, np.inf, np.float32)
        culprit, whose = np.zeros(n_records, np.intp), np.zeros(n_records, np.int64)
        for entity in self.entities.tolist():
            ours, outputs = self.table[batch.tokens[:, entity]], self.outputs[batch.tokens[:, entity]]
            for column in range(n_columns):
                if column in self.entities:
                    continue
                other = batch.tokens[:, column]
                link = (ours * self.outputs[other]).sum(axis=1) + (outputs * self.table[other]).sum(axis=1)
                weaker = link < weakest
                weakest[weaker], culprit[weaker], whose[weaker] = link[weaker], column, entity
        return weakest, culprit, whose
