"""Does an entity go with the record's other values? Its weakest link in the graph of values that occur together.

Where nearly every pair of values is new, as with who asks for which resource, counts say nothing. Vectors of the graph
do: similar entities use similar resources, so a new link can be likely or unlikely.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple, Self

import numpy as np
from numpy.typing import NDArray

from anomembed.represent.arrays import Floats, Matrix
from anomembed.represent.batch import Batch
from anomembed.views.cases import Case
from anomembed.views.facts import Facts
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

    def reason(self, case: Case, shares: Floats, facts: Facts) -> Reason:
        """Name both ends of the weakest link."""
        ends = int(self.culprit(case.record)[0]), int(self.entity(case.record)[0])
        return facts.conflict_or_notable(case, ends, shares)

    def vectors(self, batch: Batch) -> Vectors:
        """Return minus the strength of each record's weakest link, shape (n_records, 1); high = abnormal."""
        return -self._weakest(batch).strength[:, None]

    def culprit(self, batch: Batch) -> NDArray[np.intp]:
        """Return the token column at the far end of the weakest link, shape (n_records,)."""
        return self._weakest(batch).culprit

    def entity(self, batch: Batch) -> NDArray[np.int64]:
        """Return the entity's token column at its near end, shape (n_records,)."""
        return self._weakest(batch).entity

    def _weakest(self, batch: Batch) -> "WeakestLinks":
        n_records, n_columns = batch.tokens.shape
        weakest = WeakestLinks(
            np.full(n_records, np.inf, np.float32), np.zeros(n_records, np.intp), np.zeros(n_records, np.int64)
        )
        for entity in self.entities.tolist():
            ours, outputs = self.table[batch.tokens[:, entity]], self.outputs[batch.tokens[:, entity]]
            for column in range(n_columns):
                if column in self.entities:
                    continue
                other = batch.tokens[:, column]
                link = (ours * self.outputs[other]).sum(axis=1) + (outputs * self.table[other]).sum(axis=1)
                weaker = link < weakest.strength
                weakest.strength[weaker], weakest.culprit[weaker], weakest.entity[weaker] = link[weaker], column, entity
        return weakest


class WeakestLinks(NamedTuple):
    """How strong the weakest link of each record is, and the token columns at its ends, each of shape (n_records,)."""

    strength: Vectors
    culprit: NDArray[np.intp]
    entity: NDArray[np.int64]
