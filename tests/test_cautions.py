"""What a run says besides its flags: why nothing is flagged, that a flag is ordinary, and that a value is new."""

import datetime as dt
import re
from pathlib import Path

import numpy as np
import polars as pl
import pytest
import tomlkit
from databases import opened

from anomembed import scan
from anomembed.score.calibration import fit_calibration
from anomembed.score.flags import FlagKeeper, FlagRule
from anomembed.write import template

WRITTEN = Path("paid.toml")


def purchases(seed, n=5000, planted=20):
    """Sixty people with a currency each, thirty shops with a kind each; planted ones have neither, and eight times the
    amount.
    """
    rng = np.random.default_rng(seed)
    who, shop = rng.integers(0, 60, n), rng.integers(0, 30, n)
    odd = np.isin(np.arange(n), rng.choice(n, planted, replace=False))
    minutes = np.sort(rng.integers(0, 90 * 1440, n))
    return pl.DataFrame(
        {
            "id": np.arange(n),
            "who": [f"w{i}" for i in who],
            "shop": [f"s{i}" for i in shop],
            "kind": [f"k{i}" for i in (shop + 3 * odd) % 6],
            "currency": [f"c{i}" for i in (who + 2 * odd) % 4],
            "amount": (rng.lognormal(3, 0.6, n) * np.where(odd, 8, 1)).round(2),
            "at": [dt.datetime(2026, 1, 1) + dt.timedelta(minutes=int(m)) for m in minutes],
        }
    ), set(np.flatnonzero(odd).tolist())


def flagged_by_alpha(frame, max_records=200_000, roles=None):
    config = {"flags": {"alpha": 0.05}, "reference": {"max_records": max_records}, "roles": roles or {}}
    return set(scan(frame, config=config).flags.frame["id"].to_list())


ENTITY = {"key": ["id"], "entity": ["who"], "timestamp": ["at"]}


@pytest.mark.parametrize("seed", range(3))
def test_alpha_flags_what_is_clear(seed):
    frame, planted = purchases(seed)
    flagged = flagged_by_alpha(frame)
    assert len(planted & flagged) >= 18
    assert len(flagged - planted) <= 3


def test_alpha_flags_what_is_clear_beside_an_entity_whose_own_amounts_spread():
    """The planted ones are not apart: without them, some normal payments would be as far out as the last of these."""
    found = 0
    for seed in range(6):
        frame, planted = purchases(seed, 3000)
        flagged = flagged_by_alpha(frame, roles=ENTITY)
        found += len(planted & flagged) >= 15
        assert len(flagged - planted) <= 0.35 * max(len(flagged), 1)
    assert found >= 4


def test_alpha_flags_what_is_clear_where_a_sample_is_learnt_from():
    """Those held out calibrate, and planted ones are among them."""
    frame, planted = purchases(0, 60_000, 100)
    flagged = flagged_by_alpha(frame, 20_000)
    assert len(planted & flagged) >= 95
    assert len(flagged - planted) <= 10


@pytest.mark.parametrize(
    ("n", "max_records", "n_seeds", "roles"),
    [(1200, 200_000, 12, {}), (6000, 4000, 6, {}), (1200, 200_000, 12, ENTITY), (3000, 200_000, 8, ENTITY)],
)
def test_alpha_seldom_flags_anything_where_nothing_is_planted(n, max_records, n_seeds, roles):
    flagged = [flagged_by_alpha(purchases(seed, n, 0)[0], max_records, roles) for seed in range(n_seeds)]
    assert sum(map(bool, flagged)) <= n_seeds // 6


def test_scores_beyond_a_clear_gap_do_not_shape_the_tail():
    rng = np.random.default_rng(3)
    normal = rng.exponential(size=5000)
    apart = rng.uniform(40, 60, 15)
    own = fit_calibration(np.concatenate([normal, apart]), is_own=True)
    assert own.largest == normal.max()
    assert (own.tail_probability(apart) < 0.05 * 15 / 5015).all()
    without = fit_calibration(normal, is_own=True)
    assert own.tail_probability(normal) == pytest.approx(without.tail_probability(normal))
    assert fit_calibration(np.concatenate([normal, apart])).largest == apart.max()  # held out: all of them count


def test_a_smooth_tail_has_no_gap():
    rng = np.random.default_rng(4)
    for draw in (rng.exponential, rng.lognormal, rng.standard_normal, lambda size: rng.pareto(3, size)):
        scores = [draw(size=3000) for _ in range(20)]
        assert sum(fit_calibration(score, is_own=True).largest < score.max() for score in scores) <= 1


def keeper(tails, alpha):
    kept = FlagKeeper(FlagRule("alpha", alpha), ["id"])
    tails = np.array(tails)
    frame = pl.DataFrame({"id": np.arange(len(tails)), "raw_score": -np.log(tails), "tail_probability": tails})
    list(kept.watch([frame.with_columns(view=pl.lit("record"))]))
    return kept


def test_where_alpha_flags_nothing_the_caution_says_what_would_and_that_does():
    tails = [0.002, 0.003, 0.0031, 0.2, *[0.5] * 96]
    said = keeper(tails, 0.05).why_nothing()
    pattern = r"probabilities of (\S+) or less, .* of them has (\S+); --budget (\d+) flags them, or an alpha of (\S+)$"
    needed, has, budget, alpha = re.search(pattern, said).groups()
    assert (int(budget), float(needed), float(has)) == (3, pytest.approx(0.05 * 3 / 100), 0.0031)
    assert keeper(tails, float(alpha)).flagged().height == 3
    assert keeper(tails, float(alpha)).why_nothing() is None
    assert keeper(tails, float(alpha) * 0.9).flagged().height == 0
    assert "no record has a tail probability of 0.05 or less" in keeper([0.5] * 9, 0.05).why_nothing()


@pytest.fixture
def paid(database):
    """5,000 payments, of which the last 1,000 have a channel of another name in a tenth."""
    return database(
        "CREATE TABLE paid AS SELECT i AS id, 's' || hash(i) % 9 AS shop, if(i >= 4000 AND i % 10 = 0, 'chip-and-pin', "
        "'ch' || hash(i * 3) % 4) AS channel, (hash(i * 5) % 1000) / 10 AS amount FROM range(5000) r(i)"
    )


def fitted(run, path, *options):
    assert run("init", path, "-o", "paid.toml", *options).code == 0
    text = WRITTEN.read_text().replace('# fit_where = "..."', 'fit_where = "id < 4000"')
    WRITTEN.write_text(text)
    assert run("fit", "paid.toml", "-q").code == 0


def test_a_renamed_value_in_a_tenth_of_new_records_is_told(run, paid):
    fitted(run, paid)
    said = run("score", "paid.toml", "--where", "id >= 4000").err
    assert (
        "caution   channel=chip-and-pin, which the reference does not have, is in 100 of 1,000 records (10%): " in said
    )
    assert "does not have" not in run("score", "paid.toml", "--where", "id < 4000").err


def test_scan_says_so_as_score_does(run, paid):
    options = ("--fit-where", "id < 4000", "--where", "id >= 4000")
    assert (
        "channel=chip-and-pin, which the reference does not have, is in 100 of 1,000" in run("scan", paid, *options).err
    )
    assert "does not have" not in run("scan", paid).err
    fitted(run, paid)
    for rule in ("--alpha", "--threshold"):
        said = [
            re.findall(r"caution   (?:alpha|threshold).*", run(*command, rule, "1e-9").err)
            for command in (("scan", paid, *options), ("score", "paid.toml", "--where", "id >= 4000"))
        ]
        assert len(said[0]) == len(said[1]) == 1
        assert said[0][0].split(":")[0] == said[1][0].split(":")[0]


def test_a_renamed_value_in_a_handful_of_records_is_told(run, paid):
    fitted(run, paid)
    said = run("score", "paid.toml", "--where", "id >= 4000 AND id < 4052").err
    assert (
        "channel=chip-and-pin, which the reference does not have, is in 6 of 52 records (12%): renamed or new?" in said
    )
    assert "does not have" not in run("score", "paid.toml", "--where", "id >= 4000 AND id < 4040").err


def test_a_new_value_in_a_handful_of_records_is_no_drift_where_new_ones_are_usual(run, database):
    path = database(
        "CREATE TABLE paid AS SELECT i AS id, CASE WHEN i BETWEEN 4000 AND 4008 THEN 'new' WHEN i < 4000 AND i % 3 = 0 "
        "THEN 'once' || i ELSE 'c' || i % 200 END AS who, 'k' || i % 5 AS kind FROM range(4088) r(i)"
    )
    fitted(run, path, "--category", "who")
    assert "does not have" not in run("score", "paid.toml", "--where", "id >= 4000").err


def test_values_that_are_new_in_few_records_are_no_drift(run, database):
    path = database(
        "CREATE TABLE paid AS SELECT i AS id, 'c' || if(i < 4000, hash(i) % 2000, i) AS who, 'k' || i % 5 AS kind "
        "FROM range(5000) r(i)"
    )
    fitted(run, path)
    assert "does not have" not in run("score", "paid.toml", "--where", "id >= 4000").err


def test_init_writes_a_threshold_so_a_quiet_hour_is_silent(run, database):
    path = database(
        "CREATE TABLE paid AS SELECT i AS id, 's' || hash(i) % 9 AS shop, 'c' || hash(i) % 9 % 3 AS city, "
        "(hash(i * 5) % 1000) / 10 AS amount FROM range(9000) r(i)"
    )
    fitted(run, path)
    text = WRITTEN.read_text()
    assert "threshold = 0.001  # " in text
    assert "\nbudget" not in text
    quiet = run("score", "paid.toml", "--where", "id >= 8900 AND id < 8967", "--fail-on-flags")
    assert (quiet.code, quiet.out) == (0, "")


@pytest.mark.parametrize(
    ("options", "threshold", "why"),
    [
        ([], "0.01", "; 900 records of reference support none below 0.0074"),
        (["--fit-where", "id < 300"], "0.05", "; 300 records of reference support none below 0.022"),
        (["--fit-where", "true or n = 3"], "0.01", "; 900 records"),
        (["--sequence", "shop", "--event", "c"], "0.05", "; 9 sequences"),
    ],
)
def test_init_writes_a_threshold_that_the_reference_can_calibrate(run, database, options, threshold, why):
    path = database(
        "CREATE TABLE paid AS SELECT i id, 's' || hash(i) % 9 AS shop, 'c' || i % 3 AS c, 3 AS n FROM range(900) t(i)"
    )
    assert run("init", path, "-o", "few.toml", *options).code == 0
    found = re.search(r"^threshold = (\S+)  # (.*)$", Path("few.toml").read_text(), re.MULTILINE)
    assert found[1] == threshold
    assert why in found[2]


def test_a_large_reference_needs_no_reason_for_its_threshold():
    example = tomlkit.parse("threshold = 1  # so many")["threshold"]
    item = template._threshold(example, template.Sizes(10**6, 10**6, "records"))
    assert (item.as_string(), item.trivia.comment) == ("0.0001", "# so many")


def test_a_model_that_cannot_flag_by_the_rule_says_so_when_it_is_learnt(run, database):
    path = database(
        "CREATE TABLE paid AS SELECT i AS id, 's' || hash(i) % 9 AS shop, 'c' || i % 3 AS c FROM range(900) r(i)"
    )
    fitted(run, path)
    said = []
    for threshold in ("1e-9", "0.9"):
        WRITTEN.write_text(re.sub("(?m)^threshold = .*$", f"threshold = {threshold}", WRITTEN.read_text()))
        said.append(run("fit", "paid.toml").err)
    assert re.search(r"^caution   threshold 1e-09 may flag nothing: .*\nsaved ", said[0], re.MULTILINE)
    assert "caution" not in said[1]


def test_a_budget_says_when_its_last_flags_are_ordinary(run, paid):
    fitted(run, paid)
    said = run("score", "paid.toml", "--where", "id >= 4900", "--budget", 40).err
    found = re.search(r"last (\d+) flags are ordinary: (\S+) of normal records, about (\d+) of so many,", said)
    assert found
    with opened("anomembed.duckdb", read_only=True) as store:
        tails = [t for (t,) in store.execute("SELECT tail_probability FROM flags ORDER BY rank").fetchall()]
    ordinary = [t > 0.05 or 100 * t >= rank for rank, t in enumerate(tails, 1)]
    assert int(found[1]) == ordinary[::-1].index(False)
    assert (found[2], int(found[3])) == (f"{tails[-1]:.2g}", round(100 * tails[-1]))
    assert "are ordinary" not in run("score", "paid.toml", "--where", "id >= 4000", "--budget", 3).err


def test_json_held_as_text_is_json(run, database):
    path = database(
        """CREATE TABLE t AS SELECT i AS id,
        '{"shop": "s' || i % 5 || '", "paid": {"amount": ' || i % 40 || '}}' AS doc,
        if(i % 2 = 0, '{"half": 1}', 'plain') AS mixed, '[1, 2]' AS listed FROM range(500) r(i)"""
    )
    said = run("scan", path, "--budget", 1).err
    assert re.search(r"category +doc\.shop, mixed", said)
    assert re.search(r"number +doc\.paid\.amount", said)
    assert "doc: JSON; its fields stand alone" in said
    assert "mixed.half" not in said


def test_scan_hints_at_the_entity_on_standard_error(run, database):
    path = database(
        "CREATE TABLE t AS SELECT i AS id, 'u' || hash(i) % 40 AS user, 'a' || hash(i * 3) % 5 AS action, "
        "TIMESTAMP '2026-01-01' + i * INTERVAL 7 MINUTE AS at FROM range(2000) r(i)"
    )
    outcome = run("scan", path, "--budget", 1)
    assert "hint      user may be the entity: add --entity user --time at " in outcome.err
    assert "hint" not in outcome.out
    assert "hint" not in run("scan", path, "--budget", 1, "--entity", "user", "--time", "at").err
