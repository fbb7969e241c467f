"""Draw odd tables, run commands on them, and check what every command promises.

    python tests/odd_tables.py [--seed 0] [--tables 1000]

Each table has a seed of its own, from ``--seed`` on; one that breaks a promise is printed with the command that draws
it again. A command may end with 0, with 2 (the user must change something) or 3 (try later), never with a traceback.
"""

import argparse
import contextlib
import io
import json
import random
import shutil
import signal
import sys
import tempfile
import time
import warnings
from dataclasses import dataclass, field
from pathlib import Path

import duckdb
import polars as pl
from databases import opened
from odd_values import EXPRESSIONS, NAMES

from anomembed.cli import main

DETECTORS = ["nearest", "IForest", "KNN", "HBOS", "PCA", "LOF"]
LEARNERS = ["skipgram", "glove", "graph", "fasttext", "onehot"]
PATIENCE = 60  # seconds that a command may take
ENDS = (0, 2, 3)


@dataclass
class Drawn:
    """A table, and what to do with it."""

    names: list[str]
    n_records: int
    query: str
    rng: random.Random
    options: list[str] = field(default_factory=list)
    settings: dict[str, object] = field(default_factory=dict)


def draw(seed: int, path: Path) -> Drawn | None:
    """Write the table of a seed to a database; None where DuckDB does not take a drawn expression."""
    rng = random.Random(seed)
    columns: dict[str, str] = {}
    for place in range(rng.choice([1, 2, 3, 4, 6, 9, 14])):
        name = rng.choice(NAMES) if rng.random() < 0.4 else f"c{place}"
        if name.casefold() not in {taken.casefold() for taken in columns}:
            most, drawn_by = rng.choice([2, 3, 10, 50, 1000]), rng.randrange(99)
            columns[name] = rng.choice(EXPRESSIONS).replace("@seed", str(drawn_by)).replace("@most", str(most))
    n_records = rng.choice([0, 1, 2, 3, 7, 20, 60, 200, 700])
    selected = ", ".join(f"{sql} AS {quoted(name)}" for name, sql in columns.items())
    drawn = Drawn(list(columns), n_records, f"CREATE TABLE t AS SELECT {selected} FROM range({n_records}) r(i)", rng)
    with opened(path) as connection:
        try:
            connection.execute(drawn.query)
        except duckdb.Error:
            return None
    return drawn


def quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def draw_options(drawn: Drawn) -> None:
    """Draw roles, sequences, conditions and methods: as options and, with the same meaning, as settings."""
    rng, names = drawn.rng, drawn.names
    add = drawn.options.extend
    for option, share in (("entity", 0.35), ("time", 0.35), ("number", 0.1), ("category", 0.1), ("text", 0.1)):
        if rng.random() < share:
            add([f"--{option}={rng.choice(names)}"])
    if rng.random() < 0.15:
        add([f"--{option}={rng.choice(names)}" for option in ("sequence", "order", "event")])
    condition = f"hash({quoted(rng.choice(names))}) % 3 {rng.choice(['=', '<>'])} 0"
    for option, share, value in (
        ("fit-where", 0.2, condition),
        ("where", 0.1, condition),
        ("detector", 0.3, rng.choice(DETECTORS)),
        ("embedding", 0.25, rng.choice(LEARNERS)),
    ):
        if rng.random() < share:
            add([f"--{option}={value}"])
    add(["--clean-reference"] if rng.random() < 0.2 else [])


def run(*arguments: str) -> tuple[int, str, str]:
    """Run a command in this process; return its exit code and what it printed."""
    out, err, before = io.StringIO(), io.StringIO(), sys.argv
    sys.argv = ["anomembed", *arguments]
    signal.signal(signal.SIGALRM, _too_long)
    signal.alarm(PATIENCE)
    try:
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            main()
    except SystemExit as end:
        return int(end.code or 0), out.getvalue(), err.getvalue()
    except BaseException as error:  # nothing else may leave the command line
        return -1, out.getvalue(), repr(error)
    finally:
        signal.alarm(0)
        sys.argv = before
    return 0, out.getvalue(), err.getvalue()


def _too_long(*_: object) -> None:
    raise TimeoutError(f"took more than {PATIENCE} s")


class Case:
    """The commands on one table."""

    def __init__(self, seed: int, folder: Path) -> None:
        self.source, self.store, self.toml = folder / "odd.duckdb", folder / "store.duckdb", folder / "odd.toml"
        self.scores, self.problems, self.seed = folder / "scores.parquet", [], seed
        self.drawn = draw(seed, self.source)

    def check(self) -> None:
        """Run the commands that the seed draws."""
        if self.drawn is None:
            return
        draw_options(self.drawn)
        story = self.drawn.rng.choices([self.scan, self.fit_and_score, self.evaluate], [6, 3, 1])[0]
        story()

    def run(self, *arguments: str) -> tuple[int, str]:
        code, out, err = run(*arguments)
        lines = err.splitlines()
        if code not in ENDS or any(word in err for word in ("Traceback", "panicked", "Warning")):
            self.problems.append(f"exit {code}: {lines[-1][:200] if lines else ''} {list(arguments)}")
        if code == 2 and (out or not lines):
            self.problems.append(f"refused, but with results or without a reason: {out[:80]!r} {list(arguments)}")
        return code, out

    def scan(self) -> None:
        arguments = ["scan", str(self.source), "t", f"--store={self.store}", f"--scores-to={self.scores}"]
        arguments += [*self.drawn.options, "--format=json", "--budget=3"]
        code, out = self.run(*arguments)
        if code == 0:
            self.check_results(out)
            if self.drawn.rng.random() < 0.15:
                before = pl.read_parquet(self.scores)
                self.run(*arguments)
                if not before.equals(pl.read_parquet(self.scores)):
                    self.problems.append(f"a second run gives other scores {arguments}")

    def check_results(self, out: str) -> None:
        flags, scores = json.loads(out), pl.read_parquet(self.scores)
        tail, flagged = scores["tail_probability"], int(scores["flagged"].sum())
        is_whole = not any(option.startswith(("--where", "--sequence")) for option in self.drawn.options)
        promises = {
            "one score per record": scores.height == self.drawn.n_records or not is_whole,
            "tail probabilities above 0 and at most 1": bool(((tail > 0) & (tail <= 1)).all()),
            "the flags are among the scores": len(flags) == flagged <= 3,
            "finite scores": bool(scores["raw_score"].is_finite().all()),
            "a reason for every flag": all(flag["reason"] for flag in flags),
        }
        self.problems += [f"broken: {promise} {self.drawn.options}" for promise, kept in promises.items() if not kept]

    def fit_and_score(self) -> None:
        roles = [o for o in self.drawn.options if o.split("=")[0] not in ("--fit-where", "--where", "--detector")]
        roles = [o for o in roles if not o.startswith(("--embedding", "--clean"))]
        code, _ = self.run("init", str(self.source), "t", f"--output={self.toml}", *roles)
        if code:
            return
        code, _ = self.run("fit", str(self.toml))
        if code:
            return
        code, out = self.run("score", str(self.toml), f"--scores-to={self.scores}", "--format=json", "--budget=3")
        if code == 0:
            self.check_results(out)
        self.run(
            "export", str(self.scores.with_name("vectors.parquet")), f"--store={self.toml.parent / 'anomembed.duckdb'}"
        )

    def evaluate(self) -> None:
        keep = ("--entity", "--time", "--category", "--number", "--text", "--sequence", "--order", "--event")
        options = [o for o in self.drawn.options if o.startswith(keep)]
        code, out = self.run("evaluate", str(self.source), "t", "--embeddings", "--format=json", *options)
        if code == 0:
            json.loads(out)


def problems_of(seed: int) -> list[str]:
    """Return the promises that the table of a seed breaks, each with how to draw it again."""
    with tempfile.TemporaryDirectory() as folder, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        case = Case(seed, Path(folder))
        case.check()
        again = f"python tests/odd_tables.py --seed {seed} --tables 1"
        shutil.rmtree(folder, ignore_errors=True)
        Path(folder).mkdir()
    return [f"{again}: {problem}" for problem in case.problems]


def main_loop() -> int:
    """Run the drill; return how many tables broke a promise."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--tables", type=int, default=1000)
    parser.add_argument("--seconds", type=float, default=1e9)
    arguments = parser.parse_args()
    began, n_tables, n_bad = time.monotonic(), 0, 0
    for seed in range(arguments.seed, arguments.seed + arguments.tables):
        if time.monotonic() - began > arguments.seconds:
            break
        found = problems_of(seed)
        n_tables, n_bad = n_tables + 1, n_bad + bool(found)
        sys.stdout.writelines(f"{problem}\n" for problem in found)
    sys.stdout.write(f"{n_tables} tables from seed {arguments.seed}: {n_bad} broke a promise\n")
    return n_bad


if __name__ == "__main__":
    sys.exit(bool(main_loop()))
