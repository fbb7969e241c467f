"""Models of a monitor: learnt anew when it pays, compared, taken back, and removed."""

import json
import re
import shutil
from contextlib import chdir
from pathlib import Path

import duckdb
import numpy as np
import pytest
from databases import opened
from monitored import REFERENCE, at, drawn, odd, pay, payment, read

from anomembed import load_model
from anomembed.represent.embeddings import Embeddings
from anomembed.represent.embeddings.aligning import aligned
from anomembed.write.drifts import EXCESS, FAR_OUT

N, DAY = REFERENCE, 2880  # payments
FILE = '[[monitor.channels]]\nkind = "file"\nto = "alerts.ndjson"\n'


@pytest.fixture
def monitor(begun_shop, tmp_path, run):
    """Run the monitor of a shop that has begun, with some settings."""
    copy(begun_shop, tmp_path)
    return lambda *nows, settings="": watch(run, *nows, settings=settings)


def copy(folder, to):
    for path in folder.iterdir():
        if path.is_file():
            shutil.copy(path, to / path.name)


def watch(run, *nows, settings=""):
    config = Path("shop.toml").read_text().split("refit")[0].split("[[")[0]
    Path("shop.toml").write_text(config + settings + FILE)
    outcomes = [run("monitor", "shop.toml", "--now", at(now)) for now in nows]
    assert [(outcome.code, outcome.err) for outcome in outcomes if outcome.code] == []
    return [outcome.out for outcome in outcomes]


def sent():
    path = Path("alerts.ndjson")
    return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []


def moved(number):
    """A payment after all but three customers left; every 97th is odd."""
    customer = f"customer{int(3 * drawn(number, 'customer'))}"
    return payment(number, customer=customer, **({"city": "Atlantis", "price": 9999.0} if number % 97 == 5 else {}))


HOURS = range(N + 400, N + DAY + 900, 400)


REFITTED = []  # what the runs said, and the folder


@pytest.fixture
def refitted(begun_shop, tmp_path, tmp_path_factory, run):
    """What the runs of a shop said whose customers left, in a copy of its folder."""
    if not REFITTED:
        folder = tmp_path_factory.mktemp("refitted")
        copy(begun_shop, folder)
        with chdir(folder):
            pay(*map(moved, range(N, N + DAY + 900)))
            REFITTED.extend([watch(run, *HOURS, settings='refit = "stale"\n'), folder])
    copy(REFITTED[1], tmp_path)
    return REFITTED[0]


def test_a_stale_model_is_learnt_anew_tried_told_and_used(refitted):
    said = refitted
    (line,) = [line for line in said if "takes over" in line]
    found = re.search(
        "model 2 takes over from 1 [(]customer moved by 0.[0-9]+ from the reference[)]: "
        "of the last day's ([0-9,]+) records it flags ([0-9,]+), the one before ([0-9,]+), rank correlation 0.[0-9]+",
        line,
    )
    assert found, line
    n, new, old = (int(text.replace(",", "")) for text in found.groups())
    assert n == DAY
    assert 20 < new <= old
    (alert,) = [alert for alert in sent() if alert.get("notice") == "model"]
    assert alert["reason"] in line
    models = dict(read("SELECT model_id, count(*) FROM runs WHERE n_scored > 0 GROUP BY ALL"))
    assert set(models) == {1, 2}
    of_customers = "FROM drift JOIN runs USING (run_id) WHERE column_name = 'customer' GROUP BY model_id"
    shift = dict(read(f"SELECT model_id, avg(shift) {of_customers}"))
    assert shift[2] < 0.7 * shift[1]
    assert read("SELECT count(*) FROM tokens WHERE model_id = 2 AND token = 'Atlantis'") == [
        (0,)
    ]  # flagged ones never join


@pytest.mark.parametrize(
    ("tails", "excess"),
    [
        ("(i + 0.5) / 1000", 0.0),
        ("pow((i + 0.5) / 1000, 3)", 0.1 ** (1 / 3) - 0.1),  # of these 46 % are at most 0.1
        ("if(i < 100, (i + 0.5) / 1000, 0.5 + i / 1e6)", 0.0),  # the rest is alike, and none of it far out
        ("0.3", 0.0),
    ],
)
def test_only_what_is_far_out_makes_a_model_stale(tails, excess):
    with duckdb.connect() as connection:
        connection.execute(
            f"CREATE TABLE scores AS SELECT 1 AS run_id, i % 2 = 9 AS flagged, {tails} AS tail_probability "
            "FROM range(1000) r(i)"
        )
        found = connection.execute(EXCESS.format(runs="1", far_out=FAR_OUT)).fetchall()[0][0]
    assert found == pytest.approx(excess, abs=0.002)


def test_a_model_that_is_not_stale_stays_and_one_of_a_week_goes(monitor):
    pay(*map(payment, range(N, N + 9 * DAY, 7)))
    stamps = [N + day * DAY for day in (2, 4, 6)]
    assert not any("takes over" in line for line in monitor(*stamps, settings='refit = "stale"\n'))
    (line,) = monitor(N + 9 * DAY, settings='refit = "weekly"\n')  # nothing has been learnt for less than a week yet
    assert "takes over" not in line
    pay(*map(payment, range(N + 9 * DAY, N + 9 * DAY + 400)))
    (line,) = monitor(N + 9 * DAY + 400, settings='refit = "weekly"\n')
    assert "model 2 takes over from 1 (after 8 days)" in line
    assert read("SELECT n_reference > 1600 FROM models WHERE model_id = 2") == [(True,)]
    model = load_model("store.duckdb")
    assert model.calibration.n_reference > len(model.held_out)  # what was flagged by chance calibrates, too


def test_a_new_model_lies_as_the_one_before_it_and_knows_what_was_called_normal(monitor, run):
    pay(*map(payment, range(N, N + 9 * DAY, 7)), odd(999_999, paid_at=None, city="Utopia"))
    config = Path("shop.toml")
    config.write_text(config.read_text().replace("threshold = 0.002", ""))
    monitor(N + 8 * DAY, settings='refit = "weekly"\n')
    assert run("feedback", 999_999, "--normal", "--store", "store.duckdb").code == 0
    monitor(N + 9 * DAY, settings='refit = "weekly"\n')
    assert read("SELECT model_id, n_records FROM tokens WHERE token = 'Utopia'") == [(2, 1)]
    both = (
        "SELECT list_cosine_similarity(a.embedding, b.embedding) FROM tokens a, tokens b "
        "WHERE (a.column_name, a.token) = (b.column_name, b.token) AND a.model_id = 1 AND b.model_id = 2 "
        "AND a.n_records > 50 AND a.column_name IN ('shop', 'city')"
    )
    alike = [value for (value,) in read(both)]
    assert len(alike) == 9
    assert min(alike) > 0.8
    rules = dict(read("SELECT model_id, list(DISTINCT rule) FROM runs WHERE part = 'new' GROUP BY ALL"))
    assert [len(rule) for rule in rules.values()] == [1, 1]  # each model is judged by the rule that it can calibrate
    assert rules[1] != rules[2]
    last, taken = "SELECT max(epoch_us(paid_at)) FROM payments WHERE id < 1600", 'SELECT epoch_us("at") - 1 FROM refits'
    fitted_to = read("SELECT column_name, position FROM models ORDER BY model_id")
    assert fitted_to == [("paid_at", read(last, "shop.duckdb")[0][0]), ("paid_at", read(taken)[0][0])]


def test_turned_embeddings_keep_their_products_and_lie_as_those_before():
    rng = np.random.default_rng(0)
    old = rng.normal(size=(30, 4)).astype(np.float32)
    turn, _ = np.linalg.qr(rng.normal(size=(4, 4)))
    contexts = rng.normal(size=(30, 4)).astype(np.float32)
    new = Embeddings((old @ turn).astype(np.float32), (contexts @ turn).astype(np.float32), 1.0, "ppmi-svd")
    names = [("shop", f"shop{n}") for n in range(30)]
    found = aligned(new, names, {name: old[n] for n, name in enumerate(names) if n % 3})
    assert np.abs(found.vectors - old).max() < 1e-5
    assert np.abs(found.vectors @ found.contexts.T - old @ contexts.T).max() < 1e-4
    assert aligned(new, names, {name: old[n] for n, name in enumerate(names[:3])}) is new  # too few to tell


def test_models_are_listed_shown_compared_reverted_and_pruned(refitted, run):
    store = ("--store", "store.duckdb")
    listed = json.loads(run("models", "list", "--format", "json", *store).out)["models"]
    assert [(row["model_id"], row["state"]) for row in listed] == [(1, "ready"), (2, "ready")]
    assert sum(row["n_flagged"] for row in listed) == read("SELECT count(*) FROM flags")[0][0]
    assert "city (category)" in run("models", "show", "2", *store).out
    values = json.loads(run("models", "diff", "1", "2", "--format", "json", *store).out)["values"]
    assert [row["column_name"] for row in values[:3]] == ["customer"] * 3
    assert all(row["other_share"] > row["share"] for row in values[:3])
    n_open = read("SELECT count(*) FROM findings WHERE is_open")[0][0]
    outcome = run("models", "revert", "1", "--withdraw-findings", *store)
    assert re.fullmatch(r"withdrew model 2 and [0-9]+ findings; model 1 is chosen from now on\n", outcome.err), (
        outcome.err
    )
    withdrawn = int(re.search("and ([0-9]+) findings", outcome.err)[1])
    assert read("SELECT count(*) FROM findings WHERE is_open") == [(n_open - withdrawn,)]
    assert read("SELECT act, because FROM acts") == [("revert", "to model 1 from 2")]
    pay(*map(moved, range(N + DAY + 900, N + DAY + 1000)))
    watch(run, N + DAY + 1050)
    assert read("SELECT max_by(model_id, run_id) FROM runs") == [(1,)]
    assert run("models", "prune", "--keep", "1", *store).err == "removed model 2\n"
    assert read("SELECT DISTINCT model_id FROM tokens") == [(1,)]
    outcome = run("score", "shop.toml", "--model", "2")
    assert (outcome.code, "model 2 in" in outcome.err, "was pruned" in outcome.err) == (2, True, True)
    assert run("models", "revert", "2", *store).code == run("models", "show", "9", *store).code == 2
    assert load_model("store.duckdb").summary.n_reference == 1600


def test_a_refit_of_what_has_no_time_is_refused(monitor, run):
    config = Path("shop.toml").read_text().replace("threshold = 0.002", "threshold = 0.002\n")
    Path("shop.toml").write_text(config + 'watermark = "id"\nname = "ids"\nrefit = "weekly"\nfit_where = "id < 1600"\n')
    with opened("shop.duckdb") as connection:
        connection.execute("SELECT 1")
    assert run("monitor", "shop.toml").code in (0, 2)
    pay(payment(N), payment(N + 1))
    outcome = run("monitor", "shop.toml")
    assert outcome.code == 2
    assert 'monitor.refit = "weekly" is for records with times' in outcome.err


def test_old_scores_and_runs_are_forgotten_and_flags_are_not(monitor):
    pay(*((odd if n % 40 == 7 else payment)(n) for n in range(N, N + 600)))
    kept = '[store]\nkeep_scores = "2h"\nkeep_runs = "3h"\n'
    config = Path("shop.toml")
    text = config.read_text().replace("[store]\n", kept)
    stamps = range(N + 100, N + 700, 100)  # every fifty minutes
    monitor(*stamps)
    counted = ("scores", "flags", "runs", "findings")
    everything = {table: read(f"SELECT count(*) FROM {table}")[0][0] for table in counted}
    assert everything["scores"] == 590
    config.write_text(text)
    pay(payment(N + 620))
    monitor(N + 700)
    old = "until::TIMESTAMP <= (SELECT max(until::TIMESTAMP) FROM runs) - INTERVAL 2 HOUR"
    assert read(f"SELECT count(*) FROM scores JOIN runs USING (run_id) WHERE NOT flagged AND {old}") == [(0,)]
    assert 200 < read("SELECT count(*) FROM scores")[0][0] < 350
    assert read("SELECT count(*) FROM flags") == [(everything["flags"],)]
    assert read("SELECT count(*) FROM findings") == [(everything["findings"],)]
    assert read("SELECT count(*) FROM scores WHERE flagged") == [(everything["flags"],)]
    assert read("SELECT count(*) FROM flags LEFT JOIN runs USING (run_id) WHERE runs.run_id IS NULL") == [(0,)]
    (key,) = read("SELECT min(key) FROM flags")[0]
    assert read(f"SELECT count(*) > 0 FROM why('{key}')") == [(True,)]


def test_what_forgotten_runs_counted_is_still_counted(monitor):
    config = Path("shop.toml")
    config.write_text(config.read_text().replace("[store]\n", '[store]\nkeep_runs = "2h"\n'))
    counted = "SELECT sum(n_scored), min(since), count(*) < 6 FROM runs WHERE monitor = 'shop'"
    for number in range(N, N + 2000, 200):
        pay(*map(payment, range(number, number + 200)))
        monitor(number + 210)
    ((n_scored, since, is_short),) = read(f"{counted} AND part = 'new' AND n_flagged = 0")
    n_others = read("SELECT coalesce(sum(n_scored), 0) FROM runs WHERE n_flagged > 0")[0][0]
    assert n_scored + n_others == 2000
    assert (since.startswith("2026-05-01 13:1"), is_short) == (True, True)
    assert read("SELECT count(*) FROM drift LEFT JOIN runs USING (run_id) WHERE runs.until IS NULL") == [(0,)]
    assert read("SELECT count(DISTINCT run_id) FROM scores SEMI JOIN runs USING (run_id)") == [
        (len(read("FROM runs")) - 1,)
    ]
