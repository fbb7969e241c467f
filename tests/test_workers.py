"""Who scores changes nothing: threads, and clusters whose workers die, hang, lack the package or are out of reach."""

import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections import Counter
from concurrent.futures import Future
from contextlib import contextmanager
from pathlib import Path

import polars as pl
import pytest

from anomembed import fit_model, scan, score_table
from anomembed.config import make_config
from anomembed.errors import ConfigError, WorkersError
from anomembed.read.table import Table
from anomembed.score.drift import Drift
from anomembed.score.flags import FlagRule
from anomembed.scoring import explain_frames, read_frames
from anomembed.workers import LostError, in_order, open_workers
from anomembed.workers.ordered import AHEAD, TRIES
from anomembed.workers.threads import Threads


def test_results_come_in_the_order_of_the_parts_whatever_is_done_first():
    def work(part):
        time.sleep(0.02 * (part % 3 == 0))
        return part * part

    assert list(in_order(Threads(4), work, range(20))) == [part * part for part in range(20)]
    assert list(in_order(Threads(1), work, iter(()))) == []


def test_parts_are_done_at_once():
    both = threading.Barrier(2, timeout=10)
    assert sorted(in_order(Threads(2), lambda _: both.wait(), range(2))) == [0, 1]


def test_few_parts_are_in_memory():
    read = Counter()

    def parts():
        for part in range(50):
            read["parts"] += 1
            yield part

    for n_taken, _ in enumerate(in_order(Threads(2), lambda part: part, parts())):
        assert read["parts"] <= n_taken + AHEAD * 2 + 1


def test_an_error_in_the_work_is_that_of_the_caller_and_ends_the_rest():
    done = []

    def work(part):
        if part == 3:
            raise ConfigError("part 3 is wrong")
        done.append(part)
        time.sleep(0.01)

    with pytest.raises(ConfigError, match="part 3 is wrong"):
        list(in_order(Threads(2), work, range(10_000)))
    assert len(done) < 20


def test_that_the_work_itself_takes_too_long_is_no_lost_part():
    tried = []

    def work(part):
        tried.append(part)
        raise TimeoutError

    with pytest.raises(TimeoutError):
        list(in_order(Threads(1), work, [1]))
    assert tried == [1]


def test_who_takes_no_more_results_leaves_no_thread_behind():
    results = in_order(Threads(2), lambda part: part, range(1_000))
    assert next(results) == 0
    results.close()
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("anomembed")]


class Losing:
    """Workers that lose a part as often as is said, and then do it."""

    n_workers, patience = 2, 0.05

    def __init__(self, lost, how=LostError):
        self.lost, self.how, self.given = Counter(lost), how, Counter()

    @contextmanager
    def start(self, work):
        def submit(part):
            self.given[part] += 1
            result = Future()
            if self.given[part] <= self.lost[part]:
                if self.how is LostError:
                    result.set_exception(LostError("the worker has gone"))
                return result  # or one that never comes
            result.set_result(work(part))
            return result

        yield submit


@pytest.mark.parametrize("how", [LostError, TimeoutError])
def test_a_part_that_is_lost_is_done_again_and_no_other(how):
    pool = Losing({2: TRIES - 1, 5: 1}, how)
    assert list(in_order(pool, str, range(8))) == list("01234567")
    assert pool.given == Counter(range(8)) + Counter({2: TRIES - 1, 5: 1})


@pytest.mark.parametrize(("how", "why"), [(LostError, "the worker has gone"), (TimeoutError, "no answer within 0.05")])
def test_a_part_that_is_always_lost_is_an_error(how, why):
    taken = []
    with pytest.raises(WorkersError, match=rf"lost a part of the records {TRIES} times; the last time: {why}"):
        taken.extend(in_order(Losing({1: 99}, how), str, range(8)))


@pytest.mark.parametrize("name", ["0", "-1", "1.5", "4096", "", "four", "http://host", "rays", "ray://host", "٣"])
def test_a_name_of_no_workers_is_one_sentence(name, run):
    with pytest.raises(ConfigError, match="names no workers: give a number of threads up to 1024"):
        open_workers(name)
    outcome = run("scan", "x.csv", "--workers", name)
    assert outcome.code == 2
    assert "names no workers" in outcome.err


RECORDS = 10_000
PAYMENTS = {"roles": {"entity": ["who"], "timestamp": ["at"]}, "flags": {"budget": 5}}


def payments(n_records=RECORDS):
    """Return payments of ten customers who each have a shop, with one each in another's; a new shop in many."""
    at = pl.Series(range(n_records))
    new = at > n_records - 400
    shop = pl.when(at % 2_000 == 1_999).then((at + 5) % 10).otherwise(at % 10)
    return pl.select(
        id=at,
        at=pl.datetime(2026, 1, 1) + pl.duration(seconds=at * 60),
        who="C" + (at % 10).cast(pl.String),
        shop=pl.when(new & (at % 4 == 0)).then(pl.lit("new")).otherwise("S" + shop.cast(pl.String)),
        amount=(at * 7919 % 1_000 / 10.0).round(1),
    )


@pytest.fixture(scope="module")
def model():
    return fit_model(payments(), config=PAYMENTS)


def scored(model, size=None, workers=None):
    """Return all that comes of scoring in parts of a size: scores, flags with their parts, and cautions."""
    scores = []
    with Table(payments()) as table:
        frames = read_frames(model, table, None, size)
        rule, drift = FlagRule("budget", 30), Drift(model.vocabulary)
        found = explain_frames(model, frames, rule, scores.extend, drift, workers)
    return [pl.concat(scores), found.flags.frame, found.flags.contributions, found.n_scored, *drift.columns()]


@pytest.fixture(scope="module")
def in_one(model):
    return scored(model, RECORDS, Threads(1))


@pytest.mark.parametrize(("n_parts", "n_threads"), [(1, 4), (3, 1), (3, 4), (7, 1), (7, 4)])
def test_scores_flags_and_drift_are_the_same_in_any_number_of_parts_and_threads(model, in_one, n_parts, n_threads):
    found = scored(model, -(-RECORDS // n_parts), Threads(n_threads))
    for one, other in zip(in_one, found, strict=True):
        assert one.equals(other) if isinstance(one, pl.DataFrame) else one == other


def test_a_scan_writes_the_same_bytes_with_one_thread_and_with_many(run, tmp_path):
    payments().write_parquet("payments.parquet")
    for n in (1, 4):
        arguments = ["--entity", "who", "--time", "at", "--workers", n, "--scores-to", f"{n}.csv", "--store", f"{n}.db"]
        outcome = run("scan", "payments.parquet", *arguments, "--budget", 5)
        assert outcome.code == 0, outcome.err
        assert "shop" in outcome.out
    assert Path("1.csv").read_bytes() == Path("4.csv").read_bytes()


# --- clusters, where they are installed -------------------------------------------------------------------------------

TOP = Path(__file__).parents[1]


@contextmanager
def dask_cluster(n_workers, path=TOP, **environment):
    """Run a scheduler and workers of Dask, each a process of its own that finds packages at a path first."""
    pytest.importorskip("distributed", reason="the extra dask is not installed")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = f"tcp://127.0.0.1:{free.getsockname()[1]}"
    host = ["--host", "127.0.0.1", "--no-dashboard"]
    commands = [["scheduler", "--port", address.rpartition(":")[2], *host]]
    commands += [["worker", address, "--nthreads", "1", "--no-nanny", *host]] * n_workers
    python_path = os.pathsep.join([str(path), str(TOP), str(TOP / "tests")])
    processes = [
        subprocess.Popen(
            [sys.executable, "-m", "distributed.cli.dask_" + name, *arguments],
            env=os.environ | {"PYTHONPATH": python_path} | environment,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        for name, *arguments in commands
    ]
    try:
        yield address, processes[1:]
    finally:
        for process in reversed(processes):
            process.kill()
            process.wait()


def end(part):
    """End the worker the first time that it gets the part, and else say how long it is."""
    mark, number = part
    if number == 3 and not mark.exists():
        mark.touch()
        os.kill(os.getpid(), signal.SIGKILL)
    return number * number


def hang(part):
    mark, number = part
    if number == 3 and not mark.exists():
        mark.touch()
        time.sleep(60)
    return number * number


def fail(part):
    raise ConfigError(f"part {part} is wrong")


def test_dask_scores_as_threads_do_and_lost_workers_cost_nothing(model, tmp_path, run):
    with dask_cluster(3) as (address, _):  # one is killed, and one hangs
        one = score_table(model, payments(), workers=1)
        other = score_table(model, payments(), workers=address)
        assert one.frame.equals(other.frame)
        assert one.flags.frame.equals(other.flags.frame)
        for name, work in {"killed": end, "hung": hang}.items():
            pool = open_workers(address)
            pool.patience = 3
            parts = [(tmp_path / name, number) for number in range(12)]
            assert list(in_order(pool, work, parts)) == [number * number for number in range(12)]
            assert (tmp_path / name).exists()
        with pytest.raises(ConfigError, match="part 0 is wrong"):
            list(in_order(open_workers(address), fail, range(3)))


def test_a_dask_scheduler_that_is_not_there_is_told_before_the_fit(run, monkeypatch):
    pytest.importorskip("distributed", reason="the extra dask is not installed")
    monkeypatch.setattr("anomembed.workers.dask.REACHED_WITHIN", "1s")
    payments(600).write_parquet("payments.parquet")
    outcome = run("scan", "payments.parquet", "--workers", "tcp://127.0.0.1:9", "--scores-to", "scores.csv")
    assert outcome.code == 3
    assert "the Dask scheduler tcp://127.0.0.1:9 cannot be reached: try again later" in outcome.err
    assert "learnt" not in outcome.err, "it is told before the fit, which takes long"
    assert not Path("scores.csv").exists()


@pytest.mark.parametrize("case", ["older", "missing"])
def test_a_dask_worker_with_another_package_is_told(model, tmp_path, case):
    if case == "older":
        (tmp_path / "anomembed-0.0.9.dist-info").mkdir()
        (tmp_path / "anomembed-0.0.9.dist-info" / "METADATA").write_text("Name: anomembed\nVersion: 0.0.9\n")
        says = r"has anomembed 0\.0\.9, and here is .*: install the same there"
    else:
        (tmp_path / "anomembed.py").write_text("raise ModuleNotFoundError('anomembed')")
        says = "has no anomembed: install it there, too"
    with dask_cluster(1, tmp_path) as (address, _), pytest.raises(ConfigError, match=says):
        score_table(model, payments(), workers=address)


def test_ray_scores_as_threads_do_and_is_told_where_it_is_not(model, tmp_path, monkeypatch, run):
    ray = pytest.importorskip("ray", reason="the extra ray is not installed")
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(TOP), str(TOP / "tests")]))
    ray.init(num_cpus=2, include_dashboard=False, logging_level="ERROR", log_to_driver=False)
    try:
        one, other = (score_table(model, payments(), workers=name) for name in (1, "ray"))
        assert one.frame.equals(other.frame)
        assert one.flags.frame.equals(other.flags.frame)
        for name, work in {"killed": end, "hung": hang}.items():
            pool = open_workers("ray")
            pool.patience = 10
            parts = [(tmp_path / name, number) for number in range(12)]
            assert list(in_order(pool, work, parts)) == [number * number for number in range(12)]
            assert (tmp_path / name).exists()
        with pytest.raises(ConfigError, match="part 0 is wrong"):
            list(in_order(open_workers("ray"), fail, range(3)))
    finally:
        ray.shutdown()
    payments(600).write_parquet("payments.parquet")  # in this test, as a cluster would be found from another process
    outcome = run("scan", "payments.parquet", "--workers", "ray")
    assert outcome.code == 3
    assert "this machine is part of no Ray cluster that can be reached: try again later" in outcome.err
    assert "learnt" not in outcome.err, "it is told before the fit, which takes long"


def test_a_cluster_whose_package_is_not_installed_is_told(monkeypatch):
    for name, address in {"distributed": "tcp://127.0.0.1:9", "ray": "ray"}.items():
        monkeypatch.setitem(sys.modules, name, None)
        with pytest.raises(ConfigError, match="pip install 'anomembed"):
            open_workers(address)


def test_the_setting_of_workers_is_kept_and_scores_in_memory():
    assert make_config({"workers": 3}, "config").workers == "3"
    one, other = (scan(payments(900), config={"workers": n, "flags": {"budget": 3}}) for n in (1, 3))
    assert one.frame.equals(other.frame)
