"""A column that roles add to a table, computed from its others."""

from typing import NamedTuple


class AddedColumn(NamedTuple):
    """What it is called, and its SQL; `is_joined` where that looks values up in another table."""

    name: str
    sql: str
    is_joined: bool = False
