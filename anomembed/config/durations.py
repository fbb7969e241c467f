"""Lengths in settings: of time, such as ``90s``, ``5min`` or ``2d``, and of a key, such as ``1000``."""

import re
from datetime import time

UNITS = {
    **dict.fromkeys(("s", "sec"), 1),
    **dict.fromkeys(("m", "min"), 60),
    "h": 3600,
    "d": 86_400,
    "w": 604_800,
}
"""Seconds by unit."""
NEVER = "never"
MICROSECONDS = 1_000_000
LONGEST = 100 * 366 * 86_400 * MICROSECONDS  # a hundred years


def microseconds(text: str) -> int:
    """Return a length of time in microseconds.

    Raises
    ------
    ValueError
        When it cannot be read, or is longer than a hundred years.

    Examples
    --------
    >>> microseconds("5min"), microseconds("0s")
    (300000000, 0)
    """
    found = re.fullmatch(r"(\d+(?:\.\d+)?)\s*([a-z]+)", text.strip())
    if not found or found[2] not in UNITS:
        raise ValueError("this is not a length of time; write it like 90s, 5min, 1h or 2d")
    length = round(float(found[1]) * UNITS[found[2]] * MICROSECONDS)
    if length > LONGEST:
        raise ValueError("this is longer than a hundred years; write it like 90s, 5min, 1h or 2d")
    return length


def check_length(text: str) -> str:
    """Return a length of time as it is given."""
    microseconds(text)
    return text


def check_some_length(text: str) -> str:
    """Return a length of time that is not 0 as it is given."""
    if not microseconds(text):
        raise ValueError("this must be longer than 0")
    return text


def check_half_life(text: str) -> str:
    """Return a length of time that is not 0, or ``never``, as it is given."""
    try:
        return text if text == NEVER else check_some_length(text)
    except ValueError as error:
        raise ValueError(f'{error}; or "{NEVER}"') from error


def check_length_of_key(text: str) -> str:
    """Return a length of time, or a whole number that a key may grow by, as it is given."""
    return text if re.fullmatch(r"\d{1,15}", text.strip()) else check_length(text)


def hours(text: str) -> tuple[time, time]:
    """Return the two ends of some hours of a day.

    Raises
    ------
    ValueError
        When they cannot be read.

    Examples
    --------
    >>> [str(end) for end in hours("22:00-07:00")]
    ['22:00:00', '07:00:00']
    """
    try:
        since, until = (time.fromisoformat(end.strip()) for end in text.split("-"))
    except ValueError:
        since = until = time()
    if since == until:
        raise ValueError("these are no hours of a day; write them like 22:00-07:00")
    return since, until


def check_hours(text: str) -> str:
    """Return hours of a day as they are given."""
    hours(text)
    return text
