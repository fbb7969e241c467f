"""Rows of a query as a frame."""

from typing import TYPE_CHECKING

import duckdb

from anomembed.read.quoting import quote_identifier

if TYPE_CHECKING:
    import polars as pl


def fetch(relation: duckdb.DuckDBPyRelation) -> "pl.DataFrame":
    """Return the rows of a query as a frame; intervals, which no frame holds, as text.

    ``relation.pl()`` would load pyarrow, which a short command does without, and ``pl.DataFrame`` of a relation never
    lets go of it.
    """
    import polars as pl

    return pl.scan_arrow_c_stream(without_intervals(relation)).collect()


def without_intervals(found: duckdb.DuckDBPyRelation) -> duckdb.DuckDBPyRelation:
    """Return the rows of a query with intervals as text."""
    has_intervals = ["INTERVAL" in str(kind) for kind in found.types]  # within a list, too
    if not any(has_intervals):
        return found
    names = zip(map(quote_identifier, found.columns), has_intervals, strict=True)
    return found.project(", ".join(f"CAST({name} AS VARCHAR) AS {name}" if is_one else name for name, is_one in names))
