"""How far an entity has come since its record before, and in what time: columns that SQL computes from the past."""

import re
from collections.abc import Sequence

from anomembed.read.roles.assigned import Roles
from anomembed.read.roles.role import Content
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


def travel_sql(latitude: str, longitude: str, when: str) -> dict[str, str]:
    """Return SQL of the distance from the place before, along a great circle, and of the time since, by name.

    Parameters
    ----------
    latitude, longitude, when : str
        SQL of each; ``stream`` is the window of an entity's records.
    """
    lat, lon = f"radians({latitude})", f"radians({longitude})"
    lat_before, lon_before = (f"lag({angle}) OVER stream" for angle in (lat, lon))
    north, east = f"sin(({lat} - {lat_before}) / 2)", f"sin(({lon} - {lon_before}) / 2)"
    share = f"{north} * {north} + cos({lat}) * cos({lat_before}) * {east} * {east}"
    distance = f"{2 * EARTH} * asin(sqrt(if({share} > 1, 1.0, {share})))"  # rounding may make it more
    since = f"if({lat_before} IS NULL, NULL, epoch({when} - lag({when}) OVER stream))"
    return {DISTANCE: f"CAST({distance} AS FLOAT)", SECONDS: f"CAST({since} AS FLOAT)"}
