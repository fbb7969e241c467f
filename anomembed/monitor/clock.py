"""Positions in a source: microseconds since 1970 in UTC, or the number that a key has come to; and their text."""

import time
from datetime import UTC, datetime, timedelta, tzinfo
from datetime import time as clock_time

from anomembed.errors import ConfigError

UTC_NAMES = ("UTC", "Etc/UTC")
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)
NO_TIME, HOUR, DAY = timedelta(0), timedelta(hours=1), timedelta(days=1)


def zone_of(name: str) -> tzinfo:
    """Return the zone of a name."""
    if name in UTC_NAMES:
        return UTC
    from zoneinfo import ZoneInfo  # imports more than everything else here

    return ZoneInfo(name)


def now() -> int:
    """Return the current position of time."""
    return time.time_ns() // 1000


def read_moment(text: str, zone: str, option: str) -> int:
    """Return the position of a time in ISO format; one without a zone is in `zone`.

    Raises
    ------
    ConfigError
        When it cannot be read.

    Examples
    --------
    >>> read_moment("1970-01-01T01:00", "Europe/Paris", "--since")
    0
    """
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        raise ConfigError(f"{option} {text!r} is not a time; write it like 2026-05-31 or 2026-05-31T14:00") from error
    return position_of(moment, zone_of(zone))


def position_of(moment: datetime, zone: tzinfo = UTC) -> int:
    """Return the position of a moment; one without a zone is in `zone`: in UTC, as the store keeps moments."""
    return ((moment if moment.tzinfo else moment.replace(tzinfo=zone)) - EPOCH) // MICROSECOND


def local_time(position: int, zone: str) -> clock_time:
    """Return the time of day at a position of time."""
    return (EPOCH + position * MICROSECOND).astimezone(zone_of(zone)).time()


def repeated(zone: str, since: int, until: int) -> list[tuple[int, int]]:
    """Return from which and up to which positions clocks of a zone show what they show once more afterwards.

    A time without a zone that they show twice is read as the later one: to the records of such a time, of a whole
    hour in most zones, it is as if none had come.

    Examples
    --------
    >>> [(since, until)] = repeated("Europe/Berlin", *(read_moment(f"2026-10-{day}", "UTC", "") for day in (20, 30)))
    >>> as_local(since, "Europe/Berlin"), as_local(until, "UTC")
    ('2026-10-25 02:00', '2026-10-25 01:00')
    """
    if zone in UTC_NAMES:
        return []
    known, end, found = zone_of(zone), as_moment(until), []
    start = as_moment(since).replace(minute=0, second=0, microsecond=0)
    while start <= end:
        step = DAY if _offset(start, known) == _offset(start + DAY, known) else HOUR
        back = _offset(start, known) - _offset(start + step, known)
        if back > NO_TIME:
            found.append((position_of(start + step - back), position_of(start + step)))
        start += step
    return found


def _offset(moment: datetime, zone: tzinfo) -> timedelta:
    """Return how far clocks of a zone are ahead of UTC at a moment."""
    return moment.replace(tzinfo=UTC).astimezone(zone).utcoffset() or NO_TIME


def read_number(text: str, option: str) -> int:
    """Return the position of a number.

    Raises
    ------
    ConfigError
        When it is none.
    """
    try:
        return int(text)
    except ValueError as error:
        raise ConfigError(f"{option} {text!r} is not a whole number, but the watermark is one") from error


def as_moment(position: int) -> datetime:
    """Return the moment of a position of time, in UTC without saying so, as the store keeps moments."""
    return (EPOCH + position * MICROSECOND).replace(tzinfo=None)


def as_text(position: int, *, is_time: bool) -> str:
    """Return a position as the store keeps it: a time in UTC, or a number."""
    return str(as_moment(position)) if is_time else str(position)


def as_local(position: int, zone: str) -> str:
    """Return a position of time as people in a zone write it, to the second.

    Examples
    --------
    >>> as_local(0, "Europe/Paris")
    '1970-01-01 01:00'
    """
    local = (EPOCH + position * MICROSECOND).astimezone(zone_of(zone)).replace(tzinfo=None)
    return local.isoformat(" ", "seconds" if local.second else "minutes")
