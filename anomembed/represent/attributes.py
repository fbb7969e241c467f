"""Columns that say who acts, not what is done: the entity itself, and what it always has, such as its city or its age.

That a customer is new, or the only one of a town, is no fault of a payment. What is unusual *for* the customer is found
by the views of entities. Nor is the part of the month: its parts have as many days as the calendar gives them, and
count only in company, as when what is always booked on the last day is booked on the 14th.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from anomembed.represent.counts import Counts
from anomembed.represent.tokens.vocabulary import FIRST_VALUE, Vocabulary

DETERMINED = 0.99  # least share of an entity's other records that have its usual value
UNTOLD = 0.5  # largest share of the exceptions from a column's commonest value that its entity does not tell
LEAST_RECORDS = 5  # of an entity, on average, to tell what it always has


def find_attributes(vocabulary: Vocabulary, counts: Counts, entities: Sequence[int]) -> tuple[int, ...]:
    """Find the columns that an entity determines.

    Parameters
    ----------
    vocabulary : Vocabulary
        The tokens.
    counts : Counts
        Their pair counts.
    entities : sequence of int
        Token columns that name an entity.

    Returns
    -------
    tuple of int
        These, all columns that one of them determines, and parts of the month; empty when no other column would be
        left.
    """
    n_columns = len(vocabulary.columns)
    found = [
        at
        for at, column in enumerate(vocabulary.columns)
        if at in entities
        or column.kind.traits.is_calendar
        or any(_determines(entity, at, vocabulary, counts) for entity in entities)
    ]
    return tuple(found) if len(found) < n_columns else ()


def attribute_tokens(vocabulary: Vocabulary, attributes: Sequence[int]) -> NDArray[np.bool_]:
    """Tell which tokens say nothing of a single record, shape (n_tokens,).

    All of these columns that the reference has: a new entity is news.
    """
    is_attribute = np.isin(np.arange(len(vocabulary.columns)), attributes)
    return np.repeat(is_attribute, np.diff(vocabulary.offsets)) & (vocabulary.counts() > 0)


def _determines(entity: int, column: int, vocabulary: Vocabulary, counts: Counts) -> bool:
    """Tell whether nearly all records of an entity have the same value, over all entities with several records.

    A value that nearly all records have, whoever acts, is no attribute: the entity must tell the exceptions, by half of
    them at least, in the manner of lambda [1]_.

    .. [1] Goodman, Kruskal: Measures of association for cross classifications. JASA, 1954.
    """
    offsets = vocabulary.offsets
    first, last = offsets[entity] + FIRST_VALUE, offsets[entity + 1]
    records = counts.single[first:last]
    if (
        not counts.compared[entity, column]
        or not records.any()
        or records.sum() < LEAST_RECORDS * np.count_nonzero(records)
    ):
        return False
    met = sparse.csc_array(counts.together[first:last])[:, offsets[column] : offsets[column + 1]]
    usual = met.max(axis=1).toarray().ravel()
    n_others, n_usual = np.maximum(records - 1, 0).sum(), np.maximum(usual - 1, 0).sum()
    n_exceptions = met.sum() - met.sum(axis=0).max()
    return bool(n_usual >= DETERMINED * n_others and n_others - n_usual <= UNTOLD * n_exceptions)
