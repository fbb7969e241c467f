"""The rarity of a message: of its template, and of each of its parameters among those of their kind.

In a mixed reference, `rarity` judges a rare value by the values that it occurs with. A template without parameters
occurs with none, so a message seen once in a million would not count; here it does.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

from anomembed.represent.batch import Batch
from anomembed.represent.tokens.vocabulary import Special, Vocabulary
from anomembed.views.view import Basis, Vectors, ViewOfRecords


@dataclass(frozen=True)
class MessageView(ViewOfRecords):
    """Records as the surprise of their templates and parameters.

    Parameters
    ----------
    columns : ndarray of shape (n_judged,)
        Token columns of templates and parameters.
    surprise : ndarray of shape (n_tokens,)
        Surprise of every token of these columns, in nats; high = rare; 0 for a parameter that is missing.
    """

    columns: NDArray[np.int64]
    surprise: NDArray[np.float32]
    name: str = "message"
    summary = "messages whose template, or a parameter in it, is rare"

    @classmethod
    def fit(cls, basis: Basis) -> Sequence[Self]:
        """Return the view of a mixed reference with messages; in a clean one the rarity of every value is its own."""
        columns = [at for at, column in enumerate(basis.vocabulary.columns) if column.is_of_message]
        if basis.clean or not columns:
            return []
        return [cls(np.array(columns, np.int64), fit_message_surprise(basis.vocabulary))]

    def vectors(self, batch: Batch) -> Vectors:
        """Return the surprises, shape (n_records, n_judged)."""
        return self.surprise[batch.tokens[:, self.columns]]


def fit_message_surprise(vocabulary: Vocabulary) -> NDArray[np.float32]:
    """Learn how rare templates and parameters are.

    Parameters
    ----------
    vocabulary : Vocabulary
        The tokens.

    Returns
    -------
    ndarray of shape (n_tokens,)
        See `MessageView`; 0 for the tokens of other columns.
    """
    surprise = np.zeros(vocabulary.size, np.float32)
    for column, low in zip(vocabulary.columns, vocabulary.offsets, strict=False):
        if not column.is_of_message:
            continue
        is_parameter = column.is_parameter
        counts = column.counts.copy()
        if is_parameter:
            counts[Special.MISSING] = 0
        of_column = surprise[low : low + len(counts)]
        of_column[:] = -np.log((counts + 0.5) / (counts.sum() + 1.0))
        if is_parameter:
            of_column[Special.MISSING] = 0.0
    return surprise
