"""A sensor that hangs sends one value again and again; what usually stays the same says nothing by it."""

from datetime import datetime, timedelta

import numpy as np
import polars as pl
import pytest
from modes import terms_of

from anomembed import Config, fit_model, scan, score_table
from anomembed.views.stuck import MOST

N = 900  # readings of each sensor
START = datetime(2026, 1, 5)
ROLES = {"key": ["id"], "entity": ["sensor"], "timestamp": ["at"], "number": ["temp"]}
CONFIG = Config(roles=ROLES, flags={"budget": 10})


def readings(draw, *, stuck=40):
    """Four sensors; one of them sends the same value for a while, from its 500th record on."""
    rng = np.random.default_rng(0)
    rows = []
    for sensor in range(4):
        values = draw(rng)
        if sensor == 2:
            values[500 : 500 + stuck] = values[500]
        rows += [(START + timedelta(minutes=10 * at), f"s{sensor}", float(value)) for at, value in enumerate(values)]
    at, sensor, temp = zip(*rows, strict=True)
    return pl.DataFrame({"id": range(len(rows)), "at": at, "sensor": sensor, "temp": temp})


def walk(rng):
    steps = rng.normal(0, 0.3, N)
    return np.round([20 + sum(0.9**back * steps[at - back] for back in range(min(at, 30))) for at in range(N)], 2)


DRAWS = {
    "independent": lambda rng: np.round(rng.normal(20, 1.5, N), 2),
    "walk": walk,
    "whole": lambda rng: np.round(rng.normal(20, 3, N)),
    "few": lambda rng: rng.choice([4.99, 9.99, 14.5, 19.99, 29], N),
}
STEADY = {
    "zero for hours": lambda rng: np.where(np.arange(N) % 72 < 30, 0, np.round(rng.random(N) * 9, 2)),
    "seldom not zero": lambda rng: np.where(rng.random(N) < 0.1, np.round(rng.random(N) * 9, 2), 0),
    "a level": lambda rng: np.repeat(np.round(rng.normal(20, 3, N // 30), 1), 30),
}
STUCK = range(2 * N + 500, 2 * N + 540)


def told(frame):
    return {key for key, term in terms_of(frame, "stuck", CONFIG).items() if term > 0}


@pytest.mark.parametrize("draw", DRAWS)
def test_a_sensor_that_hangs_comes_first_and_is_put_into_words(draw):
    flags = scan(readings(DRAWS[draw]), config=CONFIG).flags.frame
    first = flags.row(0, named=True)
    assert first["id"] in STUCK
    assert first["reason"].startswith("temp=")
    assert " records of sensor=s2 in a row (an estimated " in first["reason"]


@pytest.mark.parametrize("draw", DRAWS)
def test_only_what_hangs_is_told_and_seldom(draw):
    frame = readings(DRAWS[draw])
    found = told(frame)
    assert found <= set(STUCK)
    assert 1 <= len(found) <= 3
    assert told(readings(DRAWS[draw], stuck=0)) == set()


@pytest.mark.parametrize("draw", STEADY)
def test_what_usually_stays_the_same_is_no_evidence(draw):
    frame = readings(STEADY[draw], stuck=0)
    model = fit_model(frame, config=CONFIG)
    views = [judged.view.name for judged in model.views]
    assert "stuck" not in views or told(frame) == set()


def test_new_records_are_held_against_the_reference():
    model = fit_model(readings(DRAWS["independent"], stuck=0), config=CONFIG)
    new = readings(DRAWS["independent"])
    flagged = score_table(model, new).flags.frame
    assert flagged.row(0, named=True)["id"] in STUCK
    assert max(terms_of(new, "stuck", CONFIG).values()) <= MOST


def test_order_of_the_rows_does_not_matter():
    frame = readings(DRAWS["whole"])
    assert told(frame) == told(frame.sample(fraction=1, shuffle=True, seed=1))
