import datetime as dt

import numpy as np
import polars as pl
import pytest
from modes import START, terms_of

from anomembed import Config, fit_model, scan, score_table
from anomembed.read.bursts import bursts_of_one, derive_bursts, plan_bursts
from anomembed.read.roles.inference import infer_roles
from anomembed.read.roles.role import Role
from anomembed.read.table import Table

PLAIN = {"key": ["id"]}
N, N_DEVICES, DAYS = 3000, 900, 60


def registrations(ring=10, seed=0, *, minutes=6, busy=0):
    """Registrations from devices; `ring` of them from a new one within the hour; `busy` from one all the time."""
    rng = np.random.default_rng(seed)
    n = N + busy
    device = np.where(np.arange(n) < N, rng.integers(0, N_DEVICES, n), N_DEVICES)
    frame = pl.DataFrame(
        {
            "at": [START + dt.timedelta(seconds=int(s)) for s in rng.integers(0, DAYS * 86400, n)],
            "device": [f"d{d:04}" for d in device],
            "mail": rng.choice(["gmail", "yahoo", "proton"], n),
            "country": rng.choice(["DE", "FR", "NL"], n),
        }
    )
    first = START + dt.timedelta(days=31, hours=14)
    planted = pl.DataFrame(
        {
            "at": [first + dt.timedelta(minutes=minutes * k) for k in range(ring)],
            "device": ["d9999"] * ring,
            "mail": ["gmail"] * ring,
            "country": ["DE"] * ring,
        },
        schema=frame.schema,
    )
    return pl.concat([frame, planted]).with_row_index("id").with_columns(pl.col("id").cast(pl.Int64))


def settings():
    return Config(roles=PLAIN, flags={"budget": 20})


def bursts_of(frame):
    with Table(frame) as table:
        roles = infer_roles(table, {Role("key"): ["id"]})
        bursts = plan_bursts(table, roles, None, None)
        select = derive_bursts(table, roles, bursts)
        return bursts, pl.concat(list(table.batches(select, [table.column("id")], None, 10_000))).sort("id")


def by_hand(frame, row):
    """Count and judge one record of the column device in plain Python."""
    at, device = frame["at"].to_list(), frame["device"].to_list()
    now, day = at[row], dt.timedelta(days=1)
    n_so_far = sum(d == device[row] and t <= now for d, t in zip(device, at, strict=True))
    n = sum(d == device[row] and now - day <= t <= now for d, t in zip(device, at, strict=True))
    everybody = sum(now - day <= t <= now for t in at) / sum(t <= now for t in at)
    share = max(everybody, day / max(now - min(at), day))
    nats = n * np.log(n / (n_so_far * share))
    if n < n_so_far:
        nats += (n_so_far - n) * np.log((n_so_far - n) / (n_so_far * (1 - share)))
    return n, n_so_far, nats


def test_the_evidence_by_hand():
    frame = registrations(ring=9, busy=200)
    bursts, found = bursts_of(frame)
    assert (bursts.watched, bursts.window) == (("device",), 86400)
    times, so_far, nats = (found[name] for name in bursts.columns)
    ring = frame.with_row_index("row").filter(device="d9999")["row"].to_list()
    assert times[ring].to_list() == [None] * 3 + [4, 5, 6, 7, 8, 9]  # three are no burst
    for row in ring[3:]:
        n, n_so_far, expected = by_hand(frame, row)
        assert (times[row], so_far[row]) == (n, n_so_far)
        assert nats[row] == pytest.approx(expected, rel=1e-5)


def test_a_ring_comes_first_and_is_put_into_words():
    frame = registrations()
    flags = scan(frame, config=settings()).flags.frame
    assert set(flags["id"][:5]) <= set(range(N, N + 10))
    last = flags.filter(id=N + 9).row(0, named=True)
    assert (last["view"], last["reason"]) == ("burst", "device=d9999 has 10 records within 24 hours, of 10 so far")


def test_who_is_always_busy_and_who_comes_over_days_is_usual():
    """A device with 400 records all along; ten records of one over three weeks."""
    frame = registrations(ring=10, minutes=3000, busy=400)
    assert sum(nats > 0 for nats in terms_of(frame, "burst", settings()).values()) == 0


def test_where_all_come_in_sessions_nothing_is_watched():
    rng = np.random.default_rng(1)
    session = np.repeat(np.arange(500), 6)
    start = rng.integers(0, DAYS * 86400, 500)
    frame = registrations(ring=0).with_columns(
        device=pl.Series([f"s{s}" for s in session]),
        at=pl.Series([START + dt.timedelta(seconds=int(s)) for s in start[session] + rng.integers(0, 900, N)]),
    )
    with Table(frame) as table:
        assert plan_bursts(table, infer_roles(table, {Role("key"): ["id"]}), None, None) is None


def test_new_records_are_judged_with_their_own_past():
    model = fit_model(registrations(ring=0), config=settings())
    scores = score_table(model, registrations(seed=5)).frame.sort("raw_score", descending=True)
    assert set(scores["id"][:5]) <= set(range(N, N + 10))
    assert scores["view"][0] == "burst"


def test_later_records_change_no_score():
    frame = registrations()
    model = fit_model(frame, config=settings())
    early = frame.filter(pl.col("at") < START + dt.timedelta(days=31, hours=14, minutes=45))
    some, whole = (score_table(model, part).frame.sort("id") for part in (early, frame))
    whole = whole.filter(pl.col("id").is_in(early["id"].implode()))
    assert (some["view"] == "burst").any()
    assert some["raw_score"].to_list() == whole["raw_score"].to_list()


@pytest.mark.parametrize("ring", [4, 12])
def test_of_one_record_the_same_is_found_without_deriving_it_for_all(ring):
    frame = registrations(ring=ring, seed=2, busy=400)
    bursts, derived = bursts_of(frame)
    n_found = 0
    for row in [*range(0, N, 100), *range(N, N + 400, 20), *range(N + 400, N + 400 + ring)]:
        with Table(frame) as table:
            roles = infer_roles(table, {Role("key"): ["id"]})
            one = bursts_of_one(table, roles, bursts, f"id = {row}")
        expected = derived.row(row, named=True)
        assert one == {name: expected[name] for name in one}
        n_found += any(value is not None for value in one.values())
    assert n_found >= ring - 3


def test_nothing_is_copied_where_nothing_came_at_once():
    with Table(registrations(ring=0, seed=1)) as table:
        roles = infer_roles(table, {Role("key"): ["id"]})
        select = derive_bursts(table, roles, plan_bursts(table, roles, None, None))
        assert set(select.values()) == {"CAST(NULL AS DOUBLE)"}


@pytest.mark.parametrize("seed", range(2))
def test_one_burst_of_many_records_does_not_hide_itself(seed):
    """A hundred and forty of 8,140 records are one in 58: counted one by one, bursts would be usual."""
    rng = np.random.default_rng(seed)
    hours = np.concatenate(
        [rng.integers(0, 30, 8000) * 24 + rng.normal(13, 3, 8000), 24 * 24 + rng.uniform(9, 17, 140)]
    )
    users = np.concatenate([rng.integers(0, 60, 8000), np.full(140, 7)])
    frame = pl.DataFrame(
        {
            "at": [START + dt.timedelta(hours=float(hour)) for hour in hours],
            "user": [f"u{user:02}" for user in users],
            "bytes": rng.lognormal(8, 1, 8140).astype(int),
        }
    ).sort("at")
    flags = scan(frame.with_row_index("id"), config={"roles": PLAIN, "flags": {"budget": 20}}).flags.frame
    told = flags["reason"].str.contains(r"^user=u07 has \d+ records within 24 hours, of \d+ so far$")
    assert told.sum() >= 15
