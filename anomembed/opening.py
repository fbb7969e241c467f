"""Open the source that a configuration names; it is never the store."""

from typing import TYPE_CHECKING

from anomembed.errors import ConfigError
from anomembed.read.connecting import MACHINE
from anomembed.read.table import Table
from anomembed.write.files import is_same_file

if TYPE_CHECKING:
    from anomembed.config import Config


def open_source(config: "Config") -> Table:
    """Open the table that a configuration names, in its time zone.

    Raises
    ------
    ConfigError
        When it names none, or the store.
    SourceError, LockedError
        See `Table`.
    """
    source = config.source
    if source.database is None:
        raise ConfigError("the configuration names no database: set source.database")
    if is_same_file(source.database, config.store.path):
        raise ConfigError(f"{source.database} is the source, which is never written: choose another file for --store")
    return Table(source.database, source.table, source.line_format, source.read, source.time_zone or MACHINE)
