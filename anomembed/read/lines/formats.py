"""The known formats of log lines; a format is one row of `FORMATS`.

Patterns are regular expressions with named groups, for RE2, which takes linear time.
"""

import re
from pathlib import Path
from typing import NamedTuple

LINE, FILE, MESSAGE = "line", "file", "message"
PAIRS, SPACED_PAIRS, JOINED_PAIRS, TABBED_PAIRS = "pairs", "spaced_pairs", "joined_pairs", "tabbed_pairs"
"""Groups of key=value pairs: blanks between them; blanks in values, too; other signs between them; tabs, mostly."""
AUTO, PLAIN = "auto", "plain"
BOM = chr(0xFEFF)
COMPRESSED = (".gz", ".zst", ".bz2", ".xz")
LOG_NAME = re.compile(r"\.log([.\-][\d.\-]*|[.\d]*[*?\[].*)?$", re.IGNORECASE)  # rotated ones, and globs of them, too

LEVEL = (
    "TRACE|VERBOSE|DEBUG|FINEST|FINER|FINE|CONFIG|INFORMATION|INFO|NOTICE|WARN|WARNING|ERROR|ERR|SEVERE|CRITICAL|CRIT|"
    "ALERT|EMERG|PANIC|FATAL|VRB|DBG|INF|WRN|FTL"
)
_ISO = r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(?:[.,]\d+)?"
_ZONE = r"(?: ?(?:Z|UTC|GMT|[+\-]\d\d:?\d\d))?"
_BSD = r"[A-Z][a-z][a-z] [ \d]\d \d\d:\d\d:\d\d(?:\.\d+)?"
_NAMED = r"\d\d[\-/][A-Z][a-z]{2}[\-/]\d{4}[ :]\d\d:\d\d:\d\d(?:\.\d+)?(?: [+\-]\d{4})?"
_ANY_TIME = rf"(?:\d{{4}}[\-/.]\d\d[\-/.]\d\d[T ]\d\d:\d\d:\d\d(?:[.,]\d+)?{_ZONE}|{_BSD}|{_NAMED})"
_MONTH = r"(?i:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]*\.?"
_DATE = (
    rf"(?:\d{{1,2}}[/.\-]\d{{1,2}}[/.\-](?:\d{{4}}|\d\d)|\d{{1,2}}[\-/. ]{_MONTH}[\-/. ,]+\d{{2,4}}"
    rf"|{_MONTH} \d{{1,2}},? \d{{4}}"
    r"|\d{4}[\-/.]\d\d[\-/.]\d\d|(?:19|20)\d{6})"
)
_CLOCK = rf"\d{{1,2}}:\d\d(?::\d\d(?:[.,]\d{{1,9}})?)?(?: ?(?i:[ap]m))?{_ZONE}"
_WEEKDAY = r"(?:(?i:mon|tue|wed|thu|fri|sat|sun)[a-z]*,? )?"
_LOCAL_TIME = (
    rf"(?:{_WEEKDAY}{_DATE}(?:,? |T|:|,? at ){_CLOCK}"
    rf"|{_WEEKDAY}{_MONTH} [ \d]?\d \d\d:\d\d:\d\d(?: [A-Z]{{3,4}})? \d{{4}}"
    r"|(?:19|20)\d{6}[ T\-]?\d{6}Z?|1\d{9}(?:\.\d{1,9}|\d{3}|\d{6})?)"
)
_PROGRAM = r"(?P<host>\S+) (?P<program>[^\s:\[]+)(?:\[(?P<pid>\d+)\])?: ?(?P<message>.*)$"
_REQUEST = r'(?P<method>[A-Z]+) (?P<path>[^ ?"]*)(?:\?(?P<query>[^ "]*))?(?: (?P<protocol>[^"]*))?'
_FIELD = r"(?:[^|\\]|\\.)*"
_SENDER = rf"^(?:\d+ )?(?:<\d+>\d* ?)?(?:(?P<time>{_BSD}|{_ISO}{_ZONE}) (?P<host>\S+) )?(?:[^|]* )?"
KEY = r"[A-Za-z_@][\w.\-/@\[\]]*"
QUOTED = r'"(?:[^"\\]|\\.)*"'
VALUE = rf"(?:{QUOTED}|'(?:[^'\\]|\\.)*'|[^\s\"]*)"
_PAIRS = rf"(?P<{PAIRS}>(?:{KEY}={VALUE}(?:[,;]?\s+|[,;]*$)){{2,}})$"
_JOINED = rf"(?P<{JOINED_PAIRS}>{KEY}=[^|;&,]*(?:[|;&,]\s*{KEY}=[^|;&,]*)+[|;&,]?)$"


class KnownFormat(NamedTuple):
    """A format that lines can be recognised by."""

    pattern: str
    """Regular expression; each named group becomes a column, and each key of the groups `PAIRS` and `SPACED_PAIRS`."""
    example: str
    """A line in this format."""
    times: tuple[str, ...] = ()
    """How DuckDB's ``strptime`` reads its times, where they are not ISO."""
    is_general: bool = False
    """Whether it is for lines that are in no other format."""
    is_of_tables: bool = False
    """Whether records of a table are in it, too, whose first field is a time."""


YEARLESS = (
    "%b %d %H:%M:%S",
    "%b %d %H:%M:%S.%f",
    "%m%d %H:%M:%S.%f",
)  # the year follows from when the file was written
FORMATS: dict[str, KnownFormat] = {
    "haproxy": KnownFormat(
        rf"^(?:<\d+>)?(?:{_BSD}|\S+) (?P<host>\S+) haproxy\[\d+\]: (?P<client>\S+):\d+ \[(?P<time>[^\]]+)\] "
        r"(?P<frontend>\S+) (?P<backend>[^\s/]+)/(?P<server>\S+) [\-\d/]*/\+?(?P<duration>-?\d+) (?P<status>-?\d+) "
        rf'\+?(?P<bytes>\d+) \S+ \S+ (?P<termination>\S+) \S+ \S+ (?:\{{[^}}]*\}} )*"(?:{_REQUEST}|[^"]*)"?$',
        "Feb  6 12:14:14 lb haproxy[14389]: 10.0.1.2:33317 [06/Feb/2009:12:14:14.655] web app/srv1 10/0/30/69/109 200 "
        '2750 - - ---- 1/1/1/1/0 0/0 {1wt.eu} {} "GET /index.html?a=1 HTTP/1.1"',
        ("%d/%b/%Y:%H:%M:%S.%g",),
    ),
    "cef": KnownFormat(
        rf"{_SENDER}CEF: ?\d[\d.]*\|(?P<vendor>{_FIELD})\|(?P<product>{_FIELD})\|(?P<version>{_FIELD})\|"
        rf"(?P<signature>{_FIELD})\|(?P<name>{_FIELD})\|(?P<severity>{_FIELD})\|(?P<{SPACED_PAIRS}>.*)$",
        "Sep 19 08:26:10 host CEF:0|Acme|Gate|1.0|100|worm stopped|10|src=10.0.0.1 msg=no way in dpt=22",
    ),
    "leef": KnownFormat(
        rf"{_SENDER}LEEF: ?\d[\d.]*\|(?P<vendor>{_FIELD})\|(?P<product>{_FIELD})\|(?P<version>{_FIELD})\|"
        rf"(?P<event>{_FIELD})\|(?:[^|=]{{1,4}}\|)?(?P<{TABBED_PAIRS}>.*)$",
        "Sep 19 08:26:10 host LEEF:1.0|Acme|Gate|1.0|login|src=10.0.0.1\tusrName=ann lee\tsev=5",
    ),
    "rfc5424": KnownFormat(
        rf"^(?:\d+ )?<(?P<priority>\d+)>\d+ (?P<time>{_ISO}{_ZONE}|-) (?P<host>\S+) (?P<program>\S+) "
        rf'(?P<pid>\S+) (?P<msgid>\S+) (?:-|(?P<{PAIRS}>(?:\[(?:[^\]"]|{QUOTED})*\])+))(?: {BOM}?(?P<message>.*))?$',
        '<165>1 2003-10-11T22:14:15.003Z host app 12 ID47 [x@32473 iut="3" source="a \\"b\\""] it began',
    ),
    "netfilter": KnownFormat(
        rf"^(?:<\d+>)?(?P<time>{_BSD}|{_ISO}{_ZONE}) (?P<host>\S+) kernel: (?:\[ *[\d.]+\] ?)?(?P<message>[^=]*?) ?"
        rf"(?P<{PAIRS}>IN=\S* (?:PHYS\S+ )*OUT=.*)$",
        "Dec 10 07:28:39 gate kernel: [  12.345678] [UFW BLOCK] IN=eth0 OUT= SRC=192.0.2.7 DST=10.0.0.1 DPT=23 SYN",
    ),
    "syslog": KnownFormat(
        rf"^(?:<\d+>)?(?P<time>{_BSD}) {_PROGRAM}",
        "Dec 10 07:28:39 host sshd[24275]: Failed password for root from 112.95.230.3 port 46577",
    ),
    "syslog-iso": KnownFormat(
        rf"^(?:<\d+>\d* ?)?(?P<time>\d{{4}}-\d\d-\d\dT\d\d:\d\d:\d\d\S*) {_PROGRAM}",
        "2024-05-01T09:30:00.5+02:00 host cron[7]: job 12 done",
    ),
    "combined": KnownFormat(
        rf'^(?P<client>\S+) \S+ (?P<user>\S+) \[(?P<time>[^\]]+)\] "{_REQUEST}" (?P<status>\d{{3}}) (?P<bytes>\d+|-)'
        r'(?: "(?P<referrer>[^"]*)" "(?P<agent>[^"]*)")?',
        '10.0.0.7 - bob [04/Dec/2005:04:47:44 +0100] "GET /a/b?x=1 HTTP/1.1" 404 - "-" "curl/8"',
        ("%d/%b/%Y:%H:%M:%S %z",),
    ),
    "combined-vhost": KnownFormat(
        rf'^(?P<vhost>\S+) (?P<client>\S+) \S+ (?P<user>\S+) \[(?P<time>[^\]]+)\] "{_REQUEST}" (?P<status>\d{{3}}) '
        r'(?P<bytes>\d+|-)(?: "(?P<referrer>[^"]*)" "(?P<agent>[^"]*)")?',
        'a.org:80 10.0.0.7 - bob [04/Dec/2005:04:47:44 +0100] "GET /a/b?x=1 HTTP/1.1" 404 - "-" "curl/8"',
        ("%d/%b/%Y:%H:%M:%S %z",),
    ),
    "elb": KnownFormat(
        rf"^(?P<type>https?|h2|grpcs?|wss?) (?P<time>{_ISO}Z) (?P<balancer>\S+) (?P<client>\S+):\d+ "
        r"(?P<target>[^\s:]+)(?::\d+)? (?P<request_seconds>-?[\d.]+) (?P<target_seconds>-?[\d.]+) "
        r"(?P<response_seconds>-?[\d.]+) (?P<status>\d{3}|-) (?P<target_status>\d{3}|-) (?P<received>\d+) "
        rf'(?P<sent>\d+) "(?:{_REQUEST}|[^"]*)" "(?P<agent>[^"]*)" (?P<cipher>\S+) (?P<tls>\S+)',
        "https 2024-05-01T09:30:00.123456Z app/lb/50dc 192.0.2.7:2817 10.0.0.1:80 0.000 0.001 0.000 200 200 34 366 "
        '"GET https://a.org:443/x?a=1 HTTP/1.1" "curl/8" ECDHE TLSv1.2 arn:aws:x "Root=1-58337262" "-" "-" 0',
    ),
    "dpkg": KnownFormat(
        r"^(?P<time>\d{4}-\d\d-\d\d \d\d:\d\d:\d\d) (?P<action>startup (?:archives|packages) \S+|status|install|"
        r"upgrade|configure|trigproc|remove|purge|disappear|conffile)(?: (?P<state>not-installed|config-files|"
        r"half-installed|unpacked|half-configured|triggers-awaited|triggers-pending|installed))?"
        r"(?: (?P<package>\S+) (?P<version>\S+)(?: (?P<available>\S+))?)?$",
        "2024-05-01 09:30:00 status half-configured libc6:amd64 2.36-9+deb12u7",
    ),
    "nginx-error": KnownFormat(
        r"^(?P<time>\d{4}/\d\d/\d\d \d\d:\d\d:\d\d) \[(?P<level>\w+)\] (?P<pid>\d+)#\d+: (?:\*\d+ )?(?P<message>.*?)"
        r"(?:, client: (?P<client>[^,]*))?(?:, server: (?P<server>[^,]*))?"
        rf'(?:, request: "{_REQUEST}")?(?:, upstream: "(?P<upstream>[^"]*)")?(?:, host: "(?P<host>[^"]*)")?'
        r'(?:, referrer: "(?P<referrer>[^"]*)")?$',
        '2024/05/01 09:30:00 [error] 12#34: *56 open() "/x" failed, client: 10.0.0.7, server: a.org, request: "GET /x '
        'HTTP/1.1", host: "a.org"',
        ("%Y/%m/%d %H:%M:%S",),
    ),
    "apache-error": KnownFormat(
        r"^\[(?P<time>[A-Z][a-z]{2} [A-Z][a-z]{2} +\d+ [\d:.]+ \d{4})\] \[(?:(?P<module>\w+):)?"
        r"(?P<level>\w+)\](?: \[pid (?P<pid>\d+)[^\]]*\])?"
        r"(?: \[client (?P<client>\d+\.\d+\.\d+\.\d+|[^\]\s]+)(?::\d+)?\])? ?(?P<message>.*)$",
        "[Sun Dec 04 04:47:44 2005] [error] [client 10.0.0.7] File does not exist: /x",
        ("%a %b %d %H:%M:%S %Y", "%a %b %d %H:%M:%S.%f %Y"),
    ),
    "spring-boot": KnownFormat(
        rf"^(?P<time>{_ISO}{_ZONE}) +(?P<level>{LEVEL}) +(?:\[[^\]]*\] +)?(?P<pid>\d+) +--- +"
        r"(?:\[(?P<application>[^\]]*)\] +)?\[ *(?P<thread>[^\]]*)\] +(?:\[[^\]]*\] +)?(?P<logger>\S+) *: ?"
        r"(?P<message>.*)$",
        "2026-02-02 08:00:01.125  INFO 4711 --- [nio-8080-exec-3] o.s.web.Servlet                  : it began",
    ),
    "python": KnownFormat(
        rf"^(?P<time>\d{{4}}-\d\d-\d\d \d\d:\d\d:\d\d,\d+) - (?P<logger>\S+) - (?P<level>{LEVEL}) - (?P<message>.*)$",
        "2024-05-01 09:30:00,123 - app.db - ERROR - lost it",
    ),
    "loguru": KnownFormat(
        rf"^(?P<time>{_ISO}{_ZONE}) \| (?P<level>\w+) *\| (?P<logger>\S+) - (?P<message>.*)$",
        "2024-05-01 09:30:00.123 | ERROR    | app.db:load:12 - lost it",
    ),
    "elasticsearch": KnownFormat(
        rf"^\[(?P<time>{_ISO}{_ZONE})\]\[(?P<level>\w+) *\]\[(?P<logger>[^\]\s]*) *\](?: ?\[(?P<node>[^\]]*)\])? ?"
        r"(?P<message>.*)$",
        "[2024-05-01T09:30:00,123][INFO ][o.e.n.Node               ] [node-1] it began",
    ),
    "monolog": KnownFormat(
        rf"^\[(?P<time>{_ISO}{_ZONE})\] (?P<logger>[\w\-]+)\.(?P<level>{LEVEL}): (?P<message>.*)$",
        "[2024-05-01 09:30:00] production.ERROR: lost it",
    ),
    "mysql-error": KnownFormat(
        rf"^(?P<time>{_ISO}{_ZONE}) \d+ \[(?P<level>\w+)\](?: \[(?P<code>MY-\d+)\])?(?: \[(?P<logger>\w+)\])? ?"
        r"(?P<message>.*)$",
        "2024-05-01T09:30:00.123456Z 8 [Warning] [MY-010055] [Server] IP address could not be resolved",
    ),
    "postgresql": KnownFormat(
        rf"^(?P<time>{_ISO})(?: [A-Z]{{3,5}})? \[(?P<pid>\d+)\](?:-\d+)? (?:(?P<user>[^@\s]*)@(?P<database>\S*) )?"
        r"(?P<level>DEBUG\d?|INFO|NOTICE|WARNING|ERROR|LOG|FATAL|PANIC|DETAIL|HINT|STATEMENT|CONTEXT|QUERY): +"
        r"(?P<message>.*)$",
        "2024-05-01 09:30:00.123 UTC [1234] bob@shop ERROR:  relation does not exist",
    ),
    "tomcat": KnownFormat(
        rf"^(?P<time>\d\d-[A-Z][a-z]{{2}}-\d{{4}} [\d:.]+) (?P<level>{LEVEL}) \[(?P<thread>[^\]]*)\] "
        r"(?P<logger>[\w.$<>]+) (?P<message>.*)$",
        "01-May-2024 09:30:00.123 INFO [main] org.apache.catalina.startup.Catalina.start it began",
        ("%d-%b-%Y %H:%M:%S.%g", "%d-%b-%Y %H:%M:%S"),
    ),
    "klog": KnownFormat(
        r"^(?P<level>[IWEF])(?P<time>\d{4} \d\d:\d\d:\d\d\.\d+) +(?P<pid>\d+) (?P<logger>[^\s\]]+):\d+\] ?"
        r"(?P<message>.*)$",
        "E0501 09:30:00.123456    1234 server.go:12] lost it",
    ),
    "ruby": KnownFormat(
        rf"^[A-Z], \[(?P<time>{_ISO}) #(?P<pid>\d+)\] +(?P<level>\w+) -- (?P<program>[^:]*): ?(?P<message>.*)$",
        "E, [2024-05-01T09:30:00.123456 #1234] ERROR -- app: lost it",
    ),
    "cri": KnownFormat(
        rf"^(?P<time>{_ISO}{_ZONE}) (?P<stream>stdout|stderr) [FP] (?P<message>.*)$",
        "2024-05-01T09:30:00.123456789Z stderr F lost it",
    ),
    "timed-logfmt": KnownFormat(
        rf"^\[?(?P<time>{_ANY_TIME})\]?\s+(?:\[?(?P<level>{LEVEL})\]?\s+)?{_PAIRS}",
        '2024-05-01T09:30:00Z ERROR took=3 why="lost it"',
    ),
    "log4j": KnownFormat(
        rf"^\[?(?P<time>\d[\d/\-]+[ T][\d:]+(?:[.,]\d+)?{_ZONE})\]?(?:\s(?P<pid>\d+))?(?: -)?\s+"
        rf"\[?(?P<level>{LEVEL})\]?"
        r"\s+(?:\[(?P<thread>[^\]]*)\]:?)?(?: *(?P<logger>[\w.$\-]+(?:::[\w.$\-]+)*):| +-)? ?(?P<message>.*)$",
        "2015-10-18 18:01:53,885 INFO [main] org.apache.hadoop.Job: started 3",
        ("%Y-%m-%d %H:%M:%S,%g", "%Y-%m-%d %H:%M:%S.%f", "%Y-%m-%dT%H:%M:%S,%g", "%y/%m/%d %H:%M:%S"),
    ),
    "level-first": KnownFormat(
        rf"^\[?(?P<level>{LEVEL})\]?:?\s*[\s\[(](?P<time>{_ISO}{_ZONE})[\])]?[\s|:\-]+(?P<message>.*)$",
        "ERROR 2024-05-01 09:30:00,123 lost it",
    ),
    "python-default": KnownFormat(
        rf"^(?P<level>{LEVEL}):(?P<logger>[\w.\-]+):(?P<message>.*)$", "WARNING:app.db:lost it"
    ),
    "logfmt": KnownFormat(rf"^(?:<\d+>)?{_PAIRS}", 'ts=2024-05-01T09:30:00Z level=error took=3 msg="lost it"'),
    "joined-pairs": KnownFormat(rf"^{_JOINED}", "ts=2024-05-01T09:30:00Z;level=error;took=3;msg=lost it"),
    "levelled": KnownFormat(
        rf"^\[?(?P<time>{_ANY_TIME})(?: UTC)?\]?[\s|,;:\-]+[\[(<]?(?P<level>(?i:{LEVEL}))[\])>]?"
        r"[\s|,;:\-]+(?P<message>.*)$",
        "2024/05/01 09:30:00 | error | lost it",
        is_general=True,
    ),
    "timed": KnownFormat(
        rf"^[\[(]?(?P<time>{_ANY_TIME})(?: UTC)?[\])]?[\s|,;:\-]+(?P<message>.*)$",
        "2024/05/01 09:30:00 lost it",
        is_general=True,
    ),
    "levelled-local": KnownFormat(
        rf"^[\[(]?(?P<time>{_LOCAL_TIME})[\])]?[\s|,;:\-]+[\[(<]?(?P<level>(?i:{LEVEL}))[\])>]?[\s|,;:\-]+(?P<message>.*)$",
        "May 1, 2024 9:30 AM ERROR lost it",
        is_general=True,
        is_of_tables=True,
    ),
    "timed-local": KnownFormat(
        rf"^[\[(]?(?P<time>{_LOCAL_TIME})[\])]?[\s|,;:\-]+(?P<message>.*)$",
        "May 1, 2024 9:30 AM lost it",
        is_general=True,
        is_of_tables=True,
    ),
    "level": KnownFormat(rf"^\[?(?P<level>{LEVEL})\]?(?::| -)?\s+(?P<message>.*)$", "ERROR: lost it", is_general=True),
}
"""Known formats by name; when several fit the first lines about equally well, the first one is chosen."""


def time_formats() -> list[str]:
    """Return the time formats of all known formats, which are tried before those that fit; see `times`."""
    return list(dict.fromkeys(form for known in FORMATS.values() for form in known.times))


def is_log(path: str) -> bool:
    """Tell whether a file's name, without the ending of a compression, is that of a log."""
    name = Path(path).name
    return LOG_NAME.search(name.removesuffix(next(filter(name.endswith, COMPRESSED), ""))) is not None
