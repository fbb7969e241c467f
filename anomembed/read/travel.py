"""How far an entity has come since its record before, and in what time: columns that are computed from the past."""

import re
from collections.abc import Sequence

import numpy as np

from anomembed.read.roles.assigned import Roles
from anomembed.read.roles.role import Content
from anomembed.read.streams import Floats, Streams
from anomembed.read.table import Table

TRAVEL = DISTANCE, SECONDS = ("past: km since the one before", "past: seconds since a place")
EARTH = 6371.0  # mean radius in km
LATITUDE = re.compile(r"(?P<before>|.*[^a-z])(?P<name>lat|latitude)(?P<after>|[^a-z].*)")
LONGITUDES = {"lat": ("lon", "lng", "long"), "latitude": ("longitude",)}
LEAST_PLACES = 1.2  # mean places of an entity; an address has one


def find_coordinates(names: Sequence[str]) -> list[tuple[str, str]]:
    """Return the columns of latitude and longitude that belong together, by their names.

    Examples
    --------
    >>> find_coordinates(["amount", "shop_lat", "shop_long", "Latitude", "Longitude", "lat2", "plate"])
    [('shop_lat', 'shop_long'), ('Latitude', 'Longitude')]
    """
    by_name = {name.casefold(): name for name in names}
    pairs = []
    for folded, name in by_name.items():
        found = LATITUDE.fullmatch(folded)
        if found:
            others = (f"{found['before']}{other}{found['after']}" for other in LONGITUDES[found["name"]])
            pairs += [(name, by_name[other]) for other in others if other in by_name][:1]
    return pairs


def of_places(names: Sequence[str]) -> set[str]:
    """Return the columns that say where something is, and are no amounts, by their names."""
    return {name for pair in find_coordinates(names) for name in pair}


def find_place(table: Table, roles: Roles, entity: str) -> tuple[str, ...]:
    """Choose the columns that say where an entity is: coordinates, of which it has several.

    Parameters
    ----------
    table : Table
        The open table.
    roles : Roles
        Of its columns.
    entity : str
        Column that says who acts.

    Returns
    -------
    tuple of str
        Latitude and longitude, of several pairs that with the most different places; empty when there are none.
    """
    select = roles.select()
    most, chosen = 0.0, tuple[str, ...]()
    for latitude, longitude in find_coordinates([column.name for column in roles.holding(Content.NUMBER)]):
        lat, lon = select[latitude], select[longitude]
        n_places, n_entities, farthest, widest = table.aggregate(
            [
                f"approx_count_distinct(hash({select[entity]}, {lat}, {lon}))",
                f"approx_count_distinct({select[entity]})",
                f"coalesce(max(abs({lat})), 1000)",
                f"coalesce(max(abs({lon})), 1000)",
            ]
        )
        if farthest <= 90 and widest <= 360 and n_places > max(most, LEAST_PLACES * n_entities):
            most, chosen = n_places, (latitude, longitude)
    return chosen


def find_travel(streams: Streams, latitude: Floats, longitude: Floats) -> dict[str, Floats]:
    """Compute the columns of `TRAVEL`: how far along a great circle, and how long ago the place before was.

    Parameters
    ----------
    streams : Streams
        The records of every entity.
    latitude, longitude : ndarray of shape (n_known,)
        Degrees; NaN where unknown, as is what follows from them.
    """
    lat, lon = np.radians(latitude), np.radians(longitude)
    lat_before, lon_before = streams.before(lat), streams.before(lon)
    with np.errstate(invalid="ignore"):  # of infinite ones
        north, east = np.sin((lat - lat_before) / 2), np.sin((lon - lon_before) / 2)
        share = north**2 + np.cos(lat) * np.cos(lat_before) * east**2
    distance = 2 * EARTH * np.arcsin(np.sqrt(np.minimum(share, 1.0)))  # rounding may make it more
    since = (streams.moment - streams.before(streams.moment)) / 1e6
    return {DISTANCE: distance, SECONDS: np.where(np.isnan(lat_before), np.nan, since)}
