"""Rows of a query as a frame."""

from typing import TYPE_CHECKING

import duckdb

if TYPE_CHECKING:
    import polars as pl


def fetch(relation: duckdb.DuckDBPyRelation) -> "pl.DataFrame":
    """Return the rows of a query as a frame.

    ``relation.pl()`` would load pyarrow, which a short command does without, and ``pl.DataFrame`` of a relation never
    lets go of it.
    """
    import polars as pl

    return pl.scan_arrow_c_stream(relation).collect()
