"""Where a value that nearly every record has for itself belongs: columns such as ``domain of sender``.

An address, a link or a path of its own says nothing of other records, but the domain, the network or the folder that it
is in does, as they have the others in them. Parts of a path that have a digit are taken for names of their own.
"""

import re
from collections.abc import Collection, Iterable, Iterator
from typing import TYPE_CHECKING, NamedTuple

from anomembed.read.added_column import AddedColumn
from anomembed.read.quoting import quote_identifier

if TYPE_CHECKING:
    from anomembed.read.roles.assigned import ColumnRole
    from anomembed.read.table import Table

MOST_COLUMNS = 16  # columns of a table that are looked at
SAMPLED = 5_000  # records that tell what a column holds
LEAST_RECORDS, LEAST_LIKE = 50, 0.95  # known values, and the share of them that must be alike
LEAST_OWN = 0.2  # share of values of their own
MOST_PLACES = 0.1  # different places for each different value: else they say as little

_SCHEME = r"^[A-Za-z][A-Za-z0-9+.\-]*://"
_PATH = rf"regexp_replace(regexp_replace({{0}}, '{_SCHEME}[^/?#]*', ''), '[?#].*$', '')"
_MASKED = rf"regexp_replace({_PATH}, '[^/\\]*\d[^/\\.]*', '*', 'g')"


class Place(NamedTuple):
    """A kind of place."""

    like: re.Pattern[str]
    """Values that are in one."""
    sql: str
    """What reads it from a text, `{0}`."""


ADDRESS = re.compile(r"[^@\s]+@[\w\-]+(\.[\w\-]+)+")
LINK = re.compile(rf"{_SCHEME}[^\s/?#]+\S*")
PATH = re.compile(rf"{_SCHEME}[^\s/?#]+/\S*|/[^/\s]+/[^\s]*|[A-Za-z]:\\.+|\\\\[^\\]+\\.+")
IP = re.compile(r"\d{1,3}(\.\d{1,3}){3}(:\d+)?|[0-9a-fA-F]{1,4}:[0-9a-fA-F]{1,4}:[0-9a-fA-F:]+")

PLACES = {
    "domain": Place(ADDRESS, "lower(regexp_extract({0}, '@([^@\\s]+)$', 1))"),
    "host": Place(LINK, f"lower(regexp_extract({{0}}, '{_SCHEME}([^/?#]+)', 1))"),
    "network": Place(IP, r"regexp_extract({0}, '^(\d+\.\d+|[0-9a-fA-F]+:[0-9a-fA-F]+)')"),
    "path": Place(PATH, _MASKED),
    "folder": Place(PATH, rf"regexp_replace({_MASKED}, '[^/\\.]*(\.[A-Za-z0-9]{{{{1,5}}}})?$', '*\1')"),
}
"""By what the place is called; a folder is only looked for where paths say nothing."""
INSTEAD = {"folder": "path"}
NAME = re.compile(rf"({'|'.join(PLACES)}) of (.+)", re.DOTALL | re.IGNORECASE)


def find_places(table: "Table", columns: "Iterable[ColumnRole]", named: Collection[str] = ()) -> Iterator[AddedColumn]:
    """Return where the values of columns belong, of those that are addresses, links or paths of their own.

    Parameters
    ----------
    table : Table
        The open table.
    columns : iterable of ColumnRole
        Its columns of names and codes, also of those of which nearly every record has its own.
    named : collection of str
        Such columns that are wanted besides: their names in small letters.
    """
    texts = [column.name for column in columns if _is_text(column)][:MOST_COLUMNS]
    found = list(_telling(table, texts)) if texts else []
    for column in table.columns:
        for kind, place in PLACES.items():
            name = f"{kind} of {column.name}"
            if (column.name, kind) in found or name.casefold() in named:
                yield AddedColumn(name, _sql(place, column.expression))


def are_places(names: Iterable[str]) -> set[str]:
    """Return the columns that are where values of others belong, by their names."""
    return {name for name in names if NAME.fullmatch(name)}


def _is_text(column: "ColumnRole") -> bool:
    return column.type == "VARCHAR" and column.written is None and column.expression == quote_identifier(column.name)


def _sql(place: Place, expression: str) -> str:
    return f"nullif({place.sql.format(f'trim(CAST({expression} AS VARCHAR))')}, '')"


def _telling(table: "Table", names: list[str]) -> Iterator[tuple[str, str]]:
    """Yield the columns of which it tells something where their values belong, and how that is called."""
    sampled = table.some_rows({name: f"trim({quote_identifier(name)})" for name in names}, SAMPLED)
    like = [(name, kind) for name in names for kind in kinds_of(sampled[name].drop_nulls().to_list())]
    if not like:
        return
    counted = [f"count(DISTINCT {_sql(PLACES[kind], quote_identifier(name))})" for name, kind in like]
    totals = [f"count(DISTINCT {quote_identifier(name)})" for name, _ in like]
    counts = table.aggregate([*counted, *totals])
    told: set[tuple[str, str]] = set()
    for (name, kind), n_places, n_values in zip(like, counts, counts[len(like) :], strict=False):
        if 1 < n_places <= MOST_PLACES * n_values and (name, INSTEAD.get(kind)) not in told:
            told.add((name, kind))
            yield name, kind


def kinds_of(texts: list[str]) -> list[str]:
    """Return the kinds of places that texts of their own are in.

    Examples
    --------
    >>> kinds_of([f"u{at}@example.com" for at in range(60)]), kinds_of(["a@example.com"] * 60)
    (['domain'], [])
    >>> kinds_of([f"https://example.com/a/{at}" for at in range(60)]), kinds_of([f"a/{at}" for at in range(60)])
    (['host', 'path', 'folder'], [])
    """
    if len(texts) < LEAST_RECORDS or len(set(texts)) < LEAST_OWN * len(texts):
        return []
    least = LEAST_LIKE * len(texts)
    likes = {place.like for place in PLACES.values()}
    matching = {like for like in likes if sum(like.fullmatch(text) is not None for text in texts) >= least}
    return [kind for kind, place in PLACES.items() if place.like in matching]
