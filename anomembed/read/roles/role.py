"""The roles that columns play, one row each; settings, options and tokens derive from the rows."""

from enum import StrEnum
from typing import TYPE_CHECKING, Protocol, Self

from anomembed.read.column_types import fixed_width, known_sql
from anomembed.read.written.style import PLAIN, Written

if TYPE_CHECKING:
    from collections.abc import Callable


class Typed(Protocol):
    """What is needed of a column to read its values; see `ColumnRole`."""

    @property
    def type(self) -> str:
        """DuckDB's name of its type."""

    @property
    def expression(self) -> str:
        """SQL that reads it."""

    @property
    def width(self) -> int:
        """Numbers of a vector."""

    @property
    def written(self) -> Written | None:
        """How its values are written, where the type does not say."""


def _text_sql(column: Typed) -> str:
    return (column.written or PLAIN).text_sql(column)


def _actor_sql(column: Typed) -> str:
    """Return SQL of a name; null where it is blank or a placeholder, which name nobody."""
    return column.written.text_sql(column) if column.written else known_sql(column.expression, column.type)


def _moment_sql(column: Typed) -> str:
    return (column.written or PLAIN).moment_sql(column)


def _number_sql(column: Typed) -> str:
    return (column.written or PLAIN).number_sql(column)


def _vector_sql(column: Typed) -> str:
    """Return SQL that reads a vector as FLOAT[width]; a list of another length is null."""
    cast = f"TRY_CAST({column.expression} AS FLOAT[{column.width}])"
    if fixed_width(column.type):
        return cast
    return f"CASE WHEN len({column.expression}) = {column.width} THEN {cast} END"


class Content(StrEnum):
    """What a scored column holds, which decides how its values become tokens."""

    VALUE = "value"
    """Text, compared as a whole."""
    MESSAGE = "message"
    """Text of words: a template and its parameters."""
    IDENTIFIER = "identifier"
    """Text that nearly every record has for itself: how it is written."""
    NUMBER = "number"
    """DOUBLE."""
    MOMENT = "moment"
    """TIMESTAMP, in UTC."""
    VECTOR = "vector"
    """FLOAT[n]."""


class Role(StrEnum):
    """What a column is used for: its name, one line for settings and help, what it holds, and SQL that reads that."""

    KEY = "key", "Columns that together name a record; by default a unique column, else the row number."
    TIMESTAMP = (
        "timestamp",
        "Columns that say when: hour, weekday and part of the month are scored; with an entity, also what is new since"
        " its past.",
        Content.MOMENT,
        _moment_sql,
    )
    ENTITY = (
        "entity",
        "Columns that name who acts, such as a customer or a host; records are also compared with the entity's own.",
        Content.VALUE,
        _actor_sql,
    )
    EVENT = "event"  # what happened, in a sequence; with its order a setting of sequences
    ORDER = "order"
    CATEGORY = "category", "Columns that hold one of a set of values.", Content.VALUE, _text_sql
    NUMBER = "number", "Columns that hold a magnitude.", Content.NUMBER, _number_sql
    TEXT = (
        "text",
        "Columns of free text, such as messages; their templates and parameters are scored.",
        Content.MESSAGE,
        _text_sql,
    )
    IDENTIFIER = (
        "identifier",
        "Columns in which nearly every record has its own value, such as addresses; how they are written is scored.",
        Content.IDENTIFIER,
        _text_sql,
    )
    VECTOR = (
        "vector",
        "Columns of numeric arrays or of lists of equal length, such as embeddings; each is scored as a whole.",
        Content.VECTOR,
        _vector_sql,
    )
    IGNORE = "ignore", "Columns that are not used."

    summary: str
    content: Content | None
    _sql: "Callable[[Typed], str] | None"

    def __new__(
        cls,
        name: str,
        summary: str = "",
        content: Content | None = None,
        sql: "Callable[[Typed], str] | None" = None,
    ) -> Self:
        """Make the role of a row."""
        role = str.__new__(cls, name)
        role._value_ = name
        role.summary, role.content, role._sql = summary, content, sql
        return role

    @property
    def is_scored(self) -> bool:
        """Whether records are scored by the values of such columns."""
        return self.content is not None

    @property
    def option(self) -> str:
        """Name of its option on the command line."""
        return "time" if self is Role.TIMESTAMP else self.value

    def plain_sql(self, column: Typed) -> str:
        """Return SQL that reads a scored column as what the role holds."""
        if self._sql is None:
            raise ValueError(f"columns with the role {self} are not scored")
        return self._sql(column)


JUDGED = tuple(role for role in Role if role.is_scored)
LISTED = tuple(role for role in Role if role.summary)
"""Roles whose columns the section ``roles`` of the settings lists."""
