"""Write frames as the tables of a new DuckDB file."""

from pathlib import Path
from typing import TYPE_CHECKING

import duckdb

from anomembed.read.quoting import quote_identifier
from anomembed.write.database import SETTINGS, registered

if TYPE_CHECKING:
    from collections.abc import Mapping

    import polars as pl


def write_tables(path: Path, frames: "Mapping[str, pl.DataFrame]") -> None:
    """Write frames as the tables of a new DuckDB file.

    Parameters
    ----------
    path : Path
        The file; it must not exist.
    frames : mapping of str to pl.DataFrame
        Tables by name.
    """
    with duckdb.connect(str(path), config=SETTINGS) as connection:
        for name, frame in frames.items():
            with registered(connection, "new_table", frame):
                connection.execute(f"CREATE TABLE {quote_identifier(name)} AS FROM new_table")
