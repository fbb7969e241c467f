"""Errors of DuckDB's readers as one sentence with its advice, and what to type."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import duckdb

from anomembed.errors import SourceError

NOISE = re.compile(
    r"^(LINE \d+:|\^|\w+ = |The search space|Error when sniffing|The Column types|[\w/ ]+ Candidates:|Encoding:)"
    r"|Set By User|Auto-Detected|Consider unsetting",
    re.IGNORECASE,
)
TOO_LONG = re.compile(r'(Maximum line size|"maximum_object_size") of (\d+) bytes exceeded')
NO_PARQUET = re.compile(r"No magic bytes found at end of file '(.*)'|File '(.*)' too small to be a Parquet file")
NO_DIALECT = "not possible to automatically detect the CSV parsing dialect"
LONGEST_LINE, MOST_LINES = 120, 8  # of DuckDB's advice: characters, lines


@contextmanager
def readable_errors(path: str) -> Iterator[None]:
    """Turn DuckDB's errors when it reads files into one sentence with its advice, and say what to type."""
    try:
        yield
    except duckdb.Error as error:
        if found := NO_PARQUET.search(str(error)):
            raise SourceError(f"{found[1] or found[2]} is not a Parquet file, or is cut off") from error
        if found := TOO_LONG.search(str(error)):
            what, option = ("a line", "max_line_size") if found[1][0] == "M" else ("an object", "maximum_object_size")
            raise SourceError(
                f"{path} has {what} of more than {int(found[2]):,} bytes, or one that does not end; if it is meant to, "
                f"read it with --read {option}=BYTES"
            ) from error
        if NO_DIALECT in str(error) and (line := _odd_quotes(Path(path))):
            raise SourceError(
                f"{path}: line {line:,} has a quote that is not closed; close it, or take quotes for characters like "
                "any other by --read \"quote=''\""
            ) from error
        raise SourceError(f"{path}: {_advice(str(error))}") from error


def _odd_quotes(path: Path) -> int:
    """Return the number of the first line of a file whose quotes do not match, if all its quotes do not; else 0."""
    if not path.is_file():
        return 0
    first = n_odd = 0
    with path.open("rb") as file:
        for number, line in enumerate(file, 1):
            if line.count(b'"') % 2:
                first, n_odd = first or number, n_odd + 1
    return first if n_odd % 2 else 0


def _advice(message: str) -> str:
    r"""Return DuckDB's message in a line, without what says nothing to a user.

    Examples
    --------
    >>> _advice("Invalid Input Error: CSV Error on Line: 2\nPossible fixes:\n* Skip it (skip=1)\n\n  file = a.csv\n")
    "CSV Error on Line: 2; Possible fixes: * Skip it (skip=1); give such options as --read 'NAME=VALUE, ...'"
    """
    lines = [line.strip() for line in message.splitlines()]
    kept = [line for line in lines if line and not NOISE.search(line)]
    kept[0] = re.sub(r"^[A-Z]\w+( [A-Z]\w+)* Error: ", "", kept[0])
    short = [
        line.rstrip(",") if len(line) <= LONGEST_LINE else f"{line[: LONGEST_LINE - 1]}…" for line in kept[:MOST_LINES]
    ]
    text = re.sub(r":; ", ": ", "; ".join(short))
    return f"{text}; give such options as --read 'NAME=VALUE, ...'" if "=" in text else text
