"""Measure the methods that learn embeddings: how fast, beside gensim, and how well `anomembed scan` does with each.

    python learners.py DATA [--speed | --quality] [--records 250_000] [--only NAME ...] [--sets NAME ...] [--seeds 3]

DATA is the folder of files that README.md describes. Speed: card payments as sentences of five words (customer,
terminal, hour, weekday, amount), with the same width, window, negatives and epochs; gensim is left out when not
installed. Beside it what the vectors are good for, as ROC AUC: telling a customer's terminals from as many drawn at
random, by the product of input and output vectors; and telling frauds by the scores of a model with these vectors.
Quality: ROC AUC / average precision / processor seconds of a scan of six categorical sets and of the blocks of HDFS,
each the mean of so many seeds, and the mean of the sets; behind the ROC AUC its standard deviation from seed to seed.
`gensim-skipgram` and `gensim-cbow` are scans with frozen vectors that gensim has learnt from as many pairs (not of
HDFS; their learning is not in the seconds). Tables go to stdout, progress to stderr.
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
from protocols import DATA_SETS, DataSet
from quality import OURS, build, run
from sequences import EVENTS, LABELS, ours
from sequences import build as build_sequences
from sklearn.metrics import roc_auc_score

from anomembed import Config, fit_model, score_table
from anomembed.represent.batch import Batch, make_batch
from anomembed.represent.counts import count_pairs
from anomembed.represent.embeddings import Embeddings, epochs
from anomembed.represent.embeddings.corpus import Corpus, record_corpus
from anomembed.represent.embeddings.epochs import Training
from anomembed.represent.keys import distinct
from anomembed.represent.learners import LEARNERS
from anomembed.represent.tokens.learning import category_tokens, count_values
from anomembed.represent.tokens.vocabulary import Vocabulary

WORDS = """FROM read_parquet('{file}') SELECT 'c' || CUSTOMER_ID AS customer, 't' || TERMINAL_ID AS terminal,
    'h' || hour(TX_DATETIME) AS hour, 'w' || isodow(TX_DATETIME) AS weekday,
    'a' || least(TX_AMOUNT // 15, 15) AS amount, label LIMIT {n}"""
WIDTH, WINDOW, NEGATIVES, EPOCHS = 16, 5, 5, 4
PEERS = {"gensim-skipgram": "skipgram", "gensim-cbow": "cbow"}
GENSIM_RATE = 0.025  # its default, as ours have theirs: steps of the two are not of the same length
SEQUENCES = "hdfs"
SETS = ("bank", "chess_krkopt", "apascal", "cmc", "covertype", "kdd_probe", SEQUENCES)


def main() -> int:
    """Print the tables asked for, both by default."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("--speed", action="store_true")
    parser.add_argument("--quality", action="store_true")
    parser.add_argument("--records", type=int, default=250_000)
    parser.add_argument("--only", nargs="+", choices=[*LEARNERS, *PEERS], default=[*LEARNERS, *PEERS])
    parser.add_argument("--sets", nargs="+", choices=SETS, default=list(SETS))
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--anomembed", type=cost.read_command, default="anomembed", metavar="COMMAND")
    arguments = parser.parse_args()
    if arguments.speed or not arguments.quality:
        race(arguments.data / "fraud_handbook.parquet", arguments.records)
    if arguments.quality or not arguments.speed:
        judge(arguments.data, arguments.only, arguments.sets, arguments.seeds, arguments.anomembed)
    return 0


def race(file: Path, n_records: int) -> None:
    """Print how fast the methods with epochs are, with one processor and with two, and how good their vectors."""
    frame = duckdb.sql(WORDS.format(file=str(file).replace("'", "''"), n=n_records)).pl()
    words = frame.drop("label")
    columns = tuple(category_tokens(name, *count_values(words[name], 10**6), 1) for name in words.columns)
    vocabulary = Vocabulary(columns)
    batch = make_batch(words, vocabulary, ())
    rows, _, times = distinct(batch.tokens)
    corpus = record_corpus(vocabulary, rows, times, count_pairs(rows, times, vocabulary.size))
    most, epochs.MOST_PAIRS = epochs.MOST_PAIRS, 20 * n_records  # an epoch is all of the records, as in gensim
    processors = sorted(os.sched_getaffinity(0))
    print(
        "| method | 1 processor | 2 processors | unit | terminals | frauds |", "|---|---:|---:|---|---:|---:|", sep="\n"
    )
    for method in ("skipgram", "cbow", "fasttext", "glove"):
        n_units = corpus.counts.together.nnz - corpus.n_used if method == "glove" else words.height * words.width
        found = []
        for some in (processors[:1], processors[:2]):
            os.sched_setaffinity(0, some)
            seconds, learnt = time_epochs(method, corpus)
            found.append(f"{n_units / seconds:,.0f}")
        os.sched_setaffinity(0, processors)
        unit = "pairs/s" if method == "glove" else "words/s"
        good = judge_vectors(learnt.vectors, learnt.contexts, batch)
        good_for = f"{good:.3f} | {judge_scan(learnt.vectors, vocabulary, frame):.3f}"
        print(f"| anomembed {method} | {' | '.join(found)} | {unit} | {good_for} |", flush=True)
    epochs.MOST_PAIRS = most
    race_gensim(frame, vocabulary, batch)


class Clock(list[float]):
    """Reads the time when it is called, at the end of every epoch."""

    def __call__(self, *_: object) -> None:
        """Read it."""
        self.append(time.perf_counter())

    def shortest(self) -> float:
        """Return the shortest time between two epochs, for compiling and starting do not count."""
        return float(np.diff(self).min())


def time_epochs(method: str, corpus: Corpus) -> tuple[float, Embeddings]:
    """Return the shortest time of an epoch, and what was learnt."""
    clock = Clock()

    training = Training(WIDTH, EPOCHS, LEARNERS[method].learning_rate, NEGATIVES, WINDOW)
    learnt = LEARNERS[method].fit(corpus, training, 0, clock)
    return clock.shortest(), learnt


def race_gensim(frame: pl.DataFrame, vocabulary: Vocabulary, batch: Batch) -> None:
    """Print the same of gensim's skip-gram and CBOW with one and two workers; nothing without gensim."""
    try:
        from gensim.models import Word2Vec
        from gensim.models.callbacks import CallbackAny2Vec
    except ImportError:
        print("gensim is not installed: left out", file=sys.stderr)
        return
    sentences = [list(row) for row in frame.drop("label").iter_rows()]
    n_words = sum(map(len, sentences))
    names = [name for column in vocabulary.columns for name in column.labels]
    same = {
        "vector_size": WIDTH,
        "window": WINDOW,
        "negative": NEGATIVES,
        "alpha": GENSIM_RATE,
        "shrink_windows": False,
    }
    for method in ("skipgram", "cbow"):
        found = []
        for workers in (1, 2):
            model = Word2Vec(**same, sg=int(method == "skipgram"), workers=workers, min_count=1, sample=0, seed=1)
            model.build_vocab(sentences)
            clock, callback = Clock(), CallbackAny2Vec()
            callback.on_epoch_end = clock
            model.train(sentences, total_examples=len(sentences), epochs=EPOCHS, callbacks=[callback])
            found.append(f"{n_words / clock.shortest():,.0f}")
        vectors, contexts = np.zeros((2, len(names), WIDTH), np.float32)
        for token, name in enumerate(names):
            if name in model.wv.key_to_index:
                place = model.wv.key_to_index[name]
                vectors[token], contexts[token] = model.wv.vectors[place], model.syn1neg[place]
        good = judge_vectors(vectors, contexts, batch)
        good_for = f"{good:.3f} | {judge_scan(vectors, vocabulary, frame):.3f}"
        print(f"| gensim {method} | {' | '.join(found)} | words/s | {good_for} |", flush=True)


def judge_vectors(vectors: NDArray[np.float32], contexts: NDArray[np.float32], batch: Batch) -> float:
    """Return the ROC AUC of a customer's terminals against terminals at random."""
    customer, terminal = batch.tokens[:, 0], batch.tokens[:, 1]
    other = np.random.default_rng(0).permutation(np.unique(terminal))
    other = other[np.arange(len(terminal)) % len(other)]
    links = np.concatenate([np.einsum("nw,nw->n", vectors[customer], contexts[end]) for end in (terminal, other)])
    return float(roc_auc_score(np.repeat([1, 0], len(terminal)), links))


def judge_scan(vectors: NDArray[np.float32], vocabulary: Vocabulary, frame: pl.DataFrame) -> float:
    """Return the ROC AUC of frauds in the scores of a model that is given these very vectors."""
    names = [f"{column.name}={label}" for column in vocabulary.columns for label in column.labels]
    known = np.flatnonzero(vectors.any(axis=1))
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "vectors.parquet"
        pl.DataFrame({"token": [names[token] for token in known], "vector": vectors[known].tolist()}).write_parquet(
            path
        )
        embedding = {"method": "skipgram", "vectors": str(path), "vectors_use": "frozen", "epochs": 1}
        roles = {"category": [column.name for column in vocabulary.columns], "ignore": ["label"]}
        model = fit_model(frame, config=Config(embedding=embedding, roles=roles))
    found = score_table(model, frame).frame.sort("row_number")
    return float(roc_auc_score(frame["label"], found["raw_score"]))


def judge(data: Path, methods: list[str], sets: list[str], n_seeds: int, tool: list[str]) -> None:
    """Print AUC / AP / processor seconds of scans with every method on every set asked for."""
    print("", f"| method | {' | '.join(sets)} | mean |", "|---" * (len(sets) + 2) + "|", sep="\n")
    for method in methods:
        cells, figures = [], []
        for name in sets:
            of_seeds = [judge_one(data, name, method, seed, tool) for seed in range(n_seeds)]
            found = [one for one in of_seeds if one is not None]
            if len(found) < n_seeds:
                cells.append("-" if (name, method in PEERS) == (SEQUENCES, True) else "FAILED")
                continue
            auc, precision, seconds = np.mean(found, axis=0)
            figures.append((auc, precision, seconds))
            cells.append(f"{auc:.3f} ± {np.std(found, axis=0)[0]:.3f} / {precision:.3f} / {seconds:.1f}")
        mean = "{:.4f} / {:.3f} / {:.1f}".format(*np.mean(figures, axis=0)) if len(figures) == len(sets) else "-"
        print(f"| {method} | {' | '.join(cells)} | {mean} |", flush=True)


def judge_one(data: Path, name: str, method: str, seed: int, tool: list[str]) -> list[float] | None:
    """Return AUC, AP and processor seconds of a scan; None when it failed."""
    asked = ("--seed", str(seed), "--embedding", method)
    if name == SEQUENCES:
        if method in PEERS:
            return None
        with tempfile.TemporaryDirectory() as folder:
            database = Path(folder) / "seen.duckdb"
            truth = build_sequences(data, database, EVENTS, LABELS)
            rows = list(ours([*tool, "scan"], database, truth, "0.001", clean=True, options=asked))
        return [float(rows[0][1][place]) for place in (0, 1, 4)] if rows else None
    data_set = next(data_set for data_set in DATA_SETS if data_set.name == name)
    with tempfile.TemporaryDirectory() as folder:
        if method in PEERS:
            asked = (*asked[:2], *learn_by_gensim(data_set, data, method, seed, Path(folder)))
        like = replace(data_set, options=(*data_set.options, *asked))
        found = run(like, data, tool, peers=False).methods.get(OURS)
    return [found[figure] for figure in ("roc_auc", "average_precision", "processor_seconds")] if found else None


def learn_by_gensim(data_set: DataSet, data: Path, method: str, seed: int, folder: Path) -> tuple[str, ...]:
    """Learn vectors of a table's values by gensim; return the options of a scan that takes them as they are."""
    from gensim.models import Word2Vec

    build(data_set, data, folder / "records.duckdb")
    with duckdb.connect(str(folder / "records.duckdb"), read_only=True) as connection:
        frame = connection.sql("SELECT * EXCLUDE record FROM records").pl()
    most = epochs.MOST_PAIRS // (frame.width * (frame.width - 1))
    named = frame.sample(min(most, frame.height), seed=seed).select(
        pl.format(f"{name}={{}}", pl.col(name)).alias(name) for name in frame.columns
    )
    sentences = [[word for word in row if word is not None] for row in named.iter_rows()]
    model = Word2Vec(
        sentences,
        vector_size=WIDTH,
        window=frame.width,
        shrink_windows=False,
        negative=NEGATIVES,
        alpha=GENSIM_RATE,
        sg=int(PEERS[method] == "skipgram"),
        epochs=LEARNERS[PEERS[method]].epochs,
        min_count=1,
        sample=0,
        seed=seed + 1,
    )
    path = folder / "vectors.parquet"
    pl.DataFrame({"token": model.wv.index_to_key, "vector": model.wv.vectors.tolist()}).write_parquet(path)
    return "--embedding", PEERS[method], "--vectors", str(path), "--vectors-use", "frozen"


if __name__ == "__main__":
    sys.exit(main())
