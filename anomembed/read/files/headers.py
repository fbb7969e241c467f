"""Logs whose first lines name their columns: Zeek's, and the W3C extended format of IIS and proxies."""

import re
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from anomembed.read.files.content import Content
from anomembed.read.quoting import quote_identifier, quote_text

ZEEK, W3C = re.compile(r"^#fields[\t ,|]"), re.compile(r"^#Fields:\s*")
MOST_LINES = 50  # of a head
ZEEK_TYPES = {"count": "BIGINT", "int": "BIGINT", "double": "DOUBLE", "time": "DOUBLE", "interval": "DOUBLE"}
"""DuckDB's types of Zeek's; all others are names."""


@dataclass(frozen=True)
class HeadedLog:
    """What the head of a log says.

    Parameters
    ----------
    name : str
        What to call the format.
    delimiter : str
        Between fields.
    quote : str
        Around fields.
    names : list of str
        Of the columns.
    types : dict of str to str
        Of the columns, where the head says them.
    unset : list of str
        What stands for a missing value.
    columns : dict of str to str
        SQL of columns that are not read as they are; an empty one is left out.
    has_day : bool
        Whether the head says the day of the records.
    """

    name: str
    delimiter: str
    quote: str
    names: list[str]
    types: dict[str, str]
    unset: list[str]
    columns: dict[str, str]
    has_day: bool = False

    @property
    def select(self) -> str:
        """SQL of all columns."""
        kept = {name: self.columns.get(name, quote_identifier(name)) for name in self.names}
        return ", ".join(f"{sql} AS {quote_identifier(name)}" for name, sql in kept.items() if sql)


class Section:
    """The records under one head of a log; called with its lines, it returns those of the records.

    A log may change its head as it goes on. Records under other heads are left out.

    Parameters
    ----------
    fields : str, optional
        The line that names the columns; by default the first one.

    Attributes
    ----------
    head : HeadedLog or None
        What its head says, when a record was seen.
    others : dict of str to None
        The lines that name the columns of other sections.
    """

    def __init__(self, fields: str | None = None) -> None:
        self.head: HeadedLog | None = None
        self.others: dict[str, None] = {}
        self._fields = fields
        self._said: dict[str, str] = {}
        self._is_head, self._is_here = True, False
        self._clock = _Clock()

    def __call__(self, line: bytes) -> bytes | None:
        """Return a line if it is a record under this head, with the day that only the head says."""
        if line.startswith(b"#"):
            text = line.decode(errors="replace").rstrip("\r")
            self._said[re.split(r"[\s,|]", text, maxsplit=1)[0]] = text
            self._is_head = True
            return None
        if self._is_head:
            self._begin(is_tabbed=b"\t" in line)
        if not self._is_here or not self.head:
            return None
        return self._clock.dated(line, self.head) if self.head.has_day else line

    def _begin(self, *, is_tabbed: bool) -> None:
        """Look at the head that was read, of which a later one may say only a part anew."""
        self._is_head = False
        fields = next((text for text in self._said.values() if is_naming(text)), "")
        self._fields = self._fields or fields
        self._is_here = fields == self._fields
        self._clock.start(self._said.get("#Date:", ""))
        if self._is_here and not self.head:
            self.head = _read_head(list(self._said.values()), self._clock, is_tabbed=is_tabbed)
        elif not self._is_here:
            self.others[fields] = None


class _Clock:
    """The day of records that have only a time of day."""

    def __init__(self) -> None:
        self.day: date | None = None
        self._last = ""

    def start(self, said: str) -> None:
        """Begin with the day of the line ``#Date:``."""
        text = said.partition(" ")[2].strip()
        for form in ("%Y-%m-%d", "%d-%b-%Y"):
            with suppress(ValueError):
                self.day, self._last = datetime.strptime(text.split(" ")[0], form).date(), ""

    def dated(self, line: bytes, head: "HeadedLog") -> bytes:
        """Put the day before a line; a time that is much earlier than the last one is of the next day."""
        between = head.delimiter.encode()
        time = line.split(between)[head.names.index("time") - 1].decode(errors="replace")
        if self.day and time[:2].isdigit() and self._last[:2].isdigit() and int(self._last[:2]) - int(time[:2]) > 12:
            self.day += timedelta(days=1)
        self._last = time
        return str(self.day).encode() + between + line


def is_naming(line: str) -> bool:
    """Tell whether a line of a head names the columns."""
    return ZEEK.match(line) is not None or W3C.match(line) is not None


def has_head(content: Content) -> bool:
    """Tell whether a log begins with a head that names its columns."""
    return any(map(is_naming, content.lines[:MOST_LINES]))


def _read_head(lines: Sequence[str], clock: _Clock, *, is_tabbed: bool) -> HeadedLog:
    fields = next(line for line in lines if is_naming(line))
    if ZEEK.match(fields):
        return _zeek(lines)
    return _w3c(W3C.sub("", fields).split(), has_day=clock.day is not None, is_tabbed=is_tabbed)


def _zeek(head: Sequence[str]) -> HeadedLog:
    said = {}
    separator = next((line.split(" ", 1)[1] for line in head if line.startswith("#separator ")), r"\x09")
    delimiter = re.sub(r"\\x([0-9a-fA-F]{2})", lambda found: chr(int(found[1], 16)), separator)
    for line in head:
        name, *values = line.split(delimiter)
        said[name] = values
    names = said["#fields"]
    kinds = dict(zip(names, said.get("#types", []), strict=False))
    unset = [*said.get("#unset_field", ["-"]), *said.get("#empty_field", ["(empty)"])]
    types = {name: ZEEK_TYPES.get(kind, "VARCHAR") for name, kind in kinds.items()}
    return HeadedLog("Zeek", delimiter, "", names, types, unset, _zeek_columns(kinds, said))


def _zeek_columns(kinds: dict[str, str], said: dict[str, list[str]]) -> dict[str, str]:
    columns = {}
    between = quote_text(next(iter(said.get("#set_separator", [","])), ","))
    for name, kind in kinds.items():
        value = quote_identifier(name)
        if kind == "time":
            columns[name] = f"make_timestamp(CAST(round({value} * 1e6) AS BIGINT))"
        elif kind == "bool":
            columns[name] = f"CASE {value} WHEN 'T' THEN true WHEN 'F' THEN false END"
        elif re.match(r"(set|vector)\[", kind):
            columns[name] = f"string_split({value}, {between})"
    return columns


def _w3c(names: list[str], *, has_day: bool, is_tabbed: bool) -> HeadedLog:
    types, columns = {}, {}
    has_day = has_day and "time" in names and "date" not in names
    names = ["date", *names] if has_day else names
    if {"date", "time"} <= set(names):  # one moment, in UTC
        types = {"date": "DATE", "time": "TIME"}
        columns = {"date": "", "time": '"date" + "time"'}
    return HeadedLog("W3C extended", "\t" if is_tabbed else " ", '"', names, types, ["-"], columns, has_day)
