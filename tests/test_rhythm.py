import datetime as dt

import numpy as np
import polars as pl
import pytest
from modes import START, calls, terms_of

from anomembed import Config, fit_model, scan
from anomembed.read.history import History, derive_history
from anomembed.read.rhythm import COMPARED, CONTACT, EVENNESS, INTERVAL, LEAST_DIFFERENCE, find_resolution, find_target
from anomembed.read.roles.inference import infer_roles
from anomembed.read.roles.role import Role
from anomembed.read.table import Table
from anomembed.views.reason import duration
from anomembed.views.rhythm import even_share, evidence

ROLES = {"key": ["id"], "entity": ["host"], "timestamp": ["at"]}
CONFIG = Config(roles=ROLES, flags={"budget": 20})


def added(frame, host, server, seconds):
    """Add records at some seconds; their ids go on from those of the frame."""
    n = len(seconds)
    new = {
        "id": frame["id"].max() + 1 + np.arange(n),
        "host": [host] * n,
        "server": [server] * n,
        "at": [START + dt.timedelta(milliseconds=round(1000 * second)) for second in seconds],
        "bytes": np.full(n, 3000.0),
    }
    return pl.concat([frame, pl.DataFrame(new, schema=frame.schema)])


def chance(n=3000):
    return calls(n).filter(pl.col("server") != "server40")


def view_of(model):
    return next((judged for judged in model.views if judged.view.name == "rhythm"), None)


def nats_of(frame):
    return terms_of(frame, "rhythm", CONFIG)


def derived(frame):
    with Table(frame) as table:
        roles = infer_roles(table, {Role(name): names for name, names in ROLES.items()})
        history = History("host", "at", (), (), "server", find_resolution(table, roles.select()["at"]))
        derive_history(table, roles, history)
        found = pl.concat(list(table.batches(history.select(), [table.column("id")], None, 10_000)))
    return found.sort("id")


def test_intervals_by_hand():
    """Intervals of 10, 10, 30, of another server in between, nobody's, and at the same moment."""
    rows = [
        (0, "a", 0),
        (1, "a", 10),
        (2, "b", 11),
        (3, "a", 20),
        (4, "a", 50),
        (5, None, 60),
        (6, "b", 12),
        (7, "b", 12),
    ]
    frame = pl.DataFrame(
        {
            "id": [row[0] for row in rows],
            "host": ["h"] * 8,
            "server": [row[1] for row in rows],
            "at": [START + dt.timedelta(seconds=row[2], milliseconds=1) for row in rows],
            "bytes": [1.0] * 8,
        }
    )
    found = derived(frame)
    assert found[CONTACT].to_list() == [1, 2, 1, 3, 4, None, 2, 3]
    even, uneven = -np.log(LEAST_DIFFERENCE), np.log(2)  # (30 - 10) / (30 + 10)
    expected = [None, None, None, even, (even + uneven) / 2, None, None, -np.log(1.0)]
    assert found[EVENNESS].to_list() == pytest.approx(expected, abs=1e-5)
    assert found[COMPARED].to_list() == [0, 0, 0, 1, 2, None, 0, 1]
    assert found[INTERVAL][4] == pytest.approx(20)


def test_later_records_do_not_change_the_intervals_before():
    frame = calls()
    early = frame.filter(pl.col("at") < START + dt.timedelta(hours=12))
    assert derived(frame).filter(pl.col("id").is_in(early["id"].implode())).equals(derived(early))


@pytest.mark.parametrize(("unit", "expected"), [("1d", 86400), ("1h", 3600), ("1m", 60), ("1s", 1), ("1ms", 0)])
def test_the_resolution_is_that_of_the_times(unit, expected):
    frame = calls().with_columns(pl.col("at").dt.truncate(unit))
    with Table(frame) as table:
        assert find_resolution(table, '"at"') == expected


def test_the_target_is_the_finest_column_that_entities_share():
    frame = calls().with_columns(
        zone=pl.col("server").str.slice(0, 7), session=pl.col("host") + "/" + (pl.col("id") // 300).cast(pl.String)
    )
    with Table(frame) as table:
        roles = infer_roles(table, {Role(name): names for name, names in ROLES.items()})
        assert find_target(table, roles, "host") == "server"


def test_a_beacon_comes_first_and_is_put_into_words():
    flags = scan(calls(), config=CONFIG).flags.frame
    beacon = calls().filter(server="server40")["id"]
    told = [16, 32, 64, 96]
    assert flags["id"][:4].is_in(beacon.gather([place - 1 for place in told]).implode()).all()
    assert flags["view"][:4].to_list() == ["rhythm"] * 4
    assert flags["reason"][0].startswith(
        "host=host3 with server=server40 every 15 minutes, more evenly than by chance ("
    )


@pytest.mark.parametrize("jitter", [0.01, 0.1])
def test_a_beacon_with_jitter_and_gaps_is_found(jitter):
    rng = np.random.default_rng(1)
    ticks = np.delete(np.arange(70), [20, 33, 34])
    frame = added(chance(), "host7", "server12", 1200 * (ticks + jitter * rng.uniform(-1, 1, len(ticks))))
    nats = nats_of(frame)
    told = [frame["id"][place - 1 - len(ticks)] for place in (32, 64)]
    assert min(nats[key] for key in told) > 2
    assert sum(nat > 0 for nat in nats.values()) <= 4


def test_times_that_are_rounded_to_hours_are_not_even_for_that():
    frame = chance().with_columns(pl.col("at").dt.truncate("1h"))
    assert sum(nat > 0 for nat in nats_of(frame).values()) == 0


@pytest.mark.parametrize("usual_of", ["target", "entity"])
def test_what_polls_everybody_or_is_polled_by_everybody_is_usual(usual_of):
    """With the polls the beacon is still found, and they are not."""
    frame, rng = calls(), np.random.default_rng(2)
    n = frame.height
    for i in range(25):
        host, server = (f"host{i}", "time") if usual_of == "target" else ("monitor", f"server{i}")
        frame = added(frame, host, server, rng.uniform(0, 1800) + 1800 * np.arange(46))
    nats = nats_of(frame)
    beacon = frame.filter(server="server40")["id"].to_list()
    assert sum(nats[key] > 2 for key in beacon) >= 3
    assert sum(nats[key] > 0 for key in range(n, frame.height)) == 0


def test_where_many_series_are_even_the_view_is_absent():
    rng = np.random.default_rng(3)
    frame = chance()
    for i in range(60):
        frame = added(frame, f"host{i % 30}", f"job{i}", rng.uniform(0, 900) + 900 * np.arange(20))
    assert view_of(fit_model(frame, config=CONFIG)) is None


def test_by_chance_there_is_no_evidence():
    """-log of a uniform share is exponential: its likelihood ratio is 1 on average, and far below it for many."""
    rng = np.random.default_rng(4)
    for n in (1, 5, 30):
        mean = rng.exponential(size=(20_000, n)).mean(axis=1)
        ratio = np.exp(evidence(np.column_stack([mean, np.full(20_000, n)])))
        assert np.mean(ratio > 20) <= 1 / 20
        assert np.median(ratio) < 1


def test_the_share_of_even_series_is_that_of_the_planted():
    rng = np.random.default_rng(5)
    for share in (0.01, 0.2):
        is_even = rng.random(5000) < share
        mean = rng.gamma(10, np.where(is_even, 4.0, 1.0)) / 10
        assert even_share(evidence(np.column_stack([mean, np.full(5000, 10)]))) == pytest.approx(share, rel=0.2)


def test_a_duration_has_a_unit_that_fits():
    """The largest that fits at least twice."""
    assert [duration(s) for s in (0.25, 1, 60.01, 120, 5400, 90_000, 190_000, 1e8)] == [
        "0.25 seconds", "1 second", "60 seconds", "2 minutes", "90 minutes", "25 hours", "2.2 days", "3.17 years",
    ]  # fmt: skip


def test_an_entity_alone_is_its_own_target():
    frame = calls().select("id", "at", "bytes", host=pl.col("host") + " " + pl.col("server"))
    flags = scan(frame, config=Config(roles=ROLES, flags={"budget": 4})).flags.frame
    assert set(flags["view"]) == {"rhythm"}
    assert flags["reason"][0].startswith("host=host3 server40 every 15 minutes, more evenly than by chance (")
