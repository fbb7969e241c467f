"""One small seeded table per mode, with planted records that have negative keys; each is fitted once per process."""

import datetime as dt
from functools import cache
from typing import NamedTuple

import numpy as np
import polars as pl

from anomembed import Config, Model, Scores, fit_model, score_table
from anomembed.read.roles.assigned import match_roles
from anomembed.read.sequences import EVENTS, GAPS, read_sequences
from anomembed.read.table import Table
from anomembed.represent.batch import Batch
from anomembed.represent.sequences import Sequences, encode_sequences

START = dt.datetime(2026, 3, 2)
STEPS = ("open", "read", "write", "close")
LABELS = ("ant", "bee", "cow")
JOBS = ("sort", "scan", "copy", "move", "load", "send")


class Mode(NamedTuple):
    """A reference, the records to score (the reference and planted ones), and settings."""

    reference: pl.DataFrame
    judged: pl.DataFrame
    settings: dict


def orders(n=1500):
    """The shop decides city and price; colour and size are free."""
    rng = np.random.default_rng(0)
    shop = rng.integers(0, 6, n)
    return pl.DataFrame(
        {
            "id": np.arange(n),
            "shop": [f"shop{i}" for i in shop],
            "city": [f"city{i % 3}" for i in shop],
            "colour": [f"colour{i}" for i in rng.choice(5, n, p=[0.4, 0.3, 0.2, 0.096, 0.004])],
            "price": np.exp(rng.normal(shop, 0.2)).round(2),
            "size": rng.lognormal(3, 0.5, n).round(1),
        }
    )


def camps(n=2000):
    """Two camps with values of their own in eight columns; at most two values of a record are from the other camp."""
    rng = np.random.default_rng(0)
    strays = rng.random((3 * n, 8)) < 0.15
    strays = strays[strays.sum(axis=1) <= 2][:n]
    values = 3 * (rng.integers(0, 2, (n, 1)) ^ strays) + rng.integers(0, 3, (n, 8))
    return pl.DataFrame(
        {"id": np.arange(n), **{x: [f"{x}{i}" for i in column] for x, column in zip("abcdefgh", values.T, strict=True)}}
    )


def visits(n=2400):
    """Fifteen users go round the steps, one in twenty minutes; each has a country, but for 1 %, and a size of files."""
    rng = np.random.default_rng(0)
    user, step = np.arange(n) % 15, np.arange(n) // 15
    minutes = 20 * step + rng.integers(0, 10, n)
    country = np.where(rng.random(n) < 0.01, rng.integers(0, 4, n), user % 4)
    return pl.DataFrame(
        {
            "id": np.arange(n),
            "user": [f"user{i}" for i in user],
            "country": [f"country{i}" for i in country],
            "action": [STEPS[i % 4] for i in step],
            "at": [START + dt.timedelta(minutes=int(i)) for i in minutes],
            "bytes": (10 * 1.25**user * rng.lognormal(0, 0.02, n)).round(2),
        }
    )


def calls(n=3000):
    """Thirty hosts call forty servers by chance, all day long; one of them calls one server every 15 minutes."""
    rng = np.random.default_rng(0)
    host, server = rng.integers(0, 30, n), rng.integers(0, 40, n)
    seconds = rng.uniform(0, 86400, n)
    host[-96:], server[-96:], seconds[-96:] = 3, 40, 900 * np.arange(96) + rng.uniform(0, 5, 96)
    return pl.DataFrame(
        {
            "id": np.arange(n),
            "host": [f"host{i}" for i in host],
            "server": [f"server{i}" for i in server],
            "at": [START + dt.timedelta(milliseconds=round(1000 * second)) for second in seconds],
            "bytes": rng.lognormal(8, 1, n).round(),
        }
    )


def deposits(split=9, n=3000, *, seed=0, fixed=0, level=1.0, round_for=()):
    """Deposits of accounts; `split` of one just below 10,000; `fixed` rents of 990; some accounts pay round sums."""
    rng = np.random.default_rng(seed)
    account = rng.integers(0, 150, n)
    amount = np.exp(rng.normal(7.3, 0.9, 150))[account] * np.exp(rng.normal(0, 0.7, n)) * level
    amount = np.where(np.isin(account, round_for), np.ceil(amount / 100) * 100, amount).round(2)
    account[:fixed], amount[:fixed] = 7, 990.0
    below = (9000 + 990 * rng.random(split)).round(2)
    return pl.DataFrame(
        {
            "id": np.arange(n + split),
            "at": [START + dt.timedelta(hours=float(h)) for h in rng.integers(0, 60 * 24, n + split)],
            "account": [f"A{a:03}" for a in [*account, *[11] * split]],
            "kind": rng.choice(["cash", "cheque"], n + split),
            "amount": [*amount, *below],
        }
    )


def tills(rates=None, n=6000, *, cashiers=40, seed=0):
    """What cashiers enter; each voids 1 to 5 %, but those of which `rates` has the rate, by number."""
    rng = np.random.default_rng(seed)
    own = rng.uniform(0.01, 0.05, cashiers)
    for cashier, rate in ({7: 0.25} if rates is None else rates).items():
        own[cashier] = rate
    who, minutes = rng.integers(0, cashiers, n), np.sort(rng.uniform(0, 14 * 1440, n))
    is_void = rng.random(n) < own[who]
    return pl.DataFrame(
        {
            "id": np.arange(n),
            "at": [START + dt.timedelta(minutes=round(minute)) for minute in minutes],
            "cashier": [f"C{i}" for i in who],
            "action": np.where(is_void, "void", rng.choice(["sale", "refund"], n, p=[0.96, 0.04])),
            "till": [f"T{i}" for i in rng.integers(0, 6, n)],
            "amount": rng.lognormal(3, 0.7, n).round(2),
        }
    )


CITIES = {"Paris": (48.86, 2.35), "Madrid": (40.42, -3.7), "Tokyo": (35.68, 139.69), "Boston": (42.36, -71.06)}


def trips(impossible=2, n=2400, *, names=("lat", "lon"), seed=0):
    """Sixty users with a city each, who fly to another now and then; some log in from another half an hour later."""
    rng = np.random.default_rng(seed)
    cities, rows = list(CITIES), []
    for user in range(60):
        city, hours = cities[user % 4], 0.0
        for _ in range(n // 60):
            hours += rng.exponential(14)
            if rng.random() < 0.05:
                city, hours = cities[rng.integers(0, 4)], hours + 30
            rows.append((hours, f"u{user:02}", city))
    odd = [rows[40 * user + 20] for user in range(impossible)]
    rows += [(hours + 0.5, user, next(c for c in cities if c != city)) for hours, user, city in odd]
    latitude, longitude = (
        [round(CITIES[city][axis] + rng.normal(0, 0.05), 4) for _, _, city in rows] for axis in range(2)
    )
    return pl.DataFrame(
        {
            "id": np.arange(len(rows)),
            "at": [START + dt.timedelta(seconds=round(3600 * hours)) for hours, _, _ in rows],
            "user": [user for _, user, _ in rows],
            "city": [city for _, _, city in rows],
            names[0]: latitude,
            names[1]: longitude,
            "app": rng.choice(["web", "phone"], len(rows)),
        }
    )


def invoices(n=2000, *, doubled=4, rents=12, seed=0):
    """A hundred vendors and their invoices of half a year, some with a monthly rent; the last `doubled` are repeats."""
    rng = np.random.default_rng(seed)
    vendor = np.append(rng.integers(0, 100, n), np.repeat(np.arange(rents), 6))
    level = rng.lognormal(6, 1, 100)
    amount = (level[vendor] * np.append(rng.lognormal(0, 0.4, n), np.ones(6 * rents))).round(2)
    day = np.append(rng.integers(0, 180, n), 30 * np.tile(np.arange(6), rents))
    again = rng.choice(n, doubled, replace=False)
    rows = np.append(np.arange(n + 6 * rents), again)
    day = np.append(day, day[again] + rng.integers(1, 4, doubled))
    site, clerk = rng.integers(0, 4, n + 6 * rents), rng.integers(0, 3, n + 6 * rents)
    return pl.DataFrame(
        {
            "id": np.arange(len(rows)),
            "vendor": [f"vendor{i}" for i in vendor[rows]],
            "posted": [START.date() + dt.timedelta(days=int(i)) for i in day],
            "amount": amount[rows],
            "site": [f"site{i}" for i in site[rows]],
            "clerk": [f"clerk{i}" for i in clerk[rows]],
        }
    )


def requests(n=1500):
    """Three teams with rooms and tools of their own; the team is in no column."""
    rng = np.random.default_rng(0)
    team = rng.integers(0, 3, n)
    drawn = {name: rng.integers(0, size, n) for name, size in (("who", 20), ("room", 12), ("tool", 12))}
    names = {name: [f"{name}{t}_{i}" for t, i in zip(team, of, strict=True)] for name, of in drawn.items()}
    return pl.DataFrame({"id": np.arange(n), **names})


def images(n=900):
    """Three kinds of vectors, each under its own label."""
    rng = np.random.default_rng(0)
    kind = rng.integers(0, 3, n)
    vectors = 4 * np.eye(3, 8)[kind] + 0.3 * rng.normal(size=(n, 8))
    return pl.DataFrame({"id": np.arange(n), "label": np.array(LABELS)[kind], "image": as_arrays(vectors)})


def as_arrays(vectors):
    return pl.Series(np.asarray(vectors, np.float32), dtype=pl.Array(pl.Float32, 8))


def messages(n=1500):
    """Six jobs by nine workers; one message in 500 is another, and hosts in a far zone are rarer than that."""
    rng = np.random.default_rng(0)
    job, worker = rng.choice(6, n, p=[0.3, 0.25, 0.2, 0.15, 0.08, 0.02]), rng.integers(0, 9, n)
    text = [f"job {JOBS[i]} done by worker{j}" for i, j in zip(job, worker, strict=True)]
    text[::500] = ["panic in scheduler"] * len(text[::500])
    far = rng.random(n) < 0.015
    host = [f"{('host', 'strange')[int(f)]}{i}" for f, i in zip(far, rng.integers(0, 6, n), strict=True)]
    zone = [f"{('zone', 'far')[int(f)]}{i}" for f, i in zip(far, rng.integers(0, 6, n), strict=True)]
    return pl.DataFrame({"id": np.arange(n), "host": host, "zone": zone, "text": text})


def case(key, events, rng, wait=0.0):
    """One sequence, a minute between two events and `wait` more before the last."""
    minutes = rng.lognormal(0, 0.2, len(events)).cumsum()
    minutes[-1] += wait
    at = [START + dt.timedelta(hours=key, minutes=m) for m in minutes]
    return pl.DataFrame({"case": [key] * len(events), "at": at, "step": events})


def cases(n=300):
    """Open, read once to four times, write, close."""
    rng = np.random.default_rng(0)
    return pl.concat([case(i, ["open", *["read"] * rng.integers(1, 5), "write", "close"], rng) for i in range(n)])


def shuffles(seed, n=300):
    """Eight events once each, in any order."""
    rng = np.random.default_rng(seed)
    steps = np.concatenate([rng.permutation(list("abcdefgh")) for _ in range(n)])
    return pl.DataFrame({"case": np.repeat(np.arange(n), 8), "n": list(range(8)) * n, "step": steps})


def planted(frame, *changes):
    """Add records like the first but for some values; their keys are -1, -2, ..."""
    usual = frame.row(0, named=True)
    odd = [{**usual, "id": -1 - place, **change} for place, change in enumerate(changes)]
    return pl.concat([frame, pl.DataFrame(odd, schema=frame.schema)])


def _orders(**settings):
    frame = orders()
    usual = {"shop": "shop5", "city": "city2", "colour": "colour0", "price": 150.0, "size": 20.0}
    odd = [{"price": 240.0, "size": 95.0, "colour": "colour1"}, {"city": "city1"}, {"shop": "new"}, {"price": 9000.0}]
    return Mode(frame, planted(frame, *({**usual, **change} for change in odd)), settings)


def _camps():
    frame = camps()
    return Mode(frame, planted(frame, {x: f"{x}{3 * (k % 2) + k % 3}" for k, x in enumerate("abcdefgh")}), {})


def _visits(**settings):
    frame = visits()
    at = frame["at"].max() + dt.timedelta(minutes=15)
    odd = [
        {"user": "user0", "country": "country0", "action": "open", "at": at, "bytes": 11.0},
        {"user": "user6", "country": "country0", "action": "open", "at": at, "bytes": 38.1},
        {"user": "user2", "country": "country2", "action": "write", "at": at, "bytes": 15.6},
        *(
            {"user": "user3", "country": "country3", "action": STEPS[i % 4], "bytes": 19.5 + i % 3 / 10}
            | {"at": at + dt.timedelta(seconds=i)}
            for i in range(8)
        ),
    ]
    roles = {"key": ["id"], "entity": ["user"], "timestamp": ["at"]}
    return Mode(frame, planted(frame, *odd), {"roles": roles, "sequence": {"event": ["action"]}, **settings})


def _requests():
    frame = requests()
    settings = {"roles": {"key": ["id"], "entity": ["who"]}, "embedding": {"method": "graph"}}
    return Mode(frame, planted(frame, {"who": "who0_1", "room": "room2_2", "tool": "tool0_1"}), settings)


def _calls():
    roles = {"key": ["id"], "entity": ["host"], "timestamp": ["at"]}
    return Mode(calls(), calls(), {"roles": roles, "flags": {"budget": 20}})


def _trips():
    roles = {"key": ["id"], "entity": ["user"], "timestamp": ["at"]}
    return Mode(trips(), trips(), {"roles": roles, "flags": {"budget": 10}})


def _invoices():
    return Mode(invoices(), invoices(), {"roles": {"key": ["id"]}, "flags": {"budget": 20}})


def _deposits():
    return Mode(deposits(), deposits(), {"roles": {"key": ["id"]}, "flags": {"budget": 20}})


def _tills():
    roles = {"key": ["id"], "entity": ["cashier"], "timestamp": ["at"]}
    return Mode(tills(), tills(), {"roles": roles, "flags": {"budget": 20}})


def _images():
    frame, usual = images(), 4 * np.eye(3, 8)
    odd = pl.DataFrame(
        {"id": [-1, -2], "label": ["ant", "bee"], "image": as_arrays([usual[0] + 6 * np.eye(8)[5], usual[0]])}
    )
    return Mode(frame, pl.concat([frame, odd]), {"roles": {"key": ["id"], "category": ["label"], "vector": ["image"]}})


def _messages():
    frame = messages()
    usual = frame.filter(pl.col("host").str.starts_with("host"))
    host, zone = (usual[name].value_counts().sort("count", name)[name][0] for name in ("host", "zone"))
    odd = {"text": "panic in scheduler", "host": host, "zone": zone}
    return Mode(frame, planted(frame, odd), {"roles": {"key": ["id"], "text": ["text"]}})


def _messages_alone():
    frame, judged, settings = _messages()
    return Mode(frame.select("id", "text"), judged.select("id", "text"), {**settings, **CLEAN})


def _cases():
    frame, rng = cases(), np.random.default_rng(9)
    odd = [
        case(-1, ["open", *["read"] * 12, "write", "close"], rng),
        case(-2, ["open", "write", "read", "read", "close"], rng),
        case(-3, ["open", "read", "write", "close"], rng, wait=90),
    ]
    settings = {"sequence": {"key": "case", "order": ["at"], "event": ["step"]}}
    return Mode(frame, pl.concat([frame, *odd]), settings)


def _shuffles():
    # Others are judged than those learnt from, whose order is known by heart.
    odd = pl.DataFrame({"case": [-1] * 8, "n": range(8), "step": list("abcdefga")})
    settings = {"sequence": {"key": "case", "order": ["n"], "event": ["step"]}}
    return Mode(shuffles(0), pl.concat([shuffles(1), odd]), settings)


CLEAN = {"reference": {"clean": True}}
MODES = {
    "mixed": _orders,
    "clean": lambda: _orders(**CLEAN),
    "entity": _visits,
    "entity, clean, fit_where": lambda: _visits(**CLEAN, source={"fit_where": "id // 15 % 5 > 0"}),
    "calls": _calls,
    "trips": _trips,
    "invoices": _invoices,
    "deposits": _deposits,
    "tills": _tills,
    "graph": _requests,
    "vectors": _images,
    "text": _messages,
    "text, clean": _messages_alone,
    "KNN": lambda: _orders(detector={"name": "KNN"}),
    "sequences": _cases,
    "camps": _camps,
    "shuffled": _shuffles,
}


@cache
def mode(name) -> Mode:
    return MODES[name]()


@cache
def model_of(name) -> Model:
    """The model of a mode, fitted to its reference."""
    return fit_model(mode(name).reference, config=Config(**mode(name).settings))


@cache
def fitted(name, *, clean) -> Model:
    """The model of a mode, whatever it says of its reference."""
    settings = {**mode(name).settings, "reference": {"clean": clean}}
    return fit_model(mode(name).reference, config=Config(**settings))


@cache
def scores_of(name) -> Scores:
    """Scores and flags of the records that a mode judges."""
    return score_table(model_of(name), mode(name).judged)


@cache
def batch_of(name) -> tuple[list[int], Batch | Sequences]:
    """Keys of the judged records, and the records as views get them."""
    model = model_of(name)
    with Table(mode(name).judged) as table:
        roles = match_roles(model.roles, table)
        if model.is_sequential:
            frame = pl.concat(list(read_sequences(table, roles, None, 1000)))
            return frame[:, 0].to_list(), encode_sequences(frame[EVENTS], frame[GAPS], model.vocabulary.columns[0])
        derived = model.derive(table, roles)
        key = [table.column(column.name) for column in roles.key]
        frame = pl.concat(list(table.batches(roles.select() | derived, key, None, 1000)))
    return frame[:, 0].to_list(), model.make_batch(frame[:, 1:])


def terms_of(frame, view, config) -> dict[int, float]:
    """What a view adds to every record of a scan, by id; all 0 without the view."""
    model = fit_model(frame, config=config)
    judged = next((judged for judged in model.views if judged.view.name == view), None)
    if judged is None:
        return dict.fromkeys(frame["id"].to_list(), 0.0)
    with Table(frame) as table:
        roles = match_roles(model.roles, table)
        select = roles.select() | model.derive(table, roles)
        read = pl.concat(list(table.batches(select, [table.column("id")], None, 500)))
    terms = judged.term(judged.raw(model.make_batch(read[:, 1:])))
    return dict(zip(read["id"].to_list(), terms.tolist(), strict=True))
