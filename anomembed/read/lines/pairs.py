"""Keys of ``key=value`` pairs as columns: of logfmt, of the data of RFC 5424, and of CEF and LEEF."""

from datetime import datetime

import duckdb

from anomembed.read.lines.formats import JOINED_PAIRS, KEY, MESSAGE, PAIRS, SPACED_PAIRS, TABBED_PAIRS, VALUE
from anomembed.read.lines.types import SAMPLED, moment_of, typed_sql
from anomembed.read.quoting import quote_identifier, quote_text

MOST_KEYS = 100  # the most frequent ones are columns
ITEMS = "items_"  # name of the column of pairs, while lines are added

_ITEM = rf"(?:^|[\s\[,;])({KEY}={VALUE})"
_MARK = chr(0x1F)
_BETWEEN = {SPACED_PAIRS: (r"\s+|[|^]",), JOINED_PAIRS: (r"[|;&,]\s*",), TABBED_PAIRS: (r"\t", "[|^;#~]", r"\s+")}
"""What separates the pairs of a group, where blanks may be in a value: the first of these that is in a line."""


def items_sql(group: str, value: str) -> str:
    """Return SQL of the list of ``key=value`` in a group of pairs."""
    if group == PAIRS:
        return f"regexp_extract_all({value}, {quote_text(_ITEM)}, 1)"
    *others, last = _BETWEEN[group]
    cases = "".join(
        f"WHEN regexp_matches({value}, {quote_text(f'(?:{s}){KEY}=')}) THEN {_split(value, s)} " for s in others
    )
    return f"CASE {cases} ELSE {_split(value, last)} END" if cases else _split(value, last)


def _split(value: str, between: str) -> str:
    begin, marked = f"(?:^|{between})({KEY})=", rf"{_MARK}\1="
    marked = f"regexp_replace({value}, {quote_text(begin)}, {quote_text(marked)}, 'g')"
    return f"string_split({marked}, {quote_text(_MARK)})[2:]"


def spread_pairs(connection: duckdb.DuckDBPyConnection, modified: datetime) -> list[str]:
    """Make every key of the pairs in the table ``records`` a column, in its type.

    Parameters
    ----------
    connection : DuckDBPyConnection
        Of the database.
    modified : datetime
        When the lines were written, for times without a year.

    Returns
    -------
    list of str
        What the user should know.
    """
    names = [name for name, *_ in connection.execute("DESCRIBE records").fetchall()]
    counted = f"SELECT split_part(unnest({ITEMS}), '=', 1) AS key, count(*) AS times FROM records"
    keys = [key for key, _ in connection.execute(f"{counted} GROUP BY key ORDER BY times DESC, key").fetchall()]
    kept = _free_names(keys[:MOST_KEYS], [name for name in names if name != MESSAGE])
    moment = moment_of(modified)
    columns = _typed(connection, moment, {name: key for key, name in kept.items() if name != MESSAGE})
    if MESSAGE in kept.values():
        columns[MESSAGE] = f"coalesce({MESSAGE}, {_value(MESSAGE)})"
    named = "".join(f", {sql} AS {quote_identifier(name)}" for name, sql in columns.items())
    left_out = ", ".join([ITEMS, *(name for name in columns if name == MESSAGE)])
    connection.execute(
        f"CREATE TEMP TABLE spread AS SELECT records.* EXCLUDE ({left_out}){named} FROM records, {moment} "
        "ORDER BY records.rowid"
    )
    connection.execute("DROP TABLE records")
    connection.execute("ALTER TABLE spread RENAME TO records")
    more = len(keys) - len(kept)
    return [f"the lines have {len(keys):,} keys; the {more:,} rarest are left out"] if more else []


def _typed(connection: duckdb.DuckDBPyConnection, moment: str, keys: dict[str, str]) -> dict[str, str]:
    """Return SQL of the value of each key in its type, by name; text where the type does not fit all of its values."""
    if not keys:
        return {}
    connection.execute(
        f"CREATE TEMP TABLE first_items AS SELECT key, [unnest(min_by(item, place, {SAMPLED}))] AS {ITEMS} FROM "
        f"(SELECT rowid AS place, unnest({ITEMS}) AS item, split_part(item, '=', 1) AS key FROM records) GROUP BY key"
    )
    values = {name: _value(key) for name, key in keys.items()}
    typed = {
        name: typed_sql(connection, value, f"(FROM first_items WHERE key = {quote_text(keys[name])})")
        for name, value in values.items()
    }
    connection.execute("DROP TABLE first_items")
    known = ", ".join(f"count(nullif({value}, '-')) = count({typed[name]})" for name, value in values.items())
    fits = connection.execute(f"SELECT {known} FROM records, {moment}").fetchall()[0]
    return {name: typed[name] if fit else values[name] for name, fit in zip(values, fits, strict=True)}


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
    value = f"rtrim(substr({item}, {len(key) + 2}), ',;|&^ ')"
    unquoted = rf"regexp_replace({value}, '^(?:\"((?s:.*))\"|''((?s:.*))'')$', '\1\2')"
    return rf"nullif(regexp_replace({unquoted}, '\\([\"=|\\\]])', '\1', 'g'), '')"
