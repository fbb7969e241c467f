"""How a monitor reads its source: the key, the watermark, and what is judged."""

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Self

from anomembed.config.durations import microseconds
from anomembed.errors import ConfigError
from anomembed.monitor.watermark import Spans, Watermark, find_watermark
from anomembed.read.table import Table
from anomembed.read.units import Units

if TYPE_CHECKING:
    from anomembed.config import Config
    from anomembed.read.roles.assigned import Roles


@dataclass(frozen=True)
class Plan:
    """How positions and keys are read; it is kept, so that later runs need no model to see whether anything is new.

    Parameters
    ----------
    watermark : Watermark
        The column of the positions.
    key : tuple of str
        Columns that name a record, or the column that names a sequence.
    """

    watermark: Watermark
    key: tuple[str, ...]

    @classmethod
    def of(cls, table: Table, roles: "Roles", config: "Config") -> Self:
        """Plan how to read a table.

        Parameters
        ----------
        table : Table
            The open table.
        roles : Roles
            Of the model.
        config : Config
            Settings.

        Raises
        ------
        ConfigError
            When records have no key that stays with them, or no watermark.
        """
        if not roles.key:
            raise ConfigError(
                f"{table.name} has no key: name the columns that name a record by roles.key, as row numbers may change"
            )
        watermark = find_watermark(table, roles, config.monitor)
        if roles.is_sequential and not watermark.is_time:
            raise ConfigError("sequences are complete some time after their last event: choose a time as watermark")
        return cls(watermark, tuple(column.name for column in roles.key))

    @classmethod
    def from_json(cls, known: dict[str, Any]) -> Self:
        """Return the plan that was kept."""
        return cls(Watermark.from_json(known["watermark"]), tuple(known["key"]))

    def to_json(self) -> dict[str, Any]:
        """Return what is kept."""
        return {"watermark": asdict(self.watermark), "key": list(self.key)}

    def units(self, table: Table, config: "Config") -> Units:
        """Return what is judged in an open table.

        Raises
        ------
        SourceError
            When a column is gone, or has become another kind of thing.
        """
        if not config.sequence.is_whole:
            key = [table.column(name) for name in self.key]
            return Units.of_records(table, key, self.position(table))
        from anomembed.fit.forming import ensure_sequences
        from anomembed.read.sequences import FORMED

        ensure_sequences(table, config)
        settings = config.sequence
        return Units.of_sequences(
            table,
            [table.column(settings.key or FORMED)],
            self.position(table),
            [table.column(name) for name in settings.event],
            after=microseconds(settings.window or settings.session_gap or config.monitor.complete_after),
            length=settings.length,
            end_event=config.monitor.end_event if settings.key else None,
        )

    def position(self, table: Table) -> str:
        """Return SQL of the position of a record or an event."""
        return self.watermark.sql(table, table.time_zone)

    def spans(self, config: "Config") -> Spans:
        """Return the lengths of a window, of its delay and of the lookback."""
        return Spans.of(config.monitor, self.watermark)
