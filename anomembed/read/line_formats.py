"""The known formats of log lines; a format is one row of `FORMATS`.

Patterns are regular expressions with named groups, for RE2, which takes linear time.
"""

import re
from pathlib import Path
from typing import NamedTuple

LINE, FILE, MESSAGE = "line", "file", "message"
AUTO, PLAIN = "auto", "plain"
LOG_NAME = re.compile(r"\.log([.\-][\d.\-]*|[.\d]*[*?\[].*)?$", re.IGNORECASE)  # rotated ones, and globs of them, too

_LEVEL = "TRACE|DEBUG|INFO|NOTICE|WARN|WARNING|ERROR|SEVERE|CRITICAL|FATAL"
_PROGRAM = r"(?P<host>\S+) (?P<program>[^\s:\[]+)(?:\[(?P<pid>\d+)\])?: ?(?P<message>.*)$"


class KnownFormat(NamedTuple):
    """A format that lines can be recognised by."""

    pattern: str
    """Regular expression; each named group becomes a column."""
    example: str
    """A line in this format."""
    times: tuple[str, ...] = ()
    """How DuckDB's ``strptime`` reads its times, where they are not ISO."""


YEARLESS = "%b %d %H:%M:%S"  # of syslog; the year follows from when the file was last written
FORMATS: dict[str, KnownFormat] = {
    "syslog": KnownFormat(
        rf"^(?:<\d+>)?(?P<time>[A-Z][a-z][a-z] [ \d]\d \d\d:\d\d:\d\d) {_PROGRAM}",
        "Dec 10 07:28:39 host sshd[24275]: Failed password for root from 112.95.230.3 port 46577",
    ),
    "syslog-iso": KnownFormat(
        rf"^(?:<\d+>\d* ?)?(?P<time>\d{{4}}-\d\d-\d\dT\d\d:\d\d:\d\d\S*) {_PROGRAM}",
        "2024-05-01T09:30:00.5+02:00 host cron[7]: job 12 done",
    ),
    "combined": KnownFormat(
        r'^(?P<client>\S+) \S+ (?P<user>\S+) \[(?P<time>[^\]]+)\] "(?P<method>[A-Z]+) (?P<path>[^ ?"]*)'
        r'(?:\?(?P<query>[^ "]*))?(?: (?P<protocol>[^"]*))?" (?P<status>\d{3}) (?P<bytes>\d+|-)'
        r'(?: "(?P<referrer>[^"]*)" "(?P<agent>[^"]*)")?',
        '10.0.0.7 - bob [04/Dec/2005:04:47:44 +0100] "GET /a/b?x=1 HTTP/1.1" 404 - "-" "curl/8"',
        ("%d/%b/%Y:%H:%M:%S %z",),
    ),
    "apache-error": KnownFormat(
        r"^\[(?P<time>[A-Z][a-z]{2} [A-Z][a-z]{2} +\d+ [\d:.]+ \d{4})\] \[(?:(?P<module>\w+):)?"
        r"(?P<level>\w+)\](?: \[pid (?P<pid>\d+)[^\]]*\])?(?: \[client (?P<client>[^\]\s]+)\])? ?(?P<message>.*)$",
        "[Sun Dec 04 04:47:44 2005] [error] [client 10.0.0.7] File does not exist: /x",
        ("%a %b %d %H:%M:%S %Y", "%a %b %d %H:%M:%S.%f %Y"),
    ),
    "python": KnownFormat(
        r"^(?P<time>\d{4}-\d\d-\d\d \d\d:\d\d:\d\d,\d+) - (?P<logger>\S+) - "
        rf"(?P<level>{_LEVEL}) - (?P<message>.*)$",
        "2024-05-01 09:30:00,123 - app.db - ERROR - lost it",
        ("%Y-%m-%d %H:%M:%S,%g",),
    ),
    "log4j": KnownFormat(
        rf"^\[?(?P<time>\d[\d/\-]+[ T][\d:]+(?:[.,]\d+)?)\]?(?: (?P<pid>\d+))?(?: -)? +\[?(?P<level>{_LEVEL})\]? +"
        r"(?:\[(?P<thread>[^\]]*)\]:?)?(?: *(?P<logger>[\w.$\-]+):| +-)? ?(?P<message>.*)$",
        "2015-10-18 18:01:53,885 INFO [main] org.apache.hadoop.Job: started 3",
        ("%Y-%m-%d %H:%M:%S,%g", "%Y-%m-%d %H:%M:%S.%f", "%Y-%m-%dT%H:%M:%S,%g", "%y/%m/%d %H:%M:%S"),
    ),
}
"""Known formats by name; when several fit the first lines equally well, the first one is chosen."""


def time_formats() -> list[str]:
    """Return the time formats of all known formats, which are tried before those that fit; see `times`."""
    return list(dict.fromkeys(form for known in FORMATS.values() for form in known.times))


def is_log(path: str) -> bool:
    """Tell whether a file's name, without the ending of a compression, is that of a log."""
    return LOG_NAME.search(Path(path).name.removesuffix(".gz").removesuffix(".zst")) is not None
