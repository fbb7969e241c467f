"""The section of the settings for ``anomembed monitor``: which records are new, and when a run judges them."""

from typing import Annotated

from pydantic import AfterValidator, Field

from anomembed.config.durations import check_length_of_key, check_some_length
from anomembed.config.section import MOST, Condition, Section

Length = Annotated[str, AfterValidator(check_some_length)]
LengthOfKey = Annotated[str, AfterValidator(check_length_of_key)]


class MonitorConfig(Section):
    """What ``anomembed monitor`` does in every run."""

    name: str | None = Field(default=None, min_length=1)
    """Name under which the store keeps what was judged; by default that of the configuration file."""
    watermark: str | None = None
    """Column that says how far the source has been judged: a time, or a whole number that grows; by default the first
    timestamp, for lines without one their number."""
    window: LengthOfKey = Field(default="5min", coerce_numbers_to_str=True)
    """Length of the windows in which records are judged, whole ones only: from the start up to, not including, the end.
    Of a number that grows, all records that are there."""
    delay: LengthOfKey = Field(default="5min", coerce_numbers_to_str=True)
    """How long a window stays open after its end, because sources write late; of a number that grows 0, or a number."""
    lookback: LengthOfKey = Field(default="1d", coerce_numbers_to_str=True)
    """How far behind what was judged late records are still looked for; of a number that grows 10000, or a number."""
    fit_where: Condition | None = None
    """SQL condition that selects the reference of the first run, which learns a model when there is none; by default
    that of ``source``."""
    complete_after: Length = "30min"
    """Sequences named by a key, or of a number of events: how long after its last event a sequence is complete."""
    end_event: str | None = None
    """Event that ends a sequence that a key names; it is complete then, whatever comes after."""
    batch: int = Field(default=100_000, ge=1, le=MOST)
    """Records that are judged and kept in one transaction, at most; a window is never cut."""
