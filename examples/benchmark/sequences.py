"""Measure how well `anomembed scan` tells abnormal sequences of events from normal ones, beside plain scores.

    python sequences.py DATA [--anomembed COMMAND] [--alpha P] [--embedding NAME] [--only SET]

DATA is the folder of files that README.md describes. The table goes to stdout, progress to stderr.
Exit code 1 if the tool failed on any data set.
"""

import argparse
import math
import shlex
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import pairwise
from pathlib import Path

import cost
import duckdb
import numpy as np
import polars as pl
from sklearn.metrics import average_precision_score, precision_recall_curve, roc_auc_score
from sklearn.neighbors import NearestNeighbors

SPLIT = """
FROM read_parquet('{0}/NAME.parquet') AS e JOIN read_parquet('{0}/NAME_labels.parquet') AS l USING (sequence_id)
SELECT sequence_id, position, event::VARCHAR AS event, if(split IN ('train', 'fit'), 'fit', 'score') AS part"""
SPLIT_LABELS = """
FROM read_parquet('{0}/NAME_labels.parquet')
SELECT sequence_id, label, 1.0 AS weight WHERE split IN ('test', 'score')"""
WHOLE = """
FROM read_parquet('{0}/NAME.parquet') SELECT sequence_id, position, event::VARCHAR AS event, 'score' AS part"""
WHOLE_LABELS = "FROM read_parquet('{0}/NAME_labels.parquet') SELECT sequence_id, label, 1.0 AS weight"
WEIGHTED = SPLIT_LABELS.replace("1.0 AS weight", "weight")
JUDGED = WHOLE_LABELS.replace("1.0", "if(anomaly = 'Attribute', 0.0, 1.0)")
USERS = {f"masquerade user {n}": f" WHERE \"user\" = 'User{n}'" for n in range(10)}
DATA_SETS = {
    "hdfs": (SPLIT, WEIGHTED, True),
    "hdfs_100k": (WHOLE, WHOLE_LABELS, False),
    "adfa_ld": (SPLIT, SPLIT_LABELS, True),
    "process_permit": (WHOLE, JUDGED, False),
    **{user: (SPLIT + own, SPLIT_LABELS + own.replace("WHERE", "AND"), True) for user, own in USERS.items()},
}
FILES = list(dict.fromkeys(name.split()[0] for name in DATA_SETS))

Cases = list[list[str]]


def main() -> int:
    """Run the data sets and print a table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("data", type=Path)
    parser.add_argument("--anomembed", default="anomembed", help="the command, with arguments if need be")
    parser.add_argument("--alpha", default="0.001", help="expected share of false flags, for the F1 of the flags")
    parser.add_argument("--embedding", default="ppmi-svd", help="of anomembed, such as gru or cnn")
    parser.add_argument("--only", choices=FILES, help="one data set instead of all")
    arguments = parser.parse_args()
    print("| set | method | ROC AUC | average precision | best F1 | F1 of the flags | processor seconds |")
    print("|---|---|---:|---:|---:|---:|---:|")
    failed = False
    command = [*shlex.split(arguments.anomembed), "scan", "--embedding", arguments.embedding]
    for name, (events, labels, clean) in DATA_SETS.items():
        stem = name.split()[0]
        if arguments.only not in (None, stem):
            continue
        files = [arguments.data / f"{stem}.parquet", arguments.data / f"{stem}_labels.parquet"]
        if not all(file.exists() for file in files):
            print(f"{name}: left out, its files are not there", file=sys.stderr)
            continue
        with tempfile.TemporaryDirectory() as folder:
            database = Path(folder) / "seen.duckdb"
            truth = build(arguments.data, database, *(sql.replace("NAME", stem) for sql in (events, labels)))
            rows = [*ours(command, database, truth, arguments.alpha, clean=clean)]
            failed |= not rows
            for method, figures in [*rows, *peers(database, truth)]:
                print(f"| {name} | {method} | {' | '.join(figures)} |", flush=True)
    return int(failed)


def build(data: Path, database: Path, events: str, labels: str) -> pl.DataFrame:
    """Write the table of events, in which nothing tells the class; return the labels."""
    with duckdb.connect(str(database)) as connection:
        connection.execute(f"CREATE TABLE events AS {events.format(data.resolve())}")
    return duckdb.sql(labels.format(data.resolve())).pl().sort("sequence_id")


def ours(
    command: list[str], database: Path, truth: pl.DataFrame, alpha: str, *, clean: bool, options: Sequence[str] = ()
) -> Iterator[tuple[str, list[str]]]:
    """Scan as a user does, in a process of its own; only then do scores meet labels. Nothing if it fails."""
    scores = database.with_name("scores.parquet")
    split = ["--fit-where", "part = 'fit'", "--where", "part = 'score'", "--clean-reference"] if clean else []
    what = [str(database), "events", "--sequence", "sequence_id", "--order", "position", "--event", "event"]
    output = ["--alpha", alpha, "--quiet", "--store", str(database.with_name("s.duckdb")), "--scores-to", str(scores)]
    taken = cost.run([*command, *what, *split, *options, *output], database.parent)
    if taken.error:
        print(f"anomembed FAILED: {taken.error}", file=sys.stderr)
        return
    found = truth.join(pl.read_parquet(scores), on="sequence_id", how="left", maintain_order="left")
    flags = found["flagged"].to_numpy()
    weight, label = found["weight"].to_numpy(), found["label"].to_numpy() == 1
    hit = (weight * (flags & label)).sum()
    f1 = 2 * hit / ((weight * flags).sum() + (weight * label).sum())
    yield "anomembed", [*judge(truth, found["raw_score"].to_numpy()), f"{f1:.3f}", f"{taken.processor_seconds:.1f}"]


def peers(database: Path, truth: pl.DataFrame) -> Iterator[tuple[str, list[str]]]:
    """Score with what needs no embedding; the reference of a set without a split is the set itself."""
    with duckdb.connect(str(database), read_only=True) as connection:
        query = "SELECT sequence_id, part, list(event ORDER BY position, event) AS events FROM events GROUP BY ALL"
        cases = connection.sql(query).pl().sort("sequence_id")
    scored = cases.filter(pl.col("part") == "score")["events"].to_list()
    reference = cases.filter(pl.col("part") == "fit")["events"].to_list() or scored
    known = {event for case in reference for event in case}
    yield "new events", [*judge(truth, np.array([sum(e not in known for e in case) for case in scored])), "-", "-"]
    yield "counts, 1-NN", [*judge(truth, nearest_counts(reference, scored)), "-", "-"]
    yield "bigram surprise", [*judge(truth, bigram_surprise(reference, scored)), "-", "-"]


def nearest_counts(reference: Cases, scored: Cases) -> np.ndarray:
    """Distance of log(1 + count) vectors to the nearest other reference vector."""
    places = {event: place for place, event in enumerate(sorted({e for case in reference for e in case}))}

    def vectors(cases: Cases) -> np.ndarray:
        counts = np.zeros((len(cases), len(places) + 1))
        for row, case in enumerate(cases):
            for event, times in Counter(case).items():
                counts[row, places.get(event, len(places))] += times
        return np.log1p(counts)

    if reference is not scored:
        known = np.unique(vectors(reference), axis=0)
        return NearestNeighbors(n_neighbors=1).fit(known).kneighbors(vectors(scored))[0][:, 0]
    distance = NearestNeighbors(n_neighbors=2).fit(vectors(scored)).kneighbors(vectors(scored))[0]
    return distance[:, 1]


def bigram_surprise(reference: Cases, scored: Cases) -> np.ndarray:
    """Compute the largest -log chance of an event after the one before it, start and end included."""
    pairs = Counter(pair for case in reference for pair in pairwise([None, *case, None]))
    single: Counter[str | None] = Counter()
    before: Counter[str | None] = Counter()
    for (first, second), times in pairs.items():
        before[first] += times
        single[second] += times
    total, kinds = sum(single.values()), len(single) + 1

    def surprise(first: str | None, second: str | None) -> float:
        alone = (single[second] + 0.5) / (total + 0.5 * kinds)
        return -math.log((pairs[first, second] + alone) / (before[first] + 1))

    return np.array([max(surprise(*pair) for pair in pairwise([None, *case, None])) for case in scored])


def judge(truth: pl.DataFrame, score: np.ndarray) -> list[str]:
    """Hold scores (high = abnormal) against labels, weighted to the population."""
    label, weight = truth["label"].to_numpy(), truth["weight"].to_numpy()
    precision, recall, _ = precision_recall_curve(label, score, sample_weight=weight)
    f1 = 2 * precision * recall / np.maximum(precision + recall, 1e-12)
    auc = roc_auc_score(label, score, sample_weight=weight)
    return [f"{figure:.4f}" for figure in (auc, average_precision_score(label, score, sample_weight=weight), f1.max())]


if __name__ == "__main__":
    sys.exit(main())
