"""The SQL that makes columns of the parts of a line: each group of its format in its type, and the message."""

import duckdb

from anomembed.read.lines.formats import JOINED_PAIRS, MESSAGE, PAIRS, SPACED_PAIRS, TABBED_PAIRS
from anomembed.read.lines.pairs import ITEMS, items_sql
from anomembed.read.lines.patterns import LineFormat
from anomembed.read.lines.types import typed_sql

TEXTS = (
    MESSAGE,
    "pid",
    "priority",
    "version",
    "signature",
    "event",
    "code",
    "available",
)  # groups that stay text when they look like something else
GROUPS_OF_PAIRS = (PAIRS, SPACED_PAIRS, JOINED_PAIRS, TABBED_PAIRS)
HEAD = ("vendor", "product", "version", "signature", "event", "name", "severity")  # of CEF and LEEF, which escape |
IS_OTHER = "parts.line_ = ''"  # SQL: the line is not in the format


def find_columns(connection: duckdb.DuckDBPyConnection, form: LineFormat) -> dict[str, str]:
    """Choose the type of every group of a format from the first lines, in the table ``cut``.

    Returns
    -------
    dict of str to str
        SQL of every column except the key, by name, to be read from the table ``joined``.
    """
    some = f"(FROM cut WHERE NOT {IS_OTHER})"
    columns = {}
    for name, number in form.groups.items():
        value = f"nullif(parts.g{number}, '')"
        if SPACED_PAIRS in form.groups or TABBED_PAIRS in form.groups:  # in a head of CEF or LEEF
            value = rf"regexp_replace({value}, '\\([|\\])', '\1', 'g')" if name in HEAD else value
        if name in GROUPS_OF_PAIRS:
            columns[ITEMS] = items_sql(name, value)
        else:
            columns[name] = value if name in TEXTS else typed_sql(connection, value, some)
    text = f"CASE WHEN {IS_OTHER} THEN text ELSE {columns.get(MESSAGE, 'NULL')} END"
    return {**columns, MESSAGE: f"CASE WHEN more <> '' THEN concat({text}, more) ELSE {text} END"}
