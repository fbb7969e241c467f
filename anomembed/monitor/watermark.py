"""The watermark: the column whose values say how far a source has been judged, as positions."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple, Self

from anomembed.config.durations import microseconds
from anomembed.errors import ConfigError, SourceError
from anomembed.monitor.clock import UTC_NAMES
from anomembed.read.column_types import INTEGERS, MOMENTS
from anomembed.read.columns import Column
from anomembed.read.quoting import quote_text
from anomembed.read.table import Table
from anomembed.read.written.style import EXCEL, PLAIN, Written
from anomembed.read.written.times import has_zone

if TYPE_CHECKING:
    from anomembed.config import MonitorConfig
    from anomembed.read.roles.assigned import Roles

DAY = 86_400_000_000  # microseconds
OF_NUMBERS = {"window": 1_000, "delay": 0, "lookback": 10_000}  # the defaults where the watermark is a number
EARLIEST, LATEST = -(2**62), 2**62  # before and after any position


@dataclass(frozen=True)
class Watermark:
    """The column that positions are read from.

    Parameters
    ----------
    column : str
        Its name.
    is_time : bool
        Whether it holds times; otherwise whole numbers that grow.
    is_day : bool
        Whether it holds days without a time of day.
    formats : tuple of str
        Formats of times that are text.
    epoch : str
        Unit of a number that counts from 1970.
    missing : tuple of str
        Dates that stand for a missing one.
    """

    column: str
    is_time: bool
    is_day: bool = False
    formats: tuple[str, ...] = ()
    epoch: str = ""
    missing: tuple[str, ...] = ()

    @classmethod
    def from_json(cls, known: dict[str, Any]) -> Self:
        """Return the watermark that was kept as JSON, in which tuples are lists."""
        values: dict[str, Any] = {n: tuple(value) if isinstance(value, list) else value for n, value in known.items()}
        return cls(**values)

    def sql(self, table: Table, zone: str) -> str:
        """Return SQL of a record's position; null where it has none.

        Parameters
        ----------
        table : Table
            The open table.
        zone : str
            Zone of times without one.

        Raises
        ------
        SourceError
            When the column is gone, or has become another kind of thing.
        """
        column = table.column(self.column)
        self._check(table, column)
        if not self.is_time:
            return f"TRY_CAST({column.expression} AS BIGINT)"
        moment = Written(self.formats, self.epoch, missing=self.missing).moment_sql(column)
        # The moments that a written time or a type with a zone gives are in UTC already.
        is_utc = zone in UTC_NAMES or self._is_utc(column)  # DuckDB takes ten times as long where it asks for a zone
        return f"epoch_us({moment if is_utc else f'({moment} AT TIME ZONE {quote_text(zone)})'})"

    def _check(self, table: Table, column: Column) -> None:
        is_moment = MOMENTS.match(column.type) is not None
        is_written = column.type == "VARCHAR" or bool(self.epoch)
        known = is_moment or is_written if self.is_time else INTEGERS.match(column.type)
        if not known:
            kind = "times" if self.is_time else "whole numbers"
            raise SourceError(f"column {self.column} of {table.name} is {column.type}, but its watermark was of {kind}")

    def _is_utc(self, column: Column) -> bool:
        if MOMENTS.match(column.type):
            return "WITH TIME ZONE" in column.type
        if self.epoch:
            return self.epoch != EXCEL
        return bool(self.formats) and all(map(has_zone, self.formats))


class Spans(NamedTuple):
    """Lengths in positions; see the settings of the same names."""

    window: int
    delay: int
    lookback: int

    @classmethod
    def of(cls, settings: "MonitorConfig", watermark: Watermark) -> Self:
        """Return the lengths that are set, or the defaults for the kind of watermark.

        Raises
        ------
        ConfigError
            When a length is of the other kind.
        """
        window, delay, lookback = (_length(settings, name, watermark) for name in OF_NUMBERS)
        if not window:
            raise ConfigError("monitor.window must be longer than 0")
        return cls(max(window, DAY) if watermark.is_day else window, delay, lookback)


def _length(settings: "MonitorConfig", name: str, watermark: Watermark) -> int:
    given = str(getattr(settings, name)).strip()
    if given.isdigit() is watermark.is_time:
        if name not in settings.model_fields_set:
            return OF_NUMBERS[name]
        kind, wanted = ("times", "like 90s, 5min or 1d") if watermark.is_time else ("numbers", "as a number")
        raise ConfigError(
            f"monitor.{name} = {given!r}: the watermark {watermark.column} holds {kind}; write it {wanted}"
        )
    return microseconds(given) if watermark.is_time else int(given)


def find_watermark(table: Table, roles: "Roles", settings: "MonitorConfig") -> Watermark:
    """Choose the watermark: the column that the settings name, else the first time, else the number of a line.

    Parameters
    ----------
    table : Table
        The open table.
    roles : Roles
        Of the model.
    settings : MonitorConfig
        The section.

    Raises
    ------
    ConfigError
        When there is none, or the column cannot be one.
    """
    from anomembed.read.roles.role import Content, Role

    times = {c.name: c for c in roles.columns if c.role.content is Content.MOMENT or c.role is Role.ORDER}
    if settings.watermark is not None:
        column = table.column(settings.watermark)
        known = times.get(column.name)
        return _of(table, column, known.written if known else None)
    for name, known in times.items():
        column = table.column(name)
        if known.written or MOMENTS.match(column.type):
            return _of(table, column, known.written)
    if table.message is not None and len(roles.key) == 1:
        return _of(table, table.column(roles.key[0].name), None)
    raise ConfigError(
        f"{table.name} has no time, by which new records could be told from others: name a column of times, or a whole "
        "number that grows, as watermark in [monitor]"
    )


def _of(table: Table, column: Column, written: Written | None) -> Watermark:
    if not written and INTEGERS.match(column.type):
        return Watermark(column.name, is_time=False)
    from anomembed.read.written.recognising import find_moment

    written = written or (PLAIN if MOMENTS.match(column.type) else find_moment(table, column.name, is_told=True))
    if written is None or not (MOMENTS.match(column.type) or written.is_read):
        raise ConfigError(
            f"{column.name} of {table.name} holds neither times nor whole numbers: choose another watermark"
        )
    is_day = column.type == "DATE"
    return Watermark(
        column.name, is_time=True, is_day=is_day, formats=written.formats, epoch=written.epoch, missing=written.missing
    )
