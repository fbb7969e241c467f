"""What ``monitor.expect`` names: ``COLUMN=VALUE``, or ``every COLUMN``."""

from typing import NamedTuple

EVERY = "every "


class Expectation(NamedTuple):
    """A value of a column that has a rhythm of its own, or all its values."""

    column: str
    value: str | None


def expectation(text: str) -> Expectation:
    """Read an expectation.

    Raises
    ------
    ValueError
        When it cannot be read.

    Examples
    --------
    >>> expectation("job=backup"), expectation("every host")
    (Expectation(column='job', value='backup'), Expectation(column='host', value=None))
    """
    column, sign, value = text.partition("=")
    if sign and column.strip() and value.strip():
        return Expectation(column.strip(), value.strip())
    if text.startswith(EVERY) and not sign and text.removeprefix(EVERY).strip():
        return Expectation(text.removeprefix(EVERY).strip(), None)
    raise ValueError('this names no value; write it like "job=backup", or "every host" for all values of a column')


def check_expectation(text: str) -> str:
    """Return an expectation as it is given."""
    expectation(text)
    return text
