"""What people say about records: kept with time and user, and followed by the next fit and the next run."""

import getpass
import json
import shutil
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from databases import opened
from monitored import HOUR, REFERENCE, at, odd, pay, payment, read

N = REFERENCE


@pytest.fixture
def shop(begun_shop, tmp_path):
    for name in ("shop.duckdb", "shop.toml", "store.duckdb"):
        shutil.copy(begun_shop / name, tmp_path / name)
    return tmp_path


@pytest.fixture
def monitor(run):
    def monitor(number):
        outcome = run("monitor", "shop.toml", "--now", at(number))
        assert outcome.code == 0, outcome.err
        return outcome.out

    return monitor


@pytest.fixture
def say(run):
    def say(*arguments, code=0):
        outcome = run("feedback", *arguments, "--store", "store.duckdb")
        assert outcome.code == code, outcome.err
        return outcome.err

    return say


def flagged():
    return [int(key) for (key,) in read("SELECT key FROM flags ORDER BY run_id, key")]


def test_every_word_is_a_row_with_time_and_user_and_the_newest_counts(shop, monitor, say):
    pay(odd(N), payment(N + 1))
    monitor(N + HOUR)
    assert "'1600' of payments (run 1): an anomaly" in say(N, "--anomaly", "--note", "seen by Ann")
    say(N, "--normal")
    say(N, "--withdraw")
    say(N + 1, "--normal")
    assert read("SELECT * EXCLUDE (given_at) FROM feedback") == [
        (1, getpass.getuser(), "payments", "1600", 1, "anomaly", "seen by Ann"),
        (2, getpass.getuser(), "payments", "1600", 1, "normal", None),
        (3, getpass.getuser(), "payments", "1600", 1, "withdrawn", None),
        (4, getpass.getuser(), "payments", "1601", 1, "normal", None),
    ]
    ((when,),) = read("SELECT min(given_at) FROM feedback")
    assert abs(datetime.utcnow() - when) < timedelta(minutes=5)


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["1600"], "say one of --normal, --anomaly and --withdraw"),
        (["1600", "--normal", "--anomaly"], "say one of --normal, --anomaly and --withdraw"),
        (["no'such\nkey", "--normal"], 'no run of store.duckdb judged a record "no\'such\\nkey"'),
        (["1600", "--normal", "--run", "7"], "run 7 of store.duckdb judged no record '1600'"),
        (["1600", "--withdraw"], "nothing was said about '1600' of payments: there is nothing to withdraw"),
    ],
)
def test_what_cannot_be_said_is_refused_in_a_sentence(shop, monitor, say, arguments, sentence):
    pay(odd(N))
    monitor(N + HOUR)
    said = say(*arguments, code=2)
    assert sentence in said
    assert said.count("\n") == 1
    assert read("FROM feedback") == []


def test_the_like_of_what_is_normal_is_no_longer_flagged_and_is_again_when_that_is_withdrawn(shop, monitor, say):
    elsewhere = {"city": "Atlantis", "shop": "shop3", "price": 12.5}
    pay(payment(N, **elsewhere))
    monitor(N + HOUR)
    assert flagged() == [N]
    assert "price" not in read("SELECT columns FROM findings")[0][0]
    say(N, "--normal")
    pay(payment(N + HOUR, **elsewhere), payment(N + HOUR + 1))
    assert "2 records judged" in monitor(N + 2 * HOUR)
    assert flagged() == [N]
    assert read("SELECT n_scored, n_flagged FROM runs ORDER BY run_id") == [(1, 1), (2, 0)]
    assert read("SELECT count(*) FROM contributions WHERE run_id = 2") == [(0,)]
    assert read("SELECT count(*) FROM scores WHERE flagged") == [(1,)]
    say(N, "--withdraw")
    pay(payment(N + 2 * HOUR, **elsewhere))
    monitor(N + 3 * HOUR)
    assert flagged() == [N, N + 2 * HOUR]


def test_flags_with_another_reason_stay_and_move_up(shop, monitor, say):
    pay(odd(N))
    monitor(N + HOUR)
    say(N, "--normal")
    pay(odd(N + HOUR), odd(N + HOUR + 1, city="Eldorado"))
    monitor(N + 2 * HOUR)
    assert read("SELECT key, rank FROM flags WHERE run_id = 2") == [(str(N + HOUR + 1), 1)]
    assert {key for (key,) in read("SELECT key FROM contributions WHERE run_id = 2")} == {str(N + HOUR + 1)}


def test_a_number_farther_out_than_the_one_that_is_normal_is_flagged_still(shop, monitor, say):
    price = {"shop": "shop3", "city": "city0"}
    pay(payment(N, price=3000.0, **price))
    monitor(N + HOUR)
    assert flagged() == [N]
    assert read("SELECT columns, values FROM findings")[0] == (["price", "shop"], ["high", "shop3"])
    say(N, "--normal")
    pay(payment(N + HOUR, price=2000.0, **price), payment(N + HOUR + 1, price=900_000.0, **price))
    monitor(N + 2 * HOUR)
    assert flagged() == [N, N + HOUR + 1]


def fitted(run, *conditions):
    config = Path("shop.toml").read_text()
    old = next(line for line in config.splitlines() if line.startswith("fit_where"))
    Path("shop.toml").write_text(config.replace(old, f'fit_where = "{conditions[0]}"'))
    outcome = run("fit", "shop.toml")
    assert outcome.code == 0, outcome.err
    (model,) = read("SELECT max(model_id) FROM models")
    counts = read(f"SELECT token, n_records FROM tokens WHERE model_id = {model[0]} AND column_name = 'city'")
    n_reference = read(f"SELECT n_reference, config FROM models WHERE model_id = {model[0]}")[0]
    return outcome.err, n_reference, dict(counts)


def test_flagged_records_never_join_the_reference_until_they_are_called_normal(shop, run, monitor, say):
    pay(odd(N), odd(N + 1, city="Eldorado"), *(payment(n) for n in range(N + 2, N + 60)))
    monitor(N + HOUR)
    assert flagged() == [N, N + 1]
    everything = "paid_at < TIMESTAMP '2030-01-01'"
    said, (n_reference, config), cities = fitted(run, everything)
    assert "feedback  left out of the reference as flagged: 2" in said
    assert n_reference == N + 58
    assert not {"Atlantis", "Eldorado"} & set(cities)
    assert json.loads(config)["source"]["fit_where"] == everything  # or no run would find the model by its settings
    say(N, "--normal")
    say(N + 1, "--anomaly")
    said, (n_reference, _), cities = fitted(run, everything)
    assert "feedback  left out of the reference as flagged: 1" in said
    assert n_reference == N + 59
    assert "Eldorado" not in cities


def test_what_is_normal_joins_a_reference_that_the_condition_would_leave_it_out_of(shop, run, monitor, say):
    pay(odd(N), payment(N + 1))
    monitor(N + HOUR)
    say(N, "--normal")
    say(N + 1, "--normal")
    say(N + 1, "--withdraw")
    said, (n_reference, _), _ = fitted(run, f"id < {N}")
    assert "feedback  added to it as normal: 1" in said
    assert n_reference == N + 1


def test_without_feedback_and_flags_nothing_is_said_and_a_hostile_key_harms_nothing(shop, run, say):
    said, (n_reference, _), _ = fitted(run, f"id < {N}")
    assert "feedback" not in said
    assert n_reference == N
    with opened("store.duckdb") as connection:
        connection.execute(
            "INSERT INTO flags (run_id, key, rank, raw_score, tail_probability, extrapolated, view, reason, source) "
            "VALUES (1, $$') OR true --$$, 1, 9, 1e-9, false, 'pair', 'odd', 'payments')"
        )
    _, (n_reference, _), _ = fitted(run, f"id < {N}")
    assert n_reference == N


def test_the_summary_tells_the_precision_by_view_and_in_all(shop, run, monitor, say):
    pay(odd(N), odd(N + 1, city="Eldorado"), payment(N + 2, price=900_000.0, shop="shop3", city="city0"))
    monitor(N + HOUR)
    views = dict(read("SELECT key, view FROM flags"))
    assert len(views) == 3
    say(N, "--anomaly")
    say(N + 1, "--normal")
    say(N + 2, "--anomaly")
    say(N + 2, "--withdraw")
    outcome = run("findings", "--summary", "--store", "store.duckdb", "--format", "ndjson")
    rows = [json.loads(line) for line in outcome.out.splitlines()]
    assert rows[-1] | {"view": "all", "n_judged": 2, "n_anomalies": 1, "precision": 0.5} == rows[-1]
    assert sum(row["n_judged"] for row in rows[:-1]) == 2
    assert {row["view"] for row in rows[:-1]} == {views[str(N)], views[str(N + 1)]}
    assert "0.500" in run("findings", "--summary", "--store", "store.duckdb").out
