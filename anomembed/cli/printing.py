"""Results on standard output: a table for people, or a format of `write.sinks` for programs.

Values come from attackers: they are printed as plain text without control characters, never as markup.
"""

import math
import sys
from collections.abc import Iterable, Mapping

import polars as pl
from rich.console import Console
from rich.table import Table as RichTable
from rich.text import Text

from anomembed.cli.console import printable
from anomembed.cli.options import TABLE
from anomembed.views.reason import clean_text
from anomembed.write.sinks import inert, printed_sinks

PIPE_WIDTH = 200  # of a table that is not printed on a terminal


def print_flags(flags: pl.DataFrame, form: str, n_keys: int) -> None:
    """Print flags on standard output.

    Parameters
    ----------
    flags : pl.DataFrame
        Key columns, then the columns of `Flags.frame`.
    form : str
        ``table``, or the name of a sink.
    n_keys : int
        Number of key columns.
    """
    if form == TABLE:
        _print_table(flags, n_keys)
    elif text := printed_sinks()[form].frame_text:
        _write(text(flags))
    sys.stdout.flush()


def _write(text: str) -> None:
    """Write data as they are, but to a terminal with what it would obey escaped, so that it is seen."""
    sys.stdout.write(inert(text) if sys.stdout.isatty() else text)


def _print_table(flags: pl.DataFrame, n_keys: int) -> None:
    heads = ("rank", *flags.columns[:n_keys], "tail", "view", "reason")
    rows = []
    for row in flags.iter_rows(named=True):
        keys = [str(row[name]) for name in flags.columns[:n_keys]]
        tail = f"{row['tail_probability']:.1e}{'*' if row['extrapolated'] else ''}"
        rows.append((str(row["rank"]), *keys, tail, row["view"], row["reason"]))
    _print_rows({name: name in ("rank", "tail") for name in heads}, rows)


def print_tables(tables: Mapping[str, pl.DataFrame], form: str, *, transposed: bool = False) -> None:
    """Print several tables on standard output.

    Parameters
    ----------
    tables : mapping of str to pl.DataFrame
        Tables by name.
    form : str
        ``table``, or the name of a sink.
    transposed : bool
        In tables for people, swap rows and columns; for few rows of many figures.
    """
    if form == TABLE:
        for number, frame in enumerate(tables.values()):
            sys.stdout.write("\n" if number else "")
            _print_frame(frame, transposed=transposed)
    elif text := printed_sinks()[form].tables_text:
        _write(text(tables))
    sys.stdout.flush()


def print_findings(findings: pl.DataFrame, form: str) -> None:
    """Print findings on standard output; for people, in fewer columns and without the seconds' parts.

    Parameters
    ----------
    findings : pl.DataFrame
        From `list_findings`.
    form : str
        ``table``, or the name of a sink.
    """
    if form != TABLE:
        print_tables({"findings": findings}, form)
        return
    heads = ("finding", "monitor", "state", "flags", "tail", "first seen", "last seen", "reason")
    rows = [
        (finding, monitor, state, f"{flags:,}", f"{tail:.1e}", f"{first:%F %R}", f"{last:%F %R}", reason)
        for finding, monitor, state, flags, tail, first, last, _, reason in findings.iter_rows()
    ]
    _print_rows({name: name in ("flags", "tail") for name in heads}, rows)
    sys.stdout.flush()


def _print_frame(frame: pl.DataFrame, *, transposed: bool) -> None:
    is_right = {name: kind.is_numeric() for name, kind in frame.schema.items()}
    rows = [[_cell(value) for value in row] for row in frame.iter_rows()]
    if transposed:
        first, *rows = [list(column) for column in zip(frame.columns, *rows, strict=True)]
        is_right = {name: number > 0 for number, name in enumerate(first)}
    _print_rows(is_right, rows)


def _cell(value: object) -> str:
    if isinstance(value, float):
        return "-" if math.isnan(value) else f"{value:.3f}" if abs(value) < 100 else f"{value:,.0f}"
    if isinstance(value, list):
        return ", ".join(map(clean_text, value))
    return "" if value is None else f"{value:,}" if isinstance(value, int) else str(value)


def _print_rows(heads: Mapping[str, bool], rows: Iterable[Iterable[str]]) -> None:
    """Print a table; `heads` maps the name of each column to whether it is right-aligned."""
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
