"""What SQL from the user, or in a file from somebody else, may do: read the tables of the source, and nothing else.

A condition is parsed before anything runs, and must be one expression. Then the connection is shut: no statement on it
can attach, write or load anything, and it reads only the files that the records come from.
"""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb

from anomembed.errors import SourceError, shown
from anomembed.read.quoting import quote_text

QUERIES = {"SELECT_NODE", "SET_OPERATION_NODE", "RECURSIVE_CTE_NODE", "CTE_NODE"}  # others, such as INSERT, write
MAKERS = {"unnest", "range", "generate_series", "json_each", "json_tree", "repeat", "repeat_row"}
"""Table functions that read no file."""
SCANS = {"pandas_scan", "arrow_scan", "arrow_scan_dumb", "python_map_function", "polars_scan"}  # of frames in memory
READERS = {
    *("read_csv", "read_csv_auto", "sniff_csv", "read_parquet", "parquet_scan", "read_json", "read_json_auto"),
    *("read_ndjson", "read_ndjson_auto", "read_json_objects", "read_json_objects_auto", "read_ndjson_objects"),
    *("read_text", "read_blob", "glob", "parquet_metadata", "parquet_schema", "parquet_file_metadata"),
}
EMPTY: dict[str, Any] = {
    "from_table": "EMPTY",
    "where_clause": None,
    "group_sets": [],
    "having": None,
    "sample": None,
    "qualify": None,
}
GLOBBED = "*?["
LONGEST_CONDITION = 100_000  # letters; DuckDB takes minutes over some that are longer
VIEWS = "SELECT sql FROM duckdb_views() WHERE NOT internal"
NAMES = "SELECT lower(table_name) FROM duckdb_tables() UNION SELECT lower(view_name) FROM duckdb_views()"


def check_condition(connection: duckdb.DuckDBPyConnection, condition: str) -> None:
    """Refuse a condition that is more than one SQL expression over tables of the source.

    Raises
    ------
    duckdb.Error
        When it is no SQL.
    SourceError
        When it ends the expression and goes on, writes, reads files, or is very long.
    """
    if len(condition) > LONGEST_CONDITION:
        raise SourceError(
            f"the condition {shown(condition)} has {len(condition):,} characters, more than {LONGEST_CONDITION:,}: put "
            "its values into a table of the source, and name it: id IN (SELECT id FROM others)"
        )
    in_brackets = connection.extract_statements(f"SELECT (\n{condition}\n)")  # the error names what is wrong
    tree = _parse(connection, f"SELECT\n{condition}\n")  # without brackets, none in it can close ours
    if len(in_brackets) != 1 or tree is None or not _is_expression(tree):
        raise SourceError(f"the condition {shown(condition)} must be one SQL expression, such as amount > 10")
    what = f"the condition {shown(condition)}"
    _check_reads_only(tree, what)
    named = _read_by_name(tree)
    known = _known(connection) | _named_within(tree) if named else set()
    for name in named:
        if name.casefold() not in known:
            raise SourceError(f"{what} reads {shown(name)}; a condition may only read tables of the source")
    for function, _ in _table_functions(tree):
        if function not in MAKERS:
            raise SourceError(f"{what} calls {function}; a condition may only read tables of the source")


def check_query(connection: duckdb.DuckDBPyConnection, text: str) -> None:
    """Refuse a query with a part that writes, such as ``WITH x AS (INSERT ...)``.

    Raises
    ------
    SourceError
        When it does, or cannot be taken apart to tell.
    """
    tree = _parse(connection, text)
    if tree is None:
        raise SourceError("the query must be one SELECT statement that DuckDB can take apart; write it without PIVOT")
    _check_reads_only(tree, "the query")


def shut(connection: duckdb.DuckDBPyConnection, from_clause: str) -> tuple[str, ...]:
    """Let a connection read nothing from now on but its database and the files of the records.

    Parameters
    ----------
    connection : DuckDBPyConnection
        With the source open.
    from_clause : str
        SQL of the records.

    Returns
    -------
    tuple of str
        The files and globs that the records, and the views of the database, are read from.
    """
    queries = [f"FROM {from_clause}", *(_body(sql) for (sql,) in connection.execute(VIEWS).fetchall())]
    trees = [_parse(connection, sql) for sql in queries]
    known = _known(connection)
    files: list[str] = []
    is_known = trees[0] is not None  # what a view that cannot be taken apart reads is refused later, when it is read
    for tree in trees:
        if tree is not None:
            found, is_all = _files(tree, known)
            files += found
            is_known = is_known and (is_all or tree is not trees[0])
    _shut(connection, files, is_known=is_known)
    return tuple(files)


def shut_frame(connection: duckdb.DuckDBPyConnection) -> tuple[str, ...]:
    """Do what `shut` does for a frame, of which it is known that it is read from no file."""
    _shut(connection, [], is_known=True)
    return ()


def _known(connection: duckdb.DuckDBPyConnection) -> set[str]:
    """Return the names of all tables and views; of a new connection, DuckDB takes as long as to connect."""
    return {name for (name,) in connection.execute(NAMES).fetchall()}


def _shut(connection: duckdb.DuckDBPyConnection, files: list[str], *, is_known: bool) -> None:
    if is_known and not _is_shut(connection):  # two connections to one file share these settings
        plain = [file for file in files if not _is_glob(file)]
        folders = [_folder(file) for file in files if _is_glob(file)]
        connection.execute(f"SET allowed_paths = [{', '.join(map(quote_text, plain))}]")
        connection.execute(f"SET allowed_directories = [{', '.join(map(quote_text, folders))}]")
        connection.execute("SET enable_external_access = false")
    if _is_in_memory(connection):  # of a file, another connection may have to set its time zone
        connection.execute("SET lock_configuration = true")


def _is_shut(connection: duckdb.DuckDBPyConnection) -> bool:
    return not connection.execute("SELECT current_setting('enable_external_access')").fetchall()[0][0]


def _is_in_memory(connection: duckdb.DuckDBPyConnection) -> bool:
    paths = connection.execute("SELECT path FROM duckdb_databases() WHERE NOT internal").fetchall()
    return all(path is None for (path,) in paths)


def _is_glob(file: str) -> bool:
    return any(sign in file for sign in GLOBBED)


def _folder(pattern: str) -> str:
    """Return the folder that all files of a glob are below."""
    parts = Path(pattern).absolute().parts
    fixed = next(at for at, part in enumerate(parts) if _is_glob(part))
    return str(Path(*parts[:fixed]))


def _parse(connection: duckdb.DuckDBPyConnection, sql: str) -> Any:  # noqa: ANN401
    """Return the syntax tree of a single SELECT statement; None when it is something else."""
    text = connection.execute("SELECT json_serialize_sql(?::VARCHAR)", [sql]).fetchall()[0][0]
    parsed = json.loads(text)
    return parsed["statements"][0]["node"] if not parsed["error"] and len(parsed["statements"]) == 1 else None


def _is_expression(tree: Any) -> bool:  # noqa: ANN401
    """Tell whether a tree is that of ``SELECT`` and one expression, with nothing before or after it."""
    if tree["type"] != "SELECT_NODE" or tree["modifiers"] or tree["cte_map"]["map"] or tree["group_expressions"]:
        return False
    found = {name: tree[name] for name in EMPTY} | {"from_table": tree["from_table"]["type"]}
    selected = tree["select_list"]
    return found == EMPTY and len(selected) == 1 and not selected[0]["alias"] and selected[0]["class"] != "STAR"


def _nodes(tree: Any) -> Iterator[dict[str, Any]]:  # noqa: ANN401
    """Yield all objects in a tree, without recursion: an expression may be nested deeply."""
    waiting = [tree]
    while waiting:
        node = waiting.pop()
        if isinstance(node, dict):
            yield node
            waiting += node.values()
        elif isinstance(node, list):
            waiting += node


def _check_reads_only(tree: Any, what: str) -> None:  # noqa: ANN401
    kinds = (str(node.get("type")) for node in _nodes(tree))
    if any(kind.endswith(("_NODE", "_STATEMENT")) and kind not in QUERIES for kind in kinds):
        raise SourceError(f"{what} has a part that is no SELECT; it may only read")


def _named_within(tree: Any) -> set[str]:  # noqa: ANN401
    """Return the names that a query gives to parts of itself by WITH."""
    maps = (node["cte_map"]["map"] for node in _nodes(tree) if "cte_map" in node)
    recursive = {str(node["cte_name"]).casefold() for node in _nodes(tree) if "cte_name" in node}
    return {entry["key"].casefold() for entries in maps for entry in entries} | recursive


def _read_by_name(tree: Any) -> list[str]:  # noqa: ANN401
    return [str(node["table_name"]) for node in _nodes(tree) if node.get("type") == "BASE_TABLE"]


def _table_functions(tree: Any) -> Iterator[tuple[str, list[Any]]]:  # noqa: ANN401
    """Yield the functions that stand in the place of a table, with their arguments."""
    for node in _nodes(tree):
        if node.get("type") == "TABLE_FUNCTION":
            call = node["function"]
            yield str(call["function_name"]).casefold(), [part["expression"] for part in call["arguments"]]


def _files(tree: Any, known: set[str]) -> tuple[list[str], bool]:  # noqa: ANN401
    """Return the files that a query names, and whether these are all that it reads."""
    names = known | _named_within(tree)
    files = [name for name in _read_by_name(tree) if name.casefold() not in names]
    is_all = True
    for function, arguments in _table_functions(tree):
        texts = [node["literal"]["text"] for node in _nodes(arguments[:1]) if "literal" in node]
        is_reader = function in READERS and bool(texts)
        files += texts if is_reader else []
        is_all = is_all and (is_reader or function in MAKERS | SCANS or function.startswith(("duckdb_", "pragma_")))
    return files, is_all


def _body(view: str) -> str:
    """Return the query of a view, which DuckDB spells ``CREATE VIEW name (columns) AS query;``."""
    quoted, rest = False, view
    for at, letter in enumerate(view):
        quoted ^= letter == '"'
        if not quoted and view.startswith(" AS ", at):
            rest = view[at + len(" AS ") :]
            break
    return rest
