"""The SQL that reads each part of a line in its type: a time, a number, or text."""

from collections.abc import Mapping

import duckdb

from anomembed.read.line_formats import MESSAGE, YEARLESS, time_formats
from anomembed.read.line_patterns import LineFormat
from anomembed.read.times import ISO_ZONE, find_formats, mask_sql, time_sql

SAMPLED = 1_000  # first lines, which decide the format and the types of its groups
TEXTS = ("message", "pid")  # groups that stay text when they look like something else
IS_OTHER = "parts.line_ = ''"  # SQL: the line is not in the format
NUMBERS = ("BIGINT", "DOUBLE")
ANY_DAY = "TIMESTAMP '2024-12-31'"  # on which a file was last written; any will do to see whether a date is one


def find_columns(connection: duckdb.DuckDBPyConnection, form: LineFormat) -> dict[str, str]:
    """Choose the type of every group of a format from the first lines, in the table ``cut``.

    Returns
    -------
    dict of str to str
        SQL of every column except the key, by name.
    """
    columns = {}
    for name, number in form.groups.items():
        value = f"nullif(parts.g{number}, '')"
        columns[name] = value if name in TEXTS else _typed(connection, value)
    text = f"CASE WHEN {IS_OTHER} THEN text ELSE {columns.get(MESSAGE, 'NULL')} END"
    return {**columns, MESSAGE: text}


def _typed(connection: duckdb.DuckDBPyConnection, value: str) -> str:
    """Return SQL that reads a value as a time or a number when all of the first ones can be read so."""
    known = f"nullif({value}, '-')"
    some = f"(FROM cut WHERE NOT {IS_OTHER} LIMIT {SAMPLED}), (SELECT {ANY_DAY} AS modified)"
    if fits := _fitting(connection, known, some, _readings(known)):
        return fits[0]
    ((masks,),) = connection.execute(f"SELECT histogram({mask_sql(known)}) FROM {some}").fetchall()
    orders = find_formats(masks or {}, 0).values()
    fits = _fitting(connection, known, some, {time_sql(known, formats): "true" for formats in orders})
    return fits[0] if len(fits) == 1 else value  # all lines, not the first ones alone, tell day and month apart


def _fitting(connection: duckdb.DuckDBPyConnection, known: str, some: str, readings: Mapping[str, str]) -> list[str]:
    """Return the SQL of the readings that fit all known values of some lines; each has a condition of its own."""
    counts = [f"count({known})", *(f"count({sql}) FILTER (WHERE {condition})" for sql, condition in readings.items())]
    n_known, *n_read = connection.execute(f"SELECT {', '.join(counts)} FROM {some}").fetchall()[0]
    return [sql for sql, count in zip(readings, n_read, strict=True) if n_known and count == n_known]


def _readings(value: str) -> dict[str, str]:
    """Return the SQL of the types and known formats that a value may be read in, in order of preference."""
    is_iso = f"regexp_matches({value}, '^[0-9]{{4}}-[0-9]{{2}}-[0-9]{{2}}[ T]')"
    return {
        **{f"try_cast({value} AS {kind})": "true" for kind in NUMBERS},
        time_sql(value, [ISO_ZONE]): is_iso,
        **dict.fromkeys([*(time_sql(value, [form]) for form in time_formats()), _yearless(value)], "true"),
    }


def _yearless(value: str) -> str:
    """Return SQL of the last such day before the file was written, with a day's grace for time zones."""
    years = (f"try_strptime(concat(year(modified) - {ago}, ' ', {value}), '%Y {YEARLESS}')" for ago in (0, 1))
    this, last = years
    return f"CASE WHEN {this} <= modified + INTERVAL 1 DAY THEN {this} ELSE {last} END"
