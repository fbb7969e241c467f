"""The rarity of a message: of its template, and of each of its parameters among those of their kind.

A mixed reference judges rare values by the company that they keep, which a template without parameters has none of: a
message that occurs once in a million would go unseen. What a program hardly ever says stands out by that alone.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from anomembed.represent.batch import Batch
from anomembed.represent.tokens.vocabulary import Kind, Special, Vocabulary
from anomembed.views.base import Vectors


@dataclass(frozen=True)
class MessageView:
    """Records as the surprise of their templates and parameters.

    Parameters
    ----------
    columns : ndarray of shape (n_judged,)
        Token columns of templates and parameters.
    surprise : ndarray of shape (n_tokens,)
        Surprise of every token of these columns, in nats; high = rare; 0 for a parameter that is not there.
    """

    columns: NDArray[np.int64]
    surprise: NDArray[np.float32]
    name: str = "message"

    def vectors(self, batch: Batch) -> Vectors:
        """Return the surprises, shape (n_records, n_judged)."""
        return self.surprise[batch.tokens[:, self.columns]]


def fit_message_view(vocabulary: Vocabulary) -> MessageView:
    """Make the view of the messages of a vocabulary; it has no columns when there are none.

    Parameters
    ----------
    vocabulary : Vocabulary
        The tokens.
    """
    surprise = np.zeros(vocabulary.size, np.float32)
    judged = []
    for place, (column, low) in enumerate(zip(vocabulary.columns, vocabulary.offsets, strict=False)):
        if not column.is_of_message:
            continue
        is_parameter = column.kind is not Kind.TEMPLATE
        counts = column.counts.copy()
        if is_parameter:
            counts[Special.MISSING] = 0
        share = (counts + 0.5) / (counts.sum() + 1.0)
        of_column = surprise[low : low + len(counts)]
        of_column[:] = -np.log(share)
        if is_parameter:
            of_column[Special.MISSING] = 0.0
        judged.append(place)
    return MessageView(np.array(judged, np.int64), surprise)
