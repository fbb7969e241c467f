"""Formats of results, one row each in `SINKS`: files of scores, and flags or tables on standard output.

A file appears under its name only when it is complete. Text that a spreadsheet would take for a formula gets an
apostrophe in front. The table that people read on a terminal is not here but in `cli.printing`.
"""

import csv
import json
import math
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

from anomembed.write.files import check_file, completed

if TYPE_CHECKING:  # the command line takes its help from `SINKS`, and must not wait for these
    import polars as pl

    from anomembed.write.store import Store

INVISIBLE = re.compile(
    "[\x7f-\x9f\xad\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb\U000e0000-\U000e0fff]"
)
"""Characters that change what other text looks like, or break a line, but show nothing themselves."""
SCORED = ("raw_score", "tail_probability", "flagged", "view", "reason")  # the last columns of a file of scores
RECORD = "record_values"  # the column of flags that is JSON already
LONGEST_HEADER = 1 << 20  # characters of its first line that are looked at
FORMULA = r"^[\s\p{Z}\x{200B}\x{FEFF}]*[=+@\t\r-]"  # the beginning of a cell that a spreadsheet evaluates


def csv_text(frame: "pl.DataFrame") -> str:
    """Return a frame as CSV with a header, safe to open in a spreadsheet."""
    import polars as pl

    texts = {
        name: [None if value is None else str(value) for value in frame[name]]
        for name, kind in frame.schema.items()
        if kind.is_nested() or kind in (pl.Binary, pl.Categorical, pl.Enum)
    }
    plain = frame.with_columns(pl.Series(name, values, pl.String) for name, values in texts.items())
    return plain.with_columns(pl.col(pl.String).str.replace(FORMULA, "'${0}")).write_csv()


def csv_tables(tables: "Mapping[str, pl.DataFrame]") -> str:
    """Return several frames as one CSV; the first column is the name of the table."""
    import polars as pl

    lists = pl.col(pl.List(pl.String)).list.join(", ")
    named = [f.with_columns(lists).select(pl.lit(name).alias("table"), pl.all()) for name, f in tables.items()]
    return csv_text(pl.concat(named, how="diagonal"))


def json_text(frame: "pl.DataFrame") -> str:
    """Return a frame as a JSON list of objects."""
    return plain_json(_plain_rows(frame), indent=1) + "\n"


def json_tables(tables: "Mapping[str, pl.DataFrame]") -> str:
    """Return several frames as a JSON object of lists."""
    return plain_json({name: _plain_rows(frame) for name, frame in tables.items()}, indent=1) + "\n"


def ndjson_text(frame: "pl.DataFrame") -> str:
    """Return a frame as JSON objects, one a line."""
    return "".join(plain_json(row) + "\n" for row in _plain_rows(frame))


def ndjson_tables(tables: "Mapping[str, pl.DataFrame]") -> str:
    """Return several frames as JSON objects, one a line; each begins with the name of its table."""
    return "".join(
        plain_json({"table": name, **row}) + "\n" for name, frame in tables.items() for row in _plain_rows(frame)
    )


@dataclass(frozen=True)
class Sink:
    """A format of results.

    Parameters
    ----------
    name : str
        Its name, and the ending of its files.
    copy : str or None
        Options of DuckDB's COPY for a file of scores; None when scores are not written in this format.
    frame_text, tables_text : callable or None
        Print one frame, or several by name; None when nothing is printed in this format.
    formula : str or None
        For spreadsheets: in a file of scores, text that matches this regular expression gets an apostrophe in front.
    """

    name: str
    copy: str | None = None
    frame_text: "Callable[[pl.DataFrame], str] | None" = None
    tables_text: "Callable[[Mapping[str, pl.DataFrame]], str] | None" = None
    formula: str | None = None


SINKS = [
    Sink("json", None, json_text, json_tables),
    Sink("parquet", "FORMAT parquet, COMPRESSION zstd"),
    Sink("csv", "FORMAT csv, HEADER true", csv_text, csv_tables, FORMULA),
    Sink("ndjson", "FORMAT json", ndjson_text, ndjson_tables),
]


def file_sinks() -> dict[str, Sink]:
    """Return the formats that scores are written in, by ending, such as ``.csv``."""
    return {f".{sink.name}": sink for sink in SINKS if sink.copy}


def printed_sinks() -> dict[str, Sink]:
    """Return the formats that results are printed in, by name."""
    return {sink.name: sink for sink in SINKS if sink.frame_text and sink.tables_text}


def check_scores_path(
    path: Path, source: str | None, store: str, vectors: str | None = None, *, force: bool = False
) -> None:
    """Refuse a path that scores cannot or must not be written to, before the work; see `check_file`."""
    others = {"the source": source, "the store": store, "the file of vectors": vectors}
    check_file(path, "scores", tuple(file_sinks()), others, is_ours=_holds_scores, force=force)


def _holds_scores(path: Path) -> bool:
    """Tell whether a file holds scores of ours, by its columns, or nothing at all."""
    import polars as pl

    if not path.stat().st_size:
        return True
    try:
        return tuple(_column_names(path)[-len(SCORED) :]) == SCORED
    except (OSError, ValueError, pl.exceptions.PolarsError):
        return False


def _column_names(path: Path) -> list[str]:
    import polars as pl

    if path.suffix == ".parquet":
        return list(pl.read_parquet_schema(path))
    with path.open(encoding="utf-8") as file:
        line = file.readline(LONGEST_HEADER)
    return list(json.loads(line)) if path.suffix == ".ndjson" else next(csv.reader([line]), [])


def write_scores(store: "Store", key: Sequence[str], path: Path) -> None:
    """Write the scores of the store's newest run to a file.

    Parameters
    ----------
    store : Store
        An open store that has just scored.
    key : sequence of str
        Key columns.
    path : Path
        Has an ending of `file_sinks`; replaced when it exists.
    """
    sink = file_sinks()[path.suffix]
    with completed(path) as unfinished:
        store.copy_scores(key, unfinished, sink.copy or "", formula=sink.formula)


def inert(text: str) -> str:
    r"""Return text in which every character that a terminal would obey is escaped; line ends and tabs stay.

    Examples
    --------
    >>> inert("a\x1b[31mb")
    'a\\x1b[31mb'
    """
    plain = INVISIBLE.sub(lambda found: json.dumps(found[0])[1:-1], text)
    return re.sub("[\x00-\x08\x0b-\x1f]", lambda found: f"\\x{ord(found[0]):02x}", plain)


def plain_json(value: object, indent: int | None = None) -> str:
    """Return JSON with all control characters escaped, also those that JSON allows in text."""
    text = json.dumps(value, indent=indent, ensure_ascii=False)
    return INVISIBLE.sub(lambda found: json.dumps(found[0])[1:-1], text)


def _plain_rows(frame: "pl.DataFrame") -> list[dict[str, Any]]:
    """Return rows that JSON can hold: moments in ISO format, decimals and bytes as text."""
    return [
        {name: json.loads(value) if name == RECORD else _plain(value) for name, value in row.items()}
        for row in frame.iter_rows(named=True)
    ]


def _plain(value: Any) -> Any:  # noqa: ANN401
    if isinstance(value, datetime | date | time):
        return value.isoformat()
    if isinstance(value, float) and not math.isfinite(value):
        return None
    if isinstance(value, Decimal | timedelta):
        return str(value)
    return value.hex() if isinstance(value, bytes) else value
