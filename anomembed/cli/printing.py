"""Results on standard output, as tables for people or as JSON, NDJSON or CSV for programs.

Values come from attackers: they are printed as plain text without control characters, never as markup.
"""

import json
import math
import re
import sys
from collections.abc import Iterable, Mapping

import polars as pl
from rich.console import Console
from rich.table import Table as RichTable
from rich.text import Text

from anomembed.cli.console import printable
from anomembed.cli.options import Format
from anomembed.views.reason import clean_text
from anomembed.write.sinks import csv_text, plain_rows

PIPE_WIDTH = 200  # of a table that nobody looks at in a terminal


def print_flags(flags: pl.DataFrame, form: Format, n_keys: int) -> None:
    """Print flags on standard output.

    Parameters
    ----------
    flags : pl.DataFrame
        Key columns, then what `pipeline.Flags` has.
    form : Format
        How.
    n_keys : int
        Number of key columns.
    """
    if form is Format.TABLE:
        _print_table(flags, n_keys)
    elif form is Format.CSV:
        sys.stdout.write(csv_text(flags))
    elif form is Format.JSON:
        sys.stdout.write(_json(plain_rows(flags), indent=1) + "\n")
    else:
        for row in plain_rows(flags):
            sys.stdout.write(_json(row) + "\n")
    sys.stdout.flush()


def _json(value: object, indent: int | None = None) -> str:
    """Return JSON; the control characters that it allows in text are escaped too."""
    text = json.dumps(value, indent=indent, ensure_ascii=False)
    return re.sub("[\x7f-\x9f]", lambda found: f"\\u{ord(found[0]):04x}", text)


def _print_table(flags: pl.DataFrame, n_keys: int) -> None:
    heads = ("rank", *flags.columns[:n_keys], "tail", "view", "reason")
    rows = []
    for row in flags.iter_rows(named=True):
        keys = [str(row[name]) for name in flags.columns[:n_keys]]
        tail = f"{row['tail_probability']:.1e}{'*' if row['extrapolated'] else ''}"
        rows.append((str(row["rank"]), *keys, tail, row["view"], row["reason"]))
    _print_rows({name: name in ("rank", "tail") for name in heads}, rows)


def print_tables(tables: Mapping[str, pl.DataFrame], form: Format, *, turned: bool = False) -> None:
    """Print several tables on standard output.

    Parameters
    ----------
    tables : mapping of str to pl.DataFrame
        By name.
    form : Format
        How: one under the other; one JSON object; or rows that begin with the name of their table.
    turned : bool
        Whether people see rows as columns; for few rows of many figures.
    """
    if form is Format.TABLE:
        for place, frame in enumerate(tables.values()):
            sys.stdout.write("\n" if place else "")
            is_right = {name: kind.is_numeric() for name, kind in frame.schema.items()}
            rows = [[_shown(value) for value in row] for row in frame.iter_rows()]
            if turned:
                first, *rows = [list(column) for column in zip(frame.columns, *rows, strict=True)]
                is_right = {name: place > 0 for place, name in enumerate(first)}
            _print_rows(is_right, rows)
    elif form is Format.JSON:
        sys.stdout.write(_json({name: plain_rows(frame) for name, frame in tables.items()}, indent=1) + "\n")
    elif form is Format.NDJSON:
        for name, frame in tables.items():
            for row in plain_rows(frame):
                sys.stdout.write(_json({"table": name, **row}) + "\n")
    else:
        lists = pl.col(pl.List(pl.String)).list.join(", ")
        named = [f.with_columns(lists).select(pl.lit(name).alias("table"), pl.all()) for name, f in tables.items()]
        sys.stdout.write(csv_text(pl.concat(named, how="diagonal")))
    sys.stdout.flush()


def _shown(value: object) -> str:
    if isinstance(value, float):
        return "-" if math.isnan(value) else f"{value:.3f}" if abs(value) < 100 else f"{value:,.0f}"
    if isinstance(value, list):
        return ", ".join(map(clean_text, value))
    return "" if value is None else f"{value:,}" if isinstance(value, int) else str(value)


def _print_rows(heads: Mapping[str, bool], rows: Iterable[Iterable[str]]) -> None:
    """Print a table; of every column it is said whether it stands on the right."""
    console = Console(highlight=False, markup=False)
    table = RichTable(box=None, pad_edge=False, header_style="bold")
    for name, is_right in heads.items():
        table.add_column(Text(printable(name)), justify="right" if is_right else "left", overflow="fold")
    for row in rows:
        table.add_row(*(Text(printable(cell)) for cell in row))
    if console.is_terminal:
        console.print(table)
        return
    console.width = PIPE_WIDTH
    with console.capture() as captured:
        console.print(table)
    sys.stdout.write("\n".join(line.rstrip() for line in captured.get().split("\n")))
