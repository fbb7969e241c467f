"""Connect to DuckDB to read: what a connection may do, how its errors are told, and in which zone times are."""

import os
import re
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from functools import cache

import duckdb

from anomembed.errors import LockedError, SourceError, nearest_name
from anomembed.read.files.advice import NO_PARQUET
from anomembed.read.quoting import quote_text

MACHINE = "machine"  # instead of a time zone: that of this machine
NEAR = re.compile(r'syntax error at or near "(.*)"')
KEYWORD_HINT = '(In SQL, a column named like a keyword is in double quotes: "at".)'
QUOTES_HINT = "(In SQL, text is in single quotes.)"
NO_TABLE, SYSTEM = re.compile("Table with name .* does not exist"), re.compile('"(duckdb|pg|sqlite)_')
UNKNOWN = re.compile(r'Referenced column "(.*)" not found')
RECORDS_HINT = "(In a query on a file, its records are called records: FROM records.)"
SEMICOLON_HINT = "(Leave the semicolon out.)"
SETTINGS: dict[str, str | bool | int | float | list[str]] = {
    "autoinstall_known_extensions": "false",  # nothing is downloaded at run time
    "autoload_known_extensions": "false",
    "python_enable_replacements": "false",  # a name in SQL is no variable of the program that called us
    "memory_limit": "512MB",
    "preserve_insertion_order": "true",  # records without a key are identified by row number
}


@contextmanager
def clear_errors(what: str, columns: Iterable[str] = ()) -> Iterator[None]:
    """Turn DuckDB's errors into one sentence that begins with `what`.

    Parameters
    ----------
    what : str
        What was being read, such as a path or a condition in SQL.
    columns : iterable of str, optional
        Names that the SQL may use: the nearest to an unknown one is offered.

    Raises
    ------
    LockedError
        When another process holds the file.
    SourceError
        For any other error of DuckDB.
    """
    try:
        yield
    except duckdb.Error as error:
        first, *more = [line.strip() for line in str(error).splitlines() if line.strip()]
        if "lock on file" in first:
            raise LockedError(f"{what} is locked by another process{holder(first)}; try again later") from error
        if (unknown := UNKNOWN.search(first)) and columns:
            near = nearest_name(unknown[1], columns)
            raise SourceError(f"{what}: no such column: {unknown[1]}{near} {QUOTES_HINT}") from error
        if found := NO_PARQUET.search(first):
            raise SourceError(f"{found[1] or found[2]} is not a Parquet file, or is cut off") from error
        if "not a valid DuckDB" in first:
            raise SourceError(f"{what} is not a DuckDB file") from error
        raise SourceError(f"{what}: {' '.join([first, *_hints(first, more)])}") from error


def _hints(first: str, more: Iterable[str]) -> list[str]:
    """Return what to add to the first line of an error of DuckDB's: parts of the others, and what may help."""
    hints = [line for line in more if line.startswith(("Did you mean", "Candidate")) and not SYSTEM.search(line)]
    if NO_TABLE.search(first) and not hints:  # no table of theirs is like it
        hints.append(RECORDS_HINT)
    if "Referenced column" in first:
        hints.append(QUOTES_HINT)
    if found := NEAR.search(first):
        hints.append(SEMICOLON_HINT if found[1] == ";" else KEYWORD_HINT)
    return hints


def holder(message: str) -> str:
    """Return the process that holds a lock, if DuckDB's message names it.

    Examples
    --------
    >>> holder("Conflicting lock is held in /usr/bin/duckdb (PID 123). See also ...")
    ' (/usr/bin/duckdb, PID 123)'
    """
    found = re.search(r"held in (.+) \((PID \d+)\)", message)
    return f" ({found[1]}, {found[2]})" if found else ""


def connect(database: str) -> duckdb.DuckDBPyConnection:
    """Connect to a DuckDB file read-only, or to a new database in memory for ``:memory:``.

    Raises
    ------
    SourceError
        When the file is not a DuckDB database.
    LockedError
        When another process has it open for writing.
    """
    with clear_errors(database):
        # By default DuckDB spills beside the database, in a folder that may be read-only.
        settings = SETTINGS | {"temp_directory": f"{tempfile.gettempdir()}/anomembed-spill"}
        connection = duckdb.connect(database, read_only=database != ":memory:", config=settings)
    connection.execute("SET TimeZone = 'UTC'")
    connection.execute("SET enable_progress_bar = false")  # it goes to standard output, which is for data
    return connection


def zone_sql(time_zone: str) -> str:
    """Return SQL that has times without a zone read in one, or in that of this machine for `MACHINE`."""
    return "RESET TimeZone" if time_zone == MACHINE else f"SET TimeZone = {quote_text(time_zone)}"


def machine_zone() -> str:
    """Return the time zone of this machine, such as ``Europe/Paris``."""
    return _zone_of(os.environ.get("TZ"))


@cache
def _zone_of(_environment: str | None) -> str:
    """Ask a new database, once for each value of TZ: starting it takes longer than most of what is asked."""
    with duckdb.connect(":memory:", config=SETTINGS) as connection:
        return str(connection.execute("SELECT current_setting('TimeZone')").fetchall()[0][0])
