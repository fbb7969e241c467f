"""Keys of ``key=value`` pairs as columns: of logfmt, of the data of RFC 5424, and of CEF and LEEF."""

import duckdb

from anomembed.read.lines.formats import KEY, MESSAGE, PAIRS, QUOTED
from anomembed.read.lines.types import typed_sql
from anomembed.read.quoting import quote_identifier, quote_text

MOST_KEYS = 100  # the most frequent ones are columns
ITEMS = "items_"  # name of the column of pairs, while lines are added

_ITEM = rf'(?:^|[\s\[,;])({KEY}=(?:{QUOTED}|[^\s"]*))'
_MARK = chr(0x1F)
_BEGIN, _MARKED = rf"(?:^|\s+|[|^])({KEY})=", rf"{_MARK}\1="


def items_sql(group: str, value: str) -> str:
    """Return SQL of the list of ``key=value`` in a group of pairs."""
    if group == PAIRS:
        return f"regexp_extract_all({value}, {quote_text(_ITEM)}, 1)"
    marked = f"regexp_replace({value}, {quote_text(_BEGIN)}, {quote_text(_MARKED)}, 'g')"
    return f"string_split({marked}, {quote_text(_MARK)})[2:]"


def spread_pairs(connection: duckdb.DuckDBPyConnection) -> list[str]:
    """Make every key of the pairs in the table ``records`` a column, in its type.

    Returns
    -------
    list of str
        What the user should know.
    """
    names = [name for name, *_ in connection.execute("DESCRIBE records").fetchall()]
    counted = f"SELECT split_part(unnest({ITEMS}), '=', 1) AS key, count(*) AS times FROM records"
    keys = [key for key, _ in connection.execute(f"{counted} GROUP BY key ORDER BY times DESC, key").fetchall()]
    kept = _free_names(keys[:MOST_KEYS], [name for name in names if name != MESSAGE])
    columns = {name: typed_sql(connection, _value(key), "records") for key, name in kept.items() if name != MESSAGE}
    if MESSAGE in kept.values():
        columns[MESSAGE] = f"coalesce({MESSAGE}, {_value(MESSAGE)})"
    named = "".join(f", {sql} AS {quote_identifier(name)}" for name, sql in columns.items())
    left_out = ", ".join([ITEMS, *(name for name in columns if name == MESSAGE)])
    connection.execute(f"CREATE TEMP TABLE spread AS SELECT * EXCLUDE ({left_out}){named} FROM records ORDER BY rowid")
    connection.execute("DROP TABLE records")
    connection.execute("ALTER TABLE spread RENAME TO records")
    more = len(keys) - len(kept)
    return [f"the lines have {len(keys):,} keys; the {more:,} rarest are left out"] if more else []


def _free_names(keys: list[str], taken: list[str]) -> dict[str, str]:
    """Return a column name for each key, which no other column has."""
    folded = {name.casefold() for name in taken}
    named = {}
    for key in keys:
        name = key
        while name.casefold() in folded:
            name += "_"
        folded.add(name.casefold())
        named[key] = name
    return named


def _value(key: str) -> str:
    """Return SQL of the value of a key, without its quotes; null without it."""
    item = f"list_filter({ITEMS}, lambda item: starts_with(item, {quote_text(f'{key}=')}))[1]"
    value = f"rtrim(substr({item}, {len(key) + 2}), ',; ')"
    unquoted = rf"regexp_replace({value}, '^\"((?s:.*))\"$', '\1')"
    return rf"nullif(regexp_replace({unquoted}, '\\([\"=|\\])', '\1', 'g'), '')"
