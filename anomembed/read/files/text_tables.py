"""Read tables in text into ``records``, in the dialect of their lines and the types that all of their values have."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import duckdb

from anomembed.errors import SourceError
from anomembed.read.files.content import Content, find_compression, read_blocks
from anomembed.read.files.dialects import MOST_BELOW, Dialect
from anomembed.read.quoting import quote_text

REJECTS, SCANS = "__anomembed_rejects", "__anomembed_scans"
IGNORE = "ignore_errors"  # the option by which DuckDB tells nothing of the lines that it leaves out
MOST_REJECTED = 0.5  # share of lines that may be left out
NAMES = {"\t": "tab", " ": "space", "\x01": "Ctrl-A", "\x1f": "the unit separator"}
WIDER = ("DOUBLE", "VARCHAR")  # what a column becomes when a value does not have its type


class WrongEncodingError(Exception):
    """A file holds bytes, beyond its first ones, that are not in its encoding."""


@dataclass
class TableText:
    """A table in text that can be read.

    Parameters
    ----------
    paths : sequence of str
        Where DuckDB reads it, in UTF-8.
    options : dict
        Of DuckDB's reader.
    types : dict of str to str
        Types of columns that are not found out.
    unsure : tuple of int
        Places of columns of dates that DuckDB would read in the first order that fits; they stay text.
    """

    paths: Sequence[str]
    options: dict[str, Any]
    types: dict[str, str] = field(default_factory=dict)
    unsure: tuple[int, ...] = ()


def csv_options(dialect: Dialect) -> dict[str, Any]:
    """Return the options of DuckDB's reader for a dialect."""
    options: dict[str, Any] = {
        "delim": dialect.delimiter,
        "quote": dialect.quote,
        "escape": dialect.escape,
        "header": dialect.has_header,
    }
    if dialect.n_above:
        options["skip"] = dialect.n_above
    if dialect.is_padded:
        options["null_padding"] = True
    if dialect.decimal:
        options["decimal_separator"] = dialect.decimal
    if dialect.thousands:
        options["thousands"] = dialect.thousands
    return options


def load_table(connection: duckdb.DuckDBPyConnection, table: TableText, name: str) -> list[str]:
    """Make ``records`` of a table in text.

    A column whose type does not fit all of its values, beyond the first ones, becomes text. Lines with too few or too
    many fields are left out.

    Returns
    -------
    list of str
        What the user should know about lines that were left out.

    Raises
    ------
    WrongEncodingError
        When there are bytes that are not UTF-8.
    SourceError
        When most lines do not have the same number of fields.
    """
    while True:
        _load(connection, table)
        wider = _wider_types(connection, table) | _texts(connection, table)
        if not wider:
            break
        table.types.update(wider)
    notes = [] if IGNORE in table.options else _note_rejects(connection, name)
    connection.execute(f"DROP TABLE IF EXISTS {REJECTS}; DROP TABLE IF EXISTS {SCANS}")
    return notes


def sql_value(value: Any) -> str:  # noqa: ANN401
    """Return an option's value as SQL."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, list | tuple):
        return f"[{', '.join(map(sql_value, value))}]"
    if isinstance(value, Mapping):
        return f"{{{', '.join(f'{quote_text(key)}: {sql_value(inner)}' for key, inner in value.items())}}}"
    return quote_text(value) if isinstance(value, str) else str(value)


def reader_sql(reader: str, paths: Sequence[str], options: Mapping[str, Any]) -> str:
    """Return the call of one of DuckDB's readers."""
    named = "".join(f", {name} = {sql_value(value)}" for name, value in options.items())
    return f"{reader}({sql_value(list(paths))}{named})"


def _load(connection: duckdb.DuckDBPyConnection, table: TableText) -> None:
    connection.execute(f"DROP TABLE IF EXISTS {REJECTS}; DROP TABLE IF EXISTS {SCANS}")
    # All values decide on the types: beyond a sample, DuckDB would round fractions to whole numbers.
    options = {"sample_size": -1, **table.options}
    if len(table.paths) > 1:
        options["files_to_sniff"] = len(table.paths)
    if table.types:
        options["types"] = table.types
    if IGNORE not in options:
        options |= {"store_rejects": True, "rejects_table": REJECTS, "rejects_scan": SCANS}
    connection.execute(f"CREATE OR REPLACE TEMP TABLE records AS FROM {reader_sql('read_csv', table.paths, options)}")


def _wider_types(connection: duckdb.DuckDBPyConnection, table: TableText) -> dict[str, str]:
    """Return the types of columns that some values do not have, unless these are in the last lines of a file."""
    if IGNORE in table.options:
        return {}
    rows = connection.execute(f"SELECT count(*) FROM {REJECTS} WHERE error_type = 'INVALID ENCODING'").fetchall()
    if rows[0][0]:
        raise WrongEncodingError
    # In a line with too few or too many fields, values stand in other columns than their own.
    found = connection.execute(
        f"SELECT DISTINCT column_name FROM {REJECTS} r WHERE error_type = 'CAST' AND NOT EXISTS (FROM {REJECTS} o "
        f"WHERE o.file_id = r.file_id AND o.line = r.line AND o.error_type <> 'CAST') ORDER BY ALL"
    ).fetchall()
    columns = [name for (name,) in found]
    if not columns or (len(table.paths) == 1 and _are_last(connection, table)):
        return {}
    types = dict(
        connection.execute(
            "SELECT column_name, data_type FROM duckdb_columns() WHERE table_name = 'records'"
        ).fetchall()
    )
    return {name: _wider(types[name], table.types.get(name)) for name in columns}


def _texts(connection: duckdb.DuckDBPyConnection, table: TableText) -> dict[str, str]:
    """Return the columns of dates that are read as such, though they fit several orders of day, month and year."""
    described = connection.sql("FROM records LIMIT 0")
    columns = list(zip(described.columns, map(str, described.types), strict=True))
    unsure = [columns[place] for place in table.unsure if place < len(columns)]
    return {name: WIDER[1] for name, kind in unsure if kind.startswith(("DATE", "TIMESTAMP"))}


def _wider(kind: str, given: str | None) -> str:
    return WIDER[0] if kind == "BIGINT" and given is None else WIDER[1]


def _are_last(connection: duckdb.DuckDBPyConnection, table: TableText) -> bool:
    """Tell whether the rejected lines are the last few ones of the file, such as totals."""
    lines = connection.execute(
        f"SELECT min(line_byte_position), any_value(csv_line) FROM {REJECTS} GROUP BY line "
        "HAVING bool_and(error_type = 'CAST') ORDER BY 1"
    ).fetchall()
    delimiter = table.options.get("delim", ",")
    if len(lines) > MOST_BELOW or any("" not in text.split(delimiter) for _, text in lines):
        return False
    size = _size(table.paths[0])
    n_bytes = sum(len(text.encode()) + 2 for _, text in lines)
    return bool(lines[0][0] + n_bytes + 2 >= size)


def _size(path: str) -> int:
    compression = find_compression(path)
    return sum(map(len, read_blocks(path, compression))) if compression else Path(path).stat().st_size


def _note_rejects(connection: duckdb.DuckDBPyConnection, name: str) -> list[str]:
    """Tell which lines were left out."""
    lines = f"SELECT DISTINCT file_id, line FROM {REJECTS}"
    n_left, first = connection.execute(f"SELECT count(*), min(line) FROM ({lines})").fetchall()[0]
    n_read = connection.execute("SELECT count(*) FROM records").fetchall()[0][0]
    if not n_left:
        return []
    if n_left > MOST_REJECTED * (n_left + n_read):
        raise SourceError(
            f"{name}: {n_left:,} of {n_left + n_read:,} lines do not have as many fields as the others, line {first} "
            "first; say how fields are separated, such as --read 'delim=;, quote=\", skip=3'; what is no table is read "
            "by --line-format plain"
        )
    n_fields = len(connection.sql("FROM records LIMIT 0").columns)
    these = f"line {first:,} does" if n_left == 1 else f"{n_left:,} lines do"
    where = "" if n_left == 1 else f" (line {first:,} first)"
    is_left = "it is" if n_left == 1 else "they are"
    return [f"{these} not hold the {n_fields} fields of the others{where}; {is_left} left out{_remedy(connection)}"]


def _remedy(connection: duckdb.DuckDBPyConnection) -> str:
    """Say what helps lines with too few fields, or with too many."""
    kinds = {kind for (kind,) in connection.execute(f"SELECT DISTINCT error_type FROM {REJECTS}").fetchall()}
    short = "--read null_padding=true keeps lines that end early" if "MISSING COLUMNS" in kinds else ""
    long = "a value that holds what separates fields must be in quotes" if "TOO MANY COLUMNS" in kinds else ""
    return f" ({'; '.join(filter(None, (short, long)))})" if short or long else ""


def describe_dialect(options: Mapping[str, Any], content: Content, n_below: int) -> list[str]:
    """Return in one line how a table was read, when that is not the plain default."""
    parts = []
    if options.get("delim", ",") != ",":
        delimiter = options["delim"]
        parts.append(f"{NAMES.get(delimiter, repr(delimiter))} between fields")
    if options.get("decimal_separator") == ",":
        parts.append("decimal comma")
    if content.encoding not in ("utf-8", "utf-8-sig", "ascii"):
        parts.append(content.encoding_name)
    if options.get("header") is False:
        parts.append("no header")
    if options.get("null_padding"):
        parts.append("lines may end early")
    left = _left_out(options.get("skip", 0), n_below)
    if not parts and not left:
        return []
    return [f"read as CSV: {', '.join(parts)}{'; ' if parts and left else ''}{left}"]


def _left_out(n_above: int, n_below: int) -> str:
    above = f"{n_above} {'line' if n_above == 1 else 'lines'} above the header" if n_above else ""
    below = f"{n_below} {'line' if n_below == 1 else 'lines'} below the records" if n_below else ""
    n_left = n_above + n_below
    parts = " and ".join(part for part in (above, below) if part)
    return f"{parts} {'is' if n_left == 1 else 'are'} left out" if parts else ""
