"""Measure how well messages are grouped by their templates, and how fast.

    python templates.py DATA [--copies N] [--wrong]

DATA holds `loghub_2k.parquet`, as README.md describes it. All systems are read with the same settings. Grouping
accuracy is the share of lines whose group is the same set of lines as their true one. The table goes to stdout.
"""

import argparse
import time
from pathlib import Path

import numpy as np
import polars as pl

from anomembed.represent.tokens.template_learning import fit_templates
from anomembed.represent.tokens.templates import count_shapes


def main() -> None:
    """Print a line per system, their mean, and the speed on more lines."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("data", type=Path)
    parser.add_argument("--copies", type=int, default=100, help="how often all lines are repeated for the speed")
    parser.add_argument("--wrong", action="store_true", help="show the groups that are wrong")
    arguments = parser.parse_args()
    lines = pl.read_parquet(arguments.data / "loghub_2k.parquet")
    print("| system | grouping accuracy | templates found | true | lines/s |")
    print("|---|---:|---:|---:|---:|")
    accuracies = []
    for (system,), of_system in lines.group_by("system", maintain_order=True):
        seconds, found = group(of_system["content"])
        cases = compare(of_system["event"], found)
        accuracies.append(cases["right"].mean())
        figures = f"{found.n_unique()} | {of_system['event'].n_unique()} | {len(found) / seconds:,.0f}"
        print(f"| {system} | {accuracies[-1]:.4f} | {figures} |", flush=True)
        if arguments.wrong:
            wrong = cases.with_columns(of_system["content"]).filter(~pl.col("right"))
            for truth, code, content in wrong.unique(["truth", "found"]).sort("truth").rows():
                print(f"    {truth} {code} {content[:100]}")
    print(f"| mean | {np.mean(accuracies):.4f} | | | |")
    for name, many in more(lines["content"], arguments.copies).items():
        seconds, _ = group(many)
        print(
            f"\n{name}: {len(many):,} lines, {many.n_unique():,} distinct: {len(many) / seconds:,.0f} lines/s", end=""
        )
    print()


def group(messages: pl.Series) -> tuple[float, pl.Series]:
    """Learn the templates of messages and find that of each; the first result is the seconds it took."""
    start = time.perf_counter()
    codes = fit_templates(count_shapes(messages)).encode(messages)
    return time.perf_counter() - start, pl.Series(codes)


def compare(truth: pl.Series, found: pl.Series) -> pl.DataFrame:
    """Say of every line whether its group is the same set of lines as the true one."""
    size = pl.len().over
    same = (size("truth") == size("truth", "found")) & (size("found") == size("truth", "found"))
    return pl.DataFrame({"truth": truth, "found": found}).with_columns(right=same)


def more(messages: pl.Series, copies: int) -> dict[str, pl.Series]:
    """Repeat the lines as they are, and with other numbers in every copy."""
    repeated = messages.new_from_index(0, 0).extend(pl.concat([messages] * copies))
    copy = pl.Series(np.repeat(np.arange(copies), len(messages))).cast(pl.String)
    changed = pl.select(repeated.str.replace("[0-9]", copy + "${0}")).to_series() if copies else repeated
    return {"the same lines repeated": repeated, "with other numbers in every copy": changed}


if __name__ == "__main__":
    main()
