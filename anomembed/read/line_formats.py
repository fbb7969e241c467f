"""What lines of text are made of: regular expressions with named groups, for RE2, which takes linear time."""

import re
from dataclasses import dataclass
from pathlib import Path

import duckdb

from anomembed.errors import ConfigError, nearest_name
from anomembed.read.quoting import quote_text

LINE, FILE, MESSAGE = "line", "file", "message"
AUTO, PLAIN = "auto", "plain"
LOG_NAME = re.compile(r"\.log([.\-][\d.\-]*|[.\d]*[*?\[].*)?$", re.IGNORECASE)  # rotated ones, and globs of them, too

_LEVEL = "TRACE|DEBUG|INFO|NOTICE|WARN|WARNING|ERROR|SEVERE|CRITICAL|FATAL"
_PROGRAM = r"(?P<host>\S+) (?P<program>[^\s:\[]+)(?:\[(?P<pid>\d+)\])?: ?(?P<message>.*)$"
FORMATS = {
    "syslog": rf"^(?:<\d+>)?(?P<time>[A-Z][a-z][a-z] [ \d]\d \d\d:\d\d:\d\d) {_PROGRAM}",
    "syslog-iso": rf"^(?:<\d+>\d* ?)?(?P<time>\d{{4}}-\d\d-\d\dT\d\d:\d\d:\d\d\S*) {_PROGRAM}",
    "combined": r'^(?P<client>\S+) \S+ (?P<user>\S+) \[(?P<time>[^\]]+)\] "(?P<method>[A-Z]+) (?P<path>[^ ?"]*)'
    r'(?:\?(?P<query>[^ "]*))?(?: (?P<protocol>[^"]*))?" (?P<status>\d{3}) (?P<bytes>\d+|-)'
    r'(?: "(?P<referrer>[^"]*)" "(?P<agent>[^"]*)")?',
    "apache-error": r"^\[(?P<time>[A-Z][a-z]{2} [A-Z][a-z]{2} +\d+ [\d:.]+ \d{4})\] \[(?:(?P<module>\w+):)?"
    r"(?P<level>\w+)\](?: \[pid (?P<pid>\d+)[^\]]*\])?(?: \[client (?P<client>[^\]\s]+)\])? ?(?P<message>.*)$",
    "python": r"^(?P<time>\d{4}-\d\d-\d\d \d\d:\d\d:\d\d,\d+) - (?P<logger>\S+) - "
    rf"(?P<level>{_LEVEL}) - (?P<message>.*)$",
    "log4j": rf"^\[?(?P<time>\d[\d/\-]+[ T][\d:]+(?:[.,]\d+)?)\]?(?: (?P<pid>\d+))?(?: -)? +\[?(?P<level>{_LEVEL})\]? +"
    r"(?:\[(?P<thread>[^\]]*)\]:?)?(?: *(?P<logger>[\w.$\-]+):| +-)? ?(?P<message>.*)$",
}
"""Known formats; of several that fit the first lines alike, the first is taken."""

# Of a time without a year, the year follows from when the file was last written.
YEARLESS = "%b %d %H:%M:%S"
TIMES = (
    "%d/%b/%Y:%H:%M:%S %z",
    "%Y-%m-%d %H:%M:%S,%g",
    "%Y-%m-%d %H:%M:%S.%f",
    "%Y-%m-%dT%H:%M:%S,%g",
    "%a %b %d %H:%M:%S %Y",
    "%a %b %d %H:%M:%S.%f %Y",
    "%y/%m/%d %H:%M:%S",
    "%Y/%m/%d %H:%M:%S",
    "%y%m%d %H%M%S",
    "%Y-%m-%d-%H.%M.%S.%f",
)


@dataclass(frozen=True)
class LineFormat:
    """How a line is taken apart.

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


def make_format(said: str) -> LineFormat:
    """Return the known format of a name, or the one that a regular expression with named groups describes.

    Raises
    ------
    ConfigError
        When it is neither.
    """
    if said == PLAIN:
        return LineFormat(PLAIN, rf"^(?P<{MESSAGE}>.*)$", {MESSAGE: 1}, 1)
    pattern = FORMATS.get(said, said)
    if said not in FORMATS and "(" not in said:
        raise ConfigError(f"unknown line format {said}{nearest_name(said, [AUTO, PLAIN, *FORMATS])}")
    pattern = re.sub(r"\(\?<([A-Za-z_])", r"(?P<\1", pattern)
    try:
        compiled = re.compile(pattern)  # tells the numbers of the groups; it is never run
        with duckdb.connect(":memory:") as connection:
            connection.execute(f"SELECT regexp_matches('', {quote_text(pattern)})").fetchall()
    except (re.error, RecursionError, OverflowError, duckdb.Error) as error:
        first = str(error).splitlines()[0]
        raise ConfigError(f"the line format {_short(said)} is no regular expression of RE2: {first}") from error
    groups = dict(compiled.groupindex)
    if not groups:
        raise ConfigError(f"the line format {_short(said)} has no named group such as (?P<message>.*)")
    taken = {LINE, FILE} & {name.casefold() for name in groups}
    if taken or len({name.casefold() for name in groups}) < len(groups):
        raise ConfigError(f"groups of a line format must have different names, and none is called {LINE} or {FILE}")
    return LineFormat(said if said in FORMATS else "given", pattern, groups, compiled.groups)


def _short(text: str) -> str:
    return repr(text if len(text) <= 60 else text[:57] + "...")


def is_log(path: str) -> bool:
    """Tell whether a file's name, without the ending of a compression, is that of a log."""
    return LOG_NAME.search(Path(path).name.removesuffix(".gz").removesuffix(".zst")) is not None
