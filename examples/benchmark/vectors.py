"""Measure how well `anomembed scan` judges columns of vectors, beside plain detectors on the same vectors.

    python vectors.py [--only NAME ...] [--no-peers | --peers-only]
    python vectors.py --speed [--records 200_000] [--anomembed COMMAND]

The data come with scikit-learn: 1,797 images of handwritten digits (64 pixels), and 569 measured breast tumours
(30 numbers). The table goes to stdout, progress to stderr. Exit code 1 if the tool failed on any of them. With
--speed: seconds and memory of a scan of made-up vectors of 128 numbers beside two categories, and how many of the 50
that were planted among them it finds.
"""

import argparse
import sys
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import cost
import duckdb
import numpy as np
import polars as pl
from pyod.models.iforest import IForest
from pyod.models.knn import KNN
from pyod.models.lof import LOF
from pyod.models.ocsvm import OCSVM
from pyod.models.pca import PCA
from sklearn.datasets import load_breast_cancer, load_digits
from sklearn.metrics import average_precision_score, roc_auc_score

import anomembed.cli

PEERS: dict[str, Callable[[], object]] = {
    "KNN": KNN,
    "LOF": LOF,
    "IForest": lambda: IForest(random_state=0),
    "OCSVM": OCSVM,
    "PCA": PCA,
}
MIXED_SHARE = 0.03  # abnormal records among those of a mixed reference
MISLABELLED = 0.03
WIDTH, FREEDOM, KINDS, PLANTED = 128, 16, 20, 50  # of the made-up vectors: numbers, dimensions that they fill, clusters
Pair = tuple[float, float]


@dataclass
class Task:
    """Vectors of which some define normal, and which of the scored ones are abnormal."""

    vectors: np.ndarray
    abnormal: np.ndarray
    n_fit: int = 0
    """The first so many are a clean reference and not scored; 0 when all are scored, and learnt from."""
    as_numbers: bool = False
    columns: dict[str, np.ndarray] = field(default_factory=dict)


def odd_digits(*, clean: bool) -> Iterator[Task]:
    """Nine kinds of digits are normal, the tenth is not, each kind in turn."""
    images, kind = load_digits(return_X_y=True)
    for odd in range(10):
        yield _task(images, kind == odd, np.random.default_rng(odd), clean=clean)


def tumours(*, clean: bool, as_numbers: bool) -> Iterator[Task]:
    """Benign tumours are normal, malignant ones are not; five draws."""
    measures, is_benign = load_breast_cancer(return_X_y=True)
    for seed in range(5):
        task = _task(measures, is_benign == 0, np.random.default_rng(seed), clean=clean)
        task.as_numbers = as_numbers
        yield task


def wrong_labels() -> Iterator[Task]:
    """All digits with their label, of which a few are wrong; five draws."""
    images, kind = load_digits(return_X_y=True)
    for seed in range(5):
        rng = np.random.default_rng(seed)
        wrong = rng.random(len(kind)) < MISLABELLED
        label = np.where(wrong, (kind + rng.integers(1, 10, len(kind))) % 10, kind)
        yield Task(images, wrong, columns={"label": label.astype(str)})


def _task(vectors: np.ndarray, is_abnormal: np.ndarray, rng: np.random.Generator, *, clean: bool) -> Task:
    order = rng.permutation(len(vectors))
    normal, odd = order[~is_abnormal[order]], order[is_abnormal[order]]
    n_fit = len(normal) // 2 if clean else 0
    odd = odd if clean else odd[: round(MIXED_SHARE * len(normal))]
    return Task(vectors[np.r_[normal, odd]], np.r_[np.zeros(len(normal) - n_fit), np.ones(len(odd))], n_fit)


SETS: dict[str, Callable[[], Iterator[Task]]] = {
    "odd digit, clean reference": lambda: odd_digits(clean=True),
    "odd digit, mixed reference": lambda: odd_digits(clean=False),
    "tumours as a vector, clean reference": lambda: tumours(clean=True, as_numbers=False),
    "tumours as a vector, mixed reference": lambda: tumours(clean=False, as_numbers=False),
    "tumours as numbers, clean reference": lambda: tumours(clean=True, as_numbers=True),
    "tumours as numbers, mixed reference": lambda: tumours(clean=False, as_numbers=True),
    "digits with wrong labels": wrong_labels,
}


def main() -> int:
    """Run the chosen sets, print a row for each: the mean over its tasks of ROC AUC and average precision."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", nargs="+", metavar="NAME", choices=list(SETS))
    parser.add_argument("--speed", action="store_true")
    parser.add_argument("--records", type=int, default=200_000)
    parser.add_argument("--anomembed", type=cost.read_command, default="anomembed", metavar="COMMAND")
    either = parser.add_mutually_exclusive_group()
    either.add_argument("--no-peers", action="store_true")
    either.add_argument("--peers-only", action="store_true")
    arguments = parser.parse_args()
    if arguments.speed:
        return time_scan(arguments.anomembed, arguments.records)
    methods = [*([] if arguments.peers_only else ["anomembed"]), *([] if arguments.no_peers else PEERS)]
    print(f"| set | {' | '.join(methods)} |\n|---|{'---:|' * len(methods)}")
    failed = False
    for name in arguments.only or SETS:
        found: dict[str, list[Pair]] = {method: [] for method in methods}
        for number, task in enumerate(SETS[name]()):
            for method in methods:
                scores = _scan(task) if method == "anomembed" else _score_peer(PEERS[method](), task)
                failed |= scores is None
                if scores is not None:
                    found[method].append(_judge(task.abnormal, scores))
            print(f"{name} {number}: {_cells({m: pairs[-1:] for m, pairs in found.items()})}", file=sys.stderr)
        print(f"| {name} | {_cells(found)} |", flush=True)
    return int(failed)


def time_scan(tool: list[str], n_records: int) -> int:
    """Print what a scan of made-up vectors costs, and how many of those planted are among as many that it flags."""
    with tempfile.TemporaryDirectory() as work:
        folder = Path(work)
        vectors, columns, is_planted = make_vectors(n_records)
        _write(Task(vectors, is_planted, columns=columns), folder / "vectors.duckdb")
        planted = np.flatnonzero(is_planted)
        del vectors
        what = ["scan", "vectors.duckdb", "records", "--key", "record", "--ignore", "part", "--budget", str(PLANTED)]
        spent = cost.run([*tool, *what, "--quiet", "--scores-to", "scores.parquet"], folder)
        print("| scan | seconds | peak MiB | planted vectors flagged |", "|---|---:|---:|---:|", sep="\n")
        if spent.error:
            print(spent.error, file=sys.stderr)
            return 1
        scores = pl.read_parquet(folder / "scores.parquet", columns=["record", "flagged"])
    found = scores.filter("flagged")["record"].is_in(planted.tolist()).sum()
    named = f"{n_records:,} vectors of {WIDTH} numbers"
    print(f"| {named} | {spent.seconds:.1f} | {spent.peak_mib:,.0f} | {found} of {len(planted)} |")
    return 0


def make_vectors(n_records: int) -> tuple[np.ndarray, dict[str, np.ndarray], np.ndarray]:
    """Make vectors around the centres of their kinds, and a few as far out as these that belong to none.

    The spread around the centres is such that distances alone put nearly all of these few first; with 0.5, exact
    neighbours find 45 of 50 among 20,000.
    """
    rng = np.random.default_rng(0)
    is_planted = np.arange(n_records) >= n_records - PLANTED
    kind, channel = rng.integers(KINDS, size=n_records), rng.integers(6, size=n_records)
    centre = rng.normal(size=(KINDS, FREEDOM))[kind]
    centre[is_planted] = rng.normal(size=(PLANTED, FREEDOM))
    free = (centre + 0.4 * rng.normal(size=centre.shape)).astype(np.float32)
    vectors = free @ rng.normal(size=(FREEDOM, WIDTH)).astype(np.float32)
    vectors += 0.1 * rng.standard_normal(vectors.shape, dtype=np.float32)
    columns = {"kind": np.char.add("k", kind.astype(str)), "channel": np.char.add("c", channel.astype(str))}
    return vectors, columns, is_planted


def _judge(abnormal: np.ndarray, scores: np.ndarray) -> Pair:
    return float(roc_auc_score(abnormal, scores)), float(average_precision_score(abnormal, scores))


def _cells(found: dict[str, list[Pair]]) -> str:
    means = (np.mean(pairs, axis=0) if pairs else (np.nan, np.nan) for pairs in found.values())
    return " | ".join(f"{auc:.3f} / {precision:.3f}" for auc, precision in means)


def _scan(task: Task) -> np.ndarray | None:
    """Scan by the command line, in this process; only then do scores meet labels. None if it fails."""
    split = ["--fit-where", "part = 'fit'", "--where", "part = 'score'", "--clean-reference"] if task.n_fit else []
    with tempfile.TemporaryDirectory() as folder:
        database, scores = Path(folder, "vectors.duckdb"), Path(folder, "scores.parquet")
        _write(task, database)
        what = ["scan", str(database), "records", "--key", "record", "--ignore", "part"]
        output = ["--quiet", "--store", str(Path(folder, "store.duckdb")), "--scores-to", str(scores)]
        sys.argv = ["anomembed", *what, *split, *output]
        try:
            anomembed.cli.main()
        except SystemExit as end:
            if end.code:
                return None
        return pl.read_parquet(scores).sort("record")["raw_score"].to_numpy()


def _write(task: Task, database: Path) -> None:
    """Write the table `records`, in which nothing tells the class and the order means nothing."""
    n, width = task.vectors.shape
    part = np.where(np.arange(n) < task.n_fit, "fit", "score")
    vector = pl.Series("vector", task.vectors, dtype=pl.Array(pl.Float64, width)).cast(pl.Array(pl.Float32, width))
    values = {f"x{i}": column for i, column in enumerate(task.vectors.T)} if task.as_numbers else {"vector": vector}
    frame = pl.DataFrame({"record": np.arange(n), "part": part, **values, **task.columns})
    with duckdb.connect(str(database)) as connection:
        connection.register("frame", frame)
        connection.execute("CREATE TABLE records AS FROM frame ORDER BY hash(record)")


def _score_peer(peer: object, task: Task) -> np.ndarray:
    """Score with a detector of PyOD as it comes, on the vectors as they are."""
    peer.fit(task.vectors[: task.n_fit or None])
    # A detector that divides by nothing has no opinion of the record.
    return np.nan_to_num(peer.decision_function(task.vectors[task.n_fit :]), posinf=1e9)


if __name__ == "__main__":
    sys.exit(main())
