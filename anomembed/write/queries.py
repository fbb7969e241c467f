"""The SQL of our store that stands in files of its own."""

from functools import cache
from importlib.resources import files


@cache
def sql_of(name: str) -> str:
    """Return the SQL of a file."""
    return files(__package__).joinpath(f"{name}.sql").read_text(encoding="utf-8")
