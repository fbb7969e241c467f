"""What `anomembed monitor` judges: records after their entity's past, lines, and sequences once they are complete."""

from datetime import timedelta
from pathlib import Path

import polars as pl
import pytest
from databases import opened
from monitored import HOUR, REFERENCE, START, STEP, at, drawn, judged_keys, odd, open_shop, pay, payment, read

N = REFERENCE


@pytest.mark.parametrize("roles", ["", 'entity = ["customer"]'], ids=["records", "entity"])
def test_scores_are_those_of_one_scan_of_all_records(run, roles):
    """Whatever window a record came in, it is judged after all that its entity did before it."""
    open_shop(roles=roles.replace('"customer", ', ""))
    if roles:
        config = Path("shop.toml").read_text()
        Path("shop.toml").write_text(config.replace('category = ["customer", ', "category = ["))
    for start in range(N, N + 2 * HOUR, HOUR // 2):
        pay(*((odd if n % 50 == 7 else payment)(n) for n in range(start, start + HOUR // 2)))
        assert run("monitor", "shop.toml", "--now", at(start + HOUR // 2), "-q").code == 0
    assert run("monitor", "shop.toml", "--now", at(N + 3 * HOUR), "-q").code == 0
    assert judged_keys() == list(range(N, N + 2 * HOUR))
    where = f"id >= {N}"
    assert run("score", "shop.toml", "-q", "--where", where, "--scores-to", "all.parquet").code == 0
    once = pl.read_parquet("all.parquet").sort("id")
    monitored = read("SELECT raw_score, flagged, view FROM scores WHERE run_id < 6 ORDER BY key::BIGINT")
    assert [row[0] for row in monitored] == pytest.approx(once["raw_score"].to_list(), rel=1e-6)
    assert [row[1:] for row in monitored] == once.select("flagged", "view").rows()
    assert sum(flagged for _, flagged, _ in monitored) >= 4


def line(number, text=None):
    moment = START + number * STEP
    job, host = int(4 * drawn(number, "job")), int(6 * drawn(number, "host"))
    usual = (f"job done by host{host}", f"job started on host{host}", "GET /index 200", f"user{host} logged in")[job]
    return f"{moment:%Y-%m-%d %H:%M:%S} INFO worker: {text or usual}"


def test_lines_of_a_log_that_is_rotated_are_all_judged(run):
    """Numbers of lines begin anew in a rotated file: the number alone does not name a line."""
    path = Path("app.log")
    path.write_text("".join(line(n) + "\n" for n in range(1500)))
    assert run("init", "app.log", "-o", "app.toml").code == 0
    config = Path("app.toml").read_text().replace("[source]", '[source]\ntime_zone = "UTC"')
    Path("app.toml").write_text(config.replace("budget = 20", "threshold = 0.001"))
    assert run("fit", "app.toml", "-q", "--store", "store.duckdb").code == 0
    watch = ("monitor", "app.toml", "--store", "store.duckdb", "--now")
    outcome = run(*watch, at(1500))
    assert outcome.code == 0, outcome.err
    with path.open("a") as file:
        file.writelines(line(n) + "\n" for n in range(1500, 1550))
    assert "flagged" in run(*watch, at(1600)).out
    path.write_text("".join(line(n, "disk is on fire" if n == 1610 else None) + "\n" for n in range(1600, 1650)))
    outcome = run(*watch, at(1700))
    assert "50 records judged" in outcome.out
    assert "1 flagged" in outcome.out
    assert len(judged_keys()) == 100  # all that came after the last line that the model was fitted to


SESSION = """
[source]
database = "visits.duckdb"
table = "visits"
time_zone = "UTC"
fit_where = "seen < TIMESTAMP '2026-05-01 10:00:00'"
[roles]
timestamp = ["seen"]
{entity}
[sequence]
event = ["step"]
{how}
[flags]
threshold = 0.02
[store]
path = "store.duckdb"
[monitor]
{monitor}
"""
STEPS = ("open", "read", "read", "write", "close")


def visit(*rows):
    with opened("visits.duckdb") as connection:
        connection.execute("CREATE TABLE IF NOT EXISTS visits (who VARCHAR, seen TIMESTAMP, step VARCHAR)")
        connection.register("new_visits", pl.DataFrame(rows, schema=["who", "seen", "step"], orient="row"))
        connection.execute("INSERT INTO visits FROM new_visits")


def steps(who, minute, events=STEPS, second=10):
    """The events of one visit, ten seconds apart."""
    start = START + timedelta(minutes=minute)
    return [(who, start + timedelta(seconds=second * n), event) for n, event in enumerate(events)]


def open_visits(how, monitor="", entity=""):
    usual = [
        row for n in range(300) for row in steps(f"v{n}", 2 * n, ("open", *["read"] * (1 + n % 3), "write", "close"))
    ]
    visit(*usual)
    Path("visits.toml").write_text(SESSION.format(how=how, monitor=monitor, entity=entity))


def minute(number):
    return (START + timedelta(minutes=number)).isoformat()


@pytest.fixture
def watch(run):
    def watch(number, *options):
        outcome = run("monitor", "visits.toml", "--now", minute(number), *options)
        assert outcome.code == 0, outcome.err
        return outcome.out

    return watch


def scored():
    return read("SELECT key FROM scores ORDER BY run_id, key")


def test_a_sequence_is_judged_once_some_time_after_its_last_event(watch):
    open_visits('key = "who"', 'complete_after = "30min"')
    assert "nothing new" in watch(640)
    visit(*steps("a", 640), *steps("b", 650, ("open", "shred", "shred", "shred")))
    assert "nothing new" in watch(670)
    assert "1 sequence judged" in watch(681)
    assert scored() == [("a",)]
    assert "1 sequence judged" in watch(700)
    assert "nothing new" in watch(720)
    assert read("SELECT key FROM scores ORDER BY tail_probability LIMIT 1") == [("b",)]


def test_a_sequence_that_grows_is_judged_again_as_a_new_version(watch):
    open_visits('key = "who"', 'complete_after = "30min"')
    watch(640)
    visit(*steps("a", 640))
    watch(700)
    assert scored() == [("a",)]
    visit(*steps("a", 710, ("shred",)))
    watch(760)
    assert scored() == [("a",), ("a",)]
    assert read("SELECT version FROM judged WHERE key = 'a' ORDER BY 1") == [(5,), (6,)]
    watch(900)
    assert scored() == [("a",), ("a",)]


def test_an_event_that_comes_late_makes_a_new_version_too(watch):
    open_visits('key = "who"', 'complete_after = "30min"')
    watch(640)
    visit(*steps("a", 640))
    watch(700)
    visit(("a", START + timedelta(minutes=640, seconds=15), "shred"))  # between two events that were judged
    assert "1 of them late" in watch(700)
    assert scored() == [("a",), ("a",)]


def test_its_end_event_completes_a_sequence_at_once(watch):
    open_visits('key = "who"', 'complete_after = "5h"\nend_event = "close"')
    watch(640)
    visit(*steps("a", 640), *steps("b", 640, STEPS[:-1]))
    watch(655)
    assert scored() == [("a",)]
    watch(960)
    assert scored() == [("a",), ("b",)]


@pytest.mark.parametrize("how", ['session_gap = "20m"', 'window = "20m"', "length = 5"])
def test_sequences_that_are_formed_are_judged_once_each(watch, how):
    entity = 'entity = ["who"]'
    open_visits(how, "", entity)
    watch(700)
    before = len(scored())
    visit(*steps("a", 705), *steps("a", 755))
    for number in range(705, 900, 7):
        watch(number)
    assert len(scored()) - before == 2
    assert len({key for (key,) in scored()}) == len(scored())
