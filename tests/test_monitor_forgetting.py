"""What a model learns anew forgets with time: lasting changes become normal, and what has died out becomes unusual."""

import math
import shutil
from contextlib import chdir
from datetime import datetime, timedelta
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from databases import opened
from monitored import CONFIG, START, drawn, pay, payment, read
from test_monitor_drills import DAY, configure, replay, steady

from anomembed import Config
from anomembed.monitor import forgetting
from anomembed.monitor.forgetting import Memory, memory_of
from anomembed.read.table import Table

N, AGE = 40_000, "DATE_DIFF('day', \"when\", DATE '2026-03-01')"
A_DAY = 500  # records


@pytest.fixture(scope="module")
def aged():
    """Records of eighty days; how old they are is the last column."""
    days = pl.Series(range(N)) // A_DAY
    when = (pl.lit("2026-03-01").str.to_date() - pl.duration(days=days)).alias("when")
    return pl.DataFrame({"id": range(N), "part": [n % 3 for n in range(N)], "days": days}).with_columns(when)


def kept(frame, half_life, fewest=0, key=("id",), where="true"):
    with Table(frame) as table:
        columns = tuple(table.column(name) for name in key)
        condition = Memory(half_life, fewest).condition(table, columns, AGE, where)
        return table.rows({name: f'"{name}"' for name in frame.columns}, condition).sort("id")


@pytest.mark.parametrize("key", [("id",), ("id", "part")])
def test_of_records_of_any_age_as_many_are_kept_as_their_half_lives_say(aged, key):
    found = dict(kept(aged, 20, key=key).group_by("days").len().rows())
    for start in range(0, 80, 10):
        shares = [2 ** -(day / 20) for day in range(start, start + 10)]
        expected, variance = A_DAY * sum(shares), A_DAY * sum(share * (1 - share) for share in shares)
        assert abs(sum(found.get(day, 0) for day in range(start, start + 10)) - expected) < 4 * math.sqrt(variance) + 1


def test_which_are_kept_depends_on_the_key_alone_and_what_is_forgotten_stays_so(aged):
    found = kept(aged, 20)
    assert kept(aged.sample(fraction=1.0, shuffle=True, seed=1), 20).equals(found)
    older = aged.with_columns(pl.col("when") - pl.duration(days=7), days=pl.col("days") + 7)
    assert set(kept(older, 20)["id"]) < set(found["id"])
    some = kept(aged, 20, where='"part" = 1')
    assert some.equals(found.filter(pl.col("part") == 1))


def test_which_are_kept_says_nothing_about_which_are_sampled_or_held_out(aged):
    """Both go by a hash of the key; records to calibrate on have the lowest, and must be as old as the others."""
    found = kept(aged, 20)
    with Table(found) as table:
        hashed = table.hashed({}, [table.column("id")], 0)
        lowest = table.rows({"days": '"days"'}, None, [hashed], found.height // 7)
    spread = found["days"].std() / math.sqrt(lowest.height)
    assert abs(lowest["days"].mean() - found["days"].mean()) < 4 * spread


def test_no_fewer_are_kept_than_are_needed(aged):
    few, enough = kept(aged, 5), kept(aged, 5, fewest=20_000)
    assert few.height < 5_000
    assert enough.height == 20_000
    assert set(few["id"]) < set(enough["id"])
    assert enough["days"].mean() < aged["days"].mean() - 5
    assert kept(aged, 5, fewest=2_000).equals(few)
    assert kept(aged, 5, fewest=N + 1).height == N


PER_DAY, OLD = 360, 60  # payments of a day, and days of the reference
RUNS = (OLD + 0.5, OLD + 1.6, OLD + 2.6)  # days; what is new is noticed, goes on for a day, and is learnt
DIED = 10**6  # a payment in a town that is gone


CALLED_NORMAL, FORGOTTEN = 3, 4  # payments of the first day, of customers of their own


def on(day):
    """The time of a day, for --now."""
    return (START + timedelta(days=day)).isoformat()


def changing(number):
    """A payment: some are in a town that is gone since day 30, and from day 60 on some are from a new shop."""
    day, share = number / PER_DAY, drawn(number, "what is new")
    gone = {"city": "Old Town"} if day < OLD - 30 and share < 0.025 else {}
    new = {"shop": "App"} if day >= OLD and share < 0.25 else {}
    own = {CALLED_NORMAL: {"customer": "called normal"}, FORGOTTEN: {"customer": "forgotten"}}.get(number, {})
    return payment(number, paid_at=START + timedelta(days=day), **gone, **new, **own)


@pytest.fixture(scope="module")
def changed(tmp_path_factory):
    """The folder with the payments."""
    folder = tmp_path_factory.mktemp("changed")
    rows = [changing(number) for number in range(int(RUNS[-1] * PER_DAY))]
    rows.append(payment(DIED, paid_at=START + timedelta(days=OLD + 2), city="Old Town"))
    with chdir(folder):
        pay(*rows)
    return folder


@pytest.fixture
def flags_of(changed, run, monkeypatch):
    """Tells what is flagged after a model was learnt anew: payments in the new shop, and the one in the old town."""
    monkeypatch.setattr(forgetting, "FEWEST", 2_000)
    shutil.copy(changed / "shop.duckdb", "shop.duckdb")

    def flags_of(half_life):
        settings = f'watermark = "paid_at"\ndelay = "0s"\nrefit = "stale"\nhalf_life = "{half_life}"'
        text = CONFIG.format(source="", roles="", monitor=settings).replace("0.002", "0.005")
        text = text.replace("2026-05-01 13:20:00", on(OLD)).replace("timestamp =", "ignore =")
        Path("shop.toml").write_text(text)
        Path("store.duckdb").unlink(missing_ok=True)
        for day in RUNS:
            outcome = run("monitor", "shop.toml", "--now", on(day))
            assert outcome.code == 0, outcome.err
            if day == OLD + 0.5:
                assert run("monitor", "shop.toml", "--since", on(0), "--until", on(1)).code == 0
                assert run("feedback", CALLED_NORMAL, "--normal", "--store", "store.duckdb").code == 0
        assert "model 2 takes over from 1 (shop has new values" in outcome.out
        kinds = {kind for (kind,) in read("SELECT kind FROM notices")}
        assert kinds == {"unseen", "model"}  # no column that the first model has left out is new to the second
        found = {
            int(key)
            for (key,) in read("SELECT key FROM flags JOIN runs USING (run_id) WHERE model_id = 2 AND part = 'new'")
        }
        return len(found - {DIED}), DIED in found

    return flags_of


def test_a_lasting_change_becomes_normal_sooner_and_what_died_out_unusual(flags_of):
    n_all, is_told = flags_of("never")
    n_since, is_told_since = flags_of("12d")
    assert n_all > 3 * n_since
    assert (is_told, is_told_since) == (False, True)
    customers = {name for (name,) in read("SELECT token FROM tokens WHERE model_id = 2 AND column_name = 'customer'")}
    assert ("called normal" in customers, "forgotten" in customers) == (True, False)


@pytest.mark.drill
@pytest.mark.parametrize(("half_life", "seed"), [("never", 1), ("never", 2), ("never", 3), ("never", 4), ("7d", 1)])
def test_models_of_ten_weeks_without_drift_flag_as_many_as_the_threshold_says(half_life, seed, run):
    """Each is learnt from what those before have judged and not flagged, and flags no more than they for that.

    What their references let know of a threshold is as certain as the records held out are many. Those with the lowest
    hashes are: where all are kept, each model has most of those of the one before, and so its error.
    """
    n_reference, n_weeks, seconds, share = 60_000, 10, 30, 0.001
    n = n_weeks * 7 * 86_400 // seconds
    with opened("source.duckdb") as connection:
        connection.register("frame", steady(n_reference + n, np.random.default_rng(seed), seconds).to_arrow())
        connection.execute("CREATE TABLE records AS FROM frame")
    fit_until = datetime(2026, 1, 1) + timedelta(seconds=n_reference * seconds)
    monitor = f'delay = "0s"\nrefit = "weekly"\nhalf_life = "{half_life}"'
    roles = 'timestamp = ["paid_at"]\ncategory = ["customer", "shop", "city"]'
    configure(fit_until=fit_until, time="paid_at", roles=roles, monitor=monitor, threshold=f"threshold = {share}")
    replay(run, fit_until, fit_until + n_weeks * 7 * DAY, 7 * DAY)
    each = "SELECT sum(n_flagged), sum(n_scored), any_value(n_reference) FROM runs JOIN models USING (model_id)"
    counts = np.array(read(f"{each} WHERE n_scored > 0 GROUP BY model_id ORDER BY model_id"), float)
    expected, n_held_out = counts[:, 1] * share, np.minimum(0.15 * counts[:, 2], 20_000)
    shared = np.diag(n_held_out)
    if half_life == "never":
        lowest = n_held_out / counts[:, 2]
        shared = np.minimum.outer(lowest, lowest) * np.minimum.outer(counts[:, 2], counts[:, 2])
    errors = expected / n_held_out
    spread = math.sqrt(expected.sum() + errors @ shared @ errors / share)
    print(  # noqa: T201
        f"\nhalf-life {half_life}, draw {seed}: {len(counts)} models of {counts[:, 2].astype(int).tolist()} records "
        f"flag {counts[:, 0].astype(int).tolist()}, {counts[:, 0].sum():.0f} where {expected.sum():.0f} are expected "
        f"(three standard deviations: {3 * spread:.0f})"
    )
    assert len(counts) == n_weeks
    assert abs(counts[:, 0].sum() - expected.sum()) <= 3 * spread


@pytest.mark.parametrize("half_life", ["0d", "90", "ever", ""])
def test_a_half_life_is_a_length_of_time_or_never(half_life):
    with pytest.raises(ValueError, match=r"this (must be longer than 0|is not a length of time).*; or \"never\""):
        Config(monitor={"half_life": half_life})
    kept = Config(monitor={"half_life": "2d"}, flags={"threshold": 1e-4})
    assert memory_of(kept) == Memory(2 * 86_400_000_000, 66_667)
    assert memory_of(Config(flags={"threshold": 0.01})).fewest == 20_000
    assert memory_of(Config(monitor={"half_life": "never"})) is None
