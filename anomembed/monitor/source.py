"""The source of a monitor: open only while it is read, so that its writer is not shut out."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from anomembed.opening import open_source
from anomembed.read.connecting import machine_zone
from anomembed.read.table import Table
from anomembed.write.reading import patiently

if TYPE_CHECKING:
    from anomembed.config import Config

PATIENCE = 20.0  # seconds that a writer may hold the source


@dataclass(frozen=True)
class Source:
    """What a configuration reads.

    Parameters
    ----------
    config : Config
        Its settings.
    patience : float, optional
        Seconds that a writer may hold it; `PATIENCE` by default.
    """

    config: "Config"
    patience: float | None = None
    _names: set[str] = field(
        default_factory=set, init=False, repr=False, compare=False
    )  # of the table: one, once opened

    @property
    def name(self) -> str:
        """What to call the table in messages; it is opened for that only if it never was."""
        if not self._names:
            with self.opened():
                pass
        return next(iter(self._names))

    @property
    def zone(self) -> str:
        """Zone of times without one."""
        return self.config.source.time_zone or machine_zone()

    @contextmanager
    def opened(self) -> Iterator[Table]:
        """Open the table for a moment; while another process writes, try again for some time.

        Raises
        ------
        LockedError
            When it is still locked then.
        """
        patience = PATIENCE if self.patience is None else self.patience
        table = patiently(lambda: open_source(self.config), patience)
        self._names.add(table.name)
        try:
            yield table
        finally:
            table.close()
