"""The tables and macros of a store, and how an older store gets them.

``migrations/`` has numbered SQL files; a store's version is the number of the last one applied to it. To change a
table, add a file with the next number that alters the table and comments on its new columns; leave older files alone.
``macros.sql`` runs after every upgrade.
"""

from importlib.resources import files
from pathlib import Path

import duckdb

from anomembed.errors import StoreError

HERE = files("anomembed.write")
USER_TABLES = "SELECT table_name FROM duckdb_tables() UNION SELECT view_name FROM duckdb_views() WHERE NOT internal"


def migrations() -> list[str]:
    """Return the SQL of all migrations in order; the first has number 1."""
    scripts = [script for script in HERE.joinpath("migrations").iterdir() if script.name.endswith(".sql")]
    return [script.read_text(encoding="utf-8") for script in sorted(scripts, key=lambda script: script.name)]


def read_version(connection: duckdb.DuckDBPyConnection, path: Path) -> int:
    """Return the version of the store that a connection has open; 0 when there is nothing in it yet.

    Parameters
    ----------
    connection : duckdb.DuckDBPyConnection
        To the file.
    path : Path
        The file, for messages.

    Raises
    ------
    StoreError
        When the file holds something else, or its version cannot be read.
    """
    try:
        rows = connection.execute("FROM main.store_version").fetchall()
    except duckdb.CatalogException:  # only now are tables listed: to do so takes as long as to connect
        if connection.execute(USER_TABLES).fetchall():
            raise StoreError(f"{path} is a database of something else; choose another file for the store") from None
        return 0
    match rows:
        case [(int(version),)] if version > 0:
            return version
    raise StoreError(
        f"{path} is damaged: its table store_version does not hold one version number; "
        "restore it from a backup, or choose another file for the store"
    )


def upgrade(connection: duckdb.DuckDBPyConnection, version: int) -> None:
    """Apply the migrations that a store lacks; call it within a transaction.

    Parameters
    ----------
    connection : duckdb.DuckDBPyConnection
        To the store.
    version : int
        Its version.
    """
    scripts = migrations()
    for script in scripts[version:]:
        connection.execute(script)
    connection.execute(HERE.joinpath("macros.sql").read_text(encoding="utf-8"))
    connection.execute("DELETE FROM store_version")
    connection.execute("INSERT INTO store_version VALUES (?)", [len(scripts)])
