"""A column of which it is asked how its values are written, and the answer."""

import re
from typing import NamedTuple

from anomembed.errors import SourceError
from anomembed.read.columns import Column, Profile
from anomembed.read.quoting import quote_text
from anomembed.read.table import Table
from anomembed.read.written.masks import Masks
from anomembed.read.written.style import Written, is_word

ENOUGH = 0.95  # share of the known values that must be read for a column to be recognised
MOST_UNREAD = 0.1  # share of the known values of a column whose role the user specifies
SHOWN, SHOWN_LENGTH = 3, 40  # examples in a message, and characters of one

TIME_NAME = re.compile(
    r"(^|[_\s.\-])(t|ts|time|times|timestamp|date|datetime|dt|at|on|when|epoch|utc|moment|clock|since|until|start|begin|"
    r"end|stop|first|last|seen|expiry|expires)($|[_\s.\-])|[a-z](Time|Date|Stamp|At|On|Ts|Epoch)($|[_A-Z])|"
    r"^(time|timestamp|date)(?=[A-Z])|(time|date|stamp|TIME|DATE|STAMP|Time|Date|Stamp|[a-z]{2}ed)$"
)
DURATION_NAME = re.compile(
    r"up_?time|run_?time|elapsed|duration|life_?time|latency|time_?out|ttl|wait|delay|interval|cpu", re.IGNORECASE
)


def is_time_name(name: str) -> bool:
    """Tell whether a column is named like a moment, such as ``posted_at``, and not like a duration."""
    return TIME_NAME.search(name) is not None and DURATION_NAME.search(name) is None


class Reading(NamedTuple):
    """How a column can be read, and what that gives."""

    written: Written
    like: str
    """What its values are, such as "times like 31/12/2026"."""
    n_known: int
    n_read: int
    ends: tuple[str | None, str | None]
    """The smallest and the largest value, as text."""
    other: str = ""
    """A time in the format that reads the column as well, with another order of day and month."""


class Candidate(NamedTuple):
    """A column to recognise."""

    table: Table
    column: Column
    profile: Profile
    masks: Masks
    is_told: bool
    """Whether the user specifies what the column holds."""

    @property
    def known(self) -> str:
        """SQL condition for values that are known."""
        value = self.column.expression
        return f"{value} IS NOT NULL" + (f" AND NOT {is_word(value)}" if self.column.type == "VARCHAR" else "")

    @property
    def is_named_like_a_time(self) -> bool:
        """Whether the name of the column says that it is one."""
        return is_time_name(self.column.name)

    def read(self, written: Written, sql: str, like: str) -> Reading:
        """Return what some SQL reads, in one pass."""
        ends = (f"CAST({end}({sql}) AS VARCHAR)" for end in ("min", "max"))
        n_known, n_read, low, high = self.table.aggregate([f"count_if({self.known})", f"count({sql})", *ends])
        return Reading(written, like, n_known or 0, n_read, (low, high))

    def is_enough(self, n_read: int, n_known: int, least: float = ENOUGH) -> bool:
        """Tell whether enough values are read."""
        return n_read > 0 and (self.is_told or n_read >= least * n_known)

    def check(self, reading: Reading, role: str, sql: str) -> None:
        """Refuse a column of which more than a tenth cannot be read as the user says.

        Raises
        ------
        SourceError
            With the share, and some examples.
        """
        n_unread = reading.n_known - reading.n_read
        if not reading.n_read or n_unread <= MOST_UNREAD * reading.n_known:
            return
        shown = ", ".join(repr(text) for text in self._first(f"{self.known} AND {sql} IS NULL"))
        fix = "say how they are written by --time-format" if role == "timestamp" else "convert them in a query"
        raise SourceError(
            f"{n_unread / reading.n_known:.0%} of the values of column {self.column.name} ({self.column.type}) cannot "
            f"be read as a {role}, such as {shown}; {fix}, or give the column another role"
        )

    def _first(self, condition: str) -> list[str]:
        """Return the first different values for which a condition holds, in alphabetical order."""
        found: list[str] = []
        text = f"left(CAST({self.column.expression} AS VARCHAR), {SHOWN_LENGTH})"
        while len(found) < SHOWN:
            after = f" AND {text} > {quote_text(found[-1])}" if found else ""
            (first,) = self.table.aggregate([f"min({text}) FILTER ({condition}{after})"])
            if first is None:
                break
            found.append(first)
        return found
