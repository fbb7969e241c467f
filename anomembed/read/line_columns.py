"""The SQL that reads each part of a line in its type: a time, a number, or text."""

import duckdb

from anomembed.read.line_formats import MESSAGE, YEARLESS, time_formats
from anomembed.read.line_patterns import LineFormat
from anomembed.read.quoting import quote_text

SAMPLED = 1_000  # first lines, which decide the format and the types of its groups
TEXTS = ("message", "pid")  # groups that stay text when they look like something else
IS_OTHER = "parts.line_ = ''"  # SQL: the line is not in the format
NUMBERS = ("BIGINT", "DOUBLE")


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
    readings = _readings(known)
    found = ", ".join(f"count({sql}) FILTER (WHERE {condition})" for sql, condition in readings.items())
    some = f"(FROM cut WHERE NOT {IS_OTHER} LIMIT {SAMPLED})"
    moment = "(SELECT TIMESTAMP '2024-12-31' AS modified)"  # any will do to see whether a date is one
    n_known, *n_read = connection.execute(f"SELECT count({known}), {found} FROM {some}, {moment}").fetchall()[0]
    fits = (sql for sql, count in zip(readings, n_read, strict=True) if n_known and count == n_known)
    return next(fits, value)


def _readings(value: str) -> dict[str, str]:
    """Return the SQL of every type that a value may be read in, in order of preference, with a condition for each."""
    is_iso = f"regexp_matches({value}, '^[0-9]{{4}}-[0-9]{{2}}-[0-9]{{2}}[ T]')"
    formats = [f"CAST(try_strptime({value}, {quote_text(form)}) AS TIMESTAMP)" for form in time_formats()]
    return {
        **{f"try_cast({value} AS {kind})": "true" for kind in NUMBERS},
        f"CAST(try_cast({value} AS TIMESTAMPTZ) AS TIMESTAMP)": is_iso,
        **dict.fromkeys([*formats, _yearless(value)], "true"),
    }


def _yearless(value: str) -> str:
    """Return SQL of the last such day before the file was written, with a day's grace for time zones."""
    years = (f"try_strptime(concat(year(modified) - {ago}, ' ', {value}), '%Y {YEARLESS}')" for ago in (0, 1))
    this, last = years
    return f"CASE WHEN {this} <= modified + INTERVAL 1 DAY THEN {this} ELSE {last} END"
