"""Logs whose first lines name their columns: Zeek's, and the W3C extended format of IIS and proxies."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

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
    """

    name: str
    delimiter: str
    quote: str
    names: list[str]
    types: dict[str, str]
    unset: list[str]
    columns: dict[str, str]

    @property
    def select(self) -> str:
        """SQL of all columns."""
        kept = {name: self.columns.get(name, quote_identifier(name)) for name in self.names}
        return ", ".join(f"{sql} AS {quote_identifier(name)}" for name, sql in kept.items() if sql)


def find_head(content: Content) -> HeadedLog | None:
    """Return what the head of a log says; None when it has none."""
    head = [line.rstrip("\r\n") for line in content.lines[:MOST_LINES] if line.startswith("#")]
    if any(map(ZEEK.match, head)):
        return _zeek(head)
    fields = next((line for line in head if W3C.match(line)), None)
    return _w3c(W3C.sub("", fields).split(), content.lines) if fields else None


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


def _w3c(names: list[str], lines: Sequence[str]) -> HeadedLog:
    is_tabbed = any("\t" in line for line in lines if not line.startswith("#"))
    types, columns = {}, {}
    if {"date", "time"} <= set(names):  # one moment, in UTC
        types = {"date": "DATE", "time": "TIME"}
        columns = {"date": "", "time": '"date" + "time"'}
    return HeadedLog("W3C extended", "\t" if is_tabbed else " ", '"', names, types, ["-"], columns)


def is_no_comment(line: bytes) -> bool:
    """Tell whether a line is a record, not part of a head."""
    return not line.startswith(b"#")
