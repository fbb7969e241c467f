"""Measure how well `anomembed scan` tells abnormal records from normal ones, beside plain detectors in the same run.

    python quality.py DATA [--only NAME ...] [--anomembed COMMAND] [--json OUT] [--no-peers | --peers-only]

DATA is the folder of files that README.md describes. The tables go to stdout, progress to stderr.
Exit code 1 if the tool failed on any data set.
"""

import argparse
import json
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from itertools import chain
from pathlib import Path

import cost
import duckdb
import numpy as np
import polars as pl
from peers import read_problem, score_peers, warm_up
from protocols import DATA_SETS, DataSet
from sklearn.metrics import average_precision_score, roc_auc_score

OURS = "anomembed"
TOP = 100
FIGURES = {  # how each is called and written in the tables
    "roc_auc": ("ROC AUC", "{:.3f}"),
    "average_precision": ("average precision", "{:.3f}"),
    "top_share": (f"positives in top {TOP}", "{:.0%}"),
    "seconds": ("seconds", "{:.1f}"),
    "peak_mib": ("peak MiB", "{:,.0f}"),
}
FILE_MACRO = "CREATE MACRO file(name) AS TABLE FROM read_parquet({folder} || name, file_row_number = true)"

Figures = dict[str, float]


@dataclass
class Result:
    """What every method reached on one data set."""

    name: str
    group: str
    judged: int
    positive: int
    methods: dict[str, Figures] = field(default_factory=dict)


def main() -> int:
    """Run the chosen data sets, print a table per group."""
    arguments = parse_arguments()
    results = []
    for data_set in arguments.data_sets:
        absent = [file for file in data_set.files() if not (arguments.data / file).exists()]
        if absent:
            print(f"{data_set.name}: left out, there is no {' and no '.join(absent)}", file=sys.stderr)
            continue
        results.append(run(data_set, arguments.data, arguments.command, peers=arguments.peers))
        if arguments.json:
            arguments.json.write_text(json.dumps([asdict(result) for result in results], indent=1) + "\n")
    for group in dict.fromkeys(result.group for result in results if result.methods):
        print("", *table(group, [result for result in results if result.group == group]), sep="\n")
    failed = arguments.command and any(OURS not in result.methods for result in results)
    return int(bool(failed) or not results)


def parse_arguments() -> argparse.Namespace:
    """Read the command line; `data_sets`, `command` (None: peers only) and `peers` are ready for use."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("--only", nargs="+", metavar="NAME", choices=[d.name for d in DATA_SETS])
    parser.add_argument("--anomembed", default="anomembed", metavar="COMMAND", help="may have arguments")
    parser.add_argument("--json", type=Path, metavar="OUT", help="write the figures here, too")
    either = parser.add_mutually_exclusive_group()
    either.add_argument("--no-peers", dest="peers", action="store_false")
    either.add_argument("--peers-only", action="store_true")
    arguments = parser.parse_args()
    arguments.command = None if arguments.peers_only else cost.read_command(arguments.anomembed)
    arguments.data_sets = [d for d in DATA_SETS if arguments.only is None or d.name in arguments.only]
    return arguments


def run(data_set: DataSet, data: Path, command: list[str] | None, *, peers: bool) -> Result:
    """Measure the tool (unless the command is None) and, if asked for, its peers on one data set."""
    with tempfile.TemporaryDirectory() as work:
        database = Path(work, "records.duckdb")
        truth = build(data_set, data, database)
        judged = truth["label"].drop_nulls()
        result = Result(data_set.name, data_set.group, len(judged), int(judged.sum()))
        ours = measure_tool(command, data_set, database, truth) if command is not None else ()
        for name, figures in chain(ours, measure_peers(data_set, database, truth) if peers else ()):
            result.methods[name] = figures
            print(f"{data_set.name}: {name}: {', '.join(cells(result, name))}", file=sys.stderr, flush=True)
    return result


def build(data_set: DataSet, data: Path, database: Path) -> pl.DataFrame:
    """Write the table `records`, in which nothing tells the class; return `record` and `label` of the scored."""
    folder, target = ("'" + str(path).replace("'", "''") + "'" for path in (f"{data.resolve()}/", database))
    hidden = ", ".join(f'"{column}"' for column in ("label", "file_row_number", *data_set.hidden))
    scored = "part = 'score'" if data_set.split else "true"
    with duckdb.connect() as connection:  # in memory: the labels never touch the file
        connection.execute(FILE_MACRO.format(folder=folder))
        numbered = f"SELECT row_number() OVER (ORDER BY {data_set.order}) AS record, * FROM ({data_set.source})"
        connection.execute(f"CREATE TABLE everything AS {numbered}")
        connection.execute(f"ATTACH {target} AS seen")
        connection.execute(f"CREATE TABLE seen.records AS SELECT * EXCLUDE ({hidden}) FROM everything ORDER BY record")
        return connection.sql(f"SELECT record, label FROM everything WHERE {scored} ORDER BY record").pl()


def measure_tool(
    command: list[str], data_set: DataSet, database: Path, truth: pl.DataFrame
) -> Iterator[tuple[str, Figures]]:
    """Scan the table as a user does, in a process of its own; only then do scores meet labels. Nothing if it fails."""
    scores = database.with_name("scores.parquet")
    taken = cost.run(scan_command(command, data_set, database, scores), database.parent)
    if taken.error or not scores.exists():
        print(f"{data_set.name}: {OURS} FAILED: {taken.error or 'no scores file'}", file=sys.stderr)
        return
    found = pl.read_parquet(scores, columns=["record", "raw_score"])
    joined = truth.join(found, on="record", how="left", maintain_order="left")
    missing = joined["raw_score"].fill_nan(None).null_count()
    if missing or found.height != truth.height:
        print(f"{data_set.name}: {OURS} FAILED: {found.height:,} scores, {missing:,} missing", file=sys.stderr)
        return
    quality = judge(joined["label"], joined["raw_score"].to_numpy())
    spent = {"seconds": taken.seconds, "processor_seconds": taken.processor_seconds, "peak_mib": taken.peak_mib}
    yield OURS, {**quality, **spent}


def scan_command(command: list[str], data_set: DataSet, database: Path, scores: Path) -> list[str]:
    """Write down the scan: nothing in it is tuned to a data set."""
    split = ("--fit-where", "part = 'fit'", "--where", "part = 'score'", "--ignore", "part") if data_set.split else ()
    reference = "--clean-reference" if data_set.clean else "--mixed-reference"
    output = ("--store", str(scores.with_name("store.duckdb")), "--scores-to", str(scores))
    what = ("scan", str(database), "records", "--key", "record", "--seed", "0", *data_set.options)
    return [*command, *what, *split, reference, "--quiet", *output]


def measure_peers(data_set: DataSet, database: Path, truth: pl.DataFrame) -> Iterator[tuple[str, Figures]]:
    """Score with every peer on the table that the tool sees; their seconds are those of learning and scoring only."""
    with duckdb.connect(str(database), read_only=True) as connection:
        problem = read_problem(connection.sql("FROM records ORDER BY record").pl(), data_set.options)
    warm_up()
    for name, score in score_peers(problem):
        started = time.perf_counter()
        scores, seconds = score(), time.perf_counter() - started
        yield name, {**judge(truth["label"], scores), "seconds": seconds}


def judge(label: pl.Series, score: np.ndarray) -> Figures:
    """Hold scores (high = abnormal) against labels; records without a label do not count."""
    known = label.is_not_null().to_numpy()
    positive, score = label.drop_nulls().to_numpy() == 1, score[known]
    return {
        "roc_auc": float(roc_auc_score(positive, score)),
        "average_precision": float(average_precision_score(positive, score)),
        "top_share": top_share(positive, score),
    }


def top_share(positive: np.ndarray, score: np.ndarray) -> float:
    """Share of positives among the highest scores; of those equal to the last, as many as chance would pick."""
    top = min(TOP, len(score))
    last = np.partition(score, -top)[-top]
    above, tied = score > last, score == last
    return float((positive[above].sum() + (top - above.sum()) * positive[tied].mean()) / top)


def table(group: str, results: list[Result]) -> list[str]:
    """Write one group as a Markdown table: a row per data set and figure, a column per method, means at the end."""
    methods = list(dict.fromkeys(method for result in results for method in result.methods))
    lines = [f"| {group} | | {' | '.join(methods)} |", "|---|---|" + "---:|" * len(methods)]
    for result in [*results, mean(results, methods)] if len(results) > 1 else results:
        share = f"{result.judged:,} records, {result.positive / max(result.judged, 1):.2%} positive"
        about = (f"**{result.name}**", share if result.judged else "", "", "", "")
        rows = zip(*(cells(result, method) for method in methods), strict=True)
        for (title, _), left, row in zip(FIGURES.values(), about, rows, strict=True):
            lines.append(f"| {left} | {title} | {' | '.join(row)} |")
    return lines


def mean(results: list[Result], methods: list[str]) -> Result:
    """Average over the data sets; a method that lacks a figure on any of them gets no mean of it."""
    average = Result(f"mean of {len(results)}", results[0].group, 0, 0)
    for method in methods:
        values = {figure: [result.methods.get(method, {}).get(figure) for result in results] for figure in FIGURES}
        average.methods[method] = {figure: sum(v) / len(v) for figure, v in values.items() if None not in v}
    return average


def cells(result: Result, method: str) -> list[str]:
    """Write the figures of a method, in the order of FIGURES."""
    figures = result.methods.get(method, {})
    return [form.format(figures[name]) if name in figures else "-" for name, (_, form) in FIGURES.items()]


if __name__ == "__main__":
    sys.exit(main())
