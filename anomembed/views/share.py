"""How rare is each value, where rarity itself is usual? One feature per column, judged by the detector.

In a clean reference rare values are normal as well, and in a column with many values seen once (addresses, ids) a rare
one says little. So the surprises of a record, -log of the share of each value, are not added up as in `rarity`: they
are a vector, and what counts is how far it is from those of other records.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

from anomembed.views.rarity import RarityView, adds_up, without_attributes
from anomembed.views.view import Basis


@dataclass(frozen=True)
class ShareView(RarityView):
    """Records as the surprise of their value in every column, in nats; what is unusual is decided by the detector."""

    summary = "values as rare as others seldom are (clean reference, or columns with many values seen once)"
    is_summed = False

    @classmethod
    def fit(cls, basis: Basis) -> Sequence[Self]:
        """Return the view where rarities do not add up."""
        return [] if adds_up(basis) else [cls(without_attributes(basis.vocabulary.surprise(), basis))]
