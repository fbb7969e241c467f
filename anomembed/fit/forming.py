"""Form the sequences of a table as the settings say; light to import, for what only has to find them."""

from typing import TYPE_CHECKING

from anomembed.errors import ConfigError
from anomembed.read.sequences import FORMED, form_sequences
from anomembed.read.table import Table

if TYPE_CHECKING:
    from anomembed.config import Config


def ensure_sequences(table: Table, config: "Config") -> str:
    """Return the column that identifies the sequence; add it to the table when the configuration names none.

    Raises
    ------
    ConfigError
        When sequences must be formed, but no time is named.
    """
    settings, time = config.sequence, config.roles.timestamp
    if settings.key is not None:
        return settings.key
    if not time:
        raise ConfigError("sequences by gap, window or length need a time: use --time, or roles.timestamp")
    if table.is_derived(FORMED):
        return FORMED
    return form_sequences(
        table,
        config.roles.entity,
        time[0],
        settings.event,
        session_gap=settings.session_gap,
        window=settings.window,
        length=settings.length,
        step=settings.step,
        time_format=config.source.time_format,
    )
