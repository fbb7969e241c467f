"""Read JSON into ``records``: lines, an array, objects one after the other, or records in a list of an object."""

import json
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import duckdb

from anomembed.errors import SourceError
from anomembed.read.files.content import Content, look
from anomembed.read.files.copies import Copies
from anomembed.read.files.joining import MOST_APART, joined_array, joined_values
from anomembed.read.files.text_tables import reader_sql
from anomembed.read.quoting import quote_identifier

LINES, ARRAY, OBJECTS = "newline_delimited", "array", "unstructured"
OBJECT_SIZE = 16 << 20  # bytes, DuckDB's default
SAMPLED, MOSTLY = 100, 0.5  # first lines, and the share of them that must be objects
LARGEST_OBJECT = 100 << 20  # bytes of one object that memory is enough for
DOMINATES = 0.8  # share of an object's text that its list of records takes
DEPTH = 3  # of a list of records in an object
ARRAY_START = re.compile(r"\s*\[\s*(\{|\])")
OBJECT_START = re.compile(r"\s*\{\s*(\"|\})")
ENVELOPE = re.compile(r"\s*\{\s*\"(?:[^\"\\]|\\.)*\"\s*:\s*(?=\[\s*\{)")


def json_format(content: Content) -> str | None:
    """Return the format of JSON that a text begins as; None when it is something else."""
    text = content.text
    if ARRAY_START.match(text):
        return ARRAY
    if not OBJECT_START.match(text):
        return None
    lines = [line for line in content.lines if line.strip()][:SAMPLED]
    n_objects = sum(map(_is_object, lines))
    if _is_object(lines[0]):
        return LINES if n_objects >= MOSTLY * len(lines) else None
    return OBJECTS


def _is_object(line: str) -> bool:
    try:
        return isinstance(json.loads(line), dict)
    except (ValueError, RecursionError):
        return False


def load_json(
    connection: duckdb.DuckDBPyConnection,
    contents: Sequence[Content],
    form: str,
    given: Mapping[str, Any],
    copies: Copies,
) -> list[str]:
    """Make ``records`` of JSON.

    Fields that come late are found: all of the files decide on the columns.

    Returns
    -------
    list of str
        What the user should know.
    """
    if form != ARRAY and (opened := _open_envelopes(contents, copies)):
        lists, note = opened
        paths, _ = _paths([look(path) for path in lists], ARRAY, copies)
        _load(connection, paths, {"format": ARRAY, **given})
        return [note]
    paths, largest = _paths(contents, form, copies)
    options: dict[str, Any] = {"format": form, **given}
    if form == OBJECTS:
        options.setdefault("maximum_object_size", min(max(OBJECT_SIZE, largest + 1), LARGEST_OBJECT))
    try:
        notes = _load(connection, paths, options)
    except duckdb.Error:
        for content in contents if len(paths) < len(contents) else ():  # the error is to name the file
            _load(connection, [copies.readable(content, may_be_marked=False)], options)
        raise
    for _ in range(DEPTH):
        unwrapped = _unwrap(connection, contents)
        notes += unwrapped
        if not unwrapped:
            break
    return notes


def _paths(contents: Sequence[Content], form: str, copies: Copies) -> tuple[list[str], int]:
    """Return the files to read, joined when they are many, and the size of the largest."""
    if len(contents) > MOST_APART:
        sizes: list[int] = []
        blocks = joined_array(contents) if form == ARRAY else joined_values(contents, sizes)
        return [copies.join(blocks, contents)], max(sizes, default=0)
    paths = [copies.readable(content, may_be_marked=False) for content in contents]
    return paths, max(Path(path).stat().st_size for path in paths)


def _load(connection: duckdb.DuckDBPyConnection, paths: Sequence[str], options: dict[str, Any]) -> list[str]:
    options = {"sample_size": -1, "maximum_sample_files": max(len(paths), 32), **options}
    if len(paths) > 1:
        options.setdefault("union_by_name", True)
    create = "CREATE OR REPLACE TEMP TABLE records AS FROM "
    try:
        connection.execute(create + reader_sql("read_json", paths, options))
    except duckdb.InvalidInputException as error:
        if "Malformed JSON" not in str(error) or options["format"] != LINES or "ignore_errors" in options:
            raise
    else:
        return []
    connection.execute(create + reader_sql("read_json", paths, options | {"ignore_errors": True}))
    return _drop_malformed(connection)


def _drop_malformed(connection: duckdb.DuckDBPyConnection) -> list[str]:
    """Leave out the lines that are not JSON, which are records without values."""
    columns = connection.sql("FROM records LIMIT 0").columns
    is_empty = " AND ".join(f"{quote_identifier(name)} IS NULL" for name in columns)
    n_records = connection.execute("SELECT count(*) FROM records").fetchall()[0][0]
    n_left = connection.execute(f"DELETE FROM records WHERE {is_empty}").fetchall()[0][0]
    if n_left == n_records:
        raise SourceError("no line is JSON")
    return [f"{n_left:,} of {n_records:,} lines {'is' if n_left == 1 else 'are'} not JSON and left out"]


def _open_envelopes(contents: Sequence[Content], copies: Copies) -> tuple[list[str], str] | None:
    """Copy the lists of large objects that hold nothing else, so that they are read record by record."""
    starts = [ENVELOPE.match(content.text) for content in contents]
    sizes = [Path(content.path).stat().st_size for content in contents]
    if max(sizes) <= OBJECT_SIZE or not all(starts):
        return None
    ends = [_end_of_list(content) for content in contents]
    if not all(ends):
        return None
    paths = []
    for content, start, end in zip(contents, starts, ends, strict=True):
        assert start and end  # noqa: S101
        first = len(start[0].encode())
        paths.append(copies.copy(content, start=first, n_bytes=end - first))
    name = re.search(r'"(.*)"', starts[0][0])[1]  # type: ignore[index]
    return paths, f"the records are the items of {name}"


def _end_of_list(content: Content) -> int | None:
    """Return the number of bytes up to the end of the list that ends an object; None when it does not."""
    if content.compression or content.encoding not in ("utf-8", "ascii"):
        return None
    with Path(content.path).open("rb") as file:
        size = file.seek(0, 2)
        start = max(size - 4096, 0)
        file.seek(start)
        found = re.search(rb"\](?=\s*\}\s*$)", file.read())
    return start + found.end() if found else None


def _unwrap(connection: duckdb.DuckDBPyConnection, contents: Sequence[Content]) -> list[str]:
    """Take the items of a list for the records when it is nearly all that each object holds."""
    n_objects = connection.execute("SELECT count(*) FROM records").fetchall()[0][0]
    described = connection.sql("FROM records LIMIT 0")
    names, types = described.columns, described.types
    lists = _lists(dict(zip(names, types, strict=True)))
    is_each_record = n_objects > len(contents) and len(names) > 1
    if not lists or is_each_record:
        return []
    shares = ", ".join(f"sum(length({sql}::VARCHAR)) / sum(length(records::VARCHAR))" for sql in lists.values())
    counted = connection.execute(f"SELECT {shares} FROM records").fetchall()[0]
    share, name = max((share or 0, name) for share, name in zip(counted, lists, strict=True))
    if share < DOMINATES and len(names) > 1:
        return []
    items = f"SELECT unnest({lists[name]}) AS item FROM records"
    connection.execute(f"CREATE OR REPLACE TEMP TABLE records AS SELECT item.* FROM ({items})")
    beside = [column for column in names if name.split(".")[0] != column]
    left = f"; {', '.join(beside)} beside it {'is' if len(beside) == 1 else 'are'} left out" if beside else ""
    return [f"the records are the items of {name}{left}"]


def _lists(types: Mapping[str, Any], depth: int = 1) -> dict[str, str]:
    """Return the SQL of lists of objects, by their dotted names."""
    found = {}
    for name, kind in types.items():
        sql = quote_identifier(name)
        if kind.id == "list" and kind.children[0][1].id == "struct":
            found[name] = sql
        elif kind.id == "struct" and depth < DEPTH:
            inner = _lists(dict(kind.children), depth + 1)
            found |= {f"{name}.{below}": f"{sql}.{below_sql}" for below, below_sql in inner.items()}
    return found
