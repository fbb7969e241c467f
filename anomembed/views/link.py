"""Does an entity go with the values that it is seen with? Its weakest link in the graph of what occurs together.

Where nearly every pair of values is new, as of who asks for which resource, counts have nothing to say. Vectors of the
graph do: those who are alike use alike resources, so a link that never was can still be a likely one, or not.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from anomembed.represent.arrays import Matrix
from anomembed.represent.batch import Batch
from anomembed.represent.embeddings import Embeddings
from anomembed.views.base import Vectors


@dataclass(frozen=True)
class LinkView:
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


def fit_link_view(embeddings: Embeddings, entities: list[int], n_columns: int) -> list[LinkView]:
    """Make the view of embeddings that a graph was made into.

    Parameters
    ----------
    embeddings : Embeddings
        Of all tokens.
    entities : list of int
        Token columns that name who acts.
    n_columns : int
        Token columns in all.

    Returns
    -------
    list of LinkView
        None for other embeddings, and where there is no entity or nothing beside it.
    """
    if embeddings.method != "graph" or not entities or n_columns == len(entities):
        return []
    return [LinkView(embeddings.vectors, embeddings.contexts, np.array(entities, np.int64))]
