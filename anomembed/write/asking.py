"""Answer SQL over a store, with its source beside it; both are attached read-only, and closed at once."""

from pathlib import Path

import duckdb
import polars as pl

from anomembed.errors import StoreError
from anomembed.read.connecting import clear_errors as clear_source_errors
from anomembed.read.fetching import without_intervals
from anomembed.read.files.kinds import DATABASE_KIND, binary_kind
from anomembed.read.quoting import quote_text
from anomembed.write.database import clear_errors
from anomembed.write.reading import open_to_read, patiently

OURS = "Invalid Input Error: "  # what DuckDB puts before the sentences of our macros
SOURCE = "SELECT database FROM runs WHERE database IS NOT NULL ORDER BY run_id DESC LIMIT 1"


def ask_store(path: str | Path, sql: str, source: str | None = None) -> pl.DataFrame:
    """Return the rows of a query over a store; it may join the tables of the source as ``source.TABLE``.

    Parameters
    ----------
    path : str or Path
        The store.
    sql : str
        One statement.
    source : str, optional
        A DuckDB file; by default that of the newest run, where it is still there.

    Raises
    ------
    StoreError
        When there is no store, or the SQL is wrong.
    SourceError
        When the source that is named is no DuckDB file.
    LockedError
        When another process still writes to one of the files after some seconds.
    """
    with open_to_read(path) as store:  # checks the store, and upgrades an old one
        found = source or next((name for (name,) in store.rows(SOURCE)), None)
    with duckdb.connect(config={"autoinstall_known_extensions": "false"}) as connection:
        connection.execute("SET enable_progress_bar = false")
        patiently(lambda: _attach(connection, path, "store"))
        if found is not None and (source or _is_database(found)):
            patiently(lambda: _attach(connection, found, "source"))
        connection.execute("USE store")
        return _answer(connection, sql)


def _is_database(path: str) -> bool:
    return Path(path).is_file() and binary_kind(path) == DATABASE_KIND


def _attach(connection: duckdb.DuckDBPyConnection, path: str | Path, name: str) -> None:
    with clear_errors(Path(path)) if name == "store" else clear_source_errors(str(path)):
        connection.execute(f"ATTACH {quote_text(str(path))} AS {name} (READ_ONLY)")


def _answer(connection: duckdb.DuckDBPyConnection, sql: str) -> pl.DataFrame:
    try:
        statements = connection.extract_statements(sql)
        if len(statements) != 1:
            raise StoreError(f"the SQL must be one statement, not {len(statements)}")
        found = connection.sql(sql)
        return pl.DataFrame() if found is None else pl.DataFrame(without_intervals(found).pl())  # its names may repeat
    except duckdb.Error as error:
        lines = [line.strip() for line in str(error).splitlines() if line.strip()]
        hints = [line for line in lines[1:] if line.startswith(("Did you mean", "Candidate"))]
        raise StoreError(" ".join([lines[0].removeprefix(OURS), *hints])) from error
