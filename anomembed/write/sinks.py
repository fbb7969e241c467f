"""Scores and flags for other tools: Parquet, CSV and NDJSON files, and rows of plain values.

A file appears under its name only when it is complete. Text in CSV that a spreadsheet would take for a formula gets an
apostrophe in front.
"""

import math
from collections.abc import Sequence
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import polars as pl

from anomembed.write.files import check_file, completed
from anomembed.write.store import Store

FORMULA = r"^[=+@\t\r-]"  # how a cell begins that a spreadsheet evaluates
COPY_OPTIONS = {
    ".parquet": "FORMAT parquet, COMPRESSION zstd",
    ".csv": "FORMAT csv, HEADER true",
    ".ndjson": "FORMAT json",
}


def check_scores_path(path: Path, source: str | None, store: str) -> None:
    """Refuse early a path that scores cannot be written to late; see `check_file`."""
    check_file(path, "scores", tuple(COPY_OPTIONS), {"the source": source, "the store": store})


def write_scores(store: Store, key: Sequence[str], path: Path) -> None:
    """Write the scores of the store's newest run to a file.

    Parameters
    ----------
    store : Store
        An open store that has just scored.
    key : sequence of str
        Key columns.
    path : Path
        Ends in one of `COPY_OPTIONS`; replaced when it exists.
    """
    with completed(path) as unfinished:
        store.copy_scores(key, unfinished, COPY_OPTIONS[path.suffix], escape=path.suffix == ".csv")


def csv_text(frame: pl.DataFrame) -> str:
    """Return a frame as CSV with a header, safe to open in a spreadsheet."""
    texts = {
        name: [None if value is None else str(value) for value in frame[name]]
        for name, kind in frame.schema.items()
        if kind.is_nested() or kind in (pl.Binary, pl.Categorical, pl.Enum)
    }
    shown = frame.with_columns(pl.Series(name, values, pl.String) for name, values in texts.items())
    return shown.with_columns(pl.col(pl.String).str.replace(FORMULA, "'${0}")).write_csv()


def plain_rows(frame: pl.DataFrame) -> list[dict[str, Any]]:
    """Return rows that JSON can hold: moments in ISO format, decimals and bytes as text."""
    return [{name: _plain(value) for name, value in row.items()} for row in frame.iter_rows(named=True)]


def _plain(value: Any) -> Any:  # noqa: ANN401
    if isinstance(value, datetime | date | time):
        return value.isoformat()
    if isinstance(value, float) and not math.isfinite(value):
        return None
    if isinstance(value, Decimal | timedelta):
        return str(value)
    return value.hex() if isinstance(value, bytes) else value
