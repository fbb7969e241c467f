"""What a monitor judges, as rows of a key, a position and a version: records, or sequences once they are complete.

The version of a sequence is the number of its events, so that one that grows is another; that of a record is 0, or its
position where its key is only the number of a line, which a rotated file uses again. A line of one of several files is
known by its version alone, which is negative then: its file is called otherwise once it is rotated.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

from anomembed.read.columns import Column
from anomembed.read.lines.formats import FILE
from anomembed.read.queries import query
from anomembed.read.quoting import quote_identifier, quote_text
from anomembed.read.relation import named_sql
from anomembed.read.table import Table


@dataclass(frozen=True)
class Units:
    """What is judged, as SQL over the records.

    Parameters
    ----------
    template : str
        Name of the query, without its ending.
    parts : tuple of (str, str)
        SQL for its placeholders.
    """

    template: str
    parts: tuple[tuple[str, str], ...]

    @classmethod
    def of_records(cls, table: Table, key: Sequence[Column], position: str) -> Self:
        """Return the records of a table.

        Parameters
        ----------
        table : Table
            The open table.
        key : sequence of Column
            Key columns.
        position : str
            SQL of the position.
        """
        text = table.key_text(key)
        if table.message is None:
            version = "0"
        elif FILE not in (column.name for column in table.columns):
            version = f"coalesce({position}, 0)"
        else:
            said = f"concat_ws(':', regexp_extract({text}, '\\d+$'), {position}, {quote_identifier(table.message)})"
            nth = f"row_number() OVER (PARTITION BY {said} ORDER BY {text})"  # of lines that are the same in this
            version = f"-1 - CAST(md5_number_lower(concat({nth}, ':', {said})) >> 1 AS BIGINT)"
        return cls("units_of_records", (("key", text), ("position", position), ("version", version)))

    @classmethod
    def of_sequences(
        cls,
        table: Table,
        key: Sequence[Column],
        position: str,
        event: Sequence[Column],
        *,
        after: int,
        length: int | None = None,
        end_event: str | None = None,
    ) -> Self:
        """Return the sequences of a table; the position of one is that at which it is complete.

        Parameters
        ----------
        table : Table
            The open table, in which every event has its sequence.
        key : sequence of Column
            Column that names the sequence.
        position : str
            SQL of the position of an event.
        event : sequence of Column
            Columns that say what happened.
        after : int
            How long after its last event a sequence is complete.
        length : int, optional
            Number of events that complete it.
        end_event : str, optional
            Event that completes it when it is the last.
        """
        is_done = ["false"]
        if length is not None:
            is_done.append(f"count(*) >= {length}")
        if end_event is not None:
            from anomembed.read.sequences import event_sql

            last = f"max({position}) FILTER (WHERE {event_sql(event)} = {quote_text(end_event)})"
            is_done.append(f"coalesce({last} >= max({position}), false)")
        parts = {
            "key": table.key_text(key),
            "position": position,
            "known": named_sql(key),
            "is_done": " OR ".join(is_done),
            "after": str(after),
        }
        return cls("units_of_sequences", tuple(parts.items()))

    @classmethod
    def of_values(cls, value: str, position: str) -> Self:
        """Return the records of a table, each as a value and a position, which are SQL."""
        return cls("units_of_values", (("value", value), ("position", position)))

    def sql(self, records: str) -> str:
        """Return the query of all units of some records, which are SQL."""
        return query(self.template, records=records, **dict(self.parts))
