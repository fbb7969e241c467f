"""An account that nobody has used for months, and then somebody does."""

import datetime as dt

import numpy as np
import polars as pl
import pytest
from modes import START, terms_of

from anomembed import Config, fit_model, scan, score_table

ROLES = {"key": ["id"], "entity": ["account"], "timestamp": ["at"]}
DORMANT = 3


def payments(seed=0, *, days=180, bursty=False):
    """Forty accounts pay every fourth day or so, at random; number 3 does not from day 60 to 170."""
    rng = np.random.default_rng(seed)
    rows = []
    for account in range(40):
        if bursty:  # three days of five payments an hour, then nothing for weeks
            starts = np.cumsum(rng.exponential(25, 12))
            moments = np.concatenate([start + rng.uniform(0, 3, 5) for start in starts])
        else:
            moments = np.cumsum(rng.exponential(4, 80))
        kept = moments[moments < days]
        if account == DORMANT:
            kept = np.concatenate([kept[kept < 60], [170.0]])
        rows += [(float(moment), account) for moment in kept]
    rows.sort()
    return pl.DataFrame(
        {
            "id": range(len(rows)),
            "at": [START + dt.timedelta(days=moment) for moment, _ in rows],
            "account": [f"A{account:02d}" for _, account in rows],
            "amount": rng.gamma(4, 20, len(rows)).round(2),
            "kind": rng.choice(["in", "out", "fee"], len(rows)),
        }
    )


def awakened(frame):
    return int(frame.filter(pl.col("account") == f"A{DORMANT:02d}")["id"][-1])


@pytest.mark.parametrize("seed", range(3))
def test_who_acts_after_months_is_among_the_first_with_the_figures(seed):
    """The account has nine to twenty earlier payments; some amount of the others may be as unusual."""
    frame = payments(seed)
    flags = scan(frame, config={"roles": ROLES, "flags": {"budget": 3}}).flags.frame.filter(id=awakened(frame))
    own = frame.filter(pl.col("account") == "A03")["at"]
    gaps = own.diff().drop_nulls().dt.total_seconds() / 86400
    assert flags["reason"][0] == (
        f"account=A03 after {gaps[-1]:.3g} days without a record "
        f"(otherwise at most {gaps[:-1].max():.3g} days, with {len(gaps)} other records)"
    )


def test_it_is_found_in_later_records_too():
    frame = payments(1)
    reference = frame.filter(pl.col("at") < START + dt.timedelta(days=150))
    model = fit_model(reference, config=Config(roles=ROLES, flags={"budget": 1}))
    later = frame.filter((pl.col("account") == "A03") | (pl.col("at") >= START + dt.timedelta(days=150)))
    flags = score_table(model, later).flags.frame
    assert flags["id"].to_list() == [awakened(frame)]
    assert "in the reference)" in flags["reason"][0]


def test_by_chance_and_in_bursts_nobody_is_dormant():
    usual = payments(2).filter(pl.col("account") != "A03")
    terms = np.array(list(terms_of(usual, "dormancy", Config(roles=ROLES)).values()))
    assert np.count_nonzero(terms > 0.5) <= 2
    pauses = payments(2, bursty=True).filter(pl.col("account") != "A03")
    assert np.count_nonzero(np.array(list(terms_of(pauses, "dormancy", Config(roles=ROLES)).values())) > 0.5) <= 2


def test_who_has_no_past_has_not_waited():
    frame = payments(0)
    once = frame.with_columns(account=pl.when(pl.col("id") % 50 == 7).then(pl.format("N{}", "id")).otherwise("account"))
    terms = terms_of(once, "dormancy", Config(roles=ROLES))
    assert all(terms[number] == 0 for number in once.filter(pl.col("account").str.starts_with("N"))["id"])


def test_who_is_always_regular_may_be_a_little_late():
    every_hour = pl.DataFrame({"at": [START + dt.timedelta(minutes=3 * at) for at in range(4000)]})
    frame = every_hour.with_columns(id=pl.int_range(pl.len()), account=pl.format("A{}", pl.int_range(pl.len()) % 20))
    frame = frame.with_columns(amount=pl.Series(np.random.default_rng(0).gamma(4, 20, 4000)))
    late = frame.with_columns(at=pl.when(pl.col("id") == 3001).then(pl.col("at").dt.offset_by("30m")).otherwise("at"))
    for clean in (True, False):
        config = Config(roles=ROLES, reference={"clean": clean})
        assert not any(terms_of(late, "dormancy", config).values())
        model = fit_model(frame.filter(pl.col("id") < 3000), config=config)
        scores = score_table(model, late.filter(pl.col("id") >= 3000)).flags.frame
        assert "dormancy" not in scores["view"].to_list()
