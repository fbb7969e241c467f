"""Judge a sequence by the time between its events: one that comes much sooner or later than its kind usually does.

The time before an event is held against the times before other events of its kind, and of all kinds, as the numbers of
a record are against those of its entity.
"""

from dataclasses import dataclass, replace

import numpy as np

from anomembed.represent.arrays import Floats
from anomembed.represent.batch import Batch
from anomembed.represent.sequences import Sequences
from anomembed.views.base import Vectors
from anomembed.views.entity import EntityView, Profiles, fit_entity_view


@dataclass(frozen=True)
class GapView:
    """Sequences as their least likely time between two events, in nats; high = abnormal.

    Parameters
    ----------
    times : EntityView
        How long before each kind of event the one before it usually is, as log(1 + milliseconds).
    """

    times: EntityView
    name: str = "pace"

    @property
    def is_own(self) -> bool:
        """Whether the sequences to be judged are those that it was learnt from."""
        return self.times.is_own

    def vectors(self, batch: Sequences) -> Vectors:
        """Return the largest -log chance, shape (n_sequences, 1); 0 for a sequence of one event."""
        return np.maximum.reduceat(self.nats(batch), batch.starts[:-1])[:, None].astype(np.float32)

    def nats(self, batch: Sequences) -> Floats:
        """Return -log of the chance of a time so long or short before every event, shape (n_events,)."""
        return self.times.nats(_as_records(batch))[:, 0]

    def usual(self, batch: Sequences, event: int) -> float:
        """Return the usual seconds before an event like the one at this place among the batch's."""
        centre = self.times.usual(self.times.profiles[0], _as_records(batch)[event : event + 1])[0][1]
        return float(np.expm1(centre[0, 0]) / 1000)

    def for_others(self) -> "GapView":
        """Return the view that judges other sequences than those it was learnt from."""
        return replace(self, times=replace(self.times, is_own=False))


def fit_gap_view(sequences: Sequences, n_tokens: int) -> GapView:
    """Learn the usual times before events.

    Parameters
    ----------
    sequences : Sequences
        The reference, with times.
    n_tokens : int
        Size of the vocabulary.

    Returns
    -------
    GapView
        For the sequences that it was learnt from.
    """
    records = _as_records(sequences)
    known = ~np.isnan(records.numbers[:, 0])
    token, gap = records.tokens[known, 0], records.numbers[known, 0]
    times = np.bincount(token, minlength=n_tokens).astype(np.float64)
    mean = np.bincount(token, gap, minlength=n_tokens) / np.maximum(times, 1)
    squares = np.bincount(token, (gap - mean[token]) ** 2, minlength=n_tokens).astype(np.float64)
    profiles = Profiles(0, 0, times[:, None], mean[:, None], squares[:, None])
    return GapView(fit_entity_view([profiles], "numbers", np.zeros(1, np.int64), records, "pace"))


def _as_records(sequences: Sequences) -> Batch:
    """Take events for records: the kind of event for the entity, the time before it for the number."""
    gaps = np.full(len(sequences.events), np.nan) if sequences.gaps is None else sequences.gaps
    return Batch(sequences.events[:, None], np.log1p(1000 * np.maximum(gaps, 0.0))[:, None])
