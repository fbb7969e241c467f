"""Judge whether an entity can have come from where it was before: nobody is faster than an airliner.

Coordinates that are guessed, from addresses say, jump by some hundred kilometres within seconds, so a trip counts as
one of a quarter of an hour at least. Where such speeds are not rare the coordinates say something else, and the view
does not apply. An impossible trip has nothing else that is unusual, so its evidence grows steeply with its rarity.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

from anomembed.represent.arrays import Floats
from anomembed.represent.batch import Batch
from anomembed.views.cases import Case
from anomembed.views.facts import Facts
from anomembed.views.reason import Reason, duration
from anomembed.views.view import Basis, Counting, Looks, Vectors, ViewOfRecords

FASTEST = 1000.0  # km/h
LEAST_SECONDS = 900.0  # that a trip counts as
USUAL = 4.0  # rarity of impossible trips, in nats, below which they are usual
STEEP = 4.0  # nats that count for each of the rarity beyond that


@dataclass(frozen=True)
class TravelView(ViewOfRecords):
    """Records by how unusual it is that their entity cannot have come from its place before; high = abnormal.

    Parameters
    ----------
    columns : ndarray of shape (2,)
        Token columns of the entity, and of the latitude.
    share : float
        Share of the reference whose speeds are impossible.
    """

    columns: NDArray[np.int64]
    share: float
    name: str = "travel"
    summary = "somebody who cannot have come so far since the record before (`--entity`, `--time`, coordinates)"
    words = {
        "too far": "{entity} is {distance:,.0f} km from where it was {ago} before, faster than an airliner"
        " (an estimated {share:.2g}% of the records are such)"
    }
    looks_at = Looks.TOKENS | Looks.PAST
    is_summed = True

    @classmethod
    def fit(cls, basis: Basis) -> Sequence[Self]:
        """Return the view of a table with an entity, a time and coordinates, in which nearly all trips are possible."""
        past, entity, travel, names = (
            basis.entities.past,
            basis.entities.followed,
            basis.records.travel,
            basis.vocabulary.names,
        )
        if past is None or entity is None or travel is None or past.history.place[0] not in names:
            return []
        columns = np.array([entity, names.index(past.history.place[0])], np.int64)
        share = (float((speeds(travel) > FASTEST).sum()) + 0.5) / (len(travel) + 1)
        return [cls(columns, share)] if -np.log(share) > USUAL else []

    def counting(self, *, clean: bool) -> Counting:  # noqa: ARG002
        """Count all nats beyond e^-4: they are those of how rare impossible trips are."""
        return Counting("evidence", 1.0)

    def vectors(self, batch: Batch) -> Vectors:
        """Return the evidence for an impossible trip, in nats, shape (n_records, 1); 0 = possible."""
        assert batch.travel is not None  # noqa: S101  # the model that has this view reads it
        speed = speeds(batch.travel)
        found = USUAL + STEEP * (-np.log(self.share) - USUAL) + np.log(np.maximum(speed, FASTEST) / FASTEST)
        return np.where(speed > FASTEST, found, 0.0)[:, None].astype(np.float32)

    def culprit(self, batch: Batch) -> NDArray[np.intp]:
        """Return the column of the latitude, shape (n_records,)."""
        return np.full(len(batch), self.columns[1], np.intp)

    def reason(self, case: Case, shares: Floats, facts: Facts) -> Reason:
        """Say how far the entity is from where it was, and how long before."""
        assert case.record.travel is not None  # noqa: S101  # the model that has this view reads it
        distance, seconds = case.record.travel[0].tolist()
        if not speeds(case.record.travel)[0] > FASTEST:
            return super().reason(case, shares, facts)
        entity, latitude = (facts.value(case, int(column)) for column in self.columns)
        cited = {"entity": entity, "distance": distance, "ago": duration(seconds), "share": 100 * self.share}
        return Reason("too far", latitude, cited)


def speeds(travel: Floats) -> Floats:
    """Return speeds in km/h, shape (n_records,), given distances in km and seconds; 0 where nothing is known."""
    distance, seconds = np.nan_to_num(travel).T
    return np.asarray(distance / (np.maximum(seconds, LEAST_SECONDS) / 3600))
