"""Streams of Arrow batches into the table ``records`` of a database in memory, which spills to disk."""

from collections.abc import Iterable, Iterator

import duckdb
import pyarrow as pa


def load_batches(connection: duckdb.DuckDBPyConnection, schema: pa.Schema, batches: Iterable[pa.RecordBatch]) -> None:
    """Make ``records`` of batches, holding a few of them at once.

    Parameters
    ----------
    connection : DuckDBPyConnection
        Of a database in memory.
    schema : pa.Schema
        Of all batches.
    batches : iterable of pa.RecordBatch
        Where they come from may fail: its own error is raised, not DuckDB's about it.
    """
    failures: list[Exception] = []
    reader = pa.RecordBatchReader.from_batches(schema, _noting(batches, failures))
    try:
        load_stream(connection, reader)
    except duckdb.Error as error:
        if failures:
            raise failures[0] from error
        raise


def load_stream(connection: duckdb.DuckDBPyConnection, reader: pa.RecordBatchReader) -> None:
    """Make ``records`` of a stream that somebody else makes."""
    connection.register("incoming", reader)
    try:
        connection.execute("CREATE OR REPLACE TEMP TABLE records AS FROM incoming")
    finally:
        connection.unregister("incoming")


def _noting(batches: Iterable[pa.RecordBatch], failures: list[Exception]) -> Iterator[pa.RecordBatch]:
    try:
        yield from batches
    except Exception as error:
        failures.append(error)
        raise
