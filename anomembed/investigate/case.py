"""What is known of one judged record or sequence, as data: the same for people, JSON and pages."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from math import isclose
from typing import Self

from anomembed.explain.company import Expected, Pair
from anomembed.explain.counterfactual import Change

SAME = 1e-6  # relative difference of two raw scores that are the same
Values = Mapping[str, str | None]


@dataclass(frozen=True)
class ViewTail:
    """How abnormal the record is in one view.

    Parameters
    ----------
    view : str
        Name of the view.
    tail_probability : float
        Share of normal records at least as abnormal in this view.
    contribution : float
        Its part of the raw score, in nats.
    """

    view: str
    tail_probability: float
    contribution: float


@dataclass(frozen=True)
class Part:
    """What a column adds to the raw score, and what was expected in it.

    Parameters
    ----------
    column : str
        The column.
    value : str or None
        Its value in the record.
    contribution : float
        In nats; high = abnormal.
    counted_as : str or None
        The range that the value was counted in, or what it was counted with; None when it is counted as itself.
    probability : float or None
        How likely the value, or its bin, is by the others of the record; None where that is not known.
    expected : tuple of Expected
        Likelier values.
    """

    column: str
    value: str | None
    contribution: float
    counted_as: str | None
    probability: float | None
    expected: tuple[Expected, ...]


@dataclass(frozen=True)
class Similar:
    """A normal record that is like it.

    Parameters
    ----------
    key : str
        Its key.
    values : mapping
        Its values by column.
    differs : tuple of str
        Columns in which it differs.
    tail_probability : float or None
        Its own; None where the run did not score it.
    """

    key: str
    values: Values
    differs: tuple[str, ...]
    tail_probability: float | None


@dataclass(frozen=True)
class Earlier:
    """An earlier flag that is like it: `alike` is the part of the score that comes from the same columns."""

    key: str
    run_id: int
    alike: float
    tail_probability: float
    reason: str


@dataclass(frozen=True)
class Habit:
    """What an entity usually has in a column: values with how often, or the range of a number."""

    column: str
    value: str | None
    usual: tuple[tuple[str | None, int], ...] = ()
    times: int = 0
    lowest: float | None = None
    median: float | None = None
    highest: float | None = None


@dataclass(frozen=True)
class Event:
    """A record of the same entity, or an event of a sequence.

    Parameters
    ----------
    key : str
        Key of the record; of an event, its number.
    time : str or None
        When it was; of an event, how long after the one before.
    values : mapping
        Its values by column.
    tail_probability : float or None
        As the run scored it.
    flagged, is_own : bool
        Whether it was flagged, and whether it is the record itself.
    """

    key: str
    time: str | None
    values: Values
    tail_probability: float | None
    flagged: bool
    is_own: bool


@dataclass(frozen=True)
class Case:
    """A judged record or sequence; see the classes above for its parts.

    Parameters
    ----------
    key, run_id, model_id, source, database, scored_at, rule
        What judged it.
    flagged, rank, raw_score, tail_probability, extrapolated, view, reason
        How.
    unit : str
        What is judged: ``records`` or ``sequences``.
    other_runs : tuple of int
        Other runs that judged it.
    notes : tuple of str
        What the reader should know, such as that the source is gone.
    record : mapping
        Its values by column, as the source has them; what the flag carries, where the source is gone.
    views, parts, pairs, change, normal, earlier
        Why it is abnormal, and what would be normal.
    entity : str or None
        Who acts, as ``column=value``.
    n_of_entity : int
        Other records of the entity.
    habits, events
        What the entity usually does, and did around that time; of a sequence, its events.
    """

    key: str
    run_id: int
    model_id: int
    source: str
    database: str | None
    scored_at: str
    rule: str
    flagged: bool
    rank: int | None
    raw_score: float
    tail_probability: float
    extrapolated: bool
    view: str
    reason: str | None
    unit: str = "records"
    other_runs: tuple[int, ...] = ()
    notes: Sequence[str] = ()
    record: Values = field(default_factory=dict)
    views: tuple[ViewTail, ...] = ()
    parts: tuple[Part, ...] = ()
    pairs: tuple[Pair, ...] = ()
    change: Change | None = None
    normal: tuple[Similar, ...] = ()
    earlier: tuple[Earlier, ...] = ()
    entity: str | None = None
    n_of_entity: int = 0
    habits: tuple[Habit, ...] = ()
    events: tuple[Event, ...] = ()

    def noted(self, *notes: str) -> Self:
        """Return it with more notes."""
        return replace(self, notes=(*self.notes, *notes))

    def is_scored(self, raw: float) -> bool:
        """Tell whether a raw score is the run's."""
        return isclose(raw, self.raw_score, rel_tol=SAME, abs_tol=SAME)

    def checked(self, raw: float) -> Self:
        """Return it with a note if its raw score, as the source is now, is another one than the run's."""
        if self.is_scored(raw):
            return self
        what = "the record, or what was before it," if self.unit == "records" else "the sequence"
        return self.noted(
            f"{what} has changed since run {self.run_id}: its raw score was "
            f"{self.raw_score:.6g} then, and is {raw:.6g} now"
        )
