"""Measure the methods that learn embeddings: how fast, beside gensim, and how well `anomembed scan` does with each.

    python learners.py DATA [--speed | --quality] [--records 250_000] [--only NAME ...] [--sets NAME ...]

DATA is the folder of files that README.md describes. Speed: card payments as sentences of five words (customer,
terminal, hour, weekday, amount), with the same width, window and negatives; gensim is left out when not installed.
Quality: ROC AUC / average precision / seconds of a scan of six categorical sets and of the blocks of HDFS, and their
mean. Tables go to stdout, progress to stderr.
"""

import argparse
import os
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path

import cost
import duckdb
import numpy as np
import polars as pl
from protocols import DATA_SETS
from quality import OURS, run
from sequences import EVENTS, LABELS, build, ours

from anomembed.represent.counts import count_pairs
from anomembed.represent.embeddings import epochs
from anomembed.represent.embeddings.corpus import Corpus, record_corpus
from anomembed.represent.embeddings.epochs import Training
from anomembed.represent.embeddings.learners import METHODS
from anomembed.represent.tokens import Vocabulary, category_tokens, count_values, distinct

WORDS = """FROM read_parquet('{file}') SELECT 'c' || CUSTOMER_ID AS customer, 't' || TERMINAL_ID AS terminal,
    'h' || hour(TX_DATETIME) AS hour, 'w' || isodow(TX_DATETIME) AS weekday, 'a' || least(TX_AMOUNT // 15, 15) AS amount
    LIMIT {n}"""
WIDTH, WINDOW, NEGATIVES, RATE, EPOCHS = 16, 5, 5, 0.05, 4
SEQUENCES = "hdfs"
SETS = ("bank", "chess_krkopt", "apascal", "cmc", "covertype", "kdd_probe", SEQUENCES)


def main() -> int:
    """Print the tables asked for, both by default."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("--speed", action="store_true")
    parser.add_argument("--quality", action="store_true")
    parser.add_argument("--records", type=int, default=250_000)
    parser.add_argument("--only", nargs="+", choices=list(METHODS), default=list(METHODS))
    parser.add_argument("--sets", nargs="+", choices=SETS, default=list(SETS))
    parser.add_argument("--anomembed", type=cost.read_command, default="anomembed", metavar="COMMAND")
    arguments = parser.parse_args()
    if arguments.speed or not arguments.quality:
        race(arguments.data / "fraud_handbook.parquet", arguments.records)
    if arguments.quality or not arguments.speed:
        judge(arguments.data, arguments.only, arguments.sets, arguments.anomembed)
    return 0


def race(file: Path, n_records: int) -> None:
    """Print words (or pairs) per second of the methods with epochs, with one processor and with two."""
    frame = duckdb.sql(WORDS.format(file=str(file).replace("'", "''"), n=n_records)).pl()
    columns = tuple(category_tokens(name, *count_values(frame[name], 10**6), 1) for name in frame.columns)
    vocabulary = Vocabulary(columns)
    rows, _, times = distinct(vocabulary.encode(frame))
    corpus = record_corpus(vocabulary, rows, times, count_pairs(rows, times, vocabulary.size))
    epochs.MOST_PAIRS = 20 * n_records  # an epoch is all of the records, as in gensim
    processors = sorted(os.sched_getaffinity(0))
    print("| method | 1 processor | 2 processors | unit |", "|---|---:|---:|---|", sep="\n")
    for method in ("skipgram", "cbow", "fasttext", "glove"):
        n_units = corpus.counts.together.nnz - corpus.n_used if method == "glove" else frame.height * frame.width
        found = []
        for some in (processors[:1], processors[:2]):
            os.sched_setaffinity(0, some)
            found.append(n_units / seconds_per_epoch(method, corpus))
        os.sched_setaffinity(0, processors)
        unit = "pairs" if method == "glove" else "words"
        print(f"| anomembed {method} | {found[0]:,.0f} | {found[1]:,.0f} | {unit}/s |", flush=True)
    for method, fast in gensim_speeds(frame).items():
        print(f"| gensim {method} | {fast[0]:,.0f} | {fast[1]:,.0f} | words/s |")


def seconds_per_epoch(method: str, corpus: Corpus) -> float:
    """Return the shortest time between two epochs; compiling and what is prepared once do not count."""
    ends: list[float] = []

    def note(*_: object) -> None:
        ends.append(time.perf_counter())

    METHODS[method].fit(corpus, Training(WIDTH, EPOCHS, RATE, NEGATIVES, WINDOW), 0, note)
    return float(np.diff(ends).min())


def gensim_speeds(frame: pl.DataFrame) -> dict[str, list[float]]:
    """Return words per second of gensim's skip-gram and CBOW with one and two workers; nothing without gensim."""
    try:
        from gensim.models import Word2Vec
    except ImportError:
        print("gensim is not installed: left out", file=sys.stderr)
        return {}
    sentences = [list(row) for row in frame.iter_rows()]
    found: dict[str, list[float]] = {"skipgram": [], "cbow": []}
    same = {"vector_size": WIDTH, "window": WINDOW, "negative": NEGATIVES, "alpha": RATE, "shrink_windows": False}
    for method, speeds in found.items():
        for workers in (1, 2):
            model = Word2Vec(**same, sg=int(method == "skipgram"), workers=workers, min_count=1, sample=0, seed=1)
            model.build_vocab(sentences)
            start = time.perf_counter()
            model.train(sentences, total_examples=len(sentences), epochs=1)
            speeds.append(frame.height * frame.width / (time.perf_counter() - start))
    return found


def judge(data: Path, methods: list[str], sets: list[str], tool: list[str]) -> None:
    """Print AUC / AP / seconds of a scan with every method on every set asked for."""
    print("", f"| method | {' | '.join(sets)} | mean |", "|---" * (len(sets) + 2) + "|", sep="\n")
    for method in methods:
        cells, figures = [], []
        for name in sets:
            found = judge_one(data, name, method, tool)
            if found is None:
                cells.append("FAILED")
                continue
            figures.append(found)
            cells.append("{:.3f} / {:.3f} / {:.1f}".format(*found))
        mean = "{:.4f} / {:.3f} / {:.1f}".format(*np.mean(figures, axis=0)) if figures else "-"
        print(f"| {method} | {' | '.join(cells)} | {mean} |", flush=True)


def judge_one(data: Path, name: str, method: str, tool: list[str]) -> list[float] | None:
    """Return AUC, AP and seconds of a scan; None when it failed."""
    if name == SEQUENCES:
        with tempfile.TemporaryDirectory() as folder:
            database = Path(folder) / "seen.duckdb"
            truth = build(data, database, EVENTS, LABELS)
            rows = list(ours([*tool, "scan"], database, truth, "0.001", clean=True, options=("--embedding", method)))
        return [float(rows[0][1][place]) for place in (0, 1, 4)] if rows else None
    data_set = next(data_set for data_set in DATA_SETS if data_set.name == name)
    asked = replace(data_set, options=(*data_set.options, "--embedding", method))
    found = run(asked, data, tool, peers=False).methods.get(OURS)
    return [found[figure] for figure in ("roc_auc", "average_precision", "seconds")] if found else None


if __name__ == "__main__":
    sys.exit(main())
