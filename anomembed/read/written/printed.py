"""Times as programs print them, with more around them than a format can say: each has a name in place of a format."""

import re
from typing import NamedTuple


class Printed(NamedTuple):
    """How some programs print a time."""

    mask: re.Pattern[str]
    """Of the text with a 9 for every digit."""
    sql: str
    """What reads a text, `{0}`, as a TIMESTAMP in UTC."""
    example: str


_ZONED = "(TRY_CAST({} AS TIMESTAMPTZ) AT TIME ZONE 'UTC')"
_DAY = "(?:mon|tue|wed|thu|fri|sat|sun) (?:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)"

PRINTED = {
    "Go": Printed(
        re.compile(r"9{4}-99-99 99:99:99(\.9{1,9})? [+-]9{4} ([a-z]{2,5}|[+-]9{2,4})( m=.*)?", re.I),
        _ZONED.format(r"regexp_replace({0}, '^(\S+ \S+) ([+-]\d\d)(\d\d) .*$', '\1\2:\3')"),
        "2026-12-31 23:59:58.123456789 +0100 CET",
    ),
    "JavaScript": Printed(
        re.compile(rf"{_DAY} 99 9999 99:99:99 GMT[+-]9999( \(.*)?", re.I),
        "(try_strptime(left({0}, 33), '%a %b %d %Y %H:%M:%S GMT%z') AT TIME ZONE 'UTC')",
        "Thu Dec 31 2026 23:59:58 GMT+0100 (CET)",
    ),
    ".NET": Printed(
        re.compile(r"\\?/Date\(-?9{1,15}([+-]9999)?\)\\?/"),
        r"make_timestamp(1000 * TRY_CAST(regexp_extract({0}, '-?\d+') AS BIGINT))",
        "/Date(1798757998123)/",
    ),
}
"""By name."""


def printed_like(mask: str) -> list[str]:
    """Return the names of the ways in which a text with this mask is printed.

    Examples
    --------
    >>> printed_like("/Date(9999999999999)/"), printed_like("9999-99-99 99:99:99 +9999 UTC"), printed_like("99")
    (['.NET'], ['Go'], [])
    """
    return [name for name, way in PRINTED.items() if way.mask.fullmatch(mask)]
