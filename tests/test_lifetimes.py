"""What is younger than a week says nothing of weekdays; what is older does."""

from datetime import datetime, timedelta
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from anomembed.represent.tokens.learning import category_tokens, time_tokens
from anomembed.represent.tokens.lifetimes import find_brief
from anomembed.represent.tokens.value_counts import count_values
from anomembed.represent.tokens.vocabulary import Vocabulary

MONDAY = datetime(2026, 3, 2)
LATER = """
[source]
database = "payments.parquet"
fit_where = "paid_at < '2026-03-23'"
where = "paid_at >= '2026-03-23'"
[flags]
threshold = 0.001
"""


def payments(n=16_000, seed=0):
    """Four weeks of payments; `Newco` opens on the third Friday, `Rest` is closed on Sundays but for once."""
    rng = np.random.default_rng(seed)
    days = np.sort(rng.uniform(0, 28, n))
    shop = rng.choice(["Acme", "Bolt", "Crux", "Rest"], n, p=[0.4, 0.3, 0.15, 0.15])
    is_sunday = days % 7 >= 6
    shop = np.where((shop == "Rest") & is_sunday, "Acme", shop)
    shop = np.where((days >= 18) & (rng.random(n) < 0.08), "Newco", shop)
    shop[np.flatnonzero(is_sunday & (days > 21))[100]] = "Rest"
    frame = pl.DataFrame(
        {
            "payment": np.arange(n),
            "paid_at": [MONDAY + timedelta(days=float(day)) for day in days],
            "shop": shop,
            "country": rng.choice(["DE", "FR", "IT"], n),
            "amount": rng.gamma(4, 20, n).round(2),
        }
    )
    return frame, int(frame.filter((pl.col("shop") == "Rest") & (pl.col("paid_at").dt.weekday() == 7))["payment"][0])


def test_what_opens_before_the_week_is_over_is_not_held_against_its_weekdays(run):
    frame, on_sunday = payments()
    frame.write_parquet("payments.parquet")
    Path("later.toml").write_text(LATER)
    assert run("fit", "later.toml").code == 0
    scored = run("score", "later.toml", "--format", "csv")
    assert scored.code == 0, scored.err
    flags = pl.read_csv(scored.out.encode())
    assert flags.height < 15, "of 4,000, with three hundred of the new shop"
    assert flags["payment"][0] == on_sunday, "what is old enough has a weekday"
    assert "Sunday" in flags["reason"][0]
    new = frame.filter((pl.col("shop") == "Newco") & (pl.col("paid_at") >= MONDAY + timedelta(days=21)))
    assert run("explain", new["payment"][0]).out.count("Newco") >= 1
    assert "where chance" not in run("explain", new["payment"][0]).out


@pytest.mark.parametrize(("days", "is_brief"), [(0, True), (6, True), (7, False), (20, False)])
def test_a_value_is_there_from_its_first_record_to_its_last(days, is_brief):
    at = [MONDAY + timedelta(hours=6 * step) for step in range(120)]
    name = ["old"] * 119 + [None]
    name[3], name[3 + 4 * days] = "new", "new"
    frame = pl.DataFrame({"at": at, "name": name}).sample(fraction=1, shuffle=True, seed=3)
    columns = (*time_tokens("at", frame["at"]), category_tokens("name", count_values(frame["name"]), 1))
    vocabulary = Vocabulary(columns)
    brief = find_brief(vocabulary, vocabulary.encode(frame), frame)
    assert [vocabulary.columns[at].name for at in vocabulary.calendar] == ["at hour", "at weekday"]
    new = next(token for token, name in enumerate(vocabulary.token_names) if name == ("name", "new"))
    assert brief[:, new].tolist() == [days == 0, is_brief]


def test_times_that_are_missing_say_nothing():
    frame = pl.DataFrame({"at": [MONDAY + timedelta(days=day) for day in range(30)], "name": ["a", "b"] * 15})
    frame = frame.with_columns(at=pl.when(pl.col("name") == "b").then(None).otherwise("at"))
    columns = (*time_tokens("at", frame["at"]), category_tokens("name", count_values(frame["name"]), 1))
    vocabulary = Vocabulary(columns)
    brief = dict(
        zip(vocabulary.token_names, find_brief(vocabulary, vocabulary.encode(frame), frame).T.tolist(), strict=True)
    )
    assert brief["name", "a"] == brief["name", "b"] == [False] * len(vocabulary.calendar)


def test_pairs_that_are_too_brief_are_symmetric():
    frame = pl.DataFrame({"at": [MONDAY + timedelta(days=day) for day in range(30)], "name": ["a"] * 27 + ["b"] * 3})
    columns = (category_tokens("name", count_values(frame["name"]), 1), *time_tokens("at", frame["at"]))
    plain = Vocabulary(columns)
    vocabulary = Vocabulary(columns, find_brief(plain, plain.encode(frame), frame))
    old, new = (vocabulary.too_brief(vocabulary.encode(frame)[row]) for row in (0, 29))
    weekday = vocabulary.names.index("at weekday")
    assert not old[0].any()
    assert np.flatnonzero(new[0]).tolist() == [at for at in vocabulary.calendar if at >= weekday]
    assert (new == new.T).all()
    assert not plain.too_brief(plain.encode(frame)[29]).any()
