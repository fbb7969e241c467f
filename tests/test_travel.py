"""Somebody who cannot have come so far: impossible trips are found, possible ones and noisy places are not."""

import json
import math
import re

import numpy as np
import polars as pl
import pytest
from modes import CITIES, terms_of, trips

from anomembed import Config, fit_model, scan
from anomembed.read.travel import EARTH, find_coordinates
from anomembed.views.travel import speeds

ROLES = {"key": ["id"], "entity": ["user"], "timestamp": ["at"]}
N = 2400  # records that `trips` makes before the impossible ones


def config(**settings):
    return Config(roles=ROLES, flags={"budget": 10}, **settings)


def kilometres(one, other):
    """Along a great circle, by the law of cosines."""
    (lat, lon), (lat_other, lon_other) = (map(math.radians, place) for place in (one, other))
    across = math.cos(lat) * math.cos(lat_other) * math.cos(lon - lon_other)
    return EARTH * math.acos(math.sin(lat) * math.sin(lat_other) + across)


def odd(frame, found):
    return {key for key, term in terms_of(frame, "travel", found).items() if term > 0}


@pytest.mark.parametrize("names", [("lat", "lon"), ("Latitude", "Longitude"), ("geo_lat", "geo_lng")])
def test_impossible_trips_come_first_and_are_put_into_words(names):
    frame = trips(names=names)
    flags = scan(frame, config=config()).flags.frame
    assert set(flags["id"][:2]) == {N, N + 1}
    row = flags.filter(id=N).row(0, named=True)
    before, there = (frame.filter(id=key)[names[0], names[1]].row(0) for key in (20, N))
    said = int(row["reason"].split(" is ")[1].split(" km")[0].replace(",", ""))
    assert said == pytest.approx(kilometres(before, there), abs=1)
    assert row["reason"].startswith("user=u00 is ")
    assert " km from where it was 30 minutes before, faster than an airliner (an estimated 0.1% of" in row["reason"]


def test_coordinates_are_not_summed_over_a_day_as_amounts_are():
    frame = trips().with_columns(fare=pl.col("id") % 7 + 0.5)
    model = fit_model(frame, config=config())
    assert model.past.history.sums == ("fare",)


def test_a_move_is_no_number_far_out_without_a_time_either():
    roles = ROLES | {"timestamp": [], "ignore": ["at"]}
    terms = terms_of(trips(impossible=0), "entity", Config(roles=roles, flags={"budget": 10}))
    assert max(terms.values()) <= 0


def test_what_can_be_flown_is_no_evidence():
    assert odd(trips(), config()) == {N, N + 1}
    assert odd(trips(impossible=0), config()) == set()


def test_places_that_are_guessed_may_jump():
    """Two hundred kilometres in a second are an address that was looked up badly, and in a quarter of an hour, too."""
    travel = np.array([[200.0, 1.0], [200.0, 900.0], [300.0, 900.0], [np.nan, np.nan]])
    assert speeds(travel) == pytest.approx([800, 800, 1200, 0])


def test_where_impossible_trips_are_usual_the_view_says_nothing():
    """Behind a proxy, everybody is anywhere."""
    places = list(CITIES.values())
    anywhere = {name: [place[axis] for place in places] * (N // 4) for axis, name in enumerate(("lat", "lon"))}
    frame = trips(impossible=0).with_columns(**{name: pl.Series(column) for name, column in anywhere.items()})
    assert "travel" not in [view.view.name for view in fit_model(frame, config=config()).views]


def test_a_missing_place_is_no_trip():
    frame = trips(impossible=0).with_columns(lat=pl.when(pl.col("id") % 50 > 0).then("lat"))
    assert odd(frame, config()) == set()


def test_where_somebody_is_is_no_number_far_out():
    """A move is not unusually far north, and coordinates are no amounts."""
    model = fit_model(trips(), config=config())
    entity = next(view.view for view in model.views if view.view.name == "entity")
    assert (entity.tails[:, 0] > 1e9).all()
    assert not {"heaping", "duplicate"} & {view.view.name for view in model.views}


@pytest.mark.parametrize(
    ("names", "pairs"),
    [
        (["lat", "long"], [("lat", "long")]),
        (["merch_lat", "merch_long", "lat", "lon"], [("merch_lat", "merch_long"), ("lat", "lon")]),
        (["LATITUDE", "longitude"], [("LATITUDE", "longitude")]),
        (["lat_home", "lon_home"], [("lat_home", "lon_home")]),
        (["lat", "longitude"], []),
        (["flat", "flon"], []),
        (["latency", "lon"], []),
        (["lat"], []),
    ],
)
def test_coordinates_are_known_by_their_names(names, pairs):
    assert find_coordinates(names) == pairs


def test_no_other_place_is_called_normal_whose_distance_from_the_one_before_is_not_known(run):
    trips().write_parquet("trips.parquet")
    asked = ("--key", "id", "--entity", "user", "--time", "at", "--budget", "2", "--quiet")
    assert run("scan", "trips.parquet", *asked).code == 0
    case = json.loads(run("explain", N, "--format", "json").out)
    assert case["view"] == "travel"
    assert not {"lat", "lon"} & set(case["change"]["columns"])
    assert {"user", "at", "lat", "lon"} == set(case["change"]["kept"])
    (change,) = re.findall("SMALLEST CHANGE\n(.*)", run("explain", N).out)
    assert change.startswith("No change of two columns (not tried: ") is not case["change"]["is_enough"]
