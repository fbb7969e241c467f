"""Imported vectors: from a file of word vectors, a Parquet file, a DuckDB table, or a store of anomembed."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl
from numpy.typing import NDArray

from anomembed.errors import DataError, SourceError, first_names, shown
from anomembed.read.column_types import is_vector
from anomembed.read.quoting import quote_identifier
from anomembed.read.table import Table
from anomembed.read.word_files import Rows, read_word_file

MAGIC, MAGIC_OFFSET = b"DUCK", 8  # what a DuckDB file holds, and where
VECTOR = ("vector", "embedding")  # names of the column of vectors
OF_COLUMN = ("column", "column_name")  # names of the column that says which column a token is from
NEWEST = "SELECT * FROM tokens WHERE n_records > 0 AND model_id = (SELECT max(model_id) FROM models)"
TABLES = "SELECT table_name, lower(column_name) AS column_name, schema_name FROM duckdb_columns() WHERE NOT internal"
VECTORS_AT_ONCE = 50_000
UNREADABLE = "\ufffd"  # replaces bytes that are not UTF-8
LARGEST = 1e9  # largest number in a vector, far beyond those of any embedding


@dataclass(frozen=True)
class TokenVectors:
    """Vectors by name.

    Parameters
    ----------
    source : str
        Where they come from.
    names : tuple of str
        Distinct; ``column=token`` for a column, or just the token, for every column.
    vectors : ndarray of shape (n_names, width)
        Float32, finite, none of them zero.
    notes : tuple of str
        What was left out and which names are odd, a clause each.
    """

    source: str
    names: tuple[str, ...]
    vectors: NDArray[np.float32]
    notes: tuple[str, ...] = ()

    @property
    def width(self) -> int:
        """Numbers per vector."""
        return int(self.vectors.shape[1])


def read_vectors(source: str | Path) -> TokenVectors:
    """Read vectors.

    Parameters
    ----------
    source : str or Path
        Word2vec text or binary, GloVe text, a Parquet file, or a DuckDB file. The last two need a table of the columns
        ``token``, ``vector`` (or ``embedding``), and ``column`` (or ``column_name``) where tokens of different columns
        have different vectors; of a store, the tokens of its newest model are read.

    Returns
    -------
    TokenVectors

    Raises
    ------
    SourceError
        When there is no such file, or no such table in it.
    DataError
        When it holds no vectors, or they have several widths, are not finite, or are cut off.
    """
    path = Path(source)
    if path.is_dir():
        raise SourceError(f"{path} is a folder; name the file of vectors in it")
    if not path.is_file():
        raise SourceError(f"no such file of vectors: {path}")
    if path.suffix.lower() == ".parquet":
        names, vectors = _read_table(str(path), None)
    elif _is_database(path):
        names, vectors = _read_table(str(path), _find_table(str(path)))
    else:
        names, vectors = read_word_file(path)
    return _checked(str(path), names, vectors)


def read_wanted_vectors(source: str | None) -> TokenVectors | None:
    """Read vectors as `read_vectors` does; None without a source."""
    return read_vectors(source) if source else None


def _is_database(path: Path) -> bool:
    with path.open("rb") as content:
        content.seek(MAGIC_OFFSET)
        return content.read(len(MAGIC)) == MAGIC


def _find_table(path: str) -> str:
    """Return a query on the one table that holds vectors."""
    with Table(path, TABLES) as listed:
        select = {column.name: column.expression for column in listed.columns}
        known = pl.concat(
            list(listed.batches(select, (), None, VECTORS_AT_ONCE)) or [pl.DataFrame(schema=list(select))]
        )
    tables = {
        (schema, name): set(rows["column_name"])
        for (schema, name), rows in known.group_by("schema_name", "table_name", maintain_order=True)
    }
    if {("main", "store_version"), ("main", "tokens"), ("main", "models")} <= tables.keys():
        return NEWEST
    found = [table for table, names in tables.items() if "token" in names and names.intersection(VECTOR)]
    if len(found) != 1:
        listed_names = ", ".join(name for _, name in sorted(found)) or "none"
        raise SourceError(f"{path} must hold one table with the columns token and vector; such tables: {listed_names}")
    return f"FROM {'.'.join(map(quote_identifier, found[0]))}"


def _read_table(path: str, query: str | None) -> Rows:
    with Table(path, query) as table:
        known = {column.name.casefold(): column for column in table.columns}
        vector = next((known[name] for name in VECTOR if name in known), None)
        if vector is None or "token" not in known:
            raise SourceError(f"{path} needs the columns token and vector (and column); it has {', '.join(known)}")
        if not is_vector(vector.type):
            raise DataError(f"{path}: {vector.name} is {shown(vector.type)}, not a list of numbers")
        column = next((known[name].expression for name in OF_COLUMN if name in known), None)
        token = f"CAST({known['token'].expression} AS VARCHAR)"
        name = f"coalesce(CAST({column} AS VARCHAR) || '=', '') || {token}" if column else token
        select = {"name": name, "vector": f"CAST({vector.expression} AS FLOAT[])"}
        frames = list(table.batches(select, (), None, VECTORS_AT_ONCE))
    if not frames:
        raise DataError(f"{path} is empty: there are no vectors in it")
    frame = pl.concat(frames)
    widths = frame["vector"].list.len().unique().drop_nulls().sort().to_list()
    if len(widths) != 1 or frame["vector"].null_count() or not widths[0]:
        found = first_names(widths)
        found += " and missing ones" if frame["vector"].null_count() else ""
        raise DataError(f"{path}: all vectors must have the same width; found widths {found}")
    numbers = frame["vector"].explode(empty_as_null=True).to_numpy().astype(np.float32)
    return frame["name"].to_list(), numbers.reshape(-1, widths[0])


def _checked(source: str, names: Sequence[str | None], vectors: NDArray[np.float32]) -> TokenVectors:
    """Refuse numbers that are too large; keep the first vector of every name, unless it is zero."""
    bad = np.flatnonzero(~(np.abs(vectors) <= LARGEST).all(axis=1))
    if len(bad):
        what = f"beyond {LARGEST:g}" if np.isfinite(vectors[bad[0]]).all() else "that is not finite"
        raise DataError(f"{source}: the vector of {shown(names[bad[0]] or '')} has a number {what}")
    first: dict[str, int] = {}
    for row, name in enumerate(names):
        if name is not None:
            first.setdefault(name, row)
    if not first:
        raise DataError(f"{source}: no vector has a name")
    is_nonzero = (vectors != 0).any(axis=1).tolist()
    kept = {name: row for name, row in first.items() if is_nonzero[row]}
    if not kept:
        raise DataError(f"{source}: all vectors are zero")
    n_nameless = sum(name is None for name in names)
    found = {
        "without a name, left out": n_nameless,
        "with a repeated name, left out: the first of each counts": len(names) - n_nameless - len(first),
        "of zeros, left out": len(first) - len(kept),
        "with a name that is not valid UTF-8": sum(UNREADABLE in name for name in kept),
    }
    notes = tuple(f"{n:,} {what}" for what, n in found.items() if n)
    return TokenVectors(source, tuple(kept), vectors[list(kept.values())], notes)
