"""The section of the settings for ``anomembed monitor``: which records are new, and when a run judges them."""

from typing import Annotated, Literal, Self

from pydantic import AfterValidator, Field, model_validator

from anomembed.config.durations import (
    MICROSECONDS,
    check_half_life,
    check_hours,
    check_length,
    check_length_of_key,
    check_some_length,
    microseconds,
)
from anomembed.config.expectations import check_expectation
from anomembed.config.section import MOST, Condition, Section, Share

Length = Annotated[str, AfterValidator(check_some_length)]
AnyLength = Annotated[str, AfterValidator(check_length)]
HalfLife = Annotated[str, AfterValidator(check_half_life)]
QuietHours = Annotated[str, AfterValidator(check_hours)]
LengthOfKey = Annotated[str, AfterValidator(check_length_of_key)]
Expected = Annotated[str, AfterValidator(check_expectation)]


class ChannelConfig(Section):
    """Where alerts are told: one table ``[[monitor.channels]]`` each."""

    kind: Literal["webhook", "command", "file", "stdout", "apprise"]
    """``webhook`` posts JSON to a URL, ``command`` gets it on standard input, ``file`` gets a line of it, ``stdout`` is
    for people; ``apprise`` is for mail and chats, by the extra ``alerts``."""
    name: str | None = Field(default=None, min_length=1)
    """Name of the channel in the store; by default its kind."""
    to: str | None = None
    """URL, command line or file; ``${NAME}`` is taken from the environment, where secrets belong."""
    level: Literal["warn", "alert"] = "warn"
    """Lowest level that is told."""
    timeout: Length = "10s"
    """How long a channel may take for one alert."""

    @property
    def title(self) -> str:
        """Its name."""
        return self.name or self.kind

    @property
    def seconds(self) -> float:
        """How many seconds it may take."""
        return microseconds(self.timeout) / MICROSECONDS

    @model_validator(mode="after")
    def _has_address(self) -> Self:
        if (self.to is None) is (self.kind != "stdout"):
            raise ValueError("stdout has no `to`; every other channel needs one: a URL, a command line or a file")
        return self


class MonitorConfig(Section):
    """What ``anomembed monitor`` does in every run."""

    name: str | None = Field(default=None, min_length=1)
    """Name under which the store keeps what was judged; by default that of the configuration file."""
    watermark: str | None = None
    """Column that says how far the source has been judged: a time, or a whole number that grows; by default the first
    timestamp, for lines without one their number."""
    window: LengthOfKey = Field(default="5min", coerce_numbers_to_str=True)
    """Length of the windows in which records are judged, whole ones only, from the start up to, not including, the end;
    of a number that grows, all that is there is judged."""
    delay: LengthOfKey = Field(default="5min", coerce_numbers_to_str=True)
    """How long a window stays open after its end, because sources write late; of a number that grows 0, or a number."""
    lookback: LengthOfKey = Field(default="1d", coerce_numbers_to_str=True)
    """How far behind what was judged late records are still looked for; of a number that grows 10000, or a number."""
    fit_where: Condition | None = None
    """SQL condition that selects the reference of the first run, which learns a model when there is none; by default
    that of ``source``."""
    expect: tuple[Expected, ...] = ()
    """Values whose records have a rhythm of their own, which is learnt: ``"job=backup"``, or ``"every host"`` for all
    values of a column; one that is overdue is told, once, and once when it is back."""
    refit: Literal["never", "weekly", "stale"] = "never"
    """When a model of records is learnt anew, from the reference and all that was judged and not flagged: never, after
    seven days, or when all runs of a day are far from the reference; it is tried beside the one before, and told."""
    half_life: HalfLife = "90d"
    """How what a new model learns from forgets with time: of records of this age half are kept, of those twice as old a
    quarter, but of all at least 20,000, and as many as the threshold needs; ``never`` keeps them all."""
    complete_after: Length = "30min"
    """Sequences named by a key, or of a number of events: how long after its last event a sequence is complete."""
    end_event: str | None = None
    """Event that ends a sequence that a key names; it is complete then, whatever comes after."""
    batch: int = Field(default=100_000, ge=1, le=MOST)
    """Records that are judged and kept in one transaction, at most; a window is never cut."""
    alert_at: Share = 1e-6
    """Tail probability of a finding up to which its level is ``alert``; above it is ``warn``."""
    close_after: Length = "1d"
    """How long a finding is without a new flag until it is closed."""
    repeat_interval: Length = "4h"
    """A finding that grows is told again after this, then after twice as long, up to a day."""
    collect: AnyLength = "0s"
    """How long alerts wait for others: a channel is told all in one message once the first has waited so long."""
    quiet_hours: QuietHours | None = None
    """Hours in which only findings of the level ``alert`` are told, such as ``22:00-07:00``, in the zone of the source;
    the others are told afterwards."""
    metrics: str | None = None
    """File in the OpenMetrics format that every run writes, for the textfile collector of Prometheus' node exporter; in
    a configuration file, a relative path starts at its folder."""
    most_alerts: int = Field(default=20, ge=1, le=MOST)
    """Alerts that a channel is told one by one in a run; the rest is told in one message."""
    channels: tuple[ChannelConfig, ...] = ()
    """Where alerts are told."""

    @model_validator(mode="after")
    def _names_differ(self) -> Self:
        names = [channel.title for channel in self.channels]
        if len(set(names)) < len(names):
            raise ValueError(f"two channels are called {max(names, key=names.count)}: give each a name")
        return self
