"""Runs that learn a model anew are killed: while they learn, while they try, and while they commit.

Whatever is killed, the run after it learns the same model, and the store holds what it would have held without.
"""

import os
import random
import shutil
from collections import Counter
from contextlib import chdir
from pathlib import Path

import pytest
from kills import Forker
from monitored import REFERENCE, at, judged_keys, odd, pay, payment, tables
from test_monitor_kills import CHANNEL, alerts

N, DAY = REFERENCE, 2880  # payments
JUDGED, LAST = range(N, N + 8 * DAY, 9), range(N + 8 * DAY, N + 8 * DAY + 300, 3)  # before a model is due, and with it
RUN = ("monitor", "shop.toml", "--now", at(LAST.stop + 20), "--format", "json")
WAL = "store.duckdb.wal"  # DuckDB writes it when a transaction ends
RAN = "ran to its end"
KILLS = int(os.environ.get("KILLS", "100"))  # of the drill


def prepare(forker):
    """Let a shop be watched for eight days; the next run learns anew."""
    config = Path("shop.toml")
    config.write_text(config.read_text() + 'refit = "weekly"\n' + CHANNEL)
    pay(*((odd if number % 100 == 7 else payment)(number) for number in JUDGED))
    assert forker.run("monitor", "shop.toml", "--now", at(JUDGED.stop + 20)).code == 0
    pay(*((odd if number % 50 == 7 else payment)(number) for number in LAST))


def copy(folder, to):
    """Let a folder hold what another one does, and nothing else."""
    for path in to.iterdir():
        if not path.name.startswith(".forked"):  # the forker's own
            path.unlink()
    shutil.copytree(folder, to, dirs_exist_ok=True, ignore=shutil.ignore_patterns(".forked*"))


def finish(forker):
    """Return what is kept and told after a run that nobody kills, and its seconds."""
    ended = forker.run(*RUN)
    assert ended.code == 0, ended.err
    kept = {name: rows for name, rows in tables().items() if name != "deliveries"}
    return kept, Counter(judged_keys()), {alert["alert_id"] for alert in alerts()}, ended.seconds


def kill_some(forker, rng, seconds, most):
    """Kill runs at random moments, half of them as they commit what they learnt; return how each ended."""
    for _ in range(most):
        if rng.random() < 0.5:
            ended = forker.run(*RUN, kill_after=rng.uniform(0, 0.05), once=WAL)
        else:
            ended = forker.run(*RUN, kill_after=rng.uniform(0, 1.05 * seconds))
        assert ended.code in (0, -9), ended.err
        yield RAN if ended.code == 0 else f"killed {'after' if Path(WAL).exists() else 'before'} it wrote"
        if ended.code == 0:
            break


def check(begun_shop, tmp_path, kills):
    """Kill runs that learn anew, some times from each start, and compare all that is kept with an undisturbed one."""
    rng, ends, n_refits, (shop, ready) = random.Random(0), Counter(), 0, (tmp_path / "shop", tmp_path / "ready")
    shop.mkdir()
    ready.mkdir()
    copy(begun_shop, shop)
    with chdir(shop), Forker() as forker:
        prepare(forker)
        copy(shop, ready)
        calm, judged, sent, seconds = finish(forker)
        assert len(calm["models"]) == 2
        assert set(judged) == {*JUDGED, *LAST}
        assert sent
        while (left := kills - ends.total() + ends[RAN]) > 0:
            copy(ready, shop)
            ends.update(kill_some(forker, rng, seconds, min(3, left)))
            wild, judged_wild, sent_wild, _ = finish(forker)
            n_refits += 1
            lost, doubled = set(judged) - set(judged_wild), [key for key, times in judged_wild.items() if times > 1]
            assert (lost, doubled, sent_wild) == (set(), [], sent)
            for name, rows in calm.items():
                assert wild[name] == rows, name
    print(f"\n{n_refits} refits, {dict(ends)}: 0 lost, 0 doubled of {len(judged)}")  # noqa: T201


def test_a_model_that_is_learnt_anew_is_the_same_whatever_was_killed(begun_shop, tmp_path):
    check(begun_shop, tmp_path, kills=3)


@pytest.mark.drill
def test_a_hundred_kills_within_refits_leave_what_undisturbed_ones_would(begun_shop, tmp_path):
    check(begun_shop, tmp_path, kills=KILLS)
