"""Join lines that continue a record, such as the frames of a stack trace, to the line that begins it.

A line continues the record before it when it is not in the format, does not begin like a record (with a time, say), and
is near an indented line or one of a stack trace, or near a line that is left open. Lines that are merely not in the
format stay records of their own: they may be damaged, or of another program.
"""

import duckdb

from anomembed.read.lines.cleaning import ASIDE
from anomembed.read.lines.formats import LEVEL, LINE
from anomembed.read.quoting import quote_text

NEAR = 8  # lines
MOST_JOINED = 4_000  # characters that a record keeps of the lines that continue it
MOST_HELD = 1 << 20  # bytes of the last record of a block that wait for the next block
MANY_INDENTED = 0.5  # share of lines of no known format above which indentation is their layout

_BEGINS = (
    r"^[\[<(\"']?\d{1,4}[\-/.]\d{1,2}[\-/.]\d{1,4}[T ,;|\])]",  # a date
    r"^[\[(]?\d\d:\d\d:\d\d",
    r"^[\[(]?[A-Z][a-z]{2} +\d{1,2} +\d\d:\d\d",
    r"^[\[(]?(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun),? ",
    r"^[\[(]?\d{10}(?:\d{3})?(?:\.\d+)?[\]) ]",  # seconds since 1970
    r"^<\d+>",
    r"^\d+\.\d+\.\d+\.\d+ ",
    r'^\{"',
    rf"^\[?(?:{LEVEL})[\]: ]",
)
_CALLS = (
    r"^\s*at \S.*(?:\)|:\d+)$",
    r'^\s*File "[^"]*", line \d+',
    r"^\s*(?:from )?\S+:\d+:in ",
    r"^\s*#\d+ ",
    r"^\s+\S+\.\w+:\d+",
)
_INNER = r"^\s*-+> "  # an exception inside another
_LINKS = (
    r"^(?:Caused by|Suppressed): ",
    _INNER,
    r"^\s*\.\.\. \d+ (?:more|common|lines)",
    r"^Traceback \(most recent call last\)",
    r"^(?:During handling of the above|The above) exception",
    r"^goroutine \d+ \[",
    r"^Stack trace:$",
    r"^[)\]}]+[,;]?$",
)
_FUNCTION = r"^[\w./*()$\-]+\(.*\)$"
_LEFT_OPEN = r"[:,(\[{=]\s*$"
_EXCEPTION = r"^[\w.$:]*(?:Error|Exception|Throwable|Interrupt|Exit)\b(?:$|:)"


def _matches(*patterns: str) -> str:
    return f"regexp_matches(text, {quote_text('|'.join(patterns))})"


def matches_trace(*patterns: str) -> str:
    """Return SQL that tells whether ``text`` is a line of a stack trace, or matches one of `patterns`."""
    return _matches(*patterns, *_CALLS, *_LINKS)


INDENTED = r"^\s+\S"
IS_IN = "parts.line_ <> ''"


class Joining:
    """Which lines continue a record.

    Parameters
    ----------
    is_plain : bool
        Whether the lines are in no known format; then only those that are indented or of a stack trace do.
    """

    def __init__(self, *, is_plain: bool) -> None:
        self._is_plain = is_plain
        self._trace = matches_trace(INDENTED)

    def look(self, connection: duckdb.DuckDBPyConnection) -> None:
        """See whether most of the first lines, in the table ``cut``, are indented, so that it means nothing."""
        indented = f"{_matches(INDENTED)} AND NOT {matches_trace()}"
        counted = f"SELECT count_if({indented}) > {MANY_INDENTED} * count_if(text <> '') FROM cut"
        if self._is_plain and connection.execute(counted).fetchall()[0][0]:
            self._trace = matches_trace()

    def join(self, connection: duckdb.DuckDBPyConnection) -> int:
        """Join the lines of the table ``cut`` into the table ``joined``, whose column ``more`` has what was joined.

        Returns
        -------
        int
            How many lines were joined to others.
        """
        continuing = self._trace if self._is_plain else f"NOT ({IS_IN})"
        if not connection.execute(f"SELECT count(*) FROM (FROM cut WHERE {continuing} LIMIT 1)").fetchall()[0][0]:
            connection.execute("CREATE OR REPLACE TEMP TABLE joined AS SELECT *, '' AS more FROM cut")
            return 0
        connection.execute(f"CREATE OR REPLACE TEMP TABLE continuing AS {self._continuing()}")
        connection.execute(f"CREATE OR REPLACE TEMP TABLE joined AS {_JOINED}")
        return int(connection.execute("SELECT count(*) FROM continuing").fetchall()[0][0])

    def last_record(self, connection: duckdb.DuckDBPyConnection) -> int | None:
        """Return the number of the last line in ``cut`` that surely begins a record; None without one."""
        begins = f"NOT {self._trace} AND NOT {_matches(_EXCEPTION)}" if self._is_plain else IS_IN
        last: int | None = connection.execute(f"SELECT max({LINE}) FROM cut WHERE {begins}").fetchall()[0][0]
        return last

    def _continuing(self) -> str:
        """Return SQL of the lines in ``cut`` that continue a record, each with the line that begins it."""
        ends_trace = f"({_matches(_EXCEPTION)} AND lag({self._trace}, 1, false) OVER (ORDER BY {LINE}))"
        is_loose = f"{self._trace} OR {ends_trace}" if self._is_plain else f"NOT ({IS_IN}) AND NOT {_matches(*_BEGINS)}"
        is_open = "false" if self._is_plain else f"{IS_IN} AND {_matches(_LEFT_OPEN)}"
        has_record = "run > 0" if self._is_plain else "n_in > 0"
        near = f"OVER (PARTITION BY run ORDER BY {LINE} ROWS BETWEEN {NEAR} PRECEDING AND {NEAR} FOLLOWING)"
        # Windows sort what they select, so they see no more than they need.
        return f"""WITH
            looked_at AS (SELECT {LINE}, {is_loose} AS is_loose, {IS_IN} AS is_in, {is_open} AS is_open FROM cut),
            runs AS (SELECT *, count_if(NOT is_loose) OVER (ORDER BY {LINE}) AS run,
                count_if(is_in) OVER (ORDER BY {LINE}) AS n_in FROM looked_at),
            near AS (SELECT runs.*, is_open OR (is_loose AND {self._trace}) AS is_evidence
                FROM runs JOIN cut USING ({LINE})),
            found AS (SELECT *, is_loose AND {has_record} AND bool_or(is_evidence) {near} AS is_more FROM near),
            owned AS (SELECT {LINE}, is_more, max({LINE}) FILTER (WHERE NOT is_more) OVER (ORDER BY {LINE}) AS owner
                FROM found)
            SELECT owner, {LINE}, text,
                bool_or({_matches(*_CALLS)}) OVER (PARTITION BY owner) AND {_IS_ASIDE} AS is_aside
            FROM owned JOIN cut USING ({LINE}) WHERE is_more"""


def _texts(which: str, begin: str) -> str:
    """Return SQL of some of the lines that continue a record; empty when there are none."""
    condition = f"{which} AND trim(text) <> ''"
    texts = f"left(string_agg(text, chr(10) ORDER BY {LINE}) FILTER (WHERE {condition}), {MOST_JOINED})"
    return f"coalesce({quote_text(begin)} || chr(10) || {texts}, '')"


_IS_ASIDE = f"{_matches(INDENTED, *_CALLS, _FUNCTION)} AND NOT {_matches(_INNER)}"
_JOINED = f"""SELECT cut.*, coalesce(texts.more, '') AS more
    FROM cut ANTI JOIN continuing USING ({LINE}) LEFT JOIN (
        SELECT owner, {_texts("NOT is_aside", "")} || {_texts("is_aside", ASIDE)} AS more FROM continuing GROUP BY owner
    ) AS texts ON texts.owner = cut.{LINE}"""
