"""Measure the methods that learn embeddings: how fast, beside gensim, and how well `anomembed scan` does with each.

    python learners.py DATA [--speed | --quality] [--records 250_000] [--only NAME ...] [--sets NAME ...]

DATA is the folder of files that README.md describes. Speed: card payments as sentences of five words (customer,
terminal, hour, weekday, amount), with the same width, window, negatives and epochs; gensim is left out when not
installed. Beside it the ROC AUC of what the vectors are for: telling a customer's terminals from as many drawn at
random, by the product of input and output vectors, and telling frauds by the distance of the mean vector, where
nothing but rare amounts can help.
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
from numpy.typing import NDArray
from protocols import DATA_SETS
from quality import OURS, run
from sequences import EVENTS, LABELS, build, ours
from sklearn.metrics import roc_auc_score

from anomembed.represent.counts import count_pairs
from anomembed.represent.embeddings import Embeddings, epochs
from anomembed.represent.embeddings.corpus import Corpus, record_corpus
from anomembed.represent.embeddings.epochs import Training
from anomembed.represent.embeddings.learners import METHODS
from anomembed.represent.tokens import Vocabulary, category_tokens, count_values, distinct
from anomembed.represent.views import Batch, make_batch
from anomembed.represent.views.record import fit_record_view
from anomembed.score.detectors import choose_detector, fit_detector, raw_scores

WORDS = """FROM read_parquet('{file}') SELECT 'c' || CUSTOMER_ID AS customer, 't' || TERMINAL_ID AS terminal,
    'h' || hour(TX_DATETIME) AS hour, 'w' || isodow(TX_DATETIME) AS weekday,
    'a' || least(TX_AMOUNT // 15, 15) AS amount, label LIMIT {n}"""
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
    """Print how fast the methods with epochs are, with one processor and with two, and how good their vectors."""
    frame = duckdb.sql(WORDS.format(file=str(file).replace("'", "''"), n=n_records)).pl()
    label, frame = frame["label"].to_numpy() == 1, frame.drop("label")
    columns = tuple(category_tokens(name, *count_values(frame[name], 10**6), 1) for name in frame.columns)
    vocabulary = Vocabulary(columns)
    batch = make_batch(frame, vocabulary, ())
    rows, _, times = distinct(batch.tokens)
    corpus = record_corpus(vocabulary, rows, times, count_pairs(rows, times, vocabulary.size))
    epochs.MOST_PAIRS = 20 * n_records  # an epoch is all of the records, as in gensim
    processors = sorted(os.sched_getaffinity(0))
    print(
        "| method | 1 processor | 2 processors | unit | terminals | frauds |", "|---|---:|---:|---|---:|---:|", sep="\n"
    )
    for method in ("skipgram", "cbow", "fasttext", "glove"):
        n_units = corpus.counts.together.nnz - corpus.n_used if method == "glove" else frame.height * frame.width
        found = []
        for some in (processors[:1], processors[:2]):
            os.sched_setaffinity(0, some)
            seconds, learnt = time_epochs(method, corpus)
            found.append(f"{n_units / seconds:,.0f}")
        os.sched_setaffinity(0, processors)
        unit = "pairs/s" if method == "glove" else "words/s"
        used = judge_vectors(learnt.vectors, learnt.contexts, vocabulary, batch, label)
        print(f"| anomembed {method} | {' | '.join(found)} | {unit} | {used} |", flush=True)
    race_gensim(frame, vocabulary, batch, label)


def time_epochs(method: str, corpus: Corpus) -> tuple[float, Embeddings]:
    """Return the shortest time between two epochs, for compiling does not count, and what was learnt."""
    ends: list[float] = []

    def note(*_: object) -> None:
        ends.append(time.perf_counter())

    learnt = METHODS[method].fit(corpus, Training(WIDTH, EPOCHS, RATE, NEGATIVES, WINDOW), 0, note)
    return float(np.diff(ends).min()), learnt


def race_gensim(frame: pl.DataFrame, vocabulary: Vocabulary, batch: Batch, label: NDArray[np.bool_]) -> None:
    """Print the same of gensim's skip-gram and CBOW with one and two workers; nothing without gensim."""
    try:
        from gensim.models import Word2Vec
    except ImportError:
        print("gensim is not installed: left out", file=sys.stderr)
        return
    sentences = [list(row) for row in frame.iter_rows()]
    names = [name for column in vocabulary.columns for name in column.labels]
    same = {"vector_size": WIDTH, "window": WINDOW, "negative": NEGATIVES, "alpha": RATE, "shrink_windows": False}
    for method in ("skipgram", "cbow"):
        found = []
        for workers in (1, 2):
            model = Word2Vec(**same, sg=int(method == "skipgram"), workers=workers, min_count=1, sample=0, seed=1)
            model.build_vocab(sentences)
            start = time.perf_counter()
            model.train(sentences, total_examples=len(sentences), epochs=EPOCHS)
            found.append(f"{EPOCHS * frame.height * frame.width / (time.perf_counter() - start):,.0f}")
        vectors, contexts = np.zeros((2, len(names), WIDTH), np.float32)
        for token, name in enumerate(names):
            if name in model.wv.key_to_index:
                place = model.wv.key_to_index[name]
                vectors[token], contexts[token] = model.wv.vectors[place], model.syn1neg[place]
        used = judge_vectors(vectors, contexts, vocabulary, batch, label)
        print(f"| gensim {method} | {' | '.join(found)} | words/s | {used} |")


def judge_vectors(
    vectors: NDArray[np.float32],
    contexts: NDArray[np.float32],
    vocabulary: Vocabulary,
    batch: Batch,
    label: NDArray[np.bool_],
) -> str:
    """Return ROC AUC of a customer's terminals against terminals at random, and of frauds against other payments."""
    customer, terminal = batch.tokens[:, 0], batch.tokens[:, 1]
    other = np.random.default_rng(0).permutation(np.unique(terminal))
    other = other[np.arange(len(terminal)) % len(other)]
    links = np.concatenate([np.einsum("nw,nw->n", vectors[customer], contexts[end]) for end in (terminal, other)])
    linked = roc_auc_score(np.repeat([1, 0], len(terminal)), links)
    learnt = Embeddings(vectors, contexts, 0.0, "")
    records = fit_record_view(vocabulary, learnt, by_rarity=True).vectors(batch)
    n_distinct = len(distinct(batch.tokens)[0])
    choice = choose_detector("auto", clean=False, n_records=len(batch), n_distinct=n_distinct)
    found = raw_scores(fit_detector(choice, records, 0)[0], records)
    return f"{linked:.3f} | {roc_auc_score(label, found):.3f}"


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
