"""The SQL that reads a part of a line in its type: a number, a time, or text."""

from collections.abc import Mapping
from datetime import datetime

import duckdb

from anomembed.read.lines.formats import YEARLESS, time_formats
from anomembed.read.quoting import quote_text
from anomembed.read.written.times import find_formats, mask_sql, time_sql

MODIFIED = "modified_"  # when the file was written, beside its lines
SAMPLED = 1_000  # first lines, which decide the format and the types of its groups


def moment_of(modified: datetime) -> str:
    """Return SQL of the one row of what is called `MODIFIED`."""
    return f"(SELECT TIMESTAMP {quote_text(modified.isoformat(sep=' '))} AS {MODIFIED})"


def typed_sql(connection: duckdb.DuckDBPyConnection, value: str, records: str) -> str:
    """Return SQL that reads a value as a time or a number when all of the first ones can be read so.

    Parameters
    ----------
    connection : DuckDBPyConnection
        Of the database.
    value : str
        SQL of the value, as text.
    records : str
        SQL of what to read it from; the SQL of a time without a year also needs the column `MODIFIED`.
    """
    known = f"nullif({value}, '-')"
    some = f"(SELECT *, TIMESTAMP '2024-12-31' AS {MODIFIED} FROM {records} LIMIT {SAMPLED})"  # any day will do
    fits = _fitting(connection, known, some, _numbers(known) | {known: f"regexp_matches({known}, '[0-9]')"})
    if fits != [known]:  # without a digit, it is no time
        return fits[0] if fits else value
    if fits := _fitting(connection, known, some, _moment_readings(known, some)):
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


def _numbers(value: str) -> dict[str, str]:
    """Return the SQL of every type of number, in order of preference, with a condition for each."""
    return {
        f"try_cast({value} AS BIGINT)": f"regexp_matches({value}, '^[+-]?[0-9]+$')",  # a fraction would be rounded
        f"try_cast({value} AS DOUBLE)": "true",
    }


def _moment_readings(value: str, some: str) -> dict[str, str]:
    """Return the SQL of every known way to write a time, in order of preference, with a condition for each."""
    is_iso = f"regexp_matches({value}, '^[0-9]{{4}}-[0-9]{{2}}-[0-9]{{2}}[ T]')"
    iso = f"regexp_replace(replace({value}, ',', '.'), ' ([+-]\\d\\d:?\\d\\d)$', '\\1')"
    has_year = f"regexp_matches({value}, '[0-9]{{4}}')"  # 26/01/02 is not of the first century
    varies = f"(SELECT count(DISTINCT substr({value}, 7, 2)) >= count(DISTINCT left({value}, 2)) FROM {some})"
    formats = {  # in 26/01/02 the year comes first if what comes last varies more
        f"CAST(try_strptime({value}, {quote_text(form)}) AS TIMESTAMP)": has_year if "%Y" in form else varies
        for form in time_formats()
    }
    return {
        f"CAST(try_cast({iso} AS TIMESTAMPTZ) AS TIMESTAMP)": is_iso,
        **formats,
        **{_yearless(value, form): "true" for form in YEARLESS},
    }


def _yearless(value: str, form: str) -> str:
    """Return SQL of the last such day before the file was written, with a day's grace for time zones."""
    years = (
        f"try_strptime(concat(year({MODIFIED}) - {ago}, ' ', {value}), {quote_text(f'%Y {form}')})" for ago in (0, 1)
    )
    this, last = years
    return f"CASE WHEN {this} <= {MODIFIED} + INTERVAL 1 DAY THEN {this} ELSE {last} END"
