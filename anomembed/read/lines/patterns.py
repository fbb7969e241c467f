"""Check the line format that a user names or writes."""

import re
from dataclasses import dataclass
from functools import cache

import duckdb

from anomembed.errors import ConfigError, nearest_name
from anomembed.read.lines.formats import AUTO, FILE, FORMATS, LINE, MESSAGE, PLAIN
from anomembed.read.quoting import quote_text

LONGEST_SHOWN = 60  # characters of a regular expression in a message


@dataclass(frozen=True)
class LineFormat:
    """A checked format of lines.

    Parameters
    ----------
    name : str
        What to call it.
    pattern : str
        A regular expression.
    groups : dict of str to int
        Its named groups and their numbers, from 1.
    n_groups : int
        All of its groups.
    """

    name: str
    pattern: str
    groups: dict[str, int]
    n_groups: int


def make_format(given: str) -> LineFormat:
    """Return the known format of a name, or the one that a regular expression with named groups describes.

    Raises
    ------
    ConfigError
        When it is neither.
    """
    if given == PLAIN:
        return LineFormat(PLAIN, rf"^(?P<{MESSAGE}>.*)$", {MESSAGE: 1}, 1)
    if given not in FORMATS and "(" not in given:
        raise ConfigError(f"unknown line format {given}{nearest_name(given, [AUTO, PLAIN, *FORMATS])}")
    pattern = FORMATS[given].pattern if given in FORMATS else re.sub(r"\(\?<([A-Za-z_])", r"(?P<\1", given)
    compiled = _compiled(given, pattern)
    groups = dict(compiled.groupindex)
    _check_groups(given, groups)
    return LineFormat(given if given in FORMATS else "given", pattern, groups, compiled.groups)


@cache
def _compiled(given: str, pattern: str) -> re.Pattern[str]:
    """Compile for the numbers of the groups; DuckDB alone ever runs the pattern."""
    try:
        compiled = re.compile(pattern)
        with duckdb.connect(":memory:") as connection:
            connection.execute(f"SELECT regexp_matches('', {quote_text(pattern)})").fetchall()
    except (re.error, RecursionError, OverflowError, duckdb.Error) as error:
        first = str(error).splitlines()[0]
        raise ConfigError(f"the line format {_short(given)} is not a regular expression of RE2: {first}") from error
    return compiled


def _check_groups(given: str, groups: dict[str, int]) -> None:
    """Refuse groups that cannot be columns, or none."""
    if not groups:
        raise ConfigError(f"the line format {_short(given)} has no named group such as (?P<message>.*)")
    folded = {name.casefold() for name in groups}
    if folded & {LINE, FILE} or len(folded) < len(groups):
        raise ConfigError(f"groups of a line format need different names, none of them {LINE} or {FILE}")


def _short(text: str) -> str:
    return repr(text if len(text) <= LONGEST_SHOWN else text[: LONGEST_SHOWN - 3] + "...")
