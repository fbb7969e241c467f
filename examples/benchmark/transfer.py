"""Measure what embeddings learnt on a large table do for a small one: from scratch, frozen, fine-tuned.

    python transfer.py DATA [--only NAME ...] [--method NAME ...] [--pull P ...] [--rows N ...] [--seeds N]

DATA is the folder of files that README.md describes. Every set is cut in three: a large part, whose embeddings are
learnt without a label; small tables, drawn anew with every seed, which are the whole reference of a model; and records
that nobody learnt from, on which that model is judged. ROC AUC, mean and standard deviation over the seeds, of the full
score and of the view `record` (of sequences, `sequence`) alone, which is the one that looks at embeddings most. The
vectors go through a store, as a user's would. Tables go to stdout, progress to stderr.
"""

import argparse
import sys
import tempfile
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import polars as pl
from sklearn.metrics import roc_auc_score

from anomembed import Config, Model, fit_model, score_table
from anomembed.write.models import save_model
from anomembed.write.store import Store

JUDGED, POOL = 8_000, 8_000  # records to judge, and to draw small tables from, at most
KEY = "record"


@dataclass(frozen=True)
class DataSet:
    """Where a set is, and what is hidden from the models."""

    name: str
    file: str
    hidden: tuple[str, ...] = ("label", "label_name")
    numbers: tuple[str, ...] = ()
    normal_only: bool = False


ADREPO = ("bank", "chess_krkopt", "kdd_probe", "covertype", "cmc", "apascal")
SETS = (
    *(DataSet(name, f"adrepo_{name}.parquet") for name in ADREPO),
    DataSet("vehicle_claims", "vehicle_insurance_fraud.parquet", ("label", "FraudFound_P", "PolicyNumber")),
    DataSet("nsl_kdd", "nsl_kdd_train.parquet", ("label", "label_name", "attack_type", "difficulty"), normal_only=True),
    DataSet("hdfs", "hdfs.parquet", normal_only=True),
)


@dataclass(frozen=True)
class Parts:
    """A set in three parts; `truth` has `record` and `label` of those to judge."""

    large: pl.DataFrame
    pool: pl.DataFrame
    judged: pl.DataFrame
    truth: pl.DataFrame
    settings: dict[str, dict[str, object]]


def main() -> int:
    """Print a table per set."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("--only", nargs="+", choices=[s.name for s in SETS])
    parser.add_argument("--method", nargs="+", default=["ppmi-svd", "skipgram"])
    parser.add_argument("--pull", nargs="+", type=float, default=[None], metavar="P")
    parser.add_argument("--rows", nargs="+", type=int, default=[200, 1000])
    parser.add_argument("--seeds", type=int, default=5)
    arguments = parser.parse_args()
    for data_set in SETS:
        if arguments.only and data_set.name not in arguments.only:
            continue
        if not (arguments.data / data_set.file).exists():
            print(f"{data_set.name}: left out, there is no {data_set.file}", file=sys.stderr)
            continue
        parts = read_sequences(arguments.data) if data_set.name == "hdfs" else read_records(data_set, arguments.data)
        for method in arguments.method:
            measure(data_set.name, parts, method, arguments)
    return 0


def read_records(data_set: DataSet, data: Path) -> Parts:
    """Cut a table of records; of NSL-KDD only normal ones are learnt from."""
    frame = pl.read_parquet(data / data_set.file).sample(fraction=1, shuffle=True, seed=0)
    frame = frame.with_columns(pl.int_range(pl.len()).alias(KEY))
    n_judged = min(JUDGED, frame.height // 4)
    judged, rest = frame[:n_judged], frame[n_judged:]
    if data_set.normal_only:
        rest = rest.filter(pl.col("label") == 0)
    n_pool = min(POOL, rest.height // 2)
    hidden = [name for name in data_set.hidden if name in frame.columns]
    texts = [name for name, kind in frame.schema.items() if kind == pl.String and name not in hidden]
    roles = {"key": [KEY], "category": texts}
    settings = {"roles": roles, "reference": {"clean": data_set.normal_only}}
    seen = [part.drop(hidden) for part in (rest[n_pool:], rest[:n_pool], judged)]
    return Parts(*seen, judged.select(KEY, "label"), settings)


def read_sequences(data: Path) -> Parts:
    """Cut the blocks of HDFS; only normal ones are learnt from."""
    labels = pl.read_parquet(data / "hdfs_labels.parquet").sample(fraction=1, shuffle=True, seed=0)
    events = pl.read_parquet(data / "hdfs.parquet", columns=["sequence_id", "position", "event"])
    normal = labels.filter(split="train")["sequence_id"]
    judged = pl.concat([labels.filter(split="test", label=label)[: JUDGED // 4] for label in (0, 1)])
    n_pool = len(normal) // 4
    chosen = (normal[n_pool:], normal[:n_pool], judged["sequence_id"])
    parts = [events.filter(pl.col("sequence_id").is_in(ids.implode())) for ids in chosen]
    sequence = {"key": "sequence_id", "order": ["position"], "event": ["event"]}
    settings = {"sequence": sequence, "reference": {"clean": True}}
    return Parts(*parts, judged.select("sequence_id", "label"), settings)


def measure(name: str, parts: Parts, method: str, arguments: argparse.Namespace) -> None:
    """Print the table of a set and a method."""
    key = parts.truth.columns[0]
    ways = [("from scratch", {}), ("frozen", {"vectors_use": "frozen"})]
    if method != "ppmi-svd":  # whose distances a start does not change
        ways.append(("start", {"vectors_use": "start"}))
    ways += [(f"fine-tune{f' {p:g}' if p else ''}", {"vectors_pull": p} if p else {}) for p in arguments.pull]
    with tempfile.TemporaryDirectory() as work:
        store = f"{work}/large.duckdb"
        large = fit(parts.large, parts, 0, {"method": method})
        with Store(store) as opened, opened.transaction():
            save_model(large, opened)
        n_large = parts.large[key].n_unique()
        rows = [(f"the large part itself, {n_large:,}", [auc(large, parts)])]
        for n_rows in arguments.rows:
            for way, said in ways:
                vectors = {"vectors": store, **said} if way != "from scratch" else {}
                found = []
                for seed in range(arguments.seeds):
                    ids = parts.pool[key].unique(maintain_order=True).sample(n_rows, seed=seed)
                    small = parts.pool.filter(pl.col(key).is_in(ids.implode()))
                    found.append(auc(fit(small, parts, seed, {"method": method, **vectors}), parts))
                rows.append((f"{n_rows:,} rows, {way}", found))
                print(f"{name} {method}: {rows[-1][0]}: {np.mean(found, axis=0)}", file=sys.stderr, flush=True)
    print("", f"| {name}, {method} | full score | embeddings alone |", "|---|---:|---:|", sep="\n")
    for row, figures in rows:
        mean, spread = np.mean(figures, axis=0), np.std(figures, axis=0)
        cells = " | ".join(f"{m:.3f} ± {s:.3f}" for m, s in zip(mean, spread, strict=True))
        print(f"| {row} | {cells} |", flush=True)


def fit(frame: pl.DataFrame, parts: Parts, seed: int, embedding: dict[str, object]) -> Model:
    """Fit a model."""
    return fit_model(frame, config=Config.model_validate({**parts.settings, "seed": seed, "embedding": embedding}))


def auc(model: Model, parts: Parts) -> tuple[float, float]:
    """Return the AUC of the full score, and of the view that looks at embeddings."""
    alone = replace(model, views=tuple(v for v in model.views if v.view.name in ("record", "sequence")))
    found = []
    for judge in (model, alone):
        scores = score_table(judge, parts.judged).frame
        joined = parts.truth.join(scores, on=parts.truth.columns[0], maintain_order="left")
        found.append(float(roc_auc_score(joined["label"], joined["raw_score"])))
    return found[0], found[1]


if __name__ == "__main__":
    sys.exit(main())
