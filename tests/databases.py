"""DuckDB files as tests make and read them, by DuckDB alone.

All are attached in turn to one database of the process: to attach a file takes 2 ms, to connect to it 30.
"""

from contextlib import contextmanager
from pathlib import Path

import duckdb

SHARED = duckdb.connect()
ATTACHED = "SELECT database_name FROM duckdb_databases() WHERE NOT internal"


@contextmanager
def opened(path, *, read_only=False):
    """Yield a connection to a file, which is made when it does not exist, as `duckdb.connect` would."""
    before, name = _attached(), _quoted(Path(path).stem)
    text, mode = str(path).replace("'", "''"), "READ_ONLY" if read_only else "READ_WRITE"
    SHARED.execute(f"ATTACH '{text}' AS {name} ({mode})")
    try:
        with SHARED.cursor() as connection:
            connection.execute(f"USE {name}")
            yield connection
    finally:
        for more in _attached() - before:
            SHARED.execute(f"DETACH {_quoted(more)}")


def ask(path, query):
    """Return the rows of a query on a file."""
    with opened(path, read_only=True) as connection:
        return connection.execute(query).fetchall()


def _attached():
    return {name for (name,) in SHARED.execute(ATTACHED).fetchall()}


def _quoted(name):
    return '"' + name.replace('"', '""') + '"'
