"""Read data files into ``records``: what a file is, is decided by its content; its ending is a hint.

A reading is one of those in `read_files`: Parquet, JSON, a log whose head names its columns, a table in text, or lines.
"""

import glob
import re
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import duckdb

from anomembed.errors import SourceError
from anomembed.read.files.advice import readable_errors
from anomembed.read.files.blanks import find_blank_dialect
from anomembed.read.files.content import HEAD, Content, is_utf8, look, western
from anomembed.read.files.copies import Copies
from anomembed.read.files.dialects import Dialect, find_dialect
from anomembed.read.files.edges import describe_under, without_edges
from anomembed.read.files.headers import HeadedLog, Section, has_head
from anomembed.read.files.json_files import json_format, load_json
from anomembed.read.files.kinds import PARQUET, binary_kind
from anomembed.read.files.options import CSV, JSON, check_reader, wanted_reader
from anomembed.read.files.options import PARQUET as PARQUET_READER
from anomembed.read.files.repeats import describe_repeats, without_repeats
from anomembed.read.files.text_tables import (
    TableText,
    WrongEncodingError,
    csv_options,
    describe_dialect,
    load_table,
    reader_sql,
)
from anomembed.read.lines.formats import AUTO, COMPRESSED, FORMATS, MESSAGE, is_log
from anomembed.read.quoting import quote_text

TABLE_ENDINGS, JSON_ENDINGS = (".csv", ".tsv", ".psv"), (".json", ".ndjson", ".jsonl")
OTHERS_HEAD = 1 << 14  # bytes of the files of a glob after the first one
IS_LOG = 0.5  # share of the first lines in a known format that makes a file a log
MARKED_UP = re.compile(r"\s*<(\?(xml)|!doctype (html)|(html)\b)", re.IGNORECASE)
COLOUR = "\x1b["  # of a terminal: a log
TRIED = 200  # lines
GOOD_ENOUGH = 0.5  # fit of a dialect, for a file that is named like a table


class FileRecords(NamedTuple):
    """What was read from files."""

    notes: tuple[str, ...]
    is_json: bool = False
    message: str | None = None
    """The column of messages, when they are lines."""


def list_files(path: str) -> list[str]:
    """Return the files of a path or a glob, without empty ones.

    Raises
    ------
    SourceError
        When there is none, or all are empty.
    """
    names = [path] if Path(path).is_file() else sorted(glob.glob(path, recursive=True))  # noqa: PTH207
    files = [name for name in names if Path(name).is_file()]
    if not files:
        raise SourceError(f"no files match {path}")
    full = [name for name in files if Path(name).stat().st_size]
    if not full:
        raise SourceError(f"{path} is empty")
    return full


def read_files(
    connection: duckdb.DuckDBPyConnection, path: str, line_format: str | None, options: dict[str, Any]
) -> FileRecords:
    """Make ``records`` of files.

    Parameters
    ----------
    connection : DuckDBPyConnection
        Of a database in memory.
    path : str
        A file or a glob.
    line_format : str or None
        Reads lines of this format.
    options : dict
        Of `parse_options`.

    Returns
    -------
    FileRecords

    Raises
    ------
    SourceError
        When they cannot be read.
    """
    files = list_files(path)
    with Copies() as copies, readable_errors(path):
        if line_format is not None:
            return _read_lines(connection, path, files, line_format, copies)
        kinds = {binary_kind(file) for file in files}
        if kinds == {PARQUET}:
            return _read_parquet(connection, path, files, options)
        if kinds != {None}:
            raise SourceError(f"{path} matches files of different kinds; name those of one kind, such as *.parquet")
        encoding = options.pop("encoding", None)
        contents = [look(file, encoding, HEAD if not n else OTHERS_HEAD) for n, file in enumerate(files)]
        return _read_text(connection, path, contents, options, copies)


def _read_text(
    connection: duckdb.DuckDBPyConnection, path: str, contents: list[Content], options: dict[str, Any], copies: Copies
) -> FileRecords:
    first, wanted = contents[0], wanted_reader(options) if options else None
    _check_text(path, first)
    if not first.is_text:
        if is_log(path):
            return _read_lines(connection, path, [content.path for content in contents], AUTO, copies)
        raise SourceError(f"{first.path} is neither a DuckDB database nor Parquet nor text")
    form = json_format(first) if wanted in (None, JSON) else None
    if form or wanted == JSON or _ending(path) in JSON_ENDINGS:
        check_reader(options, JSON, path)
        notes = load_json(connection, contents, options.pop("format", form or "auto"), options, copies)
        return FileRecords(tuple(_note_encoding(first, notes)), is_json=True)
    if not options and has_head(first):
        return _read_headed(connection, path, contents, copies)
    dialect = _dialect(first, options)
    if not _is_table(connection, path, first, dialect, wanted):
        return _read_lines(connection, path, [content.path for content in contents], AUTO, copies)
    check_reader(options, CSV, path)
    return _read_table(connection, path, contents, dialect, options, copies)


def _check_text(path: str, first: Content) -> None:
    """Refuse a file without text, or one of another kind that begins like a text."""
    if first.is_whole and not first.text.strip():
        raise SourceError(f"{first.path} is empty")
    if Path(path).suffix.lower() == ".parquet":
        raise SourceError(f"{first.path} is not a Parquet file, or is cut off")
    if marked := MARKED_UP.match(first.text):
        kind = (marked[2] or "html").upper()
        raise SourceError(f"{first.path} is {kind}: save it as CSV or JSON, or read its lines by --line-format plain")
    if first.compression and first.text.startswith("PAR1"):
        raise SourceError(f"{first.path} is a compressed Parquet file: unpack it first")


def _note_encoding(content: Content, notes: list[str]) -> list[str]:
    return [f"read as {content.encoding_name}", *notes] if content.encoding in ("cp1252", "latin-1") else notes


def _ending(path: str) -> str:
    name = Path(path.lower())
    return name.with_suffix("").suffix if name.suffix in COMPRESSED else name.suffix


def _dialect(content: Content, options: dict[str, Any]) -> Dialect | None:
    """Return the dialect of a table, given what the user says."""
    lines = content.lines[options.get("skip", 0) :]
    if comment := options.get("comment"):
        lines = [line for line in lines if not line.startswith(comment)]
    if options.get("delim"):
        return find_dialect(lines, (options["delim"],))
    found = find_dialect(lines)
    return found if found and found.is_table else find_blank_dialect(lines) or found


def _is_table(
    connection: duckdb.DuckDBPyConnection, path: str, content: Content, dialect: Dialect | None, wanted: str | None
) -> bool:
    """Tell whether a text is a table, and not lines of a log."""
    if wanted == CSV:
        return True
    if COLOUR in content.text:
        return False
    if _ending(path) in TABLE_ENDINGS:
        return True
    if dialect is None or not dialect.is_table or (dialect.n_fields < 3 and not dialect.has_header):
        return False
    return dialect.is_no_log or _share_of_log(connection, content.lines) < IS_LOG


def _share_of_log(connection: duckdb.DuckDBPyConnection, lines: Sequence[str]) -> float:
    """Return the share of the first lines in the known format that fits best."""
    some = [line.rstrip("\r\n") for line in lines if line.strip()][:TRIED]
    patterns = (quote_text(known.pattern) for known in FORMATS.values() if not known.is_of_tables)
    counts = ", ".join(f"count_if(regexp_matches(line, {pattern}))" for pattern in patterns)
    found = connection.execute(f"SELECT {counts} FROM (SELECT unnest(?) AS line)", [some]).fetchall()[0]
    return float(max(found) / max(len(some), 1))


def _read_parquet(
    connection: duckdb.DuckDBPyConnection, path: str, files: list[str], options: dict[str, Any]
) -> FileRecords:
    check_reader(options, PARQUET_READER, path)
    connection.execute(f"CREATE VIEW records AS FROM {reader_sql('read_parquet', files, options)}")
    return FileRecords(())


def _read_lines(
    connection: duckdb.DuckDBPyConnection, path: str, files: list[str], line_format: str, copies: Copies
) -> FileRecords:
    from anomembed.read.lines.reading import read_lines  # with pyarrow, which nothing else of files needs

    readable = {file: _as_utf8(file, copies) for file in files}
    return FileRecords(read_lines(connection, path, readable, line_format), message=MESSAGE)


def _as_utf8(file: str, copies: Copies) -> str:
    """Return where to read a log; damaged bytes in one are no other encoding, so few encodings make a copy needed."""
    content = look(file, n_bytes=OTHERS_HEAD)
    is_other = content.encoding.startswith(("utf-16", "utf-32")) and content.is_text
    return copies.copy(content) if is_other else file


def _read_headed(
    connection: duckdb.DuckDBPyConnection, path: str, contents: list[Content], copies: Copies
) -> FileRecords:
    sections = [section for content in contents for section in _sections(content, copies)]
    parts: list[tuple[HeadedLog, list[str]]] = []
    for head, file in sections:
        alike = next((files for other, files in parts if other == head), None)
        alike.append(file) if alike is not None else parts.append((head, [file]))
    if not parts:
        raise SourceError(f"{path} has a head, but no records")
    notes = [note for number, part in enumerate(parts) for note in _load_part(connection, path, *part, number)]
    together = " UNION ALL BY NAME ".join(f"FROM part_{number}" for number in range(len(parts)))
    connection.execute(f"CREATE OR REPLACE TEMP TABLE records AS {together}")
    for number in range(len(parts)):
        connection.execute(f"DROP TABLE part_{number}")
    changed = [f"the #fields change: there are {len(parts)} kinds of records"] if len(parts) > 1 else []
    return FileRecords((f"read as {parts[0][0].name}: its #fields name the columns", *changed, *notes))


def _sections(content: Content, copies: Copies) -> list[tuple[HeadedLog, str]]:
    """Copy the records under each head of a log to a file of their own."""
    first = Section()
    found = [(first, copies.copy(content, edit=first))]
    for fields in first.others:
        section = Section(fields)
        found.append((section, copies.copy(content, edit=section)))
    return [(section.head, file) for section, file in found if section.head]


def _load_part(
    connection: duckdb.DuckDBPyConnection, path: str, head: HeadedLog, files: list[str], number: int
) -> list[str]:
    options = {"delim": head.delimiter, "quote": head.quote, "escape": head.quote, "header": False}
    table = TableText(files, {**options, "names": head.names, "nullstr": head.unset}, head.types)
    notes = load_table(connection, table, path)
    connection.execute(f"CREATE TEMP TABLE part_{number} AS SELECT {head.select} FROM records")
    return notes


def _read_table(
    connection: duckdb.DuckDBPyConnection,
    path: str,
    contents: list[Content],
    dialect: Dialect | None,
    given: dict[str, Any],
    copies: Copies,
) -> FileRecords:
    found = csv_options(dialect) if dialect and dialect.fit >= GOOD_ENOUGH else {}
    options = found | given
    if dialect and "skip" in given:
        options["skip"] += dialect.n_above
    if dialect and ({"names", "columns"} & given.keys() or given.get("header") is False):
        dialect = replace(dialect, under=())
    paths, n_below = without_edges(contents, dialect, copies)
    unsure = dialect.unsure if dialect and not {"dateformat", "timestampformat"} & given.keys() else ()
    try:
        notes = load_table(connection, TableText(paths, options, unsure=unsure), path)
    except WrongEncodingError:
        contents = [_as_western(content) for content in contents]
        return _read_table(connection, path, contents, dialect, given, copies)
    kept, n_repeated = without_repeats(connection, contents, dialect, options.get("skip", 0), copies)
    if n_repeated:  # the types of all columns are found again
        read = _read_table(connection, path, kept, _dialect(kept[0], given), given, copies)
        return read._replace(notes=(*read.notes, *describe_repeats(n_repeated)))
    return FileRecords((*describe_dialect(options, contents[0], n_below), *describe_under(dialect), *notes))


def _as_western(content: Content) -> Content:
    if content.encoding not in ("utf-8", "ascii") or is_utf8(content):
        return content
    return look(content.path, western(content.text.encode("cp1252", "replace")))
