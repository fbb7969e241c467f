"""Results on standard output: a table for people, or a format of `write.sinks` for programs.

Values come from attackers: they are printed as plain text without control characters, never as markup.
"""

import json
import math
import sys
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import polars as pl
from rich.console import Console
from rich.table import Table as RichTable
from rich.text import Text

from anomembed.cli.options import TABLE
from anomembed.errors import plain_text
from anomembed.score.wording import tail_text
from anomembed.views.reason import clean_text
from anomembed.write.sinks import inert, printed_sinks

PIPE_WIDTH = 200  # of a table that is not printed on a terminal
LONGEST_SHOWN = 300  # characters of a record's value below the reason: of a message, what matters may be anywhere
SHOWN_KEYS = 5  # of the records with one reason besides the first


def print_flags(flags: pl.DataFrame, form: str, n_keys: int, *, flat: bool = False) -> None:
    """Print flags on standard output.

    Parameters
    ----------
    flags : pl.DataFrame
        Key columns, then the columns of `Flags.frame`.
    form : str
        ``table``, or the name of a sink.
    n_keys : int
        Number of key columns.
    flat : bool
        In tables for people, print a row for every flag, also where several have one reason.
    """
    if form == TABLE:
        _print_table(flags, n_keys, flat=flat)
    elif text := printed_sinks()[form].frame_text:
        _write(text(flags))
    sys.stdout.flush()


def _write(text: str) -> None:
    """Write data as they are, but to a terminal with what it would obey escaped, so that it is seen."""
    sys.stdout.write(inert(text) if sys.stdout.isatty() else text)


def _print_table(flags: pl.DataFrame, n_keys: int, *, flat: bool) -> None:
    keys = flags.columns[:n_keys]
    heads = ("rank", *keys, "tail", "view", "reason")
    # Flags that are not explained have no finding; long values that differ only in the middle have one text.
    finding = pl.when(pl.col("finding") == "").then("reason").otherwise("finding")
    same = pl.col("rank") if flat else finding
    grouped = flags.group_by(same, maintain_order=True)
    rows = [_row(finding.row(0, named=True), finding.select(keys).rows(), keys) for _, finding in grouped]
    print_rows({name: name in ("rank", "tail") for name in heads}, rows)


def _row(first: Mapping[str, Any], found: Sequence[tuple[object, ...]], keys: Sequence[str]) -> tuple[str, ...]:
    """Return the cells of a finding: its first flag, and below the reason the record and which others there are."""
    tail = tail_text(first["tail_probability"], is_extrapolated=first["extrapolated"])
    lines = [first["reason"], _about(first["record_values"], first["reason"]), _others(found)]
    key = (str(first[name]) for name in keys)
    reason = "\n".join(plain_text(line) for line in lines if line)
    return str(first["rank"]), *map(plain_text, key), tail, plain_text(first["view"]), reason


def _about(record: str, reason: str) -> str:
    """Return what a flag carries of its record and the reason does not say."""
    shown = {
        name: f"{value:.10g}" if isinstance(value, float) else str(value) for name, value in json.loads(record).items()
    }
    named = (f"{clean_text(name)}={clean_text(value, LONGEST_SHOWN)}" for name, value in shown.items())
    return ", ".join(text for text in named if text not in reason)


def _others(found: Sequence[tuple[object, ...]]) -> str:
    """Say how many flags have the same reason, and name the first of the other records."""
    if len(found) == 1:
        return ""
    shown = [", ".join(map(str, key)) for key in found[1 : 1 + SHOWN_KEYS]]
    more = f" and {len(found) - 1 - len(shown):,} more" if len(found) - 1 > len(shown) else ""
    others = "other" if len(found[1:]) == 1 else "others"
    return f"{len(found):,} flags have this reason; the {others}: {'; '.join(shown)}{more}"


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


def print_answer(answer: pl.DataFrame, form: str) -> None:
    """Print the rows of a query on standard output: for people as they are, without what a terminal would obey.

    Parameters
    ----------
    answer : pl.DataFrame
        The rows.
    form : str
        ``table``, or the name of a sink.
    """
    if form == TABLE:
        rows = [tuple(plain_text(_plain(value)) for value in row) for row in answer.iter_rows()]
        print_rows({name: kind.is_numeric() for name, kind in answer.schema.items()}, rows if answer.width else [])
    elif text := printed_sinks()[form].frame_text:
        _write(text(answer))
    sys.stdout.flush()


def _plain(value: object) -> str:
    if isinstance(value, list):
        return ", ".join(map(_plain, value))
    return "" if value is None else f"{value:.6g}" if isinstance(value, float) else str(value)


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
        (finding, monitor, state, f"{flags:,}", tail_text(tail), f"{first:%F %R}", f"{last:%F %R}", reason)
        for finding, monitor, state, flags, tail, first, last, _, reason in findings.iter_rows()
    ]
    print_rows({name: name in ("flags", "tail") for name in heads}, rows)
    sys.stdout.flush()


def _print_frame(frame: pl.DataFrame, *, transposed: bool) -> None:
    is_right = {name: kind.is_numeric() for name, kind in frame.schema.items()}
    rows = [[plain_text(_cell(value)) for value in row] for row in frame.iter_rows()]
    if transposed:
        first, *rows = [list(column) for column in zip(frame.columns, *rows, strict=True)]
        is_right = {name: number > 0 for number, name in enumerate(first)}
    print_rows(is_right, rows)


def _cell(value: object) -> str:
    if isinstance(value, float):
        return "-" if math.isnan(value) else f"{value:.3f}" if abs(value) < 100 else f"{value:,.0f}"
    if isinstance(value, list):
        return ", ".join(map(clean_text, value))
    return "" if value is None else f"{value:,}" if isinstance(value, int) else str(value)


def print_rows(heads: Mapping[str, bool], rows: Iterable[Iterable[str]]) -> None:
    """Print a table of printable text; `heads` maps the name of each column to whether it is right-aligned."""
    console = Console(highlight=False, markup=False)
    table = RichTable(box=None, pad_edge=False, header_style="bold")
    for name, is_right in heads.items():
        table.add_column(Text(plain_text(name)), justify="right" if is_right else "left", overflow="fold")
    for row in rows:
        table.add_row(*map(Text, row))
    if console.is_terminal:
        console.print(table)
        return
    console.width = PIPE_WIDTH
    with console.capture() as captured:
        console.print(table)
    sys.stdout.write("\n".join(line.rstrip() for line in captured.get().split("\n")))
