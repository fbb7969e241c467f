"""Runs that are killed, missed, locked out and run over one another: nothing is lost, doubled, or other than without.

The same payments come in twice, step by step: once to runs that nobody disturbs, and once to runs that are killed (kill
-9) at random moments while others start and writers write. In the end both stores hold the same rows.
"""

import json
import os
import random
import threading
import time
from collections import Counter
from contextlib import chdir
from pathlib import Path

import duckdb
import pytest
from kills import Forker
from monitored import REFERENCE, START, STEP, at, judged_keys, odd, open_shop, pay, payment, tables

N, PER_STEP = REFERENCE, 40  # payments of a step, twenty minutes
DELAY = 10  # payments that a run does not look at yet
CHANNEL = '[[monitor.channels]]\nkind = "file"\nto = "alerts.ndjson"\n'
MISSED, LOCKED = {3, 4, 11}, {6, 7}  # steps without a run, and with two at once
KILLS = int(os.environ.get("KILLS", "300"))  # of the drill
PATIENT = 30.0  # seconds that a writer tries to write


def due(step):
    """The payments that are there when the run of a step starts: some come a step late, some twice."""
    numbers = range(N + step * PER_STEP, N + (step + 1) * PER_STEP)
    before = range(max(N, numbers.start - PER_STEP), numbers.start)
    rows = [made(n) for n in numbers if n % 9] + [made(n) for n in before if n % 9 == 0]
    twice = [made(n) for n in numbers if n % 13 == 0]
    moved = [payment(n - 5, paid_at=START + n * STEP) for n in numbers if n % 19 == 0]  # a key again, at another time
    without = [payment(n + 100_000, paid_at=None) for n in numbers if n % 31 == 0]
    return [*rows, *twice, *moved, *without]


def made(n):
    return odd(n, city="Atlantis" if n % 2 else "Eldorado") if n % 17 == 3 else payment(n)


def write(rows):
    """Write to the source as soon as no run reads it."""
    deadline = time.monotonic() + PATIENT
    while True:
        try:
            return pay(*rows)
        except duckdb.IOException:
            assert time.monotonic() < deadline
            time.sleep(0.01)


class Writers:
    """Three writers that write, meanwhile and in any order, what comes after the next run looks."""

    def __init__(self, rows, rng):
        rows = rng.sample(rows, len(rows))
        self._threads = [threading.Thread(target=self._write, args=(rows[i::3],)) for i in range(3)]
        self._lock = threading.Lock()
        self.errors = []
        for thread in self._threads:
            thread.start()

    def _write(self, rows):
        try:
            for start in range(0, len(rows), 5):
                with self._lock:  # DuckDB lets one process write; that is this one
                    write(rows[start : start + 5])
                time.sleep(0.02)
        except BaseException as error:
            self.errors.append(error)

    def wait(self):
        for thread in self._threads:
            thread.join()
        assert not self.errors


def early(step):
    """Payments of the step after this one that lie after all that the run of this step may look at."""
    return [made(n) for n in range(N + (step + 1) * PER_STEP + DELAY, N + (step + 2) * PER_STEP) if n % 9]


def play(folder, forker, n_steps, kills=None, other=None):
    """Let all payments come in; kill runs as `kills` says, with writers and an `other` process that runs beside."""
    rng, n_killed, written, seconds = random.Random(0), Counter(), Counter(), 0.5
    with chdir(folder):
        open_shop(monitor='lookback = "3h"\n' + CHANNEL)
        for step in range(n_steps):
            rows = sorted((Counter(due(step)) - written).elements(), key=repr)  # without those that came early
            write(rng.sample(rows, len(rows)))
            if step in MISSED:
                continue
            command = ("monitor", "shop.toml", "--now", at(N + (step + 1) * PER_STEP), "--format", "json")
            while kills and n_killed[-9] < kills * (step + 1) / n_steps:
                # What a model learns may depend on what else is there: nobody writes while the first run learns.
                rows = [row for row in early(step) if step and row not in written]
                writers = Writers(rows, rng)
                written.update(rows)
                ended = forker.run(*command, kill_after=rng.uniform(0, 1.2 * seconds))
                n_killed[ended.code] += 1
                writers.wait()
                assert ended.code in (0, -9, 3), ended.err
            if other and step in LOCKED:
                thread = threading.Thread(target=lambda command=command: n_killed.update([other.run(*command).code]))
                thread.start()
                n_killed[forker.run(*command, "--wait", "60s").code] += 1
                thread.join()
            ended = forker.run(*command, "--wait", "60s")
            assert ended.code == 0, ended.err
            seconds = max(ended.seconds, 0.8 * seconds)
        return tables(), Counter(judged_keys()), alerts(), n_killed


def alerts():
    path = Path("alerts.ndjson")
    return (
        [json.loads(line) for line in path.read_text().replace(str(Path.cwd()), "").splitlines()]
        if path.exists()
        else []
    )


def expected(n_steps):
    """Keys that a run must have judged in the end, each once."""
    rows = [row for step in range(n_steps) for row in due(step)]
    last = START + (N + n_steps * PER_STEP - DELAY) * STEP
    until = last.replace(minute=last.minute - last.minute % 5, second=0)
    return {key for key, moment, *_ in rows if moment is None or moment < until}


def check(tmp_path, n_steps, kills):
    """Play both, compare all that is kept, and print what was lost and doubled."""
    for name in ("calm", "wild"):
        (tmp_path / name).mkdir()
    with Forker() as forker, Forker() as other:
        calm, judged, sent, _ = play(tmp_path / "calm", forker, n_steps)
        wild, judged_wild, sent_wild, ends = play(tmp_path / "wild", forker, n_steps, kills, other)
    lost, doubled = expected(n_steps) - set(judged_wild), [key for key, times in judged_wild.items() if times > 1]
    print(f"ends {dict(ends)}: {len(lost)} lost, {len(doubled)} doubled of {len(judged_wild)}")  # noqa: T201
    assert (lost, doubled) == (set(), [])
    assert set(judged) == set(judged_wild) == expected(n_steps)
    for name, rows in calm.items():
        if name != "deliveries":
            assert wild[name] == rows, name
    ids, ids_wild = ({alert["alert_id"] for alert in told} for told in (sent, sent_wild))
    assert ids == ids_wild == {alert for alert, *_ in calm["alerts"]}
    by_id = {alert["alert_id"]: alert for alert in sent}
    assert all(by_id[alert["alert_id"]] == alert for alert in sent_wild)  # doubles are the same, too
    assert len(sent) == len(ids) > 0
    assert ends[-9] >= kills
    return ends


def test_runs_that_are_killed_leave_what_undisturbed_ones_would(tmp_path):
    """Some hours of which runs are missed, killed, and two at once."""
    check(tmp_path, n_steps=9, kills=10)


@pytest.mark.drill
def test_three_hundred_kills_in_twelve_hours_leave_what_undisturbed_runs_would(tmp_path):
    check(tmp_path, n_steps=36, kills=KILLS)
