"""Each record after those of its entity before it: order, pace and habits; and never a look ahead."""

import datetime as dt

import numpy as np
import polars as pl
import pytest
from scipy import sparse

from anomembed import Config, fit_model, load_model, score_table
from anomembed.fit.entities import sum_entities
from anomembed.read.history import BEFORE, EVENT, PLACE, SECONDS_SINCE, History, derive_history, plan_history
from anomembed.read.roles.inference import infer_roles
from anomembed.read.roles.role import Role
from anomembed.read.table import Table
from anomembed.represent.batch import Batch
from anomembed.represent.entities import Habits, smooth_hours
from anomembed.represent.sequences import LONGEST_GRAM
from anomembed.views.habit import HabitView
from anomembed.write.models import save_model
from anomembed.write.store import Store

START = dt.datetime(2026, 3, 1)
ROLES = {"key": ["id"], "entity": ["who"], "timestamp": ["at"]}
STEPS = ("login", "read", "update", "logout")


def make_log(n=4000, seed=0):
    """Twenty people go round login, read, update, logout, one step in ten minutes; each has a country of his own."""
    rng = np.random.default_rng(seed)
    who = np.sort(rng.integers(0, 20, n))
    place = np.arange(n) - np.searchsorted(who, who)
    return pl.DataFrame(
        {
            "id": np.arange(n),
            "who": [f"u{w}" for w in who],
            "at": [
                START + dt.timedelta(minutes=10 * int(p), seconds=int(s))
                for p, s in zip(place, rng.integers(0, 300, n), strict=True)
            ],
            "action": [STEPS[p % 4] for p in place],
            "country": [("DE", "FR", "IT", "BR")[w % 4] for w in who],
            "bytes": rng.lognormal(5, 1, n).round(),
        }
    )


def derived(frame, event=("action",)):
    with Table(frame) as table:
        roles = infer_roles(table, {Role(name): names for name, names in ROLES.items()})
        history = plan_history(table, roles, "who", "at", event)
        derive_history(table, roles, history)
        key = [table.column("id")]
        found = pl.concat(list(table.batches(history.select(), key, None, 10_000)))
    return found.sort("id"), history


LITTLE = pl.DataFrame(
    {
        "id": [1, 2, 3, 4, 5, 6, 7, 8],
        "who": ["a", "a", "b", "a", "a", None, "a", "b"],
        "at": [START + dt.timedelta(minutes=m) if m is not None else None for m in (0, 30, 31, 90, 90, 5, None, 3000)],
        "action": ["in", "get", "in", "put", "out", "in", "get", "out"],
        "bytes": [1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0, 128.0],
    }
)


def test_what_was_before_by_hand():
    found, history = derived(LITTLE)
    rows = {row["id"]: row for row in found.iter_rows(named=True)}
    steps = {key: [row[EVENT], *(row[name] for name in BEFORE)][: row[PLACE]] for key, row in rows.items()}
    assert steps == {
        1: ["in"], 2: ["get", "in"], 3: ["in"], 5: ["out", "get", "in"], 4: ["put", "out", "get"],  # at once: by text
        6: ["in"], 7: ["get"], 8: ["out", "in"],  # nobody's, and at no time: no past
    }  # fmt: skip
    squares = {name: [None if x is None else round(x * x, 3) for x in found[name]] for name in history.paces}
    assert squares["past: records within 1 h"] == [1, 2, 1, 3, 3, None, None, 1]
    assert squares["past: records within 1 d"] == [1, 2, 1, 4, 4, None, None, 1]
    assert squares["past: sum of bytes within 1 d"] == [1, 3, 4, 27, 27, None, None, 128]
    assert squares[SECONDS_SINCE] == pytest.approx([None, 1800, None, 0, 3600, None, None, 2969 * 60], abs=0.1)
    assert 1 + len(BEFORE) <= LONGEST_GRAM


def test_nothing_that_comes_later_changes_what_was_before():
    frame = make_log(800)
    cut = START + dt.timedelta(hours=3)
    early, whole = derived(frame.filter(pl.col("at") < cut))[0], derived(frame)[0]
    assert early.height > 200
    assert whole.filter(pl.col("id").is_in(early["id"].implode())).equals(early)


def test_scores_of_records_do_not_look_ahead():
    """Later records of everybody are made wild; the earlier ones keep their scores to the last bit."""
    frame = make_log()
    model = fit_model(frame, config=Config(roles=ROLES, sequence={"event": ["action"]}))
    late = pl.col("at") > START + dt.timedelta(hours=8)
    wild = frame.with_columns(
        action=pl.when(late).then(pl.lit("delete")).otherwise("action"),
        bytes=pl.when(late).then(1e9).otherwise("bytes"),
    )
    before, after = (
        score_table(model, f).frame.sort("id").filter(pl.col("id").is_in(frame.filter(~late)["id"].implode()))
        for f in (frame, wild)
    )
    assert before["raw_score"].to_list() == after["raw_score"].to_list()
    assert score_table(model, wild).frame["id"][0] in frame.filter(late)["id"]


def test_the_order_of_rows_does_not_matter():
    frame = make_log(2000)
    wanted, *others = (
        score_table(fit_model(some, config=Config(roles=ROLES)), some).frame.sort("id")["raw_score"].to_list()
        for some in (frame, frame.sample(fraction=1, shuffle=True, seed=3), frame[::-1])
    )
    assert others == [wanted, wanted]


def test_events_that_are_alike_at_one_moment_keep_their_places_whatever_the_order_of_rows():
    # With two threads and some thousand rows DuckDB does return such ties in any order.
    frame = make_log(20_000).with_columns(pl.col("at").dt.truncate("3h"), pl.col("action").replace("update", "read"))
    wanted, _ = derived(frame)
    assert (wanted[EVENT] == wanted[BEFORE[0]]).sum() > 1000
    for some in (frame.sample(fraction=1, shuffle=True, seed=3), frame[::-1]):
        assert derived(some)[0].equals(wanted)


def test_an_event_out_of_order_is_found_where_it_stands():
    frame = make_log()
    model = fit_model(frame, config=Config(roles=ROLES, sequence={"event": ["action"]}, flags={"budget": 3}))
    odd = frame.filter(pl.col("who") == "u3")[40:60]
    odd = odd.with_columns(action=pl.when(pl.int_range(pl.len()) == 11).then(pl.lit("login")).otherwise("action"))
    flags = score_table(model, odd).flags.frame.filter(view="order")
    assert odd["id"][11] in flags["id"]
    place = flags["id"].to_list().index(odd["id"][11])
    before, here = odd["action"][10], make_log().filter(pl.col("id") == odd["id"][11])["action"][0]
    reason = flags["reason"][place]
    assert reason == f"action=login is unusual after {before} of who=u3; expected: {here}"


PAST = {"order", "pace", "dormancy", "rhythm", "duplicate", "burst", "travel", "stuck"}


def test_the_event_is_found_when_nobody_names_it():
    frame = make_log()
    _, history = derived(frame, ())
    assert history.event == ("action",)
    model = fit_model(frame, config=Config(roles=ROLES))
    assert any(
        "each action is compared with the previous ones of the same who, because their order is informative" in note
        for note in model.summary.notes
    )
    shuffled = frame.with_columns(action=frame["action"].sample(fraction=1, shuffle=True, seed=1))
    assert derived(shuffled, ())[1].event == ()
    views = [v.view.name for v in fit_model(shuffled, config=Config(roles=ROLES)).views]
    assert [name for name in views if name in PAST] == ["pace", "dormancy", "rhythm", "burst", "stuck"]


@pytest.mark.parametrize("where", [None, "id % 2 = 0"])
def test_a_first_use_is_found_and_worded(where):
    """People use two of the countries at random, so that no pair of values conflicts."""
    frame = make_log().with_columns(
        country=pl.when(pl.col("id") % 7 == pl.col("at").dt.minute() % 5).then(pl.lit("DE")).otherwise("country")
    )
    config = Config(roles={**ROLES, "ignore": ["action", "bytes"]}, source={"fit_where": where}, flags={"budget": 1})
    model = fit_model(frame, config=config)
    rows = frame.filter(pl.col("who") == "u1")[100:130]
    odd = rows.with_columns(country=pl.when(pl.int_range(pl.len()) == 7).then(pl.lit("BR")).otherwise("country"))
    flags = score_table(model, odd).flags
    assert flags.frame["id"].to_list() == [rows["id"][7]]
    assert flags.contributions.filter(view="habit")["column_name"].to_list() == ["country"]
    known = frame.filter(True if where is None else pl.col("id") % 2 == 0)
    own = known.filter(who="u1")
    hours = (own["at"].max() - own["at"].min()).total_seconds() / 3600
    times = dict(own["country"].value_counts().iter_rows())
    sentence = (
        f"first use of country=BR by who=u1 ({own.height:,} records over {hours:.3g} hours); "
        f"usually: FR ({times['FR']}), DE ({times['DE']})"
    )
    assert flags.frame["reason"][0] == sentence
    view = next(v.view for v in model.views if v.view.name == "habit")
    assert view.habits[0].times.sum() == known.height


def test_an_only_use_in_a_scan_of_the_reference_itself(run, tmp_path):
    frame = make_log().with_columns(country=pl.when(pl.col("id") == 600).then(pl.lit("BR")).otherwise("country"))
    assert make_log().filter(id=600)["country"][0] != "BR"
    frame.write_parquet(tmp_path / "log.parquet")
    options = ["--key", "id", "--entity", "who", "--time", "at", "--event", "action", "--budget", "2"]
    outcome = run("scan", tmp_path / "log.parquet", *options, "--format", "csv")
    assert outcome.code == 0, outcome.err
    found = next(line for line in outcome.out.splitlines() if line.startswith("600,"))
    assert "the only use of country=BR by who=" in found


def test_young_entities_surprise_nobody_and_old_ones_do():
    frame = make_log()
    model = fit_model(frame, config=Config(roles=ROLES))
    view = next(v.view for v in model.views if v.view.name == "habit")
    from anomembed.represent.batch import make_batch

    new = frame[:3].with_columns(who=pl.Series(["u0", "stranger", "u1"]), country=pl.lit("BR"))
    with Table(new) as table:
        roles = infer_roles(
            table,
            {Role(name): names for name, names in ROLES.items()}
            | {Role.CATEGORY: ["country", "action"], Role.NUMBER: ["bytes"]},
        )
        derive_history(table, roles, model.past.history)
        select = model.roles.select() | model.past.history.select()
        batch = make_batch(
            next(table.batches(select, [table.column("id")], None, 10)).sort("id"),
            model.vocabulary,
            ("bytes",),
            model.past,
        )
    surprise = view.surprise(batch)[:, model.vocabulary.names.index("country")]
    assert surprise[0] == pytest.approx(np.log(frame.filter(who="u0").height + 1), abs=0.1)  # one country so far
    assert surprise[1] == 0
    assert surprise[2] > 4


@pytest.mark.parametrize(("is_own", "chance"), [(True, 0.5 / 100), (False, (1 + 2 * 0.5) / 102)])
def test_an_only_use_does_not_vouch_for_itself(is_own, chance):
    """Of one person's hundred records one has the second value; half of all records have it."""
    together = sparse.csr_array(np.array([[0.0, 0, 99, 1], [0, 0, 1, 99]]))
    habits = Habits(0, 0, np.array([100.0, 100]), together, *np.full((2, 2), np.nan))
    view = HabitView(
        (habits,),
        is_own,
        np.array([0, 1]),
        np.array([0, 2, 4], np.int32),
        np.ones(2),
        np.zeros(2),
        np.full(4, 0.5),
        None,
    )
    surprise = view.surprise(Batch(np.array([[0, 3]], np.int32), np.empty((1, 0))))
    assert surprise[0].tolist() == [0, pytest.approx(np.log(0.5 / chance))]


@pytest.mark.parametrize(("days", "is_habit"), [(3, False), (30, True)])
def test_nobody_has_a_habit_of_weekdays_within_a_week(days, is_habit):
    together = sparse.csr_array(np.array([[0.0, 0, 99, 1], [0, 0, 1, 99]]))
    until = np.full(2, days * 86400e6)
    habits = Habits(0, 0, np.array([100.0, 100]), together, np.zeros(2), until)
    periods = np.array([0, 7 * 86400.0])
    columns, offsets = np.array([0, 1]), np.array([0, 2, 4], np.int32)
    view = HabitView((habits,), True, columns, offsets, np.ones(2), periods, np.full(4, 0.5), None)
    surprise = view.surprise(Batch(np.array([[0, 3]], np.int32), np.empty((1, 0))))
    assert bool(surprise[0, 1] > 0) is is_habit


def test_hours_count_for_their_neighbours_around_midnight():
    hours = np.zeros((1, 24))
    hours[0, 23] = 100
    smooth = smooth_hours(hours)[0]
    assert smooth[[21, 22, 23, 0, 1, 2]].tolist() == pytest.approx([5, 20, 50, 20, 5, 0])
    assert smooth.sum() == pytest.approx(100)


def test_a_burst_is_found_by_its_pace():
    frame = make_log()
    model = fit_model(frame, config=Config(roles=ROLES))
    slow = frame.filter(who="u5")[:60].with_columns(id=pl.int_range(60))
    at = START + dt.timedelta(days=3)
    burst = slow.with_columns(at=pl.Series([at + dt.timedelta(seconds=i) for i in range(60)]))
    views = {v.view.name: v for v in model.views}
    assert "pace" in views
    fast, usual = (score_table(model, f).frame.sort("id")["raw_score"].to_numpy() for f in (burst, slow))
    assert fast[30:].min() > np.quantile(usual, 0.95)
    reasons = score_table(model, burst).flags.frame.filter(view="pace")["reason"].to_list()
    assert reasons
    own = frame.filter(who="u5").sort("at")["at"].diff().drop_nulls()
    mean = own.dt.total_microseconds().mean() / 1e6
    figures = f"{mean:.4g} on average over {len(own)} of its {len(own) + 1} records in the reference"
    assert set(reasons) == {f"seconds since the one before=1 is unusually low for who=u5 ({figures})"}


@pytest.mark.parametrize("part", ["id < 1500", "id % 2 = 0"], ids=["one after the other", "interleaved"])
def test_habits_and_profiles_of_two_parts_add(part):
    frame = make_log()
    model = fit_model(frame, config=Config(roles=ROLES))
    views = {v.view.name: v.view for v in model.views}

    def sums(where):
        with Table(frame) as table:
            derive_history(table, model.roles, model.past.history)
            return sum_entities(table, model.roles, model.vocabulary, model.past, where)

    first, second = sums(part), sums(f"NOT ({part})")
    habits, paces = first.habits[0] + second.habits[0], first.paces[0] + second.paces[0]
    assert (habits.times == views["habit"].habits[0].times).all()
    assert np.abs(habits.together - views["habit"].habits[0].together).max() < 1e-9
    assert np.array_equal(habits.span, views["habit"].habits[0].span, equal_nan=True)
    for moment in ("times", "mean", "squares"):
        assert np.allclose(getattr(paces, moment), getattr(views["pace"].profiles[0], moment))


def test_contributions_sum_to_the_raw_score_with_a_past():
    model = fit_model(make_log(), config=Config(roles=ROLES, sequence={"event": ["action"]}))
    flags = score_table(model, make_log(300, seed=5)).flags
    assert {"entity", "habit", "pace", "order"} <= {v.view.name for v in model.views}
    sums = flags.contributions.group_by("rank").agg(pl.col("contribution").sum()).sort("rank")["contribution"]
    assert sums.to_numpy() == pytest.approx(flags.frame["raw_score"].to_numpy())


def test_a_kept_model_with_a_past_scores_the_same(tmp_path):
    frame = make_log(2000)
    model = fit_model(frame, config=Config(roles=ROLES, sequence={"event": ["action", "country"]}))
    with Store(tmp_path / "s.duckdb") as store, store.transaction():
        save_model(model, store)
    assert score_table(load_model(tmp_path / "s.duckdb"), frame).frame.equals(score_table(model, frame).frame)


@pytest.mark.parametrize(
    ("change", "code", "said"),
    [
        ("who AS who", 0, ""),
        ("NULL::VARCHAR AS who", 0, ""),
        ("who || id AS who", 0, "each who has one record: there is no past to compare it with"),
        ("'one' AS who", 0, ""),
    ],
    ids=["as it is", "no entity", "each its own", "only one"],
)
def test_odd_entities_are_no_error(run, tmp_path, change, code, said):
    make_log(1000).write_parquet(tmp_path / "log.parquet")
    query = f"SELECT * REPLACE ({change}) FROM records"
    outcome = run("scan", tmp_path / "log.parquet", query, "--entity", "who", "--time", "at", "--event", "action")
    assert outcome.code == code, outcome.err
    assert said in outcome.err
    assert ("has one record:" in outcome.err) == ("has one record:" in said)


def test_odd_times_are_no_error(run, tmp_path):
    """Time zones, an hour that a clock repeats in autumn, nulls, equal moments, text."""
    frame = make_log(1000)
    moments = [f"2026-10-25 {2 + i % 2:02d}:{i % 60:02d}:00+0{1 + i % 2}:00" if i % 7 else None for i in range(1000)]
    for at in (pl.Series(moments), pl.Series([m and m[:19] for m in moments])):
        frame.with_columns(at=at).write_csv(tmp_path / "log.csv")
        outcome = run(
            "scan", tmp_path / "log.csv", "--entity", "who", "--time", "at", "--event", "action", "--budget", "3"
        )
        assert outcome.code == 0, outcome.err


def test_an_event_without_a_time_or_an_entity_is_refused(run, tmp_path):
    make_log(100).drop("at").write_parquet(tmp_path / "log.parquet")
    outcome = run("scan", tmp_path / "log.parquet", "--entity", "who", "--event", "action")
    assert outcome.code == 2
    assert "events need a time: use --time, or roles.timestamp" in outcome.err
    make_log(100).write_parquet(tmp_path / "log.parquet")
    assert "an event needs a sequence" in run("scan", tmp_path / "log.parquet", "--event", "action").err


def test_columns_called_like_derived_ones_are_refused(run, tmp_path):
    make_log(100).rename({"country": EVENT}).write_parquet(tmp_path / "log.parquet")
    outcome = run("scan", tmp_path / "log.parquet", "--entity", "who", "--time", "at")
    assert outcome.code == 2
    assert "a column cannot be called past: event" in outcome.err


def test_a_history_without_an_event_has_no_steps():
    assert History("who", "at", (), (), "what", 1.0).steps == ()
