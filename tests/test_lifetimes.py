"""What opened on Friday has no Monday yet; what is older than a week has."""

from datetime import datetime, timedelta

import numpy as np
import polars as pl
from late_records import MONDAY, NEXT, at_random, flags_of_later

from anomembed.represent.tokens.learning import category_tokens, time_tokens
from anomembed.represent.tokens.lifetimes import find_absent
from anomembed.represent.tokens.value_counts import count_values
from anomembed.represent.tokens.vocabulary import Vocabulary


def payments(n=16_000, seed=0):
    """Four weeks of payments; `Newco` opens on the third Friday, `Rest` is closed on Sundays but for once."""
    rng = np.random.default_rng(seed)
    days, moments = at_random(n, rng)
    shop = rng.choice(["Acme", "Bolt", "Crux", "Rest"], n, p=[0.4, 0.3, 0.15, 0.15])
    is_sunday = days % 7 >= 6
    shop = np.where((shop == "Rest") & is_sunday, "Acme", shop)
    shop = np.where((days >= 18) & (rng.random(n) < 0.08), "Newco", shop)
    shop[np.flatnonzero(is_sunday & (days > 21))[100]] = "Rest"
    frame = pl.DataFrame(
        {
            "payment": np.arange(n),
            "paid_at": moments,
            "shop": shop,
            "country": rng.choice(["DE", "FR", "IT"], n),
            "amount": rng.gamma(4, 20, n).round(2),
        }
    )
    return frame, int(frame.filter((pl.col("shop") == "Rest") & (pl.col("paid_at").dt.weekday() == 7))["payment"][0])


def test_what_opens_before_the_week_is_over_is_not_held_against_its_weekdays(run):
    frame, on_sunday = payments()
    flags = flags_of_later(run, frame)
    assert flags.height < 15, "of 4,000, with three hundred of the new shop"
    assert flags["payment"][0] == on_sunday, "what is old enough has a weekday"
    assert "Sunday" in flags["reason"][0]
    new = frame.filter((pl.col("shop") == "Newco") & (pl.col("paid_at") >= NEXT))
    assert run("explain", new["payment"][0]).out.count("Newco") >= 1
    assert "where chance" not in run("explain", new["payment"][0]).out


def found(frame):
    """The tokens, and the names of the parts of the calendar that did not come while `name` was each value."""
    columns = (*time_tokens("at", frame["at"]), category_tokens("name", count_values(frame["name"]), 1))
    vocabulary = Vocabulary(columns)
    absent = find_absent(vocabulary, vocabulary.encode(frame), frame["at"])
    vocabulary = Vocabulary(columns, absent)
    names = vocabulary.token_names
    parts = [names[token] for token in np.flatnonzero(vocabulary.calendar_rows >= 0)]
    absences = {
        name: [parts[row][1] for row in np.flatnonzero(absent[:, token])]
        for token, name in enumerate(names)
        if name[0] == "name"
    }
    return vocabulary, {name[1]: missing for name, missing in absences.items()}


def hourly(first, last):
    """Six weeks, hour by hour; `name` is new from `first` to `last`, in hours since the first Monday."""
    steps = np.arange(6 * 7 * 24)
    name = np.where((steps >= first) & (steps <= last), "new", "old")
    return pl.DataFrame({"at": [MONDAY + timedelta(hours=int(step)) for step in steps], "name": name})


def test_what_came_between_the_first_and_the_last_record_is_not_absent():
    friday_to_sunday = hourly(18 * 24, 21 * 24 - 1).sample(fraction=1, shuffle=True, seed=3)
    _, absent = found(friday_to_sunday)
    assert absent["new"] == ["Monday", "Tuesday", "Wednesday", "Thursday"]
    assert absent["old"] == []
    _, absent = found(hourly(100, 100 + 7 * 24))
    assert absent["new"] == [], "of a week all comes"


def test_a_part_that_has_hardly_begun_is_absent():
    late_on_friday = hourly(18 * 24 + 20, 20 * 24 + 13)
    _, absent = found(late_on_friday)
    assert absent["new"] == ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday"], "of Sunday it has twelve hours"
    _, absent = found(hourly(502, 507))
    assert absent["new"][:20] == [f"{hour:02d}h" for hour in range(24) if hour not in (23, 0, 1, 2)], (
        "whole hours alone"
    )


def test_of_one_moment_nothing_is_told_and_of_other_times_neither():
    """A product is launched once: that it was on another weekday, in one record, is what is looked for."""
    at_once = pl.DataFrame({"at": [MONDAY + timedelta(hours=9)] * 40 + hourly(0, 1)["at"].to_list()})
    at_once = at_once.with_columns(
        name=pl.when(pl.int_range(pl.len()) < 40).then(pl.lit("new")).otherwise(pl.lit("old"))
    )
    assert found(at_once)[1]["new"] == []
    frame = hourly(18 * 24, 21 * 24 - 1).with_columns(launched=pl.col("at") + pl.duration(days=3))
    columns = (*time_tokens("at", frame["at"]), *time_tokens("launched", frame["launched"]))
    vocabulary = Vocabulary((*columns, category_tokens("name", count_values(frame["name"]), 1)))
    absent = find_absent(vocabulary, vocabulary.encode(frame), frame["at"])
    parts = (
        [vocabulary.names[column] for column in vocabulary.column_of[vocabulary.calendar_rows >= 0]]
        if absent.size
        else []
    )
    vocabulary = Vocabulary(vocabulary.columns, absent)
    parts = [vocabulary.names[vocabulary.column_of[token]] for token in np.flatnonzero(vocabulary.calendar_rows >= 0)]
    assert {part for part, row in zip(parts, absent, strict=True) if row.any()} == {"at weekday"}


def test_times_that_are_missing_say_nothing():
    frame = hourly(100, 200).with_columns(at=pl.when(pl.col("name") == "new").then(None).otherwise("at"))
    assert found(frame)[1] == {"(missing)": [], "(rare)": [], "(unseen)": [], "old": [], "new": []}


def test_pairs_that_never_met_are_symmetric():
    frame = hourly(18 * 24, 21 * 24 - 1)
    vocabulary, _ = found(frame)
    tokens = vocabulary.encode(frame.with_columns(name=pl.lit("new")))
    name, weekday = len(vocabulary.columns) - 1, vocabulary.names.index("at weekday")
    monday, friday = vocabulary.never_met(tokens[5]), vocabulary.never_met(tokens[4 * 24 + 5])
    assert np.argwhere(monday).tolist() == [[weekday, name], [name, weekday]]
    assert not friday.any()
    assert not Vocabulary(vocabulary.columns).never_met(tokens[5]).any()


def test_a_date_that_is_no_date_hides_no_others():
    frame = hourly(18 * 24, 21 * 24 - 1)
    odd = pl.DataFrame({"at": [datetime(9999, 12, 31, 23), datetime(1, 1, 1)], "name": ["odd", "older"]})
    _, absent = found(pl.concat([frame, odd]))
    assert absent["new"][:4] == ["Monday", "Tuesday", "Wednesday", "Thursday"]
    assert absent["odd"] == absent["older"] == []
