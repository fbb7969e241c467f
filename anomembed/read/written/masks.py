"""What the values of text columns look like: their masks, which have a 9 for every digit, counted on a sample."""

from collections import Counter
from collections.abc import Mapping, Sequence

from anomembed.read.columns import Column, Profile
from anomembed.read.table import Table
from anomembed.read.written.style import WORDS
from anomembed.read.written.times import mask_of, mask_sql

SAMPLED = 10_000  # about how many records
LONGEST = 80  # characters of a mask; what is longer is cut
MASKED_WORDS = frozenset(map(mask_of, WORDS))
AT_ONCE = 100  # columns in one pass
CHOOSING, LEAST_CHOICES = 2, 1_000  # columns by whose values records are chosen, and different values of the first


class Masks(Counter[str]):
    """How many values have each mask, without those that stand for a missing value."""

    words: Counter[str]
    """The values that stand for a missing one."""


def read_masks(table: Table, columns: Sequence[Column], profiles: Mapping[str, Profile]) -> Mapping[str, Masks]:
    """Count the masks of text columns, by name; which records are looked at does not depend on their order.

    Parameters
    ----------
    table : Table
        The open table.
    columns : sequence of Column
        Columns of text.
    profiles : mapping of str to Profile
        Of these, by name.
    """
    found: dict[str, Masks] = {}
    for start in range(0, len(columns), AT_ONCE):
        some = columns[start : start + AT_ONCE]
        few = _sampled(table, some, profiles)
        counted = table.aggregate([_masks_sql(column) for column in some], few)
        found |= {column.name: _split(masks or {}) for column, masks in zip(some, counted, strict=True)}
    return found


def _sampled(table: Table, columns: Sequence[Column], profiles: Mapping[str, Profile]) -> str | None:
    """Return an SQL condition for a sample; None for all records, also where few values leave nothing to choose by."""
    finest = sorted(columns, key=lambda column: -profiles[column.name].n_distinct)[:CHOOSING]
    first = profiles[finest[0].name]
    if first.n_records <= SAMPLED or first.n_distinct < LEAST_CHOICES:
        return None
    return table.hashed_share(finest, 0, SAMPLED / first.n_records)


def _masks_sql(column: Column) -> str:
    return f"histogram({mask_sql(f'left({column.expression}, {LONGEST})')})"


def _split(counts: Mapping[str, int]) -> Masks:
    masks = Masks()
    masks.words = Counter({text: count for text, count in counts.items() if text.strip().lower() in MASKED_WORDS})
    masks.update({text: count for text, count in counts.items() if text not in masks.words})
    return masks
