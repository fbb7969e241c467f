"""Scores and flags for other tools: Parquet, CSV and NDJSON files, and rows of plain values.

A file appears under its name only when it is complete. Text in CSV that a spreadsheet would take for a formula gets an
apostrophe in front.
"""

import math
import os
from collections.abc import Sequence
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import polars as pl

from anomembed.errors import ConfigError
from anomembed.write.store import Store

FORMULA = r"^[=+@\t\r-]"  # how a cell begins that a spreadsheet evaluates
COPY_OPTIONS = {
    ".parquet": "FORMAT parquet, COMPRESSION zstd",
    ".csv": "FORMAT csv, HEADER true",
    ".ndjson": "FORMAT json",
}


def check_scores_path(path: Path, *others: str | None) -> None:
    """Refuse early what cannot be written late.

    Parameters
    ----------
    path : Path
        Where the scores shall go.
    *others : str or None
        Files that must not be overwritten, such as the source and the store; globs are matched.

    Raises
    ------
    ConfigError
        When the ending is not known, or the folder does not exist or cannot be written to.
    """
    if path.suffix not in COPY_OPTIONS:
        raise ConfigError(f"{path}: scores are written to files that end in {', '.join(COPY_OPTIONS)}")
    if not path.parent.is_dir():
        raise ConfigError(f"no such folder for the scores: {path.parent}")
    if path.is_dir():
        raise ConfigError(f"the scores cannot be written to {path}: it is a folder")
    full = path.resolve()
    if any(full == Path(other).resolve() or full.match(str(Path(other).resolve())) for other in others if other):
        raise ConfigError(f"the scores cannot be written to {path}: it is the source or the store")
    if not os.access(path.parent, os.W_OK):
        raise ConfigError(f"the scores cannot be written to {path}: its folder is read-only")


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
    unfinished = path.with_name(f".{path.name}.{os.getpid()}.unfinished")
    try:
        store.copy_scores(key, unfinished, COPY_OPTIONS[path.suffix], escape=path.suffix == ".csv")
        unfinished.replace(path)
    finally:
        unfinished.unlink(missing_ok=True)


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
